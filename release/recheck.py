"""``anon verify``: what anybody can check about a release folder, on any machine, without the input.

It proves integrity against accident, not forgery: there is no signature. A criterion is *recounted* on the
released rows where each row is a person and the values it counts are released, otherwise it stays *attested*
by the run; with ``internal=True`` those are counted from the evidence in ``internal/`` as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl

from anonymizer.criteria import Criterion
from anonymizer.errors import InputMissing, VerificationFailed
from release.describing import datapackage, manifest
from release.describing.manifest import ColumnEntry, Manifest, TableEntry
from release.files import fhir, tables
from release.files.fhir import is_fhir
from release.publish import EVIDENCE, REFERENCE
from release.recheck_guarantees import changed_dates, guarantees, is_as_proven
from release.recheck_linked import known_of_events, with_known
from release.verifying.criterion_entries import criterion_of
from release.verifying.recount import EVENTS, Classed, Verdict, base, classed, countable, key, keys_of
from release.verifying.rows import is_sorted
from release.verifying.verdicts import FIGURES, column_of, columns_repaired, rests_on, verdict

HowChecked = Literal["recounted", "attested", "recounted from internal/"]


@dataclass(frozen=True, slots=True)
class CriterionCheck:
    """A criterion and how it was checked; ``reached`` is None where it was not counted, or on no rows."""

    name: str
    column: str | None
    parameters: dict[str, bool | int | float | str]
    how: HowChecked
    reached: int | float | None

    def __str__(self) -> str:
        of = f" of {self.column}" if self.column else ""
        numbers = ", ".join(f"{name} = {value}" for name, value in self.parameters.items())
        reached = "" if self.reached is None else f", {FIGURES[self.name]} {_number(self.reached)}"
        return f"  {self.name}{of} ({numbers}): {self.how}{reached}"


@dataclass(frozen=True, slots=True)
class TableCheck:
    """One table that is what its manifest says."""

    name: str
    kind: str
    rows: int
    criteria: tuple[CriterionCheck, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.name} ({self.kind}): {self.rows:,} rows", *map(str, self.criteria)])


@dataclass(frozen=True, slots=True)
class RecheckResult:
    """A release folder that is intact: its files, tables and criteria."""

    name: str
    release: Path
    files: int
    tables: tuple[TableCheck, ...]
    integrity: str
    unreviewed: bool = False

    def __str__(self) -> str:
        intact = f"{self.name}: intact, {self.files:,} files checked"
        review = (
            ("No person has reviewed the columns' roles, nor who a row is about.",) if self.unreviewed else ()
        )
        return "\n".join([intact, *map(str, self.tables), *review, self.integrity])


def verify_release(path: Path, *, internal: bool = False) -> RecheckResult:
    """What was checked about the release at ``path`` (the release folder or its parent).

    Raises:
        InputMissing: there is no release, or no evidence for ``internal``.
        VerificationFailed: a file is missing, added or changed, or the data are not what the papers say.
    """
    release = find_release(path)
    try:
        return _verify(release, internal)
    except OSError:
        raise InputMissing("a file of the release cannot be read") from None


def find_release(path: Path) -> Path:
    """The folder that holds ``manifest.json``: ``path`` or its ``release/``; raises ``InputMissing``."""
    for folder in (path, path / "release"):
        if (folder / manifest.FILE).is_file():
            return folder
    raise InputMissing("there is no release here: no manifest.json")


def check_files(release: Path, declared: Manifest) -> None:
    """Raise ``VerificationFailed`` unless exactly the declared files are there, unchanged."""
    found = manifest.describe_files(release)
    missing, extra = declared.files.keys() - found.keys(), found.keys() - declared.files.keys()
    if missing:
        raise VerificationFailed("files of the manifest are missing", count=len(missing))
    if extra:
        raise VerificationFailed("the folder holds files that the manifest does not name", count=len(extra))
    changed = sum(found[name] != entry for name, entry in declared.files.items())
    if changed:
        raise VerificationFailed("files were changed: their SHA-256 or size is another", count=changed)


def _verify(release: Path, internal: bool) -> RecheckResult:
    declared = manifest.decode((release / manifest.FILE).read_bytes())
    check_files(release, declared)
    package = datapackage.decode(release / datapackage.FILE)
    paths = {resource.path for resource in package.resources}
    if paths != {name for name in declared.files if name.startswith("data/")}:
        raise VerificationFailed("datapackage.json does not describe exactly the data files")
    tabular = [name for table in declared.tables for name in table.files]
    if sorted(paths) != sorted([*tabular, *declared.fhir]) or not all(map(is_fhir, declared.fhir)):
        raise VerificationFailed("the manifest's tables do not hold exactly the data files, each once")
    if len({table.name for table in declared.tables}) < len(declared.tables):
        raise VerificationFailed("the manifest names a table twice")
    frames = {table.name: _table(release, table, package) for table in declared.tables}
    if declared.fhir:
        day = date.fromisoformat(declared.reference_date)
        fhir.require_same(release / "data" / fhir.FOLDER, frames, day)
    frames = with_known(declared.tables, frames, package)
    checks = tuple(_check(release, table, frames[table.name], internal) for table in declared.tables)
    unreviewed = declared.reviewed is False
    return RecheckResult(declared.name, release, len(declared.files), checks, declared.integrity, unreviewed)


def _table(release: Path, table: TableEntry, package: datapackage.Package) -> pl.DataFrame:
    """The table's rows, once they are in order."""
    frame = _frame(release, table, package)
    _check_columns(frame, table)
    if frame.height != table.rows:
        raise VerificationFailed("the table does not have the number of rows that the manifest says")
    if not is_sorted(frame):
        raise VerificationFailed("the released rows are not sorted")
    return frame


