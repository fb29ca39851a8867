"""A published table beside the people it tells about: what attacks and utility are measured on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Kind = Literal["number", "category", "codes"]
"""How values are compared: by their distance, by being the same, as sets of codes."""

TableKind = Literal["anonymised", "synthetic"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column that original and release share. Whoever attacks is taken to know quasi-identifiers."""

    name: str
    kind: Kind
    is_quasi_identifier: bool
    is_sensitive: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A release and the people it was made from, in the words of the release.

    ``released`` has the released rows, as they were read again. ``original`` has the rows of everybody who is
    in the data, each value as the release writes it (an age as its band), so that a person can be looked up;
    ``base`` has the same rows with the values as they were (an age is a number there, though the release's
    band is a category: see ``base_attributes``). ``people`` (int64, shape (rows of original,))
    numbers the persons 0, 1, …; ``shown`` (bool, same shape) says whose row is in the release, or in what a
    synthetic table's model was trained on. ``holdout`` has rows of people who had no part in the release, in
    its words, ``holdout_people`` their numbers; None where nobody was held out. All frames have the columns
    of ``attributes``: numbers as Float64, categories as String (``*`` where suppressed), codes as
    List(String); null where missing.

    ``unaligned`` names attributes whose released values cannot be read in the original's words: figures that
    need them are not estimated.

    Raises:
        ValueError: the shapes or columns contradict one another.
    """

    table: TableKind
    attributes: tuple[Attribute, ...]
    released: pl.DataFrame
    original: pl.DataFrame
    base: pl.DataFrame
    people: NDArray[np.int64]
    shown: NDArray[np.bool_]
    holdout: pl.DataFrame | None = None
    holdout_people: NDArray[np.int64] | None = None
    unaligned: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("people", "shown", "holdout_people"):
            if (array := getattr(self, name)) is not None:
                array = array.copy()
                array.setflags(write=False)
                object.__setattr__(self, name, array)
        names = [attribute.name for attribute in self.attributes]
        if not set(self.unaligned) <= set(names):
            raise ValueError("what is unaligned must be among the attributes")
        frames = (self.released, self.original, *(() if self.holdout is None else (self.holdout,)))
        if any(frame.columns != names for frame in frames):
            raise ValueError("every frame must have the columns of the attributes, in their order")
        rows = self.original.height
        if not self.base.height == len(self.people) == len(self.shown) == rows:
            raise ValueError("original, base, people and shown must have equally many rows")
        if (self.holdout is None) != (self.holdout_people is None):
            raise ValueError("held-out rows come with the numbers of their people")

    @property
    def quasi_identifiers(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.attributes if each.is_quasi_identifier)

    @property
    def base_attributes(self) -> tuple[Attribute, ...]:
        """The attributes with the kinds that their values have in ``base``."""
        return tuple(replace(each, kind=_kind(self.base.schema[each.name])) for each in self.attributes)

    def narrowed(self, names: Collection[str]) -> Comparison:
        """The same people in some of the columns."""
        kept = [each.name for each in self.attributes if each.name in names]
        return replace(
            self,
            attributes=tuple(each for each in self.attributes if each.name in names),
            released=self.released.select(kept),
            original=self.original.select(kept),
            base=self.base.select(kept),
            holdout=None if self.holdout is None else self.holdout.select(kept),
            unaligned=tuple(name for name in self.unaligned if name in kept),
        )

    @property
    def sensitive(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.attributes if each.is_sensitive)


def _kind(dtype: pl.DataType) -> Kind:
    if isinstance(dtype, pl.List):
        return "codes"
    return "number" if dtype.is_numeric() else "category"
