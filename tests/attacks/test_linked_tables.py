"""Releases of several tables, made by the command, and the attacker of `linked_attacker.py`.

Small worlds are attacked by enumeration: every target, every part of every choice of up to m of the target's
events. Nobody is found with a probability above 1/k.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, permutations
from pathlib import Path
from random import Random

import polars as pl
import pytest

from tests.attacks.linked_attacker import (
    KEY,
    PATIENTS,
    Cells,
    Event,
    Person,
    Released,
    as_released,
    attack,
    everything,
    labelled,
    read,
)
from tests.attacks.linked_worlds import CODES, Life, World, draw_world, known_part, write_world
from tests.runs import anon

UNMET = 10
SEEDS = range(24)


def released_world(folder: Path, world: World, formats: str = "[parquet]") -> Path | None:
    """The folder `release/` of a world; none where the criteria cannot be met."""
    path = write_world(folder, world)
    path.write_text(path.read_text(encoding="utf-8").replace("[parquet]", formats), encoding="utf-8")
    result = anon("run", path, "--quiet")
    assert result.code in {0, UNMET}, result.err
    return folder / "out/world/release" if result.code == 0 else None


def keys_of(release: Path) -> dict[str, str]:
    """Whose row is whose: tag → key. The tags are for the tests; the attacker does not know them."""
    return dict(pl.read_parquet(release / "data/patients.parquet").select("plz", KEY).iter_rows())


def targets(world: World, keys: Mapping[str, str]) -> list[Person]:
    """Everybody of the world as the attacker may know them."""
    return [
        Person(about(life), tuple(known_part(world, event) for event in life.events), keys.get(life.tag))
        for life in world.lives
    ]


def about(life: Life) -> Cells:
    return (("gender", life.gender), ("age_years", None if life.age is None else str(life.age)))


# the promise --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_of_a_small_world_is_found(tmp_path: Path, seed: int) -> None:
    world = draw_world(Random(seed))
    release = released_world(tmp_path, world)
    if release is not None:
        keys, released = keys_of(release), read(release)
        found = attack(released, everything(targets(world, keys), world.m))
        assert found.chance <= Fraction(1, world.k)
        assert found.fewest is None or found.fewest >= world.k
        assert_linked(release)
        assert_true(world, released, keys)
        assert_measured(world, release, keys)


def assert_linked(release: Path) -> None:
    """One random key per person; no event of somebody who is not there."""
    files = {path.stem: pl.read_parquet(path) for path in sorted((release / "data").iterdir())}
    people = files[PATIENTS][KEY]
    assert all(re.fullmatch("[0-9a-f]{16}", key) for key in people)
    assert people.n_unique() == people.len()
    for frame in files.values():
        assert frame.columns[0] == KEY
        assert set(frame[KEY]) <= set(people)


def assert_true(world: World, released: Released, keys: Mapping[str, str]) -> None:
    """Everybody's row and events are the true ones at the stated levels, but for what the class lost.

    Of an event that a class lost, everybody shows as many as are left to the class, or all they have. A class
    that keeps the promise as it is loses none.
    """
    people = {keys[person.tag]: person for person in world.lives if person.tag in keys}
    assert set(people) == set(released.people)
    classes: dict[Cells, dict[str, list[Event]]] = {}
    for key, life in people.items():
        row = labelled(about(life), released.levels[PATIENTS])
        assert released.people[key] == row
        true = [as_released(released, known_part(world, event)) for event in life.events]
        classes.setdefault(row, {})[key] = true
    for had in classes.values():
        shown = {key: released.events[key] for key in had}
        assert_lost_alike(had, shown)
        if not asks_for_loss(had, world):
            assert all(Counter(had[key]) == Counter(shown[key]) for key in had)


def asks_for_loss(had: Mapping[str, list[Event]], world: World) -> bool:
    """Whether too few share up to m of somebody's events, "the second of this kind" being one of them."""
    counted = Counter(
        found
        for events in had.values()
        for size in range(1, world.m + 1)
        for found in combinations(sorted(numbered(events, world.m)), size)
    )
    return any(count < world.k for count in counted.values())


def numbered(events: list[Event], most: int) -> set[tuple[str, int]]:
    """The first, the second, … of each kind, up to ``most``."""
    seen = Counter(map(repr, events))
    return {(kind, number) for kind, count in seen.items() for number in range(1, min(count, most) + 1)}


def assert_lost_alike(true: Mapping[str, list[Event]], shown: Mapping[str, tuple[Event, ...]]) -> None:
    for event in {event for events in (*true.values(), *shown.values()) for event in events}:
        before = {key: events.count(event) for key, events in true.items()}
        after = {key: events.count(event) for key, events in shown.items()}
        left = max(after.values())
        assert after == before or after == {key: min(count, left) for key, count in before.items()}


def assert_measured(world: World, release: Path, keys: Mapping[str, str]) -> None:
    """Everybody's measurements are of that person: each value is unlike all others."""
    if "labs" in world.levels:
        own = {keys[life.tag]: set(life.values) for life in world.lives if life.tag in keys}
        for key, value in pl.read_parquet(release / "data/labs.parquet").select(KEY, "value").iter_rows():
            assert value in own[key]
            own[key].remove(value)


