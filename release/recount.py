"""Literal counting of equivalence classes: every criterion once more, apart from the search."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from anonymizer.criteria import Criterion, KAnonymity

PERSON = "person"


def key(position: int) -> str:
    """The name, in a frame to be counted, of the quasi-identifier at this position."""
    return f"q{position}"


def base(position: int) -> str:
    """The name, in a frame to be counted, of the base values that the criterion at this position counts."""
    return f"b{position}"


def countable(
    quasi_identifiers: Sequence[pl.Series], person: pl.Series, base_values: dict[int, pl.Series]
) -> pl.DataFrame:
    """One row per released row: its quasi-identifiers, its person, and base values by criterion."""
    # Without any quasi-identifier nobody can be told apart: all rows are one class.
    keys = quasi_identifiers or [pl.repeat("*", len(person), eager=True)]
    columns = [cells.alias(key(i)) for i, cells in enumerate(keys)]
    return pl.DataFrame(
        [*columns, person.alias(PERSON), *(cells.alias(base(i)) for i, cells in base_values.items())]
    )


def keys_of(rows: pl.DataFrame) -> list[str]:
    """The quasi-identifiers' names in a frame made by ``countable``."""
    return [name for name in rows.columns if name.startswith("q")]


def count_classes(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per equivalence class: rows, distinct people, distinct base values (missing is none)."""
    items = [name for name in rows.columns if name == PERSON or name.startswith("b")]
    distinct = [pl.col(name).drop_nulls().n_unique() for name in items]
    return rows.group_by(keys_of(rows)).agg(pl.len().cast(pl.Int64).alias("rows"), *distinct)


def meets(criteria: Sequence[Criterion]) -> pl.Expr:
    """Which classes of ``count_classes`` meet every criterion."""
    claims = [pl.col(counted_by(c, i)) >= required(c) for i, c in enumerate(criteria)]
    return pl.all_horizontal(pl.lit(value=True), *claims)


def least(classes: pl.DataFrame, criterion: Criterion, position: int) -> int | None:
    """The smallest count of any class for a criterion; None where there is no class."""
    smallest = classes[counted_by(criterion, position)].min()
    return None if smallest is None else int(smallest)  # type: ignore[arg-type]


def counted_by(criterion: Criterion, position: int) -> str:
    """The column of ``count_classes`` that a criterion looks at."""
    return PERSON if isinstance(criterion, KAnonymity) else base(position)


def required(criterion: Criterion) -> int:
    """The smallest count the criterion allows."""
    return criterion.k if isinstance(criterion, KAnonymity) else criterion.l
