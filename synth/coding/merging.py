"""Which labels stand for the values of a column, when no label may stand for fewer than k people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from anonymizer.hierarchies.hierarchy import SUPPRESSED
from synth.axes import Ints
from synth.coding.people import People

Coarser = Mapping[str, tuple[str, ...]]


def path(value: str, coarser: Coarser) -> tuple[str, ...]:
    """A value and what it becomes at every coarser level, each label once, without ``*``."""
    labels = dict.fromkeys((value, *coarser.get(value, ())))
    labels.pop(SUPPRESSED, None)
    return tuple(labels)


def nearest(value: str, coarser: Coarser, codes: Mapping[str, int]) -> int | None:
    """The code of a value, of its nearest coarser label that has one, or of ``*``; None where none has."""
    own = codes.get(value)
    if own is not None:
        return own
    found = (codes[label] for label in path(value, coarser) if label in codes)
    return next(found, codes.get(SUPPRESSED))


def shared(values: Sequence[str], cells: Ints, people: People, *, coarser: Coarser, k: int) -> set[str]:
    """The labels, ``*`` among them, that k people share.

    ``cells`` (shape (rows,)) numbers each row's value, −1: none. Every value stands for itself if k people
    have it. The others go from label to label, upwards, until k people have come to the same one. ``nearest``
    finds that label again, for whoever is at a label that is shared stays there.
    """
    enough = people.having(cells, len(values)) >= k
    kept = {values[i] for i in np.flatnonzero(enough).tolist()}
    rare = _climbing(values, np.flatnonzero(~enough).tolist(), coarser)
    climbing = {i: iter(path(values[i], coarser)) for i in rare}
    at = {i: next(steps, SUPPRESSED) for i, steps in climbing.items()}
    heights = _heights([path(values[i], coarser) for i in rare])
    for height in range(max(heights.values(), default=-1) + 1):
        level = {i: label for i, label in at.items() if heights.get(label) == height}
        kept |= _enough(level, cells, people, k, len(values))
        for i, label in level.items():
            at[i] = SUPPRESSED if label in kept else _next(climbing[i], heights, height, kept)
            if at[i] in kept or label in kept:
                del at[i]
    left = ~enough
    left[[i for i in climbing if i not in at]] = False
    if people.among(np.append(left, False)[cells]) >= k:
        kept.add(SUPPRESSED)
    return kept


def _climbing(values: Sequence[str], rare: Sequence[int], coarser: Coarser) -> list[int]:
    """The rare values that can share a label with others: those with coarser ones, and those that are one."""
    above = [i for i in rare if values[i] in coarser]
    labels = {label for i in above for label in path(values[i], coarser)}
    return [i for i in rare if values[i] in coarser or values[i] in labels]


def _heights(paths: Sequence[Sequence[str]]) -> dict[str, int]:
    """How far above a value each label can lie, at most."""
    heights: dict[str, int] = {}
    for labels in paths:
        for height, label in enumerate(labels):
            heights[label] = max(heights.get(label, 0), height)
    return heights


def _next(steps: Iterator[str], heights: Mapping[str, int], height: int, kept: set[str]) -> str:
    """The next label that is shared, or lies higher and may be yet."""
    above = (label for label in steps if label in kept or heights[label] > height)
    return next(above, SUPPRESSED)


def _enough(level: Mapping[int, str], cells: Ints, people: People, k: int, size: int) -> set[str]:
    """The labels that k people have come to."""
    labels = sorted(set(level.values()))
    number = {label: i for i, label in enumerate(labels)}
    groups = np.full(size + 1, -1)
    for i, label in level.items():
        groups[i] = number[label]
    having = people.having(groups[cells], len(labels))
    return {label for label, count in zip(labels, having, strict=True) if count >= k}
