"""A proposal for the events of an export's patients as tables beside them; a draft has it commented out.

Levels are coarse: what few people share leaves the release, and the finer a level, the more that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from anonymizer.tables import values
from mii import lab_columns
from release.drafting.measurements import Measurement
from release.drafting.proposing import DAYS, fits
from release.drafting.wording import LEAST_TOLD, EventTable, Proposal, counted
from release.intake.event_columns import ELEMENTS


@dataclass(frozen=True, slots=True)
class _Event:
    """The column that a table is proposed with: its hierarchy, and the level at which it is released."""

    column: str
    hierarchy: object
    level: int
    said: str


_EVENTS: Mapping[str, _Event] = {
    "encounters": _Event("admission_date", DAYS, 3, "years of admission"),
    "diagnoses": _Event("icd10gm", "icd-10-gm", 2, "codes of three characters"),
    "procedures": _Event("ops", "ops", 3, "codes of three characters"),
    "medications": _Event("atc", "atc", 3, "groups of substances"),
}
WANTED: Mapping[str, frozenset[str]] = {name: frozenset({each.column}) for name, each in _EVENTS.items()}
"""What is read of each table to propose it; of laboratory values the patients' columns tell enough."""


def event_proposals(
    tables: Mapping[str, pl.DataFrame],
    labs: Sequence[Measurement],
    proposals: Sequence[Proposal],
    *,
    today: date,
) -> tuple[EventTable, ...]:
    """The tables with events of at least five people, and the kept columns that each would take the place of.

    ``tables`` are those of `WANTED` as they were read, ``labs`` the measurements of the patients' columns.
    """
    kept = [each.column for each in proposals if each.rule["role"] != "identifier"]
    found = dict(_coded(tables, today))
    if labs:
        found["labs"] = _measured(labs)
    told_twice = {**ELEMENTS, "labs": frozenset(lab_columns(each.name for each in labs))}
    return tuple(
        EventTable(name, told, columns, tuple(column for column in kept if column in told_twice[name]))
        for name, (told, columns) in found.items()
    )


_Columns = Mapping[str, Mapping[str, object]]


def _coded(tables: Mapping[str, pl.DataFrame], today: date) -> Iterator[tuple[str, tuple[str, _Columns]]]:
    for name, event in _EVENTS.items():
        frame = tables[name].drop_nulls(event.column) if name in tables else pl.DataFrame()
        if frame.is_empty() or frame["patient_id"].n_unique() < LEAST_TOLD:
            continue
        rule: dict[str, object] = {"role": "quasi-identifier", "hierarchy": event.hierarchy}
        rule["release_level"] = event.level
        distinct = values.canonical(frame[event.column]).unique().to_list()
        told = f"{counted(frame.height, 'events')}; {event.said}"
        if not fits(event.hierarchy, distinct, today):
            rule["invalid"] = "missing"
            told += "; what does not fit is made missing"
        yield name, (told, {event.column: rule})


def _measured(labs: Sequence[Measurement]) -> tuple[str, _Columns]:
    low, high = min(each.clip[0] for each in labs), max(each.clip[1] for each in labs)
    columns: _Columns = {
        "loinc": {"role": "quasi-identifier", "hierarchy": "suppression", "release_level": 0},
        "value": {"role": "sensitive", "clip": (low, high)},
        "unit": {"role": "insensitive"},
    }
    return "the observations above; one pair of limits holds for the values of all", columns
