"""An export cut into parts that can be read one without the other, and how a part is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from anonymizer.errors import BadInput
from mii import fhir
from mii.extracting import Extraction
from mii.forms import Source, opened
from mii.streaming import CHUNK_BYTES, Limits, Ranged, Readable, blocks, is_utf8, whole


class Part(Struct, frozen=True):
    """A file, an archive's member, or ``length`` bytes of a plain file from ``start``, where a line starts.

    ``name`` is what it is called in the export.
    """

    name: str
    file: str
    member: str | None
    is_document: bool
    disk_bytes: int
    start: int = 0
    length: int | None = None


Share = tuple[Part, ...]
"""Parts that are read together: a part of a large file, or many small files."""


def shares(lines: Iterable[Source], documents: Iterable[Source], size: int) -> Iterator[Share]:
    """All parts of some sources in their order, in shares of about ``size`` bytes.

    They do not depend on how many processes read them.
    """
    waiting: list[Part] = []
    taken = 0
    for part in _parts(lines, documents, size):
        waiting.append(part)
        taken += part.disk_bytes
        if taken >= size:
            yield tuple(waiting)
            waiting, taken = [], 0
    if waiting:
        yield tuple(waiting)


def _parts(lines: Iterable[Source], documents: Iterable[Source], size: int) -> Iterator[Part]:
    for source in lines:
        if source.is_plain and source.disk_bytes > size:
            yield from _cut(source, size)
        else:
            yield _all_of(source, is_document=False)
    for source in documents:
        yield _all_of(source, is_document=True)


def _all_of(source: Source, *, is_document: bool) -> Part:
    return Part(source.name, str(source.file), source.member, is_document, source.disk_bytes)


def _cut(source: Source, size: int) -> Iterator[Part]:
    start, end = 0, source.disk_bytes
    with source.file.open("rb") as stream:
        while start < end:
            stream.seek(min(start + size, end) - 1)
            stop = stream.tell()
            while chunk := stream.readline(CHUNK_BYTES):
                stop += len(chunk)
                if chunk.endswith(b"\n"):
                    break
            stop = min(stop, end)
            yield Part(source.name, str(source.file), None, False, stop - start, start, stop - start)
            start = stop


_BLANK = b" \t\r\v\f"


class PartReader:
    """Takes what parts hold into an extraction."""

    def __init__(self, decoder: fhir.Decoder, extraction: Extraction, limits: Limits) -> None:
        self._decoder, self._extraction, self._limits = decoder, extraction, limits
        self._number = 0

    def read(self, part: Part) -> None:
        """Reads ``part``. Raises ``BadInput`` where it breaks a rule, naming the file and the line."""
        try:
            if part.is_document:
                self._document(part)
            else:
                self._lines(part)
        except OSError:
            raise BadInput(f"{part.name}: it cannot be read") from None

    def _lines(self, part: Part) -> None:
        self._number = 0
        try:
            with _opened(part, self._limits) as stream:
                for block in blocks(stream, self._limits, has_mark=not part.start):
                    self._block(block, is_text=is_utf8(block))
                    self._extraction.ease()
        except BadInput as error:
            line = _lines_before(part) + max(self._number, 1)
            raise _at(error, f"{part.name}, line {line}") from None

    def _block(self, block: bytes, *, is_text: bool) -> None:
        """A line is looked at where it lies: a copy of each costs as much as a third of decoding it."""
        decode, adders = self._decoder.decode, self._extraction.adders
        view, start, end = memoryview(block), 0, len(block)
        while start < end:
            self._number += 1
            stop = block.find(b"\n", start)
            line, start = view[start : stop if stop >= 0 else end], stop + 1 if stop >= 0 else end
            if not line or (line[0] in _BLANK and line.tobytes().isspace()):
                continue
            if not (is_text or is_utf8(line.tobytes())):
                raise BadInput("the text is not UTF-8")
            found = decode(line)
            adders[type(found)](found)

    def _document(self, part: Part) -> None:
        """A manifest or a query that lies in the folder is no FHIR; it is counted and not read."""
        try:
            with _opened(part, self._limits) as stream:
                document = whole(stream, self._limits)
            if not is_utf8(document):
                raise BadInput("the text is not UTF-8")
            if not self._decoder.is_fhir(document):
                self._extraction.ignore()
                return
            found = self._decoder.decode(document)
        except BadInput as error:
            raise _at(error, part.name) from None
        self._extraction.adders[type(found)](found)
        self._extraction.ease()


@contextmanager
def _opened(part: Part, limits: Limits) -> Iterator[Readable]:
    if part.length is None:
        with opened(Path(part.file), part.member, limits) as stream:
            yield stream
        return
    with Path(part.file).open("rb") as plain:
        plain.seek(part.start)
        yield Ranged(plain, part.length)


def _lines_before(part: Part) -> int:
    """The lines of the file before ``part``; counted only where one of them must be named."""
    count, left = 0, part.start
    with Path(part.file).open("rb") as plain:
        while left and (data := plain.read(min(left, CHUNK_BYTES))):
            count += data.count(b"\n")
            left -= len(data)
    return count


def _at(error: BadInput, place: str) -> BadInput:
    """``error`` with the file it was met in; file names are the operator's, not a patient's."""
    return BadInput(f"{place}: {error.rule}", column=error.column, count=error.count, hint=error.hint)
