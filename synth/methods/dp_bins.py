"""Codes pooled into bins by their noisy counts: what cannot be told apart is not modelled apart.

Everything here is made of noisy counts, and so costs nothing (post-processing).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synth.axes import Axis, Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Bins:
    """A partition of an axis's codes: ``of_code`` (int64, shape (size,)) is 0 … ``size`` - 1 by code.

    ``shares`` (float64, shape (size,)) says how the rows of a bin fall on its codes: they sum to 1 in each.
    """

    of_code: Ints
    shares: Floats

    def __post_init__(self) -> None:
        self.of_code.setflags(write=False)
        self.shares.setflags(write=False)

    @property
    def size(self) -> int:
        """How many bins there are."""
        return int(self.of_code.max()) + 1

    def pooled(self, values: Ints | Floats) -> Floats:
        """Return the sum of a value of each code by bin."""
        sums: Floats = np.bincount(self.of_code, weights=values, minlength=self.size).astype(np.float64)
        return sums

    @property
    def widths(self) -> Ints:
        """How many codes each bin has."""
        return np.bincount(self.of_code, minlength=self.size)


@dataclass(frozen=True, slots=True)
class Coarseness:
    """The noisy counts from which on a bin is kept apart: ``ordered`` of neighbours, ``unordered`` of codes.

    Either must also stand out from the noise of all its codes: that of one is taken for ``noise``.
    """

    ordered: float
    unordered: float
    noise: float

    def enough(self, least: float, widths: Ints | int) -> Floats:
        """The least that bins of so many codes must hold."""
        needed: Floats = np.maximum(least, self.noise * np.sqrt(widths))
        return needed


def bins_for(axis: Axis, noisy: Ints, least: Coarseness) -> Bins:
    """Return the bins of an axis by its noisy counts (shape (size,)).

    Neighbours on an ordered axis are pooled until they hold enough; of another the rare codes, by the finest
    of the axis's groups that holds enough, and the rest together.
    """
    counts = noisy.astype(np.float64)
    has_place = np.isfinite(axis.positions) if axis.is_ordered else np.zeros(axis.size, np.bool_)
    of_code = np.full(axis.size, -1, np.int64)
    _pool_neighbours(of_code, axis, counts, least, has_place)
    _pool_groups(of_code, axis, counts, least)
    _pool_rest(of_code, counts, least)
    _, of_code = np.unique(of_code, return_inverse=True)
    return Bins(of_code, _shares(of_code, counts))


def projected(noisy: Floats, total: float) -> Floats:
    """Return the nearest counts (in squares) that are not negative and sum to ``total`` > 0; same shape."""
    flat = np.sort(noisy, axis=None)[::-1]
    excess = (np.cumsum(flat) - total) / np.arange(1, flat.size + 1)
    last = np.flatnonzero(flat > excess)[-1]
    counts: Floats = np.maximum(noisy - excess[last], 0.0)
    return counts


def _pool_neighbours(of_code: Ints, axis: Axis, counts: Floats, least: Coarseness, has_place: Bools) -> None:
    codes = np.flatnonzero(has_place)
    codes = codes[np.argsort(axis.positions[codes], kind="stable")]
    number, held, width = 0, 0.0, 0
    for code in codes:
        of_code[code] = number
        held, width = held + counts[code], width + 1
        if held >= least.enough(least.ordered, width):
            number, held, width = number + 1, 0.0, 0
    if width and number:
        of_code[of_code == number] = number - 1


def _pool_groups(of_code: Ints, axis: Axis, counts: Floats, least: Coarseness) -> None:
    for groups in (np.arange(axis.size), *axis.groups):
        free = of_code < 0
        size = int(groups.max()) + 1
        held = np.bincount(groups[free], weights=counts[free], minlength=size)
        widths = np.bincount(groups[free], minlength=size)
        first = int(of_code.max()) + 1
        enough = (held >= least.enough(least.unordered, widths)) & (widths > 0)
        numbers = np.where(enough, first + np.cumsum(enough) - 1, -1)
        of_code[free] = numbers[groups[free]]


def _pool_rest(of_code: Ints, counts: Floats, least: Coarseness) -> None:
    """What is left over is a bin of its own, or too little for one and joins the smallest."""
    rest = of_code < 0
    if not rest.any():
        return
    held = np.bincount(of_code[~rest], weights=counts[~rest]) if not rest.all() else np.zeros(0)
    is_own = held.size == 0 or counts[rest].sum() >= least.enough(0.0, int(rest.sum()))
    of_code[rest] = held.size if is_own else int(np.argmin(held))


def _shares(of_code: Ints, counts: Floats) -> Floats:
    """The nearest counts of each bin that are not negative, over their sum; all alike if nothing is there."""
    order = np.argsort(of_code, kind="stable")
    ends = np.cumsum(np.bincount(of_code))
    shares = np.zeros(len(of_code))
    for codes in np.split(order, ends[:-1]):
        held = counts[codes].sum()
        own = projected(counts[codes], held) if held > 0 else np.ones(len(codes))
        shares[codes] = own / own.sum()
    return shares


@dataclass(frozen=True, slots=True)
class Places:
    """Codes in the order of their bins, and how much of all bins, each of which is 1, lies up to each."""

    of_place: Ints
    upto: Floats

    def codes(self, bins: Ints, rng: np.random.Generator) -> Ints:
        """A code of each of the drawn ``bins``, int64, shape (rows,)."""
        at = np.minimum(bins + rng.random(len(bins)), np.nextafter(bins + 1.0, 0))
        found: Ints = self.of_place[np.searchsorted(self.upto, at, side="right")]
        return found


def places(bins: Bins, shares: Floats) -> Places:
    """Return where codes lie by their ``shares`` (shape (size,)) of bins; one without any has no place."""
    order = np.argsort(bins.of_code, kind="stable")
    upto = bins.of_code[order].astype(np.float64)
    ends = np.cumsum(bins.widths)
    for begin, end in zip(ends - bins.widths, ends, strict=True):
        parts = shares[order[begin:end]]
        if parts.any():
            upto[begin:end] += np.cumsum(parts) / parts.sum()
            upto[begin + np.flatnonzero(parts)[-1] : end] = bins.of_code[order[begin]] + 1
    return Places(order, upto)
