"""What each metric says of one small release, worked out by hand.

sex  plz  ward   class    k = 2, the postal code cut to its first digit (level 1 of 2)
---  ---  ----   -----
m    10   a      m 1*     sex has 2 leaves, the postal code 100, of which a first digit covers 10.
m    10   b      m 1*     Two classes of three rows are kept; the last two rows are alone in their
m    11   a      m 1*     classes and are suppressed.
f    20   b      f 2*
f    20   b      f 2*
f    20   a      f 2*
f    10   a      f 1*
m    20   b      m 2*
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import log2, sqrt

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from anonymizer.counting.classes import Classes, Ladders, Node, base_classes, roll_up
from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import Criterion, KAnonymity, KMap
from anonymizer.errors import BadConfig
from anonymizer.hierarchies.hierarchy import Generalised, Hierarchy, prefix, suppression
from anonymizer.judging.judgement import judge
from anonymizer.measuring.affine import AffineMetric
from anonymizer.measuring.class_metrics import prepare
from anonymizer.metrics import (
    Ambiguity,
    AverageClassSize,
    Discernibility,
    Entropy,
    Height,
    KullbackLeibler,
    Loss,
    Metric,
    NormalisedEntropy,
    Precision,
    Predictive,
)
from anonymizer.tables.table import Column, Role, Table

CELLS = {
    "sex": ["m", "m", "m", "f", "f", "f", "f", "m"],
    "plz": ["10", "10", "11", "20", "20", "20", "10", "20"],
    "ward": ["a", "b", "a", "b", "b", "a", "a", "b"],
}
RELEASED = (0, 1)
QUARTER, HALF = Fraction(1, 4), Fraction(1, 2)
HIERARCHIES: dict[str, Hierarchy] = {"sex": suppression(), "plz": prefix([1], length=2)}
EVERY: tuple[Metric, ...] = (
    Loss(),
    Loss("arithmetic"),
    Loss("sum"),
    Loss("max"),
    Precision(),
    Height(),
    Entropy(),
    Entropy(monotonic=True),
    NormalisedEntropy(),
    Discernibility(),
    Discernibility(monotonic=True),
    AverageClassSize(),
    Ambiguity(),
    KullbackLeibler(),
    Predictive("ward"),
)


def table(
    cells: dict[str, list[str]] = CELLS, *, subject: str | None = None, sex_weight: float = 1.0
) -> Table:
    """The table above, or one with other cells; every row is a person unless a column names it."""
    weights = {"sex": sex_weight}
    columns = [
        Column(name, Role.QUASI_IDENTIFIER, HIERARCHIES[name], weight=weights.get(name, 1.0))
        if name in HIERARCHIES
        else Column(name, Role.IDENTIFIER if name == subject else Role.SENSITIVE, sensitive=name != subject)
        for name in cells
    ]
    return Table(pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String)), tuple(columns), subject)


def counted(whole: Table, criteria: tuple[Criterion, ...] = (KAnonymity(2),)) -> Counts:
    return count(whole, criteria, also=["ward"])


def judged(counts: Counts, node: Node, k: int = 2) -> tuple[Classes, NDArray[np.bool_]]:
    """The classes at a node, and which of them are suppressed."""
    classes = roll_up(counts, Ladders.of(counts), base_classes(counts), node)
    return classes, judge(counts, classes, [KAnonymity(k)]).broken


def score(metric: Metric, counts: Counts | None = None, node: Node = RELEASED, k: int = 2) -> float:
    """A metric's value for a release, by default the one above."""
    counts = counted(table()) if counts is None else counts
    classes, broken = judged(counts, node, k)
    prepared = prepare(counts, metric)
    if isinstance(prepared, AffineMetric):
        suppressed = np.where(broken, classes.rows, 0)
        cover = prepared.suppressed_cover(counts, Ladders.of(counts), classes, suppressed)
        return prepared.score(prepared.total(node, cover, int(suppressed.sum())))
    return prepared.score(prepared.total(counts, classes, broken))


