"""Lists of codes as codes: whether a row has each of the most frequent ones, and how many others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from anonymizer.hierarchies.hierarchy import SUPPRESSED
from synth.axes import Axis, Bools, Codes, Floats, Ints
from synth.coding import bands
from synth.coding.bands import Bands
from synth.coding.categories import distinct
from synth.coding.coder import axis, refuse_none, refuse_pickling
from synth.coding.merging import nearest, shared
from synth.coding.people import People, once
from synth.conditions import Condition, matching
from synth.recipe import Wanted
from synth.variables import Variable

MOST_FREQUENT = 40
"""Codes that have an axis of their own, at most; the others are drawn by their frequency alone."""
_ROUNDS = 8
_CELLS_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class CodeLists:
    """A column of lists: of each of ``frequent`` whether a row has it, then how many of ``others``.

    ``others`` have frequencies ``weights`` (shape (others,)); how many a row has lies in ``counts``, whose
    last code is a missing list if there are any. Every list has the codes that ``always`` names: those that
    fewer than k people lack.
    """

    variable: Variable = field(repr=False)
    frequent: tuple[str, ...]
    always: tuple[str, ...]
    others: tuple[str, ...]
    weights: Floats = field(repr=False)
    counts: Bands
    has_missing: bool
    axes: tuple[Axis, ...] = field(repr=False)
    merged: int = 0

    def encode(self, cells: pl.Series) -> Codes:
        """Each list's codes, shape (rows, axes): nearest coarser labels of unknown codes, or nothing."""
        entries = _Entries.of(cells)
        found = entries.labelled(self._labels, self.variable)
        codes = np.zeros((len(entries.known), len(self.axes)), dtype=np.int32)
        rows, labels = found.below(len(self.frequent))
        codes[rows, labels] = 1
        if len(self.counts.low):
            codes[:, -1] = self.counts.nearest(found.many(len(self.frequent), len(self.others)))
        if self.has_missing:
            codes[~entries.known, -1] = len(self.counts.low)
        return codes

    def decode(self, codes: Codes, rng: np.random.Generator) -> pl.Series:
        """Lists for ``codes`` (shape (rows, axes)), their codes sorted and distinct."""
        is_missing = codes[:, -1] == len(self.counts.low)
        low, high = (np.append(part, 0)[codes[:, -1]] for part in (self.counts.low, self.counts.high))
        many = low + (rng.random(len(codes)) * (high - low + 1)).astype(np.int64)
        drawn = _without_replacement(np.minimum(many, len(self.others)), self.weights, rng)
        rows, numbers = np.nonzero(codes[:, :-1] == 1)
        first = len(self.frequent) + len(self.others)
        always = np.tile(np.arange(first, first + len(self.always)), len(codes))
        rows = np.r_[rows, drawn[0], np.repeat(np.arange(len(codes)), len(self.always))]
        numbers = np.r_[numbers, drawn[1] + len(self.frequent), always]
        cells = _lists(rows, numbers, self._labels, len(codes))
        return cells.set(pl.Series(is_missing), None) if is_missing.any() else cells

    def matching(self, wanted: Wanted) -> Mapping[int, Bools]:
        """Lists that have the most frequent of the codes wanted: axes cannot say "one of several".

        Codes that have no axis of their own cannot be asked for.
        """
        is_missing = np.arange(self.axes[-1].size) == len(self.counts.low)
        if wanted is None:
            return {len(self.frequent): refuse_none(self.variable.name, is_missing)}
        labels = (*self.always, *self.frequent)
        singles = pl.Series([[label] for label in labels], dtype=pl.List(pl.String))
        found = refuse_none(
            self.variable.name, matching(Condition(self.variable, wanted), singles, certain=True)
        )
        told = {len(self.frequent): refuse_none(self.variable.name, ~is_missing)}
        best = int(found.argmax()) - len(self.always)
        return told if best < 0 else {best: np.array([False, True]), **told}

    @property
    def _labels(self) -> tuple[str, ...]:
        return (*self.frequent, *self.others, *self.always)

    __reduce__ = refuse_pickling


