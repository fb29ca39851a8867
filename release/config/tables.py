"""The config's section `tables`: which events are released beside the table of patients, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from release.config.columns import Clip, HierarchySpec, clip_is_a_range
from release.config.keys import ColumnName, Count, Finding, Findings, Strict

DATES = frozenset(
    "admission_date discharge_date onset_date recorded_date performed_date effective_date start_date".split()
)
"""The columns of tables of events that hold dates; no table has another column of such a name."""
NUMBERS: Mapping[str, Literal["integer", "number"]] = {"length_of_stay_days": "integer", "value": "number"}


def _refuse_identifier(role: object) -> object:
    if role == "identifier":
        raise PydanticCustomError("identifier", "a column that is not named is not read at all: leave it out")
    return role


class EventColumn(Strict):
    """What one column of a table of events is; a column that is not named is not released."""

    role: Annotated[
        Literal["quasi-identifier", "sensitive", "insensitive"], BeforeValidator(_refuse_identifier)
    ] = Field(
        description="quasi-identifier (an attacker may know it of some events of a person), sensitive or "
        "insensitive (released, and taken for unknown)"
    )
    hierarchy: HierarchySpec | None = Field(default=None, description="how values are generalised")
    release_level: Count | None = Field(
        default=None,
        description="the level at which the column is released; required for a quasi-identifier, since the "
        "levels of events are not searched",
    )
    clip: Clip | None = Field(
        default=None,
        description="lowest and highest number released: what lies beyond becomes the bound; null: no bound",
    )
    invalid: Literal["refuse", "missing"] = Field(
        default="refuse",
        description="malformed codes and impossible dates end the run (65), or they are made missing",
    )

    def broken_rules(self) -> Findings:
        if self.role == "quasi-identifier":
            yield from self._is_generalised()
        else:
            yield from self._is_kept()
        yield from clip_is_a_range(self.clip)

    def _is_kept(self) -> Findings:
        if self.hierarchy is not None and self.release_level is None:
            yield Finding(("hierarchy",), f"has no effect on the role {self.role} without release_level")
        if self.hierarchy is None and self.release_level is not None:
            yield Finding(("release_level",), "needs a hierarchy")
        if self.release_level is not None and self.clip is not None:
            yield Finding(("clip",), "has no effect beside release_level")

    def _is_generalised(self) -> Findings:
        if self.hierarchy is None:
            yield Finding(("hierarchy",), "a quasi-identifier needs a hierarchy")
        if self.release_level is None:
            yield Finding(
                ("release_level",),
                "is required for a quasi-identifier of an event, whose level is not searched for",
            )
        if self.clip is not None:
            yield Finding(("clip",), "has no effect on the role quasi-identifier")


EventColumns = Mapping[ColumnName, EventColumn]
Tables = Mapping[ColumnName, Annotated[EventColumns, Field(min_length=1)]]
"""The rules of every table of events, by the names of its columns."""


def event_kind(name: str) -> str:
    """What a column of a table of events is: date, integer, number or code."""
    return "date" if name in DATES else NUMBERS.get(name, "code")


def event_dates(tables: Tables) -> tuple[str, ...]:
    """The dates of all tables, as the section `time` calls them: ``<table>.<column>``."""
    return tuple(f"{table}.{name}" for table, rules in tables.items() for name in rules if name in DATES)
