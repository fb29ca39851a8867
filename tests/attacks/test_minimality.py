"""Minimality and downcoding: what an attacker learns who runs the program on every possible input.

The levels are the best ones for the input, so a release tells that no finer ones would have done (Wong, Fu,
Wang and Pei, VLDB 2007; Cohen, USENIX Security 2022). This cannot be hidden from whoever runs the search
himself; nothing in `release/` may make it easier. All worlds of five people are enumerated.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, pairwise, product
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from anonymizer.counting.counts import count
from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity, TCloseness
from anonymizer.errors import CriteriaNotMet
from anonymizer.hierarchies.hierarchy import bands
from anonymizer.search.search import search
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.transformation import transform
from tests.runs import anon, files

Rows = tuple[tuple[str, str], ...]
"""Each person's age, which an attacker may know, and diagnosis."""
DIVERSE: tuple[Criterion, ...] = (KAnonymity(2), DistinctLDiversity("s", 2))
CLOSE: tuple[Criterion, ...] = (KAnonymity(2), TCloseness("s", "equal", Fraction(2, 5)))
TWO_OF_FIVE = Fraction(2, 5)


class Answer(NamedTuple):
    """What a run decides and, but for the release itself, keeps inside."""

    level: int
    released: Rows
    score: float
    nodes_checked: int
    suppressed: int


@cache
def answer(
    rows: Rows, criteria: tuple[Criterion, ...], limit: Fraction, fixed: int | None = None
) -> Answer | None:
    """What a run makes of this input, rows in any order; ``None`` where it is refused.

    Ages become pairs, then ``*``; the level may be ``fixed`` beforehand.
    """
    bounds = {} if fixed is None else {"min_level": fixed, "max_level": fixed}
    age = Column("age", Role.QUASI_IDENTIFIER, bands([2], top=4), **bounds)  # type: ignore[arg-type]
    frame = pl.DataFrame(rows, schema={"age": pl.String, "s": pl.String}, orient="row")
    table = Table(frame, (age, Column("s", Role.SENSITIVE, sensitive=True)), None)
    counts = count(table, criteria)
    try:
        found = search(counts, criteria, limit)
    except CriteriaNotMet:
        return None
    released = tuple(transform(table, counts, found, criteria).frame.rows())
    level = found.transformation["age"]
    return Answer(level, released, round(found.score, 9), found.nodes_checked, found.suppressed)


def worlds(people: int, values: str) -> list[Rows]:
    """Every input of so many people, but for the order of its rows."""
    cells = [(age, value) for age in "0123" for value in values]
    return list(combinations_with_replacement(cells, people))


# what leaves the house ----------------------------------------------------------------------------

CONFIG = """\
name: demo
reference_date: 2026-11-22
input: {table: {path: people.csv}}
subject: row
columns:
  age: {role: quasi-identifier, hierarchy: {bands: [2], top: 4}}
  s: {role: sensitive, accept_dependency: true}
privacy: {k_anonymity: 2, suppression_limit: 0.4, t_closeness: [{column: s, distance: equal, t: 0.4}]}
output: {directory: out, formats: [csv, parquet]}
"""


def published(folder: Path, rows: Rows) -> dict[str, bytes]:
    """Every byte of the release of this input."""
    folder.mkdir()
    with (folder / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("age", "s"), *rows])
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    result = anon("run", folder / "config.yaml", "--quiet")
    assert result.code == 0, result.err
    return files(folder / "out/demo/release")


