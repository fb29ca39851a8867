"""Conversion between UCUM units, by the UCUM grammar and definitions of ucumvert and pint."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

POWERS_OF_TEN = (
    {
        **{"g/L": 0, "g/dL": 1, "mg/L": -3, "mg/dL": -2, "mg/mL": 0},
        **{"ug/L": -6, "ug/dL": -5, "ug/mL": -3, "ng/L": -9, "ng/dL": -8, "ng/mL": -6, "pg/mL": -9},
    },
    {"mol/L": 0, "mmol/L": -3, "umol/L": -6, "nmol/L": -9, "pmol/L": -12},
)
"""The everyday units of a laboratory as powers of ten of g/L and mol/L. The library, which takes most of a
second to load, says the same (a test asks it); it is loaded for everything else."""

_PLAIN = re.compile(r"[!-z|~]{1,40}")
_PRINTABLE = re.compile(r"[!-~]{1,40}")


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
    return _by_power_of_ten(found, wanted) or _converted(found, wanted)


@lru_cache(maxsize=256)
def is_unit(text: str) -> bool:
    """Whether ``text`` is a unit of UCUM."""
    if any(text in powers for powers in POWERS_OF_TEN):
        return True
    return _PRINTABLE.fullmatch(text) is not None and _parses(text)


def _by_power_of_ten(found: str, wanted: str) -> tuple[float, float] | None:
    """The conversion between two units of the same family below, without loading the library."""
    for powers in POWERS_OF_TEN:
        if found in powers and wanted in powers:
            return float(f"1e{powers[found] - powers[wanted]}"), 0.0
    return None


def _converted(found: str, wanted: str) -> tuple[float, float] | None:
    """Twelve digits keep a factor such as 10 from printing as 9.999999999999998."""
    from pint.errors import PintError
    from ucumvert.parser import InvalidUcumError  # type: ignore[import-untyped]

    units = _registry()
    try:
        source, target = units.from_ucum(found), units.from_ucum(wanted)
        zero, one = (units.Quantity(x * source.magnitude, source.units).to(target.units) for x in (0.0, 1.0))
    except (PintError, InvalidUcumError, AttributeError, ValueError, TypeError):
        return None
    scale = (one.magnitude - zero.magnitude) / target.magnitude
    return float(f"{scale:.12g}"), float(f"{zero.magnitude / target.magnitude:.12g}")


def _parses(text: str) -> bool:
    from ucumvert.parser import InvalidUcumError, parse_ucum

    try:
        parse_ucum(text, _parser())
    except InvalidUcumError:
        return False
    return True


@lru_cache(maxsize=1)
def _parser() -> Any:
    from ucumvert import get_ucum_parser  # type: ignore[import-untyped]

    return get_ucum_parser()


@lru_cache(maxsize=1)
def _registry() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()
