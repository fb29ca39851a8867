"""What a report is told: a release's facts, which may leave the house, and a run's, which stay inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import datetime

    import polars as pl

Status = Literal["recounted", "attested"]


@dataclass(frozen=True, slots=True)
class ReleasedColumn:
    """One column of the release and what was done to it.

    ``role`` names the role, or two separated by a comma (``quasi-identifier, sensitive``). ``level`` of
    ``height`` is the generalisation level, None for a column without a hierarchy; where records differ in
    it, the lowest one, and ``highest_level`` the highest.
    """

    name: str
    role: str
    type: str
    level: int | None
    height: int | None
    level_name: str | None
    treatment: str
    highest_level: int | None = None

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(part.strip() for part in self.role.split(","))

    @property
    def is_quasi_identifier(self) -> bool:
        return "quasi-identifier" in self.roles

    @property
    def is_sensitive(self) -> bool:
        return "sensitive" in self.roles


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """A criterion, what it asked and what the verifier found.

    ``recounted``: anybody can count it again from the released file. ``attested``: it was checked in the run
    against facts that are not released, so ``reached`` is not shown outside the house.
    """

    name: str
    column: str | None
    parameters: Mapping[str, int | float | str]
    reached: float | int | None
    status: Status


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """Everything the release report may know: nothing here may describe the input beyond the release.

    ``frame`` is the re-read released table. ``row_is_person`` is false where a person may have several rows,
    which then cannot be counted as people from the release. ``reviewed`` says whether a person has reviewed
    the columns' roles; None where nobody said.
    """

    name: str
    frame: pl.DataFrame
    columns: tuple[ReleasedColumn, ...]
    criteria: tuple[CriterionResult, ...]
    row_is_person: bool
    consent: str
    reference_date: datetime.date | str
    reviewed: bool | None = None

    @property
    def quasi_identifiers(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.is_quasi_identifier)


@dataclass(frozen=True, slots=True)
class RunContext:
    """What the internal report says besides the figures.

    ``run`` holds the run's facts by name (nested mappings allowed: ``search`` and the like), ``consent`` the
    audit's counts or None for a plain table, ``thresholds`` a limit by figure, ``criteria`` what the verifier
    found of each, attested or not. ``reviewed`` is as in ``ReleaseFacts``.
    """

    name: str
    run: Mapping[str, object]
    consent: Mapping[str, object] | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    criteria: tuple[CriterionResult, ...] = ()
    reviewed: bool | None = None
