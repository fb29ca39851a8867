"""From what was collected to its table: one row per patient or per Einrichtungskontakt.

Nothing is guessed. What two sources contradict, what has no valid shape and what is not linked is missing
and counted. So is a column whose resource types the export does not hold: no table of diagnoses is not the
same as no diagnosis.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from mii.code_shapes import fitting
from mii.codes import CODED_LISTS, DRUG_LISTS, code_lists, drug_codes, with_row
from mii.collecting import Collected
from mii.diagnoses import main_diagnoses
from mii.elements import VITAL_STATUS
from mii.facts import by_text, plain
from mii.labs import laboratory
from mii.persons import Columns, person_columns
from mii.procedures import PERFORMED, performed
from mii.request import (
    MEDICATION_COLUMNS,
    MEDICATION_EVENTS,
    STATISTICS,
    MiiRequest,
    Observation,
    asked_observations,
    columns,
    without_source,
)
from mii.stays import Stays, stay_columns
from mii.tokens import ICD_10_GM

_WHOLE = frozenset({"age_years", "length_of_stay_days"})


def build(collected: Collected, request: MiiRequest) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The table that ``request`` asks for, sorted by ids, and counts of how it came about.

    Raises ``BadInput`` where a laboratory value's unit does not convert.
    """
    stays = Stays(collected.stays, collected.persons)
    rows = sorted_rows(collected, stays, request)
    linked = _linked(collected, stays, request)
    missing, codes = Counter[str](), Counter[str]()
    statistics, laboratory_counts = _laboratory(linked, asked_observations(request))
    keys = [row.key for row in rows]
    values: dict[str, Any] = {
        "patient_id": [row.patient for row in rows],
        "encounter_id": [row.encounter or None for row in rows],
        **_described(collected, stays, rows, request, missing),
        **_lists(linked, request, keys, codes),
        **_lab_columns(statistics, request, keys),
    }
    if request.columns & PERFORMED:
        values |= performed(_of(linked, "Procedure"), keys, missing)
    if request.columns & MEDICATION_COLUMNS:
        values |= _medications(linked, collected, request, keys, codes)
    untold = without_source(request, collected.types)
    frame = pl.DataFrame([_series(name, values[name]) for name in columns(request)])
    frame = frame.with_columns(frame[name].clear(frame.height) for name in untold)
    return frame, {
        "rows": len(rows),
        "patients_out": len({row.patient for row in rows}),
        **stays.counts(),
        "resources_void_by_status": _void(collected),
        "resources_without_row": _types(linked.filter(pl.col("row").is_null())),
        "codes": _sorted(codes),
        "columns_without_source": untold,
        "laboratory": _sorted(laboratory_counts),
        "set_to_missing": _sorted(missing),
    }


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """A row: its patient, the Encounter that dates it, and the key its resources are gathered by."""

    patient: str
    encounter: str
    key: str


def sorted_rows(collected: Collected, stays: Stays, request: MiiRequest) -> list[Row]:
    """The rows of the table, in their order."""
    return sorted(_rows(collected, stays, request))


def _rows(collected: Collected, stays: Stays, request: MiiRequest) -> Iterator[Row]:
    if request.row == "encounter":
        yield from (Row(stay.patient, key, key) for key, stay in stays.facility.items())
        return
    index = stays.index(request.index_encounter)
    yield from (Row(patient, index.get(patient, ""), patient) for patient in collected.persons)


def _linked(collected: Collected, stays: Stays, request: MiiRequest) -> pl.DataFrame:
    """The resources that tell of something, with the key of the row each belongs to, or none."""
    persons = collected.persons

    def row_of(patient: str, encounter: str) -> str | None:
        if request.row == "encounter":
            return stays.of_row(patient, encounter)
        return patient if patient in persons else None

    by = ("patient", "encounter") if request.row == "encounter" else ("patient",)
    return with_row(collected.facts.filter(_TELLS), by, row_of)


_TELLS = pl.col("void").is_null() & pl.col("codes").is_not_null()


def _of(facts: pl.DataFrame, *names: str) -> pl.DataFrame:
    """The facts of some types, with texts."""
    return plain(facts.filter(pl.col("type").is_in(names)))


def _measured(facts: pl.DataFrame, loinc: str) -> pl.DataFrame:
    """The Observations with a LOINC code, with texts."""
    token = rf"(?:^| ){re.escape(loinc)}(?: |$)"
    is_asked = by_text(facts["codes"], lambda texts: texts.str.contains(token))
    return plain(facts.filter(is_asked, pl.col("type") == "Observation"))


