"""The map of a recoding, and the input's rows by it: a literal join of their base values with levels.

Nothing of the search is used here: what became of which values is what the map says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import polars as pl

from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.tables.table import Column, Table
from release.verifying.labels import Span, labels_between, level_bounds
from release.verifying.recount import key

Kind = Literal["local", "multidimensional", "cell-suppression"]


@dataclass(frozen=True, slots=True)
class RecodingMap:
    """The level of every quasi-identifier for each combination of base values; a secret.

    ``levels`` has one row per combination: for the quasi-identifier at position j its base value ``q(j)`` and
    its ``level_(j)``, Int64, which is null in all columns where such rows are suppressed.
    """

    kind: Kind
    levels: pl.DataFrame

    def span(self, position: int) -> Span:
        """The least and the highest level of a quasi-identifier in the release, (0, 0) if that is empty."""
        cells = self.levels[level(position)].drop_nulls().to_list()
        return min(cells, default=0), max(cells, default=0)


class Recoded(NamedTuple):
    """The input's rows by a map: the quasi-identifiers as they read, and whether a row is ``shown``."""

    columns: Mapping[str, pl.Series]
    shown: pl.Series


def level(position: int) -> str:
    """The name of the map's column of levels for the quasi-identifier at this position."""
    return f"level_{position}"


def check_map(recoding: RecodingMap, table: Table) -> None:
    """Raise ``VerificationFailed`` unless the map has a level within bounds for each column, or none at all,
    once per combination of values.
    """
    quasi = table.quasi_identifiers
    keys, levels = [key(j) for j in range(len(quasi))], [level(j) for j in range(len(quasi))]
    if recoding.levels.columns != [*keys, *levels]:
        raise VerificationFailed("the map of the recoding does not name exactly the quasi-identifiers")
    if recoding.levels.select(keys).is_duplicated().any():
        raise VerificationFailed("the map of the recoding names a combination of values twice")
    nulls = recoding.levels.select(pl.sum_horizontal(pl.col(levels).is_null())).to_series()
    if not nulls.is_in([0, len(levels)]).all():
        raise VerificationFailed("the map of the recoding suppresses a row in part")
    for j, column in enumerate(quasi):
        lowest, highest = level_bounds(column)
        cells = recoding.levels[level(j)]
        outside = int(((cells < lowest) | (cells > highest)).sum())
        if outside:
            raise VerificationFailed(
                "the generalisation level lies outside its bounds", column=column.name, count=outside
            )


def recode(recoding: RecodingMap, table: Table) -> Recoded:
    """The table's rows by the map, in their order.

    Raises:
        VerificationFailed: the map lacks some rows' values.
    """
    quasi = table.quasi_identifiers
    keys = [key(j) for j in range(len(quasi))]
    rows = pl.DataFrame([table.frame[column.name].alias(key(j)) for j, column in enumerate(quasi)])
    known = recoding.levels.with_columns(known=True)
    found = rows.join(known, on=keys, how="left", nulls_equal=True, maintain_order="left")
    if missing := found["known"].null_count():
        raise VerificationFailed("the map of the recoding lacks some rows' values", count=missing)
    columns = {
        column.name: _relabelled(column, found[key(j)], found[level(j)], recoding.span(j))
        for j, column in enumerate(quasi)
    }
    return Recoded(columns, found[level(0)].is_not_null())


def _relabelled(column: Column, cells: pl.Series, levels: pl.Series, span: Span) -> pl.Series:
    """The label of each cell at its own level, as categories; null where it has no level."""
    labels = labels_between(column, cells, span)
    few = pl.Enum(sorted({SUPPRESSED, *labels["label"].drop_nulls()}))
    rows = pl.DataFrame({"value": cells, "level": levels})
    joined = rows.join(labels, on=["value", "level"], how="left", nulls_equal=True, maintain_order="left")
    return joined["label"].cast(few).alias(column.name)
