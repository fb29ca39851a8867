"""The lattice search's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Improvement:
    """A better transformation, found after so many evaluated nodes."""

    nodes_checked: int
    score: float
    suppressed: int


@dataclass(frozen=True, slots=True)
class Solution:
    """A transformation and what it costs.

    ``transformation`` maps each quasi-identifier to its generalisation level. ``classes`` counts the kept
    equivalence classes, ``suppressed`` the rows in classes that break a criterion; ``score`` is ``metric``'s
    information loss and ``bound`` what no transformation of the lattice falls below. ``optimal`` is true only
    where none can score less. ``trace`` tells how the search got there; it stays in the house.
    """

    transformation: Mapping[str, int]
    metric: str
    score: float
    bound: float
    optimal: bool
    lattice_size: int
    nodes_checked: int
    classes: int
    suppressed: int
    seconds: float
    trace: tuple[Improvement, ...] = ()
