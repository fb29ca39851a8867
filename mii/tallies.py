"""Counts of what resources hold: elements, dates, code systems, codes, measured values. No value is kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from mii import element_table as table
from mii.code_shapes import Fits, is_atc, is_loinc, is_ops, is_pzn, shape
from mii.codesystems import ags, canonical_icd_10_gm, icd_10_gm, plz
from mii.dates import day_text, span
from mii.element_table import KNOWN_SYSTEMS, Element, Tells
from mii.resource_facts import Told

OLDEST = date(1900, 1, 1)
"""No date of a living person's data is older."""


@dataclass(slots=True)
class DateTally:
    """The dates of one element. ``first`` and ``last`` are of those from 1900 to ``today``."""

    today: date
    dates: int = 0
    year_only: int = 0
    year_month: int = 0
    invalid: int = 0
    future: int = 0
    before_1900: int = 0
    first: date | None = None
    last: date | None = None

    def add(self, text: str, times: int = 1) -> None:
        """Takes in a date or dateTime; a partial one lies in the future where all of it does."""
        self.dates += times
        days = span(day_text(text))
        if days is None:
            self.invalid += times
            return
        written = day_text(text) or ""
        self.year_only += times * (len(written) == 4)
        self.year_month += times * (len(written) == 7)
        if days[0] > self.today:
            self.future += times
        elif days[1] < OLDEST:
            self.before_1900 += times
        else:
            self._stretch(days[0], min(days[1], self.today))

    def _stretch(self, first: date, last: date) -> None:
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)


@dataclass(slots=True)
class SystemTally:
    """The code systems of one element: the known ones by name, the others as a count."""

    codings: int = 0
    known: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    unknown_systems: set[int] = field(default_factory=set)
    without_system: int = 0

    def add(self, system: str | None) -> None:
        """Takes in one coding's system."""
        self.codings += 1
        if not system:
            self.without_system += 1
        elif system in KNOWN_SYSTEMS:
            self.known[system] += 1
        else:
            self.unknown += 1
            if len(self.unknown_systems) < _MOST_SYSTEMS:
                self.unknown_systems.add(hash(system))


_MOST_SYSTEMS = 10_000


@dataclass(slots=True)
class CodeTally:
    """The codes of one element in one vocabulary, and what is odd about them."""

    codes: int = 0
    odd: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class ElementTally:
    """How many resources hold an element, and how many say why they do not."""

    present: int = 0
    absent_with_reason: int = 0


class KindTally:
    """All that is counted of the resources of one type."""

    def __init__(self, elements: Sequence[Element], today: date) -> None:
        self.resources = 0
        self.elements = {element: ElementTally() for element in elements}
        self.dates = {e: DateTally(today) for e in elements if e.tells is Tells.DATE}
        self.systems = {e: SystemTally() for e in elements if e.tells is Tells.CODES and not e.systems}
        self.codes = {e: CodeTally() for e in elements if e.vocabulary in VOCABULARIES}

    def add(self, told: Told, is_absent_with_reason: Callable[[Element], bool]) -> None:
        """Takes in one resource."""
        self.resources += 1
        for element, tally in self.elements.items():
            values = told(element)
            if values:
                tally.present += 1
                self._look_into(element, values)
            elif not element.systems:
                tally.absent_with_reason += is_absent_with_reason(element)

    def _look_into(self, element: Element, values: list[Any]) -> None:
        if (dates := self.dates.get(element)) is not None:
            for text in values:
                dates.add(text if isinstance(text, str) else "")
        if (systems := self.systems.get(element)) is not None:
            for system, _ in values:
                systems.add(system)
        if (codes := self.codes.get(element)) is not None:
            texts = [value[1] for value in values] if element.tells is Tells.CODES else values
            for text in texts:
                count_codes(codes, element.vocabulary, text if isinstance(text, str) else "")


@dataclass(slots=True)
class LabTally:
    """How Observations tell what was measured."""

    observations: int = 0
    quantities: int = 0
    comparators: int = 0
    without_unit: int = 0
    coded: int = 0
    absent_with_reason: int = 0
    neither_value_nor_reason: int = 0

    def add(self, told: Told) -> None:
        """Takes in one Observation."""
        self.observations += 1
        has_quantity, has_reason = bool(told(table.QUANTITY)), bool(told(table.REASON))
        has_code = bool(told(table.CODED_VALUE))
        self.quantities += has_quantity
        self.comparators += bool(told(table.COMPARATOR))
        self.without_unit += has_quantity and not told(table.UNIT)
        self.coded += has_code
        self.absent_with_reason += has_reason
        has_value = has_quantity or has_code or bool(told(table.OTHER_VALUE))
        self.neither_value_nor_reason += not (has_value or has_reason)


def is_laboratory(told: Told) -> bool:
    """Whether an Observation's category says that it is a laboratory value."""
    return any(code == "laboratory" for _, code in told(table.CATEGORY))


def count_codes(tally: CodeTally, vocabulary: str, text: str) -> None:
    """Counts the codes in ``text``, of which ICD-10-GM can have several, and what is odd about each."""
    parts = text.split() if vocabulary == "icd-10-gm" else [text.strip()]
    tally.codes += len(parts)
    for part in parts:
        tally.odd.update(_oddities(vocabulary, part))
    if len(parts) > 1:
        tally.odd["several codes in one text"] += 1


@lru_cache(maxsize=1 << 16)
def _oddities(vocabulary: str, code: str) -> tuple[str, ...]:
    return VOCABULARIES[vocabulary](code)


def _icd_10_gm(code: str) -> tuple[str, ...]:
    canonical = canonical_icd_10_gm(code)
    if canonical is None:
        return ("malformed",)
    return ("outside every block",) if icd_10_gm().unknown([canonical]) else ()


def _shaped(fits: Fits) -> Callable[[str], tuple[str, ...]]:
    return lambda code: () if fits(code) else ("malformed",)


def _plz(code: str) -> tuple[str, ...]:
    if not re.fullmatch(plz().pattern, code):
        return ("malformed",)
    short = "4 digits: a zero in front may be lost" if len(code) == 4 else "fewer than 5 digits"
    return (*([short] if len(code) < 5 else []), *(["only zeros"] if not int(code) else []))


VOCABULARIES: dict[str, Callable[[str], tuple[str, ...]]] = {
    "icd-10-gm": _icd_10_gm,
    "ops": _shaped(is_ops),
    "atc": _shaped(is_atc),
    "pzn": _shaped(is_pzn),
    "loinc": _shaped(is_loinc),
    "plz": _plz,
    "ags": _shaped(shape(ags().pattern)),
}
"""What is odd about a code, by vocabulary."""
