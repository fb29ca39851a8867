"""An export is recognised by looking at it, and read the same however it is packed, cut and ordered."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

import mii
from anonymizer.errors import BadInput, InputMissing
from tests.fhir_export import bundle, condition, encounter, lab, patient, request, role, write

RESOURCES = [
    patient("p", gender="female", birthDate="1962-05"),
    patient("q", gender="male"),
    encounter("e", diagnosis=[role("c", "DD")]),
    condition("c", "C34.1", encounter={"reference": "Encounter/e"}),
    lab("l", 3.5, "2024-02-01"),
    {"resourceType": "Organization", "id": "o", "name": "Haus"},
]


def table(path: Path, **changes: Any) -> list[tuple[Any, ...]]:
    return mii.read(path, request(**changes)).frame.rows()


def line(resource: Any) -> bytes:
    return json.dumps(resource, ensure_ascii=False).encode() + b"\n"


@pytest.fixture(name="expected")
def _expected(tmp_path: Path) -> list[tuple[Any, ...]]:
    folder = tmp_path / "expected"
    folder.mkdir()
    return table(write(folder, RESOURCES))


def test_one_resource_per_line(tmp_path: Path, expected: list[tuple[Any, ...]]) -> None:
    assert [row[0] for row in expected] == ["p", "q"]
    folder = tmp_path / "bulk"
    folder.mkdir()
    for kind in {resource["resourceType"] for resource in RESOURCES}:
        write(folder, [r for r in RESOURCES if r["resourceType"] == kind], name=f"{kind}.ndjson")
    assert table(folder) == expected


def test_one_bundle_per_line_beside_a_core_bundle(tmp_path: Path, expected: list[tuple[Any, ...]]) -> None:
    folder = tmp_path / "torch"
    folder.mkdir()
    write(folder, [bundle(*RESOURCES[:1], *RESOURCES[2:5]), bundle(RESOURCES[1])], name="batch.ndjson")
    write(folder, [bundle(RESOURCES[5])], name="core.ndjson")
    assert table(folder) == expected


def test_one_bundle_per_file_printed_over_many_lines(tmp_path: Path, expected: list[tuple[Any, ...]]) -> None:
    folder = tmp_path / "bundles"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.json").write_text(json.dumps(bundle(*RESOURCES[:4]), indent=1))
    (folder / "deeper" / "b.json").write_text(json.dumps(bundle(*RESOURCES[3:]), indent=2))
    assert table(folder) == expected


def test_a_bundle_in_a_bundle_and_an_entry_without_a_resource(
    tmp_path: Path, expected: list[tuple[Any, ...]]
) -> None:
    outer = bundle(bundle(*RESOURCES[:3]), *RESOURCES[3:])
    outer["entry"].append({"request": {"method": "DELETE", "url": "Patient/x"}})
    assert table(write(tmp_path, [outer])) == expected


@pytest.mark.parametrize("order", [lambda rs: rs[::-1], lambda rs: rs[3:] + rs[:3]])
def test_the_order_of_lines_changes_nothing(
    tmp_path: Path, order: Any, expected: list[tuple[Any, ...]]
) -> None:
    assert table(write(tmp_path, order(RESOURCES))) == expected


@pytest.mark.parametrize(
    "ending", ["ndjson.gz", "ndjson.zst", "zip", "zip of gz", "two gzip members", "no name"]
)
def test_packed_exports_read_like_unpacked_ones(
    tmp_path: Path, ending: str, expected: list[tuple[Any, ...]]
) -> None:
    """By their first bytes, whatever they are called."""
    lines = [line(resource) for resource in RESOURCES]
    plain = b"".join(lines)
    path = tmp_path / f"export.{ending.split()[0]}"
    match ending:
        case "ndjson.gz" | "no name":
            path.write_bytes(gzip.compress(plain))
        case "two gzip members":
            path.write_bytes(gzip.compress(lines[0]) + gzip.compress(b"".join(lines[1:])))
        case "ndjson.zst":
            path.write_bytes(zstandard.compress(plain))
        case _:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                packed = ending == "zip of gz"
                archive.writestr("import/a.ndjson", gzip.compress(plain) if packed else plain)
                archive.writestr("__MACOSX/._a", b"\0\1")
    assert table(path) == expected


def test_a_byte_order_mark_blank_lines_and_windows_line_ends_are_tolerated(
    tmp_path: Path, expected: list[tuple[Any, ...]]
) -> None:
    path = tmp_path / "export.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n \r\n\n".join(line(r).rstrip() for r in RESOURCES))
    assert table(path) == expected


def test_null_in_the_place_of_an_element_is_tolerated(tmp_path: Path) -> None:
    odd = condition("c", "x") | {"code": {"coding": None}, "encounter": None}
    bare = lab("l", 1.0, "2024") | {"valueQuantity": None, "code": None}
    assert len(table(write(tmp_path, [patient(birthDate=None, address=None), odd, bare]))) == 1


def test_the_resource_type_may_stand_anywhere(tmp_path: Path, expected: list[tuple[Any, ...]]) -> None:
    turned = [dict(reversed(resource.items())) for resource in RESOURCES]
    assert table(write(tmp_path, turned)) == expected


def test_a_type_that_fhir_does_not_have_is_counted_and_not_named(tmp_path: Path) -> None:
    strange = {"resourceType": "Zephyrine", "id": "z"}
    for content in ([*RESOURCES, strange], [bundle(*RESOURCES, strange)]):
        found = mii.read(write(tmp_path, content), request())
        assert found.frame.height == 2
        assert found.audit["resources_of_unknown_type"] == 1
        assert "Zephyrine" not in str(found.audit)


def test_files_that_are_no_resources_are_ignored_and_counted(
    tmp_path: Path, expected: list[tuple[Any, ...]]
) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    write(folder, RESOURCES)
    (folder / "crtdl.json").write_text(json.dumps({"version": "1", "cohortDefinition": {}}, indent=1))
    (folder / "README.txt").write_text("About this export")
    (folder / ".hidden.ndjson").write_text("{")
    (folder / "Empty.ndjson").write_text("\n")
    found = mii.read(folder, request())
    assert found.frame.rows() == expected
    assert (found.audit["files_ignored"], found.audit["files_empty"]) == (2, 1)


def test_a_resource_counts_once_however_often_it_is_there(
    tmp_path: Path, expected: list[tuple[Any, ...]]
) -> None:
    found = mii.read(write(tmp_path, [*RESOURCES, bundle(*RESOURCES)]), request())
    assert found.frame.rows() == expected
    assert found.audit["resources_read"] == 2 * len(RESOURCES)
    assert found.audit["resources_unique"] == found.audit["resources_duplicate"] == len(RESOURCES)
    assert found.audit["resources_duplicate_with_other_content"] == {}


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_versions_of_a_resource_the_one_updated_last_holds(tmp_path: Path, turned: bool) -> None:
    versions = [
        patient("p", birthDate="1950-01-01", meta={"lastUpdated": "2024-01-02T00:00:00Z"}),
        patient("p", birthDate="1999-01-01", meta={"lastUpdated": "2023-01-02T00:00:00Z"}),
        lab("l", 1.0, "2024-01-01", meta={"lastUpdated": "2024-01-01T00:00:00Z"}),
        lab("l", 2.0, "2024-01-01", meta={"lastUpdated": "2024-05-01T00:00:00Z"}),
    ]
    export = write(tmp_path, versions[::-1] if turned else versions)
    found = mii.read(export, request("birth_date", "lab_crp_last", "lab_crp_count"))
    assert found.frame.rows() == [("1950-01-01", 2.0, 1)]
    assert found.audit["resources_duplicate_with_other_content"] == {"Observation": 1, "Patient": 1}


def test_without_a_date_of_update_the_choice_does_not_depend_on_the_order(tmp_path: Path) -> None:
    versions = [
        patient("p", birthDate="1950-01-01"),
        patient("p", birthDate="1999-01-01"),
        lab("l", 1.0, "2024-01-01"),
        lab("l", 2.0, "2024-01-01"),
    ]
    assert table(write(tmp_path, versions)) == table(write(tmp_path, versions[::-1]))


def test_only_the_columns_asked_for_are_built_and_types_are_fixed(tmp_path: Path) -> None:
    frame = mii.read(write(tmp_path, [patient()]), request("icd10gm_all", "gender", "lab_crp_count")).frame
    assert {name: str(dtype) for name, dtype in frame.schema.items()} == {
        "gender": "String",
        "icd10gm_all": "List(String)",
        "lab_crp_count": "Int64",
    }


def test_a_path_without_an_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputMissing):
        mii.read(tmp_path / "nothing", request())
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadInput, match="no Patient"):
        mii.read(empty, request())
