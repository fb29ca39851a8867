"""Bundles whose resources are left as bytes, for documents that hold what FHIR R4 does not have."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct, field

from anonymizer.errors import BadInput


class RawRequest(Struct, gc=False):
    method: str | None = None


class RawEntry(Struct, gc=False):
    full_url: str | None = field(default=None, name="fullUrl")
    resource: msgspec.Raw = msgspec.Raw()
    request: RawRequest | None = None

    @property
    def method(self) -> str | None:
        """What the entry asks a server to do."""
        return None if self.request is None else self.request.method


class RawBundle(Struct, gc=False):
    type: str | None = field(default=None, name="resourceType")
    entry: list[RawEntry] | None = None


_Shape = TypeVar("_Shape")


def decoded(decoder: msgspec.json.Decoder[_Shape], document: bytes | memoryview, rule: str) -> _Shape:
    """What ``decoder`` makes of a document. Raises ``BadInput`` of that ``rule`` where it is nothing.

    The decoder's own errors quote what they met.
    """
    try:
        return decoder.decode(document)
    except (msgspec.DecodeError, RecursionError):
        raise BadInput(rule) from None
