"""What the reports say in each language: messages by key from the catalogues in ``texts``.

A key is a catalogue's file and its tables, e.g. ``risk.verdict.failed``; a message is a format of named
placeholders. In templates (``t``) a message is a piece of HTML and what is put into it is escaped.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from risk.facts import Language

TEXTS = Path(__file__).parent / "texts"
LANGUAGES: tuple[Language, ...] = ("en", "de")


class Phrase(NamedTuple):
    """An English phrase of another room as a pattern, and its translation as a format."""

    pattern: re.Pattern[str]
    translation: str


@dataclass(frozen=True, slots=True)
class Words:
    """One language's messages by key, and its ``phrases`` for what other rooms say in English."""

    language: Language
    messages: Mapping[str, str]
    phrases: tuple[Phrase, ...]

    def say(self, key: str, /, **values: object) -> str:
        """Return a message as text.

        Raises:
            KeyError: there is no such message, or a placeholder without a value.
        """
        return self.messages[key].format(**values)

    def counted(self, key: str, number: int, /, **values: object) -> str:
        """Return the message for ``number`` things: of ``key``'s ``one``, ``two`` (if any) or ``many``."""
        form = {1: "one", 2: "two"}.get(number, "many")
        form = form if f"{key}.{form}" in self.messages else "many"
        return self.say(f"{key}.{form}", number=number, **values)

    def with_messages(self, messages: Mapping[str, str]) -> Words:
        """Return the same words with other messages for some keys."""
        return replace(self, messages={**self.messages, **messages})

    def markup(self, key: str, /, **values: object) -> Any:
        """Return a message as HTML, in which values are escaped."""
        from markupsafe import Markup

        return Markup(self.messages[key]).format(**values)

    def knows(self, key: str) -> bool:
        return key in self.messages

    def put(self, text: str) -> str:
        """Return what another room said in English in this language, as far as it is known."""
        return " ".join(part for part, _ in self._put(text))

    def marked(self, text: str) -> Any:
        """Return the same as HTML, in which what stays English says so to a screen reader."""
        from markupsafe import Markup, escape

        parts = (
            escape(part) if is_known else Markup('<span lang="en">{}</span>').format(part)
            for part, is_known in self._put(text)
        )
        return Markup(" ").join(parts)

    def _put(self, text: str) -> Iterator[tuple[str, bool]]:
        """Yield the parts of a text and whether each is in this language."""
        if self.language == "en":
            yield text, True
            return
        parts = text.split("; ")
        for place, part in enumerate(parts):
            known = self._translated(part)
            yield (
                (part if known is None else known) + (";" if place < len(parts) - 1 else ""),
                (known is not None or not re.search("[a-z]{3}", part)),
            )

    def numeral(self, text: str) -> str:
        """Return a numeral written the English way (1,234.5) with this language's separators."""
        thousands, decimal = self.say("numbers.thousands"), self.say("numbers.decimal")
        return text.replace(",", "\0").replace(".", decimal).replace("\0", thousands)

    def _inside(self, name: str, part: str) -> str | None:
        return self._number(part) if name.startswith("number") else self._translated(part)

    def _number(self, part: str) -> str:
        """Return a number of another room's text as this language writes it, with separators and sign."""
        digits, sign = part.removesuffix("%"), part.endswith("%")
        told = self.numeral(f"{int(digits):,}" if digits.isdecimal() else digits)
        return self.say("numbers.percent", number=told) if sign else told

    def _translated(self, text: str) -> str | None:
        for phrase in self.phrases:
            if found := phrase.pattern.fullmatch(text):
                inner = {name: self._inside(name, part) for name, part in found.groupdict().items()}
                if all(part is not None for name, part in inner.items() if name.startswith("known")):
                    return phrase.translation.format(
                        **{n: inner[n] or t for n, t in found.groupdict().items()}
                    )
        return None


@cache
def speak(language: Language) -> Words:
    """Return a language's words."""
    messages = {
        key: text
        for path in sorted((TEXTS / language).glob("*.toml"))
        for key, text in _flat(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    }
    return Words(language, messages, () if language == "en" else _phrases(language))


def _phrases(language: Language) -> tuple[Phrase, ...]:
    entries = tomllib.loads((TEXTS / f"phrases_{language}.toml").read_text(encoding="utf-8"))
    return tuple(Phrase(_pattern(english), text) for english, text in entries.items())


def _pattern(english: str) -> re.Pattern[str]:
    """Return the pattern of a phrase whose placeholders stand for any text."""
    literal_or_name = re.split(r"\{(\w+)\}", english)
    pieces = (_group(part) if place % 2 else re.escape(part) for place, part in enumerate(literal_or_name))
    return re.compile("".join(pieces))


def _group(name: str) -> str:
    return f"(?P<{name}>{'[0-9][0-9.,]*%?' if name.startswith('number') else '.+?'})"


def _flat(prefix: str, tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, entry in tree.items():
        if isinstance(entry, Mapping):
            yield from _flat(f"{prefix}.{name}", entry)
        else:
            yield f"{prefix}.{name}", " ".join(str(entry).strip("\n").split("\n"))
