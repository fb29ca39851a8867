"""How often an attacker claims rightly that somebody is in the data, at a stated rate of wrong claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from risk.figures import Figure, bootstrapped, not_estimated, wilson

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

CONTROLS_PER_CLAIM = 10
"""A rate α of wrong claims is told from 0 only where α of the controls are ten or so."""
FEWEST = 10
"""Fewer members than these make no rate."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Targets, an attacker's scores of them and whose they are; all arrays have shape (targets,).

    A target is one of the ``members``, of the ``controls`` or neither; targets of one of the ``people`` are
    not independent of one another.
    """

    scores: Floats
    members: Bools
    controls: Bools
    people: Ints

    def counted(self, which: Bools) -> int:
        """How many people some targets are of."""
        return len(np.unique(self.people[which]))


def claims(scores: Floats, controls: Floats, rate: float) -> Floats:
    """Return with which probability an attacker who errs at ``rate`` claims each target, shape (targets,).

    The attacker claims where the smoothed conformal p-value of the score among the ``controls`` is at most
    ``rate`` (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, section 2.5). Equal
    scores are decided by a coin, and the mean over its throws is returned: a target that is like the controls
    is claimed with probability ``rate`` exactly, however few controls and however many ties there are.
    """
    ordered = np.sort(controls)
    up_to = np.searchsorted(ordered, scores, side="right")
    above, tied = len(ordered) - up_to, up_to - np.searchsorted(ordered, scores, side="left")
    return np.asarray(np.clip((rate * (len(ordered) + 1) - above) / (tied + 1), 0.0, 1.0))


def wrong_claims(scores: Floats, controls: Floats, rate: float) -> Floats:
    """Return with which probability each of some ``controls`` is claimed, judged by the other controls."""
    ordered = np.sort(controls)
    up_to = np.searchsorted(ordered, scores, side="right")
    above, tied = len(ordered) - up_to, up_to - np.searchsorted(ordered, scores, side="left")
    return np.asarray(np.clip((rate * len(ordered) - above) / np.maximum(tied, 1), 0.0, 1.0))


def area(members: Floats, controls: Floats) -> float:
    """Return the area under the ROC curve: how often a member scores above a control, ties counting half."""
    ordered = np.sort(controls)
    below = np.searchsorted(ordered, members, side="left") + np.searchsorted(ordered, members, side="right")
    return float(below.mean() / (2 * len(ordered)))


def controls_needed(rate: float) -> int:
    """Return how many controls a rate of wrong claims needs: ten wrong claims are expected among them."""
    return ceil(CONTROLS_PER_CLAIM / rate - 1e-9)


def right_claims(judged: Judged, *, rate: float, what: str) -> Figure:
    """Return the share of members who are claimed while ``rate`` of the controls are.

    The interval is the bootstrap's over people, members and controls together, so the threshold is drawn
    again too; it is no narrower than Wilson's on as many people. Not estimated with fewer than
    ``controls_needed(rate)`` controls.
    """
    if (too_few := _too_few(judged, controls_needed(rate))) is not None:
        return too_few

    def share(members: Ints, controls: Ints) -> float:
        count = controls.sum()
        above = count - np.cumsum(controls)
        chances = np.clip((rate * (count + 1) - above) / (controls + 1), 0.0, 1.0)
        return float(chances @ members / members.sum()) if members.any() and count else 0.0

    return _no_narrower(_bootstrapped(share, judged, what), judged)


def separated(judged: Judged, *, what: str) -> Figure:
    """Return the area under the ROC curve of members against controls."""
    if (too_few := _too_few(judged, FEWEST)) is not None:
        return too_few

    def below(members: Ints, controls: Ints) -> float:
        pairs = members.sum() * controls.sum()
        return float((np.cumsum(controls) - controls / 2) @ members / pairs) if pairs else 0.5

    return _bootstrapped(below, judged, what)


def _too_few(judged: Judged, needed: int) -> Figure | None:
    """Why there is no figure, or None where there are people enough."""
    members, controls = judged.counted(judged.members), judged.counted(judged.controls)
    if controls < needed:
        return not_estimated(f"needs {needed:,} controls, and there are {controls:,}", members)
    if members < FEWEST:
        return not_estimated(f"needs {FEWEST} members, and there are {members}", members)
    return None


def _bootstrapped(statistic: Callable[[Ints, Ints], float], judged: Judged, what: str) -> Figure:
    """A statistic of how many members and how many controls have each score, the lowest score first."""
    used = np.flatnonzero(judged.members | judged.controls)
    levels, level = np.unique(judged.scores[used], return_inverse=True)
    sides = judged.members[used], judged.controls[used]

    def drawn(rows: Ints) -> float:
        return statistic(*(np.bincount(level[rows[of[rows]]], minlength=len(levels)) for of in sides))

    return bootstrapped(drawn, judged.people[used], what=what)


def _no_narrower(figure: Figure, judged: Judged) -> Figure:
    """The figure with an interval that holds Wilson's too: no bootstrap leaves 0 claims of n."""
    assert figure.value is not None
    assert figure.low is not None
    assert figure.high is not None
    n = judged.counted(judged.members)
    low, high = wilson(figure.value * n, n)
    return Figure(figure.value, min(low, figure.low), max(high, figure.high), n, figure.method)
