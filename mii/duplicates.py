"""Each resource once: an export holds the same one in several Bundles, and now and then in two versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mii.dates import moments
from mii.digests import DIGEST
from mii.facts import plain

PORTION_IDS = 1 << 17
"""Repeated ids that are compared at a time."""

_KEY = ("type", *DIGEST)
_NOT_CONTENT = (*DIGEST, "id", "updated")

Frames = Sequence[pl.DataFrame]
Schema = Mapping[str, Any]


def deduplicated(
    telling: list[pl.DataFrame], dating: list[pl.DataFrame], *, schemas: tuple[Schema, Schema]
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, int]]:
    """The rows of ``telling`` and of ``dating`` with each id of a type once, and by type how many ids have
    different contents.

    The frames have the columns `DIGEST` and updated beside those of their schema, and lack those that are
    missing in all rows. Of different contents the one updated last is kept. Without ``meta.lastUpdated`` the
    choice depends on the content alone, never on the order of files. Only the rows of repeated ids are
    compared, and so many of them at a time that what is made on the way stays small; the two lists are empty
    afterwards, so that no row is held twice.
    """
    several = _repeated(_halves([*telling, *dating]))
    again: list[pl.DataFrame] = []
    tells = [_taken(frame, several, again, schemas[0]) for frame in _emptied(telling)]
    dates = [_taken(frame, several, again, schemas[1]) for frame in _emptied(dating)]
    different = Counter[str]()
    for found in _portions(again, several):
        kept, conflicts = _latest(found, list(schemas[0]))
        told = kept["codes"].is_not_null()
        tells.append(kept.filter(told).cast(pl.Schema(schemas[0])))
        dates.append(kept.filter(~told).select(*schemas[1]).cast(pl.Schema(schemas[1])))
        different.update(conflicts)
    return _stacked(tells, schemas[0]), _stacked(dates, schemas[1]), dict(different)


def distinct(frames: Frames) -> int:
    """How many different `DIGEST` the rows of some frames have."""
    several = _repeated(_halves(frames))
    rows = sum(frame.height for frame in frames)
    again = pl.concat([frame.filter(_are_among(frame, several)) for frame in frames])
    return rows - again.height + again.n_unique()


def _stacked(frames: Frames, schema: Schema) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=dict(schema)), *frames], how="diagonal")


def _halves(frames: Frames) -> NDArray[np.uint64]:
    return np.concatenate([np.zeros(0, np.uint64), *(frame[DIGEST[0]].to_numpy() for frame in frames)])


def _repeated(halves: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Those that stand more than once among ``halves``, which it sorts; ascending."""
    halves.sort()
    again = halves[1:]
    return np.unique(again[again == halves[:-1]])


def _emptied(frames: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The frames of a list, which loses them."""
    frames.reverse()
    while frames:
        yield frames.pop()


def _taken(
    frame: pl.DataFrame, several: NDArray[np.uint64], again: list[pl.DataFrame], schema: Schema
) -> pl.DataFrame:
    """The columns of ``schema`` of the rows whose ids are not in ``several``; ``again`` gets the others."""
    are = _are_among(frame, several)
    own = frame.select(name for name in schema if name in frame.columns)
    if not are.any():
        return own
    again.append(frame.filter(are))
    return own.filter(~are)


def _are_among(frame: pl.DataFrame, several: NDArray[np.uint64]) -> NDArray[np.bool_]:
    own = frame[DIGEST[0]].to_numpy()
    if not len(several):
        return np.zeros(len(own), dtype=np.bool_)
    places = np.minimum(np.searchsorted(several, own), len(several) - 1)
    return np.asarray(several[places] == own)


def _portions(frames: Frames, several: NDArray[np.uint64]) -> Iterator[pl.DataFrame]:
    """All rows of the ids in ``several``, those of one id together, their categories as texts."""
    for start in range(0, len(several), PORTION_IDS):
        some = several[start : start + PORTION_IDS]
        own = [frame.filter(_are_among(frame, some)) for frame in frames]
        yield pl.concat([plain(frame) for frame in own], how="diagonal")


def _latest(found: pl.DataFrame, names: Sequence[str]) -> tuple[pl.DataFrame, Counter[str]]:
    """One row of each id, and by type how many ids have several contents."""
    lacking = [pl.lit(None, pl.String).alias(n) for n in (*names, "updated") if n not in found.columns]
    content = [name for name in names if name not in _NOT_CONTENT]
    found = found.with_columns(lacking)
    variants = found.unique([*_KEY, *content]).group_by(_KEY).len().filter(pl.col("len") > 1)
    counts = variants.group_by("type").len()
    order = [moments(found["updated"]), *content]
    chosen = found.sort(order, nulls_last=False).unique(_KEY, keep="last", maintain_order=True)
    return chosen, Counter(dict(zip(counts["type"], counts["len"], strict=True)))
