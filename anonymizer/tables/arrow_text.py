"""Text that Arrow holds, as a column."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import polars as pl

from anonymizer.tables.values import nfc


def text(column: Any, missing: Collection[str] = ()) -> pl.Series:
    """A text column of an Arrow table as String in NFC; ``missing`` values become null.

    Where it is dictionary-encoded, rows with the same text share its bytes.
    """
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return _without(nfc(_series(column)), missing)
    if not column.num_chunks:
        return pl.Series(dtype=pl.String)
    chunks = column.unify_dictionaries().chunks
    distinct = _without(nfc(_series(chunks[0].dictionary)), missing)
    return distinct.gather(_series(pa.chunked_array([chunk.indices for chunk in chunks])))


def _without(cells: pl.Series, missing: Collection[str]) -> pl.Series:
    return cells.set(cells.is_in(list(missing)), None) if missing else cells


def _series(array: Any) -> pl.Series:
    """An Arrow array, by way of a table: on its own polars would load Arrow's compute library for it."""
    import pyarrow as pa

    return pl.DataFrame(pl.from_arrow(pa.table({"": array}))).to_series()
