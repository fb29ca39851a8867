"""Thresholds: a figure that is too high, or that nobody computed, stops the release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anonymizer.errors import ThresholdExceeded
from release import gate
from release.gate import PassedGate

FIGURES = {
    "anonymised.prosecutor_max": {"value": 0.2, "low": 0.2, "high": 0.2, "n": 60, "method": "exact"},
    "anonymised.linkability": {"value": 0.1, "low": 0.05, "high": 0.3, "n": 60, "method": "attack"},
    "anonymised.exact_only": {"value": 0.5, "low": None, "high": None, "n": 60, "method": "exact"},
    "anonymised.not_computed": {"value": None, "low": None, "high": None, "n": 0, "method": "no rows"},
    "anonymised.nan": {"value": float("nan"), "low": None, "high": float("nan"), "n": 0, "method": "0/0"},
}


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("anonymised.prosecutor_max", 0.2),
        ("anonymised.linkability", 0.3),
        ("anonymised.exact_only", 0.5),
    ],
)
def test_a_threshold_that_is_reached_is_kept(name: str, limit: float) -> None:
    assert gate.check({name: limit}, FIGURES).thresholds == {name: limit}


@pytest.mark.parametrize(
    ("name", "limit", "message"),
    [
        ("anonymised.prosecutor_max", 0.19, "0.2 exceeds the limit of 0.19"),
        ("anonymised.linkability", 0.2, "0.3 exceeds the limit of 0.2"),
        ("anonymised.exact_only", 0.4, "0.5 exceeds"),
        ("anonymised.exact_only", 0.49999999, "0.5 exceeds"),
        ("anonymised.not_computed", 1.0, "was not computed"),
        ("anonymised.nan", 1.0, "was not computed"),
        ("anonymised.absent", 1.0, "was not computed"),
    ],
)
def test_a_threshold_that_is_not_kept(name: str, limit: float, message: str) -> None:
    with pytest.raises(ThresholdExceeded, match=message) as failure:
        gate.check({name: limit}, FIGURES)
    assert failure.value.exit_code == 13


def test_nobody_else_constructs_a_passed_gate() -> None:
    with pytest.raises(TypeError, match=r"only gate.check"):
        PassedGate({}, object())
    with pytest.raises((TypeError, ValueError)):
        replace(gate.check({}, {}), thresholds={"x": 1.0})
