"""Rows drawn stage by stage, under conditions too.

Where a stage is restricted its codes are drawn from what is allowed alone, and a row is kept with a
probability proportional to how likely that was, which is exact.
Where that would keep too few, rows are drawn again in proportion instead (sequential importance resampling;
Doucet, Godsill and Andrieu, Statistics and Computing 10, 2000): exact in the limit of many particles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymizer.errors import SynthesisFailed
from synth.axes import Allowed, Bools, Codes, Floats, Ints
from synth.methods.cart_donors import Chances, chances
from synth.methods.cart_kin import chance, strayed
from synth.methods.cart_stages import Stage, reached

BATCH = 200_000
"""Rows drawn at once."""
PATIENCE = 40
"""So many rows are drawn for each one that is kept, before they are drawn in proportion instead."""
_FEWEST = 200_000
"""So many are drawn in any case before that."""
PARTICLES = 10
"""Rows in the running for each row that is drawn in proportion."""
IMPOSSIBLE = "what rows are asked for is too rare to be drawn"


@dataclass(frozen=True, slots=True)
class Plan:
    """A stage, what may be drawn in it (``wanted``, by label; None: everything) and how likely that is.

    ``likeliest`` is the largest probability, in any leaf, that what is drawn is wanted.
    """

    stage: Stage
    wanted: Bools | None
    chances: Chances
    likeliest: float


def planned(stage: Stage, allowed: Allowed) -> Plan:
    """Return how a stage is drawn under a condition; raise ``SynthesisFailed`` where it can't be."""
    level = stage.level
    wanted = reached(level, allowed[level.axis]) if level.axis in allowed else None
    if wanted is None or wanted.all():
        return Plan(stage, None, chances(stage.donors), 1.0)
    found = chances(stage.donors, chance(stage.kin, wanted))
    likeliest = float(found.mass[stage.forest.left < 0].max())
    if likeliest <= 0:
        raise SynthesisFailed(IMPOSSIBLE)
    return Plan(stage, wanted, found, likeliest)


def rows_drawn(plans: Sequence[Plan], n: int, axes: int, rng: np.random.Generator) -> Codes:
    """Return ``n`` rows of so many ``axes``, drawn as planned."""
    found = [np.zeros((0, axes), np.int32)]
    kept = tried = 0
    while kept < n and tried <= max(PATIENCE * n, _FEWEST):
        needed = (n - kept) * (1 if kept == tried else 1.1 * tried / max(kept, 1))
        size = int(min(BATCH, np.ceil(needed)))
        found.append(_accepted(plans, np.zeros((size, axes), np.int32), rng)[: n - kept])
        kept += len(found[-1])
        tried += size
    while kept < n:
        found.append(_in_proportion(plans, min(n - kept, BATCH // PARTICLES), axes, rng))
        kept += len(found[-1])
    return np.concatenate(found)


def rows_completed(plans: Sequence[Plan], codes: Codes, rng: np.random.Generator) -> Codes:
    """Return rows some of whose axes have codes, the others drawn as planned: without any condition."""
    return _accepted(plans, codes, rng)


def _accepted(plans: Sequence[Plan], codes: Codes, rng: np.random.Generator) -> Codes:
    for plan in plans:
        leaves = _leaves(plan, codes)
        if plan.wanted is not None:
            keep = rng.random(len(codes)) * plan.likeliest < plan.chances.mass[leaves]
            codes, leaves = codes[keep], leaves[keep]
        codes[:, plan.stage.level.axis] = _labels(plan, leaves, rng)
    return codes


def _in_proportion(plans: Sequence[Plan], n: int, axes: int, rng: np.random.Generator) -> Codes:
    codes = np.zeros((max(n * PARTICLES, BATCH // 2), axes), np.int32)
    for plan in plans:
        leaves = _leaves(plan, codes)
        if plan.wanted is not None:
            again = _resampled(plan.chances.mass[leaves], rng)
            codes, leaves = codes[again], leaves[again]
        codes[:, plan.stage.level.axis] = _labels(plan, leaves, rng)
    return codes[rng.choice(len(codes), n, replace=False)]


def _resampled(weights: Floats, rng: np.random.Generator) -> Ints:
    """Numbers of rows in proportion to their weights, by systematic resampling."""
    possible = np.flatnonzero(weights > 0)
    if not len(possible):
        raise SynthesisFailed(IMPOSSIBLE)
    upto = np.cumsum(weights[possible])
    points = (np.arange(len(weights)) + rng.random()) * (upto[-1] / len(weights))
    return np.asarray(possible[np.minimum(np.searchsorted(upto, points, "right"), len(possible) - 1)])


def _leaves(plan: Plan, codes: Codes) -> Ints:
    """Where rows come to; until an axis is done its column has the labels of its last stage, at first 0."""
    stage = plan.stage
    return stage.forest.leaves(codes, stage.roots[codes[:, stage.level.axis]])


def _labels(plan: Plan, leaves: Ints, rng: np.random.Generator) -> Ints:
    return strayed(plan.stage.kin, plan.chances.drawn(leaves, rng), rng, plan.wanted)
