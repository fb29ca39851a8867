"""``manifest.json``: what a release is, what holds for it, and the SHA-256 of every other file.

It never holds anything of the input: no distribution, seed, hash of an input, score or suppressed count.
A published hash would confirm guesses about a small input.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final, Literal

import msgspec

from anonymizer.errors import VerificationFailed
from anonymizer.tables.table import Column
from anonymizer.transforming.timing import Relative, Shift
from release.deciding.private_release import guarantees
from release.describing.treatment import KEY, level_of, roles_of, span_of
from release.files.fhir import is_fhir
from release.verifying.promise import Promise
from release.verifying.recount import PERSON
from release.verifying.synthetic import VerifiedSynthetic
from release.verifying.verify import VerifiedRelease
from risk.facts import CriterionResult, Status

FILE = "manifest.json"
FORMAT: Final = "clinical-anon release"
INTEGRITY = (
    "Without a signature this manifest proves that no file was changed by accident. It does not prove who "
    "made it: whoever can change a file can change the manifest as well."
)
NOT_STATED: Final = "not stated"
_CHUNK = 1 << 20
_LIBRARIES = ("msgspec", "numba", "numpy", "polars")


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One released file."""

    sha256: str
    bytes: int


class CriterionEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One criterion: ``recounted`` by anybody from the release, or ``attested`` by the run."""

    name: str
    column: str | None
    parameters: dict[str, bool | int | float | str]
    status: Status


class ColumnEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column of the input: its role, its parameters, the level it is released at (None: none).

    The role ``key`` is that of a column which links tables, and is of no input. Where rows differ in their
    level, ``level`` is the lowest and ``highest_level`` the highest.
    """

    name: str
    role: str
    released: bool
    level: int | None
    levels: tuple[str, ...]
    min_level: int
    max_level: int | None
    weight: float
    clip: tuple[float | None, float | None] | None
    highest_level: int | None = None


_KEY = ColumnEntry(
    name=PERSON,
    role=KEY.role,
    released=True,
    level=None,
    levels=(),
    min_level=0,
    max_level=None,
    weight=1.0,
    clip=None,
)


class AveragedEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns whose numbers are means over groups of ``k`` people or more."""

    columns: tuple[str, ...]
    k: int


class ShiftEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Dates moved by a secret number of days, 1 to ``days`` either way, one for all dates of a person."""

    columns: tuple[str, ...]
    days: int
    keep_weekday: bool


class RelativeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Dates told as days since the person's first day in the column ``to``."""

    columns: tuple[str, ...]
    to: str


class SynthesisEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a synthetic table was made: by which method, and of which table.

    ``privacy`` holds ``epsilon`` and ``delta`` of a differentially private method, for tables that differ in
    the ``rows_per_person`` of one person; None for any other, about which nothing is proven.
    """

    method: str
    fit_on: Literal["anonymised", "original"]
    filtered: bool
    distilled: bool
    privacy: dict[str, int | float] | None = None


class TableEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table: what it is and what holds for it. Of a synthetic one no criterion does.

    ``linked_by`` is the column that names people in every table of a release of several. What holds then,
    holds for people, and stands in the entry of the table in which each row is one.
    """

    name: str
    kind: Literal["anonymised", "synthetic"]
    guarantee: str
    row_is_person: bool
    rows: int
    files: tuple[str, ...]
    suppression_limit: float | None
    suppressed: Literal["drop", "star"] | None
    criteria: tuple[CriterionEntry, ...]
    columns: tuple[ColumnEntry, ...]
    differential_privacy: dict[str, int | float] | None = None
    microaggregation: tuple[AveragedEntry, ...] = ()
    recoding: Literal["global", "local", "multidimensional", "cell-suppression"] = "global"
    date_shift: ShiftEntry | None = None
    relative_time: RelativeEntry | None = None
    linked_by: str | None = None
    synthesis: SynthesisEntry | None = None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of ``manifest.json``; the files ``fhir`` hold all its tables once more."""

    format: Literal["clinical-anon release"]
    format_version: Literal[1]
    name: str
    verified: Literal[True]
    reference_date: str
    consent: str
    integrity: str
    tables: tuple[TableEntry, ...]
    versions: dict[str, str]
    files: dict[str, FileEntry]
    reviewed: bool | Literal["not stated"] = NOT_STATED
    fhir: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaving:
    """The tables that leave the house: the ``anonymised`` one, and a synthetic one where there is one."""

    anonymised: bool = True
    synthetic: VerifiedSynthetic | None = None

    def digests(self, verified: VerifiedRelease) -> dict[str, str]:
        """The SHA-256 of every data file that leaves, by path below ``release/``."""
        own = verified.digests if self.anonymised else {}
        return {**own, **({} if self.synthetic is None else self.synthetic.digests)}


ANONYMISED = Leaving()
"""The anonymised table alone."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a release says about itself: its name, the consent it rests on, and the run's "today".

    ``reviewed``: whether a person has reviewed the columns' roles; ``None`` where the config does not say.
    """

    name: str
    consent: str
    reference_date: str
    reviewed: bool | None = None


def build(
    release: Path, verified: VerifiedRelease, statement: Statement, leaving: Leaving = ANONYMISED
) -> Manifest:
    """The manifest of everything that now lies in ``release``.

    Raises:
        VerificationFailed: a data file is no longer the one that was verified.
    """
    files = describe_files(release)
    for name, digest in leaving.digests(verified).items():
        if name not in files or files[name].sha256 != digest:
            raise VerificationFailed("a data file was changed after it was verified")
    return Manifest(
        format=FORMAT,
        format_version=1,
        name=statement.name,
        verified=True,
        reference_date=statement.reference_date,
        consent=statement.consent,
        integrity=INTEGRITY,
        tables=tuple(_tables(verified, leaving)),
        versions=_versions(),
        files=files,
        reviewed=NOT_STATED if statement.reviewed is None else statement.reviewed,
        fhir=tuple(name for name in sorted(leaving.digests(verified)) if is_fhir(name)),
    )


def encode(manifest: Manifest) -> bytes:
    """The manifest as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode(content: bytes) -> Manifest:
    """The manifest a file holds; raises ``VerificationFailed`` where it is none."""
    try:
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError:
        raise VerificationFailed("manifest.json is no manifest of this format") from None


def describe_files(release: Path) -> dict[str, FileEntry]:
    """Size and SHA-256 of every file below ``release`` but the manifest, by relative path, sorted.

    Raises:
        VerificationFailed: something there is no plain file (a link, a socket).
    """
    entries = {}
    for path in sorted(release.rglob("*")):
        relative = path.relative_to(release).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise VerificationFailed("the release folder holds something that is no plain file")
        if path.is_file() and relative != FILE:
            entries[relative] = _entry(path)
    return entries


def sha256(file: IO[bytes]) -> str:
    """The SHA-256 of what an open file still holds, as hexadecimal digits."""
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _entry(path: Path) -> FileEntry:
    with path.open("rb") as file:
        return FileEntry(sha256(file), path.stat().st_size)


def _tables(verified: VerifiedRelease, leaving: Leaving) -> Iterator[TableEntry]:
    if leaving.anonymised:
        yield _table(verified)
        yield from (_events(verified, name) for name in verified.events)
    if (synthetic := leaving.synthetic) is not None:
        promise = synthetic.promise
        yield _synthetic(synthetic, promise.name, promise.columns)
        for name, events in promise.events.items():
            yield _synthetic(synthetic, name, events.columns)


def _synthetic(verified: VerifiedSynthetic, name: str, columns: Sequence[Column]) -> TableEntry:
    promise = verified.promise
    is_linked = bool(promise.events)
    return TableEntry(
        name=name,
        kind="synthetic",
        guarantee=promise.guarantee,
        row_is_person=False,
        rows=verified.frames[name].height,
        files=tuple(sorted(f"data/{name}.{format_}" for format_ in promise.formats)),
        suppression_limit=None,
        suppressed=None,
        criteria=(),
        columns=(*((_KEY,) if is_linked else ()), *map(_drawn, columns)),
        linked_by=PERSON if is_linked else None,
        synthesis=SynthesisEntry(
            promise.recipe.method,
            promise.fit_on,
            promise.is_filtered,
            promise.is_distilled,
            promise.privacy_loss,
        ),
    )


