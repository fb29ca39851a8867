"""Whether a text has the shape of a code of its system.

A number of a health insurance card, of a telephone or of a house, or a date, typed where a code belongs, has
not. A code of this shape that the system does not have is for a hierarchy to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from mii.codesystems import atc, canonical_icd_10_gm, ops
from mii.tokens import ALPHA_ID, ATC, ICD_10_GM, OPS, ORPHA, PZN, SNOMED

Fits = Callable[[str], bool]


def shape(pattern: str, *, any_case: bool = False) -> Fits:
    """Whether a text has the shape ``pattern`` as a whole; with ``any_case`` small letters count as large."""
    shaped = re.compile(pattern, re.IGNORECASE if any_case else 0)
    return lambda text: shaped.fullmatch(text) is not None


is_ops, is_atc = shape(ops().pattern), shape(atc().pattern)
is_loinc = shape(r"[0-9]{1,7}-[0-9]")
is_pzn = shape(r"[0-9]{7,8}")

FITS: Mapping[str, Fits] = {
    ICD_10_GM: lambda text: canonical_icd_10_gm(text) is not None,
    OPS: shape(ops().pattern, any_case=True),
    ATC: shape(atc().pattern, any_case=True),
    ALPHA_ID: shape(r"I[0-9]{1,6}"),
    ORPHA: shape(r"(ORPHA:?)?[0-9]{1,6}"),
    SNOMED: shape(r"[1-9][0-9]{2,14}[01]0[0-9]"),
    PZN: is_pzn,
}
"""By system. A concept of SNOMED CT has the digits 00 or 10 before its check digit (SNOMED International,
Release File Specification, "SCTID Representation"); check digits are not asked for, since exports hold
mistyped ones. WHO's ICD-10 has the shape of ICD-10-GM."""


def fitting(system: str, codes: Iterable[str]) -> list[str]:
    """Those of distinct ``codes`` that have the shape of the system's."""
    return list(filter(FITS[system], codes))


@lru_cache(maxsize=1 << 16)
def fits(system: str, code: str) -> bool:
    """Whether ``code`` has the shape of the system's."""
    return FITS[system](code)