def _check(release: Path, table: TableEntry, frame: pl.DataFrame, internal: bool) -> TableCheck:
    """What holds for a table, whose rows may have the list of what is known of each person's events."""
    evidence = _evidence(release, frame, table) if internal else None
    criteria = tuple(_criterion(frame, table, position, evidence) for position in range(len(table.criteria)))
    stated = (
        CriterionCheck(each.name, each.column, each.parameters, each.status, None)
        for each in guarantees(frame, table)
    )
    return TableCheck(table.name, table.kind, frame.height, (*stated, *criteria))


def _frame(release: Path, table: TableEntry, package: datapackage.Package) -> pl.DataFrame:
    """The table's rows, the same in every format."""
    resources = [resource for resource in package.resources if resource.path in table.files]
    frames = [_read(release / resource.path, resource.schema) for resource in resources]
    if not frames or not all(frame.equals(frames[0]) for frame in frames):
        raise VerificationFailed("the formats do not hold the same rows")
    return frames[0]


def _read(path: Path, schema: datapackage.Schema) -> pl.DataFrame:
    return tables.read(path, {field.name: field.type for field in schema.fields})


def _check_columns(frame: pl.DataFrame, table: TableEntry) -> None:
    if frame.columns != [column.name for column in table.columns if column.released]:
        raise VerificationFailed("the released columns are not those of the manifest")
    if (table.kind == "synthetic") is not (table.synthesis is not None):
        raise VerificationFailed("the manifest does not say how a synthetic table was made")
    if not is_as_proven(table):
        raise VerificationFailed("a synthetic table is said to keep more than its method proves")
    for column in table.columns:
        if column.released and "identifier" in _roles(column):
            raise VerificationFailed("a direct identifier is released", column=column.name)
        if column.released and _is_quasi(column) and frame.schema[column.name] != pl.String:
            raise VerificationFailed("a quasi-identifier is not text", column=column.name)


def _criterion(
    frame: pl.DataFrame, table: TableEntry, position: int, evidence: Evidence | None
) -> CriterionCheck:
    entry = table.criteria[position]
    criterion = criterion_of(entry.name, entry.column, entry.parameters)
    if entry.status == "attested" and _is_open(criterion, table):
        raise VerificationFailed("a criterion that can be recounted is called attested", column=entry.column)
    how: HowChecked = entry.status
    found = None
    if how == "recounted":
        found = _recount(frame, table, criterion)
    elif evidence is not None:
        how, found = "recounted from internal/", evidence.verdict(criterion, position)
    if found is not None and not found.holds.all():
        raise VerificationFailed(
            f"an equivalence class breaks {entry.name}",
            column=entry.column,
            count=int((~found.holds).sum()),
        )
    reached = None if found is None else found.reached
    return CriterionCheck(entry.name, entry.column, entry.parameters, how, reached)


