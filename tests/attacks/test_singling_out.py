"""Singling out: a planted copy or outlier is found, and what chance alone isolates is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from risk.attacks.singling_out import predicates, replicated_uniques
from risk.baselines import independent
from risk.comparison import Attribute, Comparison
from risk.results import Attack, Marked
from tests.attack_scenes import anonymised, data, population, synthetic


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def values(marks: Marked) -> tuple[float, float]:
    assert marks.figure.value is not None
    assert marks.control is not None
    assert marks.control.value is not None
    return marks.figure.value, marks.control.value


ATTACKS = [predicates, replicated_uniques]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_verbatim_copy_is_found_and_its_figure_is_the_ceiling(attack: object) -> None:
    found = _attacked(attack, synthetic(data()))
    figure, control = values(found.headline)
    assert figure > 0.7
    assert control < 0.15
    assert found.headline.ceiling is not None
    assert found.headline.ceiling.value == figure


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("honest", ["fresh people", "independent columns"])
def test_a_release_that_knows_nobody_is_at_its_control_and_its_floor(attack: object, honest: str) -> None:
    released = population(400, 2) if honest == "fresh people" else independent(data(), rng())
    found = _attacked(attack, synthetic(released)).headline
    assert found.control is not None
    assert found.control.low is not None
    assert found.figure.low is not None
    assert found.figure.high is not None
    assert found.control.high is not None
    assert found.figure.low <= found.control.high
    assert found.control.low <= found.figure.high


def test_one_memorised_outlier_among_fresh_people_is_singled_out() -> None:
    """The outlier comes out a little altered; its band is that of the largest value, beyond everybody."""
    outlier = data()[:1].with_columns(pl.lit(140.0).alias("age"))
    members = pl.concat([outlier, data()[1:]])
    released = pl.concat([population(399, 2), outlier.with_columns(pl.lit(139.6).alias("age"))])
    scene = replace(synthetic(released), original=members, base=members)
    without = replace(synthetic(population(400, 2)), original=members, base=members)
    alone = [_isolated_by_age(each) for each in (scene, without)]
    assert alone == [True, False]


def _isolated_by_age(scene: Comparison) -> bool:
    """Whether one of the predicates about age alone isolates somebody: only an extreme one can."""
    figure = predicates(scene, rng(), largest=1).parts["people"].figure
    return bool(figure.value)


def test_predicates_of_a_k_anonymous_table_isolate_nobody_by_quasi_identifiers() -> None:
    scene = anonymised(population(400, 1), width=200)
    found = predicates(scene, rng())
    assert found.headline.figure.value == 0.0
    assert found.headline.figure.is_exact
    assert found.parts["people"].figure.value == 0.0
    assert (found.parts["all_attributes"].figure.value or 0) > 0.9  # a rare diagnosis still is alone


def test_a_person_with_two_rows_is_singled_out_as_one_person() -> None:
    """Both rows of person 0 hold for the same predicate: it holds for one person, though for two rows."""
    base = data(40).with_columns(pl.lit("f").alias("sex"))
    twice = pl.concat([base.with_columns(pl.lit("x").alias("sex"))[:1]] * 2 + [base[2:]])
    released = pl.concat([twice[:1], base[2:]])
    scene = replace(synthetic(released, rows=40), original=twice, base=twice)
    known = replace(
        scene,
        attributes=tuple(replace(each, is_quasi_identifier=each.name == "sex") for each in scene.attributes),
    )
    one = replace(known, people=np.array([0, 0, *range(1, 39)]))
    assert predicates(one, rng()).headline.figure.value == 1.0
    assert predicates(known, rng()).headline.figure.value == 0.0


def test_replicated_uniques_of_a_table_of_classes_of_two_and_more_is_exactly_zero() -> None:
    found = replicated_uniques(anonymised(population(400, 1), width=200), rng()).headline
    assert found.figure.is_exact
    assert found.figure.value == 0.0
    assert found.control is not None
    assert found.control.is_exact
    assert found.control.value == 0.0


@pytest.mark.parametrize("attack", ATTACKS)
def test_without_a_holdout_there_is_no_control_and_it_is_not_zero(attack: object) -> None:
    scene = replace(synthetic(data()), holdout=None, holdout_people=None)
    control = _attacked(attack, scene).headline.control
    assert control is not None
    assert control.value is None
    assert "held out" in control.method


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_same_seed_gives_the_same_figures(attack: object) -> None:
    scene = synthetic(population(400, 2))
    assert _attacked(attack, scene) == _attacked(attack, scene)


def test_bootstrap_copies_lie_between_floor_and_ceiling() -> None:
    found = replicated_uniques(synthetic(data()), rng()).headline
    marks = [each.value for each in (found.floor, found.bootstrap, found.ceiling) if each is not None]
    assert None not in marks
    assert marks == sorted(marks)  # type: ignore[type-var]
    assert marks[1] == pytest.approx(0.37, abs=0.08)  # the share drawn exactly once is 1/e


def _attacked(attack: object, scene: Comparison) -> Attack:
    assert callable(attack)
    found = attack(scene, rng())
    assert isinstance(found, Attack)
    return found


def test_the_control_of_a_small_holdout_is_as_large_as_what_chance_isolates() -> None:
    """Fresh people, 25 worlds: nothing rests on the data, so figure and control differ by luck alone."""
    differences = []
    for seed in range(25):
        people = population(900, 1000 + seed)
        scene = synthetic(people[500:], held=100)
        fresh = replace(scene, original=people[:400], base=people[:400], holdout=people[400:500])
        figure, control = values(predicates(fresh, rng()).parts["all_attributes"])
        assert figure > 0.15
        differences.append(figure - control)
    assert abs(np.mean(differences)) < 0.02


def test_the_intervals_are_about_as_wide_as_worlds_differ() -> None:
    figures, errors = [], []
    for seed in range(25):
        people = population(900, 1000 + seed)
        scene = synthetic(people[500:], held=100)
        fresh = replace(scene, original=people[:400], base=people[:400], holdout=people[400:500])
        marks = predicates(fresh, rng()).parts["all_attributes"]
        assert marks.control is not None
        figures.append(values(marks))
        errors.append([(each.high or 0) - (each.low or 0) for each in (marks.figure, marks.control)])
    ratios = np.std(figures, axis=0) / (np.mean(errors, axis=0) / 3.92)
    assert (ratios > 0.6).all()
    assert (ratios < 1.6).all()


def of_people(rows: list[str], people: list[int], shown: list[bool] | None = None) -> Comparison:
    """An anonymised table of one quasi-identifier and one other column, the same for everybody."""
    words = pl.DataFrame({"place": rows, "illness": ["x"] * len(rows)})
    inside = np.array(shown or [True] * len(rows))
    attributes = (
        Attribute("place", "category", is_quasi_identifier=True, is_sensitive=False),
        Attribute("illness", "category", is_quasi_identifier=False, is_sensitive=True),
    )
    released = words.filter(pl.Series(inside)).sort("place", descending=True)
    return Comparison("anonymised", attributes, released, words, words, np.array(people), inside)


@pytest.mark.parametrize("attack", ATTACKS)
def test_alone_with_two_equal_rows_is_alone(attack: object) -> None:
    """Twenty people with two rows each and a place of their own: what counts are people."""
    twice = of_people([f"p{number // 2}" for number in range(40)], [number // 2 for number in range(40)])
    assert _attacked(attack, twice).headline.figure.value == 1.0
    shared = of_people([f"p{number // 4}" for number in range(40)], [number // 2 for number in range(40)])
    assert _attacked(attack, shared).headline.figure.value == 0.0
    assert _attacked(attack, shared).headline.figure.is_exact


def test_a_predicate_of_several_rows_is_one_predicate_of_one_person() -> None:
    """Person 0 has three rows in a; b is shared; in c a person whose row is left out is as well."""
    scene = of_people(
        ["a", "a", "a", "b", "b", "c", "c"],
        [0, 0, 0, 1, 2, 3, 4],
        [True, True, True, True, True, True, False],
    )
    found = predicates(scene, rng())
    assert found.headline.figure.value == pytest.approx(0.5)
    assert found.headline.figure.n == 2
    assert found.parts["all_attributes"].figure.value == pytest.approx(0.5)
    assert found.parts["people"].figure.value == pytest.approx(1 / 5)
    assert replicated_uniques(scene, rng()).headline.figure.value == pytest.approx(4 / 6)


def test_a_table_in_which_nobody_s_row_is_counts_its_rows() -> None:
    """The floor: independent columns have as many rows that are alone as rows, not people."""
    words = of_people(["a", "a", "b", "c"], [0, 0, 1, 2])
    scene = replace(words, released=words.released.with_columns(pl.Series("place", ["a", "a", "a", "d"])))
    assert predicates(scene, rng()).headline.figure.value == 0.0
    assert predicates(scene, rng()).headline.figure.n == 1


def of_many_columns(width: int) -> Comparison:
    """Rows of zeros but for a one in another place each; 19 columns make 1,159 combinations."""
    cells = np.eye(width, dtype=int)
    words = pl.DataFrame({f"c{place}": cells[:, place].astype(str) for place in range(width)})
    attributes = tuple(
        Attribute(name, "category", is_quasi_identifier=True, is_sensitive=False) for name in words.columns
    )
    everybody = np.ones(words.height, dtype=bool)
    return Comparison("anonymised", attributes, words, words, words, np.arange(words.height), everybody)


def test_of_drawn_combinations_there_is_a_lower_end_only() -> None:
    found = predicates(of_many_columns(19), rng())
    for marks in (found.headline, *found.parts.values()):
        assert (marks.figure.value, marks.figure.high) == (None, None)
        assert marks.figure.low is not None
        assert "1,000 of 1,159 combinations" in marks.figure.method
        assert not marks.figure.method.startswith("exact")
    assert found.parts["people"].figure.low == 1.0
    whole = predicates(of_many_columns(18), rng()).headline.figure
    assert whole.value == 1.0


def test_none_found_among_drawn_combinations_is_not_none_at_all() -> None:
    """Sixteen people are told apart by four columns, and by no three of them."""
    scene = of_many_columns(19)
    bits = [[f"{row >> place & 1}" for place in range(3)] for row in range(8)]
    fourth = [f"{sum(map(int, three)) % 2}" for three in bits]
    words = pl.DataFrame({name: ["0"] * 16 for name in scene.released.columns}).with_columns(
        pl.Series("c0", [three[0] for three in bits] * 2),
        pl.Series("c1", [three[1] for three in bits] * 2),
        pl.Series("c2", [three[2] for three in bits] * 2),
        pl.Series("c3", [*fourth, *(str(1 - int(bit)) for bit in fourth)]),
    )
    people, shown = np.arange(16), np.ones(16, dtype=bool)
    others = replace(scene, released=words, original=words, base=words, people=people, shown=shown)
    assert predicates(others, rng(), largest=2).headline.figure.is_exact  # 190 combinations, all asked for
    figure = predicates(others, rng()).headline.figure
    assert (figure.value, figure.low, figure.high) == (None, 0.0, None)


def test_where_nobody_is_alone_with_all_values_drawn_combinations_are_all_answered() -> None:
    one = of_many_columns(19)
    words = pl.concat([one.released] * 2)
    scene = replace(
        one, released=words, original=words, base=words, people=np.arange(38), shown=np.ones(38, dtype=bool)
    )
    found = predicates(scene, rng())
    assert found.headline.figure.value == 0.0
    assert found.headline.figure.is_exact
    same = predicates(replace(scene, people=np.arange(38) % 19), rng()).parts["people"].figure
    assert same.low == 1.0
