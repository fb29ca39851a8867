"""Small tables to synthesise, and a coding and methods so plain that what they draw is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from anonymizer.errors import BadConfig
from synth.axes import Allowed, Axis, Coded, Codes
from synth.methods.drawing import rejected
from synth.recipe import Constraint, Recipe, Wanted
from synth.rewriting.cells import DTYPES
from synth.rewriting.checking import Reader
from synth.variables import Training, Type, Variable


@dataclass(frozen=True, slots=True)
class Independent:
    """A method that draws each axis from its own column: it knows no dependence between any two."""

    coded: Coded

    def sample(self, n: int, rng: np.random.Generator, allowed: Allowed | None = None) -> Codes:
        """Return ``n`` rows, shape (n, axes)."""
        return rejected(self._drawn, n, rng, allowed)

    def _drawn(self, n: int, rng: np.random.Generator) -> Codes:
        rows, axes = self.coded.codes.shape
        return np.column_stack([self.coded.codes[rng.integers(rows, size=n), axis] for axis in range(axes)])


@dataclass(frozen=True, slots=True)
class Copies:
    """A method that draws the rows it learned: it remembers everything."""

    coded: Coded

    def sample(self, n: int, rng: np.random.Generator, allowed: Allowed | None = None) -> Codes:
        """Return ``n`` rows, shape (n, axes)."""
        return rejected(self._drawn, n, rng, allowed)

    def _drawn(self, n: int, rng: np.random.Generator) -> Codes:
        return self.coded.codes[rng.integers(len(self.coded.codes), size=n)]


def table(
    columns: Mapping[str, tuple[Type, list[object]]],
    *,
    k: int = 1,
    coarser: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None,
) -> Training:
    """Return a table to learn from, each row a person's own."""
    variables = tuple(
        Variable(name, type_, coarser=(coarser or {}).get(name, {})) for name, (type_, _) in columns.items()
    )
    frame = pl.DataFrame(
        [pl.Series(name, cells, dtype=DTYPES[type_]) for name, (type_, cells) in columns.items()]
    )
    return Training(frame, variables, np.arange(frame.height), k)


def recipe(*constraints: Constraint, given: Mapping[str, Wanted] | None = None) -> Recipe:
    """Return a recipe whose method is whatever the test puts in its place."""
    return Recipe("cart", given=given or {}, constraints=constraints)


@dataclass(frozen=True, slots=True)
class ExactCoding:
    """A coding that keeps every value: each has a code of its own, and missing has the last."""

    variables: tuple[Variable, ...]
    values: tuple[tuple[object, ...], ...]
    axes: tuple[Axis, ...]

    @classmethod
    def of(cls, training: Training) -> ExactCoding:
        """Return the coding of a table."""
        values = tuple(
            (*sorted({_hashable(cell) for cell in training.frame[name] if cell is not None}, key=repr), None)
            for name in training.frame.columns
        )
        axes = tuple(
            Axis(each.name, len(cells), np.full(len(cells), np.nan))
            for each, cells in zip(training.variables, values, strict=True)
        )
        return cls(training.variables, values, axes)

    @property
    def merged(self) -> Mapping[str, int]:
        """Nothing is merged."""
        return {}

    def encode(self, frame: pl.DataFrame) -> Codes:
        """Return the place of each cell among its column's values."""
        places = [{value: code for code, value in enumerate(cells)} for cells in self.values]
        columns = [
            [place[_hashable(cell)] for cell in frame[each.name]]
            for each, place in zip(self.variables, places, strict=True)
        ]
        return np.array(columns, dtype=np.int32).reshape(len(columns), frame.height).T

    def decode(self, codes: Codes, rng: np.random.Generator) -> pl.DataFrame:
        """Return the values of codes."""
        return pl.DataFrame(
            [
                pl.Series(each.name, [_cell(cells[code]) for code in column], dtype=DTYPES[each.type])
                for each, cells, column in zip(self.variables, self.values, codes.T, strict=True)
            ]
        )

    def matching(self, variable_name: str, wanted: Wanted) -> Allowed:
        """Return the codes of values that match."""
        at = [each.name for each in self.variables].index(variable_name)
        reader = Reader.of(self.variables[at])
        found = [reader.matches(_cell(value), wanted, certain=True) for value in self.values[at]]
        if not any(found):
            raise BadConfig("nothing matches", column=variable_name)
        return {at: np.array(found)}


def _hashable(cell: object) -> object:
    return tuple(cell) if isinstance(cell, pl.Series | list) else cell


def _cell(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
