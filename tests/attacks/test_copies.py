"""What was planted is found: copies, shifted ones, one memorised outlier; and nothing where nothing is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from risk.attacks import cone as cones
from risk.attacks.closest import closest_records
from risk.attacks.cone import STRENGTHS, Cone, fit, frontier
from risk.attacks.copies import AS_IT_STANDS, REALIGNED, exact_copies, near_copies
from risk.attacks.extremes import copied_extremes, copied_rare
from risk.baselines import independent
from risk.comparison import Attribute
from risk.figures import Figure
from risk.results import Attack, Marked
from tests.copy_scenes import ATTRIBUTES, SCHEMA, patients, shifted, synthetic

REAL, HELD_OUT, FRESH = patients(600, 1), patients(300, 2), patients(600, 3)
"""People a model was trained on, people it never saw, and what a perfect model would draw."""


def draws() -> np.random.Generator:
    return np.random.default_rng(7)


def value(figure: Figure | None) -> float:
    assert figure is not None
    assert figure.value is not None
    return figure.value


def low(figure: Figure) -> float:
    assert figure.low is not None
    return figure.low


def high(figure: Figure | None) -> float:
    assert figure is not None
    assert figure.high is not None
    return figure.high


def between_its_marks(attack: Attack) -> None:
    assert value(attack.headline.floor) <= value(attack.headline.ceiling)
    for marks in (attack.headline, *attack.parts.values()):
        assert marks.figure.low is not None


@pytest.fixture(scope="module")
def cone() -> Cone:
    return fit(REAL, np.arange(REAL.height), ATTRIBUTES, holdout=HELD_OUT)


def test_a_verbatim_copy_is_all_copies() -> None:
    copied = synthetic(REAL, REAL, HELD_OUT)
    exact, near = exact_copies(copied, draws()), near_copies(copied, draws())
    assert value(exact.headline.figure) == value(near.headline.figure) == 1
    assert low(exact.headline.figure) > high(exact.headline.control)
    assert low(near.headline.figure) > high(near.headline.control)
    assert value(exact.headline.bootstrap) == 1
    between_its_marks(exact)
    between_its_marks(near)


def test_a_few_verbatim_rows_are_counted() -> None:
    some = pl.concat([REAL.head(30), FRESH.head(570)])
    found = exact_copies(synthetic(some, REAL, HELD_OUT), draws()).headline
    assert 30 / 600 <= value(found.figure) < 0.06
    assert low(found.figure) > high(found.control)


def test_what_a_perfect_model_draws_copies_no_more_than_held_out_people_do(cone: Cone) -> None:
    fresh = synthetic(FRESH, REAL, HELD_OUT)
    exact, near = exact_copies(fresh, draws()).headline, near_copies(fresh, draws()).headline
    assert low(exact.figure) <= high(exact.control)
    assert low(near.figure) <= high(near.control)
    assert cone.flags(FRESH).mean() < 0.1


def test_independent_columns_are_at_the_floor(cone: Cone) -> None:
    nothing = synthetic(independent(FRESH, draws()), REAL, HELD_OUT)
    for attack in (exact_copies(nothing, draws()), near_copies(nothing, draws())):
        assert low(attack.headline.figure) <= high(attack.headline.floor)
    assert cone.flags(nothing.released).mean() < 0.05


@pytest.mark.parametrize("by", [0.5, 1.0])
def test_a_shifted_copy_is_near_and_lies_in_cones(cone: Cone, by: float) -> None:
    copied = synthetic(shifted(REAL, by), REAL, HELD_OUT)
    near = near_copies(copied, draws()).parts[AS_IT_STANDS]
    assert value(exact_copies(copied, draws()).headline.figure) == 0
    assert value(near.figure) == 1
    assert low(near.figure) > high(near.control)
    assert cone.flags(copied.released).mean() > 0.5


def test_a_far_shift_is_undone() -> None:
    """Its rows lie far from everybody, which is what the distance to the closest record falls for."""
    copied = synthetic(shifted(REAL, 40.0), REAL, HELD_OUT)
    near = near_copies(copied, draws())
    assert value(near.parts[AS_IT_STANDS].figure) < 0.05
    assert value(near.parts[REALIGNED].figure) == 1
    assert value(near.headline.figure) == 1
    assert low(near.headline.figure) > high(near.headline.control)
    closest = closest_records(copied, draws())
    assert closest.is_diagnostic
    assert value(closest.headline.figure) > value(closest.headline.control)


def test_the_distance_to_the_closest_record_is_as_marked() -> None:
    found = closest_records(synthetic(FRESH, REAL, HELD_OUT), draws())
    assert found.is_diagnostic
    assert value(found.headline.ceiling) == 0 < value(found.headline.figure)
    assert value(found.headline.figure) < value(found.headline.floor)
    assert low(found.headline.figure) <= high(found.headline.control)
    assert value(found.parts["nearest_5_percent"].figure) < value(found.headline.figure)


OUTLIER = pl.DataFrame(
    {
        "age": [107.0],
        "weight": [31.5],
        "stay": [88.0],
        "sex": ["f"],
        "ward": ["oncology"],
        "codes": [["Z99"]],
    },
    schema=SCHEMA,
)


def test_one_memorised_outlier_is_in_its_cone_and_its_values_are_seen() -> None:
    real = pl.concat([REAL, OUTLIER])
    cone = fit(real, np.arange(real.height), ATTRIBUTES, holdout=HELD_OUT)
    nearly = OUTLIER.with_columns(pl.col("weight") + 3, pl.col("age") - 1)
    assert cone.flags(pl.concat([OUTLIER, nearly])).all()

    memorised = synthetic(pl.concat([FRESH, OUTLIER]), real, HELD_OUT)
    extremes, rare = copied_extremes(memorised, draws()), copied_rare(memorised, draws())
    assert value(extremes.parts["age"].figure) > 0
    assert extremes.parts["age"].figure.n < extremes.headline.figure.n
    assert value(rare.parts["codes"].figure) > 0

    unmemorised = synthetic(FRESH, real, HELD_OUT)
    for attack, column in ((copied_extremes, "age"), (copied_rare, "codes")):
        seen = value(attack(memorised, draws()).parts[column].figure)
        assert seen > value(attack(unmemorised, draws()).parts[column].figure)
        between_its_marks(attack(memorised, draws()))


def test_a_rare_code_is_seen_where_it_is_copied_and_nowhere_else() -> None:
    real = REAL.with_columns(codes=pl.Series([["Q87"], *REAL["codes"].to_list()[1:]], dtype=SCHEMA["codes"]))
    common = real.filter(pl.col("codes").list.len() == 0)

    def rare(released: pl.DataFrame) -> Marked:
        return copied_rare(synthetic(released, real, HELD_OUT), draws()).parts["codes"]

    without, copied = rare(common), rare(pl.concat([common, real.head(1)]))
    assert value(without.figure) == 0
    assert value(copied.figure) * copied.figure.n == pytest.approx(1)
    assert value(copied.ceiling) == 1


def test_the_control_of_rare_values_are_those_that_only_held_out_people_have() -> None:
    rare = ["Q87", "R99"]
    real, held = (
        frame.with_columns(
            codes=pl.Series([*([code] for code in codes), *frame["codes"].to_list()[len(codes) :]])
        )
        for frame, codes in ((REAL, rare[:1]), (HELD_OUT, rare))
    )
    found = copied_rare(synthetic(real, real, held), draws()).parts["codes"]
    assert found.control is not None
    assert found.control.n == 1
    assert value(found.control) == 0
    assert value(found.figure) == 1


def test_the_frontier_runs_from_a_copy_to_independent_columns() -> None:
    found = frontier(synthetic(FRESH, REAL, HELD_OUT), draws())
    assert found.allowed == 0.05
    assert found.strengths.tolist() == list(STRENGTHS)
    assert found.flagged[0] > 0.95
    assert found.flagged[-1] < 0.05
    assert (np.diff(found.flagged) <= 0.03).all()
    assert value(found.released) < 0.1
    copied = frontier(synthetic(REAL, REAL, HELD_OUT), draws())
    assert value(copied.released) == pytest.approx(copied.flagged[0])


def test_a_cone_reaches_to_a_share_of_the_way_to_the_fifth_nearest_person() -> None:
    """Of 32 that is 35, three years off: 31, 33, 30 and 34 are nearer."""
    real = pl.DataFrame({"age": [30.0, 31.0, 32.0, 33.0, 34.0, 35.0, 90.0]})
    tried = pl.DataFrame({"age": [32.3]})
    cone = fit(real, np.arange(7), (Attribute("age", "number", True, False),), holdout=tried)
    assert cone.alpha == pytest.approx(0.3 / 3, abs=1e-3)
    assert cone.flags(pl.DataFrame({"age": [32.29, 32.3, 32.31, 90.0]})).tolist() == [
        True,
        False,
        False,
        True,
    ]


def test_of_many_people_some_are_drawn_with_all_of_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cones, "MOST_REAL", 150)
    scene = replace(synthetic(REAL, REAL, HELD_OUT), people=np.arange(REAL.height) // 3)
    found = frontier(scene, draws())
    assert "one of 150 of 600 real ones" in found.released.method
    assert found.flagged[0] > 0.95
    assert value(found.released) < 0.5


def test_held_out_people_lie_in_cones_as_often_as_allowed(cone: Cone) -> None:
    assert cone.flags(HELD_OUT).sum() <= 0.05 * HELD_OUT.height
    assert cone.flags(HELD_OUT).sum() >= 0.05 * HELD_OUT.height - 1
    left_out = fit(REAL, np.arange(REAL.height), ATTRIBUTES)
    assert left_out.calibrated_on == REAL.height
    assert left_out.alpha == pytest.approx(cone.alpha, rel=0.35)
    # Other people than those it was found on: the same share, but for chance.
    assert left_out.flags(pl.concat([HELD_OUT, FRESH])).mean() < 0.08


def test_a_cone_that_cannot_tell_copies_from_others_says_so() -> None:
    """A column of a few values: most people are the same as somebody, and a few stand alone."""
    few = [each for each in ATTRIBUTES if each.name in ("age", "ward")]
    real, held = (frame.select(pl.col("age") // 4 * 4, "ward") for frame in (REAL, HELD_OUT))
    everybody = np.ones(REAL.height, np.bool_)
    scene = replace(
        synthetic(REAL, REAL, HELD_OUT),
        attributes=tuple(few),
        released=real,
        original=real,
        base=real,
        holdout=held,
        people=np.arange(REAL.height),
        shown=everybody,
    )
    assert fit(real, np.arange(real.height), tuple(few), holdout=held).alpha == 0
    found = frontier(scene, draws())
    assert found.released.value is None
    assert "no cone is narrow enough" in found.released.method


def test_people_with_many_rows_do_not_hide_behind_their_own() -> None:
    """Three rows each, almost the same: the fifth nearest record is of somebody else."""
    thrice = pl.concat([REAL, shifted(REAL, 0.1), shifted(REAL, 0.2)])
    people = np.tile(np.arange(REAL.height), 3)
    cone = fit(thrice, people, ATTRIBUTES)
    assert cone.flags(shifted(REAL, 0.3)).mean() > 0.8
    alone = fit(thrice, np.arange(thrice.height), ATTRIBUTES)
    assert alone.flags(shifted(REAL, 0.3)).mean() < 0.5


def test_without_held_out_people_a_control_is_not_estimated_and_never_0() -> None:
    bare = synthetic(FRESH, REAL)
    attacks = (
        exact_copies(bare, draws()),
        near_copies(bare, draws()),
        copied_extremes(bare, draws()),
        copied_rare(bare, draws()),
        closest_records(bare, draws()),
    )
    for attack in attacks:
        assert attack.headline.control is not None
        assert attack.headline.control.value is None
        assert "held out" in attack.headline.control.method
        assert attack.headline.figure.value is not None


def test_without_rows_nothing_is_estimated() -> None:
    nobody = replace(synthetic(FRESH, REAL), shown=np.zeros(REAL.height, np.bool_))
    for attack in (exact_copies, near_copies, copied_extremes, copied_rare, closest_records):
        assert attack(nobody, draws()).headline.figure.value is None
    assert frontier(nobody, draws()).released.value is None


def test_the_same_seed_finds_the_same() -> None:
    scene = synthetic(FRESH, REAL, HELD_OUT)
    assert near_copies(scene, draws()) == near_copies(scene, draws())
    one, other = frontier(scene, draws()), frontier(scene, draws())
    assert one.released == other.released
    assert one.flagged.tolist() == other.flagged.tolist()
