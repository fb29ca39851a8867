"""The population that people come from, encoded beside the table: how many of it match each tuple.

A population is a table of the quasi-identifiers with one row per person. Tuples that it alone has take part
in roll-up without any rows: their classes are not released, and are marked as broken so that they count
nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from anonymizer.criteria import Criterion, DeltaPresence, KMap
from anonymizer.errors import BadConfig, BadInput
from anonymizer.hierarchies.encoding import Codes, Counts64, Ladder, encode
from anonymizer.tables.table import Column, Table


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


def _encode_both(cells: pl.Series, others: pl.Series, column: Column) -> tuple[Codes, Ladder]:
    codes, ladder = encode(pl.concat([cells, others.cast(cells.dtype)]), column)
    if not others.null_count() or cells.null_count():
        return codes, ladder
    leaf_counts = ladder.leaf_counts.copy()
    leaf_counts[ladder.top] -= 1
    return codes, replace(ladder, leaf_counts=leaf_counts, leaves=ladder.leaves - 1)
