"""Codes of several systems in one text, with blanks between: a resource's own system bare, others by name.

A Condition's ``C34.1 alpha-id:I29578 snomed:254637007`` holds one ICD-10-GM code and two others. Nothing
that somebody typed can pass for another system: a bare code has no colon, a named one no blank.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import polars as pl

CODE = r"^(?:[A-Za-z]|[A-Za-z]{0,2}[0-9][A-Za-z0-9.\-]{0,13})$"
"""The shape of a code of a classification: a letter alone, or a digit among the first three signs.

Anything else is a text that someone typed: a name has letters there. A code of this shape that its system
does not have is for the hierarchy to refuse.
"""

ALPHA_ID, ORPHA, SNOMED, PZN, ONSET = "alpha-id", "orpha", "snomed", "pzn", "onset"
OWN = ""
"""Stands for the system whose codes are bare: ICD-10-GM, OPS or ATC, by the resource's type."""

SYSTEMS: Mapping[str, str] = {
    "http://fhir.de/CodeSystem/bfarm/alpha-id": ALPHA_ID,
    "http://fhir.de/CodeSystem/dimdi/alpha-id": ALPHA_ID,
    "http://fhir.de/CodeSystem/alpha-id": ALPHA_ID,
    "http://www.orpha.net": ORPHA,
    "http://snomed.info/sct": SNOMED,
    "http://fhir.de/CodeSystem/ifa/pzn": PZN,
}
"""The names of the other systems by their URI."""

SHAPES: Mapping[str, str] = {
    OWN: CODE,
    ALPHA_ID: r"^I[0-9]{1,8}$",
    ORPHA: r"^(ORPHA:?)?[0-9]{1,8}$",
    SNOMED: r"^[0-9]{6,18}$",
    PZN: r"^[0-9]{7,8}$",
}
"""The shape of each system's codes."""

_PRINTABLE = re.compile(r"\S+")
_ILLEGIBLE = "?"
"""Stands for what is no code, so that it is still counted as malformed."""


def named(system: str, code: str) -> str:
    """``code`` as a token of the system called ``system``."""
    bare = code.strip()
    return f"{system}:{bare if _PRINTABLE.fullmatch(bare) else _ILLEGIBLE}"


def bare(code: str) -> str:
    """``code`` as tokens of the own system; a blank inside still separates two."""
    return code.strip().replace(":", _ILLEGIBLE)


def others(codings: Iterable[Any], systems: Collection[str]) -> Iterator[str]:
    """The tokens of the codings that belong to one of the other ``systems``, given by name."""
    for coding in codings:
        system = SYSTEMS.get(coding.system or "")
        if system is not None and system in systems and coding.code:
            yield named(system, coding.code)


def of_system(tokens: pl.Expr, system: str) -> pl.Expr:
    """The code in each of a column of single tokens where it is of ``system``, otherwise null."""
    if system == OWN:
        return pl.when(tokens.str.contains(":", literal=True).not_()).then(tokens)
    return pl.when(tokens.str.starts_with(f"{system}:")).then(tokens.str.strip_prefix(f"{system}:"))
