"""Every constraint and condition once more, on the finished table: counted literally, row by row.

Nothing here is shared with the rewriting, the rules or the conditions that made the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import pairwise

import polars as pl

from anonymizer.errors import SynthesisFailed
from synth.recipe import Between, Combinations, Constraint, Determines, Never, Order, Range, Wanted
from synth.variables import Training, Variable

Cell = object
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Promise:
    """What every drawn table is checked against; ``had`` are the combinations that k people have."""

    variables: tuple[Variable, ...]
    given: Mapping[str, Wanted] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    had: Mapping[tuple[str, ...], frozenset[Row]] = field(default_factory=dict, repr=False)


def promise(training: Training, given: Mapping[str, Wanted], constraints: Sequence[Constraint]) -> Promise:
    """Return what tables drawn from what was learned of ``training`` are checked against."""
    together = [each.columns for each in constraints if isinstance(each, Combinations)]
    had = {columns: _had(training, columns) for columns in together}
    return Promise(training.variables, given, tuple(constraints), had)


def check(frame: pl.DataFrame, promised: Promise) -> None:
    """Raise ``SynthesisFailed`` where any row breaks a constraint or a condition (how many rows do)."""
    for kind, broken in _broken(frame, promised):
        if broken:
            raise SynthesisFailed(f"drawn rows break what was asked of them: {kind}", count=broken)


def _broken(frame: pl.DataFrame, promised: Promise) -> Iterable[tuple[str, int]]:
    readers = {each.name: Reader.of(each) for each in promised.variables}
    for name, wanted in promised.given.items():
        yield "given", _other(frame, readers[name], wanted)
    for each in promised.constraints:
        match each:
            case Order(columns=columns):
                yield "order", sum(not rises(row) for row in frame.select(columns).iter_rows())
            case Range(column=column, span=span):
                cells = frame[column].drop_nulls().to_list()
                yield "range", sum(not lies_in(cell, span) for cell in cells)
            case Determines(column=column, other=other):
                yield "determines", several(row for row, _ in _counted(frame, [column, other]))
            case Combinations(columns=columns):
                had = promised.had[columns]
                rows = _counted(frame, columns)
                yield "combinations", sum(count for row, count in rows if told(row) and row not in had)
            case Never(where=where, never=never):
                yield "never", _forbidden(frame, readers, [*where.items(), *never.items()])


def _other(frame: pl.DataFrame, reader: Reader, wanted: Wanted) -> int:
    """How many rows do not hold what is wanted, for certain."""
    rows = _counted(frame, [reader.variable.name])
    return sum(count for row, count in rows if not reader.matches(row[0], wanted, certain=True))


def _forbidden(
    frame: pl.DataFrame, readers: Mapping[str, Reader], asked: Sequence[tuple[str, Wanted]]
) -> int:
    names = list(dict.fromkeys(name for name, _ in asked))
    return sum(
        count
        for row, count in _counted(frame, names)
        if all(readers[name].matches(row[names.index(name)], wanted, certain=False) for name, wanted in asked)
    )


def _counted(frame: pl.DataFrame, names: Sequence[str]) -> Iterable[tuple[Row, int]]:
    """Each different row of some columns, and how often it occurs."""
    if not names:
        return [((), frame.height)]
    return [(row[:-1], row[-1]) for row in frame.group_by(names).agg(pl.len().alias("\0count")).rows()]


def rises(row: Row) -> bool:
    """Whether what is not missing never falls."""
    cells = [cell for cell in row if cell is not None]
    return all(first <= second for first, second in pairwise(cells))  # type: ignore[operator]


def told(row: Row) -> bool:
    """Whether a combination says anything: some cell is neither missing nor ``*``."""
    return any(cell not in (None, "*") for cell in row)


def several(pairs: Iterable[Row]) -> int:
    """How many values of the first column go with several of the second, of those that tell anything."""
    partners: dict[Cell, set[Cell]] = {}
    for first, second in pairs:
        if told((first,)) and told((second,)):
            partners.setdefault(first, set()).add(second)
    return sum(len(each) > 1 for each in partners.values())


def lies_in(cell: Cell, span: Between) -> bool:
    """Whether a number, day or moment lies between the bounds; a day as a bound is all of that day."""
    low, high = span.low, span.high
    if isinstance(cell, datetime):
        low = _as_moment(low, time.min)
        high = _as_moment(high, time.max)
    return (low is None or low <= cell) and (high is None or cell <= high)  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a column's cells; ``below`` are the values that a coarser label may stand for."""

    variable: Variable
    below: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, variable: Variable) -> Reader:
        """Return the reader of a column."""
        below: dict[str, list[str]] = {}
        for value, labels in variable.coarser.items():
            for label in set(labels):
                below.setdefault(label, []).append(value)
        return cls(variable, below)

    def matches(self, cell: Cell, wanted: Wanted, *, certain: bool) -> bool:
        """Whether one cell is as asked: for certain, or possibly where it is coarser than what is asked."""
        if isinstance(wanted, Sequence) and not isinstance(wanted, str):
            return any(self.matches(cell, each, certain=certain) for each in wanted)
        if wanted is None or cell is None:
            return wanted is None and cell is None
        if isinstance(cell, list):
            return any(self._text(code, str(wanted), certain=certain) for code in cell)
        if isinstance(cell, str):
            if isinstance(wanted, Between):
                return _band(cell, wanted, certain=certain)
            return self._text(cell, str(wanted), certain=certain)
        return _lies_as(cell, wanted)

    def _text(self, text: str, wanted: str, *, certain: bool) -> bool:
        if text == wanted or text == "*":
            return text == wanted
        values = list(self.below.get(text, ()))
        if text in self.variable.coarser or not values:
            values.append(text)
        hits = (self._value(value, wanted) for value in values)
        return all(hits) if certain else any(hits)

    def _value(self, value: str, wanted: str) -> bool:
        if wanted.endswith("*"):
            return value.startswith(wanted[:-1])
        return value == wanted or wanted in self.variable.coarser.get(value, ())


def _lies_as(cell: Cell, wanted: Wanted) -> bool:
    """Whether a number, truth value, day or moment is the one wanted, or in the span."""
    if isinstance(wanted, Between):
        return lies_in(cell, wanted)
    if not isinstance(cell, date):
        return cell == wanted
    if isinstance(wanted, str):
        wanted = date.fromisoformat(wanted) if len(wanted) == 10 else datetime.fromisoformat(wanted)
    assert isinstance(wanted, date)
    return lies_in(cell, Between(wanted, wanted))


def _band(text: str, span: Between, *, certain: bool) -> bool:
    try:
        bounds = [float(part) for part in text.strip("[])").split(", ")]
    except ValueError:
        return False
    low, high = bounds[0], bounds[-1]
    if certain:
        return lies_in(low, span) and lies_in(high, span)
    return (span.high is None or low <= span.high) and (span.low is None or high >= span.low)  # type: ignore[operator]


def _as_moment(bound: float | date | None, at: time) -> float | date | None:
    if isinstance(bound, date) and not isinstance(bound, datetime):
        return datetime.combine(bound, at)
    return bound


def _had(training: Training, columns: tuple[str, ...]) -> frozenset[Row]:
    rows = training.frame.select(columns).with_columns(pl.Series("\0people", training.people)).unique()
    people = Counter(row[:-1] for row in rows.iter_rows())
    return frozenset(row for row, count in people.items() if count >= training.k)
