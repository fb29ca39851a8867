"""Generalisation hierarchies: what a value becomes at each level, and how much of the domain it then covers.

A hierarchy never looks at the data to choose its levels or its domain: a cut made from data is data.
Missing values never reach a hierarchy; they are one extra leaf, added where a column is encoded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

from anonymizer.errors import BadConfig, BadInput

SUPPRESSED = "*"
"""The label of the top level and of a suppressed cell."""


@dataclass(frozen=True, slots=True)
class Generalised:
    """What values become at every level: ``labels[level][i]`` covers ``leaf_counts[level][i]`` leaves.

    Level 0 is the value itself (after top coding). Both are indexed like the values given to
    ``Hierarchy.generalise``; the top level's label is ``*`` and covers all leaves.
    """

    labels: tuple[tuple[str, ...], ...]
    leaf_counts: tuple[tuple[int, ...], ...]


class Hierarchy(Protocol):
    """Levels 0 (the value) to the top (``*``), over a domain of ``leaves`` values."""

    @property
    def level_names(self) -> tuple[str, ...]:
        """One human-readable name per level, e.g. ``("day", "month", "year", "*")``."""
        ...

    @property
    def leaves(self) -> int:
        """The number of values in the domain, which is public and independent of the data."""
        ...

    def generalise(self, values: Sequence[str]) -> Generalised:
        """Labels and leaf counts of distinct, non-missing canonical ``values`` at every level.

        Raises:
            BadInput: values outside the hierarchy, with their count and never the values.
        """
        ...


Step = Callable[[str], tuple[str, int]]
"""One level: a value's label and the number of leaves the label covers."""


def by_steps(values: Sequence[str], steps: Sequence[Step], leaves: int) -> Generalised:
    """The generalisation of ``values`` by one function per level; level 0 and the top are added."""
    labels, leaf_counts = [], []
    for step in steps:
        pairs = [step(value) for value in values]
        labels.append(tuple(label for label, _ in pairs))
        leaf_counts.append(tuple(count for _, count in pairs))
    return Generalised(
        (*labels, (SUPPRESSED,) * len(values)),
        (*leaf_counts, (leaves,) * len(values)),
    )


def refuse_outside(values: Sequence[str], belongs: Callable[[str], bool], rule: str) -> None:
    """Raise ``BadInput`` with the count of values outside the domain; never a silent ``*``."""
    outside = sum(not belongs(value) for value in values)
    if outside:
        raise BadInput(rule, count=outside)


@dataclass(frozen=True, slots=True)
class Suppression:
    """Kept or suppressed. The domain's size cancels out of the loss, so any two leaves will do."""

    level_names: tuple[str, ...] = ("value", SUPPRESSED)
    leaves: int = 2

    def generalise(self, values: Sequence[str]) -> Generalised:
        """Every value itself, then ``*``."""
        return by_steps(values, [lambda value: (value, 1)], self.leaves)


@dataclass(frozen=True, slots=True)
class Prefix:
    """Codes that are generalised by keeping their first characters.

    ``kept`` holds the characters kept at levels 1, 2, … (falling); ``alphabet[i]`` the number of symbols
    possible at position i (1 for a separator), so that a label of d characters covers
    ``prod(alphabet[d:])`` leaves. A shorter code is a leaf of its own up to the level that contains it.
    """

    kept: tuple[int, ...]
    alphabet: tuple[int, ...]
    pattern: str
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        falling = all(a > b for a, b in zip((len(self.alphabet), *self.kept), self.kept, strict=False))
        if not falling or min(self.kept, default=1) < 1:
            raise BadConfig("prefix lengths must fall from level to level and be shorter than the code")

    @property
    def level_names(self) -> tuple[str, ...]:
        return (*self.names, SUPPRESSED)

    @property
    def leaves(self) -> int:
        return prod(self.alphabet)

    def generalise(self, values: Sequence[str]) -> Generalised:
        """Codes cut to the characters kept; raises ``BadInput`` with the count of malformed codes."""
        shape = re.compile(self.pattern)
        refuse_outside(values, lambda value: bool(shape.fullmatch(value)), "distinct malformed codes")
        return by_steps(values, [self._step(kept) for kept in (len(self.alphabet), *self.kept)], self.leaves)

    def _step(self, kept: int) -> Step:
        covered = prod(self.alphabet[kept:])
        return lambda value: (value[:kept], covered if len(value) >= kept else 1)


@dataclass(frozen=True, slots=True)
class Bands:
    """Integers from ``bottom`` in bands of growing, nested width; everything from ``top`` is one leaf.

    What lies below ``bottom`` is refused, or one leaf more where ``bottom_group`` is true.
    """

    widths: tuple[int, ...]
    top: int
    bottom: int = 0
    bottom_group: bool = False

    def __post_init__(self) -> None:
        nested = all(b > a and b % a == 0 for a, b in zip((1, *self.widths), self.widths, strict=False))
        if not nested:
            raise BadConfig(
                "every band's width must be a multiple of the one before (a band may not be split)"
            )
        if self.bottom >= self.top:
            raise BadConfig("the bands' bottom must lie below their top")

    @property
    def level_names(self) -> tuple[str, ...]:
        return ("value", *(f"bands of {width}" for width in self.widths), SUPPRESSED)

    @property
    def leaves(self) -> int:
        return self.top - self.bottom + 1 + self.bottom_group

    def generalise(self, values: Sequence[str]) -> Generalised:
        """Closed bands such as ``[40, 44]``; raises ``BadInput`` for what is no integer from ``bottom``."""
        refuse_outside(
            values, self._belongs, "distinct values are no integers from the bands' bottom upwards"
        )
        return by_steps(values, [self._step(width) for width in (1, *self.widths)], self.leaves)

    def _belongs(self, value: str) -> bool:
        # Canonical integers only: 7 and 07 would be two values of one band.
        is_integer = bool(re.fullmatch(r"0|-?[1-9][0-9]{0,17}", value))
        return is_integer and (self.bottom_group or int(value) >= self.bottom)

    def _step(self, width: int) -> Step:
        def band(value: str) -> tuple[str, int]:
            number = int(value)
            if number >= self.top:
                return f"[{self.top}, {SUPPRESSED})", 1
            if number < self.bottom:
                return f"({SUPPRESSED}, {self.bottom - 1}]", 1
            if width == 1:
                return str(number), 1
            start = number // width * width
            low, high = max(start, self.bottom), min(start + width, self.top) - 1
            return f"[{low}, {high}]", high - low + 1

        return band


def suppression() -> Suppression:
    """A hierarchy of two levels: the value and ``*``."""
    return Suppression()


def bands(widths: Sequence[int], *, top: int, bottom: int = 0, bottom_group: bool = False) -> Bands:
    """Bands of integers, top-coded at ``top``; raises ``BadConfig`` where the widths do not nest."""
    return Bands(tuple(widths), top, bottom, bottom_group)


def prefix(kept: Sequence[int], *, length: int = 5) -> Prefix:
    """Digits by prefix: a label of d digits covers 10^(length - d) leaves."""
    names = tuple(f"{n} character{'s' if n > 1 else ''}" for n in (length, *kept))
    return Prefix(tuple(kept), (10,) * length, rf"[^\s]{{1,{length}}}", names)
