"""Goes through the resources of an export, one by one, as they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from anonymizer.errors import BadInput
from mii.forms import Kind, kind, sources
from mii.streaming import Limits, lines, whole

Take = Callable[[str, str | None, str | None, bytes], None]
"""Is told of a resource its type, its id, when it was changed, and its bytes."""


def walk(path: Path, limits: Limits, takers: Mapping[str, Take], urns: dict[str, str]) -> None:
    """Tells ``takers``, by type, of the resources at ``path``, and ``urns`` of what ``urn:`` stand for.

    Types without a taker are passed over. Raises ``BadInput``, with its place, where something cannot be
    decoded, and what a taker raises.
    """
    walker = _Walker(takers, urns)
    found = [(source, kind(source)) for source in sources(path, limits)]
    for source, what in found:
        if what not in (Kind.LINES, Kind.DOCUMENT):
            continue
        by_line, number = what is Kind.LINES, 0
        try:
            with source.open() as stream:
                for document in lines(stream, limits) if by_line else [whole(stream, limits)]:
                    number += 1
                    if not document.isspace() and (by_line or walker.is_fhir(document)):
                        walker.add(document, None)
        except (BadInput, msgspec.MsgspecError, RecursionError) as error:
            raise _at(error, f"{source.name}, line {max(number, 1)}" if by_line else source.name) from None


class _Meta(Struct, gc=False):
    lastUpdated: str | None = None  # noqa: N815


class _Entry(Struct, gc=False):
    fullUrl: str | None = None  # noqa: N815
    resource: msgspec.Raw = msgspec.Raw()


class _Kind(Struct, gc=False):
    resourceType: str | None = None  # noqa: N815


class _Head(Struct, gc=False):
    resourceType: str | None = None  # noqa: N815
    id: str | None = None
    meta: _Meta | None = None
    entry: list[_Entry] | None = None


class _Walker:
    def __init__(self, takers: Mapping[str, Take], urns: dict[str, str]) -> None:
        self._takers, self._urns = takers, urns
        self._kind = msgspec.json.Decoder(_Kind).decode
        self._head: Callable[[bytes | msgspec.Raw], _Head] = msgspec.json.Decoder(_Head).decode

    def is_fhir(self, document: bytes) -> bool:
        """Whether a document says what type it is of."""
        return bool(self._kind(document).resourceType)

    def add(self, document: bytes | msgspec.Raw, url: str | None) -> None:
        """Takes in a resource, or those of a Bundle."""
        head = self._head(document)
        identity = head.id
        if url is not None and url.startswith("urn:"):
            identity = self._urns.setdefault(url, identity or url)
        if head.resourceType == "Bundle":
            for entry in head.entry or ():
                if bytes(entry.resource) not in (b"", b"null"):
                    self.add(entry.resource, entry.fullUrl)
        elif (take := self._takers.get(head.resourceType or "")) is not None:
            updated = head.meta.lastUpdated if head.meta is not None else None
            take(head.resourceType or "", identity, updated, bytes(document))


def _at(error: Exception, place: str) -> BadInput:
    """``error`` with its place; what the decoder says of values is left out."""
    if isinstance(error, BadInput):
        return BadInput(f"{place}: {error.rule}", column=error.column, count=error.count, hint=error.hint)
    return BadInput(f"{place}: a resource cannot be decoded for a view")
