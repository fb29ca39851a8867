"""The MII KDS test data 2026.0.0, event by event: every event table of every form against a literal reading.

What a table must hold is computed from the form's own files with json and csv alone
(`tests/literal_events.py`); the product reads the same folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

import mii
from tests import literal_events
from tests.conftest import SHARED, needs_shared
from tests.fhir_export import request
from tests.literal_export import Resources, flattened

pytestmark = needs_shared

DATA = SHARED / "data" / "mii-kds-2026"
FORMS: dict[str, Callable[[Any], Resources]] = {
    "a_ndjson_per_type": Resources,
    "b_bundles_one_file_per_patient": Resources,
    "b2_torch_bundle_per_line": Resources,
    "c_flattened_csv": flattened,
    "d_aether_flattener_csv": flattened,
}
LABS = {
    "leukocytes": mii.Observation("26464-8", "/nL"),
    "haemoglobin": mii.Observation("718-7", "g/dL"),
    "creatinine": mii.Observation("2160-0", "mg/dL"),
    "crp": mii.Observation("1988-5", "mg/L"),
}
ROWS: dict[str, Callable[[Resources, str], Iterator[tuple[Any, ...]]]] = {
    "encounters": literal_events.encounters,
    "diagnoses": literal_events.diagnoses,
    "procedures": literal_events.procedures,
    "labs": literal_events.labs({asked.loinc: asked.unit for asked in LABS.values()}),
    "medications": literal_events.medications,
}
FEWEST = {"encounters": 20, "diagnoses": 20, "procedures": 40, "labs": 15, "medications": 80}
KINDS = ("administration", "statement", "request")
"""That there was a drug, and nothing of which or when, makes no row."""
NOWHERE = {("encounters", "main_diagnosis")}
"""The only use DD of a stay names a Condition without ICD-10-GM (the cause of death)."""


@cache
def tables(form: str) -> mii.Export:
    asked = {table: frozenset(columns) for table, columns in mii.TABLES.items()}
    return mii.read(DATA / form, request("patient_id", observations=LABS, tables=asked))


@pytest.mark.parametrize("table", mii.TABLES)
@pytest.mark.parametrize("form", FORMS)
def test_every_event_of_every_form(form: str, table: str) -> None:
    told = FORMS[form](DATA / form)
    expected = [
        (who, *row)
        for who in told.by_type["Patient"]
        for row in ROWS[table](told, who)
        if any(cell not in (None, *KINDS) for cell in row)
    ]
    frame = tables(form).tables[table]
    assert frame.columns == ["patient_id", *mii.TABLES[table]]
    assert sorted(frame.rows(), key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize("table", mii.TABLES)
def test_the_data_hold_events_of_every_table_and_every_column(table: str) -> None:
    """A comparison of nothing with nothing would show nothing."""
    frame = tables("a_ndjson_per_type").tables[table]
    assert frame.height >= FEWEST[table]
    empty = {(table, name) for name in mii.TABLES[table] if frame[name].null_count() == frame.height}
    assert empty <= NOWHERE


def test_the_flattened_forms_say_which_tables_they_do_not_hold() -> None:
    told = tables("c_flattened_csv").audit["table_columns_without_source"]
    assert told == sorted(f"medications.{name}" for name in mii.TABLES["medications"])
    told = tables("d_aether_flattener_csv").audit["table_columns_without_source"]
    assert {name.split(".")[0] for name in told} == {*mii.TABLES} - {"labs"}
