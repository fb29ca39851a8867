"""FHIRPath, the subset that views are written in: what an expression selects, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from anonymizer.errors import AnonError, BadConfig, BadInput
from mii.views.evaluating import compiled
from mii.views.parser import parse
from mii.views.temporal import boundary, compared, temporal

SECRET = "Mustermann"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "gender": "other",
    "_gender": {"extension": [{"url": "urn:official", "valueCoding": {"code": "D"}}]},
    "birthDate": "1962-05",
    "multipleBirthInteger": 2,
    "deceasedDateTime": "2024-02-01T10:00:00+01:00",
    "name": [
        {"use": "official", "family": SECRET, "given": ["Erika", None, "Eva"]},
        {"use": "maiden", "family": "Gabler"},
    ],
    "address": [{"postalCode": "10117"}],
    "generalPractitioner": [
        {"reference": "Practitioner/d1/_history/3"},
        {"reference": "https://fhir.example.org/Organization/o1"},
        {"reference": "urn:uuid:7"},
    ],
    "extension": [{"url": "urn:weight", "valueQuantity": {"value": Decimal("81.50"), "code": "kg"}}],
}


def select(expression: str, resource: Any = PATIENT, **constants: Any) -> list[Any]:
    return compiled(parse(expression), constants)([resource], 0)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # paths
        ("Patient.gender", ["other"]),
        ("Observation.gender", []),
        ("name.given", ["Erika", "Eva"]),
        ("name[1].family", ["Gabler"]),
        ("name[7].family", []),
        ("`name`.`use`", ["official", "maiden"]),
        ("gender.nothing.there", []),
        ("name.first().use", ["official"]),
        ("name.where(use = 'maiden').family", ["Gabler"]),
        ("name.where($this.use = 'maiden').use", ["maiden"]),
        # choices
        ("deceased.ofType(dateTime).exists()", [True]),
        ("deceased.ofType(boolean)", []),
        ("multipleBirth", [2]),
        ("multipleBirth.ofType(FHIR.integer)", [2]),
        # extensions, of a primitive value beside it
        ("extension('urn:weight').value.ofType(Quantity).value", [Decimal("81.50")]),
        ("gender.extension('urn:official').value.ofType(Coding).code", ["D"]),
        ("gender.extension.where(url = 'urn:official').value.ofType(Coding).code", ["D"]),
        ("extension('urn:height')", []),
        # keys
        ("getResourceKey()", ["p1"]),
        ("generalPractitioner.getReferenceKey()", ["d1", "o1", "urn:uuid:7"]),
        ("generalPractitioner.getReferenceKey(Practitioner)", ["d1", "urn:uuid:7"]),
        # emptiness
        ("name.exists(use = 'nickname')", [False]),
        ("name.empty() or active", [True]),
        ("{}.empty()", [True]),
        ("name.given.join('+')", ["Erika+Eva"]),
        # three-valued logic
        ("{} and false", [False]),
        ("{} and true", []),
        ("{} or true", [True]),
        ("{} or false", []),
        ("true xor {}", []),
        ("false implies {}", [True]),
        ("{} implies true", [True]),
        ("{}.not()", []),
        ("active.not()", [False]),
        # equality and order
        ("gender != 'male'", [True]),
        ("name.use = name.use", [True]),
        ("name.use = name.given", [False]),
        ("gender = {}", []),
        ("'maiden' in name.use", [True]),
        ("name.use contains 'nickname'", [False]),
        ("(name.use | name.use | gender)", ["official", "maiden", "other"]),
        ("1 = 1.0", [True]),
        ("true = 1", [False]),
        ("'b' > 'a'", [True]),
        # numbers, exactly
        ("0.1 + 0.2 = 0.3", [True]),
        ("-7 div 2", [Decimal(-3)]),
        ("-7 mod 2", [Decimal(-1)]),
        ("1 + 2 * 3 - 4 / 2", [Decimal(5)]),
        ("1 / 0", []),
        ("2 * {}", []),
        ("'a' + 'b' & {} & 'c'", ["abc"]),
        # dates: no answer beyond what both say
        ("birthDate < @1962-06", [True]),
        ("birthDate < @1962-05-03", []),
        ("birthDate = @1962-05", [True]),
        ("deceased.ofType(dateTime) = @2024-02-01T09:00:00Z", [True]),
        ("deceased.ofType(dateTime) > @2024-02-01T08:59:59Z", [True]),
        ("@T10:00 <= @T10:00:30", []),
        ("birthDate.lowBoundary()", ["1962-05-01"]),
        ("birthDate.highBoundary()", ["1962-05-31"]),
        ("extension.value.ofType(Quantity).value.highBoundary()", [Decimal("81.505")]),
        # comments and escapes
        ("gender // who\n = 'oth\\u0065r' /* yes */", [True]),
        ("%wanted = gender", [True]),
        ("%rowIndex", [0]),
    ],
)
def test_what_an_expression_selects(expression: str, expected: list[Any]) -> None:
    assert select(expression, wanted="other") == expected


@pytest.mark.parametrize(
    "expression",
    [
        *("", "name.", "name..use", "(name", "name[0", "name where", "'open", "@@", "@2024-13-01", "a ~ b"),
        *("name is HumanName", "gender as code", "$total", "name.use = ", "{1}", "1.2.3", "ofType('x')"),
        *("name.upper()", "today()", "name.where()", "name.first(1)", "%unknown", "%context", "(" * 99),
        "(" * 60 + "1" + ")" * 60,
    ],
)
def test_what_is_not_in_the_subset_is_refused_before_any_data_is_seen(expression: str) -> None:
    with pytest.raises(BadConfig):
        compiled(parse(expression), {})


@pytest.mark.parametrize(
    "expression",
    [
        *("name.family and true", "gender.not()", "name.where(family)", "name[name]", "name.family < 3"),
        *("name.family.lowBoundary()", "name.first().family + 1", "-gender", "name & 'x'", "name.join()"),
        *("name.first() < 1", "gender < true", "name.given + 'a'", "name[gender]", "name.first().join(', ')"),
    ],
)
def test_what_does_not_fit_the_data_is_refused_without_telling_them(expression: str) -> None:
    with pytest.raises(BadInput) as refusal:
        select(expression)
    assert not _tells(refusal.value)


def _tells(error: AnonError) -> bool:
    chain = [error, error.__cause__, None if error.__suppress_context__ else error.__context__]
    return any(secret in str(each) for each in chain for secret in (SECRET, "Gabler", "other", "1962"))


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ("2024", "2025", -1),
        ("2024-05", "2024", None),
        ("2024-05-01", "2024-05-01", 0),
        ("2024-05-01T10:00:00+02:00", "2024-05-01T08:00:00Z", 0),
        ("2024-05-01T10:00:00", "2024-05-01T10:00:00Z", None),
        ("2024-05-01T10:00:00.5Z", "2024-05-01T10:00:00.50Z", 0),
        ("2024-12-31T23:30:00-01:00", "2025-01-01T00:30:00Z", 0),
    ],
)
def test_moments_compare_as_far_as_both_are_told(left: str, right: str, order: int | None) -> None:
    first, second = temporal(left), temporal(right)
    assert first is not None
    assert second is not None
    assert compared(first, second) == order
    assert compared(second, first) == (None if order is None else -order)


@pytest.mark.parametrize("text", ["2024-02-30", "24-01-01", "2024-1-1", "2024-01-01T25:00:00Z", "soon", ""])
def test_what_is_no_date_is_none(text: str) -> None:
    assert temporal(text) is None
    assert boundary(text, "date", high=True) is None


def test_a_boundary_keeps_to_the_calendar_and_the_zone() -> None:
    assert boundary("2024-02", "date", high=True) == "2024-02-29"
    assert boundary("2024", "dateTime", high=False) == "2024-01-01T00:00:00.000+14:00"
    assert boundary("2024-02-01T10:00:00+01:00", "dateTime", high=True) == "2024-02-01T10:00:00.999+01:00"
    assert boundary("10:30", "time", high=True) == "10:30:59.999"
