"""Broken exports are refused with 65, where they broke, and without a value (faults 21, 31–35, 44)."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import zstandard

import mii
from anonymizer.errors import AnonError, BadConfig, BadInput, ConsentMissing
from mii.streaming import Limits
from tests.fhir_export import bundle, patient, request, write

CANARY = "Zephyrine-Quarles"
WHOLE = json.dumps(patient("p", gender="female", name=[{"family": CANARY}])).encode()
SMALL = Limits(record_bytes=1 << 20, free_bytes=1 << 21, ratio=10)


def refusal(
    path: Path, *, kind: type[AnonError] = BadInput, limits: Limits | None = None, **changes: Any
) -> str:
    """The text that an export is refused with; it holds no canary, nor does the chain behind it."""
    with pytest.raises(kind) as refused:
        mii.read(path, request(**changes), limits=limits)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert CANARY not in str(refused.value)
    return str(refused.value)


def export(folder: Path, content: bytes, name: str = "export.ndjson") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_truncated_last_line_is_refused_with_file_and_line(tmp_path: Path) -> None:
    text = refusal(export(tmp_path, WHOLE + b"\n" + WHOLE[:-9]))
    assert text == "export.ndjson, line 2: a resource is not complete, valid JSON"


def test_a_truncated_line_in_the_middle_and_a_truncated_only_line(tmp_path: Path) -> None:
    assert "line 1" in refusal(export(tmp_path, WHOLE[:-9] + b"\n" + WHOLE))
    assert "line 1" in refusal(export(tmp_path, WHOLE[:-9]))


def test_a_truncated_bundle_file_is_refused(tmp_path: Path) -> None:
    text = json.dumps(bundle(patient("p", name=[{"family": CANARY}])), indent=1)
    assert "Bundle.json: a file is not complete" in refusal(
        export(tmp_path, text[:-9].encode(), "Bundle.json")
    )


@pytest.mark.parametrize(
    "line",
    [
        b'{"resourceType": "Patient", "id": "q", "birthDate": NaN}',
        b'{"resourceType": "Patient", "id": "q", "note": NaN}',
        b'{"resourceType": "Patient", "id": "q"} {"resourceType": "Patient"}',
        b'{"resourceType": "Patient", "id": "q", "gender": "' + CANARY.encode() + b"\x00" + b'"}',
        b'{"resourceType": "Patient", "id": "q", "birthDate": {"x": "' + CANARY.encode() + b'"}}',
        b'{"resourceType": "Patient", "id": ["' + CANARY.encode() + b'"]}',
        b'{"resourceType": {"x": "' + CANARY.encode() + b'"}}',
        b'{"id": "' + CANARY.encode() + b'"}',
        b'["' + CANARY.encode() + b'"]',
        b'"' + CANARY.encode() + b'"',
        CANARY.encode(),
        b'{"resourceType": "Patient", "id": "q", "name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": 1}}]}',
        b'{"resourceType": "Bundle", "entry": "' + CANARY.encode() + b'"}',
        b'{"resourceType": "Patient", "gender": "' + CANARY.encode() + b'"}',
    ],
)
def test_a_line_that_is_no_resource_is_refused(tmp_path: Path, line: bytes) -> None:
    refusal(export(tmp_path, WHOLE + b"\n" + line + b"\n"))


def test_a_number_beyond_all_numbers_is_refused_where_it_is_read(tmp_path: Path) -> None:
    value = b'{"resourceType": "Observation", "id": "o", "valueQuantity": {"value": 1e999}}'
    refusal(export(tmp_path, WHOLE + b"\n" + value))


@pytest.mark.parametrize("where", [b'"gender": "\xfc"', b'"note": "\xfc"'])
def test_text_that_is_not_utf_8_is_refused_even_where_it_is_skipped(tmp_path: Path, where: bytes) -> None:
    line = b'{"resourceType": "Patient", "id": "q", ' + where + b"}"
    assert "line 2: the text is not UTF-8" in refusal(export(tmp_path, WHOLE + b"\n" + line))


def test_the_place_of_a_wrong_element_is_named_by_its_path(tmp_path: Path) -> None:
    line = b'{"resourceType": "Patient", "id": "q", "address": [{"postalCode": 10117}]}'
    assert "Patient: an element has the wrong type (at $.address[0].postalCode)" in refusal(
        export(tmp_path, line)
    )


@pytest.mark.parametrize("name", ["picture.png", "export.xlsx", "export.ndjson"])
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, name: str) -> None:
    refusal(export(tmp_path, b"\x89PNG\r\n" + CANARY.encode(), name))


def test_a_line_longer_than_the_limit_is_refused(tmp_path: Path) -> None:
    line = b'{"resourceType": "Patient", "id": "q", "name": "' + b"x" * (2 << 20)
    assert "longer than the limit" in refusal(export(tmp_path, line), limits=SMALL)
    assert "longer than the limit" in refusal(export(tmp_path, b"{\n" + line, "a.json"), limits=SMALL)


def _zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.ndjson", content)
    return buffer.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": zstandard.compress,
    "zip": _zipped,
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("filling", [b"\n", b" ", WHOLE + b"\n"])
def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path, packer: str, filling: bytes) -> None:
    """Blank lines and repeated resources are lawful lines; only their growth tells them."""
    content = filling * ((64 << 20) // len(filling))
    path = export(tmp_path, PACKERS[packer](content), f"export.{packer}")
    assert "limit" in refusal(path, limits=SMALL)


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("left", [0.9, 0.5, 0.999])
def test_packed_data_that_are_cut_short_are_refused(tmp_path: Path, packer: str, left: float) -> None:
    """The zstd library's own stream reader would take what is left for everything."""
    content = b"\n".join(
        json.dumps(patient(f"p{n}", birthDate=f"19{n % 90 + 10}")).encode() for n in range(4000)
    )
    packed = PACKERS[packer](content)
    refusal(export(tmp_path, packed[: int(len(packed) * left)], f"export.{packer}"))


