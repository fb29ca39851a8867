"""Which columns of which tables have an element, and the rows of a table in their order, with their ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from anonymizer.errors import BadConfig, BadInput
from anonymizer.tables.row_order import in_order
from mii.writing.placing import Row

PERSON = "person"
PATIENTS, STAYS, DIAGNOSES = "patients", "encounters", "diagnoses"
PROCEDURES, LABS, MEDICATIONS = "procedures", "labs", "medications"
_TEXT = frozenset({pl.String})
_DAY = frozenset({pl.String, pl.Date})
_TRUTH = frozenset({pl.String, pl.Boolean})
_NUMBER = frozenset({pl.String, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Float32, pl.Float64})
_Types = frozenset[Any]


def _columns(texts: str, days: str = "", others: Mapping[str, _Types] | None = None) -> Mapping[str, _Types]:
    of_texts, of_days = dict.fromkeys(texts.split(), _TEXT), dict.fromkeys(days.split(), _DAY)
    return {**of_texts, **of_days, **(others or {})}


COLUMNS: Mapping[str, Mapping[str, _Types]] = {
    PATIENTS: _columns(
        "gender gender_amtlich plz ags cause_of_death",
        "birth_date death_date",
        {"age_years": _NUMBER, "deceased": _TRUTH},
    ),
    STAYS: _columns(
        "department encounter_level contact_type class admission_reason admission_source discharge_reason "
        "main_diagnosis",
        "admission_date discharge_date",
        {"length_of_stay_days": _NUMBER},
    ),
    DIAGNOSES: _columns("icd10gm alpha_id orpha snomed", "onset_date recorded_date"),
    PROCEDURES: _columns("ops snomed", "performed_date"),
    LABS: _columns("loinc unit comparator", "effective_date", {"value": _NUMBER}),
    MEDICATIONS: _columns("atc pzn kind", "start_date"),
}
"""The columns beside ``person`` that have an element, by table, with the types that their cells may have."""

_LETTERS = {STAYS: "e", DIAGNOSES: "d", PROCEDURES: "p", LABS: "l", MEDICATIONS: "m"}
_SLICE_ROWS = 1 << 16
_KEY = re.compile(r"[A-Za-z0-9\-.]{1,48}")
_UNPRINTABLE = r"^\s*$|[\x00-\x08\x0b\x0c\x0e-\x1f]"


def require_writable(columns: Mapping[str, Iterable[str]]) -> None:
    """Nothing where every column of every table (beside ``person``) has an element.

    Raises ``BadConfig`` (78) for the first table or column that has none, and where there are no patients,
    whom everything else refers to.
    """
    if PATIENTS not in columns:
        raise BadConfig(f"FHIR needs the table {PATIENTS}: all other resources refer to a Patient")
    for table, names in columns.items():
        if table not in COLUMNS:
            raise BadConfig(f"the table {table!r} has no resource in the core dataset's FHIR profiles")
        for name in names:
            if name != PERSON and name not in COLUMNS[table]:
                raise BadConfig(
                    f"no element of FHIR for this column of {table}",
                    column=name,
                    hint="drop it (identifier), tell it in one of `tables`, or leave fhir out of the formats",
                )


def require_conformant(tables: Mapping[str, pl.DataFrame]) -> None:
    """Nothing where FHIR can hold the tables' cells and every row is about a patient.

    Raises ``BadConfig`` as `require_writable` does, and for a type that an element cannot have; ``BadInput``
    for persons' keys that are no FHIR id, or twice among the patients, or not among them, and for texts and
    numbers that FHIR does not allow.
    """
    require_writable({table: frame.columns for table, frame in tables.items()})
    for table, frame in tables.items():
        if PERSON not in frame.columns:
            raise BadConfig(f"{table} lack the key that says whom a row is about", column=PERSON)
    for table, frame in tables.items():
        for cells in frame:
            _require_type(table, cells)
            _require_cells(cells)
    _require_persons(tables)


def rows(frame: pl.DataFrame) -> Iterator[tuple[str, Row]]:
    """Each row with its person, in the order of person and all columns; dates and truth values as text."""
    as_text = [pl.col(pl.Date).cast(pl.String), pl.col(pl.Boolean).cast(pl.String)]
    names = sorted(name for name in frame.columns if name != PERSON)
    ordered = in_order(frame.select(PERSON, *names))
    for part in ordered.iter_slices(_SLICE_ROWS):
        for row in part.with_columns(as_text).iter_rows(named=True):
            yield row.pop(PERSON), row


def numbered(table: str, frame: pl.DataFrame) -> Iterator[tuple[str, str, Row]]:
    """Each row of an event with its person and its id: the person's key, and a number from 1 per person.

    The rows are in the order of what they tell, so that the numbers tell nothing more.
    """
    letter, before, number = _LETTERS[table], None, 0
    for person, row in rows(frame):
        number = number + 1 if person == before else 1
        before = person
        yield person, f"{person}-{letter}{number}", row


def _require_type(table: str, cells: pl.Series) -> None:
    types = _TEXT if cells.name == PERSON else COLUMNS[table][cells.name]
    if cells.dtype not in types:
        raise BadConfig(
            f"an element of FHIR cannot hold values of type {cells.dtype}",
            column=cells.name,
            hint="relative times and lists of codes have no element",
        )


def _require_cells(cells: pl.Series) -> None:
    if cells.dtype == pl.String:
        refused = int(cells.str.contains(_UNPRINTABLE).sum())
        if refused:
            raise BadInput("a text without a printable sign", column=cells.name, count=refused)
    elif cells.dtype.is_float():
        refused = int((~cells.is_finite()).sum())
        if refused:
            raise BadInput("NaN or infinity in a numeric column", column=cells.name, count=refused)


def _require_persons(tables: Mapping[str, pl.DataFrame]) -> None:
    keys = tables[PATIENTS][PERSON]
    refused = sum(key is None or _KEY.fullmatch(key) is None for key in keys.unique())
    if refused:
        raise BadInput("a person's key is no id of FHIR", column=PERSON, count=refused)
    if twice := len(keys) - keys.n_unique():
        raise BadInput(f"a person is there twice among the {PATIENTS}", column=PERSON, count=twice)
    for table, frame in tables.items():
        if strangers := int((~frame[PERSON].is_in(keys.implode())).fill_null(value=True).sum()):
            raise BadInput(f"rows of {table} are about nobody", column=PERSON, count=strangers)
