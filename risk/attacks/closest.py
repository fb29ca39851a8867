"""The distance to the closest record: a diagnostic, and no measure of privacy.

A copy moved by a constant is as far from everybody as a table that tells nothing, and yet every row of it
can be won back (Yao et al., "The DCR Delusion", arXiv 2505.01524, 2025). The figure stands in the report
because readers look for it; no verdict rests on it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from risk.attacks.marks import marked
from risk.attacks.neighbourhood import NOT_MEASURED, Neighbourhood, chosen, neighbourhood, some
from risk.comparison import Comparison
from risk.figures import Figure, bootstrapped, not_estimated
from risk.results import Attack, Marked

Longs = NDArray[np.int64]

NOBODY_HELD_OUT = "needs people who were held out"
QUANTILES = {"median": 0.5, "nearest_5_percent": 0.05}
ASKED = 2_000


def closest_records(comparison: Comparison, rng: np.random.Generator) -> Attack:
    """Return the median distance from released rows to the closest real one, 0 to 1: small is near.

    The part ``nearest_5_percent`` is the distance that 5 % of the rows lie within. Real rows are those in the
    release, or that its model was trained on. The control are held-out rows; those of an anonymised table are
    its people's rows, each beside the rows of others.
    """
    real = neighbourhood(comparison)
    if real is None:
        return Attack("dcr", "singling-out", Marked(not_estimated(NOT_MEASURED)), is_diagnostic=True)
    median, near = (
        _marked(comparison, real, quantile, its)
        for quantile, its in zip(QUANTILES.values(), rng.spawn(2), strict=True)
    )
    return Attack("dcr", "singling-out", median, {"nearest_5_percent": near}, is_diagnostic=True)


def _marked(comparison: Comparison, real: Neighbourhood, quantile: float, rng: np.random.Generator) -> Marked:
    def measured(scene: Comparison, draws: np.random.Generator) -> Figure:
        # The ceiling of an anonymised table has other words than the release: it is asked among its own.
        among = real if scene.original is comparison.original else neighbourhood(scene)
        if among is None:
            return not_estimated(NOT_MEASURED)
        asked = some(scene.released, draws, most=ASKED)
        return _quantile(among.distances(asked), np.arange(asked.height), quantile, "released rows")

    def control(scene: Comparison, draws: np.random.Generator) -> Figure:
        return _control(real, scene, quantile, draws)

    return marked(comparison, measured, rng, control=control)


def _control(real: Neighbourhood, scene: Comparison, quantile: float, rng: np.random.Generator) -> Figure:
    if scene.table == "anonymised":
        asked = np.flatnonzero(scene.shown)[chosen(int(scene.shown.sum()), rng, most=ASKED)]
        people = scene.people[asked]
        away = real.distances(scene.original[asked], people)
        return _quantile(away, people, quantile, "real rows among those of others")
    if scene.holdout is None or scene.holdout_people is None or not scene.holdout.height:
        return not_estimated(NOBODY_HELD_OUT)
    asked = chosen(scene.holdout.height, rng, most=ASKED)
    return _quantile(
        real.distances(scene.holdout[asked]), scene.holdout_people[asked], quantile, "held-out rows"
    )


def _quantile(distances: NDArray[np.float64], people: Longs, quantile: float, of: str) -> Figure:
    known = np.isfinite(distances)
    away = distances[known]
    what = f"the distance that {quantile:.0%} of {len(away)} {of} lie within of a real one; a diagnostic"
    return bootstrapped(lambda rows: float(np.quantile(away[rows], quantile)), people[known], what=what)
