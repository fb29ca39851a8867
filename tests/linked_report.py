"""A small release of linked tables as its reports are told of it, counted by hand and by enumeration."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import polars as pl

from risk import (
    Assessment,
    ClassSizes,
    CriterionResult,
    EventAccount,
    Knowledge,
    KnownEvents,
    LinkedTable,
    ReleasedColumn,
    ReleaseFacts,
    RunContext,
    assess,
)

Event = Hashable

#  person  sex  diagnoses        labs       fewest who match up to two kinds of events, and by which
#  a       F    I50 I50 E11      crp        1  I50 and E11: a alone
#  b       F    I50 I50                     2  I50 twice: a, b
#  c       F    I50              crp        2  I50 and crp: a, c
#  d       F    E11                         2  E11: a, d
#  e       M    J44                         2  J44: e, f
#  f       M    J44              crp        1  crp: f alone
#  g       M                                3  nothing: e, f, g
PEOPLE = pl.DataFrame(
    {
        "person": list("abcdefg"),
        "sex": ["F"] * 4 + ["M"] * 3,
        "cause": ["I50", None, None, "E11", None, None, None],
    }
)
DIAGNOSES = pl.DataFrame(
    {
        "person": list("aaabbcdef"),
        "icd10gm": ["I50", "I50", "E11", "I50", "I50", "I50", "E11", "J44", "J44"],
    }
)
LABS = pl.DataFrame({"person": list("acf"), "loinc": ["crp"] * 3, "value": [1.5, 81.0, 4.25]})
FEWEST = (1, 2, 2, 2, 2, 1, 3)
BEFORE = (2, 2, 2, 2, 2, 1, 3, 2, 2)
"""The fewest who match one kind of events; the input held two people more, who had no events."""

COLUMNS = (
    ReleasedColumn("sex", "quasi-identifier", "string", 0, 1, "value", "not generalised"),
    ReleasedColumn("cause", "insensitive", "string", None, None, None, "unchanged"),
)
TABLES = (
    LinkedTable(
        "diagnoses",
        DIAGNOSES,
        (ReleasedColumn("icd10gm", "quasi-identifier", "string", 2, 5, "category", "generalised"),),
    ),
    LinkedTable(
        "labs",
        LABS,
        (
            ReleasedColumn("loinc", "quasi-identifier", "string", 0, 1, "value", "not generalised"),
            ReleasedColumn("value", "sensitive", "number", None, None, None, "clipped to 0 … 300"),
        ),
    ),
)
CRITERIA = (
    CriterionResult("k-anonymity", None, {"k": 3}, 3, "recounted"),
    CriterionResult("(k, k^m)-anonymity", "events", {"k": 1, "m": 2, "repair": True}, 1, "recounted"),
)


def known(m: int = 2, numbers: Sequence[int] = FEWEST) -> KnownEvents:
    """What is known of the small release's events."""
    return KnownEvents(1, m, np.array(numbers, dtype=np.int64))


def knowledge(m: int = 2, before: Sequence[int] = BEFORE, after: Sequence[int] = FEWEST) -> Knowledge:
    """What is known of the events of the input's and of the released people."""
    return Knowledge(known(m, before), known(m, after))


def linked_facts() -> ReleaseFacts:
    """What the release report is told of the small release."""
    return ReleaseFacts(
        *("linked", PEOPLE, COLUMNS, CRITERIA, True, "Every consent was checked.", "2026-11-22"),
        tables=TABLES,
        known=known(),
    )


def linked_assessment() -> Assessment:
    """The risk of the small release, whose input held two people more."""
    before, after = (ClassSizes(np.array(sizes), np.array(sizes)) for sizes in ([4, 3, 2], [4, 3]))
    return assess(before, after, suppressed=2, rows_in=9, known=knowledge())


def linked_context() -> RunContext:
    """What the internal report says besides of the small release."""
    return RunContext(
        "linked",
        {"rows_in": 9},
        thresholds={"anonymised.prosecutor_max": 1.0, "anonymised.prosecutor_max_without_events": 0.2},
        criteria=CRITERIA,
        events=(
            EventAccount("diagnoses", rows_in=1234, rows_out=9, removed=25, people_in=8, people_out=6),
            EventAccount("labs", rows_in=6, rows_out=3, removed=0, people_in=5, people_out=3),
        ),
    )


def fewest(
    classes: Mapping[str, Hashable],
    events: Mapping[str, Sequence[Event]],
    m: int,
    kinds: int | None = None,
) -> dict[str, int]:
    """By person the fewest people of the class who had some up to ``kinds`` (or ``m``) kinds of that person's
    events, each as often, up to ``m`` times; all that may be known is compared with everybody.
    """
    members: defaultdict[Hashable, list[str]] = defaultdict(list)
    for person, label in classes.items():
        members[label].append(person)
    had = {person: Counter(events.get(person, ())) for person in classes}
    return {
        person: min(
            sum(all(had[other][kind] >= times for kind, times in seen) for other in members[label])
            for seen in _known(had[person], m, m if kinds is None else kinds)
        )
        for person, label in classes.items()
    }


def _known(had: Counter[Event], m: int, kinds: int) -> Iterator[tuple[tuple[Event, int], ...]]:
    facts = [(kind, times) for kind, count in had.items() for times in range(1, min(count, m) + 1)]
    for size in range(kinds + 1):
        yield from combinations(facts, size)
