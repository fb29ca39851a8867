"""How much a record looks as if it had been in the data a release was made from, by several attackers.

Each attacker holds the release and records of other people, who were not in the data: the reference.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.distances.encoding import Encoded, Scale
from anonymizer.distances.nearest import NOBODY, Index
from risk.attacks.likelihood import likelihood_ratio
from risk.comparison import Attribute

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEIGHBOURS = 5
"""The neighbour whose distance tells the density, and how isolated a record is."""


def scores(
    released: pl.DataFrame,
    reference: pl.DataFrame,
    targets: pl.DataFrame,
    attributes: tuple[Attribute, ...],
) -> dict[str, Floats]:
    """Return each attacker's score of each target, shape (targets,): the larger, the surer of its membership.

    - nearest record: the distance to the nearest released record (Chen et al., GAN-Leaks, CCS 2020);
    - calibrated nearest record: that distance against the one to the nearest reference record (ibid.);
    - density ratio: the same with the 5th nearest ones, whose distances tell densities (van Breugel et al.,
      DOMIAS, AISTATS 2023);
    - likelihood ratio: of two trees of dependences, one of the release and one of the reference.

    No frame may be without rows. Distances are exact; equal records have equal scores.
    """
    scale = Scale.of(pl.concat([released, reference]), {each.name: each.kind for each in attributes})
    asked = scale.encode(targets)
    k = min(NEIGHBOURS, released.height, reference.height)
    shown, elsewhere = (_distances(scale, frame, asked, k) for frame in (released, reference))
    closer: Floats = np.log((elsewhere + 1) / (shown + 1))
    return {
        "nearest record": -shown[:, 0],
        "calibrated nearest record": _rounded(closer[:, 0]),
        "density ratio": _rounded(closer[:, -1]),
        "likelihood ratio": _rounded(likelihood_ratio(released, reference, targets, attributes)),
    }


def nearness(released: pl.DataFrame, targets: pl.DataFrame, attributes: tuple[Attribute, ...]) -> Floats:
    """Return each target's nearness to its nearest and to its 5th nearest released record, (targets, 2)."""
    scale = Scale.of(released, {each.name: each.kind for each in attributes})
    found = _distances(scale, released, scale.encode(targets), min(NEIGHBOURS, released.height))
    return np.asarray(-np.log(found[:, [0, -1]] + 1))


def isolation(
    targets: pl.DataFrame,
    people: Ints,
    *,
    among: pl.DataFrame,
    others: Ints,
    attributes: tuple[Attribute, ...],
) -> Floats:
    """Return the distance from each target to its 5th nearest record of other people, shape (targets,).

    ``people`` and ``others`` number the persons of the targets and of the records ``among`` which they stand,
    one person alike in both. Infinite where there are fewer records of others.
    """
    scale = Scale.of(among, {each.name: each.kind for each in attributes})
    found, _ = Index.of(among, scale, others).nearest(scale.encode(targets), people, k=NEIGHBOURS)
    return found[:, -1].astype(np.float64)


def _rounded(values: Floats) -> Floats:
    """Values that are equal but for the order they were summed in become equal."""
    return np.asarray(np.round(values, 9))


def _distances(scale: Scale, frame: pl.DataFrame, asked: Encoded, k: int) -> Floats:
    """The distances from each target to its k nearest records of a frame."""
    index = Index.of(frame, scale, np.arange(frame.height))
    found, _ = index.nearest(asked, np.full(asked.rows, NOBODY, np.int64), k=k)
    return found.astype(np.float64)