# Loss: of sex 6 rows cover 1 leaf and 2 rows both, (10 - 8) / (8 - 0) = 1/4 of the way to all; of the postal
# code 6 rows cover 10 and 2 rows 100, (260 - 8) / (800 - 8) = 7/22.
SEX, PLZ = Fraction(1, 4), Fraction(7, 22)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        pytest.param(Loss(), sqrt((1 + SEX) * (1 + PLZ)) - 1, id="geometric mean of 1 + loss, less 1"),
        pytest.param(Loss("arithmetic"), (SEX + PLZ) / 2, id="mean"),
        pytest.param(Loss("sum"), SEX + PLZ, id="sum"),
        pytest.param(Loss("max"), PLZ, id="largest"),
    ],
)
def test_loss_is_the_share_of_the_domain_that_cells_cover(metric: Metric, value: float) -> None:
    assert score(metric) == pytest.approx(float(value), abs=1e-12)


@pytest.mark.parametrize(
    ("gs", "sex", "plz"),
    [
        # gs = 0: suppressed cells count what they covered: nothing of sex, (80 - 8) / 792 of the postal code.
        pytest.param(Fraction(0), Fraction(0), Fraction(1, 11), id="suppression costs nothing"),
        # gs = 1/4: half the way from there to all.
        pytest.param(QUARTER, Fraction(1, 8), Fraction(9, 44), id="suppression costs half"),
        pytest.param(HALF, SEX, PLZ, id="both count in full"),
        # gs = 3/4: a kept cell counts half its share: (6 * 1/2 * 1/2 + 2 - 2) / (8 - 2) and
        # (6 * 1/2 * 1/10 + 2 - 8/200) / (8 - 8/200).
        pytest.param(Fraction(3, 4), Fraction(1, 4), Fraction(226, 796), id="generalisation costs half"),
        pytest.param(Fraction(1), Fraction(2, 8), Fraction(2, 8), id="generalisation costs nothing"),
    ],
)
def test_gs_balances_suppression_and_generalisation(gs: Fraction, sex: Fraction, plz: Fraction) -> None:
    assert score(Loss("arithmetic", gs)) == pytest.approx(float((sex + plz) / 2), abs=1e-12)


def test_precision_is_the_level_over_the_height_and_1_where_suppressed() -> None:
    """Sex: (6 * 0/1 + 2) / 8; postal code: (6 * 1/2 + 2) / 8."""
    assert score(Precision()) == pytest.approx((2 / 8 + 5 / 8) / 2)


def test_height_is_the_sum_of_the_levels() -> None:
    assert score(Height()) == 0 + 1


def test_entropy_is_what_it_takes_to_tell_values_from_labels_and_labels_of_suppressed_rows() -> None:
    """1* stands for 10 three times and for 11 once; 2* is always 20.

    Of the two suppressed rows one is f and one m, one 1* and one 2*: a bit each for telling either.
    """
    generalised = 3 * log2(4 / 3) + log2(4 / 1)
    assert score(Entropy(monotonic=True)) == pytest.approx(generalised)
    assert score(Entropy()) == pytest.approx(generalised + 4)


def test_normalised_entropy_is_each_columns_share_of_what_stars_would_cost() -> None:
    """Stars cost a bit per row for sex; for the postal code 10 is 3 of 8, 11 is 1 of 8 and 20 is 4 of 8."""
    sex, plz = 8, 3 * log2(8 / 3) + 1 * log2(8) + 4 * log2(2)
    lost = 3 * log2(4 / 3) + log2(4) + 2
    assert score(NormalisedEntropy()) == pytest.approx(2 / sex + lost / plz)
    assert score(NormalisedEntropy(), node=(1, 2)) == pytest.approx(1 + 1)


def test_discernibility_is_the_rows_that_each_row_cannot_be_told_from() -> None:
    assert score(Discernibility()) == 3 * 3 + 3 * 3 + 2 * 8
    assert score(Discernibility(monotonic=True)) == 3 * 3 + 3 * 3 + 1 + 1


