"""Somebody who has a release of several tables, knows some of a person's life, and looks for the person.

Everything is written from what a release states about itself: the data files, the roles and the names of the
levels in `manifest.json`. Nothing is shared with what made the release or checked it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, combinations, product
from pathlib import Path
from typing import NamedTuple

import polars as pl

Cells = tuple[tuple[str, str | None], ...]
"""Columns and what they hold: base values in the attacker's head, labels in a release."""
KEY, PATIENTS, STAR = "person", "patients", "*"
KEPT_CHARACTERS = {
    "month": 7,
    "year": 4,
    "4 characters": 5,
    "3 characters": 3,
    "5 digits": 7,
    "4 digits": 5,
    "3 digits": 4,
    "chemical subgroup": 5,
    "pharmacological subgroup": 4,
    "therapeutic subgroup": 3,
}
UNCHANGED = {"value", "code", "day", "substance"}
OLDEST = 90


class Event(NamedTuple):
    """One row of an event table: what somebody knows of it, or what a release shows of it."""

    table: str
    cells: Cells


@dataclass(frozen=True, slots=True)
class Released:
    """What the files of a release show: each key's row in `patients`, and its events."""

    people: Mapping[str, Cells]
    events: Mapping[str, tuple[Event, ...]]
    levels: Mapping[str, Mapping[str, str]]
    """Table → quasi-identifier → the published name of its level."""


@dataclass(frozen=True, slots=True)
class Person:
    """A target as the input knows it, and the key of the target's row (none where it was left out)."""

    about: Cells
    events: tuple[Event, ...]
    key: str | None


# the release --------------------------------------------------------------------------------------


def read(release: Path) -> Released:
    """What stands in the folder `release/`, read without any code of the program."""
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    levels = {entry["name"]: _levels(entry["columns"]) for entry in manifest["tables"]}
    frames = {name: pl.read_parquet(release / "data" / f"{name}.parquet") for name in levels}
    people = frames.pop(PATIENTS)
    shown: dict[str, list[Event]] = {key: [] for key in people[KEY]}
    for table, frame in frames.items():
        for key, *labels in frame.select(KEY, *levels[table]).iter_rows():
            shown[key].append(Event(table, _ordered(zip(levels[table], labels, strict=True))))
    rows = people.select(KEY, *levels[PATIENTS]).iter_rows()
    about = {key: _ordered(zip(levels[PATIENTS], labels, strict=True)) for key, *labels in rows}
    return Released(about, {key: tuple(events) for key, events in shown.items()}, levels)


def _ordered(cells: Iterable[tuple[str, str | None]]) -> Cells:
    return tuple(sorted(cells, key=lambda cell: cell[0]))


