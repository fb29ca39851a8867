"""A Gaussian copula of codes: the margins as they are, and what goes with what by correlated normals.

Every axis is cut from latent normals (``copula_splits``), whose correlations are those of pairs of axes
(``copula_correlations``). What three axes do together and no two of them show is not learned; nor is a row
remembered. Codes of very many are told apart as far as their cells go, and drawn by their shares within one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from anonymizer.errors import SynthesisFailed
from synth.axes import Allowed, Axis, Coded, Codes, Floats, Ints
from synth.methods.copula_cells import Cells, cells_of, tables
from synth.methods.copula_conditions import Condition, conditions, drawn
from synth.methods.copula_correlations import correlations
from synth.methods.copula_scores import edges_of
from synth.methods.copula_splits import Split, splits_of
from synth.methods.threads import one_thread

_BLOCK = 20_000


@dataclass(frozen=True, slots=True)
class Copula:
    """A fitted copula: the axes' cells and splits, and the correlations of the splits' normals."""

    axes: tuple[Axis, ...]
    cells: tuple[Cells, ...] = field(repr=False)
    splits: tuple[Split, ...] = field(repr=False)
    correlation: Floats = field(repr=False)

    def sample(self, n: int, rng: np.random.Generator, allowed: Allowed | None = None) -> Codes:
        """Return ``n`` drawn rows, int32 (n, axes), all of whose codes are ``allowed``.

        Conditions may be as rare as they like: normals are drawn within them.

        Raises:
            SynthesisFailed: the model never draws what is allowed.
        """
        asked = conditions(allowed or {}, self.cells, self.splits)
        order = _order(asked, self.splits)
        with one_thread():
            root = np.asarray(np.linalg.cholesky(self.correlation[np.ix_(order, order)]), np.float64)
            blocks = [
                self._block(min(_BLOCK, n - at), rng, root, order=order, asked=asked)
                for at in range(0, n, _BLOCK)
            ]
        return np.concatenate([np.zeros((0, len(self.axes)), np.int32), *blocks])

    def _block(
        self, n: int, rng: np.random.Generator, root: Floats, *, order: Ints, asked: Sequence[Condition]
    ) -> Codes:
        innovations = rng.standard_normal((n, len(order)))
        at: dict[int, Ints] = {}
        if asked:
            particles = drawn(n, rng, root, asked, self.splits)
            innovations[:, : particles.innovations.shape[1]] = particles.innovations
            at = {each.axis: particles.cells[:, column] for column, each in enumerate(asked)}
        normals = np.empty_like(innovations)
        normals[:, order] = innovations @ root.T
        found = self._cells(normals, at)
        rows = {each.axis: each.rows for each in asked}
        codes = [
            _within(each, rows.get(axis, each.counts.astype(np.float64)), found[axis], rng)
            for axis, each in enumerate(self.cells)
        ]
        return np.stack(codes, axis=1).astype(np.int32) if codes else np.zeros((n, 0), np.int32)

    def _cells(self, normals: Floats, known: Mapping[int, Ints]) -> list[Ints]:
        """The cell of every axis that each row's normals (rows, splits) stand for, or that is ``known``."""
        found = [np.full(len(normals), int(each.of_code[np.argmax(each.counts)])) for each in self.cells]
        comes: dict[int, Ints] = {}
        for number, split in enumerate(self.splits):
            rows = comes[number] if split.above else np.arange(len(normals))
            part = np.searchsorted(edges_of(split.shares)[1:-1], normals[rows, number], side="right")
            for which, below in enumerate(split.below):
                if below >= 0:
                    comes[below] = rows[part == which]
            # What is split further gets its cell further down.
            found[split.axis][rows] = np.array([each[0] for each in split.parts])[part]
        return [known.get(axis, cells) for axis, cells in enumerate(found)]


def fit(coded: Coded, rng: np.random.Generator) -> Copula:
    """Return a copula fitted to a coded table; nothing about it is random.

    Raises:
        SynthesisFailed: there are no rows.
    """
    if not len(coded.codes):
        raise SynthesisFailed("there are no rows to learn from")
    cells = cells_of(coded)
    with one_thread():
        table = tables(coded, cells)
        splits = splits_of(cells, table)
        matrix = correlations(splits, cells, table)
    matrix.setflags(write=False)
    return Copula(coded.axes, cells, splits, matrix)


def _order(asked: Sequence[Condition], splits: Sequence[Split]) -> Ints:
    """The splits in the order in which their normals are drawn: the conditions' first."""
    first = np.concatenate([np.zeros(0, np.int64), *(each.splits for each in asked)])
    return np.concatenate([first, np.setdiff1d(np.arange(len(splits)), first)])


def _within(cells: Cells, rows: Floats, at: Ints, rng: np.random.Generator) -> Ints:
    """Codes of the cells ``at``, by the rows of each code."""
    if cells.size == len(cells.of_code):
        return np.argsort(cells.of_code)[at]
    order = np.argsort(cells.of_code, kind="stable")
    ends = np.cumsum(rows[order])
    held = np.bincount(cells.of_code, rows, cells.size)
    starts = np.cumsum(held) - held
    drawn_at = np.searchsorted(ends, starts[at] + rng.random(len(at)) * held[at], side="right")
    last = np.zeros(cells.size, np.int64)
    np.maximum.at(last, cells.of_code[order], np.where(rows[order] > 0, np.arange(len(order)), 0))
    return np.asarray(order[np.minimum(drawn_at, last[at])])
