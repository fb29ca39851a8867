"""A small ward's table and its release, made by plain Python loops, for the tests of the release back end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity
from anonymizer.hierarchies.hierarchy import bands, prefix, suppression
from anonymizer.tables.table import Column, Role, Table
from release import gate
from release.describing.manifest import Statement
from release.files import tables
from release.files.lock import hold_lock
from release.files.staging import Staging
from release.publish import publish
from release.verifying.promise import Promise
from release.verifying.verify import VerifiedRelease, verify

CANARY = "Zacharias-Canary-4711"
COLUMNS = (
    Column("patient_id", Role.IDENTIFIER),
    Column("sex", Role.QUASI_IDENTIFIER, suppression()),
    Column("age", Role.QUASI_IDENTIFIER, bands([5, 10, 20], top=90)),
    Column("plz", Role.QUASI_IDENTIFIER, prefix([3, 2, 1])),
    Column("diagnosis", Role.SENSITIVE, sensitive=True),
    Column("crp", Role.SENSITIVE, sensitive=True, clip=(0.0, 300.0)),
    Column("ward", Role.INSENSITIVE),
)
LEVELS = {"sex": 0, "age": 3, "plz": 2}
CRITERIA: tuple[Criterion, ...] = (KAnonymity(3), DistinctLDiversity("diagnosis", 2))
STATEMENT = Statement("small-ward", "not applicable: a plain table", "2026-11-22")
Levels = Mapping[str, int]


def ward(rows_per_person: int = 1) -> Table:
    """Sixty patients in crowded classes, two alone in theirs, some cells missing; rows in mixed order."""
    rows = [_patient(i) for i in range(60)] + [_loner(60, "31785"), _loner(61, "99999")]
    mixed = [rows[i * 17 % 62] for i in range(62)]
    frame = pl.DataFrame(mixed, schema=[column.name for column in COLUMNS], orient="row")
    if rows_per_person > 1:
        shared = [f"P{i // rows_per_person}" for i in range(frame.height)]
        frame = frame.with_columns(patient_id=pl.Series(shared))
    return Table(frame, COLUMNS, "patient_id")


def released(
    table: Table, levels: Levels = LEVELS, criteria: tuple[Criterion, ...] = CRITERIA
) -> pl.DataFrame:
    """The release of a ward with its suppressed rows dropped, cell by cell."""
    classes: defaultdict[tuple[object, ...], list[dict[str, object]]] = defaultdict(list)
    for row in table.frame.iter_rows(named=True):
        quasi = tuple(_label(column, row[column.name], levels) for column in table.quasi_identifiers)
        classes[quasi].append(row)
    kept = [
        (*quasi, row["diagnosis"], _clipped(row["crp"]), row["ward"])
        for quasi, members in classes.items()
        if all(_holds(criterion, members) for criterion in criteria)
        for row in members
    ]
    schema = {column.name: table.frame.schema[column.name] for column in table.released}
    return pl.DataFrame(kept, schema=schema, orient="row").sort(list(schema))


def promise(table: Table, criteria: tuple[Criterion, ...] = CRITERIA) -> Promise:
    """What the release of a ward promises: both formats, at most 10 % of the rows dropped."""
    return Promise(table, "ward", ("parquet", "csv"), LEVELS, criteria, 0.1)


@dataclass(frozen=True, slots=True)
class Staged:
    """A staging directory in use."""

    staging: Staging
    promise: Promise

    def verify(self) -> VerifiedRelease:
        """The verified release of what lies there now."""
        return verify(self.staging, self.promise)

    def rewrite(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Write every staged data file again, after a change to its rows."""
        for format_ in self.promise.formats:
            path = self.staging.data / f"{self.promise.table_name}.{format_}"
            frame = tables.read(path, tables.types(released(self.promise.table)))
            path.unlink()
            tables.write(change(frame), self.staging.data, self.promise.table_name, [format_])


@contextmanager
def staged(
    output: Path, promised: Promise, frame: pl.DataFrame | None = None, name: str = "small-ward"
) -> Iterator[Staged]:
    """A ward's release, written but not verified."""
    with hold_lock(output) as lock, Staging(lock, name) as staging:
        rows = released(promised.table, criteria=promised.criteria) if frame is None else frame
        tables.write(rows, staging.data, promised.table_name, promised.formats)
        yield Staged(staging, promised)


def published(output: Path, table: Table | None = None, name: str = "small-ward") -> Path:
    """The folder of a ward's published release."""
    with staged(output, promise(table or ward()), name=name) as stage:
        return publish(stage.verify(), gate.check({}, {}), STATEMENT)


def _patient(i: int) -> tuple[object, ...]:
    sex = None if i % 10 == 7 else "fm"[i % 2]
    age = str(41 + 7 * (i % 3))
    diagnosis = ("I21.0", "I50.1", None, "10-12")[i // 6 % 4]
    crp = None if i % 13 == 0 else i * 12.34
    return (f"P{i:03}", sex, age, f"371{i % 10:02}", diagnosis, crp, "=icu" if i % 5 else "")


def _loner(i: int, plz: str) -> tuple[object, ...]:
    return (f"P{i:03}", "f", "93", plz, "C50.9", 1.5, CANARY)


def _label(column: Column, value: str | None, levels: Levels) -> str | None:
    assert column.hierarchy is not None
    level = levels[column.name]
    if value is not None:
        return column.hierarchy.generalise([value]).labels[level][0]
    return "*" if level == len(column.hierarchy.level_names) - 1 else None


def _holds(criterion: Criterion, members: list[dict[str, object]]) -> bool:
    if isinstance(criterion, KAnonymity):
        return len({row["patient_id"] for row in members}) >= criterion.k
    return len({row[criterion.column] for row in members} - {None}) >= criterion.l


def _clipped(value: object) -> float | None:
    assert value is None or isinstance(value, float)
    return None if value is None else min(value, 300.0)
