"""Released tables, drawn: labels of the hierarchies at every level, suppressed, missing, any other text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
from hypothesis import strategies as st

from anonymizer.hierarchies.dates import UNITS, dates
from anonymizer.hierarchies.hierarchy import Hierarchy, bands
from mii import codesystems
from mii.writing import COLUMNS

Tables = dict[str, pl.DataFrame]
Cells = st.SearchStrategy[Any]

DAYS = ["1936-02-29", "1962", "1962-05", "1962-05-24", "2020-12-31"]
AGES = bands([5, 10, 20], top=90)
STAYS = bands([7], top=90, bottom=1, bottom_group=True)
TYPED = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(str.strip)
"""A label of somebody's own hierarchy."""


def labels(hierarchy: Hierarchy, values: Sequence[str]) -> Cells:
    """What the values become at any level."""
    levels = hierarchy.generalise(values).labels
    return st.sampled_from(sorted({label for level in levels for label in level}))


_DATES = labels(dates(UNITS, first=date(1900, 1, 1), last=date(2026, 11, 22)), DAYS)
_ICD = labels(codesystems.icd_10_gm(), ["I50.13", "I50", "I21.4", "U07.1", "Z99.9", "T00.0"])
_OPS = labels(codesystems.ops(), ["5-323.51", "5-323", "8-800.c0", "1-100", "9-984.7", "4-111"])
_ATC = labels(codesystems.atc(), ["C09AA05", "B01AC06", "V"])

NATURAL: Mapping[str, Cells] = {
    "gender": st.sampled_from(["male", "female", "other", "unknown"]),
    "gender_amtlich": st.sampled_from(["D", "X"]),
    "plz": labels(codesystems.plz(), ["79312", "01067", "10", "00000"]),
    "ags": labels(codesystems.ags(), ["09162000", "11000000", "01"]),
    "cause_of_death": _ICD,
    "age_years": labels(AGES, ["0", "7", "44", "95"]),
    "deceased": st.sampled_from(["true", "false"]),
    "department": st.sampled_from(["0100", "3700", "surgery", "T"]),
    "encounter_level": st.sampled_from(["einrichtungskontakt", "abteilungskontakt"]),
    "contact_type": st.sampled_from(["normalstationaer", "operation"]),
    "class": st.sampled_from(["IMP", "AMB"]),
    "admission_reason": st.sampled_from(["0101", "01", "010", "01A"]),
    "admission_source": st.sampled_from(["E", "N"]),
    "discharge_reason": st.sampled_from(["079", "07", "0101"]),
    "length_of_stay_days": labels(STAYS, ["0", "3", "12", "200"]),
    "icd10gm": _ICD,
    "main_diagnosis": _ICD,
    "alpha_id": st.sampled_from(["I29578", "I1"]),
    "orpha": st.sampled_from(["586", "ORPHA:98896"]),
    "snomed": st.sampled_from(["404684003", "13420004"]),
    "ops": _OPS,
    "loinc": st.sampled_from(["1988-5", "30525-0", "67162-8", "79378-6"]),
    "unit": st.sampled_from(["mg/L", "10*3/uL", "%", "{titer}", "Stück", "mass per volume"]),
    "comparator": st.sampled_from(["<", "<=", ">=", ">"]),
    "value": labels(AGES, ["0", "7", "44", "95"]) | st.sampled_from(["0.10", "-3", "1e5", "007", "[9, 1]"]),
    "atc": _ATC,
    "pzn": st.sampled_from(["06312077", "1234567"]),
    "kind": st.sampled_from(["administration", "statement", "request"]),
    **dict.fromkeys(
        "birth_date death_date admission_date discharge_date onset_date recorded_date performed_date "
        "effective_date start_date".split(),
        _DATES,
    ),
}
"""The labels of each column that it has without anybody's own hierarchy."""

_SENSITIVE: Mapping[Any, Cells] = {
    pl.Date: st.dates(date(1900, 1, 1), date(2026, 11, 22)),
    pl.Boolean: st.booleans(),
    pl.Int64: st.integers(-(2**53), 2**53),
    pl.Float64: st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0),
}


@st.composite
def cells_of(draw: st.DrawFn, column: str, types: frozenset[Any], rows: int) -> pl.Series:
    """A column: text as of a quasi-identifier, or a type as of a sensitive column."""
    dtype = draw(st.sampled_from(sorted(types & {pl.String, *_SENSITIVE}, key=str)))
    text = st.one_of(NATURAL[column], st.just("*"), NATURAL[column], TYPED)
    one = _SENSITIVE.get(dtype, text)
    drawn = draw(st.lists(st.none() | one, min_size=rows, max_size=rows))
    return pl.Series(column, drawn, dtype=dtype)


@st.composite
def released_tables(draw: st.DrawFn) -> Tables:
    """Some of the tables with some of their columns; every event is of a patient."""
    people = draw(st.lists(st.text("0123456789abcdef", min_size=4, max_size=32), max_size=4, unique=True))
    names = draw(st.sets(st.sampled_from(sorted(set(COLUMNS) - {"patients"}))))
    found: Tables = {}
    for table in ("patients", *sorted(names)):
        rows = len(people) if table == "patients" else draw(st.integers(0, 6 if people else 0))
        keys = people if table == "patients" else [draw(st.sampled_from(people)) for _ in range(rows)]
        columns = draw(st.sets(st.sampled_from(sorted(COLUMNS[table]))))
        drawn = [draw(cells_of(name, COLUMNS[table][name], rows)) for name in sorted(columns)]
        found[table] = pl.DataFrame([pl.Series("person", keys, dtype=pl.String), *drawn])
    return found
