"""How figures were made, in German: every method of attacks, measures and reasons has its translation."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from risk import ClassSizes
from risk.comparison import Comparison
from risk.figures import Figure
from risk.finding import Search, find
from risk.reports import wording
from risk.reports.words import speak
from tests.attack_scenes import anonymised, population, synthetic
from tests.conftest import ROOT

DE = speak("de")
MINIMALITY = (
    "mean gain over 1,200 cells; 40 of 400 worlds drawn fit; bootstrap over people, 95 %",
    "the cell that gains most in 20 worlds, measured in 20 others; Wilson interval, 95 %",
    "not estimated: needs 20 worlds in which the same would have been released; 3 of 400 are",
    "exact: the levels were set beforehand",
)
"""What ``full`` attacks say beside the quick ones."""


def english(method: str) -> list[str]:
    """The parts of a method that stay English in a German report."""
    return [part for part, is_known in DE._put(method) if not is_known]


def methods(found: object) -> Iterator[str]:
    if isinstance(found, Figure):
        yield found.method
    elif dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            yield from methods(getattr(found, field.name))
    elif isinstance(found, Mapping):
        for each in found.values():
            yield from methods(each)
    elif isinstance(found, tuple):
        for each in found:
            yield from methods(each)


def sizes(frame: pl.DataFrame) -> ClassSizes:
    counts = frame.group_by("age", "sex", "region").len()["len"].to_numpy().astype(np.int64)
    return ClassSizes(counts, counts)


def scene(name: str) -> Comparison:
    if name.startswith("anonymised"):
        return anonymised(population(200, 3), width=10 if name.endswith("fine") else 200)
    return synthetic(population(200, 9), rows=200, held=120 if name.endswith("held") else 0)


@pytest.mark.parametrize("name", ["anonymised fine", "anonymised coarse", "synthetic held", "synthetic"])
def test_every_method_of_what_is_found_is_german_in_a_german_report(name: str) -> None:
    comparison = scene(name)
    search = Search("quick", population=None if name == "synthetic" else 10_000)
    found = find(comparison, sizes(comparison.base), sizes(comparison.released), search)
    assert {part for method in methods(found) for part in english(method)} == set()


@pytest.mark.parametrize("method", MINIMALITY)
def test_the_methods_of_full_attacks_are_german(method: str) -> None:
    assert english(method) == []


@cache
def reasons() -> tuple[str, ...]:
    """Every reason that a source gives in one piece for a figure that is not estimated."""
    trees = (
        ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "risk").rglob("*.py"))
        if not {"reports", "inspection"} & set(Path(path).parts)
    )
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    return tuple(
        call.args[0].value
        for call in calls
        if getattr(call.func, "id", "") in ("not_estimated", "Unfit")
        and call.args
        and isinstance(call.args[0], ast.Constant)
    )


def test_every_reason_of_the_sources_is_german() -> None:
    assert len(reasons()) > 10
    assert [reason for reason in reasons() if english(f"not estimated: {reason}")] == []


def test_what_stays_english_inside_of_a_phrase_is_not_taken_for_german() -> None:
    assert english("exact: something nobody has translated") == ["exact: something nobody has translated"]


def test_numbers_of_other_rooms_are_written_as_german_ones() -> None:
    told = DE.put(
        "10000 of 20000 people sampled; its width of 0.047 from 1,000 real records that were outside, "
        "or taken as if"
    )
    assert told.startswith("10.000 von 20.000 Personen gezogen; seine Breite von 0,047 aus 1.000 echten")
    rate = DE.put(
        "true positives at 1% false positives by the attack 'density ratio', chosen on other people"
    )
    assert rate.startswith("richtig Erkannte bei 1\u00a0% falsch Beschuldigten")


def test_seconds_are_told_in_hundredths() -> None:
    run = {"seconds": {"read": 0.071233063, "total": 12.0}, "seconds_of_none": 0.071233063}
    assert [text for *_, text in wording.flattened(run)] == ["", "0.07", "12", "0.071233063"]