def _laboratory(
    linked: pl.DataFrame, observations: Mapping[str, Observation]
) -> tuple[pl.DataFrame, Counter[str]]:
    """What `laboratory` gives for each column asked for, one after the other: they can be millions."""
    needed = linked.select("type", "row", "id", "codes", "moment", "value", "comparator", "unit")
    counts = Counter[str]()
    frames = [laboratory(plain(needed.clear()), {})[0]]
    for name, asked in sorted(observations.items()):
        frame, told = laboratory(_measured(needed, asked.loinc), {name: asked})
        frames.append(frame)
        counts.update(told)
    return pl.concat(frames), counts


def _described(
    collected: Collected, stays: Stays, rows: Sequence[Row], request: MiiRequest, missing: Counter[str]
) -> dict[str, list[Any]]:
    """The columns of the persons, and of the Encounters that date the rows."""
    used = {row.encounter: stays.facility[row.encounter] for row in rows if row.encounter}
    conditions = _of(collected.facts, "Condition")
    vital = _measured(collected.facts.filter(_TELLS), VITAL_STATUS)
    persons = person_columns(
        collected.persons,
        _causes(conditions.filter(pl.col("void").is_null()), missing),
        _sets(vital.select("patient", "concept").drop_nulls()),
        today=request.reference_date,
        counts=missing,
    )
    visits: Columns = {
        **stay_columns(used, missing),
        **main_diagnoses(used, conditions, missing),
    }
    return {
        **{name: [values.get(row.patient) for row in rows] for name, values in persons.items()},
        **{name: [values.get(row.encounter) for row in rows] for name, values in visits.items()},
    }


def _causes(conditions: pl.DataFrame, missing: Counter[str]) -> dict[str, frozenset[str]]:
    """The distinct ICD-10 codes, by patient; what is no code is counted."""
    each = conditions.select("patient", pl.col("others").str.extract_all(r"\S+")).explode("others")
    told = each.drop_nulls()
    valid = told.filter(pl.col("others").is_in(fitting(ICD_10_GM, told["others"].unique())))
    missing["cause_of_death_malformed"] += told.height - valid.height
    return _sets(valid)


def _sets(told: pl.DataFrame) -> dict[str, frozenset[str]]:
    """The distinct values of the second column by the first one's."""
    first, second = told.columns
    grouped = told.group_by(first).agg(pl.col(second).unique())
    return {patient: frozenset(codes) for patient, codes in grouped.iter_rows()}


def _lab_columns(statistics: pl.DataFrame, request: MiiRequest, keys: list[str]) -> dict[str, pl.Series]:
    rows = pl.DataFrame({"row": keys}, schema={"row": pl.String})
    made: dict[str, pl.Series] = {}
    for lab in request.observations:
        own = rows.join(statistics.filter(pl.col("lab") == lab), on="row", how="left", maintain_order="left")
        made |= {f"lab_{lab}_{name}": own[name] for name in STATISTICS}
        made[f"lab_{lab}_count"] = own["count"].fill_null(0)
    return made


def _lists(
    linked: pl.DataFrame, request: MiiRequest, keys: list[str], counts: Counter[str]
) -> dict[str, pl.Series]:
    return {
        name: code_lists(_of(linked, kind), keys, counts, system=system)
        for name, (kind, system) in CODED_LISTS.items()
        if name in request.columns
    }


def _medications(
    linked: pl.DataFrame, collected: Collected, request: MiiRequest, keys: list[str], counts: Counter[str]
) -> dict[str, pl.Series]:
    """Asked only for its columns: consent reads the events without the Medications they name."""
    events = _of(linked, *MEDICATION_EVENTS)
    codes = drug_codes(events, collected.substances, counts)
    return {
        name: code_lists(codes, keys, counts, system=system)
        for name, system in DRUG_LISTS.items()
        if name in request.columns
    }


def _void(collected: Collected) -> dict[str, int]:
    stays = sum(stay.void is not None for stay in collected.stays.values())
    return _types(collected.facts.filter(pl.col("void").is_not_null())) | (
        {"Encounter": stays} if stays else {}
    )


def _types(frame: pl.DataFrame) -> dict[str, int]:
    counts = frame.group_by("type").len().sort("type")
    return dict(zip(counts["type"], counts["len"], strict=True))


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}


def _series(name: str, values: list[Any] | pl.Series) -> pl.Series:
    if isinstance(values, pl.Series):
        return values.alias(name)
    dtype = pl.Boolean if name == "deceased" else pl.Int64 if name in _WHOLE else pl.String
    return pl.Series(name, values, dtype=dtype)
