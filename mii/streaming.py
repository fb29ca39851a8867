"""Bytes of an export in bounded memory: decompressed, capped, and cut into lines."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

import polars as pl

from anonymizer.errors import BadInput

CHUNK_BYTES = 1 << 20
LINE_BUFFER_BYTES = 256 << 10
BOM = b"\xef\xbb\xbf"
_DAMAGED = "compressed data are damaged or cut short"
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may grow to, so that a small file cannot fill memory or run for ever.

    ``record_bytes`` bounds one line or one Bundle file. Decompressed bytes may be as many as
    ``free_bytes``, and beyond that ``ratio`` times the compressed bytes read.
    """

    record_bytes: int = 256 << 20
    free_bytes: int = 1 << 30
    ratio: int = 200


class Readable(Protocol):
    """Anything that gives bytes."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""


class Counted:
    """A stream that counts the bytes it gave."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.given = 0

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes."""
        data = self._stream.read(size if size >= 0 else CHUNK_BYTES)
        self.given += len(data)
        return data


class Capped:
    """A decompressing stream that refuses to grow beyond what ``limits`` allow for its source."""

    def __init__(self, stream: Readable, source: Counted, limits: Limits) -> None:
        self._stream, self._source, self._limits = stream, source, limits
        self._given = 0

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes. Raises ``BadInput`` where they are damaged, cut short or too many."""
        try:
            data = self._stream.read(size)
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile):
            raise BadInput(_DAMAGED) from None
        except _library_errors():
            raise BadInput(_DAMAGED) from None
        self._given += len(data)
        allowed = max(self._limits.free_bytes, self._limits.ratio * self._source.given)
        if self._given > allowed:
            raise BadInput("compressed data grow beyond the limit", hint="unpack them and look at them first")
        return data


def decompressed(stream: Readable, limits: Limits) -> Readable:
    """``stream``, decompressed where it starts as gzip or zstd data; otherwise as it is."""
    start = stream.read(4)
    source = Counted(_Pushed(start, stream))
    if start.startswith(_GZIP):
        return Capped(_Gunzipped(source), source, limits)
    if start.startswith(_ZSTD):
        return Capped(_Unzstd(source), source, limits)
    return source


def is_zip(start: bytes) -> bool:
    """Whether a file that starts with ``start`` is a zip archive."""
    return start.startswith(_ZIP)


def is_packed(start: bytes) -> bool:
    """Whether a file that starts with ``start`` is gzip or zstd data."""
    return start.startswith((_GZIP, _ZSTD))


def lines(stream: Readable, limits: Limits) -> Iterable[bytes]:
    """The lines of ``stream`` with their ends, without a byte-order mark.

    Reading raises ``BadInput`` where a line is longer than ``limits.record_bytes``.
    """
    return io.BufferedReader(_Bounded(stream, limits.record_bytes), LINE_BUFFER_BYTES)


class _Bounded(io.RawIOBase):
    """``stream`` as a file to read lines from, refusing a line that would fill memory."""

    def __init__(self, stream: Readable, line_bytes: int) -> None:
        self._stream, self._line_bytes = _without_mark(stream), line_bytes
        self._waiting = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._waiting = len(data) if b"\n" in data else self._waiting + len(data)
        if self._waiting > self._line_bytes:
            raise BadInput("a line is longer than the limit")
        return len(data)


def _without_mark(stream: Readable) -> Readable:
    start = stream.read(len(BOM))
    return stream if start == BOM else _Pushed(start, stream)


def whole(stream: Readable, limits: Limits) -> bytes:
    """All bytes of ``stream``. Raises ``BadInput`` beyond ``limits.record_bytes``."""
    pieces: list[bytes] = []
    total = 0
    while chunk := stream.read(CHUNK_BYTES):
        total += len(chunk)
        if total > limits.record_bytes:
            raise BadInput("a file that is one document is longer than the limit")
        pieces.append(chunk)
    return b"".join(pieces).removeprefix(BOM)