def _levels(columns: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """The name of the level of each quasi-identifier."""
    names = {}
    for column in columns:
        if column["role"] == "quasi-identifier" and column["released"]:
            steps, level = column["levels"], column["level"]
            assert isinstance(steps, list)
            assert isinstance(level, int)
            names[str(column["name"])] = str(steps[level])
    return names


# public knowledge ---------------------------------------------------------------------------------


def label(value: str | None, level: str) -> str | None:
    """What a base value looks like at a level of this name."""
    if level == STAR:
        return STAR
    if value is None or level in UNCHANGED:
        return value
    if level.startswith("bands of "):
        return _band(int(value), int(level.removeprefix("bands of ")))
    return value[: KEPT_CHARACTERS[level]]


def _band(age: int, width: int) -> str:
    first = age // width * width
    return f"[{OLDEST}, *)" if age >= OLDEST else f"[{first}, {min(first + width, OLDEST) - 1}]"


def labelled(cells: Cells, levels: Mapping[str, str]) -> Cells:
    """What cells look like at these levels."""
    return _ordered((column, label(value, levels[column])) for column, value in cells)


def as_released(released: Released, event: Event) -> Event:
    return Event(event.table, labelled(event.cells, released.levels[event.table]))


# what is known ------------------------------------------------------------------------------------


def views(cells: Cells) -> Iterator[Cells]:
    """The cells, and every part of them."""
    return chain.from_iterable(combinations(cells, size) for size in range(len(cells), -1, -1))


def knowledge(events: Sequence[Event], most: int) -> set[tuple[Event, ...]]:
    """Every way to know up to ``most`` of the events, each of them wholly or only some of its cells."""
    return {
        tuple(sorted(parts, key=repr))
        for count in range(most + 1)
        for chosen in combinations(events, count)
        for parts in product(*([Event(table, view) for view in views(cells)] for table, cells in chosen))
    }


# the attack ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Index:
    """A release as the attacker has sorted it: who shows what, and who looks like what; labels throughout."""

    released: Released
    showing: Mapping[Event, frozenset[str]]
    """Everybody who shows an event, by every part of an event that is shown."""
    looking: Mapping[Cells, frozenset[str]]


def index(released: Released) -> Index:
    """The release, sorted once for many attempts."""
    showing: defaultdict[Event, set[str]] = defaultdict(set)
    looking: defaultdict[Cells, set[str]] = defaultdict(set)
    for key, row in released.people.items():
        for part in views(row):
            looking[part].add(key)
        for table, cells in released.events[key]:
            for part in views(cells):
                showing[Event(table, part)].add(key)
    return Index(
        released,
        {event: frozenset(keys) for event, keys in showing.items()},
        {looks: frozenset(keys) for looks, keys in looking.items()},
    )


def suspects(found: Index, people: frozenset[str], known: Sequence[Event]) -> frozenset[str]:
    """Those of the people who show an event of their own for each known one."""
    possible = people.intersection(*(found.showing.get(event, frozenset()) for event in known))
    if len(known) < 2:
        return possible
    return frozenset(key for key in possible if shows(found.released.events[key], known))


def shows(shown: Sequence[Event], known: Sequence[Event]) -> bool:
    """Whether each known event finds a shown one that no other known event has taken."""
    if not known:
        return True
    (table, cells), *others = known
    return any(
        event.table == table
        and set(cells) <= set(event.cells)
        and shows([*shown[:place], *shown[place + 1 :]], others)
        for place, event in enumerate(shown)
    )


def guesses(found: Index, looks: Cells, known: Sequence[Event]) -> Iterator[frozenset[str]]:
    """The groups that the attacker may choose from, none of them empty.

    What nobody shows may have been left out of the release, so where all that is known finds nobody, each
    largest part that finds somebody is tried, down to everybody who looks like the target.
    """
    people = found.looking.get(looks, frozenset())
    for size in range(len(known), -1, -1):
        groups = {suspects(found, people, part) for part in combinations(known, size)} - {frozenset()}
        if groups:
            yield from groups
            return


class Attempt(NamedTuple):
    """A target, and what is known about the target: base values."""

    target: Person
    about: Cells
    known: tuple[Event, ...]


def everything(targets: Sequence[Person], most: int) -> Iterator[Attempt]:
    """Every target with everything that may be known of the target's row and of up to ``most`` events."""
    for target in targets:
        for about, known in product(views(target.about), knowledge(target.events, most)):
            yield Attempt(target, about, known)


class Finding(NamedTuple):
    """The best that an attacker reaches who may choose among attempts."""

    chance: Fraction
    """The probability that one of a group, drawn evenly, is the target."""
    fewest: int | None
    """The people of the smallest group found, the target in it or not; none where nobody is ever found."""
    tried: int


def attack(released: Released, attempts: Iterable[Attempt]) -> Finding:
    """The best of the attempts."""
    best, tried, sizes, sorted_ = Fraction(0), 0, set[int](), index(released)
    seen: dict[tuple[Cells, tuple[Event, ...]], list[frozenset[str]]] = {}
    for target, about, known in attempts:
        looks = labelled(about, released.levels[PATIENTS])
        labels = tuple(as_released(released, event) for event in known)
        if (looks, labels) not in seen:
            seen[looks, labels] = list(guesses(sorted_, looks, labels))
        groups = seen[looks, labels]
        tried += 1
        sizes |= {len(group) for group in groups}
        best = max([best, *(Fraction(target.key in group, len(group)) for group in groups)])
    return Finding(best, min(sizes, default=None), tried)
