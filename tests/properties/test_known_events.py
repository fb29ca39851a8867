"""Laws of the risk from known events: counted person by person, and never less the more is known."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk import FIGURES, ClassSizes, Knowledge, KnownEvents, assess
from risk.reidentification.class_sizes import RISK_LEVELS, RISKS
from risk.reidentification.known_events import WITHOUT_EVENTS, with_events
from tests.linked_report import fewest

NAMES = "abcdefgh"
histories = st.lists(st.sampled_from("xyz"), max_size=4)
worlds = st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sampled_from("FM"), histories), min_size=1)
World = dict[str, tuple[str, list[str]]]


def counted(world: World, m: int, kinds: int | None = None) -> tuple[list[int], ClassSizes]:
    """How few people match each person, and the classes."""
    classes = {person: label for person, (label, _) in world.items()}
    found = fewest(classes, {person: events for person, (_, events) in world.items()}, m, kinds)
    sizes = pl.Series(list(classes.values())).value_counts()["count"].to_numpy()
    return list(found.values()), ClassSizes(sizes, sizes)


@given(worlds, st.integers(1, 3))
def test_figures_equal_a_literal_count_over_people(world: World, m: int) -> None:
    numbers, sizes = counted(world, m)
    figures = with_events(KnownEvents(1, m, np.array(numbers)), sizes)
    risks = [1 / number for number in numbers]
    mean = math.fsum(risks) / len(risks)
    expected = {
        "prosecutor_max": max(risks),
        "prosecutor_average": mean,
        "prosecutor_lowest": min(risks),
        "unique_records": numbers.count(1) / len(numbers),
        "journalist_max": max(risks),
        "journalist_average": mean,
        "marketer": mean,
    }
    for level in RISK_LEVELS:
        above = sum(risk > float(level) for risk in risks)
        expected[f"records_at_risk_above_{level}"] = above / len(risks)
    assert expected.keys() == RISKS
    for name, value in expected.items():
        assert figures[name].value == pytest.approx(value, rel=1e-12)
        assert figures[name].is_exact


@given(worlds, st.integers(1, 3))
def test_events_never_make_anybody_safer(world: World, m: int) -> None:
    numbers, sizes = counted(world, m)
    more, _ = counted(world, m + 1)
    some, all_ = (
        with_events(KnownEvents(1, i, np.array(n)), sizes) for i, n in ((m, numbers), (m + 1, more))
    )
    for name in RISKS:
        alone, known, further = some[name + WITHOUT_EVENTS].value, some[name].value, all_[name].value
        assert alone is not None
        assert known is not None
        assert further is not None
        assert alone <= known + 1e-12
        assert known <= further + 1e-12


@given(worlds, st.integers(1, 3))
def test_who_has_no_events_to_be_known_is_as_safe_as_without(world: World, m: int) -> None:
    """And so are the figures of a release in which nobody has any."""
    numbers, sizes = counted({person: (label, []) for person, (label, _) in world.items()}, m)
    figures = with_events(KnownEvents(1, m, np.array(numbers)), sizes)
    for name in RISKS:
        assert figures[name].value == pytest.approx(figures[name + WITHOUT_EVENTS].value, rel=1e-12)


@given(worlds, worlds, st.integers(1, 2))
def test_the_input_s_risk_is_bounded_by_what_counting_it_would_find(
    world: World, released: World, m: int
) -> None:
    """A name means one attacker in both tables, of the input from below, of one event exactly."""
    truth, before = counted(world, m)
    one, _ = counted(world, m, kinds=1)
    numbers, after = counted(released, m)
    known = Knowledge(*(KnownEvents(1, m, np.array(each)) for each in (one, numbers)))
    found = assess(before, after, suppressed=0, rows_in=before.records, known=known).figures
    real = with_events(KnownEvents(1, m, np.array(truth)), before)
    for name in RISKS:
        figure, value = found[f"original.{name}"], real[name].value
        alone = found[f"original.{name}{WITHOUT_EVENTS}"].value
        assert figure.low is not None
        assert value is not None
        assert alone is not None
        assert alone - 1e-12 <= figure.low <= value + 1e-12
        assert figure.value is None or figure.value == pytest.approx(value)
        assert m > 1 or figure.is_exact


@given(st.permutations([1, 2, 2, 3, 5, 5, 5]))
def test_the_order_of_people_does_not_move_a_digit(numbers: list[int]) -> None:
    sizes = ClassSizes(np.array([7]), np.array([7]))
    one, other = (with_events(KnownEvents(1, 2, np.array(n)), sizes) for n in (numbers, sorted(numbers)))
    assert one == other


def test_every_figure_is_of_one_of_the_two_attackers() -> None:
    assert {name.removeprefix("anonymised.") for name in FIGURES} == RISKS | {"suppressed_share"}
