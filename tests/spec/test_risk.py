"""Re-identification figures: what they count, their bounds, and when a threshold is exceeded."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk import FIGURES, ClassSizes, Figure, assess, judge
from risk.reidentification.class_sizes import RISK_LEVELS, bounded_measures, measures, records_above


def classes(*pairs: tuple[int, int]) -> ClassSizes:
    """Return classes from (people, rows) pairs."""
    return ClassSizes(np.array([p for p, _ in pairs], int), np.array([r for _, r in pairs], int))


def one_row_each(*people: int) -> ClassSizes:
    return classes(*((n, n) for n in people))


def value(figures: dict[str, Figure], name: str) -> float | None:
    return figures[name].value


any_classes = st.lists(
    st.integers(1, 60).flatmap(lambda people: st.tuples(st.just(people), st.integers(people, people + 40))),
    min_size=1,
    max_size=25,
).map(lambda pairs: classes(*pairs))


def test_a_table_drawn_by_hand() -> None:
    #  class  people  rows   risk of each row
    #  a      1       1      1
    #  b      2       4      1/2      (two people, two rows each)
    #  c      5       5      1/5
    figures = measures(classes((1, 1), (2, 4), (5, 5)))
    assert value(figures, "prosecutor_max") == 1.0
    assert value(figures, "prosecutor_lowest") == 0.2
    assert value(figures, "prosecutor_average") == (1 * 1 + 4 / 2 + 5 / 5) / 10
    assert value(figures, "marketer") == 0.4
    assert value(figures, "unique_records") == 0.1
    assert value(figures, "records_at_risk_above_0.2") == 0.5
    assert value(figures, "records_at_risk_above_0.1") == 1.0
    assert (value(figures, "classes"), value(figures, "records")) == (3, 10)
    assert [value(figures, f"class_size_{q}") for q in ("min", "q25", "median", "q75", "max")] == [
        1,
        1,
        2,
        5,
        5,
    ]


def test_without_a_population_the_journalist_is_the_prosecutor_and_says_so() -> None:
    figures = measures(one_row_each(3, 8))
    for name in ("max", "average"):
        assert value(figures, f"journalist_{name}") == value(figures, f"prosecutor_{name}")
        assert "no population" in figures[f"journalist_{name}"].method


@pytest.mark.parametrize(
    ("level", "at_risk", "safe"), [("0.05", 19, 20), ("0.09", 11, 12), ("0.1", 9, 10), ("0.2", 4, 5)]
)
def test_a_record_is_at_risk_only_strictly_above_the_level(level: str, at_risk: int, safe: int) -> None:
    assert records_above(one_row_each(at_risk), level) == at_risk
    assert records_above(one_row_each(safe), level) == 0


@given(any_classes)
def test_figures_equal_a_literal_count_over_records(sizes: ClassSizes) -> None:
    risks = [
        1 / people for people, rows in zip(sizes.people, sizes.rows, strict=True) for _ in range(int(rows))
    ]
    figures = measures(sizes)
    assert value(figures, "prosecutor_max") == max(risks)
    assert value(figures, "prosecutor_lowest") == min(risks)
    assert value(figures, "prosecutor_average") == pytest.approx(math.fsum(risks) / len(risks), rel=1e-12)
    assert value(figures, "unique_records") == sum(risk == 1 for risk in risks) / len(risks)
    for level in RISK_LEVELS:
        share = sum(risk > float(level) for risk in risks) / len(risks)
        assert value(figures, f"records_at_risk_above_{level}") == share


@given(st.data())
def test_the_order_of_classes_does_not_move_a_single_digit(data: st.DataObject) -> None:
    sizes = data.draw(any_classes)
    order = np.array(data.draw(st.permutations(range(sizes.classes))))
    assert measures(ClassSizes(sizes.people[order], sizes.rows[order])) == measures(sizes)


@given(any_classes)
def test_people_that_cannot_be_counted_are_bounded(sizes: ClassSizes) -> None:
    truth = measures(sizes)
    for name, bounds in bounded_measures(sizes.rows, int(sizes.people.min())).items():
        if bounds.is_exact:
            continue
        assert bounds.value is None
        assert bounds.low is not None
        assert bounds.high is not None
        assert bounds.low - 1e-12 <= (truth[name].value or 0.0) <= bounds.high + 1e-12


def test_bounds_count_class_sizes_in_records() -> None:
    figures = bounded_measures(np.array([6, 9]), 5)
    assert (figures["prosecutor_max"].low, figures["prosecutor_max"].high) == (1 / 6, 1 / 5)
    assert value(figures, "class_size_min") == 6
    assert "records per class" in figures["class_size_min"].method


def test_an_exact_figure_is_its_own_interval_and_says_how_it_was_counted() -> None:
    for figure in measures(one_row_each(2, 3)).values():
        assert figure.low == figure.value == figure.high
        assert figure.method.startswith("exact: ")


def test_a_table_without_records_has_no_risk_and_says_why() -> None:
    figures = measures(one_row_each())
    assert value(figures, "classes") == value(figures, "records") == 0
    for name in ("prosecutor_max", "marketer", "class_size_median"):
        assert (figures[name].value, figures[name].high) == (None, None)
        assert "no records" in figures[name].method


@pytest.mark.parametrize("pairs", [[(0, 1)], [(3, 2)]])
def test_impossible_class_sizes_are_refused(pairs: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="class"):
        classes(*pairs)


def test_class_sizes_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="equal length"):
        ClassSizes(np.array([1, 2]), np.array([1]))


def test_class_sizes_cannot_be_changed_from_outside() -> None:
    counts = np.array([4, 7])
    sizes = ClassSizes(counts, counts)
    counts[0] = 1
    assert sizes.people.tolist() == [4, 7]
    with pytest.raises(ValueError, match="read-only"):
        sizes.rows[0] = 99


def test_risk_json_is_flat_and_complete() -> None:
    assessment = assess(one_row_each(1, 1, 5), one_row_each(5), suppressed=2, rows_in=7)
    stored = json.loads(assessment.to_json())
    assert stored == assessment.as_dict()
    assert all(set(entry) == {"value", "low", "high", "n", "method"} for entry in stored.values())
    assert {name.split(".")[0] for name in stored} == {"original", "anonymised"}
    assert stored["original.prosecutor_max"]["value"] == 1.0
    assert stored["anonymised.prosecutor_max"]["value"] == 0.2
    assert stored["anonymised.suppressed_share"] == {
        "value": 2 / 7,
        "low": 2 / 7,
        "high": 2 / 7,
        "n": 7,
        "method": "exact: suppressed rows / rows in",
    }


def test_risk_json_writes_null_where_nothing_was_released() -> None:
    stored = json.loads(assess(one_row_each(1, 1), one_row_each(), suppressed=2, rows_in=2).to_json())
    assert stored["anonymised.prosecutor_max"]["value"] is None
    assert "no records" in stored["anonymised.prosecutor_max"]["method"]


@pytest.mark.parametrize(("suppressed", "rows_in"), [(-1, 5), (6, 5), (0, 4)])
def test_counts_that_contradict_one_another_are_refused(suppressed: int, rows_in: int) -> None:
    with pytest.raises(ValueError, match="rows_in"):
        assess(one_row_each(5), one_row_each(5), suppressed=suppressed, rows_in=rows_in)


def test_every_figure_a_threshold_may_name_is_computed_and_is_published() -> None:
    assessment = assess(one_row_each(2, 3), one_row_each(5), suppressed=0, rows_in=5)
    assert set(assessment.figures) >= FIGURES
    assert all(name.startswith("anonymised.") for name in FIGURES)
    assert "anonymised.class_size_min" not in FIGURES  # more is better there: a limit would be upside down


def test_a_threshold_compares_the_upper_bound_and_holds_at_equality() -> None:
    figures = {
        "anonymised.prosecutor_max": Figure(0.2, 0.2, 0.2, 9, "exact: counted"),
        "anonymised.marketer": Figure(0.01, 0.0, 0.3, 9, "estimated"),
        "anonymised.unique_records": Figure(None, None, None, 0, "not computed: no records"),
    }
    limits = dict.fromkeys([*figures, "anonymised.unheard_of"], 0.2)
    assert [(j.observed, j.outcome) for j in judge(figures, limits)] == [
        (0.2, "met"),
        (0.3, "exceeded"),
        (None, "not computed"),
        (None, "not computed"),
    ]
