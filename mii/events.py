"""From what was collected to the event tables: one row per encounter, diagnosis, procedure, value or drug.

They hold what consent leaves of the patients that the table of patients has. A value is checked as there:
what has no valid shape, and what one resource tells in two ways, is missing and counted. A resource that is
void is in no table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from mii.codes import drug_codes, valid_codes
from mii.collecting import Collected
from mii.columns import mapped
from mii.dates import span
from mii.diagnoses import main_diagnoses
from mii.event_tables import TABLES, columns, without_source
from mii.facts import plain
from mii.labs import measurements
from mii.request import MEDICATION_EVENTS, MiiRequest
from mii.stays import Stays, stay_columns
from mii.tokens import ALPHA_ID, ATC, ICD_10_GM, ONSET, OPS, ORPHA, PZN, SNOMED

_OWN: Mapping[str, str] = {"icd10gm": ICD_10_GM, "ops": OPS, "atc": ATC}
"""The codes of which an event can have several, each with a row, by column."""

_FURTHER: Mapping[str, str] = {"alpha_id": ALPHA_ID, "orpha": ORPHA, "snomed": SNOMED, "pzn": PZN}
"""The codes of other systems, of which a row has one, by column."""

_NEEDED = ("type", "patient", "start", "void", "codes", "others", "value", "comparator", "unit")
_KINDS: Mapping[str, str] = {kind: kind.removeprefix("Medication").lower() for kind in MEDICATION_EVENTS}
_TYPED: Mapping[str, Any] = {"length_of_stay_days": pl.Int64, "value": pl.Float64}


@dataclass(frozen=True, slots=True)
class _Making:
    """A table as it is made: its columns in their order, and what is counted on the way."""

    name: str
    columns: tuple[str, ...]
    collected: Collected
    request: MiiRequest
    counts: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)


def event_tables(collected: Collected, request: MiiRequest) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """The tables that ``request`` asks for, each with patient_id first, and counts by table for the audit.

    The rows are sorted by all columns, so that the order of an export leaves no trace. Raises ``BadInput``
    where a laboratory value's unit does not convert.
    """
    frames: dict[str, pl.DataFrame] = {}
    told: dict[str, Any] = {}
    for name in (name for name in TABLES if name in request.tables):
        making = _Making(name, columns(name, request.tables[name]), collected, request)
        frame = _shown(_MAKERS[name](making), making)
        frames[name], told[name] = frame, _audit(making, frame)
    untold = without_source(request.tables, collected.types)
    return frames, {"tables": told, "table_columns_without_source": untold}


def _shown(made: pl.DataFrame, making: _Making) -> pl.DataFrame:
    """The table's columns with their types, rows in the order of their values."""
    shown = made.select(
        pl.col("patient").alias("patient_id"),
        *(pl.col(name).cast(_TYPED.get(name, pl.String)) for name in making.columns),
    )
    return shown.sort(shown.columns)


def _audit(making: _Making, frame: pl.DataFrame) -> dict[str, Any]:
    groups = {"codes": making.codes, "set_to_missing": making.missing}
    told = {name: {key: n for key, n in sorted(of.items()) if n} for name, of in groups.items()}
    counts = {key: n for key, n in sorted(making.counts.items()) if n}
    return {"rows": frame.height, "patients": frame["patient_id"].n_unique(), **counts, **told}


# encounters ---------------------------------------------------------------------------------------


def _encounters(making: _Making) -> pl.DataFrame:
    """The Einrichtungskontakte, as one of them dates a row of patients."""
    collected = making.collected
    stays = Stays(collected.stays, collected.persons)
    _count_others(stays, making)
    told = {**stay_columns(stays.facility, making.missing)}
    if "main_diagnosis" in making.columns:
        told |= main_diagnoses(stays.facility, collected.of_types("Condition"), making.missing)
    values = {name: [told[name][identity] for identity in stays.facility] for name in making.columns}
    schema = {name: _TYPED.get(name, pl.String) for name in values}
    patients = pl.Series("patient", [stay.patient for stay in stays.facility.values()], dtype=pl.String)
    return pl.DataFrame(values, schema=schema).insert_column(0, patients)


def _count_others(stays: Stays, making: _Making) -> None:
    persons = making.collected.persons
    valid = [stay for stay in making.collected.stays.values() if stay.void is None]
    without_patient = sum(stay.patient not in persons for stay in valid)
    making.counts["events_without_patient"] += without_patient
    making.counts["encounters_of_other_level"] += len(valid) - without_patient - len(stays.facility)


# what has codes -----------------------------------------------------------------------------------


