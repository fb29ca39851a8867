"""Equivalence classes at a lattice node, and rolling them up from one node to a more general one.

The classes of a node are tuples themselves: one representative base tuple each, with the rows, people and
sensitive values merged into it. So any node can be reached from the classes of any of its specialisations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting import kernels
from anonymizer.counting.code_sets import CodeSets
from anonymizer.counting.counts import Counts, Pairs
from anonymizer.counting.sensitive import Held
from anonymizer.hierarchies.encoding import Codes, Counts64

Node = tuple[int, ...]

_KEY_SPACE = 2**62
_DIRECT = 4
"""Keys are addressed directly while there are at most this many times more of them than tuples."""


@dataclass(frozen=True, slots=True)
class Ladders:
    """The ladders of all columns in flat arrays, as the kernels want them."""

    label_codes: Codes
    leaf_counts: Counts64
    starts: tuple[NDArray[np.int64], ...]
    sizes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, counts: Counts) -> Ladders:
        """The flat form of a table's ladders; ``starts[j][level]`` is where column j's level begins."""
        lengths = [ladder.label_codes.shape for ladder in counts.ladders]
        bases = np.cumsum([0, *(levels * values for levels, values in lengths)])
        return cls(
            np.concatenate([ladder.label_codes.ravel() for ladder in counts.ladders]),
            np.concatenate([ladder.leaf_counts.ravel() for ladder in counts.ladders]),
            tuple(
                base + values * np.arange(levels)
                for base, (levels, values) in zip(bases, lengths, strict=False)
            ),
            tuple(tuple(len(set(level)) for level in ladder.labels) for ladder in counts.ladders),
        )

    def offsets(self, node: Node) -> NDArray[np.int64]:
        """Where each column's level at ``node`` starts; int64 (m)."""
        return np.array([starts[level] for starts, level in zip(self.starts, node, strict=True)], np.int64)


@dataclass(frozen=True, slots=True)
class Classes:
    """The equivalence classes at ``node``.

    ``representatives`` int32 (classes) are base tuples, ``rows`` int64 (classes). ``people`` are (class,
    person) pairs as in ``Counts`` and ``n_people`` int64 (classes) their number; ``held`` tells what each
    class holds of each sensitive column; ``population`` int64 (classes), ``sets`` and ``by_row`` are as in
    ``Counts``. A class without rows is one of the population only.
    """

    node: Node
    representatives: Codes
    rows: Counts64
    people: Pairs | None
    n_people: Counts64
    held: dict[str, Held]
    population: Counts64 | None = None
    sets: dict[str, CodeSets] = field(default_factory=dict)
    by_row: dict[str, Held] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)


def base_classes(counts: Counts) -> Classes:
    """The classes before any generalisation: every distinct tuple."""
    identity = np.arange(counts.n_tuples, dtype=np.int32)
    return merge(counts, (0,) * len(counts.ladders), identity, counts.n_tuples)


def roll_up(counts: Counts, ladders: Ladders, source: Classes, node: Node) -> Classes:
    """The classes at ``node``, merged from those of ``source``, one of its specialisations."""
    class_of, classes = number_classes(counts, ladders, source.representatives, node)
    return merge(counts, node, class_of, classes, source=source)


def number_classes(counts: Counts, ladders: Ladders, representatives: Codes, node: Node) -> tuple[Codes, int]:
    """The class at ``node`` of each representative tuple, int32, and the number of classes."""
    sizes = [ladders.sizes[j][level] for j, level in enumerate(node)]
    offsets = ladders.offsets(node)
    keys = np.zeros(len(representatives), np.int64)
    space = 1
    for chunk in _chunks(sizes, len(representatives)):
        if space > 1:
            class_of, space = _number(keys, space)
            keys = class_of.astype(np.int64)
        columns = np.array(chunk, np.int64)
        kernels.extend_keys(
            keys,
            counts.codes,
            representatives,
            columns,
            ladders.label_codes,
            offsets[columns],
            np.array([sizes[j] for j in chunk], np.int64),
        )
        space *= prod(sizes[j] for j in chunk)
    return _number(keys, space)


def merge(
    counts: Counts, node: Node, class_of: Codes, classes: int, *, source: Classes | None = None
) -> Classes:
    """The classes that ``class_of`` makes of the classes of ``source`` (without one: of the base tuples)."""
    rows = (source or counts).rows
    members = source.representatives if source else np.arange(counts.n_tuples, dtype=np.int32)
    total, first = kernels.merge_rows(class_of, classes, rows, members)
    pairs = (source or counts).people
    people, n_people = (None, total) if pairs is None else _merge_pairs(pairs, class_of, classes)
    before = source.held if source else {name: column.held for name, column in counts.sensitive.items()}
    held = {name: pairs.merged(class_of, classes) for name, pairs in before.items()}
    population = (source or counts).population
    if population is not None:
        population, _ = kernels.merge_rows(class_of, classes, population, members)
    sets = {name: owned.merged(class_of) for name, owned in (source or counts).sets.items()}
    counted = source.by_row if source else {name: column.held for name, column in counts.by_row.items()}
    by_row = {name: pairs.merged(class_of, classes) for name, pairs in counted.items()}
    return Classes(node, first, total, people, n_people, held, population, sets, by_row)


def _chunks(sizes: Sequence[int], tuples: int) -> list[list[int]]:
    """Columns of more than one label, in runs whose keys fit an integer beside a class number."""
    chunks: list[list[int]] = []
    space = _KEY_SPACE
    for j, size in enumerate(sizes):
        if size <= 1:
            continue
        if space * size >= _KEY_SPACE:
            chunks.append([])
            space = max(tuples, 1)
        chunks[-1].append(j)
        space *= size
    return chunks


def _number(keys: NDArray[np.int64], space: int) -> tuple[Codes, int]:
    direct = space <= _DIRECT * len(keys) + 1024
    class_of, classes = kernels.number_small_keys(keys, space) if direct else kernels.number_keys(keys)
    return class_of, int(classes)


def _merge_pairs(pairs: Pairs, class_of: Codes, classes: int) -> tuple[Pairs, Counts64]:
    owner, item, distinct = kernels.merge_pairs(class_of, classes, pairs.owner, pairs.item)
    return Pairs(owner, item), distinct
