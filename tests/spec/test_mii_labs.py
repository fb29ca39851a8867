"""Laboratory values by LOINC code and UCUM unit: last, first, min, max, mean and count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mii
from anonymizer.errors import BadInput
from mii.units import conversion
from tests.fhir_export import CRP, LOINC, UCUM, concept, lab, patient, request, row, write

ALL = mii.lab_columns(CRP)


def quantity(**elements: Any) -> dict[str, Any]:
    return {"valueQuantity": elements}


def told(folder: Path, *observations: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row(write(folder, [patient(), *observations]), *ALL).values())


def counts(folder: Path, *observations: dict[str, Any]) -> Any:
    return mii.read(write(folder, [patient(), *observations]), request(*ALL)).audit["laboratory"]


def test_statistics_go_by_the_time_of_the_sample(tmp_path: Path) -> None:
    values = [lab("a", 4.0, "2024-02-03"), lab("b", 1.0, "2024-02-01"), lab("c", 10.0, "2024-02-02")]
    assert told(tmp_path, *values) == (4.0, 1.0, 1.0, 10.0, 5.0, 3)


def test_without_any_value_there_are_none_and_the_count_is_zero(tmp_path: Path) -> None:
    other = lab("a", 7.0, "2024-02-01", code=concept(LOINC, "718-7"))
    assert told(tmp_path, other) == (None, None, None, None, None, 0)


def test_an_export_without_observations_tells_no_count_and_says_so(tmp_path: Path) -> None:
    assert told(tmp_path) == (None,) * 6
    found = mii.read(write(tmp_path, [patient()]), request("gender", *ALL))
    assert found.audit["columns_without_source"] == sorted(ALL)


def test_time_zones_and_partial_dates_are_ordered_as_moments(tmp_path: Path) -> None:
    values = [
        lab("a", 1.0, "2024-02-01T00:30:00+02:00"),
        lab("b", 2.0, "2024-01-31T23:00:00Z"),
        lab("c", 3.0, "2024-01-31T22:29:59.5+00:00"),
        lab("d", 4.0, "2024-01"),
    ]
    last, first, *_ = told(tmp_path, *values)
    assert (last, first) == (2.0, 4.0)


def test_a_value_without_a_date_counts_but_is_neither_first_nor_last(tmp_path: Path) -> None:
    assert told(tmp_path, lab("a", 5.0, None)) == (None, None, 5.0, 5.0, 5.0, 1)
    assert told(tmp_path, lab("a", 5.0, None), lab("b", 1.0, "2024")) == (1.0, 1.0, 1.0, 5.0, 3.0, 2)


def test_a_period_counts_from_its_start_and_an_instant_as_it_is(tmp_path: Path) -> None:
    spanning = lab("a", 1.0, None, effectivePeriod={"start": "2024-02-01", "end": "2024-02-09"})
    instant = lab("b", 2.0, None, effectiveInstant="2024-02-02T00:00:00Z")
    assert told(tmp_path, spanning, instant)[:2] == (2.0, 1.0)


def test_a_tie_is_broken_by_the_id_and_never_by_the_order_of_lines(tmp_path: Path) -> None:
    values = [lab("b", 2.0, "2024-02-01"), lab("a", 1.0, "2024-02-01")]
    assert told(tmp_path, *values) == told(tmp_path, *reversed(values)) == (2.0, 1.0, 1.0, 2.0, 1.5, 2)


def test_the_mean_does_not_depend_on_the_order_of_lines(tmp_path: Path) -> None:
    """Added up from left to right, 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ in the last digit."""
    values = [lab("a", 0.1, "2024-02-01"), lab("b", 0.2, "2024-02-01"), lab("c", 0.3, "2024-02-01")]
    assert told(tmp_path, *values)[4] == told(tmp_path, *reversed(values))[4] == 0.6 / 3


def test_a_value_with_a_comparator_is_a_bound_and_is_counted(tmp_path: Path) -> None:
    bound = lab("a", None, "2024-02-01", **quantity(value=5, code="mg/L", comparator="<"))
    assert told(tmp_path, bound)[-1] == 0
    assert counts(tmp_path, bound) == {"values_with_comparator": 1}


def test_absent_values_and_values_without_a_unit_are_left_out_and_counted(tmp_path: Path) -> None:
    absent = lab("a", None, "2024-02-01", dataAbsentReason=concept("x", "not-performed"))
    bare = lab("b", None, "2024-02-01", **quantity(value=5))
    assert told(tmp_path, absent, bare)[-1] == 0
    assert counts(tmp_path, absent, bare) == {"values_absent": 1, "values_without_unit": 1}


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_an_observation_that_is_void_is_left_out(tmp_path: Path, status: str) -> None:
    assert told(tmp_path, lab("a", 5.0, "2024-02-01", status=status))[-1] == 0


def test_the_unit_text_serves_where_there_is_no_code(tmp_path: Path) -> None:
    assert told(tmp_path, lab("a", None, "2024-02-01", **quantity(value=5, unit="mg/L")))[0] == 5.0


def test_other_units_are_converted_by_ucum(tmp_path: Path) -> None:
    in_decilitres = lab("a", None, "2024-02-01", **quantity(value=2.56, code="mg/dL", system=UCUM))
    assert told(tmp_path, in_decilitres)[0] == 25.6
    assert counts(tmp_path, in_decilitres) == {"values_converted": 1, "values_used": 1}


@pytest.mark.parametrize(
    ("found", "wanted", "rule"),
    [
        ("mg/dL", "mg/L", (10.0, 0.0)),
        ("10*3/uL", "/nL", (1.0, 0.0)),
        ("ml", "mL", (1.0, 0.0)),
        ("%", "1", (0.01, 0.0)),
        ("Cel", "K", (1.0, 273.15)),
        ("mmol/L", "mg/dL", None),
        ("U/L", "mg/L", None),
        ("mL/min/{1.73_m2}", "mL/min", None),
        ("{score}", "{score}", (1.0, 0.0)),
        ("no such unit", "mg/L", None),
        ("", "mg/L", None),
    ],
)
def test_what_converts_and_what_does_not(found: str, wanted: str, rule: tuple[float, float] | None) -> None:
    assert conversion(found, wanted) == rule


def test_a_unit_that_does_not_convert_refuses_the_export_naming_the_column(tmp_path: Path) -> None:
    values = [lab(name, None, "2024-02-01", **quantity(value=7, code="nmol/L")) for name in "ab"]
    with pytest.raises(BadInput) as refused:
        told(tmp_path, *values)
    assert (refused.value.column, refused.value.count) == ("lab_crp", 2)


def test_two_names_may_ask_for_one_code_in_two_units(tmp_path: Path) -> None:
    asked = {"crp": mii.Observation("1988-5", "mg/L"), "crp_dl": mii.Observation("1988-5", "mg/dL")}
    export = write(tmp_path, [patient(), lab("a", 25.0, "2024-02-01")])
    found = row(export, "lab_crp_last", "lab_crp_dl_last", observations=asked)
    assert found == {"lab_crp_last": 25.0, "lab_crp_dl_last": 2.5}


def test_only_loinc_codes_are_loinc_codes(tmp_path: Path) -> None:
    other = lab("a", 5.0, "2024-02-01", code=concept("http://site.example/labor", "1988-5"))
    both = lab(
        "b",
        6.0,
        "2024-02-01",
        code={"coding": [{"system": "x", "code": "y"}, {"system": LOINC, "code": "1988-5"}]},
    )
    assert told(tmp_path, other, both)[-1] == 1
