"""The shape of a code: what a terminology gives and nobody types as a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from mii.code_shapes import FITS
from mii.tokens import ATC, ICD_10_GM, OPS, SYSTEMS
from mii.views.declaring import SYSTEMS as DECLARED

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+\-_/:()*#]{0,31}")
_KNOWN: Mapping[str, str] = {
    **SYSTEMS,
    **dict.fromkeys(DECLARED["icd10gm"], ICD_10_GM),
    **dict.fromkeys(DECLARED["ops"], OPS),
    **dict.fromkeys(DECLARED["atc"], ATC),
    "http://hl7.org/fhir/sid/icd-10": ICD_10_GM,
}
"""The systems whose codes have a shape of their own, by URI."""


@lru_cache(maxsize=1 << 14)
def is_code(text: str, system: str | None = None) -> bool:
    """Whether ``text`` is a code: up to 32 letters, digits and marks, without blanks.

    One of a known ``system``, given by its URI, has the shape of that system's codes.
    """
    known = None if system is None else _KNOWN.get(system)
    return _CODE.fullmatch(text) is not None and (known is None or FITS[known](text))
