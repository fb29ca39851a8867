"""Risk figures equal ARX's (golden/arx.json: ARX core 3.9.x, commit aacd487) on Adult and Diabetes.

ARX counts kept records alone after anonymisation; a record is at risk strictly above the threshold. Of
Diabetes the document has no risks, only classes. Every number of ``risk_input`` and ``risk_output`` is looked
at, and a test counts them; ARX's slide negative binomial model, which prints 0 for everything, is the one
that is not ours (docs/risk_criteria.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import pytest

from risk.figures import Figure
from risk.reidentification.class_sizes import ClassSizes, measures
from risk.reidentification.uniqueness import population_uniqueness
from tests.conftest import needs_shared
from tests.published import golden, original, released, sizes

pytestmark = needs_shared

ADULT = ("adult9_k5_s0_loss", "adult9_k5_s2_loss")
DIABETES = ("diabetes9_k5_s0_loss", "diabetes9_k5_s2_loss", "diabetes9_k5_s100_loss")

SAME_MEASURE = {
    "highest_risk": "prosecutor_max",
    "est_prosecutor": "prosecutor_max",
    "est_journalist": "journalist_max",
    "average_risk": "prosecutor_average",
    "est_marketer": "marketer",
    "lowest_risk": "prosecutor_lowest",
    "sample_uniques_fraction": "unique_records",
    "histogram_num_classes": "classes",
    "histogram_num_records": "records",
}
"""ARX's names, and ours."""

SAME_SUMMARY = {
    "prosecutor_records_at_risk": "records_at_risk_above_{level}",
    "prosecutor_highest": "prosecutor_max",
    "prosecutor_success": "prosecutor_average",
    "journalist_records_at_risk": "records_at_risk_above_{level}",
    "journalist_highest": "journalist_max",
    "journalist_success": "journalist_average",
    "marketer_success": "marketer",
}
"""The same for the summaries by threshold; without a population table the journalist is the prosecutor."""

LEVELS = ("0.05", "0.1", "0.2")
NOT_OURS = ("snb_fraction", "snb_num")


def told(sizes: ClassSizes) -> Iterator[tuple[str, float]]:
    """What we say to every number of ARX's, by its name there."""
    figures = measures(sizes)
    yield from ((theirs, value(figures, ours)) for theirs, ours in SAME_MEASURE.items())
    yield "sample_uniques", int((sizes.people == 1).sum())
    for end, people in (("highest", sizes.people.min()), ("lowest", sizes.people.max())):
        affected = int(sizes.rows[sizes.people == people].sum())
        yield f"records_affected_by_{end}", affected
        yield f"fraction_affected_by_{end}", affected / sizes.records
    for level in LEVELS:
        for theirs, ours in SAME_SUMMARY.items():
            yield f"summary_threshold_{level}.{theirs}", value(figures, ours.format(level=level))


def estimated(sizes: ClassSizes, name: str, asked: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The same for the uniqueness of one population, by its sampling fraction or its size."""
    size = asked.get("population_size")
    fraction = Fraction(name.removeprefix("sampling_fraction_")) if size is None else None
    figures = population_uniqueness(sizes, population=size, fraction=fraction)
    whole = int(sizes.records / fraction) if fraction else size
    for model in ("zayatz", "pitman", "dankar"):
        share = value(figures, f"population_uniqueness_{model}")
        yield f"{model}_fraction", share
        if size is None:
            yield f"{model}_num", share * whole


def value(figures: Mapping[str, Figure], name: str) -> float:
    found = figures[name].value
    assert found is not None, name
    return found


def numbers(arx: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every number of ARX's by its path, but the class sizes and the population uniqueness."""
    for name, found in arx.items():
        if isinstance(found, dict) and name != "population_uniqueness":
            yield from numbers(found, f"{prefix}{name}.")
        elif isinstance(found, float | int):
            yield prefix + name, found


def assert_equals_arx(sizes: ClassSizes, arx: Mapping[str, Any]) -> None:
    ours, theirs = dict(told(sizes)), dict(numbers(arx))
    assert ours.keys() == theirs.keys()
    assert ours == pytest.approx(theirs, abs=1e-12)
    pairs = arx["histogram_size_count_pairs_first40"]
    people = sizes.people.tolist()
    assert [people.count(size) for size in pairs[::2]] == pairs[1::2]
    assert sorted(set(people))[: len(pairs[::2])] == pairs[::2]
    for name, asked in arx["population_uniqueness"].items():
        expected = {
            key: number for key, number in asked.items() if isinstance(number, float) and key not in NOT_OURS
        }
        assert dict(estimated(sizes, name, asked)) == pytest.approx(expected, rel=1e-6), name


def test_the_risk_of_the_input_equals_arx() -> None:
    for name in ADULT:
        case = golden(name)
        assert_equals_arx(sizes(original("adult"), case["quasi_identifiers"]), case["risk_input"])


@pytest.mark.parametrize("name", ADULT)
def test_the_risk_of_the_release_equals_arx(name: str) -> None:
    case = golden(name)
    assert_equals_arx(sizes(released(case), case["quasi_identifiers"]), case["risk_output"])


def test_the_model_that_arx_s_rule_takes_is_named() -> None:
    case = golden(ADULT[0])
    table = sizes(original("adult"), case["quasi_identifiers"])
    for name, asked in case["risk_input"]["population_uniqueness"].items():
        if name != "USA":
            fraction = Fraction(name.removeprefix("sampling_fraction_"))
            method = population_uniqueness(table, fraction=fraction)["population_uniqueness_dankar"].method
            assert f"takes {asked['dankar_model'].lower()}" in method


@pytest.mark.parametrize("name", DIABETES)
def test_diabetes_figures_follow_from_arx_s_classes(name: str) -> None:
    case = golden(name)
    figures = measures(sizes(released(case), case["quasi_identifiers"]))
    expected = {
        "classes": case["classes"],
        "records": case["records"],
        "class_size_min": case["min_size"],
        "class_size_max": case["max_size"],
        "prosecutor_max": 1 / case["min_size"],
        "prosecutor_lowest": 1 / case["max_size"],
        "prosecutor_average": case["classes"] / case["records"],
    }
    assert {key: figures[key].value for key in expected} == pytest.approx(expected, abs=1e-12)
