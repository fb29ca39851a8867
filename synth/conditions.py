"""Which cells are as a condition says: for certain, or possibly where a cell is coarser than what is asked.

A text that begins as ``"I48.*"`` says matches every value that begins so; a value of a column also matches
what it becomes at a coarser level. A coarser label stands for the values below it: it certainly matches
where all of them do, and possibly where any does. The label ``*`` tells nothing, as a missing cell does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from anonymizer.errors import BadConfig
from synth.axes import Bools
from synth.recipe import Between, Wanted
from synth.variables import Variable

NOTHING_TOLD = "*"
"""The label of a cell whose value was merged with all others or suppressed."""
_NUMBERS = frozenset({"integer", "number"})
_DAYS = frozenset({"date", "datetime"})
_BAND = re.compile(r"\[?(-?\d+(?:\.\d+)?)(?:, (-?\d+(?:\.\d+)?)([\])]))?")


@dataclass(frozen=True, slots=True)
class Condition:
    """What a column is asked to hold; checked against the column's type by ``condition``."""

    variable: Variable
    wanted: Wanted


def condition(variables: Sequence[Variable], name: str, wanted: Wanted) -> Condition:
    """Return the condition that the column ``name`` holds what is ``wanted``.

    Raises:
        BadConfig: there is no such column, or its type cannot hold what is wanted.
    """
    variable = named(variables, name)
    for each in _each(wanted):
        _check(variable, each)
    return Condition(variable, wanted)


def conditions(variables: Sequence[Variable], wanted: Mapping[str, Wanted]) -> tuple[Condition, ...]:
    """Return one condition for each column; raises as ``condition`` does."""
    return tuple(condition(variables, name, each) for name, each in wanted.items())


def named(variables: Sequence[Variable], name: str) -> Variable:
    """Return the variable of that name; raises ``BadConfig`` where there is none."""
    for variable in variables:
        if variable.name == name:
            return variable
    raise BadConfig("no such column can be synthesised", column=name)


def matching(asked: Condition, cells: pl.Series, *, certain: bool) -> Bools:
    """Return which ``cells`` (in the canonical type) match, shape (rows,): for certain, or possibly.

    A list matches where one of its codes does.
    """
    mask = np.zeros(len(cells), dtype=np.bool_)
    for wanted in _each(asked.wanted):
        if wanted is None:
            mask |= cells.is_null().to_numpy()
        else:
            mask |= _matching_one(asked.variable, cells, wanted, certain=certain)
    return mask


def all_matching(asked: Sequence[Condition], frame: pl.DataFrame, *, certain: bool) -> Bools:
    """Return the rows of ``frame`` that match every condition, shape (rows,)."""
    mask = np.ones(frame.height, dtype=np.bool_)
    for each in asked:
        mask &= matching(each, frame[each.variable.name], certain=certain)
    return mask


def within(cells: pl.Series, span: Between) -> Bools:
    """Return which numbers, days or moments lie in ``span``, shape (rows,); not those that are missing.

    A day as a bound of moments includes all of that day.
    """
    low, high = span.low, span.high
    mask = cells.is_not_null()
    if isinstance(cells.dtype, pl.Datetime):
        low = None if low is None else _moment(low)
        if high is not None and not isinstance(high, datetime):
            mask &= (cells < _moment(high) + timedelta(days=1)).fill_null(False)  # type: ignore[operator]
            high = None
    if low is not None:
        mask &= (cells >= low).fill_null(False)
    if high is not None:
        mask &= (cells <= high).fill_null(False)
    return mask.to_numpy()


def check_span(variable: Variable, span: Between) -> None:
    """Raise ``BadConfig`` where a column has no order, or bounds of another kind, or the span is empty."""
    if variable.type not in _NUMBERS | _DAYS and not _has_bands(variable):
        raise BadConfig("a span needs a column of numbers or days", column=variable.name)
    bounds = [bound for bound in (span.low, span.high) if bound is not None]
    fits = _KINDS[variable.type] if variable.type in _DAYS else _is_number
    if not all(fits(bound) for bound in bounds):
        kind = "days" if variable.type in _DAYS else "numbers"
        raise BadConfig(f"the bounds of this column's span must be {kind}", column=variable.name)
    if len(bounds) == 2 and _moment(bounds[0]) > _moment(bounds[1], time.max):  # type: ignore[operator]
        raise BadConfig("the span ends before it begins", column=variable.name)


def _each(wanted: Wanted) -> Sequence[Wanted]:
    is_several = isinstance(wanted, Sequence) and not isinstance(wanted, str)
    return tuple(wanted) if is_several else (wanted,)  # type: ignore[arg-type]


def _check(variable: Variable, wanted: Wanted) -> None:
    if isinstance(wanted, Between):
        check_span(variable, wanted)
    elif wanted is not None and not _KINDS[variable.type](wanted):
        is_text = variable.type in ("string", "list")
        raise BadConfig(
            "this column cannot hold what it is asked for",
            column=variable.name,
            hint="put a text that looks like a number in quotes" if is_text else None,
        )


