"""A table as codes and back, all of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import polars as pl

from anonymizer.errors import SynthesisFailed
from synth.axes import Allowed, Axis, Bools, Coded, Codes, Ints
from synth.coding import categories, code_lists, numbers
from synth.coding.coder import Coder, refuse_pickling
from synth.coding.people import People
from synth.conditions import condition
from synth.recipe import Wanted
from synth.variables import Training, Variable


@dataclass(frozen=True, slots=True)
class Codec:
    """What turns the ``variables`` of a table into codes and back, column by column.

    No value that fewer than k people have comes out of ``decode``. It refuses to be pickled: hierarchies may
    name values of few people, and no fitted part of a synthesiser is to lie in a file.
    """

    variables: tuple[Variable, ...] = field(repr=False)
    coders: tuple[Coder, ...] = field(repr=False)

    @classmethod
    def of(cls, training: Training) -> Codec:
        """Return the codec that a table teaches.

        Raises:
            SynthesisFailed: the table has fewer than k people, or no column.
        """
        people = People.of(training.people)
        if not training.variables:
            raise SynthesisFailed("there is no column to learn from")
        if people.count < training.k:
            raise SynthesisFailed(
                "the table has fewer people than one value must have",
                hint="learn from more people, or lower k",
            )
        coders = (
            _learned(training.frame[each.name], each, people, training.k) for each in training.variables
        )
        return cls(training.variables, tuple(coders))

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of all columns, in their order."""
        return tuple(axis for coder in self.coders for axis in coder.axes)

    @property
    def spans(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of each variable's axes."""
        ends = list(accumulate(len(coder.axes) for coder in self.coders))
        return tuple(tuple(range(a, b)) for a, b in zip([0, *ends], ends, strict=False))

    @property
    def merged(self) -> Mapping[str, int]:
        """How many learned cells of each column do not come back as they were. An internal figure."""
        return {each.name: coder.merged for each, coder in self._columns()}

    def coded(self, frame: pl.DataFrame, people: Ints) -> Coded:
        """Return a table as a method sees it."""
        return Coded(self.encode(frame), self.axes, people)

    def encode(self, frame: pl.DataFrame) -> Codes:
        """Return the codes of ``frame``, shape (rows, axes); never an error over what its cells hold.

        A value never learned is coded as its nearest coarser label or band, as ``*``, or as the most
        frequent value.
        """
        codes = np.empty((frame.height, sum(map(len, self.spans))), dtype=np.int32)
        for (variable, coder), span in zip(self._columns(), self.spans, strict=True):
            codes[:, span[0] : span[-1] + 1] = coder.encode(frame[variable.name])
        return codes

    def decode(self, codes: Codes, rng: np.random.Generator) -> pl.DataFrame:
        """Return drawn rows for ``codes`` (shape (rows, axes)), in the canonical types.

        A number, day or moment is drawn uniformly from its band.
        """
        return pl.DataFrame(
            [
                coder.decode(codes[:, span[0] : span[-1] + 1], rng).alias(variable.name)
                for (variable, coder), span in zip(self._columns(), self.spans, strict=True)
            ]
        )

    def matching(self, name: str, wanted: Wanted) -> Allowed:
        """Return the codes whose cells all hold what is ``wanted`` of the column ``name``.

        A band or coarser label that holds it only in part is not allowed.

        Raises:
            BadConfig: there is no such column, it cannot hold that, or nothing that k people have does.
        """
        condition(self.variables, name, wanted)
        place = [each.name for each in self.variables].index(name)
        found: Mapping[int, Bools] = self.coders[place].matching(wanted)
        return {self.spans[place][axis]: mask for axis, mask in found.items()}

    __reduce__ = refuse_pickling

    def _columns(self) -> Sequence[tuple[Variable, Coder]]:
        return tuple(zip(self.variables, self.coders, strict=True))


def _learned(cells: pl.Series, variable: Variable, people: People, k: int) -> Coder:
    if variable.type in ("string", "boolean"):
        return categories.learned(cells, variable, people, k)
    if variable.type == "list":
        return code_lists.learned(cells, variable, people, k)
    return numbers.learned(cells, variable, people, k)
