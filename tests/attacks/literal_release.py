"""A release of several tables made by hand: literal labels, and whoever breaks the promise loses events.

It shares nothing with the program. It exists to show that the promise itself, (k, k^m) over a person's events
of all tables, stops the attacker, and that the attacker finds what is wrong with a release not repaired.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import polars as pl

from tests.attacks.linked_attacker import (
    KEY,
    PATIENTS,
    Cells,
    Event,
    Person,
    Released,
    as_released,
    labelled,
)

Shown = dict[str, list[Event]]


def release(
    people: Sequence[tuple[Cells, tuple[Event, ...]]], levels: Mapping[str, Mapping[str, str]]
) -> Released:
    """Everybody, generalised and nothing else; the number of a person in ``people`` is the key."""
    empty = Released({}, {}, levels)
    about = {str(n): labelled(cells, levels[PATIENTS]) for n, (cells, _) in enumerate(people)}
    events = {
        str(n): tuple(as_released(empty, event) for event in told) for n, (_, told) in enumerate(people)
    }
    return Released(about, events, levels)


def targets(released: Released, people: Sequence[tuple[Cells, tuple[Event, ...]]]) -> list[Person]:
    keys = (str(n) if str(n) in released.people else None for n in range(len(people)))
    return [Person(about, events, key) for (about, events), key in zip(people, keys, strict=True)]


def repaired(released: Released, k: int, m: int) -> Released:
    """What is left when classes of fewer than ``k`` go, and rare events go from the others."""
    classes: dict[Cells, list[str]] = {}
    for key, cells in released.people.items():
        classes.setdefault(cells, []).append(key)
    kept = [keys for keys in classes.values() if len(keys) >= k]
    events: dict[str, tuple[Event, ...]] = {}
    for keys in kept:
        events |= _repaired_class({key: list(released.events[key]) for key in keys}, k, m)
    return Released({key: released.people[key] for key in events}, events, released.levels)


def _repaired_class(shown: Shown, k: int, m: int) -> dict[str, tuple[Event, ...]]:
    while broken := broken_sets(shown, k, m):
        rare = min(broken[0], key=lambda event: sum(event in events for events in shown.values()))
        left = broken[0].count(rare) - 1
        shown = {key: _at_most(events, rare, left) for key, events in shown.items()}
    return {key: tuple(events) for key, events in shown.items()}


def _at_most(events: Sequence[Event], rare: Event, left: int) -> list[Event]:
    return [event for event in events if event != rare] + [rare] * min(left, events.count(rare))


def broken_sets(shown: Mapping[str, Sequence[Event]], k: int, m: int) -> list[tuple[Event, ...]]:
    """The multisets of up to ``m`` events that somebody of a class has and fewer than ``k`` have."""
    counted = Counter(found for events in shown.values() for found in set(_multisets(events, m)))
    return sorted((found for found, count in counted.items() if count < k), key=lambda x: (len(x), repr(x)))


def _multisets(events: Sequence[Event], m: int) -> Iterator[tuple[Event, ...]]:
    ordered = sorted(events, key=repr)
    for size in range(1, m + 1):
        yield from combinations(ordered, size)


def write(folder: Path, released: Released) -> Path:
    """The release as files, with as much of a manifest as the attacker reads."""
    (folder / "data").mkdir(parents=True)
    for table, levels in released.levels.items():
        rows = _rows(released, table)
        frame = pl.DataFrame(rows, schema=dict.fromkeys((KEY, *levels), pl.String), orient="row")
        frame.write_parquet(folder / "data" / f"{table}.parquet")
    entries = [{"name": table, "columns": _columns(levels)} for table, levels in released.levels.items()]
    (folder / "manifest.json").write_text(json.dumps({"tables": entries}), encoding="utf-8")
    return folder


def _rows(released: Released, table: str) -> list[list[str | None]]:
    names = released.levels[table]
    if table == PATIENTS:
        told = [(key, dict(cells)) for key, cells in released.people.items()]
    else:
        both = ((key, event) for key, events in released.events.items() for event in events)
        told = [(key, dict(event.cells)) for key, event in both if event.table == table]
    return [[key, *(cells[name] for name in names)] for key, cells in told]


def _columns(levels: Mapping[str, str]) -> list[dict[str, object]]:
    quasi = {"role": "quasi-identifier", "released": True, "level": 0}
    key = {"name": KEY, "role": "key", "released": True, "level": None, "levels": []}
    return [key, *({"name": name, "levels": [level], **quasi} for name, level in levels.items())]
