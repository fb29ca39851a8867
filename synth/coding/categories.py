"""Categories as codes: values and coarser labels that k people share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from anonymizer.hierarchies.hierarchy import SUPPRESSED
from synth.axes import Axis, Bools, Codes, Ints
from synth.coding.coder import axis, refuse_none, refuse_pickling
from synth.coding.levels import groups, positions
from synth.coding.merging import nearest, shared
from synth.coding.people import People
from synth.conditions import Condition, matching
from synth.recipe import Wanted
from synth.variables import Variable

_TRUTH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Categories:
    """A column of text or truth values: the codes of ``labels`` in their order, then one for missing.

    ``has_missing`` says whether there is one for missing. What has no code, not even ``*``, gets that of the
    number ``fallback``.
    """

    variable: Variable = field(repr=False)
    labels: tuple[str, ...]
    has_missing: bool
    fallback: int
    axis: Axis
    merged: int = 0

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The one axis: the labels, then missing where it occurs."""
        return (self.axis,)

    def encode(self, cells: pl.Series) -> Codes:
        """Each cell's code, shape (rows, 1): of its value, of its nearest coarser label, of ``*``."""
        values, numbers = distinct(words(cells, self.variable))
        return self._codes(values)[numbers][:, None]

    def decode(self, codes: Codes, rng: np.random.Generator) -> pl.Series:
        """The labels of ``codes`` (shape (rows, 1)); ``rng`` is not used."""
        texts = pl.Series(self.variable.name, [*self.labels, None], dtype=pl.String)
        if self.variable.type == "boolean":
            texts = texts.replace_strict(_TRUTH, return_dtype=pl.Boolean)
        return texts.gather(codes[:, 0])

    def matching(self, wanted: Wanted) -> Mapping[int, Bools]:
        """Which codes are what is wanted for certain."""
        rng = np.random.default_rng(0)
        labels = self.decode(np.arange(self.axis.size, dtype=np.int32)[:, None], rng)
        asked = Condition(self.variable, wanted)
        return {0: refuse_none(self.variable.name, matching(asked, labels, certain=True))}

    def _codes(self, values: Iterable[str]) -> Codes:
        """The codes of distinct values, then that of missing."""
        codes = {label: code for code, label in enumerate(self.labels)}
        found = (nearest(value, self.variable.coarser, codes) for value in values)
        missing = len(self.labels) if self.has_missing else self.fallback
        return np.array([*(self.fallback if code is None else code for code in found), missing], np.int32)

    __reduce__ = refuse_pickling


def learned(cells: pl.Series, variable: Variable, people: People, k: int) -> Categories:
    """Return the categories that k ``people`` share, of the ``cells`` of a column of text or truth values."""
    values, numbers = distinct(words(cells, variable))
    labels = shared(values, numbers, people, coarser=variable.coarser, k=k)
    if variable.type == "boolean":
        labels.discard(SUPPRESSED)
    has_missing = not labels or people.among(numbers < 0) >= k
    bare = categories(variable, labels, has_missing=has_missing)
    return _with_fallback(bare, values, numbers)


def categories(
    variable: Variable, labels: Iterable[str], *, has_missing: bool, fallback: int = 0
) -> Categories:
    """Return the categories of ``labels``, by their order where the column has one, else as text."""
    places = dict(zip(given := sorted(set(labels)), positions(given, variable), strict=True))
    # Sorting is stable: what has no place, or the same one, stays as text is sorted.
    ordered = tuple(sorted(given, key=lambda label: (np.isnan(places[label]), np.nan_to_num(places[label]))))
    specials = 1 if has_missing else 0
    own = axis(
        variable.name,
        np.array([*(places[label] for label in ordered), *[np.nan] * specials], np.float64),
        is_ordered=bool(variable.order),
        groups=groups(ordered, variable.coarser, specials),
    )
    return Categories(variable, ordered, has_missing, fallback, own)


def words(cells: pl.Series, variable: Variable) -> pl.Series:
    """The cells as text, whatever they are; truth values as ``true`` or ``false``, others missing."""
    if isinstance(cells.dtype, pl.List):
        cells = cells.cast(pl.List(pl.String), strict=False).list.sort().list.join(" ")
    texts = cells.cast(pl.String, strict=False)
    if variable.type == "string":
        return texts
    truths = texts.str.to_lowercase().replace_strict(_TRUTH, default=None, return_dtype=pl.Boolean)
    return truths.cast(pl.String)


def distinct(texts: pl.Series) -> tuple[tuple[str, ...], Ints]:
    """A column's distinct values, sorted, and the number of each cell's (shape (rows,)); −1: missing."""
    values = texts.unique().drop_nulls().sort()
    if values.is_empty():
        return (), np.full(len(texts), -1, dtype=np.int64)
    numbers = texts.cast(pl.Enum(values)).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    return tuple(values.to_list()), numbers


def _with_fallback(bare: Categories, values: tuple[str, ...], numbers: Ints) -> Categories:
    """The same with the most frequent label as fallback, and the count of cells that change."""
    nothing = len(bare.labels) + bare.has_missing
    unset = Categories(bare.variable, bare.labels, bare.has_missing, nothing, bare.axis)
    codes = unset._codes(values)
    rows = np.bincount(codes[numbers], minlength=nothing + 1)[: len(bare.labels)]
    fallback = int(rows.argmax()) if len(rows) else 0
    exact = {label: code for code, label in enumerate(bare.labels)}
    same = np.array([*(exact.get(value, -1) for value in values), len(bare.labels)]) == codes
    merged = int(np.count_nonzero(~same[numbers]))
    return Categories(bare.variable, bare.labels, bare.has_missing, fallback, bare.axis, merged)
