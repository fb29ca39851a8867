"""Risk figures equal ARX's (golden/arx.json: ARX core 3.9.x, commit aacd487) on Adult and Diabetes.

ARX counts kept records alone after anonymisation; a record is at risk strictly above the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from risk.figures import Figure
from risk.reidentification.class_sizes import measures
from tests.conftest import needs_shared
from tests.published import golden, original, released, sizes

pytestmark = needs_shared

ADULT = ("adult9_k5_s0_loss", "adult9_k5_s2_loss")
DIABETES = ("diabetes9_k5_s0_loss", "diabetes9_k5_s2_loss", "diabetes9_k5_s100_loss")

SAME_MEASURE = {
    "prosecutor_max": "highest_risk",
    "prosecutor_average": "average_risk",
    "prosecutor_lowest": "lowest_risk",
    "unique_records": "sample_uniques_fraction",
    "marketer": "est_marketer",
    "journalist_max": "est_journalist",
    "classes": "histogram_num_classes",
    "records": "histogram_num_records",
}


def assert_equals_arx(figures: Mapping[str, Figure], arx: Mapping[str, Any]) -> None:
    for ours, theirs in SAME_MEASURE.items():
        assert figures[ours].value == pytest.approx(arx[theirs], abs=1e-12), ours
    for level in ("0.05", "0.1", "0.2"):
        summary = arx[f"summary_threshold_{level}"]
        at_risk = figures[f"records_at_risk_above_{level}"].value
        assert at_risk == pytest.approx(summary["prosecutor_records_at_risk"], abs=1e-12), level
        assert at_risk == pytest.approx(summary["journalist_records_at_risk"], abs=1e-12), level
        assert figures["journalist_average"].value == pytest.approx(summary["journalist_success"], abs=1e-12)
        assert figures["marketer"].value == pytest.approx(summary["marketer_success"], abs=1e-12)


def test_the_risk_of_the_input_equals_arx() -> None:
    case = golden("adult9_k5_s0_loss")
    figures = measures(sizes(original("adult"), case["quasi_identifiers"]))
    assert_equals_arx(figures, case["risk_input"])


@pytest.mark.parametrize("name", ADULT)
def test_the_risk_of_the_release_equals_arx(name: str) -> None:
    case = golden(name)
    figures = measures(sizes(released(case), case["quasi_identifiers"]))
    assert_equals_arx(figures, case["risk_output"])


def test_the_input_s_class_sizes_equal_arx_s_histogram() -> None:
    case = golden("adult9_k5_s0_loss")
    people = sizes(original("adult"), case["quasi_identifiers"]).people.tolist()
    pairs = case["risk_input"]["histogram_size_count_pairs_first40"]
    for size, count in zip(pairs[::2], pairs[1::2], strict=True):
        assert people.count(size) == count


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
