"""How much any recoding of Adult can keep: an upper bound of granularity, k = 5, nobody suppressed.

    python -m benchmarks.recoding_bound          writes benchmarks/results/recoding_bound.json

Say every distinct tuple t of r_t rows has a multiplier u_t >= 0. A recoding puts every row into some group of
at least k rows at a node of the lattice, where a row pays the price c of its cells. Relax that every row is
in one group, at u_t per row; then each group can be chosen by itself, and the best it can do is to take every
row with u_t > c and, if those are too few, the next best up to k rows. So

    price of any recoding >= sum r_t u_t - sum over groups max(0, sum over the rows it takes (u_t - c))

for whatever multipliers (Lagrangian relaxation; Held, Wolfe and Crowder, Math. Programming 6, 1974). It holds
for recodings that treat rows of one tuple differently, too. Those in results/recoding_bound.parquet were
found by the subgradient method, some hundred steps; here they are only put in, in integers.

The price is granularity as ARX averages it over columns (see `anonymizer.recoding.quality`).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from itertools import product
from math import ceil

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.compiled import kernel
from anonymizer.counting.classes import Ladders, number_classes
from anonymizer.counting.counts import Counts
from anonymizer.recoding.box_kernels import ROW, Tree
from anonymizer.recoding.recoding import tree_of
from benchmarks.measure import RESULTS, write
from benchmarks.recoding import adult

K = 5
MULTIPLIERS = RESULTS / "recoding_bound.parquet"
Ints = NDArray[np.int64]


def arx_prices(counts: Counts) -> Tree:
    """What cells pay where columns count as in ARX's mean: by (leaves - 1) / leaves."""
    return tree_of([replace(each, weight=(each.leaves - 1) / each.leaves) for each in counts.ladders])


def bound(counts: Counts, tree: Tree, multipliers: Ints, *, k: int = K) -> float:
    """An upper bound of the granularity of every recoding of all rows; ``multipliers`` int64, one a tuple."""
    ladders, everyone = Ladders.of(counts), np.arange(counts.n_tuples, dtype=np.int32)
    saved = 0
    for node in product(*(range(each.lowest, each.highest + 1) for each in counts.ladders)):
        at = tree.offsets + np.array(node) * tree.values + counts.codes
        prices = tree.prices[at].sum(axis=1)
        if (multipliers > prices).any():
            class_of, classes = number_classes(counts, ladders, everyone, node)
            saved += int(most_saved(class_of, classes, counts.rows, prices, multipliers, k))
    price = int((multipliers * counts.rows).sum()) - saved
    # Every price is rounded to the nearest unit, and a row pays one per column.
    return 1 - (price / counts.n_rows - len(tree.values) / 2) / ROW


@kernel
def most_saved(class_of, classes, rows, prices, multipliers, k):  # type: ignore[no-untyped-def]
    """The sum over all classes of the most that one of ``k`` rows or more saves; int64."""
    held, wanted = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
    saved = np.zeros(classes, np.int64)
    for t in range(len(class_of)):
        c = class_of[t]
        held[c] += rows[t]
        if multipliers[t] > prices[t]:
            wanted[c] += rows[t]
            saved[c] += rows[t] * (multipliers[t] - prices[t])
    # What the best k other rows of a class cost that wants some and too few, the dearest last.
    cost = np.full((classes, k), np.int64(2**62))
    for t in range(len(class_of)):
        c = class_of[t]
        if multipliers[t] <= prices[t] and 0 < wanted[c] < k <= held[c]:
            for _ in range(min(rows[t], k)):
                _insert(cost[c], prices[t] - multipliers[t])
    total = np.int64(0)
    for c in range(classes):
        if held[c] >= k and wanted[c] > 0:
            for i in range(k - wanted[c]):
                saved[c] -= cost[c, i]
            total += max(saved[c], 0)
    return total


@kernel
def _insert(least, value):  # type: ignore[no-untyped-def]
    """Put a value among the least ones, which rise."""
    place = len(least) - 1
    if value >= least[place]:
        return
    while place > 0 and least[place - 1] > value:
        least[place] = least[place - 1]
        place -= 1
    least[place] = value


def main() -> None:
    """Compute the bound, print it, write one file."""
    argparse.ArgumentParser(description="How much any recoding of Adult can keep").parse_args()
    if not MULTIPLIERS.exists():
        raise SystemExit("the multipliers are missing")
    counts, started = adult(), time.perf_counter()
    multipliers = pl.read_parquet(MULTIPLIERS)["multiplier"].cast(pl.Int64).to_numpy()
    most = ceil(1e6 * bound(counts, arx_prices(counts), multipliers)) / 1e6
    print(f"no recoding of Adult for k = {K}, nobody suppressed, keeps more than {most:.6f} by ARX's mean")
    write("recoding_bound", {"granularity_arx_at_most": most, "seconds": time.perf_counter() - started})


if __name__ == "__main__":
    main()