def blocks(stream: Readable, limits: Limits, *, has_mark: bool = True) -> Iterator[bytes]:
    """The bytes of ``stream`` in blocks that end where a line ends, without the byte-order mark it may have.

    Only the last block may end without one. Reading raises ``BadInput`` where a line is longer than
    ``limits.record_bytes``.
    """
    stream = _without_mark(stream) if has_mark else stream
    waiting: list[bytes | memoryview] = []
    size = 0
    while data := stream.read(LINE_BUFFER_BYTES):
        end = data.rfind(b"\n") + 1
        if end:
            yield b"".join((*waiting, memoryview(data)[:end]))
            waiting, size = [], 0
        waiting.append(memoryview(data)[end:])
        size += len(data) - end
        if size > limits.record_bytes:
            raise BadInput("a line is longer than the limit")
    if size:
        yield b"".join(waiting)


@dataclass(slots=True)
class Ranged:
    """The next ``left`` bytes of ``stream``, all of which must be there."""

    stream: Readable
    left: int

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes. Raises ``BadInput`` where the stream ends too early."""
        data = self.stream.read(min(size, self.left))
        if not data and self.left:
            raise BadInput("the file became shorter while it was read")
        self.left -= len(data)
        return data


def is_utf8(data: bytes) -> bool:
    """Whether ``data`` are UTF-8: the JSON decoder does not look into what it skips."""
    if data.isascii():
        return True
    try:
        pl.Series([data]).cast(pl.String)
    except pl.exceptions.ComputeError:
        return False
    return True


@dataclass(slots=True)
class _Pushed:
    """A stream whose first bytes were read already."""

    start: bytes
    stream: Readable

    def read(self, size: int, /) -> bytes:
        if self.start:
            start, self.start = self.start[:size], self.start[size:]
            return start
        return self.stream.read(size)


class _Gunzipped:
    """The bytes of one gzip member after another, at most as many as asked for."""

    def __init__(self, source: Counted) -> None:
        self._source, self._member, self._waiting = source, _gzip_member(), b""

    def read(self, size: int, /) -> bytes:
        data = b""
        while not data:
            if self._member.eof:
                self._waiting = self._member.unused_data or self._source.read(CHUNK_BYTES)
                if not self._waiting.strip(b"\0"):
                    return b""
                self._member = _gzip_member()
            elif not self._waiting:
                self._waiting = self._source.read(CHUNK_BYTES)
                if not self._waiting:
                    raise EOFError
            data = self._member.decompress(self._waiting, size)
            self._waiting = self._member.unconsumed_tail
        return data


def _gzip_member() -> Any:
    from isal import isal_zlib

    return isal_zlib.decompressobj(wbits=31)


class _Unzstd:
    """The bytes of one zstd frame after another.

    Input goes in by the kilobyte: a block of a few bytes can mean 128 kB, and the library gives all that
    its input means. Its own stream reader takes a frame that is cut short for a complete one.
    """

    _STEP_BYTES = 1 << 10

    def __init__(self, source: Counted) -> None:
        self._source, self._frame = source, _zstd_frame()
        self._waiting, self._ready = memoryview(b""), bytearray()

    def read(self, size: int, /) -> bytes:
        while len(self._ready) < size and self._more():
            pass
        data = bytes(self._ready[:size])
        del self._ready[:size]
        return data

    def _more(self) -> bool:
        if not self._waiting:
            self._waiting = memoryview(self._source.read(CHUNK_BYTES))
        if not self._waiting:
            if not self._frame.eof:
                raise EOFError
            return False
        if self._frame.eof:
            self._frame = _zstd_frame()
        step, self._waiting = self._waiting[: self._STEP_BYTES], self._waiting[self._STEP_BYTES :]
        self._ready += self._frame.decompress(step)
        if self._frame.eof and (unused := self._frame.unused_data):
            self._waiting = memoryview(unused + self._waiting)
        return True


def _zstd_frame() -> Any:
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()


def _library_errors() -> tuple[type[Exception], ...]:
    from isal import isal_zlib
    from zstandard import ZstdError

    return cast("type[Exception]", isal_zlib.IsalError), ZstdError
