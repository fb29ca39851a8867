"""The population that people come from: how many of it match each class, and what criteria ask of that.

A population is a table of the quasi-identifiers with one row per person. Tuples that it alone has take part
in roll-up without any rows: their classes are not released, and are marked as broken so that they count
nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.criteria import Criterion, DeltaPresence, KMap
from anonymizer.errors import BadConfig, BadInput
from anonymizer.hierarchies.encoding import Codes, Counts64, Ladder, encode
from anonymizer.tables.table import Column, Table

Mask = NDArray[np.bool_]


def needs_population(criteria: Sequence[Criterion]) -> bool:
    """Whether a criterion counts the people of a population."""
    return any(
        isinstance(c, DeltaPresence) or (isinstance(c, KMap) and c.sampling_fraction is None)
        for c in criteria
    )


def encode_with_population(table: Table) -> tuple[list[tuple[Codes, Ladder]], Counts64]:
    """Codes and ladder per quasi-identifier, the population's distinct tuples after the table's rows.

    Beside them the people per distinct tuple of the population, int64. A ladder has a leaf for missing only
    where the table has missing values: no loss depends on the population.

    Raises:
        BadConfig: there is no population.
        BadInput: values outside a hierarchy, in the table or in its population.
    """
    if table.population is None:
        raise BadConfig("a criterion needs a population, and there is none")
    columns = table.quasi_identifiers
    tuples = table.population.group_by([column.name for column in columns]).len("people")
    encoded = [_encode_both(table.frame[c.name], tuples[c.name], c) for c in columns]
    return encoded, tuples["people"].cast(pl.Int64).to_numpy()


def require_contained(people: Counts64, population: Counts64) -> None:
    """Raise ``BadInput`` where a tuple has more people in the data than in the population; int64 (tuples)."""
    if strangers := int(np.maximum(people - population, 0).sum()):
        raise BadInput(
            "people of the data are not in the population",
            count=strangers,
            hint="the population must hold everybody, with the same quasi-identifiers",
        )


def judge_presence(people: Counts64, population: Counts64, criterion: DeltaPresence) -> tuple[Mask, Counts64]:
    """Which classes break delta-presence, and how many of their people are lost in every specialisation.

    ``people`` and ``population`` are int64 (classes). Where ``lower`` is above 0, a class of the population
    without anybody of the data breaks it for all: suppression cannot help, since nobody there is released
    anyway, and every specialisation has such a class too. Whatever is kept of a class is at most ``upper`` of
    its population, since the criterion is closed under union.
    """
    least, most = _share_of(population, criterion.lower, up=True), _share_of(population, criterion.upper)
    if criterion.lower > 0 and bool(((people == 0) & (population > 0)).any()):
        return np.ones(len(people), np.bool_), people.copy()
    return (people < least) | (people > most), np.maximum(people - most, 0)


def _share_of(population: Counts64, share: Fraction, *, up: bool = False) -> Counts64:
    """floor(share * population), or its ceiling, exactly; int64 (classes)."""
    sizes, place = np.unique(population, return_inverse=True)
    numerator, denominator = share.as_integer_ratio()
    rounding = denominator - 1 if up else 0
    shares = [(size * numerator + rounding) // denominator for size in sizes.tolist()]
    return np.array(shares, np.int64)[place]


def _encode_both(cells: pl.Series, others: pl.Series, column: Column) -> tuple[Codes, Ladder]:
    codes, ladder = encode(pl.concat([cells, others.cast(cells.dtype)]), column)
    if not others.null_count() or cells.null_count():
        return codes, ladder
    leaf_counts = ladder.leaf_counts.copy()
    leaf_counts[ladder.top] -= 1
    return codes, replace(ladder, leaf_counts=leaf_counts, leaves=ladder.leaves - 1)
