"""What a table tells because no finer one would have done: the drawn estimate against all worlds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod

import numpy as np
import polars as pl
import pytest

from risk.attacks.minimality import Recoded, WouldRelease, minimality, no_finer

Cells = tuple[tuple[str, ...], ...]
"""The rows of a world."""

PAIRS = {"[0, 1]": ["0", "1"], "[2, 3]": ["2", "3"]}


def holds(k: int) -> Callable[[pl.DataFrame], bool]:
    return lambda frame: bool((frame.group_by(frame.columns).len()["len"] >= k).all())


def pair_of(value: str) -> str:
    return "[0, 1]" if value in "01" else "[2, 3]"


def two_columns(truth: list[tuple[str, str]]) -> Recoded:
    """Ages are released in pairs, the sex as it is."""
    frame = pl.DataFrame(truth, schema={"age": pl.String, "sex": pl.String}, orient="row")
    labels = frame.with_columns(pl.col("age").map_elements(pair_of, return_dtype=pl.String))
    return Recoded(labels, frame, {"age": PAIRS})


def enumerated(recoded: Recoded, would_release: WouldRelease) -> tuple[float, list[float]]:
    """The mean gain over cells, and each one's, from all worlds with their probabilities."""
    truth, labels = recoded.truth["age"].to_list(), recoded.labels["age"].to_list()
    leaves = [PAIRS[label] for label in labels]
    margin = {(label, leaf): truth.count(leaf) for label in set(labels) for leaf in PAIRS[label]}
    share = {
        (label, leaf): count / sum(margin[label, other] for other in PAIRS[label])
        for (label, leaf), count in margin.items()
    }
    weight, right = 0.0, np.zeros(len(truth))
    for world in product(*leaves):
        chance = prod(share[pair] for pair in zip(labels, world, strict=True))
        if chance and would_release(recoded.truth.with_columns(pl.Series("age", world))):
            weight += chance
            right += chance * np.array([a == b for a, b in zip(world, truth, strict=True)])
    prior = np.array([share[pair] for pair in zip(labels, truth, strict=True)])
    gains = right / weight - prior
    return float(gains[prior < 1].mean()), gains.tolist()


PEOPLE = [("0", "f"), ("0", "f"), ("0", "f"), ("1", "f"), ("2", "m"), ("3", "m"), ("2", "m"), ("2", "m")]


@pytest.mark.parametrize("k", [2, 3])
def test_the_estimate_agrees_with_all_worlds(k: int) -> None:
    recoded = two_columns(PEOPLE)
    rule = no_finer([lambda world: world], holds(k))
    mean, each = enumerated(recoded, rule)
    attack = minimality(recoded, rule, np.random.default_rng(5), worlds=3_000)
    assert attack.headline.figure.low <= mean <= attack.headline.figure.high
    assert attack.headline.figure.value == pytest.approx(mean, abs=0.02)
    assert attack.parts["largest"].figure.high >= max(each) - 0.03
    assert attack.parts["largest"].figure.low <= max(each)


def test_a_lone_value_that_forced_the_label_is_found_out() -> None:
    """Ages 0, 0, 1 and k = 2: somebody is alone at an age. Row 3 at age 1 gains from 1/3 to 4/9.

    Two at 0 and one at 1 weigh 3 · 4/27, the other way round 3 · 2/27; so
    P(row 3 at 1) = (4/27 + 2 · 2/27) / (18/27).
    """
    recoded = two_columns([("0", "f"), ("0", "f"), ("1", "f")])
    rule = no_finer([lambda world: world], holds(2))
    mean, each = enumerated(recoded, rule)
    assert each[2] == pytest.approx(4 / 9 - 1 / 3)
    attack = minimality(recoded, rule, np.random.default_rng(5), worlds=3_000)
    assert attack.headline.figure.low <= mean <= attack.headline.figure.high
    assert 0 < attack.parts["largest"].figure.low <= each[2] <= attack.parts["largest"].figure.high


def test_one_world_alone_is_known_for_certain() -> None:
    """Rows in known order, all drawn worlds but the true one ruled out: the gain reaches the ceiling."""
    recoded = two_columns([("0", "f"), ("1", "f")])
    attack = minimality(recoded, recoded.truth.equals, np.random.default_rng(5), worlds=1_000)
    assert attack.headline.figure.value == pytest.approx(attack.headline.ceiling.value, abs=0.05)
    assert attack.parts["largest"].figure.value == 0.5


def test_levels_that_were_set_beforehand_tell_nothing() -> None:
    attack = minimality(two_columns(PEOPLE), lambda _: True, np.random.default_rng(5))
    assert attack.headline.figure.value == attack.headline.figure.low == attack.headline.figure.high == 0
    assert attack.headline.floor.value == 0
    assert attack.parts["largest"].figure.low <= 0 <= attack.parts["largest"].figure.high


def test_too_few_worlds_are_no_figure() -> None:
    attack = minimality(two_columns(PEOPLE), lambda _: False, np.random.default_rng(5))
    assert attack.headline.figure.value is None
    assert "needs 50 worlds" in attack.headline.figure.method
    assert "0 of 400" in attack.headline.figure.method


def test_nothing_generalised_is_no_figure() -> None:
    frame = pl.DataFrame({"age": ["0", "1"]})
    attack = minimality(Recoded(frame, frame, {"age": PAIRS}), lambda _: True, np.random.default_rng(5))
    assert "no label stands for several" in attack.headline.figure.method


def test_a_value_outside_its_label_is_refused_without_naming_it() -> None:
    labels = pl.DataFrame({"age": ["[0, 1]", "[0, 1]"]})
    recoded = Recoded(labels, pl.DataFrame({"age": ["0", "77"]}), {"age": PAIRS})
    with pytest.raises(ValueError, match="1 true values") as raised:
        minimality(recoded, lambda _: True, np.random.default_rng(5))
    assert "77" not in str(raised.value)


def test_known_columns_and_missing_values_stay_as_they_are() -> None:
    seen: list[pl.DataFrame] = []
    frame = pl.DataFrame({"age": ["0", "1", "0", None], "sex": ["f", "m", "f", "m"]})
    labels = frame.with_columns(age=pl.Series(["[0, 1]", "[0, 1]", "0", None]))

    def look(world: pl.DataFrame) -> bool:
        seen.append(world)
        return True

    minimality(Recoded(labels, frame, {"age": PAIRS}), look, np.random.default_rng(5))
    assert all(world["sex"].equals(frame["sex"]) for world in seen)
    assert all(world["age"].to_list()[2:] == ["0", None] for world in seen)
    ones = sum(world["age"].to_list()[0] == "1" for world in seen)
    assert 90 < ones < 180, "a third: age 0 twice, age 1 once"


def test_a_missing_value_under_a_label_is_one_it_may_stand_for() -> None:
    seen: list[str | None] = []
    frame = pl.DataFrame({"age": ["0", None]})
    recoded = Recoded(pl.DataFrame({"age": ["*", "*"]}), frame, {"age": {"*": ["0", "1"]}})

    def look(world: pl.DataFrame) -> bool:
        seen.extend(world["age"])
        return True

    minimality(recoded, look, np.random.default_rng(5))
    assert set(seen) == {"0", None}, "of equal frequency; nobody is 1"
