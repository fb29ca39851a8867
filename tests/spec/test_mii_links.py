"""Patients that ``Patient.link`` tells to be one person: refused, told, or only counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mii
from anonymizer.errors import BadInput, ConsentMissing
from mii.inspecting import inspect
from tests.fhir_export import TODAY, bundle, patient, request, write
from tests.spec.test_mii_consent import WITHDRAWAL, agreement


def link(kind: str, other: str | None) -> dict[str, Any]:
    """Elements of a Patient with one link; ``None`` names the other by an identifier."""
    whom = {"identifier": {"value": "4711"}} if other is None else {"reference": f"Patient/{other}"}
    return {"link": [{"other": whom, "type": kind}]}


def merged(folder: Path, *patients: Any) -> int:
    """How many Patients an inspection counts as merged, which a run refuses with the same count."""
    export = write(folder, patients)
    told = inspect(export, today=TODAY).read_as_a_run["patients_merged"]
    if told:
        with pytest.raises(BadInput, match=rf"merged records.*\({told} times?\)"):
            mii.read(export, request("gender"))
    else:
        assert mii.read(export, request("gender")).frame.height == len(patients)
    return int(told)


def test_merged_records_of_the_export_are_refused(tmp_path: Path) -> None:
    old, new = patient("old", active=False, **link("replaced-by", "new")), patient("new")
    assert merged(tmp_path, old, new, patient("q")) == 2
    assert merged(tmp_path, patient("old"), patient("new", **link("replaces", "old"))) == 2
    six = [patient(f"p{n}", **link("replaced-by", f"p{n + 1}")) for n in range(5)]
    assert merged(tmp_path, *six, patient("p5"), patient("q")) == 6


def test_records_merged_into_one_that_is_not_exported_are_one_person(tmp_path: Path) -> None:
    both = [patient(one, **link("replaced-by", "elsewhere")) for one in ("a", "b")]
    assert merged(tmp_path, *both, patient("q")) == 2


def test_one_record_of_a_merged_person_is_a_person(tmp_path: Path) -> None:
    assert merged(tmp_path, patient("new", **link("replaces", "old")), patient("q")) == 0
    assert merged(tmp_path, patient("old", **link("replaced-by", "new")), patient("q")) == 0
    assert merged(tmp_path, patient("new", **link("replaces", None)), patient("q")) == 0
    assert merged(tmp_path, patient("p", **link("replaced-by", "p"))) == 0


def test_a_record_that_is_replaced_by_nobody_knows_whom_is_refused(tmp_path: Path) -> None:
    assert merged(tmp_path, patient("old", **link("replaced-by", None)), patient("q")) == 1


@pytest.mark.parametrize("kind", ["Replaced-By", "replaced_by", "merged", None])
def test_a_link_that_says_nothing_known_may_tell_of_a_merge(tmp_path: Path, kind: str | None) -> None:
    """A misspelt one must not turn one person into two."""
    told = {"other": {"reference": "Patient/new"}, **({} if kind is None else {"type": kind})}
    assert merged(tmp_path, patient("old", link=[told]), patient("new"), patient("q")) == 2


def test_a_link_by_urn_is_followed(tmp_path: Path) -> None:
    old = patient("old", link=[{"other": {"reference": "urn:uuid:1"}, "type": "replaced-by"}])
    export = write(tmp_path, [bundle(("urn:uuid:1", patient("new")), ("urn:uuid:2", old))])
    with pytest.raises(BadInput, match="merged records"):
        mii.read(export, request("gender"))


@pytest.mark.parametrize("kind", ["refer", "seealso"])
def test_other_links_are_counted(tmp_path: Path, kind: str) -> None:
    export = write(tmp_path, [patient("p", **link(kind, "q")), patient("q", **link(kind, "elsewhere"))])
    found = mii.read(export, request("gender"))
    assert (found.frame.height, found.audit["patients_linked_as_same_person"]) == (2, 1)


def test_a_withdrawal_of_a_replaced_record_is_one_of_the_record_that_is_left(tmp_path: Path) -> None:
    told = [patient("p", **link("replaces", "old")), agreement()]
    withdrawal = WITHDRAWAL | {"patient": {"reference": "Patient/old"}}
    with pytest.raises(ConsentMissing):
        mii.read(write(tmp_path, [*told, withdrawal]), request("gender", consent_required=True))
    assert mii.read(write(tmp_path, told), request("gender", consent_required=True)).frame.height == 1


def test_an_inspection_tells_what_a_run_refuses(tmp_path: Path) -> None:
    nobody = write(tmp_path, [patient("p"), agreement(), WITHDRAWAL | {"patient": None}])
    told = inspect(nobody, today=TODAY).consent
    assert told is not None
    assert (told["consents_of_nobody"], told["withdrawals_of_nobody"]) == (1, 1)
    assert told["patients_by_reason"] == {"accepted": 1}
