"""What a synthesiser is told of a table: its columns, its rows, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Type = Literal["string", "integer", "number", "boolean", "date", "datetime", "list"]
"""The types of released columns, as in Table Schema; a list is one of codes."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One column to synthesise, and what is public about its values.

    ``coarser`` tells of each value of a text column, or code of a list, what it becomes at every coarser
    level of its generalisation hierarchy, the nearest first; ``order`` is the place of each value of a text
    column whose values have an order (bands, days), as a number. ``low`` and ``high`` bound a number's
    values. None of this comes from the data.
    """

    name: str
    type: Type
    coarser: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: Mapping[str, float] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """The table a synthesiser learns from.

    ``frame`` has the columns of ``variables`` in their order, in the types of ``release.files.tables`` or in
    words (numbers as Float64, days as ISO text, truth values as text). ``people`` (int64, shape (rows,))
    numbers whose rows they are. What fewer than ``k`` people have is not learned.

    Raises:
        ValueError: the shapes or columns contradict one another.
    """

    frame: pl.DataFrame
    variables: tuple[Variable, ...]
    people: NDArray[np.int64]
    k: int = 5

    def __post_init__(self) -> None:
        people = self.people.copy()
        people.setflags(write=False)
        object.__setattr__(self, "people", people)
        if self.frame.columns != [each.name for each in self.variables]:
            raise ValueError("the frame must have the columns of the variables, in their order")
        if len(people) != self.frame.height:
            raise ValueError("every row belongs to a person")
        if self.k < 1:
            raise ValueError("k must be 1 or more")
