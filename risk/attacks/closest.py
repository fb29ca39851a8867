"""The distance to the closest record: a diagnostic, and no measure of privacy.

A copy moved by a constant is as far from everybody as a table that tells nothing, and yet every row of it
can be won back (Yao et al., "The DCR Delusion", arXiv 2505.01524, 2025). The figure stands in the report
because readers look for it; no verdict rests on it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from risk.attacks.marks import marked_parts
from risk.attacks.neighbourhood import NOT_MEASURED, Neighbourhood, chosen, neighbourhood, some
from risk.comparison import Comparison
from risk.figures import Figure, bootstrapped, not_estimated
from risk.results import Attack, Marked

Longs = NDArray[np.int64]

NOBODY_HELD_OUT = "needs people who were held out"
MEDIAN, NEAREST = "", "nearest_5_percent"
_QUANTILES = {MEDIAN: 0.5, NEAREST: 0.05}
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

    def measured(scene: Comparison, draws: np.random.Generator) -> dict[str, Figure]:
        # The ceiling of an anonymised table has other words than the release: it is asked among its own.
        among = real if scene.original is comparison.original else neighbourhood(scene)
        if among is None:
            return dict.fromkeys(_QUANTILES, not_estimated(NOT_MEASURED))
        asked = some(scene.released, draws, most=min(ASKED, among.asked))
        return _quantiles(among.distances(asked), np.arange(asked.height), "released rows")

    def control(scene: Comparison, draws: np.random.Generator) -> dict[str, Figure]:
        return _control(real, scene, draws)

    parts = marked_parts(comparison, measured, rng, control=control)
    return Attack("dcr", "singling-out", parts.pop(MEDIAN), parts, is_diagnostic=True)


def _control(real: Neighbourhood, scene: Comparison, rng: np.random.Generator) -> dict[str, Figure]:
    most = min(ASKED, real.asked)
    if scene.table == "anonymised":
        asked = np.flatnonzero(scene.shown)[chosen(int(scene.shown.sum()), rng, most=most)]
        away = real.distances(scene.original[asked], scene.people[asked])
        return _quantiles(away, scene.people[asked], "real rows among those of others")
    if scene.holdout is None or scene.holdout_people is None or not scene.holdout.height:
        return dict.fromkeys(_QUANTILES, not_estimated(NOBODY_HELD_OUT))
    asked = chosen(scene.holdout.height, rng, most=most)
    away = real.distances(scene.holdout[asked])
    return _quantiles(away, scene.holdout_people[asked], "held-out rows")


def _quantiles(distances: NDArray[np.float64], people: Longs, of: str) -> dict[str, Figure]:
    known = np.isfinite(distances)
    away, theirs = distances[known], people[known]

    def quantile(share: float) -> Figure:
        what = f"the distance that {share:.0%} of {len(away)} {of} lie within of a real one; a diagnostic"
        return bootstrapped(lambda rows: float(np.quantile(away[rows], share)), theirs, what=what)

    return {name: quantile(share) for name, share in _QUANTILES.items()}
