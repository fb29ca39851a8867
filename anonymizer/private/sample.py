"""What differential privacy makes of a table before it is generalised: a random sample, one row a person.

All randomness comes from the operating system's generator: whoever could guess it would know who was drawn.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import BadConfig
from anonymizer.hierarchies.encoding import encode
from anonymizer.private.differential_privacy import DRAWS, DifferentialPrivacy, Sampling, sampling_for
from anonymizer.private.exponential_mechanism import Chance, SystemChance
from anonymizer.private.levels import choose_levels
from anonymizer.tables.table import Table

Positions = NDArray[np.int64]
Bits = Callable[[int], bytes]
_BYTES = (DRAWS - 1).bit_length() // 8


@dataclass(frozen=True, slots=True)
class PrivateSample:
    """Who was drawn from the ``input``, and how: by the rules of ``demand``.

    ``rows`` are positions in the input, rising, each of another person. ``rows`` and ``input`` are secrets;
    ``levels``, which maps each quasi-identifier to its level, may be told.
    """

    demand: DifferentialPrivacy
    input: Table
    sampling: Sampling
    levels: Mapping[str, int]
    rows: Positions

    def __post_init__(self) -> None:
        self.rows.setflags(write=False)

    @property
    def table(self) -> Table:
        """The rows that were drawn."""
        return rows_of(self.input, self.rows)

    @property
    def told(self) -> dict[str, int | float]:
        """What anybody may know of it, by name; ``epsilon`` is the total."""
        return {
            "epsilon": float(self.demand.total_epsilon),
            "delta": float(self.demand.delta),
            "epsilon_search": float(self.demand.epsilon_search),
            "beta": float(self.sampling.beta),
            "k": self.sampling.k,
        }


def draw(
    table: Table,
    demand: DifferentialPrivacy,
    *,
    chance: Chance | None = None,
    bits: Bits = secrets.token_bytes,
) -> PrivateSample:
    """The people drawn from ``table`` and the levels of its quasi-identifiers.

    A person with several rows takes part with one of them, drawn from that person's rows alone: then removing
    a person changes nothing about the others. Every value is looked up in its hierarchy, drawn or not, so
    that whether a run fails does not depend on the sample.

    Raises:
        BadInput: values outside a hierarchy.
        BadConfig: levels are not fixed and there is no budget to choose them, or too many to choose from.
    """
    for column in table.quasi_identifiers:
        encode(table.frame[column.name], column)
    sampling = sampling_for(demand.epsilon, demand.delta)
    own = one_row_each(table, bits)
    if demand.epsilon_search:
        people = rows_of(table, own)
        chance = chance or SystemChance()
        levels = choose_levels(people, sampling, epsilon=demand.epsilon_search, chance=chance)
    else:
        levels = fixed_levels(table)
    rows = own[_numbers(len(own), bits) < np.uint64(sampling.drawn)]
    return PrivateSample(demand, table, sampling, levels, rows)


def one_row_each(table: Table, bits: Bits = secrets.token_bytes) -> Positions:
    """The position of one row of each person, each of the person's rows equally likely; rising."""
    if table.subject is None:
        return np.arange(table.frame.height)
    rows = pl.DataFrame(
        {
            "person": table.frame[table.subject],
            "row": pl.int_range(table.frame.height, eager=True),
            "number": _numbers(table.frame.height, bits),
        }
    )
    chosen = rows.group_by("person").agg(pl.col("row").sort_by("number", "row").first())
    return chosen["row"].sort().to_numpy().copy()


def rows_of(table: Table, rows: Positions) -> Table:
    """The table of the rows at these positions."""
    return replace(table, frame=table.frame[rows])


def fixed_levels(table: Table) -> dict[str, int]:
    """The levels of quasi-identifiers whose bounds leave no choice; raises ``BadConfig`` where one does."""
    free = [column.name for column in table.quasi_identifiers if column.min_level != column.max_level]
    if free:
        raise BadConfig("min_level must be max_level, or epsilon_search pay for a choice", column=free[0])
    return {column.name: column.min_level for column in table.quasi_identifiers}


def _numbers(count: int, bits: Bits) -> NDArray[np.uint64]:
    """Independent uniform 64-bit numbers."""
    return np.frombuffer(bits(_BYTES * count), dtype="<u8").astype(np.uint64)
