"""The shape of a code: what a terminology gives and nobody types as a sentence."""

from __future__ import annotations

import re

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+\-_/:()*#]{0,31}")


def is_code(text: str) -> bool:
    """Whether ``text`` is a code: up to 32 letters, digits and marks, without blanks."""
    return _CODE.fullmatch(text) is not None
