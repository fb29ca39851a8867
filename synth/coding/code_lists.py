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
from synth.coding.coder import axis, refuse_none
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
    last code is a missing list if there are any. ``always`` (shape (frequent,)): hardly a row lacks the code.
    """

    variable: Variable = field(repr=False)
    frequent: tuple[str, ...]
    always: Bools = field(repr=False)
    others: tuple[str, ...]
    weights: Floats = field(repr=False)
    counts: Bands
    has_missing: bool
    axes: tuple[Axis, ...] = field(repr=False)
    merged: int = 0

    def encode(self, cells: pl.Series) -> Codes:
        """Each list's codes, shape (rows, axes): nearest coarser labels of unknown codes, or nothing."""
        values, rows, numbers, known = entries(cells)
        known_rows, labels = self._labelled(values, rows, numbers)
        codes = np.zeros((len(known), len(self.axes)), dtype=np.int32)
        codes[known | (not self.has_missing), :-1] = self.always
        own = labels < len(self.frequent)
        codes[known_rows[own], labels[own]] = 1
        if len(self.counts.low):
            codes[:, -1] = self.counts.nearest(np.bincount(known_rows[~own], minlength=len(known)))
        if self.has_missing:
            codes[~known, -1] = len(self.counts.low)
        return codes

    def decode(self, codes: Codes, rng: np.random.Generator) -> pl.Series:
        """Lists for ``codes`` (shape (rows, axes)), their codes sorted and distinct."""
        labels = (*self.frequent, *self.others)
        is_missing = codes[:, -1] == len(self.counts.low)
        low, high = (np.append(part, 0)[codes[:, -1]] for part in (self.counts.low, self.counts.high))
        many = low + (rng.random(len(codes)) * (high - low + 1)).astype(np.int64)
        rows, frequent = np.nonzero(codes[:, :-1] == 1)
        drawn = _without_replacement(np.minimum(many, len(self.others)), self.weights, rng)
        cells = _lists(
            np.r_[rows, drawn[0]], np.r_[frequent, drawn[1] + len(self.frequent)], labels, len(codes)
        )
        return cells.set(pl.Series(is_missing), None) if is_missing.any() else cells

    def matching(self, wanted: Wanted) -> Mapping[int, Bools]:
        """Lists that have the most frequent of the codes wanted: axes cannot say "one of several".

        Codes that have no axis of their own cannot be asked for.
        """
        is_missing = np.arange(self.axes[-1].size) == len(self.counts.low)
        if wanted is None:
            return {len(self.frequent): refuse_none(self.variable.name, is_missing)}
        singles = pl.Series([[label] for label in self.frequent], dtype=pl.List(pl.String))
        found = refuse_none(
            self.variable.name, matching(Condition(self.variable, wanted), singles, certain=True)
        )
        return {int(found.argmax()): np.array([False, True]), len(self.frequent): ~is_missing}

    def _labelled(self, values: Sequence[str], rows: Ints, numbers: Ints) -> tuple[Ints, Ints]:
        """Rows and the numbers of their labels, each pair once."""
        codes = {label: code for code, label in enumerate((*self.frequent, *self.others))}
        return labelled(_numbers(values, self.variable, codes), rows, numbers, len(codes))


def learned(cells: pl.Series, variable: Variable, people: People, k: int) -> CodeLists:
    """Return the codes that k ``people`` share, of the lists of a column."""
    values, rows, numbers, known = entries(cells)
    whose = People(people.numbers[rows], people.count, False)
    labels = sorted(shared(values, numbers, whose, coarser=variable.coarser, k=k) - {SUPPRESSED})
    codes = {label: code for code, label in enumerate(labels)}
    found = _numbers(values, variable, codes)
    frequency = np.bincount(labelled(found, rows, numbers, len(labels))[1], minlength=len(labels))
    # Sorting is stable: of equally frequent codes the first as text.
    order = np.argsort(-frequency, kind="stable")
    frequent = tuple(labels[code] for code in order[:MOST_FREQUENT])
    rest = np.sort(order[MOST_FREQUENT:])
    same = np.array([codes.get(value, -1) for value in values], np.int64) == found
    bare = CodeLists(
        variable=variable,
        frequent=frequent,
        always=np.zeros(len(frequent), bool),
        others=tuple(labels[code] for code in rest),
        weights=frequency[rest] / max(frequency[rest].sum(), 1),
        counts=Bands(np.empty(0, np.int64), np.empty(0, np.int64)),
        has_missing=people.among(~known) >= k or people.among(known) < k,
        axes=(),
        merged=int(np.count_nonzero((~same | (found < 0))[numbers])),
    )
    return _with_axes(bare, (values, rows, numbers, known), people, k)


def entries(cells: pl.Series) -> tuple[tuple[str, ...], Ints, Ints, Bools]:
    """The distinct codes, sorted; rows and numbers of the codes they have (shape (entries,)); known rows."""
    lists = cells if isinstance(cells.dtype, pl.List) else cells.cast(pl.String).str.split(" ")
    lists = lists.cast(pl.List(pl.String), strict=False)
    lengths = lists.list.len().fill_null(0).to_numpy()
    texts = lists.filter(pl.Series(lengths > 0)).explode(empty_as_null=True)
    rows = np.repeat(np.arange(len(lists)), lengths)
    values, numbers = distinct(texts)
    told = numbers >= 0
    return values, rows[told], numbers[told], lists.is_not_null().to_numpy()


def labelled(found: Ints, rows: Ints, numbers: Ints, size: int) -> tuple[Ints, Ints]:
    """Rows and labels (shape (pairs,)), each pair once; ``found`` is the label of each distinct value."""
    labels = found[numbers]
    told = labels >= 0
    pairs = once(rows[told] * size + labels[told])
    return pairs // max(size, 1), pairs % max(size, 1)


def _numbers(values: Sequence[str], variable: Variable, codes: Mapping[str, int]) -> Ints:
    """The number of each value's label; −1: it has none."""
    found = (nearest(value, variable.coarser, codes) for value in values)
    return np.array([-1 if code is None else code for code in found], dtype=np.int64)


def _with_axes(
    bare: CodeLists, told: tuple[Sequence[str], Ints, Ints, Bools], people: People, k: int
) -> CodeLists:
    values, rows, numbers, known = told
    rows, labels = bare._labelled(values, rows, numbers)
    frequent = len(bare.frequent)
    has = np.zeros((len(known), frequent), bool)
    own = labels < frequent
    has[rows[own], labels[own]] = True
    asked = known | (not bare.has_missing)
    always = np.array([people.among(asked & ~has[:, code]) < k for code in range(frequent)], bool)
    many = np.bincount(rows[~own], minlength=len(known))[known].astype(np.int64)
    counts = bands.learned(many, people.where(known), k)
    has_missing = bare.has_missing or not len(counts.low)
    name = bare.variable.name
    middles = np.append((counts.low + counts.high) / 2, [np.nan] * has_missing)
    axes = tuple(axis(f"{name}[{label}]", np.array([0.0, 1.0])) for label in bare.frequent)
    axes = (*axes, axis(f"{name}[]", middles, is_ordered=True))
    return CodeLists(
        variable=bare.variable,
        frequent=bare.frequent,
        always=always,
        others=bare.others,
        weights=bare.weights,
        counts=counts,
        has_missing=has_missing,
        axes=axes,
        merged=bare.merged,
    )


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
