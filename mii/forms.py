"""Which form an export has, recognised by looking at it.

A source is a file, or a member of a zip archive; gzip and zstd are opened on the way. By its first bytes
it is lines of JSON (one resource or one Bundle each), one JSON document, a flattened table, empty, or
something else. An export is either FHIR or flattened: both at once would hold every patient twice.

What is something else is left out and counted, unless it may hold resources all the same: a run that passes
over a withdrawal of consent would release what must not be released, so it is refused.
"""

from __future__ import annotations

import csv
import os
import re
import stat
import struct
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
_ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz", *_COMPRESSED)
NO_TABLE = (".json", ".ndjson", ".jsonl", ".xml", ".ttl", ".avro", *_ARCHIVES)
"""Endings of files that may hold resources and are never a plain table."""
_ABOUT_A_FILE = (
    *(".md5", ".sha1", ".sha256", ".sha384", ".sha512", ".crc", ".asc", ".sig"),
    *(".log", ".err", ".txt", ".md", ".html", ".pdf"),
)
"""What stands behind the ending of a file that is told about: ``export.ndjson.sha256``."""
_COLUMNAR = (_PARQUET, b"Obj\x01")
_MARKUP = (b"<", b"@prefix", b"@base", b"PREFIX")
_PACKED_OTHERWISE = (b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"Rar!")
_TAR, _TAR_PLACE = b"ustar", 257
_OFFICE = (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp")
"""Documents for people, although their bytes are those of a zip archive."""
_DAMAGED_ZIP = (zipfile.BadZipFile, struct.error, EOFError, OSError, RuntimeError, ValueError)
"""What the library says of an archive that is damaged or packed in a way it does not know."""
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
    archive, for a link to a folder and for what is no file.
    """
    if not path.exists():
        raise InputMissing("the export does not exist")
    files = _files(path) if path.is_dir() else [(path.name, path)]
    return sorted((s for name, file in files for s in _of_file(name, file, limits)), key=lambda s: s.name)


def recognised(path: Path, limits: Limits) -> dict[Kind, list[Source]]:
    """The sources of the export at ``path`` by what they hold.

    Raises as `sources` does, ``InputMissing`` where there is none, and ``BadInput`` where none is part of an
    export or one that is not understood may hold resources.
    """
    of_kind: dict[Kind, list[Source]] = {what: [] for what in Kind}
    for source in sources(path, limits):
        of_kind[kind(source)].append(source)
    count = sum(map(len, of_kind.values()))
    if not count:
        raise InputMissing("the export holds no file")
    _refuse_resources(of_kind[Kind.OTHER])
    if count == len(of_kind[Kind.OTHER]) + len(of_kind[Kind.EMPTY]):
        raise BadInput(f"no file was recognised as part of an export, of {count:,} looked at")
    return of_kind


def _refuse_resources(others: list[Source]) -> None:
    """Raise ``BadInput`` where a source that is not understood may hold resources."""
    if found := [source.name for source in others if may_hold_resources(source)]:
        more = f" (and {len(found) - 1:,} more)" if found[1:] else ""
        raise BadInput(
            f"{found[0]}{more}: it may be part of the export, and is in no form that is read",
            hint="write it as NDJSON in UTF-8 or unpack it; if it is not part of the export, take it out",
        )


def may_hold_resources(source: Source) -> bool:
    """Whether something else may yet hold resources, by its name and its first bytes."""
    name = source.plain_name.lower()
    if name.endswith(_OFFICE):
        return False
    head = _head(source)
    is_archive = is_zip(head) or is_packed(head) or head.startswith(_PACKED_OTHERWISE)
    is_markup = head.startswith(_MARKUP) and b"http://hl7.org/fhir" in head
    # Without the zeros that every second byte of UTF-16 is, and three of four of UTF-32.
    is_json = b"resourceType" in head.replace(b"\0", b"")
    is_tar = head.startswith(_TAR, _TAR_PLACE)
    is_called_so = not name.endswith(_ABOUT_A_FILE) and not {*PurePosixPath(name).suffixes}.isdisjoint(
        NO_TABLE
    )
    return is_archive or is_tar or is_markup or is_json or is_called_so or head.startswith(_COLUMNAR)


def kind(source: Source) -> Kind:
    """What ``source`` holds."""
    head = _head(source)
    if not head:
        return Kind.EMPTY
    if head.startswith(b"{"):
        line, _, more = head.partition(b"\n")
        line = line.rstrip()
        if names_elements(_keys(line)):
            return Kind.TABLE
        named = b'"resourceType"' in line
        if not named and not more.strip() and source.plain_name.lower().endswith(".json"):
            return Kind.DOCUMENT
        complete = named or line.endswith(b"}") or len(line) == len(head)
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
    """The first row of a table and its delimiter, ``,`` or ``;``. Raises ``BadInput`` where it is none."""
    try:
        return _row(_head(source))
    except csv.Error:
        raise BadInput("the first row is no valid CSV") from None


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
    if PurePosixPath(source.plain_name).suffix.lower() == ".csv":
        return True
    try:
        return is_header(_row(head)[0])
    except csv.Error:
        return False


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
    for parent, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        _refuse_links(Path(parent), folders)
        for name in names:
            if not name.startswith("."):
                file = Path(parent, name)
                yield file.relative_to(folder).as_posix(), file


def _unreadable(error: OSError) -> None:
    raise InputMissing("a folder of the export cannot be read") from None


def _refuse_links(parent: Path, folders: list[str]) -> None:
    """Raise ``BadInput`` for a link to a folder: it may lead in circles, or out of the export."""
    if links := [name for name in folders if (parent / name).is_symlink()]:
        raise BadInput(
            f"{links[0]}: a link to a folder is not followed", hint="put the folder itself in its place"
        )


def _of_file(name: str, file: Path, limits: Limits) -> Iterator[Source]:
    try:
        # Before it is opened: a pipe would wait for ever for somebody to write into it.
        if not stat.S_ISREG(file.stat().st_mode):
            raise BadInput(f"{name}: it is neither a file nor a folder")
        with file.open("rb") as stream:
            start = stream.read(4)
            size = os.fstat(stream.fileno()).st_size
    except OSError:
        raise InputMissing(f"{name} cannot be read") from None
    if not is_zip(start) or name.lower().endswith(_OFFICE):
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
    try:
        packed_stream = archive.open(member)
    except _DAMAGED_ZIP:
        raise BadInput("a member of a zip archive is damaged") from None
    with closing(packed_stream) as stream:
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
    except _DAMAGED_ZIP:
        raise BadInput("a zip archive is damaged") from None
    if any(info.flag_bits & 1 for info in members):
        raise BadInput("a zip archive is encrypted")
    names = [info.filename for info in members]
    if len(set(names)) < len(names):
        raise BadInput("a zip archive holds two members of one name")
    return [name for name in names if not PurePosixPath(name).name.startswith((".", "__MACOSX"))]
