"""Flattened tables as NDJSON and as Parquet give what the same tables give as CSV."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mii
from anonymizer.errors import BadInput
from tests.conftest import SHARED, needs_shared
from tests.fhir_export import request

CANARY = "Zephyrine"
PERSON: dict[str, Any] = {
    "id": "p",
    "Patient_gender": "female",
    "Patient_birthDate": "1962-05",
    "Patient_deceased_X_Deceasedboolean": True,
    "Patient_addressStrassenanschrift_postalCode": "01067",
}
LAB: dict[str, Any] = {
    "id": "l",
    "patient": "Patient/p",
    "Observation_code_coding_system": "http://loinc.org",
    "Observation_code_coding_code": "1988-5",
    "Observation_effective_X_Effectivedatetime": "2024-02-01",
    "Observation_value_X_Valuequantity_value": 3.5,
    "Observation_value_X_Valuequantity_code": "mg/L",
    "Observation_value_X_Valuequantity_comparator": None,
}
Rows = list[dict[str, Any]]


def as_json(path: Path, rows: Rows) -> None:
    path.with_suffix(".ndjson").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def as_parquet(path: Path, rows: Rows) -> None:
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(path.with_suffix(".parquet"))


LAYOUTS = [as_json, as_parquet]
Write = Callable[[Path, Rows], None]


@pytest.mark.parametrize("write", LAYOUTS)
def test_cells_keep_their_types_and_their_meaning(tmp_path: Path, write: Write) -> None:
    """A number is a number, true is true, null is missing, and a leading zero stays."""
    write(tmp_path / "MII PR Person Patient", [PERSON])
    write(tmp_path / "MII PR Labor Laboruntersuchung", [LAB, {**LAB, "Observation_code_coding_code": "x"}])
    columns = ("patient_id", "gender", "birth_date", "plz", "deceased", "lab_crp_last", "lab_crp_count")
    found = mii.read(tmp_path, request(*columns))
    assert found.frame.rows() == [("p", "female", "1962-05", "01067", True, 3.5, 1)]
    assert found.audit["form"] == "flattened"


@needs_shared
@pytest.mark.parametrize("write", LAYOUTS)
@pytest.mark.parametrize("form", ["c_flattened_csv", "d_aether_flattener_csv"])
def test_the_test_data_in_other_layouts_are_the_same_table(tmp_path: Path, form: str, write: Write) -> None:
    folder = SHARED / "data" / "mii-kds-2026" / form
    for table in folder.glob("*.csv"):
        with table.open(encoding="utf-8", newline="") as stream:
            write(
                tmp_path / table.stem, [{n: c or None for n, c in r.items()} for r in csv.DictReader(stream)]
            )
    asked = request(*mii.COLUMNS, *mii.OPTIONAL, *mii.lab_columns(["crp"]))
    assert mii.read(tmp_path, asked).frame.equals(mii.read(folder, asked).frame)


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "q", "Patient_gender": {"code": "female"}}',
        '{"id": "q", "Patient_gender": ["female"]}',
        '{"id": "q", "Patient_gender": "female"',
        f'{{"id": "q", "{CANARY}": "female"}}',
        f'{{"resourceType": "Patient", "id": "{CANARY}"}}',
        '["q"]',
    ],
)
def test_a_line_that_is_no_row_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "Patient.ndjson").write_text(f"{json.dumps(PERSON)}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"Patient\.ndjson: line 3 is no row") as refused:
        mii.read(tmp_path, request("gender"))
    assert CANARY not in str(refused.value)


def test_a_damaged_parquet_table_is_refused(tmp_path: Path) -> None:
    as_parquet(tmp_path / "Patient", [PERSON])
    whole = (tmp_path / "Patient.parquet").read_bytes()
    (tmp_path / "Patient.parquet").write_bytes(whole[:-20])
    with pytest.raises(BadInput, match="no readable Parquet file"):
        mii.read(tmp_path, request("gender"))


def test_a_parquet_table_that_is_packed_once_more_is_refused(tmp_path: Path) -> None:
    as_parquet(tmp_path / "Patient", [PERSON])
    plain = tmp_path / "Patient.parquet"
    (tmp_path / "Patient.parquet.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    with pytest.raises(BadInput, match="packed once more"):
        mii.read(tmp_path, request("gender"))


def test_a_parquet_file_of_something_else_is_refused_beside_resources(tmp_path: Path) -> None:
    """It may hold the withdrawals of those whose data lie beside it."""
    (tmp_path / "Patient.ndjson").write_text('{"resourceType": "Patient", "id": "p"}\n')
    as_parquet(tmp_path / "other", [{"a": 1}])
    with pytest.raises(BadInput, match="may be part of the export"):
        mii.read(tmp_path, request("patient_id"))
