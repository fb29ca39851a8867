"""Risk from an attacker who knows some of a person's events beside the quasi-identifiers, counted exactly.

In a release of several linked tables this attacker knows up to m kinds of events that a person had (a kind
is a table and its quasi-identifiers) and that each happened up to m times, so any m events at least: the
attacker of (k, k^m)-anonymity (Poulis, Loukides, Gkoulalas-Divanis and Skiadopoulos, ECML PKDD 2013). Every
person is taken to be sought by whoever knows what tells most about that person: no other choice gives more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from risk.figures import Figure
from risk.reidentification.class_sizes import ClassSizes, IntArray, risks

WITHOUT_EVENTS = "_without_events"
"""What the name of a figure ends with whose attacker knows the quasi-identifiers alone."""

_JOURNALIST = "; no population given, so equal to the prosecutor's"
_METHODS: Mapping[str, str] = {
    "prosecutor_max": "1 / {fewest}",
    "prosecutor_average": "mean over people of 1 / {fewest}",
    "prosecutor_lowest": "1 / the most people that remain for anybody who is known by the class and {events}",
    "unique_records": "share of people who alone have their class and some {events}",
    "journalist_max": "1 / {fewest}" + _JOURNALIST,
    "journalist_average": "mean over people of 1 / {fewest}" + _JOURNALIST,
    "marketer": "expected share of people linked to the right person by the class and whatever tells most of "
    "{events}",
}


@dataclass(frozen=True, slots=True)
class KnownEvents:
    """What is known of a person's events, and how many people it leaves at least.

    ``fewest``, int64 of shape (released people,), holds for each person the fewest people of the same class
    (the person among them) who also had some up to ``m`` kinds of the person's events, each as often if that
    is at most ``m`` times; ``k`` is what was asked of it. ``people`` and ``rows`` count the people by that.

    Raises:
        ValueError: somebody matches nobody, or less is known than one event.
    """

    k: int
    m: int
    fewest: IntArray
    people: IntArray = field(init=False)
    rows: IntArray = field(init=False)

    def __post_init__(self) -> None:
        fewest = np.sort(np.array(self.fewest, dtype=np.int64))
        if self.m < 1 or np.any(fewest < 1):
            raise ValueError("everybody matches at least one person, and at least one event is known")
        people, rows = np.unique(fewest, return_counts=True)
        for name, counts in (("fewest", fewest), ("people", people), ("rows", rows.astype(np.int64))):
            counts.setflags(write=False)
            object.__setattr__(self, name, counts)

    @property
    def records(self) -> int:
        return len(self.fewest)


class Knowledge(NamedTuple):
    """What is known of people's events ``before``, in the input, and ``after``, in the release.

    For the input ``fewest`` is counted by one kind of events at a time: no less than what ``m`` kinds leave.
    """

    before: KnownEvents
    after: KnownEvents


def with_events(known: KnownEvents, sizes: ClassSizes) -> dict[str, Figure]:
    """Return every risk of a release by its name for the attacker who knows events too, and by the name with
    ``WITHOUT_EVENTS`` for the one who knows the quasi-identifiers alone.

    Raises:
        ValueError: the people are not those of the classes.
    """
    if known.records != sizes.records or known.records != int(sizes.people.sum()):
        raise ValueError("the people whose events are known must be those of the classes, one row each")
    found = {
        name: replace(figure, method=_method(name, known.m)) if figure.n else figure
        for name, figure in risks(known).items()
    }
    return {**found, **without_events(sizes)}


def without_events(sizes: ClassSizes) -> dict[str, Figure]:
    """Return every risk from the quasi-identifiers alone, named and described as that."""
    return {
        f"{name}{WITHOUT_EVENTS}": replace(figure, method=f"{figure.method}; quasi-identifiers alone")
        for name, figure in risks(sizes).items()
    }


def at_least(before: KnownEvents) -> dict[str, Figure]:
    """Return every risk of the input, of whose events no more than one kind at a time was counted.

    Knowing more never makes more people match, so that the risk from several kinds is no less; where it is 1,
    or one event is all that is known, it is that.
    """
    return {name: _at_least(figure, before.m) for name, figure in risks(before).items()}


def _at_least(figure: Figure, m: int) -> Figure:
    if not figure.n:
        return figure
    if figure.value == 1.0 or m == 1:
        return replace(figure, method=f"{figure.method}; the class and one kind of their events being known")
    told = "at least what the class and one kind of their events give; several together are not counted"
    return replace(figure, value=None, high=None, method=told)


def _method(name: str, m: int) -> str:
    events = "one event of theirs" if m == 1 else f"up to {m} kinds of their events (each up to {m} times)"
    level = name.rpartition("_")[2]
    told = _METHODS.get(name, f"share of people with a risk above {level}: 1 / {{fewest}}")
    fewest = f"the fewest people who share somebody's class and {events}"
    return f"exact: {told.format(fewest=fewest, events=events)}"