def alike(most: int) -> Iterator[tuple[Rows, Rows]]:
    """Inputs with the same release that differ in all that stays inside: score, nodes or suppressed rows."""
    groups: defaultdict[tuple[int, Rows], list[tuple[Answer, Rows]]] = defaultdict(list)
    for rows in (*worlds(4, "xy"), *worlds(5, "xy")):
        if found := answer(rows, CLOSE, TWO_OF_FIVE):
            groups[found.level, found.released].append((found, rows))
    pairs = [
        (one, other)
        for group in groups.values()
        for (first, one), (second, other) in pairwise(group)
        if first[2:] != second[2:]
    ]
    assert len(pairs) > most
    yield from pairs[:: len(pairs) // most][:most]


def test_two_inputs_with_the_same_release_give_the_same_bytes(tmp_path: Path) -> None:
    """So whoever has `release/` knows no more than whoever has the released rows and the config."""
    for number, (one, other) in enumerate(alike(most=6)):
        first = published(tmp_path / f"{number}-one", one)
        assert first == published(tmp_path / f"{number}-other", other)
        assert set(first) == {
            *("data/table.csv", "data/table.parquet"),
            *("datapackage.json", "manifest.json", "release_report.html"),
        }


def keys(tree: object) -> set[str]:
    """Every key of a JSON document, at any depth."""
    if isinstance(tree, dict):
        return {*tree, *(key for inner in tree.values() for key in keys(inner))}
    return {key for inner in tree for key in keys(inner)} if isinstance(tree, list) else set()


def test_the_manifest_has_no_place_for_what_failed(tmp_path: Path) -> None:
    papers = published(tmp_path / "one", worlds(5, "xy")[40])
    told = keys(json.loads(papers["manifest.json"])) | keys(json.loads(papers["datapackage.json"]))
    searched = {"nodes_checked", "lattice_size", "score", "bound", "optimal", "trace", "metric", "seconds"}
    limited = {"max_nodes", "time_limit_s", "strategy", "require_optimal", "classes"}
    counted = {"rows_in", "suppressed_rows", "reached", "before"}
    assert not told & (searched | limited | counted)
    assert answer(worlds(5, "xy")[40], CLOSE, TWO_OF_FIVE) is not None


# what stays possible ------------------------------------------------------------------------------


class Belief(NamedTuple):
    """The largest share of the possible worlds that agree about one person's diagnosis."""

    from_the_release: Fraction
    and_the_program: Fraction
    worlds: int
    possible: int


def beliefs(
    ages: Sequence[str], criteria: tuple[Criterion, ...], limit: Fraction, fixed: int | None = None
) -> list[Belief]:
    """What each release of people of these ages, all known to the attacker, lets the attacker believe.

    From the release alone every assignment of diagnoses counts that gives these rows at these levels; with
    the program only those for which it chooses these levels.
    """
    found = {}
    for values in product("xy", repeat=len(ages)):
        rows = tuple(sorted(zip(ages, values, strict=True)))
        found[values] = answer(rows, criteria, limit, fixed)
    chosen: defaultdict[tuple[int, Rows], list[tuple[str, ...]]] = defaultdict(list)
    for values, each in found.items():
        if each is not None:
            chosen[each.level, each.released].append(values)
    told = []
    for (level, released), minimal in chosen.items():
        possible = [values for values in found if as_released(ages, values, criteria, level) == released]
        assert set(minimal) <= set(possible)
        told.append(Belief(surest(possible), surest(minimal), len(minimal), len(possible)))
    return told


def as_released(
    ages: Sequence[str], values: Sequence[str], criteria: tuple[Criterion, ...], level: int
) -> Rows | None:
    """The rows that a level, fixed beforehand, would release of this input."""
    rows = tuple(sorted(zip(ages, values, strict=True)))
    found = answer(rows, criteria, Fraction(1), level)
    return None if found is None else found.released


def surest(possible: Sequence[Sequence[str]]) -> Fraction:
    """The largest share of worlds in which one person has one value."""
    return max(
        Fraction(sum(world[i] == value for world in possible), len(possible))
        for i in range(len(possible[0]))
        for value in "xy"
    )


def test_knowing_the_program_tells_more_than_the_release() -> None:
    """Three people aged 0, two aged 1, released as one class with three x: had nobody's age told the
    diagnosis, ages would have been released as they are. Stated in docs/privacy_promise.md.
    """
    told = max(beliefs("00011", DIVERSE, Fraction(0)), key=gain)
    assert told == (Fraction(3, 5), Fraction(3, 4), 4, 10)


def test_with_suppression_it_can_tell_everything() -> None:
    """Two may be suppressed. That this was not enough leaves one world of ten: x for one age, y for the
    other. Stated in docs/privacy_promise.md.
    """
    told = max(beliefs("00022", DIVERSE, TWO_OF_FIVE), key=gain)
    assert told == (Fraction(3, 5), Fraction(1), 1, 10)


def gain(belief: Belief) -> Fraction:
    return belief.and_the_program - belief.from_the_release


@pytest.mark.parametrize("criteria", [DIVERSE, CLOSE])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_levels_that_are_fixed_beforehand_leave_the_attack_nothing(
    criteria: tuple[Criterion, ...], level: int
) -> None:
    """`min_level` = `max_level`: the search has no choice, and the choice tells nothing."""
    for ages in ("00011", "00022", "01123"):
        for limit in (TWO_OF_FIVE, Fraction(1)):
            for belief in beliefs(ages, criteria, limit, level):
                assert belief.from_the_release == belief.and_the_program
                assert belief.worlds == belief.possible


def test_downcoding_rules_out_most_inputs_of_a_generalised_release() -> None:
    """Four people whose ages are released as one pair: 3 of one age and 1 of the other, since two and two, or
    four alike, would have been released as they are. Of 5 inputs 2 are left, of 35 under ``*`` 16.
    """
    criteria: tuple[Criterion, ...] = (KAnonymity(2),)
    possible: defaultdict[tuple[int, Rows], int] = defaultdict(int)
    chosen: defaultdict[tuple[int, Rows], int] = defaultdict(int)
    for rows in worlds(4, "x"):
        found = answer(rows, criteria, Fraction(0))
        if found is not None:
            chosen[found.level, found.released] += 1
        for level in range(3):
            at = answer(rows, criteria, Fraction(0), level)
            if at is not None:
                possible[level, at.released] += 1

    def left(level: int, *labels: str) -> tuple[int, int]:
        key = (level, tuple((label, "x") for label in labels))
        return chosen[key], possible[key]

    assert left(0, "0", "0", "1", "1") == (1, 1)
    assert left(1, "[0, 1]", "[0, 1]", "[0, 1]", "[0, 1]") == (2, 5)
    assert left(1, "[0, 1]", "[0, 1]", "[2, 3]", "[2, 3]") == (5, 9)
    assert left(2, "*", "*", "*", "*") == (16, 35)
