"""A small release of three linked tables, made by plain Python loops, for the tests of the verifier.

Patients in crowded classes and two alone in theirs have diagnoses and laboratory values, some of them rare.
Nothing of the product's transformation is used: classes, codes, what is rare and what remains are worked out
here.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl

from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity, KMAnonymity
from anonymizer.hierarchies.hierarchy import bands, prefix, suppression
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.timing import Relative, Timing
from release import gate
from release.describing.manifest import Statement
from release.files import tables
from release.files.lock import hold_lock
from release.files.staging import Staging
from release.publish import publish
from release.verifying.promise import Promise
from release.verifying.verify import VerifiedRelease, verify

CANARY = "Zacharias-Canary-4711"
RARE = "C50.9"
PATIENT = Column("patient_id", Role.IDENTIFIER)
PATIENTS = (
    PATIENT,
    Column("sex", Role.QUASI_IDENTIFIER, suppression()),
    Column("age", Role.QUASI_IDENTIFIER, bands([20], top=90)),
    Column("stage", Role.SENSITIVE, sensitive=True),
    Column("admitted", Role.IDENTIFIER),
)
COLUMNS = {
    "diagnoses": (
        PATIENT,
        Column("icd", Role.QUASI_IDENTIFIER, prefix([3, 1]), min_level=1, max_level=1),
        Column("note", Role.INSENSITIVE),
    ),
    "labs": (
        PATIENT,
        Column("loinc", Role.QUASI_IDENTIFIER, suppression(), min_level=0, max_level=0),
        Column("value", Role.SENSITIVE, sensitive=True, clip=(0.0, 300.0)),
        Column("seen", Role.INSENSITIVE),
    ),
}
LEVELS = {"sex": 0, "age": 1}
KNOWN = KMAnonymity("events", 3, 2, repair=True)
CRITERIA: tuple[Criterion, ...] = (KAnonymity(3), KNOWN)
TIMING = Timing(relative=Relative(("labs.seen",), "admitted"))
STATEMENT = Statement("small-ward", "not applicable: an invented export", "2026-11-22")
Row = dict[str, Any]
Event = tuple[str, tuple[str | None, ...], Row]
"""The table, the released quasi-identifiers, and the whole released row."""
Token = tuple[str, tuple[str | None, ...], int]
Frames = dict[str, pl.DataFrame]
Change = Callable[[Frames], Frames]
Keys = Callable[[Sequence[str]], Sequence[str]]


def world(people: int = 60, seed: int = 4) -> tuple[Table, dict[str, Table]]:
    """The patients, in the order of their ids, and their events in a mixed order."""
    drawn = random.Random(seed)
    patients, events = [], {name: [] for name in COLUMNS}
    for i in range(people + 2):
        name, alone = f"P{i:03}", i >= people
        age = "93" if alone else str(41 + 9 * (i % 3))
        stage = (None, "I", "II", "III")[drawn.randrange(4)]
        patients.append((name, "fm"[i // 2 % 2], age, stage, f"2024-01-{1 + i % 28:02}"))
        codes = [drawn.choice(["I21.0", "I21.4", "I50.1", None]) for _ in range(drawn.randrange(5))]
        codes += [RARE] * (i % 19 == 3) + ["I21.0"] * (i % 17 == 5)
        events["diagnoses"] += [(name, code, CANARY if alone else drawn.choice("abc")) for code in codes]
        events["labs"] += [
            (name, drawn.choice(["1988-5", "718-7"]), drawn.choice([None, 2.5, 17.0, 411.5]), _day(drawn))
            for _ in range(drawn.randrange(4))
        ]
    found = {name: _table(drawn.sample(rows, len(rows)), COLUMNS[name]) for name, rows in events.items()}
    return _table(patients, PATIENTS), found


def _day(drawn: random.Random) -> str | None:
    return drawn.choice([None, "2024-02", f"2024-02-{drawn.randrange(1, 29):02}"])


def _table(rows: list[tuple[Any, ...]], columns: tuple[Column, ...]) -> Table:
    schema = {column.name: pl.Float64 if column.name == "value" else pl.String for column in columns}
    return Table(pl.DataFrame(rows, schema=schema, orient="row"), columns, "patient_id")


@dataclass(slots=True)
class Person:
    """A patient as released, with everything that is."""

    name: str
    row: Row
    quasi: tuple[str | None, ...]
    stage: str | None
    events: list[Event] = field(default_factory=list)

    def tokens(self, m: int) -> set[Token]:
        counts: defaultdict[tuple[str, tuple[str | None, ...]], int] = defaultdict(int)
        for name, labels, _ in self.events:
            counts[name, labels] += 1
        return {(*kind, i) for kind, often in counts.items() for i in range(1, min(often, m) + 1)}

    def lose(self, token: Token) -> None:
        """All events of a kind but the first, in the order of their digests."""
        name, labels, place = token
        alike = sorted((e for e in self.events if e[:2] == (name, labels)), key=lambda e: _digest(e[2]))
        self.events = [e for e in self.events if e[:2] != (name, labels)] + alike[: place - 1]


def random_keys(names: Sequence[str]) -> list[str]:
    """A random key for each patient, the same ones every time."""
    drawn = random.Random(2026)
    return [f"{drawn.getrandbits(64):016x}" for _ in names]


def released(
    patients: Table,
    events: Mapping[str, Table],
    criteria: tuple[Criterion, ...] = CRITERIA,
    keys: Keys = random_keys,
) -> tuple[Frames, pl.DataFrame]:
    """The released tables, and what was removed from which class; ``keys`` are told the ids in order."""
    classes = _classes(patients, events)
    k = max(c.k for c in criteria if isinstance(c, KAnonymity))
    kept = {quasi: members for quasi, members in classes.items() if len(members) >= k}
    removed = [
        (*quasi, json.dumps([token[0], *token[1], token[2]], ensure_ascii=False, separators=(",", ":")))
        for quasi, members in kept.items()
        for token in _repaired(members, criteria)
    ]
    schema = {"q0": pl.String, "q1": pl.String, "code": pl.String}
    people = sorted((p for members in kept.values() for p in members), key=lambda person: person.name)
    shown = dict(zip([p.name for p in people], keys([p.name for p in people]), strict=True))
    record = pl.DataFrame(sorted(removed, key=str), schema=schema, orient="row")
    return _frames(people, shown, {"patients": patients, **events}), record


def _classes(patients: Table, events: Mapping[str, Table]) -> dict[tuple[str | None, ...], list[Person]]:
    people: dict[str, Person] = {}
    admitted = {}
    for row in patients.frame.iter_rows(named=True):
        quasi = tuple(_label(c, row[c.name], LEVELS[c.name]) for c in patients.quasi_identifiers)
        shown = dict(zip(LEVELS, quasi, strict=True)) | {"stage": row["stage"]}
        people[row["patient_id"]] = Person(row["patient_id"], shown, quasi, row["stage"])
        admitted[row["patient_id"]] = row["admitted"]
    for name, table in events.items():
        for row in table.frame.iter_rows(named=True):
            person = people[row["patient_id"]]
            shown = {c.name: _cell(c, row[c.name], admitted[row["patient_id"]]) for c in table.released}
            labels = tuple(shown[c.name] for c in table.quasi_identifiers)
            person.events.append((name, labels, shown))
    classes: defaultdict[tuple[str | None, ...], list[Person]] = defaultdict(list)
    for person in people.values():
        classes[person.quasi].append(person)
    return dict(classes)


def _label(column: Column, value: str | None, level: int) -> str | None:
    assert column.hierarchy is not None
    return None if value is None else column.hierarchy.generalise([value]).labels[level][0]


def _cell(column: Column, value: Any, admitted: str) -> Any:
    if column.role is Role.QUASI_IDENTIFIER:
        return _label(column, value, column.min_level)
    if column.clip is not None:
        return None if value is None else min(value, 300.0)
    if column.name == "seen":
        is_day = value is not None and len(value) == 10
        return (date.fromisoformat(value) - date.fromisoformat(admitted)).days if is_day else None
    return value


def _repaired(members: list[Person], criteria: tuple[Criterion, ...]) -> Iterator[Token]:
    """What leaves a class: of a combination that too few people share the rarest, as long as there is one."""
    while (rare := _too_rare(members, criteria)) is not None:
        support = {token: sum(token in p.tokens(KNOWN.m) for p in members) for token in rare}
        token = min(rare, key=lambda each: (support[each], str(each)))
        for person in members:
            person.lose(token)
        yield token


def _too_rare(members: list[Person], criteria: tuple[Criterion, ...]) -> tuple[Token, ...] | None:
    known = next(c for c in criteria if isinstance(c, KMAnonymity))
    least = max((c.l for c in criteria if isinstance(c, DistinctLDiversity)), default=0)
    for combined, holders in sorted(holders_of(members, known.m).items(), key=str):
        if len(holders) < known.k or len({p.stage for p in holders} - {None}) < least:
            return combined
    return None


def holders_of(members: list[Person], m: int) -> dict[tuple[Token, ...], list[Person]]:
    """Who has which up to ``m`` codes, of all that anybody has."""
    found: defaultdict[tuple[Token, ...], list[Person]] = defaultdict(list)
    for person in members:
        tokens = sorted(person.tokens(m), key=str)
        for size in range(1, m + 1):
            for combined in combinations(tokens, size):
                found[combined].append(person)
    return found


def _frames(people: list[Person], keys: Mapping[str, str], all_tables: Mapping[str, Table]) -> Frames:
    rows: dict[str, list[Row]] = {name: [] for name in all_tables}
    for person in people:
        key = {"person": keys[person.name]}
        rows["patients"].append(key | person.row)
        for name, _, shown in person.events:
            rows[name].append(key | shown)
    return {
        name: pl.DataFrame(rows[name], schema=_schema(table)).sort(pl.all())
        for name, table in all_tables.items()
    }


def _schema(table: Table) -> dict[str, Any]:
    types = {c.name: table.frame.schema[c.name] for c in table.released}
    return {"person": pl.String, **types} | ({"seen": pl.Int64} if "seen" in types else {})


def _digest(row: Row) -> str:
    cells = json.dumps(list(row.values()), ensure_ascii=False, separators=(",", ":"), default=str)
    return sha256(cells.encode()).hexdigest()


def promise(removed: pl.DataFrame, criteria: tuple[Criterion, ...] = CRITERIA, **other: Any) -> Promise:
    """What is promised of the small world: at most a tenth of the patients suppressed, both formats."""
    patients, events = world(**other)
    return Promise(
        table=patients,
        table_name="patients",
        formats=("parquet", "csv"),
        transformation=LEVELS,
        criteria=criteria,
        suppression_limit=0.1,
        removed_codes={"events": removed},
        timing=TIMING,
        events=events,
    )


@dataclass(frozen=True, slots=True)
class Staged:
    """A staging directory in use, and what was written there."""

    staging: Staging
    promise: Promise
    frames: Frames

    def verify(self) -> VerifiedRelease:
        return verify(self.staging, self.promise)


@contextmanager
def staged(
    output: Path,
    criteria: tuple[Criterion, ...] = CRITERIA,
    *,
    change: Change = lambda frames: frames,
    keys: Keys = random_keys,
) -> Iterator[Staged]:
    """The small world's release, written but not verified."""
    frames, removed = released(*world(), criteria, keys)
    changed = change(frames)
    with hold_lock(output) as lock, Staging(lock, "small-ward") as staging:
        for name, frame in changed.items():
            tables.write(frame, staging.data, name, ["parquet", "csv"])
        yield Staged(staging, promise(removed, criteria), changed)


def published(output: Path, criteria: tuple[Criterion, ...] = CRITERIA) -> Path:
    """The folder of the small world's published release."""
    with staged(output, criteria) as stage:
        return publish(stage.verify(), gate.check({}, {}), STATEMENT)


def in_order(frames: Frames) -> Frames:
    """Every table sorted as a release's are, so that order is not what gives a change away."""
    return {name: frame.sort(pl.all()) for name, frame in frames.items()}
