"""How often an attacker claims rightly that somebody is in the data, at a stated rate of wrong claims."""

from __future__ import annotations

from collections.abc import Callable
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


def right_claims(
    scores: Floats, members: Bools, controls: Bools, *, people: Ints, rate: float, what: str
) -> Figure:
    """Return the share of ``members`` that are claimed while ``rate`` of the ``controls`` are.

    ``scores``, ``members``, ``controls`` and ``people`` have shape (targets,); a target is a member, a
    control or neither. The interval is the bootstrap's over people, members and controls together, so the
    threshold is drawn again too; it is no narrower than Wilson's on as many people. Not estimated with fewer
    than ``controls_needed(rate)`` controls.
    """
    needed = controls_needed(rate)
    enough = _counted(members, controls, needed, people)
    if enough is not None:
        return enough

    def statistic(rows: Ints) -> float:
        judged, by = rows[members[rows]], rows[controls[rows]]
        if not len(judged) or not len(by):
            return 0.0
        return float(claims(scores[judged], scores[by], rate).mean())

    return _no_narrower(_bootstrapped(statistic, members | controls, people, what), members, people)


def separated(scores: Floats, members: Bools, controls: Bools, *, people: Ints, what: str) -> Figure:
    """Return the area under the ROC curve of ``members`` against ``controls``, as in ``right_claims``."""
    enough = _counted(members, controls, FEWEST, people)
    if enough is not None:
        return enough

    def statistic(rows: Ints) -> float:
        judged, by = rows[members[rows]], rows[controls[rows]]
        return area(scores[judged], scores[by]) if len(judged) and len(by) else 0.5

    return _bootstrapped(statistic, members | controls, people, what)


def _counted(members: Bools, controls: Bools, needed: int, people: Ints) -> Figure | None:
    """Why there is no figure, or None where there are people enough."""
    found, others = len(np.unique(people[members])), len(np.unique(people[controls]))
    if others < needed:
        return not_estimated(f"needs {needed:,} controls, and there are {others:,}", found)
    if found < FEWEST:
        return not_estimated(f"needs {FEWEST} members, and there are {found}", found)
    return None


def _bootstrapped(statistic: Callable[[Ints], float], used: Bools, people: Ints, what: str) -> Figure:
    rows = np.flatnonzero(used)
    return bootstrapped(lambda drawn: statistic(rows[drawn]), people[rows], what=what)


def _no_narrower(figure: Figure, members: Bools, people: Ints) -> Figure:
    """The figure with an interval that holds Wilson's too: no bootstrap leaves 0 claims of n."""
    assert figure.value is not None
    assert figure.low is not None
    assert figure.high is not None
    n = len(np.unique(people[members]))
    low, high = wilson(figure.value * n, n)
    return Figure(figure.value, min(low, figure.low), max(high, figure.high), n, figure.method)
