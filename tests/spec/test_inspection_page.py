"""What an inspection's page and text say of findings: first what to look at, then every count."""

from __future__ import annotations

from typing import Any

import pytest

from risk.inspection.notices import keys, notices
from risk.inspection.pages import inspection_page, inspection_text
from risk.inspection.sections import sections
from risk.inspection.uniqueness import telling

ELEMENT = {"type": "Patient", "in_form": True, "class": "Q", "of": 40, "absent_with_reason": 0}
DATES = {
    "type": "Patient",
    "element": "birthDate",
    "in_form": True,
    "dates": 39,
    "first_month": "1931-02",
    "last_month": "2020-11",
    "year_only": 3,
    "year_month": 2,
    "future": 4,
    "before_1900": 1,
    "invalid": 0,
}


def small_findings(**changes: Any) -> dict[str, Any]:
    """The findings of a small export, with ``changes``."""
    reasons = {"accepted": 30, "no Consent": 10}
    found: dict[str, Any] = {
        "kind": "export",
        "reference_date": "2026-11-22",
        "form": "FHIR resources",
        "files": {"lines of JSON": 1},
        "files_ignored": 0,
        "patients": 40,
        "encounters": 60,
        "encounters_of_facility_level": 60,
        "patients_with_several_encounters": 20,
        "resources": [{"type": "Patient", "read": 41, "unique": 40, "duplicate": 1}],
        "resources_of_unknown_type": 0,
        "keys_repeated": 0,
        "elements": [
            ELEMENT | {"element": "name", "class": "D", "present": 5, "share": 0.125},
            ELEMENT | {"element": "gender", "present": 40, "share": 1.0},
            ELEMENT | {"element": "photo", "class": "D", "present": 0, "share": 0.0},
            ELEMENT | {"element": "postal code", "in_form": False, "present": 0, "share": 0.0},
        ],
        "dates": [DATES],
        "code_systems": [
            {
                "type": "Condition",
                "element": "code",
                "in_form": True,
                "codings": 12,
                "known": {"http://snomed.info/sct": 7},
                "unknown": 4,
                "unknown_systems": 2,
                "without_system": 1,
            }
        ],
        "codes": [
            {
                "type": "Condition",
                "element": "code: ICD-10-GM",
                "in_form": True,
                "codes": 9,
                "odd": {"malformed": 2},
            }
        ],
        "laboratory": {"in_form": True, "all": _labs(50, 3), "laboratory": _labs(20, None)},
        "consent": {"consents": 30, "consents_without_expected_category": 0, "patients_by_reason": reasons},
        "set_to_missing": {"birth_date_missing": 1},
        "uniqueness": {
            "unit": "patients",
            "people": 40,
            "columns": ["gender", "plz"],
            "constant": ["ags"],
            "columns_by_size": [2, 2],
            "subsets_counted": 3,
            "subsets": [
                {"columns": ["gender", "plz"], "unique": 20, "share": 0.5},
                {"columns": ["plz"], "unique": 20, "share": 0.5},
                {"columns": ["gender"], "unique": 0, "share": 0.0},
            ],
        },
    }
    return found | changes


def _labs(observations: int, comparators: int | None) -> dict[str, int | None]:
    names = "quantities without_unit coded absent_with_reason neither_value_nor_reason".split()
    return {"observations": observations, "comparators": comparators, **dict.fromkeys(names, 0)}


def test_the_first_glance_is_patients_consent_and_uniqueness() -> None:
    assert [key.figure for key in keys(small_findings())] == ["40", "30 of 40", "50%"]