def _is_open(criterion: Criterion, table: TableEntry) -> bool:
    """Whether the release holds all that the criterion counts; then nobody's word is taken for it."""
    needed = rests_on(criterion)
    if not table.row_is_person or needed != "values":
        return table.row_is_person and needed in ("people", "cells")
    asked = (criterion_of(entry.name, entry.column, entry.parameters) for entry in table.criteria)
    averaged = {name for entry in table.microaggregation for name in entry.columns}
    changed = averaged | columns_repaired(asked) | changed_dates(table)
    unchanged = [
        column.name
        for column in table.columns
        if column.released and column.level is None and column.clip is None and column.name not in changed
    ]
    return column_of(criterion) in unchanged


def _recount(frame: pl.DataFrame, table: TableEntry, criterion: Criterion) -> Verdict:
    """What counting the released rows finds, each row taken as one person."""
    if not table.row_is_person:
        raise VerificationFailed("a criterion is called recounted where rows are not people")
    if rests_on(criterion) == "input":
        raise VerificationFailed("a criterion is called recounted that needs more than the release")
    column = column_of(criterion)
    if column is not None and column not in frame.columns:
        raise VerificationFailed("a criterion counts a column that is not released")
    values = {} if column is None else {0: frame[column]}
    if (known := _known(table)) is not None:
        values[1], known = frame[EVENTS], (1, known[1])
    rows = countable(_quasi(frame, table.columns), pl.int_range(frame.height, eager=True), values)
    return verdict(classed(rows), criterion, 0, known=known)


def _known(table: TableEntry) -> tuple[int, int] | None:
    return None if table.linked_by is None else known_of_events(table.criteria)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What attested criteria rest on: the released rows' classes, and where the rest of it lies.

    ``known`` is the position of what may be known of events, and how many, where tables are linked.
    """

    rows: Classed
    folder: Path
    table: str
    known: tuple[int, int] | None

    def verdict(self, criterion: Criterion, position: int) -> Verdict:
        """What counting the evidence finds."""
        if column_of(criterion) is not None and base(position) not in self.rows.rows.columns:
            raise VerificationFailed("the evidence in internal/ lacks a column")
        reference = None
        if rests_on(criterion) == "input":
            name = REFERENCE.format(table=self.table, position=position)
            reference = _read_evidence(self.folder / f"{name}.parquet")
        if self.known is not None and base(self.known[0]) not in self.rows.rows.columns:
            raise VerificationFailed("the evidence in internal/ lacks a column")
        return verdict(self.rows, criterion, position, reference, known=self.known)


def _read_evidence(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise InputMissing("internal/ holds no evidence of the attested criteria")
    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError:
        raise VerificationFailed("the evidence in internal/ cannot be read") from None


def _evidence(release: Path, frame: pl.DataFrame, table: TableEntry) -> Evidence | None:
    """What the attested criteria rest on; it must be about the rows that were released."""
    if all(criterion.status == "recounted" for criterion in table.criteria):
        return None
    folder = release.parent / "internal"
    rows = _read_evidence(folder / f"{EVIDENCE.format(table=table.name)}.parquet")
    keys = [cells.alias(key(i)) for i, cells in enumerate(_quasi(frame, table.columns))]
    ours = pl.DataFrame(keys or [pl.repeat("*", frame.height, eager=True).alias(key(0))])
    names = ours.columns
    if keys_of(rows) != names or not rows.select(names).sort(names).equals(ours.sort(names)):
        raise VerificationFailed("the evidence in internal/ is not about the released rows")
    return Evidence(classed(rows), folder, table.name, _known(table))


def _quasi(frame: pl.DataFrame, columns: Sequence[ColumnEntry]) -> list[pl.Series]:
    return [frame[column.name] for column in columns if column.released and _is_quasi(column)]


def _number(reached: int | float) -> str:
    return f"{reached:,}" if isinstance(reached, int) else f"{reached:.4g}"


def _roles(column: ColumnEntry) -> list[str]:
    return column.role.split(", ")


def _is_quasi(column: ColumnEntry) -> bool:
    return "quasi-identifier" in _roles(column)
