"""An export is recognised by looking at it, and read the same however it is packed, cut and ordered."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zipfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest
import zstandard

import mii
from anonymizer.errors import BadInput, InputMissing
from mii.inspecting import inspect
from tests.fhir_export import bundle, condition, encounter, lab, patient, request, role, write

TODAY = date(2026, 11, 22)
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
    outer["entry"].append({"response": {"status": "204"}})
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


@pytest.mark.parametrize("turned", [False, True])
def test_last_is_the_latest_instant_whatever_zone_it_is_written_in(tmp_path: Path, turned: bool) -> None:
    early, late = ({"lastUpdated": f"2026-03-01T{time}"} for time in ("01:30:00+02:00", "00:30:00Z"))
    later = {"lastUpdated": "2026-03-01T00:30:00.500Z"}
    versions = [
        patient("p", birthDate="1999-01-01", meta=early),
        patient("p", birthDate="1950-01-01", meta=late),
        lab("l", 1.0, "2024-01-01", meta=early),
        lab("l", 2.0, "2024-01-01", meta=late),
        lab("m", 4.0, "2024-02-01", meta=late),
        lab("m", 3.0, "2024-02-01", meta=later),
        lab("m", 5.0, "2024-02-01"),
    ]
    export = write(tmp_path, versions[::-1] if turned else versions)
    found = mii.read(export, request("birth_date", "lab_crp_last", "lab_crp_first"))
    assert found.frame.rows() == [("1950-01-01", 3.0, 2.0)]


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
    with pytest.raises(InputMissing, match="holds no file"):
        mii.read(empty, request())


DENIED = {"resourceType": "Consent", "id": "denied"}
TEXT = json.dumps(DENIED)


def tarred(path: Path, content: bytes, mode: Literal["w", "w:gz"]) -> None:
    with tarfile.open(path, mode) as archive:
        info = tarfile.TarInfo("Consent.ndjson")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))


UNREAD: dict[str, bytes] = {
    "array.json": json.dumps([DENIED]).encode(),
    "pretty_array.json": json.dumps([DENIED], indent=1).encode(),
    "array": json.dumps([DENIED]).encode(),
    "utf16.ndjson": TEXT.encode("utf-16"),
    "utf16": TEXT.encode("utf-16"),
    "utf16-be": "\ufeff".encode("utf-16-be") + TEXT.encode("utf-16-be"),
    "utf32.txt": TEXT.encode("utf-32"),
    "comment.ndjson": b"# exported\n" + TEXT.encode() + b"\n",
    "comment.log": b"# exported\n" + TEXT.encode() + b"\n",
    "comment.NDJSON.gz": gzip.compress(b"# exported\n" + TEXT.encode()),
    "strings.jsonl": json.dumps(TEXT).encode(),
    "strings": json.dumps(TEXT).encode(),
    "Consent.xml": b"<Consent/>",
    "Consent": b'<Consent xmlns="http://hl7.org/fhir"/>',
    "twice.gz": gzip.compress(gzip.compress(TEXT.encode())),
    "packed": b"BZh91AY&SY",
    "wrapped.json": json.dumps({"items": [DENIED]}, indent=1).encode(),
    "wrapped_compact.json": json.dumps({"version": "1", "items": [DENIED]}).encode(),
}


@pytest.mark.parametrize("name", UNREAD)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_that_may_hold_resources_and_is_not_understood_is_refused(
    tmp_path: Path, name: str, zipped: bool
) -> None:
    """A consent that somebody withdrew may stand in it."""
    folder = tmp_path / "export"
    folder.mkdir()
    write(folder, RESOURCES)
    if zipped:
        with zipfile.ZipFile(folder / "more.zip", "w") as archive:
            archive.writestr(name, UNREAD[name])
    else:
        (folder / name).write_bytes(UNREAD[name])
    with pytest.raises(BadInput) as refused:
        mii.read(folder, request())
    assert name in str(refused.value)
    assert "denied" not in str(refused.value)
    with pytest.raises(BadInput):
        inspect(folder, today=TODAY)


@pytest.mark.parametrize("name", ["more.tar", "more.tar.gz", "more.tgz", "more"])
def test_an_archive_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, RESOURCES)
    tarred(tmp_path / name, TEXT.encode(), "w:gz" if name.endswith("gz") else "w")
    with pytest.raises(BadInput, match="in no form that is read"):
        mii.read(tmp_path, request())


def test_an_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("Consent.ndjson", TEXT)
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("Patient.ndjson", line(RESOURCES[0]))
        archive.writestr("more", inner.getvalue())
    with pytest.raises(BadInput, match="in no form that is read"):
        mii.read(tmp_path / "export.zip", request())


def test_how_many_files_are_not_understood_is_told(tmp_path: Path) -> None:
    write(tmp_path, RESOURCES)
    for number in range(3):
        (tmp_path / f"{number}.json").write_text(f"[{TEXT}]")
    with pytest.raises(BadInput, match=r"0\.json \(and 2 more\)"):
        mii.read(tmp_path, request())


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("size", [1, 100_000])
def test_what_real_exports_have_beside_them_is_ignored_and_counted(
    tmp_path: Path, indent: int | None, size: int, expected: list[tuple[Any, ...]]
) -> None:
    """A query, a manifest, a log, a spreadsheet that explains it: compact or printed over many lines."""
    folder = tmp_path / "job"
    folder.mkdir()
    write(folder, RESOURCES)
    beside = {"version": "x" * size, "cohortDefinition": {"inclusionCriteria": []}}
    for name in ("crtdl.json", "manifest.json", "job.JSON"):
        (folder / name).write_text(json.dumps(beside, indent=indent) + "\n")
    (folder / "empty.json").write_text("{}")
    (folder / "job.log").write_text("2026-11-22 started\n")
    (folder / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    with zipfile.ZipFile(folder / "elements.xlsx", "w") as sheets:
        sheets.writestr("xl/workbook.xml", "<workbook/>")
    found = mii.read(folder, request())
    assert (found.frame.rows(), found.audit["files_ignored"]) == (expected, 7)


@pytest.mark.parametrize("indent", [None, 1])
def test_resources_in_a_document_beside_flattened_tables_are_refused(
    tmp_path: Path, indent: int | None
) -> None:
    (tmp_path / "Patient.csv").write_text("id,Patient_gender\np,female\n")
    (tmp_path / "crtdl.json").write_text(json.dumps({"version": "1"}, indent=indent))
    assert mii.read(tmp_path, request()).audit["files_ignored"] == 1
    (tmp_path / "Consents.json").write_text(json.dumps(bundle(DENIED), indent=indent))
    with pytest.raises(BadInput, match="both FHIR resources and flattened tables"):
        mii.read(tmp_path, request())


@pytest.mark.parametrize("target", ["elsewhere", "export"])
def test_a_link_to_a_folder_is_refused_and_never_followed(tmp_path: Path, target: str) -> None:
    for name in ("elsewhere", "export"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, RESOURCES)
    (tmp_path / "export" / "more").symlink_to(tmp_path / target, target_is_directory=True)
    with pytest.raises(BadInput, match="more: a link to a folder is not followed"):
        mii.read(tmp_path / "export", request())
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert len(table(tmp_path / "link")) == 2


@pytest.mark.parametrize("inside", [True, False])
def test_a_pipe_is_refused_at_once(tmp_path: Path, inside: bool) -> None:
    write(tmp_path, RESOURCES)
    os.mkfifo(tmp_path / "pipe.ndjson")
    with pytest.raises(BadInput, match="neither a file nor a folder"):
        mii.read(tmp_path if inside else tmp_path / "pipe.ndjson", request())


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2]
)
def test_a_damaged_member_of_an_archive_is_refused_wherever_it_is_damaged(
    tmp_path: Path, method: int
) -> None:
    """Each byte before the archive's own list, one after the other: its header, its name, its content."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        archive.writestr("Patient.ndjson", b"".join(map(line, RESOURCES)))
        start = archive.start_dir
    for place in range(min(start, 120)):
        content = bytearray(whole.getvalue())
        content[place] ^= 0xFF
        path = tmp_path / f"{place}.zip"
        path.write_bytes(content)
        for read in (lambda path: mii.read(path, request()), lambda path: inspect(path, today=TODAY)):
            with suppress(BadInput):
                read(path)
    (tmp_path / "bad").mkdir()
    bad = bytearray(whole.getvalue())
    bad[26:28] = b"\x01\x00"
    (tmp_path / "bad" / "export.zip").write_bytes(bad)
    with pytest.raises(BadInput, match="damaged"):
        mii.read(tmp_path / "bad", request())