@dataclass(frozen=True, slots=True)
class _Entries:
    """The codes of lists: entry by entry the row and the number of its value (−1: null); and known rows."""

    values: tuple[str, ...]
    rows: Ints
    numbers: Ints
    known: Bools

    @classmethod
    def of(cls, cells: pl.Series) -> _Entries:
        """The entries of lists, or of texts of codes between blanks."""
        lists = cells if isinstance(cells.dtype, pl.List) else cells.cast(pl.String).str.extract_all(r"\S+")
        lists = lists.cast(pl.List(pl.String), strict=False)
        lengths = lists.list.len().fill_null(0).to_numpy()
        values, numbers = distinct(lists.filter(pl.Series(lengths > 0)).explode(empty_as_null=True))
        return cls(values, np.repeat(np.arange(len(lists)), lengths), numbers, lists.is_not_null().to_numpy())

    def labelled(self, labels: Sequence[str], variable: Variable) -> _Pairs:
        """Which rows have which labels; what has no label is left out."""
        codes = {label: code for code, label in enumerate(labels)}
        found = (nearest(value, variable.coarser, codes) for value in self.values)
        of_value = np.array([*(-1 if code is None else code for code in found), -1], dtype=np.int64)
        labels_here = of_value[self.numbers]
        told = labels_here >= 0
        size = max(len(labels), 1)
        pairs = once(self.rows[told] * size + labels_here[told])
        return _Pairs(pairs // size, pairs % size, len(self.known))


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Which of ``height`` rows have which labels (both shape (pairs,)), each pair once."""

    rows: Ints
    labels: Ints
    height: int

    def below(self, end: int) -> tuple[Ints, Ints]:
        """Rows and labels of the first ``end`` labels."""
        own = self.labels < end
        return self.rows[own], self.labels[own]

    def many(self, start: int, count: int) -> Ints:
        """How many of ``count`` labels from ``start`` each row has, shape (rows,)."""
        own = (self.labels >= start) & (self.labels < start + count)
        return np.bincount(self.rows[own], minlength=self.height).astype(np.int64)

    def lacking(self, label: int) -> Bools:
        """Which rows have not a label, shape (rows,)."""
        lacks = np.ones(self.height, bool)
        lacks[self.rows[self.labels == label]] = False
        return lacks


def learned(cells: pl.Series, variable: Variable, people: People, k: int) -> CodeLists:
    """Return the codes that k ``people`` share, of the lists of a column."""
    entries = _Entries.of(cells)
    whose = People(people.numbers[entries.rows], people.count, False)
    labels = sorted(
        shared(entries.values, entries.numbers, whose, coarser=variable.coarser, k=k) - {SUPPRESSED}
    )
    pairs = entries.labelled(labels, variable)
    frequency = np.bincount(pairs.labels, minlength=len(labels))
    # Sorting is stable: of equally frequent codes the first as text.
    order = np.argsort(-frequency, kind="stable").tolist()
    has_missing = people.among(~entries.known) >= k or people.among(entries.known) < k
    asked = entries.known | (not has_missing)
    always = [i for i in order[:MOST_FREQUENT] if people.among(asked & pairs.lacking(i)) < k]
    rest = [i for i in order if i not in set(always)]
    others = sorted(rest[MOST_FREQUENT:])
    many = _Pairs(pairs.rows, np.isin(pairs.labels, others).astype(np.int64), pairs.height).many(1, 1)
    counts = bands.learned(many[entries.known], people.where(entries.known), k)
    known = entries.numbers >= 0
    same = np.isin(entries.numbers[known], [i for i, v in enumerate(entries.values) if v in set(labels)])
    frequent = tuple(labels[i] for i in rest[:MOST_FREQUENT])
    return CodeLists(
        variable=variable,
        frequent=frequent,
        always=tuple(labels[i] for i in sorted(always)),
        others=tuple(labels[i] for i in others),
        weights=frequency[others] / max(frequency[others].sum(), 1),
        counts=counts,
        has_missing=has_missing,
        axes=axes(variable.name, frequent, counts, has_missing=has_missing),
        merged=int(np.count_nonzero(~same)),
    )


def axes(name: str, frequent: Sequence[str], counts: Bands, *, has_missing: bool) -> tuple[Axis, ...]:
    """The axes of lists: two-valued ones for the ``frequent`` codes, then one for how many others."""
    middles = np.append((counts.low + counts.high) / 2, [np.nan] * has_missing)
    own = (axis(f"{name}[{label}]", np.array([0.0, 1.0])) for label in frequent)
    return (*own, axis(f"{name}[]", middles, is_ordered=True))


def _without_replacement(many: Ints, weights: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Rows and the numbers drawn for them, ``many`` different ones each (shape (rows,)), by ``weights``."""
    size = max(len(weights), 1)
    have = np.empty(0, dtype=np.int64)
    steps = np.cumsum(weights)
    lacking = many
    for _ in range(_ROUNDS):
        rows = np.repeat(np.arange(len(many)), lacking)
        if not len(rows):
            break
        drawn = np.searchsorted(steps[:-1] / steps[-1], rng.random(len(rows)), side="right")
        have = once(np.r_[have, rows * size + drawn])
        lacking = many - np.bincount(have // size, minlength=len(many))
    have = np.r_[have, _rest(have, lacking, weights, rng)]
    return have // size, have % size


def _rest(have: Ints, lacking: Ints, weights: Floats, rng: np.random.Generator) -> Ints:
    """What is still lacking, by the largest of weights with Gumbel noise (Efraimidis and Spirakis 2006)."""
    rows = np.flatnonzero(lacking)
    size = max(len(weights), 1)
    parts = [np.empty(0, dtype=np.int64)]
    for some in np.array_split(rows, 1 + len(rows) * size // _CELLS_AT_ONCE):
        scores = np.log(weights) + rng.gumbel(size=(len(some), len(weights)))
        place = np.full(len(lacking), -1)
        place[some] = np.arange(len(some))
        mine = have[place[have // size] >= 0]
        scores[place[mine // size], mine % size] = -np.inf
        ranked = np.argsort(-scores, axis=1, kind="stable")
        first = np.arange(size) < lacking[some][:, None] if len(weights) else np.zeros(ranked.shape, bool)
        parts.append((some[:, None] * size + ranked)[first])
    return np.concatenate(parts)


def _lists(rows: Ints, numbers: Ints, labels: Sequence[str], height: int) -> pl.Series:
    """A list of labels for each of ``height`` rows, sorted; empty where a row has none."""
    texts = pl.Series(labels, dtype=pl.String)
    places = texts.rank("ordinal").to_numpy().astype(np.int64) - 1
    order = np.argsort(rows * max(len(labels), 1) + places[numbers], kind="stable")
    found = pl.DataFrame({"row": rows[order], "code": texts.gather(numbers[order])})
    grouped = found.group_by("row", maintain_order=True).agg("code")
    frame = pl.DataFrame({"row": np.arange(height)}).join(
        grouped, on="row", how="left", maintain_order="left"
    )
    return frame["code"].fill_null(pl.Series([[]], dtype=pl.List(pl.String)))