def _drawn(column: Column) -> ColumnEntry:
    """A column of a synthetic table, whose values are of no one level."""
    return ColumnEntry(column.name, roles_of(column), True, None, (), 0, None, 1.0, None)


def _table(verified: VerifiedRelease) -> TableEntry:
    promise = verified.promise
    timing = promise.own_timing
    return TableEntry(
        name=promise.table_name,
        kind="anonymised",
        guarantee=_guarantee(guarantees(promise.private) or verified.criteria),
        row_is_person=verified.row_is_person,
        rows=verified.frame.height,
        files=_files(promise),
        suppression_limit=float(promise.suppression_limit),
        suppressed=promise.suppressed,
        criteria=tuple(_criterion(result) for result in verified.criteria),
        columns=_columns(promise, linked=bool(promise.events)),
        differential_privacy=promise.private.told if promise.private else None,
        microaggregation=tuple(AveragedEntry(g.demand.columns, g.demand.k) for g in promise.groupings),
        recoding="global" if promise.recoding is None else promise.recoding.kind,
        date_shift=_shift(timing.shift),
        relative_time=_relative(timing.relative),
        linked_by=PERSON if promise.events else None,
    )


def _events(verified: VerifiedRelease, name: str) -> TableEntry:
    """The entry of a table of events, for which nothing holds but for the people whose they are."""
    promise = verified.promise.of_events(name)
    return TableEntry(
        name=name,
        kind="anonymised",
        guarantee=f"none of its own: the criteria hold for people, in {verified.promise.table_name}",
        row_is_person=False,
        rows=verified.events[name].height,
        files=_files(promise),
        suppression_limit=float(promise.suppression_limit),
        suppressed=promise.suppressed,
        criteria=(),
        columns=_columns(promise, linked=True),
        date_shift=_shift(promise.timing.shift),
        relative_time=_relative(promise.timing.relative),
        linked_by=PERSON,
    )


def _files(promise: Promise) -> tuple[str, ...]:
    return tuple(sorted(f"data/{promise.table_name}.{format_}" for format_ in promise.formats))


def _columns(promise: Promise, *, linked: bool) -> tuple[ColumnEntry, ...]:
    """The entries of a table's columns; of several tables the key comes first."""
    return (*((_KEY,) if linked else ()), *(_column(column, promise) for column in promise.table))


def _shift(shift: Shift | None) -> ShiftEntry | None:
    return None if shift is None else ShiftEntry(shift.columns, shift.days, shift.keep_weekday)


def _relative(relative: Relative | None) -> RelativeEntry | None:
    return None if relative is None else RelativeEntry(relative.columns, relative.to)


def _guarantee(criteria: Sequence[CriterionResult]) -> str:
    return "; ".join(_in_words(criterion) for criterion in criteria) or "none: no criterion was asked for"


def _in_words(criterion: CriterionResult) -> str:
    numbers = ", ".join(f"{name} = {value}" for name, value in criterion.parameters.items())
    of = f" of {criterion.column}" if criterion.column else ""
    return f"{criterion.name}{of} ({numbers})"


def _criterion(result: CriterionResult) -> CriterionEntry:
    return CriterionEntry(result.name, result.column, dict(result.parameters), result.status)


def _column(column: Column, promise: Promise) -> ColumnEntry:
    is_released = column in promise.table.released
    span = span_of(column, promise)
    return ColumnEntry(
        name=column.name,
        role=roles_of(column),
        released=is_released,
        level=level_of(column, promise) if is_released else None,
        levels=column.hierarchy.level_names if column.hierarchy else (),
        min_level=column.min_level,
        max_level=column.max_level,
        weight=column.weight,
        clip=column.clip,
        highest_level=None if span is None else span[1],
    )


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in _LIBRARIES}
    return {"anon": version("clinical-anon"), "python": platform.python_version(), **libraries}
