"""Which form an export has, recognised by looking at it.

A source is a file, or a member of a zip archive; gzip and zstd are opened on the way. By its first bytes
it is lines of JSON (one resource or one Bundle each), one JSON document, a flattened table, empty, or
something else. An export is either FHIR or flattened: both at once would hold every patient twice.
"""

from __future__ import annotations

import csv
import os
import re
import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from anonymizer.errors import BadInput, InputMissing
from mii.streaming import BOM, Capped, Counted, Limits, Readable, decompressed, is_packed, is_zip

HEAD_BYTES = 1 << 16
VIEW_SUFFIX = "_viewdefinition.json"
_COMPRESSED = (".gz", ".zst", ".zstd")
_PARQUET = b"PAR1"
_UNREADABLE = ("id", "Patient_id")
_OBJECT: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_COLUMN = re.compile(r"[A-Z][A-Za-z]+_\w+")


class Kind(Enum):
    """What a source holds, by its first bytes."""

    LINES = "lines of JSON"
    DOCUMENT = "a JSON document"
    TABLE = "a flattened table"
    EMPTY = "nothing"
    OTHER = "something else"


@dataclass(frozen=True, slots=True)
class Source:
    """A file or archive member: ``name`` is its path in the export, ``open`` gives its bytes, unpacked.

    ``disk_bytes`` are the bytes it takes; ``is_plain`` says that they are what it holds.
    """

    name: str
    open: Callable[[], AbstractContextManager[Readable]]
    file: Path
    member: str | None
    disk_bytes: int
    is_plain: bool

    @property
    def stem(self) -> str:
        """The name without the endings for compression and form."""
        plain = self.plain_name
        return plain[: -len(suffix)] if (suffix := PurePosixPath(plain).suffix) else plain

    @property
    def plain_name(self) -> str:
        """The name without the ending for compression."""
        suffix = next((ending for ending in _COMPRESSED if self.name.endswith(ending)), "")
        return self.name.removesuffix(suffix)


def sources(path: Path, limits: Limits) -> list[Source]:
    """The sources of the export at ``path``, by name; hidden files are none.

    Raises ``InputMissing`` where the path does not exist or cannot be read, ``BadInput`` for a damaged
    archive.
    """
    if not path.exists():
        raise InputMissing("the export does not exist")
    files = _files(path) if path.is_dir() else [(path.name, path)]
    return sorted((s for name, file in files for s in _of_file(name, file, limits)), key=lambda s: s.name)


def kind(source: Source) -> Kind:
    """What ``source`` holds."""
    head = _head(source)
    if not head:
        return Kind.EMPTY
    if head.startswith(b"{"):
        line = head.split(b"\n", 1)[0].rstrip()
        if names_elements(_keys(line)):
            return Kind.TABLE
        complete = line.endswith(b"}") or b'"resourceType"' in line or len(line) == len(head)
        return Kind.LINES if complete else Kind.DOCUMENT
    return Kind.TABLE if _is_table(source, head) else Kind.OTHER


def layout(source: Source) -> Literal["csv", "json", "parquet"]:
    """How the rows of a table are written."""
    head = _head(source)
    return "json" if head.startswith(b"{") else "parquet" if head.startswith(_PARQUET) else "csv"


def first_keys(source: Source) -> list[str]:
    """The names in the first row of a table of JSON objects."""
    return _keys(_head(source).split(b"\n", 1)[0])


def names_elements(names: Collection[str]) -> bool:
    """Whether these are the column names of a flattened table, in any order."""
    others = {*names} - {"id", "patient"}
    return "id" in names and bool(others) and all(_COLUMN.fullmatch(name) for name in others)


def first_row(source: Source) -> tuple[list[str], str]:
    """The first row of a table and its delimiter, ``,`` or ``;``."""
    return _row(_head(source))


def is_header(row: list[str]) -> bool:
    """Whether a row holds the column names of a flattened table."""
    names = [name for name in row if name]
    return "id" in names[:1] and all(name in ("id", "patient") or _COLUMN.fullmatch(name) for name in names)


def _keys(line: bytes) -> list[str]:
    """The names in a JSON object that is no resource."""
    if b'"resourceType"' in line:
        return []
    try:
        return list(_OBJECT.decode(line))
    except (msgspec.DecodeError, RecursionError):
        return []


def _is_table(source: Source, head: bytes) -> bool:
    if head.startswith(_PARQUET):
        return names_elements(_parquet_columns(source))
    row, _ = _row(head)
    return is_header(row) or PurePosixPath(source.plain_name).suffix.lower() == ".csv"


def _parquet_columns(source: Source) -> Collection[str]:
    """The columns of a Parquet file. Of one that cannot be read here, names that let the reader refuse it."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        if source.member is not None or not source.is_plain:
            return _UNREADABLE
        return list(parquet.read_schema(source.file).names)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError):
        return _UNREADABLE


def _row(head: bytes) -> tuple[list[str], str]:
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    delimiter = ";" if line.count(";") > line.count(",") else ","
    return next(csv.reader([line], delimiter=delimiter), []), delimiter


def _head(source: Source) -> bytes:
    """The first bytes from the first that is not blank: an export may begin with any number of blanks."""
    with source.open() as stream:
        head = b""
        while len(head) < HEAD_BYTES and (chunk := stream.read(HEAD_BYTES)):
            head = head + chunk if head else chunk.removeprefix(BOM).lstrip()
    return head


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                file = Path(parent, name)
                yield file.relative_to(folder).as_posix(), file


def _of_file(name: str, file: Path, limits: Limits) -> Iterator[Source]:
    try:
        with file.open("rb") as stream:
            start = stream.read(4)
            size = os.fstat(stream.fileno()).st_size
    except OSError:
        raise InputMissing(f"{name} cannot be read") from None
    if not is_zip(start):
        yield Source(name, partial(opened, file, None, limits), file, None, size, not is_packed(start))
        return
    for member in _members(file):
        size = _archive(file).getinfo(member).compress_size
        yield Source(
            f"{name}/{member}", partial(opened, file, member, limits), file, member, size, is_plain=False
        )


@contextmanager
def opened(file: Path, member: str | None, limits: Limits) -> Iterator[Readable]:
    """The bytes of a file, or of a member of a zip archive, unpacked."""
    if member is None:
        with file.open("rb") as stream:
            yield decompressed(stream, limits)
        return
    archive = _archive(file)
    with closing(archive.open(member)) as stream:
        packed = Counted(stream)
        packed.given = archive.getinfo(member).compress_size
        yield decompressed(Capped(stream, packed, limits), limits)


def _archive(file: Path) -> zipfile.ZipFile:
    found = file.stat()
    return _known_archive(file, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1)
def _known_archive(file: Path, *_: int) -> zipfile.ZipFile:
    """The archive stays open: with a thousand members, reading their list for each would take minutes."""
    return zipfile.ZipFile(file)


def _members(file: Path) -> list[str]:
    try:
        members = [info for info in _archive(file).infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        raise BadInput("a zip archive is damaged") from None
    if any(info.flag_bits & 1 for info in members):
        raise BadInput("a zip archive is encrypted")
    names = [info.filename for info in members]
    if len(set(names)) < len(names):
        raise BadInput("a zip archive holds two members of one name")
    return [name for name in names if not PurePosixPath(name).name.startswith((".", "__MACOSX"))]
