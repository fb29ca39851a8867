"""The code systems of the core dataset as generalisation hierarchies.

ICD-10-GM, OPS (BfArM), ATC and the German postal code and municipality key are position codes; only ICD-10-GM
needs a table, because its blocks and chapters are ranges. WHO's ICD-10 and ICD-10-CM have other blocks.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from anonymizer.errors import BadConfig, InputMissing
from anonymizer.hierarchies.hierarchy import SUPPRESSED, Generalised, Prefix, by_steps, refuse_outside

UNKNOWN_CHAPTER = "unknown"
BLOCKS = Path(__file__).with_name("icd10gm_blocks.csv")

_CATEGORIES = 26 * 100
_PER_CATEGORY = 10 * 10
_CODE = re.compile(r"([A-Z][0-9]{2})(?:\.?([0-9]{1,2}))?")
_CATEGORY = re.compile(r"[A-Z][0-9]{2}")
_MARKS = "+*!#†-."


@dataclass(frozen=True, slots=True)
class Block:
    """A block of ICD-10-GM: its first and last three-character category and its chapter."""

    first: str
    last: str
    chapter: str

    @property
    def label(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def categories(self) -> range:
        return range(_ordinal(self.first), _ordinal(self.last) + 1)


@dataclass(frozen=True, slots=True)
class Icd10Gm:
    """Code → 4 characters → 3 characters → block → chapter → ``*``.

    The domain is every code of valid shape: 2,600 categories of 10 × 10 codes, so that shares do not depend
    on an edition. A category outside every range is a block of its own in the chapter ``unknown``. A short
    code such as ``I50`` is a leaf of its own below the level that contains it.
    """

    blocks: tuple[Block, ...]

    level_names = ("code", "4 characters", "3 characters", "block", "chapter", SUPPRESSED)
    leaves = _CATEGORIES * _PER_CATEGORY

    def generalise(self, values: Sequence[str]) -> Generalised:
        """Canonical codes and what contains them; raises ``BadInput`` with the count of malformed codes."""
        refuse_outside(
            values, lambda value: bool(canonical_icd_10_gm(value)), "distinct malformed ICD-10-GM codes"
        )
        codes = [canonical_icd_10_gm(value) or "" for value in values]
        index = _index(self.blocks)
        steps = [_code, _four_characters, _category, index.block, index.chapter]
        return by_steps(codes, steps, self.leaves)

    def unknown(self, values: Iterable[str]) -> int:
        """How many of ``values`` are codes of valid shape in the chapter ``unknown``."""
        blocks = _index(self.blocks).blocks
        codes = (canonical_icd_10_gm(value) for value in values)
        return sum(code is not None and code[:3] not in blocks for code in codes)


@dataclass(frozen=True, slots=True)
class _Index:
    """Each known category's block, and each chapter's leaves."""

    blocks: Mapping[str, Block]
    chapter_leaves: Mapping[str, int]

    def block(self, code: str) -> tuple[str, int]:
        block = self.blocks.get(code[:3])
        if block is None:
            return code[:3], _PER_CATEGORY
        return block.label, len(block.categories) * _PER_CATEGORY

    def chapter(self, code: str) -> tuple[str, int]:
        block = self.blocks.get(code[:3])
        chapter = UNKNOWN_CHAPTER if block is None else block.chapter
        return chapter, self.chapter_leaves[chapter]


@lru_cache(maxsize=4)
def _index(blocks: tuple[Block, ...]) -> _Index:
    by_category = {_name(ordinal): block for block in blocks for ordinal in block.categories}
    categories = Counter(block.chapter for block in by_category.values())
    categories[UNKNOWN_CHAPTER] = _CATEGORIES - len(by_category)
    return _Index(by_category, {chapter: n * _PER_CATEGORY for chapter, n in categories.items()})


def canonical_icd_10_gm(code: str) -> str | None:
    """The code as ``I50``, ``I50.1`` or ``I50.13``; ``None`` where its shape is not that of a code.

    Spaces around it, lower case, a missing dot, the dash of a category (``I50.-``, ``I50.1-``) and the marks
    at the end of cross, asterisk and exclamation codes (``+ * ! # †``) carry no further meaning. Two codes in
    one text are not one code.
    """
    shape = _CODE.fullmatch(code.strip().rstrip(_MARKS).upper())
    if shape is None:
        return None
    category, rest = shape.groups()
    return f"{category}.{rest}" if rest else str(category)


def icd_10_gm(ranges: Path | None = None) -> Icd10Gm:
    """The hierarchy of ICD-10-GM; ``ranges`` is a site's own table with ``first``, ``last`` and ``chapter``.

    Raises:
        InputMissing: ``ranges`` cannot be read.
        BadConfig: a range that is malformed, reversed or overlaps another.
    """
    return _shipped() if ranges is None else Icd10Gm(_read_blocks(ranges))


def ops() -> Prefix:
    """OPS: ``5-323.51`` → ``5-323.5`` → ``5-323`` → ``5-32`` → ``5`` → ``*``."""
    names = ("code", "5 digits", "4 digits", "3 digits", "chapter")
    pattern = r"[0-9]-[0-9]{2}(?:[0-9a-z](?:\.[0-9a-z]{1,2})?)?"
    return Prefix((7, 5, 4, 1), (10, 1, 10, 10, 36, 1, 36, 36), pattern, names)


def atc() -> Prefix:
    """ATC: 7 → 5 → 4 → 3 → 1 characters → ``*``; no WHO names are needed or held."""
    names = (
        "substance",
        "chemical subgroup",
        "pharmacological subgroup",
        "therapeutic subgroup",
        "main group",
    )
    pattern = r"[A-Z](?:[0-9]{2}(?:[A-Z](?:[A-Z](?:[0-9]{2})?)?)?)?"
    return Prefix((5, 4, 3, 1), (26, 10, 10, 26, 26, 10, 10), pattern, names)


def plz(kept: Sequence[int] = (3, 2, 1)) -> Prefix:
    """German postal codes by their first digits; the federal state is not one of these levels."""
    return Prefix(tuple(kept), (10,) * 5, r"[0-9]{1,5}", ("5 digits", *(f"{n} digits" for n in kept)))


def ags() -> Prefix:
    """German municipality keys: municipality (8) → district (5) → federal state (2) → ``*``."""
    names = ("municipality", "district", "federal state")
    return Prefix((5, 2), (10,) * 8, r"[0-9]{2}(?:[0-9](?:[0-9]{2}(?:[0-9]{3})?)?)?", names)


def _code(code: str) -> tuple[str, int]:
    return code, 1


def _four_characters(code: str) -> tuple[str, int]:
    return code[:5], 10 if len(code) >= 5 else 1


def _category(code: str) -> tuple[str, int]:
    return code[:3], _PER_CATEGORY


def _ordinal(category: str) -> int:
    return (ord(category[0]) - ord("A")) * 100 + int(category[1:])


def _name(ordinal: int) -> str:
    return f"{chr(ord('A') + ordinal // 100)}{ordinal % 100:02d}"


@lru_cache(maxsize=1)
def _shipped() -> Icd10Gm:
    return Icd10Gm(_read_blocks(BLOCKS))


def _read_blocks(path: Path) -> tuple[Block, ...]:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError:
        raise InputMissing(f"the ICD-10-GM ranges {path.name} cannot be read") from None
    except UnicodeDecodeError:
        raise BadConfig(f"the ICD-10-GM ranges {path.name} are not UTF-8") from None
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    delimiter = ";" if lines and ";" in lines[0] else ","
    header, *rows = [
        tuple(cell.strip() for cell in row) for row in csv.reader(lines, delimiter=delimiter)
    ] or [()]
    if header != ("first", "last", "chapter") or not rows:
        raise BadConfig(f"{path.name} must have the columns first, last and chapter and at least one range")
    return _checked([_block(row, path.name) for row in rows], path.name)


def _block(row: tuple[str, ...], file: str) -> Block:
    shaped = len(row) == 3 and all(_CATEGORY.fullmatch(category) for category in row[:2])
    if not shaped or row[2] in {"", SUPPRESSED, UNKNOWN_CHAPTER}:
        raise BadConfig(f"{file}: a range is two three-character categories and a chapter")
    block = Block(*row)
    if not block.categories:
        raise BadConfig(f"{file}: the range {block.label} ends before it begins")
    return block


def _checked(blocks: list[Block], file: str) -> tuple[Block, ...]:
    ordered = sorted(blocks, key=lambda block: block.categories.start)
    for before, after in pairwise(ordered):
        if after.categories.start < before.categories.stop:
            raise BadConfig(f"{file}: the ranges {before.label} and {after.label} overlap")
    return tuple(ordered)
