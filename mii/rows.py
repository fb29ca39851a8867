"""From the records of an export to its table: one row per patient or per Einrichtungskontakt.

Nothing is guessed. What two sources contradict, what has no valid shape and what is not linked is missing
and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from mii.collecting import DATED, Collected
from mii.diagnoses import main_diagnoses
from mii.elements import is_code
from mii.labs import Laboratory
from mii.persons import Columns, person_columns
from mii.records import Coded, Dated, Diagnosis, Measured, Substance
from mii.request import STATISTICS, MiiRequest, columns
from mii.stays import Stays, stay_columns

MEDICATION_EVENTS = ("MedicationAdministration", "MedicationStatement", "MedicationRequest")
_LISTS = frozenset({"icd10gm_all", "ops_all", "atc_all"})
_WHOLE = frozenset({"age_years", "length_of_stay_days"})
_LINKED = tuple(name for name in DATED if name not in ("Encounter", "DiagnosticReport", "ServiceRequest"))


def build(collected: Collected, request: MiiRequest) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The table that ``request`` asks for, sorted by ids, and counts of how it came about.

    Raises ``BadInput`` where a laboratory value's unit does not convert.
    """
    stays = Stays(collected.dated["Encounter"], collected.persons)
    rows = sorted(_rows(collected, stays, request))
    gathered = _Gathered(Laboratory(request.observations), row_of=_row_of(collected, stays, request))
    for name in _LINKED:
        gathered.take(name, collected)
    gathered.laboratory.check()
    missing = Counter[str]()
    values = _values(collected, stays, rows, gathered, request, missing)
    frame = pl.DataFrame(
        [_series(name, values[name]) for name in columns(request)]
    )
    return frame, {**_audit(collected, stays, rows), **gathered.counts(), "set_to_missing": _sorted(missing)}


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """A row: its patient, the Encounter that dates it, and the key its resources are gathered by."""

    patient: str
    encounter: str
    key: str


RowOf = Callable[[Dated, str], str | None]


def _rows(collected: Collected, stays: Stays, request: MiiRequest) -> Iterator[Row]:
    if request.row == "encounter":
        yield from (Row(record.patient, key, key) for key, record in stays.facility.items())
        return
    index = stays.index(request.index_encounter)
    yield from (Row(patient, index.get(patient, ""), patient) for patient in collected.persons)


def _row_of(collected: Collected, stays: Stays, request: MiiRequest) -> RowOf:
    """The function that tells which row a resource belongs to, or none."""
    persons = collected.persons
    if request.row == "encounter":
        return lambda record, encounter: stays.of_row(record.patient, encounter) if encounter else None
    return lambda record, encounter: record.patient if record.patient in persons else None


@dataclass(slots=True)
class _Gathered:
    """Codes and values by the key of the row they belong to, and what did not belong to any."""

    laboratory: Laboratory
    row_of: RowOf
    codes: dict[str, dict[str, set[str]]] = field(default_factory=lambda: {name: {} for name in _LISTS})
    unlinked: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)

    def take(self, name: str, collected: Collected) -> None:
        """Takes in the records of one type."""
        for identity, record in collected.dated[name].items():
            detail = record.detail
            if detail is None or isinstance(detail, str):
                continue
            row = self.row_of(record, detail.encounter)  # type: ignore[union-attr]
            if row is None:
                self.unlinked[name] += 1
            elif isinstance(detail, Measured):
                self.laboratory.add(row, identity, detail)
            elif isinstance(detail, Diagnosis):
                self._add("icd10gm_all", row, (code for code, _ in detail.codes))
            elif isinstance(detail, Coded):
                target = "ops_all" if name == "Procedure" else "atc_all"
                self._add(target, row, self._with_substance(detail, collected.substances))

    def counts(self) -> dict[str, Any]:
        """Counts for the audit."""
        return {
            "laboratory": _sorted(self.laboratory.counts),
            "resources_without_row": _sorted(self.unlinked),
            "codes": _sorted(self.other),
        }

    def _add(self, column: str, row: str, codes: Iterable[str]) -> None:
        found = self.codes[column].setdefault(row, set())
        for code in codes:
            if is_code(code):
                found.add(code)
            else:
                self.other["malformed"] += 1

    def _with_substance(self, drug: Coded, substances: Mapping[str, Substance]) -> Iterator[str]:
        """ATC codes of the event, of its Medication, and of the Medications that one is made of."""
        yield from drug.codes
        waiting, seen = [drug.medication] if drug.medication else [], set[str]()
        while waiting:
            name = waiting.pop()
            substance = substances.get(name)
            if substance is None:
                self.other["medication_references_that_lead_nowhere"] += 1
            elif name not in seen:
                seen.add(name)
                yield from substance.codes
                waiting += substance.ingredients


def _values(
    collected: Collected,
    stays: Stays,
    rows: list[Row],
    gathered: _Gathered,
    request: MiiRequest,
    missing: Counter[str],
) -> dict[str, list[Any]]:
    used = {row.encounter: stays.facility[row.encounter] for row in rows if row.encounter}
    persons = person_columns(collected.persons, collected.dated, today=request.reference_date, counts=missing)
    visits = {
        **stay_columns(used, missing),
        "main_diagnosis": main_diagnoses(used, collected.dated["Condition"], missing),
    }
    keys = [row.key for row in rows]
    return {
        "patient_id": [row.patient for row in rows],
        "encounter_id": [row.encounter or None for row in rows],
        **_by(persons, [row.patient for row in rows]),
        **_by(visits, [row.encounter for row in rows]),
        **{
            name: [" ".join(sorted(by_row.get(key, ()))) for key in keys]
            for name, by_row in gathered.codes.items()
        },
        **_laboratory(gathered.laboratory, request, keys),
    }


def _by(columns_: Columns, keys: list[str]) -> dict[str, list[Any]]:
    return {name: [values.get(key) for key in keys] for name, values in columns_.items()}


def _laboratory(laboratory: Laboratory, request: MiiRequest, keys: list[str]) -> dict[str, list[Any]]:
    return {
        name: laboratory.column(lab, statistic, keys)
        for lab in request.observations
        for statistic in STATISTICS
        if (name := f"lab_{lab}_{statistic}") in request.columns
    }


def _audit(collected: Collected, stays: Stays, rows: list[Row]) -> dict[str, Any]:
    void = Counter[str]()
    for name, records in collected.dated.items():
        void[name] += sum(isinstance(record.detail, str) for record in records.values())
    return {
        "rows": len(rows),
        "patients_out": len({row.patient for row in rows}),
        "resources_void_by_status": _sorted(void),
        **stays.counts(),
    }


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}


def _series(name: str, values: list[Any]) -> pl.Series:
    """A column. Lists come as text with blanks between: polars builds a list of texts row by row, slowly."""
    if name in _LISTS:
        return pl.Series(name, values, dtype=pl.String).str.extract_all(r"\S+")
    return pl.Series(name, values, dtype=_type(name))


def _type(name: str) -> pl.DataType:
    if name == "deceased":
        return pl.Boolean()
    if name in _WHOLE or (name.startswith("lab_") and name.endswith("_count")):
        return pl.Int64()
    return pl.Float64() if name.startswith("lab_") else pl.String()
