"""The graphical model that agrees best with noisy counts.

McKenna, Sheldon and Miklau, "Graphical-model based estimation and inference for differential privacy", ICML
2019: entropic mirror descent on the marginals of the model, whose parameters move against the gradient of the
squared error. What comes out is consistent, never negative, and of all that fit as well the least certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synth.axes import Floats
from synth.methods.dp_tree import Tree, marginals

_ROUNDS = 300
_HALVINGS = 25
_ENOUGH = 1e-7


@dataclass(frozen=True, slots=True)
class Measured:
    """Noisy counts ``of`` a clique, or of its child alone (``is_child``), and their variance by cell."""

    clique: int
    counts: Floats
    variance: Floats
    is_child: bool = False


def fitted(
    tree: Tree, sizes: Sequence[int], measured: Sequence[Measured], total: float, rounds: int = _ROUNDS
) -> list[Floats]:
    """Return log potentials by clique whose marginals of ``total`` rows are nearest to what was measured.

    ``sizes`` are those of all variables. The step is halved where it does not lessen the error enough
    (Armijo) and doubled from round to round.
    """
    potentials = [np.zeros([sizes[member] for member in clique.members]) for clique in tree]
    found = marginals(tree, potentials)
    error, slopes = _error(found, measured, total)
    step = 1.0 / max(1.0, *(float(np.abs(slope).max()) for slope in slopes))
    for _ in range(rounds):
        for _ in range(_HALVINGS):
            tried = [each - step * slope for each, slope in zip(potentials, slopes, strict=True)]
            then = marginals(tree, tried)
            lower, slopes_then = _error(then, measured, total)
            promised = sum(
                float((slope * (before - after)).sum())
                for slope, before, after in zip(slopes, found, then, strict=True)
            )
            if error - lower >= 0.5 * promised:
                break
            step /= 2
        else:
            return potentials
        gained, potentials, found = error - lower, tried, then
        error, slopes, step = lower, slopes_then, step * 2
        if gained <= _ENOUGH * error:
            break
    return potentials


def _error(found: Sequence[Floats], measured: Sequence[Measured], total: float) -> tuple[float, list[Floats]]:
    """Half the squared errors over their variances, and the slopes by each clique's cells."""
    error, slopes = 0.0, [np.zeros_like(each) for each in found]
    for each in measured:
        table = found[each.clique]
        own = table.reshape(-1, table.shape[-1]).sum(axis=0) if each.is_child else table
        off = own * total - each.counts
        error += float((off**2 / each.variance).sum()) / 2
        slopes[each.clique] += total * off / each.variance
    return error, slopes
