"""The likelihood-ratio attack with shadow models, which are fitted with a person and without."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.attacks.scores import nearness
from risk.comparison import Comparison

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

Refit = Callable[[pl.DataFrame, NDArray[np.int64], np.random.Generator], pl.DataFrame]
"""Fits the generator anew to some rows, and whose they are, and returns the table it makes of them."""

SHADOWS = 8
"""As many refits, in pairs; a person is in one of each pair."""


def shadow_scores(
    comparison: Comparison,
    targets: pl.DataFrame,
    numbers: NDArray[np.int64],
    *,
    refit: Refit,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Return two attackers' scores of each target, shape (targets,), who know everybody but not who was in.

    ``numbers`` are the targets' rows among those of the original and then the holdout. Each pair of shadows
    is fitted to either half of all people, the holdout's too. A target's nearness to the release is compared
    with its nearness to the shadows it is in and to those it is not in, as normal distributions of one
    variance for all: LiRA with few shadows (Carlini et al., IEEE S&P 2022, section VI).
    """
    assert comparison.holdout is not None
    everybody = pl.concat([comparison.original.filter(pl.Series(comparison.shown)), comparison.holdout])
    people = _everybodys_numbers(comparison)
    order = np.concatenate(
        [np.flatnonzero(comparison.shown), len(comparison.shown) + np.arange(comparison.holdout.height)]
    )
    found, inside = [], []
    for drawn in _halves(people, rng):
        made = refit(everybody.filter(pl.Series(drawn)), people[drawn], rng)
        found.append(nearness(made, targets, comparison.attributes))
        inside.append(drawn[np.searchsorted(order, numbers)])
    observed = nearness(comparison.released, targets, comparison.attributes)
    ratio = _ratio(observed, np.array(found), np.array(inside))
    return {"shadows, nearest record": ratio[:, 0], "shadows, 5th nearest record": ratio[:, -1]}


def _everybodys_numbers(comparison: Comparison) -> NDArray[np.int64]:
    """The persons of those shown and then of the holdout, who are others."""
    assert comparison.holdout_people is not None
    shown = comparison.people[comparison.shown]
    return np.concatenate([shown, comparison.holdout_people + comparison.people.max(initial=-1) + 1])


def _halves(people: NDArray[np.int64], rng: np.random.Generator) -> list[Bools]:
    """Which rows are in each shadow: a random half of the people, then the other half."""
    _, places = np.unique(people, return_inverse=True)
    halves = []
    for _ in range(SHADOWS // 2):
        first = rng.permutation(places.max(initial=0) + 1) % 2 == 0
        halves += [first[places], ~first[places]]
    return halves


def _ratio(observed: Floats, found: Floats, inside: Bools) -> Floats:
    """The logarithm of how much likelier each observation is with the target in than without.

    ``observed`` has shape (targets, n), ``found`` (shadows, targets, n), ``inside`` (shadows, targets).
    """
    within = inside[:, :, None]
    with_it = np.where(within, found, 0).sum(0) / within.sum(0)
    without = np.where(within, 0, found).sum(0) / (~within).sum(0)
    left = np.where(within, found - with_it, found - without)
    freedom = max(1, (len(found) - 2) * found.shape[1])
    variance = np.maximum((left**2).sum((0, 1)) / freedom, 1e-12)
    return np.asarray(np.round(((observed - without) ** 2 - (observed - with_it) ** 2) / (2 * variance), 9))