def _facts(collected: Collected, *kinds: str) -> pl.DataFrame:
    """What tables need of the resources of ``kinds`` that tell something, void ones among them."""
    return plain(collected.facts.filter(pl.col("type").is_in(kinds)).select(_NEEDED))


def _told(making: _Making, *kinds: str) -> pl.DataFrame:
    """The resources of ``kinds`` that may be used and belong to a patient, each with a number ``event``."""
    facts = _facts(making.collected, *kinds)
    valid = facts.filter(pl.col("void").is_null() & pl.col("codes").is_not_null())
    persons = pl.DataFrame({"patient": list(making.collected.persons)}, schema={"patient": pl.String})
    own = valid.join(persons, on="patient", how="semi")
    making.counts["events_without_patient"] += valid.height - own.height
    return own.with_row_index("event")


def _diagnoses(making: _Making) -> pl.DataFrame:
    events = _told(making, "Condition")
    begun = events["codes"].str.extract(rf"(?:^| ){ONSET}:(\S+)")
    dated = events.with_columns(begun.alias("onset_date"), events["start"].alias("recorded_date"))
    return _coded(making, dated, events)


def _procedures(making: _Making) -> pl.DataFrame:
    events = _told(making, "Procedure")
    return _coded(making, events.with_columns(performed_date="start"), events)


def _medications(making: _Making) -> pl.DataFrame:
    events = _told(making, *MEDICATION_EVENTS)
    tokens = events.select("event", "codes")
    if {"atc", "pzn"} & {*making.columns}:
        by_row = events.rename({"event": "row"})
        found = drug_codes(by_row, making.collected.substances, making.codes)
        tokens = found.rename({"row": "event"})
    kinds = events["type"].replace_strict(_KINDS, return_dtype=pl.String)
    return _coded(making, events.with_columns(kinds.alias("kind"), start_date="start"), tokens)


def _coded(making: _Making, events: pl.DataFrame, tokens: pl.DataFrame) -> pl.DataFrame:
    """A row per event and code of the own system; one without such a code has a row for what else it tells.

    ``events`` has a line per resource with its dates; ``tokens`` the columns event and codes.
    """
    rows = events.select("event", "patient", *(n for n in making.columns if n in events.columns))
    rows = rows.with_columns(
        _dates(rows[name], making.missing) for name in making.columns if name.endswith("_date")
    )
    for name in making.columns:
        if name in _OWN:
            rows = rows.join(
                _codes(tokens, _OWN[name], making).rename({"codes": name}), on="event", how="left"
            )
        elif name in _FURTHER:
            rows = rows.join(_single(tokens, name, making), on="event", how="left")
    telling = [name for name in making.columns if name != "kind"]
    if not telling:
        return rows
    kept = rows.filter(pl.any_horizontal(pl.col(telling).is_not_null()))
    making.counts["events_that_tell_nothing"] += rows.height - kept.height
    return kept


def _codes(tokens: pl.DataFrame, system: str, making: _Making) -> pl.DataFrame:
    """Event and code, each pair once."""
    told = tokens.select(pl.col("event").alias("row"), "codes")
    return valid_codes(told, making.codes, system=system).unique().rename({"row": "event"})


def _single(tokens: pl.DataFrame, name: str, making: _Making) -> pl.DataFrame:
    """Event and its only code of the system of column ``name``; of two codes none is chosen."""
    grouped = _codes(tokens, _FURTHER[name], making).group_by("event").agg("codes")
    single = grouped.filter(pl.col("codes").list.len() == 1)
    making.missing[f"{name}_ambiguous"] += grouped.height - single.height
    return single.select("event", pl.col("codes").list.first().alias(name))


def _dates(days: pl.Series, missing: Counter[str]) -> pl.Series:
    """What is a date, maybe partial; what is none is counted."""
    valid = mapped(days, lambda day: day if span(day) is not None else None)
    missing[f"{days.name}_invalid"] += valid.null_count() - days.null_count()
    return valid


# laboratory values --------------------------------------------------------------------------------


def _labs(making: _Making) -> pl.DataFrame:
    """A row per measurement that counts in the table of patients too; others are counted by their reason."""
    events = _told(making, "Observation")
    asked = {observation: name for name, observation in making.request.observations.items()}
    once = {name: observation for observation, name in asked.items()}
    usable, counts = measurements(events.with_columns(row="patient"), once)
    making.counts.update(counts)
    named = usable.select("patient", "value", loinc="codes", unit="wanted", effective_date="start")
    return named.with_columns(_dates(named["effective_date"], making.missing))


_MAKERS: Mapping[str, Callable[[_Making], pl.DataFrame]] = {
    "encounters": _encounters,
    "diagnoses": _diagnoses,
    "procedures": _procedures,
    "labs": _labs,
    "medications": _medications,
}
