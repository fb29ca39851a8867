"""The release as the config's `microaggregation` asks for it, and what is told and kept of it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from anonymizer.tables.table import Table
from anonymizer.transforming.microaggregation import Grouping, Microaggregation, microaggregate, positioned
from release.config.root import Config
from release.files.staging import Staging
from release.files.tables import write

GROUPS = "groups_{table}_{position}"
"""In ``internal/``: each row's group by its position in the input, from 0; -1: none."""


def traceable(config: Config, table: Table) -> Table:
    """The table to be released, with its rows' positions where the config asks for means over them."""
    return positioned(table) if config.microaggregation else table


def averaged(
    config: Config, table: Table, released: pl.DataFrame
) -> tuple[pl.DataFrame, tuple[Grouping, ...]]:
    """What is released of the ``traceable`` table, with the means the config asks for, and the groups."""
    demands = [entry.demand for entry in config.microaggregation]
    return microaggregate(table, released, demands) if demands else (released, ())


def keep_groups(staging: Staging, table_name: str, groupings: Sequence[Grouping]) -> dict[str, str]:
    """Write who was averaged with whom to ``internal/``; what the audit says about it."""
    names = [GROUPS.format(table=table_name, position=position) for position in range(len(groupings))]
    for name, grouping in zip(names, groupings, strict=True):
        write(pl.DataFrame({"group": grouping.group_of_row}), staging.internal, name, ["parquet"])
    kept = ", ".join(f"internal/{name}.parquet" for name in names)
    return {"groups": f"{kept}: whose numbers were averaged"} if names else {}


def demand_on(column: str, groupings: Sequence[Grouping]) -> Microaggregation | None:
    """What was asked of a column's numbers; ``None`` where nothing was."""
    return next((each.demand for each in groupings if column in each.demand.columns), None)
