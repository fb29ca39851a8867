"""Cuts a FHIRPath expression into words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from anonymizer.errors import BadConfig

Kind = Literal["time", "datetime", "number", "text", "constant", "name", "special", "sign", "end"]

_TEXT = r"'(?:[^'\\]|\\.)*'"
_QUOTED = r"`(?:[^`\\]|\\.)*`"
_CLOCK = r"[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
_ZONE = r"(?:Z|[+-][0-9]{2}:[0-9]{2})?"
_WORDS = re.compile(
    "|".join(
        (
            r"(?P<blank>\s+|//[^\n]*|/\*.*?\*/)",
            rf"(?P<time>@T{_CLOCK})",
            rf"(?P<datetime>@[0-9]{{4}}(?:-[0-9]{{2}}(?:-[0-9]{{2}})?)?(?:T(?:{_CLOCK}{_ZONE})?)?)",
            r"(?P<number>[0-9]+(?:\.[0-9]+)?)",
            rf"(?P<text>{_TEXT})",
            rf"(?P<constant>%(?:[A-Za-z_][A-Za-z0-9_]*|{_QUOTED}|{_TEXT}))",
            rf"(?P<name>[A-Za-z_][A-Za-z0-9_]*|{_QUOTED})",
            r"(?P<special>\$[a-z]+)",
            r"(?P<sign><=|>=|!=|[=<>+\-*/&|.,()\[\]{}])",
        )
    ),
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Word:
    """A word of an expression; texts and quoted names are told without quotes. ``at`` counts from 1."""

    kind: Kind
    text: str
    at: int


def words(expression: str) -> Iterator[Word]:
    """The words of ``expression``, then one of kind ``end``. Raises ``BadConfig``."""
    place = 0
    while place < len(expression):
        found = _WORDS.match(expression, place)
        if found is None:
            raise BadConfig(f"the FHIRPath cannot be read at character {place + 1}")
        if found.lastgroup != "blank":
            kind: Kind = found.lastgroup  # type: ignore[assignment]
            yield Word(kind, _plain(kind, found[0]), place + 1)
        place = found.end()
    yield Word("end", "", len(expression) + 1)


def _plain(kind: Kind, text: str) -> str:
    if kind == "constant":
        text = text[1:]
    elif kind in ("datetime", "time"):
        return text.removeprefix("@").removeprefix("T")
    if text[0] in "'`":
        return _ESCAPE.sub(_unescaped, text[1:-1])
    return text


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _CONTROLS.get(found[2], found[2])