def test_what_to_look_at_names_every_oddity_with_its_count() -> None:
    told = {notice.topic: notice.text for notice in notices(small_findings())}
    assert told == {
        "consent": "10 patients would be left out (10: no Consent).",
        "identifiers": "Direct identifiers are in the export; a run drops them: Patient.name (5).",
        "duplicates": "Resources that repeat another one’s type and id: 1.",
        "dates": "Impossible dates. Patient.birthDate: 4 in the future, 1 before 1900.",
        "partial": "Dates without a day: Patient.birthDate (5).",
        "systems": "Codings of unknown code systems: Condition.code (4). Codings without a code system: 1.",
        "codes": "Odd codes. Condition.code: ICD-10-GM: 2 malformed.",
        "values": "Of 50 Observations 3 have a comparator.",
    }


def test_withdrawals_of_nobody_and_linked_patients_are_told() -> None:
    consent = {"patients_by_reason": {"accepted": 1}, "consents_of_nobody": 5, "withdrawals_of_nobody": 3}
    found = small_findings(consent=consent, patients_merged=6, patients_linked_as_same_person=2)
    told = {notice.topic: notice.text for notice in notices(found)}
    assert told["withdrawals"].endswith("name no Patient: 3. A run that requires consent ends with 65.")
    assert told["assignment"] == "Active Consents that name no Patient of the export: 5."
    assert told["merged"].startswith(
        "Patients merged with others (replaced-by, replaces): 6. A run ends with 65"
    )
    assert "(refer, seealso): 2." in told["linked"]


@pytest.mark.parametrize(
    ("consent", "words"),
    [
        (None, "This form holds no Consent"),
        ({"consents": 0}, "The export holds no Consent"),
        ({"consents": 40, "patients_by_reason": {"accepted": 40}}, "Every patient has a consent that holds."),
    ],
)
def test_a_form_without_consent_an_export_without_and_one_where_all_consent(
    consent: dict[str, Any] | None, words: str
) -> None:
    assert words in notices(small_findings(consent=consent))[0].text


def test_a_set_that_tells_no_more_than_a_part_of_it_is_not_shown() -> None:
    assert telling(small_findings()["uniqueness"]["subsets"]) == [
        {"columns": ["plz"], "unique": 20, "share": 0.5}
    ]


def test_elements_nobody_holds_and_elements_without_a_place_stand_in_one_line_each() -> None:
    (completeness,) = (s for s in sections(small_findings()) if s.identifier == "elements")
    assert [row.cells for row in completeness.groups[0].rows] == [
        ("name", "D", "5", "40", "", "12.5%"),
        ("gender", "Q", "40", "40", "", "100%"),
        ("in none: photo",),
        ("not in this form: postal code",),
    ]


def test_what_a_form_cannot_tell_of_measured_values_is_not_a_zero() -> None:
    (labs,) = (s for s in sections(small_findings()) if s.identifier == "laboratory")
    assert ("with a comparator (such as “less than”)", "3", "not in this form") in [
        row.cells for row in labs.groups[0].rows
    ]


def test_a_table_too_large_for_all_sets_says_so() -> None:
    found = small_findings()
    found["uniqueness"] |= {"columns_by_size": [2, 1]}
    assert "made of the 1 columns that reveal most" in inspection_text(found, terminal=False)


def test_page_and_text_say_on_top_that_they_stay_in_the_house() -> None:
    assert "stays in the house" in inspection_page(small_findings())[:20_000]
    assert "stays in the house" in inspection_text(small_findings(), terminal=False).splitlines()[0]


def test_a_column_s_name_is_escaped_on_the_page_and_steers_no_terminal() -> None:
    found = small_findings()
    name = "<script>\x1b[31m[red]"
    found["uniqueness"] |= {"columns": [name], "subsets": [{"columns": [name], "unique": 1, "share": 0.1}]}
    assert "<script" not in inspection_page(found)
    told = inspection_text(found, terminal=False)
    assert "\x1b" not in told
    assert "[red]" in told


def test_a_terminal_gets_colours_and_a_pipe_none() -> None:
    assert "\x1b[" in inspection_text(small_findings(), terminal=True)
    assert "\x1b[" not in inspection_text(small_findings(), terminal=False)
