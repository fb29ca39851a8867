"""Conversion between UCUM units, by the UCUM grammar and definitions of ucumvert and pint."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_PLAIN = re.compile(r"[!-z|~]{1,40}")


@lru_cache(maxsize=256)
def conversion(found: str, wanted: str) -> tuple[float, float] | None:
    """Scale and offset that turn a value in ``found`` into ``wanted``; ``None`` where there is no such.

    A mass and an amount of substance do not convert (it takes the substance's molar mass), and a unit with
    an annotation in braces converts to itself alone: UCUM lets braces mean anything.
    """
    if found == wanted:
        return 1.0, 0.0
    if not (_PLAIN.fullmatch(found) and _PLAIN.fullmatch(wanted)):
        return None
    return _converted(found, wanted)


def _converted(found: str, wanted: str) -> tuple[float, float] | None:
    """Twelve digits keep a factor such as 10 from printing as 9.999999999999998."""
    from pint.errors import PintError
    from ucumvert.parser import InvalidUcumError

    units = _registry()
    try:
        source, target = units.from_ucum(found), units.from_ucum(wanted)
        zero, one = (units.Quantity(x * source.magnitude, source.units).to(target.units) for x in (0.0, 1.0))
    except (PintError, InvalidUcumError, AttributeError, ValueError, TypeError):
        return None
    scale = (one.magnitude - zero.magnitude) / target.magnitude
    return float(f"{scale:.12g}"), float(f"{zero.magnitude / target.magnitude:.12g}")


@lru_cache(maxsize=1)
def _registry() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()
