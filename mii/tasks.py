"""What a process that reads parts of an export is told, and what it answers."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from anonymizer.errors import BadInput
from mii import fhir
from mii.batches import ENCODER, Batch, decoded
from mii.extracting import Extraction
from mii.parts import PartReader, Share
from mii.streaming import Limits

_IS_BATCH, _IS_REFUSAL = b"b", b"r"


class Task(Struct, frozen=True):
    """What is to be kept: the types to decode and the LOINC codes that some column asks for.

    ``key`` is that of the `mii.digests` of ids, the same for all processes of a run and no other's.
    """

    wanted: frozenset[str]
    loincs: frozenset[str]
    limits: Limits
    key: bytes


class Refusal(Struct):
    """A ``BadInput`` on its way to another process."""

    rule: str
    column: str | None
    count: int | None
    hint: str | None


_ENCODER = msgspec.msgpack.Encoder()
_TASK = msgspec.msgpack.Decoder(Task)
_SHARE = msgspec.msgpack.Decoder(Share)
_REFUSAL = msgspec.msgpack.Decoder(Refusal)


class ShareReader:
    """Reads one share after another."""

    def __init__(self, task: Task) -> None:
        decoder = fhir.Decoder(task.wanted)
        self._extraction = Extraction(decoder, task.loincs, task.key)
        self._reader = PartReader(decoder, self._extraction, task.limits)

    def read(self, share: Share) -> Batch:
        """What ``share`` holds. Raises ``BadInput`` where it breaks a rule."""
        for part in share:
            self._reader.read(part)
        return self._extraction.batch()


def packed(told: Task | Share) -> bytes:
    """A task or a share as bytes."""
    return _ENCODER.encode(told)


def reader_of(task: bytes) -> ShareReader:
    """The reader for a `packed` task."""
    return ShareReader(_TASK.decode(task))


def answer(reader: ShareReader, share: bytes) -> bytes:
    """What ``reader`` finds in a `packed` share, or why it refuses it, as bytes for `found`."""
    try:
        return _IS_BATCH + ENCODER.encode(reader.read(_SHARE.decode(share)))
    except BadInput as error:
        refusal = Refusal(error.rule, error.column, error.count, error.hint)
        return _IS_REFUSAL + _ENCODER.encode(refusal)


def found(answered: bytes | Batch | BadInput) -> Batch:
    """The batch that was answered. Raises the ``BadInput`` that was."""
    if isinstance(answered, BadInput):
        raise answered
    if isinstance(answered, Batch):
        return answered
    told = memoryview(answered)[1:]
    if answered.startswith(_IS_BATCH):
        return decoded(told)
    refusal = _REFUSAL.decode(told)
    raise BadInput(refusal.rule, column=refusal.column, count=refusal.count, hint=refusal.hint)