def _has_bands(variable: Variable) -> bool:
    """Whether a column's texts may be bands of numbers: those that have an order are read as such."""
    return variable.type == "string" and bool(variable.order)


def _is_number(wanted: Wanted) -> bool:
    return isinstance(wanted, int | float) and not isinstance(wanted, bool)


def _is_day(wanted: Wanted) -> bool:
    return _is_moment(wanted) and not isinstance(_read_day(wanted), datetime)


def _is_moment(wanted: Wanted) -> bool:
    day = _read_day(wanted)
    return day is not None and not (isinstance(day, datetime) and day.tzinfo)


def _is_text(wanted: Wanted) -> bool:
    return isinstance(wanted, str)


def _is_truth(wanted: Wanted) -> bool:
    return isinstance(wanted, bool)


_KINDS: dict[str, Callable[[Wanted], bool]] = {
    "string": _is_text,
    "list": _is_text,
    "boolean": _is_truth,
    "integer": _is_number,
    "number": _is_number,
    "date": _is_day,
    "datetime": _is_moment,
}


def _read_day(wanted: Wanted) -> date | None:
    """A day or moment, or the text of one."""
    if not isinstance(wanted, str):
        return wanted if isinstance(wanted, date) else None
    try:
        return date.fromisoformat(wanted) if len(wanted) == 10 else datetime.fromisoformat(wanted)
    except ValueError:
        return None


def _matching_one(variable: Variable, cells: pl.Series, wanted: Wanted, *, certain: bool) -> Bools:
    if variable.type == "list":
        return _lists_with(variable, cells, str(wanted), certain=certain)
    if variable.type == "string":
        return _among(cells, _texts(variable, cells, wanted, certain=certain))
    if isinstance(wanted, Between):
        return within(cells, wanted)
    if variable.type in _DAYS:
        day = _read_day(wanted)
        return within(cells, Between(day, day))
    return (cells == wanted).fill_null(False).to_numpy()


def _among(cells: pl.Series, values: list[str]) -> Bools:
    return cells.is_in(values).fill_null(False).to_numpy()


def _texts(variable: Variable, cells: pl.Series, wanted: Wanted, *, certain: bool) -> list[str]:
    present = cells.drop_nulls().unique().to_list()
    if isinstance(wanted, Between):
        return [each for each in present if _band_in(each, wanted, certain=certain)]
    return _labels(variable, present, str(wanted), certain=certain)


def _lists_with(variable: Variable, cells: pl.Series, wanted: str, *, certain: bool) -> Bools:
    present = cells.explode(empty_as_null=True).drop_nulls().unique().to_list()
    found = _labels(variable, present, wanted, certain=certain)
    codes = pl.element().is_in(pl.Series(found, dtype=pl.String).implode())
    has = pl.DataFrame({"cells": cells}).select(pl.col("cells").list.eval(codes).list.any())
    return has.to_series().fill_null(False).to_numpy()


def _labels(variable: Variable, present: Sequence[str], wanted: str, *, certain: bool) -> list[str]:
    """Those of a column's texts that match for certain, or possibly."""
    below = members(variable)
    return [each for each in present if _label(variable, below, each, wanted, certain=certain)]


def members(variable: Variable) -> Mapping[str, tuple[str, ...]]:
    """Return, for every coarser label of a column, the values that it may stand for."""
    below: dict[str, list[str]] = {}
    for value, levels in variable.coarser.items():
        for label in dict.fromkeys(levels):
            below.setdefault(label, []).append(value)
    return {label: tuple(values) for label, values in below.items()}


def _label(
    variable: Variable, below: Mapping[str, Sequence[str]], text: str, wanted: str, *, certain: bool
) -> bool:
    if text == wanted:
        return True
    if text == NOTHING_TOLD:
        return wanted == NOTHING_TOLD
    own = (text,) if text in variable.coarser or text not in below else ()
    values = (*below.get(text, ()), *own)
    found = (_value(variable, value, wanted) for value in values)
    return all(found) if certain else any(found)


def _value(variable: Variable, value: str, wanted: str) -> bool:
    if wanted.endswith("*"):
        return value.startswith(wanted[:-1])
    return value == wanted or wanted in variable.coarser.get(value, ())


def _band_in(label: str, span: Between, *, certain: bool) -> bool:
    """Whether a band in words (``[60, 64]``, ``[60, 65)``, ``67``) lies in the span, or touches it."""
    found = _BAND.fullmatch(label)
    if found is None:
        return False
    low = float(found[1])
    high = float(found[2] or found[1])
    least = float("-inf") if span.low is None else float(span.low)  # type: ignore[arg-type]
    most = float("inf") if span.high is None else float(span.high)  # type: ignore[arg-type]
    return least <= low and high <= most if certain else least <= high and low <= most


def _moment(bound: float | date, at: time = time.min) -> float | datetime:
    if isinstance(bound, date) and not isinstance(bound, datetime):
        return datetime.combine(bound, at)
    return bound
