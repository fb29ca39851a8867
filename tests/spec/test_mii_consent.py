"""Consent applied to an export: each rule from the Consent as a resource to the cells that are left."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import mii
from anonymizer.errors import BadInput, ConsentMissing
from mii.consent import COLLECT, OID, USE
from tests.fhir_export import ATC, OPS, concept, condition, encounter, lab, patient, request, write

SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
RETROSPECTIVE = f"{OID}.45"
PAST, INSIDE, FUTURE = "2019-06-01", "2024-06-01", "2040-06-01"


def provision(kind: str, *codes: str, start: str = "2020-01-01", end: str | None = "2030-12-31") -> Any:
    period = {"start": start} | ({"end": end} if end else {})
    return {"type": kind, "period": period, "code": [concept(f"urn:oid:{OID}", code) for code in codes]}


def agreement(*provisions: Any, identity: str = "agreement", **elements: Any) -> dict[str, Any]:
    """A Consent of patient ``p``, from 2020 to 2030 where no provisions are given."""
    nested = provisions or (provision("permit", COLLECT, USE),)
    return {
        "resourceType": "Consent",
        "id": identity,
        "status": "active",
        "scope": concept(SCOPE, "research"),
        "category": [concept("http://loinc.org", "57016-8")],
        "patient": {"reference": "Patient/p"},
        "provision": {"type": "deny", "provision": list(nested)},
        **elements,
    }


def resources(day: str) -> list[dict[str, Any]]:
    """A resource of each type that rule 7 names, dated ``day``."""
    drug = {"medicationCodeableConcept": concept(ATC, "N02BB02"), "subject": {"reference": "Patient/p"}}
    return [
        encounter("e", period={"start": day, "end": day}),
        condition("c", "I10.90", recordedDate=day),
        lab("l", 3.0, day),
        {
            "resourceType": "Procedure",
            "id": "o",
            "subject": {"reference": "Patient/p"},
            "code": concept(OPS, "5-323.51"),
            "performedDateTime": day,
        },
        {"resourceType": "MedicationAdministration", "id": "ma", "effectiveDateTime": day, **drug},
        {"resourceType": "MedicationStatement", "id": "ms", "effectiveDateTime": day, **drug},
        {"resourceType": "MedicationRequest", "id": "mr", "authoredOn": day, **drug},
    ]


COLUMNS = ("patient_id", "encounter_id", "icd10gm_all", "ops_all", "atc_all", "lab_crp_count")
WHOLE = ("p", "e", ["I10.90"], ["5-323.51"], ["N02BB02"], 1)
NOTHING = ("p", None, [], [], [], 0)


def left(folder: Path, *told: dict[str, Any], **changes: Any) -> tuple[Any, ...] | None:
    """The row of patient ``p``; another patient without any Consent is never there."""
    export = write(folder, [patient("p"), patient("q"), *told])
    try:
        frame = mii.read(export, request(*COLUMNS, consent_required=True, **changes)).frame
    except ConsentMissing:
        return None
    assert frame["patient_id"].to_list() == ["p"]
    return frame.row(0)


@pytest.mark.parametrize(("day", "row"), [(PAST, NOTHING), (INSIDE, WHOLE), (FUTURE, NOTHING)])
def test_resources_of_every_type_are_dropped_outside_the_window(tmp_path: Path, day: str, row: Any) -> None:
    assert left(tmp_path, agreement(), *resources(day)) == row


@pytest.mark.parametrize("kind", range(1, 7))
def test_a_resource_without_its_date_is_dropped(tmp_path: Path, kind: int) -> None:
    """A dropped mandatory element (data-absent-reason) says nothing of when."""
    told = resources(INSIDE)
    dates = ("recordedDate", "effectiveDateTime", "performedDateTime", "authoredOn")
    told[kind] = {name: value for name, value in told[kind].items() if name not in dates}
    export = write(tmp_path, [patient("p"), agreement(), *told])
    consent = mii.read(export, request(*COLUMNS, consent_required=True)).audit["consent"]
    assert isinstance(consent, dict)
    dropped = consent["resources_dropped_outside_window"]
    assert {name: n for name, n in dropped.items() if n} == {told[kind]["resourceType"]: 1}


@pytest.mark.parametrize(
    "change",
    [
        {"status": "inactive"},
        {"status": "rejected"},
        {"scope": concept(SCOPE, "treatment")},
        {"scope": None},
        {"provision": {"type": "permit"}},
        {"provision": provision("permit", COLLECT, USE)},
    ],
)
def test_what_is_no_active_research_consent_with_nested_permits_permits_nothing(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    """The root provision is the baseline and permits nothing, whatever it says."""
    assert left(tmp_path, agreement(**change), *resources(INSIDE)) is None


@pytest.mark.parametrize("category", ["59284-0", None])
def test_another_category_is_a_warning_and_no_filter(tmp_path: Path, category: str | None) -> None:
    told = [concept("http://loinc.org", category)] if category else []
    export = write(tmp_path, [patient("p"), agreement(category=told), *resources(INSIDE)])
    found = mii.read(export, request(*COLUMNS, consent_required=True))
    assert found.frame.rows() == [WHOLE]
    consent = found.audit["consent"]
    assert isinstance(consent, dict)
    assert consent["consents_without_expected_category"] == 1


@pytest.mark.parametrize("only", [COLLECT, USE])
def test_use_and_collection_must_be_permitted_by_one_consent(tmp_path: Path, only: str) -> None:
    other = {COLLECT: USE, USE: COLLECT}[only]
    halves = [agreement(provision("permit", code), identity=code) for code in (only, other)]
    assert left(tmp_path, *halves, *resources(INSIDE)) is None


def test_a_deny_of_any_active_consent_is_subtracted(tmp_path: Path) -> None:
    """Also of one that permits nothing; and the end of gICS, 3000-01-01, is a day like any other."""
    deny = agreement(
        provision("deny", COLLECT, start="2024-01-01", end="3000-01-01"),
        identity="deny",
        scope=concept(SCOPE, "treatment"),
    )
    assert left(tmp_path, agreement(), deny, *resources(INSIDE)) == NOTHING
    assert left(tmp_path, agreement(), deny | {"status": "inactive"}, *resources(INSIDE)) == WHOLE


@pytest.mark.parametrize(
    ("reference", "run", "accepted"),
    [
        (date(2026, 11, 22), date(2026, 11, 22), True),
        (date(2026, 11, 22), date(2031, 1, 1), False),
        (date(2031, 1, 1), date(2026, 11, 22), False),
        (date(2030, 12, 31), date(2030, 12, 31), True),
        (date(2019, 12, 31), date(2026, 11, 22), False),
    ],
)
def test_the_gate_is_asked_for_the_reference_date_and_for_the_day_of_the_run(
    tmp_path: Path, reference: date, run: date, accepted: bool
) -> None:
    """A fixed reference date in a nightly job never accepts an expired consent."""
    told = left(tmp_path, agreement(), *resources(INSIDE), reference_date=reference, consent_date=run)
    assert (told is not None) == accepted


@pytest.mark.parametrize(
    ("period", "day", "row"),
    [
        ({"start": "2019-12-20", "end": "2020-01-05"}, "2019-12-24", WHOLE),
        ({"start": "2019-12-20", "end": "2020-01-05"}, "2019-12-19", ("p", "e", [], [], [], 0)),
        ({"start": "2019-12-20", "end": "2019-12-31"}, "2019-12-24", NOTHING),
    ],
)
def test_a_stay_that_overlaps_the_collection_moves_its_start(
    tmp_path: Path, period: dict[str, str], day: str, row: Any
) -> None:
    """What was measured in the stay in which the patient signed belongs to it."""
    _, *others = resources(day)
    assert left(tmp_path, agreement(), encounter("e", period=period), *others) == row


def test_a_stay_without_an_end_moves_nothing(tmp_path: Path) -> None:
    _, *others = resources("2019-12-24")
    open_stay = encounter("e", period={"start": "2019-12-20"})
    assert left(tmp_path, agreement(), open_stay, *others) == ("p", "e", [], [], [], 0)


@pytest.mark.parametrize("asked", [True, False])
def test_the_past_is_open_where_the_config_asks_and_the_same_consent_permits(
    tmp_path: Path, asked: bool
) -> None:
    whole = agreement(provision("permit", COLLECT, USE, RETROSPECTIVE))
    apart = [agreement(), agreement(provision("permit", RETROSPECTIVE), identity="apart")]
    past = resources(PAST)
    assert left(tmp_path, whole, *past, retrospective=asked) == (WHOLE if asked else NOTHING)
    assert left(tmp_path, *apart, *past, retrospective=asked) == NOTHING


def test_only_a_deny_of_the_past_cuts_the_past(tmp_path: Path) -> None:
    whole = agreement(provision("permit", COLLECT, USE, RETROSPECTIVE))
    for code, row in ((COLLECT, WHOLE), (RETROSPECTIVE, NOTHING)):
        deny = agreement(provision("deny", code, start="1900-01-01", end="2019-12-31"), identity="deny")
        assert left(tmp_path, whole, deny, *resources(PAST), retrospective=True) == row


def test_an_export_without_any_consent_is_refused(tmp_path: Path) -> None:
    assert left(tmp_path, *resources(INSIDE)) is None


WITHDRAWAL = agreement(provision("deny", USE), identity="withdrawal")


@pytest.mark.parametrize(
    "whose",
    [
        None,
        {"identifier": {"value": "p"}},
        {"reference": "p"},
        {"reference": "#p"},
        {"reference": "urn:uuid:1"},
        {"reference": "Patient/p "},
        {"reference": "Patient/p#x"},
        {"reference": "Patient/p?"},
    ],
)
@pytest.mark.parametrize("code", [USE, COLLECT])
def test_a_withdrawal_that_names_no_patient_is_refused(tmp_path: Path, whose: Any, code: str) -> None:
    """It may be of anybody in the export."""
    withdrawal = agreement(provision("deny", code), identity="withdrawal", patient=whose)
    with pytest.raises(BadInput, match=r"names no Patient \(1 time\)"):
        left(tmp_path, agreement(), withdrawal)


def test_the_past_is_asked_of_withdrawals_where_the_config_asks_for_it(tmp_path: Path) -> None:
    withdrawal = agreement(provision("deny", RETROSPECTIVE), identity="withdrawal", patient=None)
    assert left(tmp_path, agreement(), withdrawal, *resources(INSIDE)) == WHOLE
    with pytest.raises(BadInput, match="names no Patient"):
        left(tmp_path, agreement(), withdrawal, retrospective=True)


@pytest.mark.parametrize(
    "change",
    [
        {"patient": {"reference": "Patient/elsewhere"}},
        {"patient": None, "provision": {"type": "deny", "provision": [provision("permit", COLLECT, USE)]}},
        {"patient": None, "status": "inactive"},
    ],
)
def test_other_consents_of_nobody_are_counted(tmp_path: Path, change: dict[str, Any]) -> None:
    export = write(tmp_path, [patient("p"), agreement(), WITHDRAWAL | change])
    consent = mii.read(export, request(*COLUMNS, consent_required=True)).audit["consent"]
    assert isinstance(consent, dict)
    assert consent["consents_of_nobody"] == int(change.get("status") != "inactive")


def test_a_provision_inside_another_is_an_exception_that_can_only_deny(tmp_path: Path) -> None:
    def inside(outer: Any, *inner: Any) -> Any:
        return outer | {"provision": list(inner)}

    permit, deny = provision("permit", COLLECT, USE), provision("deny", USE)
    told = resources(INSIDE)
    assert left(tmp_path, agreement(inside(permit, deny)), *told) is None
    assert left(tmp_path, agreement(inside(permit, inside(provision("permit", USE), deny))), *told) is None
    assert left(tmp_path, agreement(inside(permit, {"type": "deny"})), *told) is None
    outside = provision("deny", COLLECT, start="2024-01-01", end="2024-12-31")
    assert left(tmp_path, agreement(inside(permit, outside)), *told) == NOTHING
    assert left(tmp_path, agreement(permit, inside(deny, permit)), *told) is None
    assert left(tmp_path, agreement(inside(provision("permit", USE), permit)), *told) is None
    assert left(tmp_path, agreement(inside(permit, permit)), *told) == WHOLE


def test_blanks_around_a_code_are_no_part_of_it(tmp_path: Path) -> None:
    assert left(tmp_path, agreement(), agreement(provision("deny", f" {USE} "), identity="w")) is None


@pytest.mark.parametrize(
    "root",
    [
        {"type": "deny"},
        {"type": "deny", "code": [{"coding": [{"code": USE}]}]},
        {"type": "deny", "code": [{"text": "MDAT"}], "provision": [provision("permit", COLLECT, USE)]},
        {
            "type": "deny",
            "provision": [{"type": "deny", "code": [{"text": "MDAT"}, {"coding": [{"code": "x"}]}]}],
        },
    ],
)
def test_a_root_that_is_more_than_the_baseline_is_a_rejection(tmp_path: Path, root: Any) -> None:
    rejected = agreement(identity="rejection") | {"provision": root}
    assert left(tmp_path, agreement(), rejected, *resources(INSIDE)) is None