def test_a_folder_of_other_things_is_refused_with_how_many_there_are(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("Nothing here")
    (tmp_path / "Empty.ndjson").write_text("")
    with pytest.raises(BadInput, match="no file was recognised as part of an export, of 2 looked at"):
        mii.read(tmp_path, request())


# what a withdrawal of consent could hide in -------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["w.ndjson.lz4", "w.ndjson.gpg", "w.json.br", "w.ttl", "w.avro", "w.xml.lz4", "W.NDJSON.GPG"]
)
def test_a_file_that_is_called_as_resources_are_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, RESOURCES)
    (tmp_path / name).write_bytes(b"\x04\x22\x4d\x18 anything")
    with pytest.raises(BadInput, match="in no form that is read"):
        mii.read(tmp_path, request())


@pytest.mark.parametrize("start", [b"Obj\x01avro", b"PAR1....", b"@prefix fhir: <http://hl7.org/fhir/> ."])
def test_a_file_that_begins_as_resources_do_in_other_forms_is_refused(tmp_path: Path, start: bytes) -> None:
    write(tmp_path, RESOURCES)
    (tmp_path / "unnamed").write_bytes(start)
    with pytest.raises(BadInput):
        mii.read(tmp_path, request())


@pytest.mark.parametrize("name", ["export.ndjson.sha256", "export.ndjson.md5", "e.json.log", "README.md"])
def test_what_tells_about_a_file_is_ignored_and_counted(tmp_path: Path, name: str) -> None:
    write(tmp_path, RESOURCES)
    (tmp_path / name).write_text("0f343b0931126a20f133d67c2b018a3b  export.ndjson, see http://hl7.org/fhir\n")
    assert mii.read(tmp_path, request()).audit["files_ignored"] == 1


