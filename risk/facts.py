"""What a report is told: a release's facts, which may leave the house, and a run's, which stay inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import datetime

    import polars as pl

    from risk.reidentification.known_events import KnownEvents

Status = Literal["recounted", "attested"]
Language = Literal["en", "de"]
"""What a report is written in."""
FitOn = Literal["anonymised", "original"]
"""The table that a model learned from."""


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
class LinkedTable:
    """A further table of the release, with one row per event of a person, as it was read again.

    ``frame`` names the person in its column ``key``; ``columns`` are the others.
    """

    name: str
    frame: pl.DataFrame
    columns: tuple[ReleasedColumn, ...]
    key: str = "person"

    @property
    def rows(self) -> int:
        return self.frame.height

    @property
    def quasi_identifiers(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.is_quasi_identifier)


@dataclass(frozen=True, slots=True)
class Rule:
    """What was asked of every row of a synthetic table, as the config states it.

    ``given`` is a condition, the others are constraints. ``stated`` is written in signs where they suffice
    (``admission ≤ discharge``, ``plz → ags``, ``gender = female``), ``where`` the rows that a ``never`` is
    about.
    """

    kind: Literal["given", "order", "range", "determines", "combinations", "never"]
    stated: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Privacy:
    """Differential privacy of a model: with or without any one person, who has so many rows at most."""

    epsilon: float
    delta: float
    rows_per_person: int = 1


@dataclass(frozen=True, slots=True)
class Synthesis:
    """How a synthetic table was made, as far as settings say: no figure of the data.

    ``criteria`` are those that the anonymised table keeps, where the model learned from it. A ``privacy`` of
    None is a table with no guarantee. ``filtered`` names the table whose rows the drawn ones were held
    against, so that those too near were drawn again; None where nothing was. What fewer than ``fewest``
    people have was merged before the model learned; None where nothing was merged by its counts.

    Raises:
        ValueError: settings that contradict one another.
    """

    method: str
    fit_on: FitOn
    privacy: Privacy | None = None
    rules: tuple[Rule, ...] = ()
    criteria: tuple[CriterionResult, ...] = ()
    filtered: FitOn | None = None
    distilled: bool = False
    fewest: int | None = None

    def __post_init__(self) -> None:
        if self.fit_on == "anonymised" and self.privacy is not None:
            raise ValueError("a model that learned from the anonymised table has no privacy of its own")
        if self.fit_on == "original" and self.criteria:
            raise ValueError("the original is no table that keeps criteria")


@dataclass(frozen=True, slots=True)
class SyntheticTable:
    """A synthetic table of the release, as it was read again; ``tables`` hold its drawn people's events."""

    name: str
    frame: pl.DataFrame
    columns: tuple[ReleasedColumn, ...]
    synthesis: Synthesis
    tables: tuple[LinkedTable, ...] = ()


@dataclass(frozen=True, slots=True)
class SyntheticFacts:
    """Everything the release report of a synthetic table alone may know: the table and stated settings.

    It has no room for privacy criteria of its own, as a synthetic table never carries those of the search.
    """

    name: str
    table: SyntheticTable
    consent: str
    reference_date: datetime.date | str
    reviewed: bool | None = None
    language: Language = "en"


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """Everything the release report may know: nothing here may describe the input beyond the release.

    ``frame`` is the re-read released table. ``row_is_person`` is false where a person may have several rows,
    which then cannot be counted as people from the release. ``reviewed`` says whether a person has reviewed
    the columns' roles; None where nobody said.

    Where further ``tables`` are linked to it, ``frame`` is the table of people, ``columns`` are its columns
    but the key, ``table_name`` is its name, and ``known`` is what an attacker knows of the events, counted on
    the release.

    Raises:
        ValueError: linked tables without what is known of them, without people, or the other way round.
    """

    name: str
    frame: pl.DataFrame
    columns: tuple[ReleasedColumn, ...]
    criteria: tuple[CriterionResult, ...]
    row_is_person: bool
    consent: str
    reference_date: datetime.date | str
    reviewed: bool | None = None
    tables: tuple[LinkedTable, ...] = ()
    known: KnownEvents | None = None
    table_name: str = "patients"
    synthetic: SyntheticTable | None = None
    language: Language = "en"

    def __post_init__(self) -> None:
        if bool(self.tables) != (self.known is not None) or (self.tables and not self.row_is_person):
            raise ValueError("linked tables come with rows that are people and what is known of their events")

    @property
    def quasi_identifiers(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.is_quasi_identifier)


@dataclass(frozen=True, slots=True)
class EventAccount:
    """What became of one linked table's events: for the house alone.

    Of ``rows_in`` events of ``people_in`` people, ``removed`` were taken from people who are released (a
    class would have shown too few people with them), the others left with suppressed people; ``rows_out`` of
    ``people_out`` people are released.
    """

    name: str
    rows_in: int
    rows_out: int
    removed: int
    people_in: int
    people_out: int

    @property
    def suppressed(self) -> int:
        """The events that left with their person."""
        return self.rows_in - self.rows_out - self.removed


@dataclass(frozen=True, slots=True)
class RunContext:
    """What the internal report says besides the figures.

    ``run`` holds the run's facts by name (nested mappings allowed: ``search`` and the like), ``consent`` the
    audit's counts or None for a plain table, ``thresholds`` a limit by figure, ``criteria`` what the verifier
    found of each, attested or not. ``reviewed`` is as in ``ReleaseFacts``, and ``events`` tells of the linked
    tables. ``synthesis`` says how a synthetic table was made and what that took (``method``, ``rows_redrawn``
    and the like), by name, nested as ``run``.
    """

    name: str
    run: Mapping[str, object]
    consent: Mapping[str, object] | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    criteria: tuple[CriterionResult, ...] = ()
    reviewed: bool | None = None
    events: tuple[EventAccount, ...] = ()
    synthesis: Mapping[str, object] = field(default_factory=dict)
    language: Language = "en"
