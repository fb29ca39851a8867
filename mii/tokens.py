"""Codes of several systems in one text, with blanks between: a resource's own system bare, others by name.

A Condition's ``C34.1 alpha-id:I29578 snomed:254637007`` holds one ICD-10-GM code and two others. Nothing
that somebody typed can pass for another system: a bare code has no colon, a named one no blank.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import polars as pl

ALPHA_ID, ORPHA, SNOMED, PZN, ONSET = "alpha-id", "orpha", "snomed", "pzn", "onset"
ICD_10_GM, OPS, ATC = "icd-10-gm", "ops", "atc"
OWN = frozenset({ICD_10_GM, OPS, ATC})
"""The systems whose codes are bare; which of them it is, the resource's type tells."""

SYSTEMS: Mapping[str, str] = {
    "http://fhir.de/CodeSystem/bfarm/alpha-id": ALPHA_ID,
    "http://fhir.de/CodeSystem/dimdi/alpha-id": ALPHA_ID,
    "http://fhir.de/CodeSystem/alpha-id": ALPHA_ID,
    "http://www.orpha.net": ORPHA,
    "http://snomed.info/sct": SNOMED,
    "http://fhir.de/CodeSystem/ifa/pzn": PZN,
}
"""The names of the other systems by their URI."""

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
    if system in OWN:
        return pl.when(tokens.str.contains(":", literal=True).not_()).then(tokens)
    return pl.when(tokens.str.starts_with(f"{system}:")).then(tokens.str.strip_prefix(f"{system}:"))