def test_average_class_size_counts_all_suppressed_rows_as_one_class() -> None:
    assert score(AverageClassSize()) == pytest.approx(8 / (2 + 1))
    assert score(AverageClassSize(), node=(1, 1)) == pytest.approx(8 / 2)


def test_ambiguity_is_how_many_tuples_a_row_may_stand_for() -> None:
    """A kept row has its sex and one of ten codes; a suppressed row is any of 2 * 100 tuples."""
    assert score(Ambiguity()) == pytest.approx((6 * 1 * 10 + 2 * 2 * 100) / 8)


def test_divergence_is_of_the_input_from_classes_spread_evenly() -> None:
    """A class of 3 rows over 10 tuples says 3/80 of each; the suppressed rows 2/8 over 200."""
    said, hidden = 3 / 8 / 10, 2 / 8 / 200
    told = [(2 / 8, said), (1 / 8, said), (3 / 8, said), (1 / 8, hidden), (1 / 8, hidden)]
    assert score(KullbackLeibler()) == pytest.approx(sum(p * log2(p / q) for p, q in told))


def test_predictive_loss_is_the_error_of_guessing_the_most_frequent_target_of_a_class() -> None:
    """m 1* is a, b, a: one wrong. f 2* is b, b, a: one wrong. Two rows are suppressed."""
    assert score(Predictive("ward")) == (1 + 1 + 2) / 8


def test_a_missing_target_is_a_value_to_predict() -> None:
    cells = {**CELLS, "ward": [None, "b", None, "b", None, None, "a", "b"]}
    assert score(Predictive("ward"), counted(table(cells))) == (1 + 1 + 2) / 8  # type: ignore[arg-type]


def test_where_targets_are_equally_frequent_any_of_them_is_as_good() -> None:
    cells = {name: values[:2] for name, values in CELLS.items()}
    assert score(Predictive("ward"), counted(table(cells))) == 1 / 2


def test_rows_count_where_one_person_has_several() -> None:
    """The first three rows are one person: their class breaks k = 2 and counts three rows."""
    counts = counted(table({**CELLS, "person": ["p", "p", "p", "q", "r", "s", "t", "u"]}, subject="person"))
    assert score(Predictive("ward"), counts) == (3 + 1 + 2) / 8
    assert score(Discernibility(), counts) == 3 * 3 + 5 * 8
    assert score(Precision(), counts) == pytest.approx((5 / 8 + (3 * 1 / 2 + 5) / 8) / 2)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (Loss(), (5 / 4) ** (3 / 4) * (29 / 22) ** (1 / 4) - 1),
        (Loss("arithmetic"), (3 * SEX + PLZ) / 4),
        (Loss("sum"), 2 * (3 * SEX + PLZ) / 4),
        (Loss("max"), max(SEX, PLZ / 3)),
        (Precision(), (3 * 2 / 8 + 5 / 8) / 4),
        (Height(), 2 * (3 * 0 + 1) / 4),
        (Entropy(), 2 * (3 * 2 + 3 * log2(4 / 3) + 2 + 2) / 4),
    ],
    ids=lambda value: str(value) if isinstance(value, Loss | Precision | Height | Entropy) else "",
)
def test_a_column_of_three_times_the_weight(metric: Metric, value: float) -> None:
    """Means take w / W, sums m w / W (so that equal weights are 1), the largest w / max w."""
    assert score(metric, counted(table(sex_weight=3.0))) == pytest.approx(float(value))


@pytest.mark.parametrize("metric", EVERY, ids=str)
def test_weights_count_only_beside_one_another(metric: Metric) -> None:
    heavier = table()
    columns = tuple(
        Column(c.name, c.role, c.hierarchy, sensitive=c.sensitive, weight=5.0) for c in heavier.columns
    )
    assert score(metric, counted(Table(heavier.frame, columns, None))) == pytest.approx(score(metric))


