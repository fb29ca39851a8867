"""One YAML file as plain data, with the line of every key: the part of reading a config that knows YAML.

The language is the harmless core of YAML 1.2. Anchors, aliases, merge keys and tags are refused wherever they
stand: an alias can make a small file enormous, and a tag can name code. A key that stands twice is refused,
because the reader of the file and the program might believe different ones.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anonymizer.errors import BadConfig, InputMissing, Problem

if TYPE_CHECKING:
    from ruamel.yaml import YAML
    from ruamel.yaml.events import Event

MOST_BYTES = 1 << 20
DEEPEST = 16

Step = str | int
Location = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A file's mapping, the 1-based line of every key and item in it, and what YAML itself breaks."""

    data: Mapping[str, object]
    lines: Mapping[Location, int]
    problems: tuple[Problem, ...]


def read_document(path: Path) -> Document:
    """The mapping in ``path``; sequences are tuples.

    Raises:
        InputMissing: there is no such file, or it cannot be read.
        BadConfig: it is not one YAML mapping in UTF-8 of at most 1 MiB.
    """
    return parse_document(_text(path))


def parse_document(text: str) -> Document:
    """The mapping in ``text``; findings that leave the rest readable are in ``problems``.

    Raises:
        BadConfig: it is not one YAML mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    reader = _Reader(YAML(typ="safe", pure=True))
    try:
        data = reader.document(text)
    except YAMLError as error:
        raise _not_yaml(getattr(error, "problem", None), getattr(error, "problem_mark", None)) from None
    return Document(data, reader.lines, tuple(reader.problems))


def dotted(location: Location) -> str:
    """A location as it is written in messages: ``columns.age.hierarchy.bands[1]``."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(parts).lstrip(".") or "the file"


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputMissing(f"the config cannot be read: {os.strerror(error.errno or 0)}") from None
    if len(content) > MOST_BYTES:
        raise BadConfig("the config is larger than 1 MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadConfig(f"the config is not UTF-8 (byte {error.start:,})") from None


def _not_yaml(problem: str | None, mark: Any) -> BadConfig:
    line = None if mark is None else mark.line + 1
    found = Problem("the file", problem or "a character that YAML does not allow", line)
    return BadConfig("the config is not valid YAML", problems=[found])


@dataclass(slots=True)
class _Reader:
    """Walks the parser's events; nothing is ever expanded, so the work is linear in the file's size."""

    yaml: YAML
    lines: dict[Location, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def document(self, text: str) -> Mapping[str, object]:
        from ruamel.yaml.events import DocumentEndEvent, DocumentStartEvent, StreamEndEvent

        events: Iterator[Event] = self.yaml.parse(text)
        _, start = islice(events, 2)
        if not isinstance(start, DocumentStartEvent):
            raise BadConfig("the config is empty")
        # `%YAML 1.1` would turn `no` into false and `1:30` into ninety
        if start.version or start.tags:
            self._note((), start, "a YAML directive is not allowed")
        data = self._value(events, next(events), ())
        end, after = islice(events, 2)
        if not (isinstance(end, DocumentEndEvent) and isinstance(after, StreamEndEvent)):
            raise BadConfig("the config holds more than one YAML document")
        if not isinstance(data, dict):
            raise BadConfig("the config is not a mapping of keys to values")
        return data

    def _value(self, events: Iterator[Event], event: Event, at: Location) -> object:
        from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

        self.lines.setdefault(at, event.start_mark.line + 1)
        self._refuse_extras(event, at)
        if len(at) > DEEPEST:
            raise _not_yaml(f"nested deeper than {DEEPEST} levels", event.start_mark)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, at)
        if isinstance(event, SequenceStartEvent):
            return tuple(self._items(events, at))
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, at)
        if isinstance(event, AliasEvent):
            return None
        raise BadConfig("the config is not a mapping of keys to values")

    def _items(self, events: Iterator[Event], at: Location) -> Iterator[object]:
        from ruamel.yaml.events import SequenceEndEvent

        for index, event in enumerate(events):
            if isinstance(event, SequenceEndEvent):
                return
            yield self._value(events, event, (*at, index))

    def _mapping(self, events: Iterator[Event], at: Location) -> dict[str, object]:
        from ruamel.yaml.events import MappingEndEvent

        pairs: dict[str, object] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._key(event, at)
            known = key is None or key in pairs
            if key in pairs:
                self._note((*at, key), event, "this key stands twice")
            inside = (*at, key or "?")
            if not known:
                self.lines[inside] = event.start_mark.line + 1
            value = self._value(events, next(events), inside)
            if key is not None:
                pairs.setdefault(key, value)
        return pairs

    def _key(self, event: Event, at: Location) -> str | None:
        from ruamel.yaml.events import ScalarEvent

        if not isinstance(event, ScalarEvent):
            raise _not_yaml("a key is not plain text", event.start_mark)
        self._refuse_extras(event, at)
        key = self._scalar(event, at)
        if isinstance(key, str):
            return unicodedata.normalize("NFC", key)
        self._note(at, event, "a key is not text; put it in quotes")
        return None

    def _scalar(self, event: Any, at: Location) -> object:
        from ruamel.yaml.nodes import ScalarNode

        if getattr(event, "ctag", None) is not None:
            return event.value
        tag = self.yaml.resolver.resolve(ScalarNode, event.value, event.implicit)
        if str(tag).endswith((":merge", ":value")):
            self._note(at, event, "a merge key is not allowed; write the keys out")
            return event.value
        try:
            return self.yaml.constructor.construct_object(ScalarNode(tag, event.value, None, None))
        except ValueError:
            self._note(at, event, "this looks like a number or a date, but is none")
            return None

    def _refuse_extras(self, event: Any, at: Location) -> None:
        # an alias may expand without bound, and a tag may construct any Python object
        if event.anchor is not None:
            self._note(at, event, "an anchor or alias is not allowed; write the value out")
        if getattr(event, "ctag", None) is not None:
            self._note(at, event, "a tag is not allowed")

    def _note(self, at: Location, event: Event, message: str) -> None:
        self.problems.append(Problem(dotted(at), message, event.start_mark.line + 1))
