"""What one part of an export holds, as it goes from the process that read it to the one that gathers it."""

from __future__ import annotations

import io
from typing import Any

import msgspec
import polars as pl
from msgspec import Struct, field

from mii.consent import ConsentRecord
from mii.facts import Table
from mii.records import Person, Stay, Substance

Versioned = tuple[str | None, ConsentRecord]
"""A Consent's last update and its record."""


class Batch(Struct):
    """What is kept of some resources, in the order in which they were read; duplicates are among them.

    ``telling`` and ``dating`` are the types that are kept as columns (see `mii.columns`), ``nameless`` those
    of them of which a resource has no id; ``ids`` has the `mii.digests` of each type that is not read.
    ``tables`` are the types of flattened tables; ``ignored`` counts documents that are no FHIR.
    """

    persons: list[tuple[str | None, Person]] = field(default_factory=list)
    stays: list[tuple[str | None, Stay]] = field(default_factory=list)
    substances: list[tuple[str | None, Substance]] = field(default_factory=list)
    consents: list[tuple[str | None, Versioned]] = field(default_factory=list)
    telling: Table | None = None
    dating: Table | None = None
    nameless: list[str] = field(default_factory=list)
    ids: dict[str, pl.DataFrame] = field(default_factory=dict)
    urns: dict[str, str] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    ignored: int = 0
    bundles: int = 0
    empty: int = 0
    unknown: int = 0


def _packed(frame: Any) -> bytes:
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer)
    return buffer.getvalue()


def _unpacked(_: type[Any], packed: Any) -> pl.DataFrame:
    return pl.read_ipc_stream(packed)


ENCODER = msgspec.msgpack.Encoder(enc_hook=_packed)
"""Writes a `Batch` as bytes."""

_DECODER = msgspec.msgpack.Decoder(Batch, dec_hook=_unpacked)


def decoded(packed: bytes | memoryview) -> Batch:
    """The `Batch` that `ENCODER` wrote."""
    return _DECODER.decode(packed)
