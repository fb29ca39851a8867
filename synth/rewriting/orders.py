"""Orders: a column that is never less than another is learned as what is added to that other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl

from anonymizer.errors import BadConfig
from synth.conditions import named
from synth.recipe import Between, Order
from synth.variables import Training, Type, Variable

_KINDS: dict[Type, str] = {"integer": "number", "number": "number", "date": "date", "datetime": "datetime"}
_UNITS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000)
_MOST_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Link:
    """One later column: how much it adds to the last one before it that is not missing.

    ``added`` counts in ``unit`` (1, or microseconds of a moment). Sums beyond the ``span`` that k
    people reach are not to be drawn. ``alone`` holds the column's own value in rows where all before it are
    missing; None where the data have no such row. Numbers are rounded to ``decimals`` places (None: not at
    all).
    """

    variable: Variable
    added: Variable
    alone: Variable | None
    span: Between
    unit: int = 1
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """A first column and those that are never less than it, in order."""

    first: str
    links: tuple[Link, ...]

    def undone(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with the later columns put back: each is no less than those before it."""
        base = _numbers(frame[self.first])
        for link in self.links:
            base, cells = _put_back(frame, link, base)
            names = [each.name for each in (link.added, link.alone) if each is not None]
            frame = frame.drop(names).with_columns(cells)
        return frame


def chained(training: Training, constraint: Order) -> tuple[Training, Chain, int]:
    """Return the table with differences instead of the later columns, how to undo it, and what was left out.

    Nothing is lost: missing cells stay so, and what follows on missing cells keeps a column of its own. A
    value less than the one before it breaks the order: it is not learned from, and becomes missing.
    """
    links: list[Link] = []
    broken = 0
    base = _numbers(training.frame[constraint.columns[0]])
    for name in constraint.columns[1:]:
        cells = _numbers(training.frame[name])
        falls = (cells < base).fill_null(False)
        cells = cells.set(falls, None)
        broken += int(falls.sum())
        training, link = _linked(training, name, cells, base)
        links.append(link)
        base = cells.zip_with(cells.is_not_null(), base)
    return training, Chain(constraint.columns[0], tuple(links)), broken


def check_order(variables: tuple[Variable, ...], constraint: Order) -> None:
    """Raise ``BadConfig`` unless two or more different columns are all numbers, all days or all moments."""
    if len(set(constraint.columns)) != len(constraint.columns) or len(constraint.columns) < 2:
        raise BadConfig("an order needs two or more columns, each once")
    kinds = [_KINDS.get(named(variables, name).type) for name in constraint.columns]
    for name, (kind, following) in zip(constraint.columns[1:], pairwise(kinds), strict=True):
        if kind is None or following is None or kind != following:
            raise BadConfig(
                "the columns of an order must all be numbers, all days or all moments", column=name
            )


def _linked(training: Training, name: str, cells: pl.Series, base: pl.Series) -> tuple[Training, Link]:
    variable = named(training.variables, name)
    difference, own = cells - base, cells.set(base.is_not_null(), None)
    unit = _unit(difference, training) if variable.type == "datetime" else 1
    is_whole = difference.dtype == pl.Int64
    added = Variable(_free(training, f"{name} added"), "integer" if is_whole else "number", low=0.0)
    alone = replace(variable, name=_free(training, f"{name} alone")) if own.count() else None
    columns = [(difference // unit if is_whole else difference).alias(added.name)]
    if alone is not None:
        columns.append(_back(own, variable).alias(alone.name))
    new = (added,) if alone is None else (added, alone)
    decimals = _decimals(cells, training) if variable.type == "number" else None
    link = Link(variable, added, alone, _reached(_back(cells, variable), training), unit, decimals)
    return _replaced(training, name, new, columns), link


def _reached(cells: pl.Series, training: Training) -> Between:
    """What k people reach from either end; nothing can be drawn between ends that fewer people have."""
    told = pl.DataFrame({"person": training.people, "cell": cells}).drop_nulls()
    ends = told.group_by("person").agg(low=pl.col("cell").min(), high=pl.col("cell").max())
    if ends.height < training.k:
        return Between()
    low = ends["low"].sort()[training.k - 1]
    high = ends["high"].sort(descending=True)[training.k - 1]
    return Between(min(low, high), max(low, high))


def _replaced(training: Training, name: str, new: tuple[Variable, ...], columns: list[pl.Series]) -> Training:
    """The table with ``new`` variables in the place of one."""
    place = [each.name for each in training.variables].index(name)
    variables = (*training.variables[:place], *new, *training.variables[place + 1 :])
    frame = training.frame.with_columns(columns).select([each.name for each in variables])
    return replace(training, frame=frame, variables=variables)


def _put_back(frame: pl.DataFrame, link: Link, base: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The base of the next link as numbers, and this link's column."""
    difference = frame[link.added.name].clip(lower_bound=0) * link.unit
    cells = base + difference
    if link.decimals is not None:
        cells = _at_least(cells.round(link.decimals), base)
    if link.variable.type == "integer" and cells.dtype != pl.Int64:
        cells = cells.ceil().cast(pl.Int64)
    if link.alone is not None:
        cells = _numbers(frame[link.alone.name]).zip_with(base.is_null(), cells)
    return cells.zip_with(cells.is_not_null(), base), _back(cells, link.variable).alias(link.variable.name)


def _at_least(cells: pl.Series, base: pl.Series) -> pl.Series:
    return cells.zip_with((cells >= base).fill_null(True), base)


def _numbers(cells: pl.Series) -> pl.Series:
    """Days and moments as whole numbers."""
    return cells.to_physical().cast(pl.Int64) if cells.dtype.is_temporal() else cells


def _back(cells: pl.Series, variable: Variable) -> pl.Series:
    if variable.type == "date":
        return cells.cast(pl.Int32).cast(pl.Date)
    return cells.cast(pl.Datetime("us")) if variable.type == "datetime" else cells


def _unit(difference: pl.Series, training: Training) -> int:
    """The largest usual unit, in microseconds, that all differences but of k - 1 people are multiples of."""
    return next((unit for unit in _UNITS if _is_usual(difference % unit == 0, training)), 1)


def _decimals(cells: pl.Series, training: Training) -> int | None:
    """How many decimals the numbers of all but k - 1 people have."""
    places = range(_MOST_DECIMALS + 1)
    return next((each for each in places if _is_usual(cells.round(each) == cells, training)), None)


def _is_usual(holds: pl.Series, training: Training) -> bool:
    """Whether fewer than k people have a row where it does not hold: one of them alone decides nothing."""
    exceptions = ~holds.fill_null(value=True).to_numpy()
    return len(np.unique(training.people[exceptions])) < training.k


def _free(training: Training, name: str) -> str:
    """A name that no column has."""
    while name in training.frame.columns:
        name += "_"
    return name