@pytest.mark.parametrize("metric", EVERY, ids=str)
def test_nothing_is_lost_where_nothing_is_changed(metric: Metric) -> None:
    """At level 0 without suppression; counts of classes and rows are what the input's are."""
    least = {
        Discernibility(): 2 * 2 + 3 * 3 + 3,
        Discernibility(monotonic=True): 2 * 2 + 3 * 3 + 3,
        AverageClassSize(): 8 / 5,
        Ambiguity(): 1.0,
        Predictive("ward"): (1 + 1) / 8,
    }
    assert score(metric, node=(0, 0), k=1) == pytest.approx(least.get(metric, 0.0), abs=1e-12)


@pytest.mark.parametrize("metric", EVERY, ids=str)
def test_one_row_and_no_row_are_tables_too(metric: Metric) -> None:
    one = counted(table({name: values[:1] for name, values in CELLS.items()}))
    none = counted(table({name: [] for name in CELLS}))
    for node in [(0, 0), (0, 1), (1, 2)]:
        for k in (1, 2):
            assert np.isfinite(score(metric, one, node, k))
        assert np.isfinite(score(metric, none, node))


@dataclass(frozen=True, slots=True)
class Starred:
    """A hierarchy of one level, which is its top."""

    level_names: tuple[str, ...] = ("*",)
    leaves: int = 1

    def generalise(self, values: Sequence[str]) -> Generalised:
        return Generalised((("*",) * len(values),), ((1,) * len(values),))


@pytest.mark.parametrize("metric", [*EVERY, Loss("arithmetic", Fraction(1))], ids=str)
def test_a_column_of_one_leaf_and_one_level_costs_nothing(metric: Metric) -> None:
    """Nothing is divided by its height, leaves or bits, which are all 0; it counts as a column in means."""
    before, same = table(), Column("same", Role.QUASI_IDENTIFIER, Starred())
    counts = counted(Table(before.frame.with_columns(same=pl.lit("x")), (*before.columns, same), None))
    in_mean = {
        Loss(): float((1 + SEX) * (1 + PLZ)) ** (1 / 3) - 1,
        Loss("arithmetic"): float(SEX + PLZ) / 3,
        Loss("arithmetic", Fraction(1)): (2 / 8 + 2 / 8) / 3,
        Precision(): (2 / 8 + 5 / 8) / 3,
    }
    assert score(metric, counts, (*RELEASED, 0)) == pytest.approx(in_mean.get(metric, score(metric)))


def test_ambiguity_of_a_domain_beyond_any_number_is_refused() -> None:
    small = counted(table())
    ladders = (replace(small.ladders[0], leaves=2**61),) * 40
    counts = replace(small, ladders=ladders, codes=np.repeat(small.codes[:, :1], 40, axis=1))
    with pytest.raises(BadConfig, match="too large"):
        prepare(counts, Ambiguity())


@pytest.mark.parametrize("metric", EVERY, ids=str)
def test_classes_of_a_population_alone_count_nothing(metric: Metric) -> None:
    """Three people of the population fit no row: they are no class of the release, and nothing is lost."""
    before = table()
    others = pl.DataFrame({"sex": [*CELLS["sex"], "f", "f", "m"], "plz": [*CELLS["plz"], "30", "31", "40"]})
    plain, counts = counted(before), counted(Table(before.frame, before.columns, None, others), (KMap(1),))
    assert (plain.n_tuples, counts.n_tuples) == (5, 5 + 3)
    assert score(metric, counts) == pytest.approx(score(metric, plain))
    assert bounds(metric, counts) == pytest.approx(bounds(metric, plain))


def bounds(metric: Metric, counts: Counts) -> list[float]:
    """Floor and penalty of a metric by classes, the column's least terms of one by columns."""
    (classes, broken), prepared = judged(counts, RELEASED), prepare(counts, metric)
    lost = np.where(broken, classes.rows, 0)
    if not isinstance(prepared, AffineMetric):
        return [prepared.floor(counts, classes), prepared.penalty(counts, classes, lost)]
    terms = prepared.least_terms(counts, Ladders.of(counts), classes, lost)
    return [float(term) for column in terms for term in column]