def test_a_resource_that_is_read_must_have_an_id(tmp_path: Path) -> None:
    anonymous = {"resourceType": "Condition", "subject": {"reference": "Patient/p"}}
    nameless = {"resourceType": "Observation", "subject": {"reference": "Patient/p"}}
    for resource in (anonymous, nameless):
        path = write(tmp_path, [patient(), resource])
        assert f"{resource['resourceType']}: a resource has no id" in refusal(path)


def test_a_column_that_does_not_exist_is_a_fault_of_the_config(tmp_path: Path) -> None:
    with pytest.raises(BadConfig):
        mii.read(write(tmp_path, [patient()]), request("family_name"))


def consent(identity: str, **elements: Any) -> dict[str, Any]:
    oid = "2.16.840.1.113883.3.1937.777.24.5.3"
    period = {"start": "2020-01-01", "end": "2050-01-01"}
    codes = [{"coding": [{"system": f"urn:oid:{oid}", "code": f"{oid}.{part}"}]} for part in (6, 8)]
    return {
        "resourceType": "Consent",
        "id": identity,
        "status": "active",
        "scope": {"coding": [{"code": "research"}]},
        "patient": {"reference": "Patient/p"},
        "provision": {"type": "deny", "provision": [{"type": "permit", "period": period, "code": codes}]},
        **elements,
    }


def test_without_any_consent_or_with_nobody_passing_nothing_is_read(tmp_path: Path) -> None:
    needed: dict[str, Any] = {"kind": ConsentMissing, "consent_required": True}
    assert "holds no Consent" in refusal(write(tmp_path, [patient()]), **needed)
    withdrawn = write(tmp_path, [patient(), consent("c", status="inactive")])
    assert "no patient of the export passes" in refusal(withdrawn, **needed)
    valid = write(tmp_path, [patient(), consent("c")])
    assert "no patient" in refusal(valid, reference_date=date(2051, 1, 1), **needed)
    assert "no patient" in refusal(valid, consent_date=date(2051, 1, 1), **needed)
    assert mii.read(valid, request(consent_required=True)).frame.height == 1


def test_two_contents_of_one_consent_are_refused_unless_one_is_newer(tmp_path: Path) -> None:
    """Guessing could take a withdrawn consent for a valid one."""
    versions = [consent("c"), consent("c", status="inactive")]
    assert "Consent: an id has two contents" in refusal(
        write(tmp_path, [patient(), *versions]), consent_required=True
    )
    older, newer = ({"meta": {"lastUpdated": f"{year}-01-01T00:00:00Z"}} for year in (2023, 2024))
    valid = write(tmp_path, [patient(), versions[1] | older, versions[0] | newer])
    assert mii.read(valid, request(consent_required=True)).frame.height == 1
    withdrawn = write(tmp_path, [patient(), versions[1] | newer, versions[0] | older])
    refusal(withdrawn, kind=ConsentMissing, consent_required=True)


@pytest.mark.parametrize("dated", [0, 1])
@pytest.mark.parametrize("turned", [False, True])
def test_a_version_of_a_consent_without_a_time_may_be_the_newest(
    tmp_path: Path, dated: int, turned: bool
) -> None:
    versions = [consent("c"), consent("c", status="inactive")]
    versions[dated] |= {"meta": {"lastUpdated": "2024-01-01T00:00:00Z"}}
    told = [*versions, consent("c", meta={"lastUpdated": "2025-01-01T00:00:00Z"})]
    found = write(tmp_path, [patient(), *(reversed(told) if turned else told)])
    assert "Consent: an id has two contents" in refusal(found, consent_required=True)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-03-01T01:30:00+02:00", "2026-03-01T00:30:00Z"),
        ("2026-03-01T00:30:00Z", "2026-03-01T00:30:00.500Z"),
        ("2026-02-28T23:30:00-02:00", "2026-03-01T01:30:01Z"),
    ],
)
def test_the_newer_version_is_the_later_instant_not_the_greater_text(
    tmp_path: Path, earlier: str, later: str, turned: bool
) -> None:
    active = consent("c", meta={"lastUpdated": earlier})
    told = [active, consent("c", status="inactive", meta={"lastUpdated": later})]
    refusal(
        write(tmp_path, [patient(), *(reversed(told) if turned else told)]),
        kind=ConsentMissing,
        consent_required=True,
    )
    again = [*told, consent("c", meta={"lastUpdated": "2026-03-02T00:00:00Z"})]
    restored = write(tmp_path, [patient(), *(reversed(again) if turned else again)])
    assert mii.read(restored, request(consent_required=True)).frame.height == 1


def test_a_patient_without_consent_is_left_out_with_all_resources(tmp_path: Path) -> None:
    condition = {
        "resourceType": "Condition",
        "id": "d",
        "subject": {"reference": "Patient/q"},
        "recordedDate": "2024-01-01",
        "code": {"coding": [{"system": "http://fhir.de/CodeSystem/bfarm/icd-10-gm", "code": "C34.1"}]},
    }
    found = mii.read(
        write(tmp_path, [patient(), patient("q"), consent("c"), condition]), request(consent_required=True)
    )
    assert found.frame["patient_id"].to_list() == ["p"]
    told = found.audit["consent"]
    assert isinstance(told, dict)
    assert told["patients_by_reason"] == {"accepted": 1, "no Consent": 1}
    assert told["resources_dropped_patient_not_accepted"]["Condition"] == 1
