"""The least any search must do: read every distinct tuple's packed key once, and count it."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel
from anonymizer.counting.counts import Counts
from benchmarks.measure import median

_BITS = 12


@kernel
def histogram(keys, rows, slots, shift):  # type: ignore[no-untyped-def]
    """Add each key's rows to the slot its hash names: ``keys`` uint64, ``rows`` int64, ``slots`` int64."""
    for i in range(len(keys)):
        slots[(keys[i] * np.uint64(0x9E3779B97F4A7C15)) >> shift] += rows[i]


def packed(counts: Counts) -> NDArray[np.uint64]:
    """One 64-bit key per distinct tuple (of very wide tuples, a hash)."""
    keys = np.zeros(counts.n_tuples, np.uint64)
    for j, ladder in enumerate(counts.ladders):
        keys = keys * np.uint64(ladder.label_codes.shape[1]) + counts.codes[:, j].astype(np.uint64)
    return keys


def single_pass_ms(counts: Counts, runs: int) -> float:
    """Milliseconds, the median of ``runs`` passes after one that warms up."""
    keys, slots = packed(counts), np.zeros(1 << _BITS, np.int64)
    seconds = []
    for _ in range(runs + 1):
        slots[:] = 0
        started = time.perf_counter()
        histogram(keys, counts.rows, slots, np.uint64(64 - _BITS))
        seconds.append(time.perf_counter() - started)
    if int(slots.sum()) != counts.n_rows:
        raise SystemExit("the single pass lost rows; a time would mean nothing")
    return 1000 * median(seconds[1:])
