"""What turns one column into codes and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, Protocol

import numpy as np
import polars as pl

from anonymizer.errors import BadConfig
from synth.axes import Axis, Bools, Codes, Floats, Ints
from synth.recipe import Wanted


class Coder(Protocol):
    """One column's way to codes and back; frozen."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes that the column takes, one or, for a list, several."""
        ...

    @property
    def merged(self) -> int:
        """How many of the learned cells do not come back as they were. An internal figure."""
        ...

    def encode(self, cells: pl.Series) -> Codes:
        """Return each cell's codes, shape (rows, axes); never an error, whatever the cells hold."""
        ...

    def decode(self, codes: Codes, rng: np.random.Generator) -> pl.Series:
        """Return drawn cells of the column's canonical type for ``codes`` (shape (rows, axes))."""
        ...

    def matching(self, wanted: Wanted) -> Mapping[int, Bools]:
        """Return, by the number of the column's axis, which codes decode to what is ``wanted`` alone.

        Raises:
            BadConfig: no code does.
        """
        ...


def axis(name: str, positions: Floats, *, is_ordered: bool = False, groups: tuple[Ints, ...] = ()) -> Axis:
    """An axis of as many codes as ``positions``, its arrays read-only; ordered only if one has a place."""
    held = [np.array(part) for part in (positions, *groups)]
    for part in held:
        part.setflags(write=False)
    has_places = bool(np.isfinite(held[0]).any())
    return Axis(name, len(positions), held[0], is_ordered and has_places, tuple(held[1:]))


def refuse_none(column: str, mask: Bools) -> Bools:
    """The mask itself, read-only; raises ``BadConfig`` where it allows nothing."""
    if not mask.any():
        raise BadConfig("nobody, or too few people, have what is asked for", column=column)
    mask.setflags(write=False)
    return mask


def refuse_pickling(_: object) -> NoReturn:
    """Raise ``TypeError``: hierarchies may name values that few people have."""
    raise TypeError("what was learned of a table is not to be written to disk")