@pytest.mark.parametrize("kind", ["consent", "CONSENT", "Consent ", "patient"])
def test_a_misspelt_type_is_refused(tmp_path: Path, kind: str) -> None:
    misspelt = {"resourceType": kind, "id": "x", "note": "Zephyrine"}
    for given in (misspelt, bundle(patient("r"), misspelt)):
        with pytest.raises(BadInput, match="misspelt") as refused:
            mii.read(write(tmp_path, [*RESOURCES, given]), request())
        assert "Zephyrine" not in str(refused.value)
    other = {"resourceType": "Zettel", "id": "x"}
    assert mii.read(write(tmp_path, [*RESOURCES, other]), request()).audit["resources_of_unknown_type"] == 1


def test_parameters_are_refused(tmp_path: Path) -> None:
    parameters = {"resourceType": "Parameters", "id": "x", "parameter": [{"resource": patient("r")}]}
    with pytest.raises(BadInput, match="Parameters"):
        mii.read(write(tmp_path, [*RESOURCES, parameters]), request())


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("beside", [[], [{"resourceType": "Zettel", "id": "z"}]])
def test_an_entry_that_deletes_is_refused(tmp_path: Path, whole: bool, beside: list[Any]) -> None:
    """Of a Consent, it could be the only trace of a change that a site has made."""
    changes = bundle(patient("r"), *beside)
    deleted = {"request": {"method": "DELETE", "url": "Consent/c"}}
    changes["entry"].append(deleted | ({"resource": {"resourceType": "Consent", "id": "c"}} if whole else {}))
    with pytest.raises(BadInput, match="deletes"):
        mii.read(write(tmp_path, [*RESOURCES, changes]), request())
