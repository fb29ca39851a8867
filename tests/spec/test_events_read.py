"""Tables of events as a run reads them: canonical, checked, counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anonymizer.errors import BadInput
from release.intake.source import Source, read
from tests import tiny_export
from tests.configs import loaded
from tests.runs import anon
from tests.spec.test_tables_config import ADMISSION, KEPT, LENGTH, NO_STAYS, SEVERAL, SHIFTED, edited


def source_of(folder: Path, text: str, change: Callable[[dict[str, Any]], None] = lambda _: None) -> Source:
    """What is read of the tiny export after each of its resources met ``change``."""
    everything = tiny_export.resources(patients=6)
    for resource in everything:
        change(resource)
    tiny_export.ndjson(folder / "export", everything)
    return read(loaded(folder, text))


def of_resource(identity: str, **elements: Any) -> Callable[[dict[str, Any]], None]:
    def change(resource: dict[str, Any]) -> None:
        if resource["id"] == identity:
            resource |= elements

    return change


def test_events_are_tables_of_their_patients_with_canonical_quasi_identifiers(tmp_path: Path) -> None:
    events = source_of(tmp_path, SEVERAL).events

    assert list(events) == ["encounters", "diagnoses", "labs"]
    assert {name: table.subject for name, table in events.items()} == dict.fromkeys(events, "patient_id")
    stays = events["encounters"]
    assert stays.frame.schema == dict.fromkeys(
        ("patient_id", "admission_date", "length_of_stay_days"), pl.String
    )
    assert stays.frame.filter(patient_id="p1").rows() == [
        ("p1", "2021-02-10", "5"),
        ("p1", "2025-02-10", "5"),
    ]
    assert events["labs"].frame.schema["value"] == pl.Float64
    assert [column.name for column in stays.quasi_identifiers] == ["admission_date", "length_of_stay_days"]


def test_a_release_of_one_table_reads_no_events(tmp_path: Path) -> None:
    section = SEVERAL[SEVERAL.index("tables:") : SEVERAL.index("privacy:")]
    text = edited((section, ""), ("  km_anonymity: {column: events, k: 5, m: 2}\n", ""))

    assert source_of(tmp_path, text).events == {}


def test_values_outside_a_hierarchy_are_refused_with_their_table(tmp_path: Path) -> None:
    rule = "{role: sensitive, hierarchy: {prefix: [1], length: 3}, release_level: 1}"
    text = edited((ADMISSION, f"{ADMISSION}    department: {rule}\n"))
    with pytest.raises(BadInput, match=r"'encounters\.department': .* \(1 time\)"):
        source_of(tmp_path, text)


def test_values_outside_a_hierarchy_of_codes_can_be_made_missing(tmp_path: Path) -> None:
    rule = "{role: quasi-identifier, hierarchy: {prefix: [1], length: 3}, release_level: 1, invalid: missing}"
    source = source_of(tmp_path, edited((ADMISSION, f"{ADMISSION}    department: {rule}\n")))

    assert source.events["encounters"].frame["department"].to_list() == [None] * 12
    assert source.audit["impossible_or_malformed"] == {
        "encounters.department": {"malformed": 12, "set_to_missing": 12}
    }


def test_impossible_dates_of_events_are_counted_or_made_missing(tmp_path: Path) -> None:
    change = of_resource("p1-e0", period={"start": "2021-02-10", "end": "2021-02-01"})
    lenient = ADMISSION.replace("admission", "discharge").replace("2}", "2, invalid: missing}")
    text = edited((LENGTH, lenient))
    source = source_of(tmp_path, text, change)

    cells = source.events["encounters"].frame.filter(patient_id="p1", admission_date="2021-02-10")
    assert cells["discharge_date"].to_list() == [None]
    assert source.audit["impossible_or_malformed"] == {
        "encounters.admission_date": {"discharge_before_admission": 1},
        "encounters.discharge_date": {"discharge_before_admission": 1, "set_to_missing": 1},
    }


def test_a_contradiction_is_seen_in_a_column_that_is_not_released(tmp_path: Path) -> None:
    change = of_resource("p1-e0", period={"start": "2021-02-10", "end": "2021-02-01"})
    text = edited(
        (
            LENGTH,
            "",
        )
    )
    source = source_of(tmp_path, text, change)

    assert source.events["encounters"].frame.columns == ["patient_id", "admission_date"]
    assert "encounters.admission_date" in source.audit["impossible_or_malformed"]  # type: ignore[operator]


def test_an_impossible_date_that_is_shifted_ends_the_run(tmp_path: Path) -> None:
    change = of_resource("p1-e0-c", recordedDate="2031-01-01")
    text = edited((NO_STAYS, ""), KEPT, ("\noutput", f"\n{SHIFTED}"))
    with pytest.raises(BadInput, match=r"'diagnoses\.recorded_date': impossible dates"):
        source_of(tmp_path, text, change)


def test_codes_outside_known_blocks_are_counted_by_table(tmp_path: Path) -> None:
    code = {"coding": [{"system": "http://fhir.de/CodeSystem/bfarm/icd-10-gm", "code": "U90.0"}]}
    source = source_of(tmp_path, SEVERAL, of_resource("p1-e0-c", code=code))

    assert source.audit["codes_outside_known_blocks"] == {"diagnoses.icd10gm": 1}


def test_check_tells_the_tables_with_their_rows_and_roles(tmp_path: Path) -> None:
    tiny_export.ndjson(tmp_path / "export", tiny_export.resources(patients=6))
    (tmp_path / "config.yaml").write_text(SEVERAL)
    result = anon("check", tmp_path / "config.yaml")

    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0] == "ok: 6 rows, 2 columns"
    assert lines[3:6] == [
        "encounters       12 rows; quasi-identifier: admission_date (level 2), length_of_stay_days (level 1)",
        "diagnoses        12 rows; quasi-identifier: icd10gm (level 2), recorded_date (level 1)",
        "labs             18 rows; quasi-identifier: loinc (level 0); sensitive: value; insensitive: unit",
    ]
