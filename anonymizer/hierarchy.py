"""Generalisation hierarchies: what a value becomes at each level, and how much of the domain it then covers.

A hierarchy never looks at the data to choose its levels or its domain: a cut made from data is data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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
    """Levels 0 (the value) to ``height`` (``*``), over a domain of ``leaves`` values."""

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