def test_the_worlds_hold_what_they_should() -> None:
    """People without events, with two alike, with something missing; all tables."""
    worlds = [draw_world(Random(seed)) for seed in SEEDS]
    lives = [life for world in worlds for life in world.lives]
    events = [event for life in lives for event in life.events]
    assert {world.k for world in worlds} == {2, 3, 4}
    assert {world.m for world in worlds} == {1, 2, 3}
    assert any(not life.events for life in lives)
    assert any(len(set(life.events)) < len(life.events) for life in lives)
    assert any(value is None for event in events for _, value in event.cells)
    assert {event.table for event in events} == set(CODES)


# what is not released -----------------------------------------------------------------------------


def test_no_two_runs_have_a_key_in_common(tmp_path: Path) -> None:
    """And the order of rows, which are sorted by the key, tells nothing of the order of the export."""
    world = draw_world(Random(5), people=(40, 40))
    first, second = (some(released_world(tmp_path / name, world)) for name in ("first", "second"))
    assert not set(keys_of(first).values()) & set(keys_of(second).values())
    assert len({tuple(keys_of(release)) for release in (first, second)}) == 2
    assert all(list(keys_of(release)) != sorted(keys_of(release)) for release in (first, second))


@pytest.mark.parametrize("seed", [2, 3, 10])
def test_what_a_class_lost_leaves_no_trace(tmp_path: Path, seed: int) -> None:
    """A world that never had those events has the same release but for the keys, papers and all."""
    world = draw_world(Random(seed))
    release = some(released_world(tmp_path / "lost", world, "[parquet, fhir]"))
    poorer = without_the_lost(world, release)
    assert count_events(poorer) < count_events(world)
    again = some(released_world(tmp_path / "never", poorer, "[parquet, fhir]"))
    assert by_tag(release) == by_tag(again)
    assert resources_by_tag(release) == resources_by_tag(again)
    for name in ("release_report.html", "datapackage.json"):
        assert (release / name).read_bytes() == (again / name).read_bytes()
    papers = [
        json.loads((folder / "manifest.json").read_text(encoding="utf-8")) for folder in (release, again)
    ]
    assert {**papers[0], "files": 0} == {**papers[1], "files": 0}
    assert set(papers[0]["files"]) == set(papers[1]["files"])


def without_the_lost(world: World, release: Path) -> World:
    """The world in which everybody has only those events that the release shows of them."""
    released, keys = read(release), keys_of(release)
    values = values_of(release)
    lives = []
    for life in world.lives:
        key = keys.get(life.tag, "")
        left = Counter(released.events.get(key, ()))
        kept = []
        for event, value in zip(life.events, life.values, strict=True):
            label = as_released(released, known_part(world, event))
            shown = value in values[key] if event.table == "labs" else left[label] > 0
            left[label] -= 1
            kept += [(event, value)] if shown or not key else []
        events, measured = tuple(event for event, _ in kept), tuple(value for _, value in kept)
        lives.append(replace(life, events=events, values=measured))
    return replace(world, lives=tuple(lives))


def values_of(release: Path) -> Mapping[str, set[float]]:
    """The measurements shown of each key."""
    path, found = release / "data/labs.parquet", defaultdict[str, set[float]](set)
    if path.exists():
        for key, value in pl.read_parquet(path).select(KEY, "value").iter_rows():
            found[key].add(value)
    return found


def by_tag(release: Path) -> dict[str, Counter[tuple[object, ...]]]:
    """The rows of every table with the tags in the place of the keys."""
    tags = {key: tag for tag, key in keys_of(release).items()}
    return {
        path.stem: Counter((tags[key], *cells) for key, *cells in pl.read_parquet(path).iter_rows())
        for path in (release / "data").glob("*.parquet")
    }


def resources_by_tag(release: Path) -> Counter[str]:
    """The resources of the release with the tags in the place of the keys, all known; no two have one id."""
    lines = [
        line
        for path in sorted((release / "data/fhir").iterdir())
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    identities = [(told["resourceType"], told["id"]) for told in map(json.loads, lines)]
    assert len(set(identities)) == len(identities)
    tags = {key: tag for tag, key in keys_of(release).items()}
    return Counter(re.sub("[0-9a-f]{16}", lambda key: tags[key[0]], line) for line in lines)


def count_events(world: World) -> int:
    return sum(len(life.events) for life in world.lives)


# releases that are wrong --------------------------------------------------------------------------


def test_events_put_back_are_found(tmp_path: Path) -> None:
    """The attacker sees a class that lost nothing, though it had to."""
    world = draw_world(Random(2))
    release = some(released_world(tmp_path, world))
    released, keys = read(release), keys_of(release)
    people = targets(world, keys)
    true = {p.key: tuple(as_released(released, event) for event in p.events) for p in people if p.key}
    assert attack(replace(released, events=true), everything(people, world.m)).chance > Fraction(1, world.k)


def test_a_key_used_for_two_is_found(tmp_path: Path) -> None:
    """Somebody's events under the key of another: one fewer has them."""
    world = draw_world(Random(2))
    release = some(released_world(tmp_path, world))
    released, keys = read(release), keys_of(release)
    people = targets(world, keys)
    assert attack(released, everything(people, world.m)).fewest == world.k
    wrong = []
    for one, other in permutations(released.people, 2):
        both = {one: released.events[one] + released.events[other], other: ()}
        reused = replace(released, events={**released.events, **both})
        wrong.append(attack(reused, everything(people, world.m)).chance > Fraction(1, world.k))
    assert any(wrong)


def some(release: Path | None) -> Path:
    assert release is not None
    return release
