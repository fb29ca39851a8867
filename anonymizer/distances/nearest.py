"""The exact search for nearest records, and for the cones that a record lies in."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.distances.encoding import UNIT, Encoded, Floats32, Longs, Scale
from anonymizer.distances.kernels import Boxes, Cones, Rows, narrowest, nearest
from anonymizer.distances.leaves import leaves_of

Floats = NDArray[np.float64]

NOBODY = -1
"""The person number of a record that is nobody's of the reference."""
_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Index:
    """A reference that can be searched: its rows in leaves, ``order`` int64 (rows,) from where they stood."""

    scale: Scale
    rows: Rows
    boxes: Boxes
    order: Longs

    @classmethod
    def of(cls, reference: pl.DataFrame, scale: Scale, people: Longs) -> Index:
        """Return an index of a reference, whose rows belong to ``people``, int64 (rows,) from 0.

        The scale is that of the reference, or of a table that has all of its categories and codes.

        Raises:
            ValueError: the reference has no rows.
        """
        if not reference.height:
            raise ValueError("a reference must have rows")
        encoded = scale.encode(reference)
        leaves = leaves_of(encoded)
        boxes = Boxes(leaves.starts, leaves.low, leaves.high, leaves.present)
        return cls(scale, _rows(encoded.take(leaves.order), people[leaves.order]), boxes, leaves.order)

    @property
    def farthest(self) -> int:
        """The largest distance there can be, in the units of distances."""
        return UNIT * len(self.scale.kinds)

    def nearest(self, queries: Encoded, people: Longs, *, k: int = 1) -> tuple[Floats32, Longs]:
        """Return each query's k nearest rows of the reference that are not its person's, nearest first.

        The distances, float32 (queries, k), are whole numbers, ``farthest`` at most, infinite where there are
        no more rows; the rows, int64 likewise, are -1 there. Which of several equally near rows is named is
        not defined. ``people`` int64 (queries,) has ``NOBODY`` for those whom the reference has not.
        """
        distances = np.full((queries.rows, k), np.inf, np.float32)
        rows = np.full((queries.rows, k), -1, np.int64)

        def search(part: slice) -> None:
            asked = _rows(queries.take(np.arange(part.start, part.stop)), people[part])
            nearest(asked, self.rows, self.boxes, distances[part], rows[part])

        _in_parts(queries.rows, search)
        return distances, np.where(rows < 0, rows, self.order[rows])

    def cones(self, *, rank: int, spare: int = 0) -> Cones:
        """Return each row's distance to its ``rank``-th nearest row of other people, in leaf order.

        ``spare`` further ones are kept, so that as many rows of one person can be taken out. Where there are
        too few other rows, the distance is the largest there can be.
        """
        encoded = Encoded(*self.rows[:-1])
        distances, rows = self.nearest(encoded, self.rows.people, k=rank + spare)
        places = np.argsort(self.order)[rows]
        people = np.where(rows < 0, NOBODY, self.rows.people[places])
        known = np.where(rows < 0, np.float32(self.farthest), distances)
        widest = np.maximum.reduceat(known[:, -1], self.boxes.starts[:-1])
        return Cones(_fixed(known), _fixed(people), _fixed(widest), rank - 1)

    def narrowest(
        self, queries: Encoded, people: Longs, cones: Cones, *, below: tuple[int, int] = (1, 0)
    ) -> Floats:
        """Return each query's least distance as a share of a row's width, over all rows of other people.

        Shape (queries, 2), whole numbers: the distance and the width; ``below`` where no row's share is less.
        """
        ratios = np.tile(np.array(below, np.float64), (queries.rows, 1))

        def search(part: slice) -> None:
            asked = _rows(queries.take(np.arange(part.start, part.stop)), people[part])
            narrowest(asked, self.rows, self.boxes, cones, ratios[part])

        _in_parts(queries.rows, search)
        return ratios


def _rows(encoded: Encoded, people: Longs) -> Rows:
    arrays = (encoded.numbers, encoded.categories, encoded.starts, encoded.members, encoded.signatures)
    return Rows(*arrays, _fixed(people))


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array


def _in_parts(rows: int, search: Callable[[slice], None]) -> None:
    """Search part by part, on as many cores as there are; parts share nothing, so the order is no matter."""
    parts = [slice(start, min(start + _AT_ONCE, rows)) for start in range(0, rows, _AT_ONCE)]
    with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        list(pool.map(search, parts))
