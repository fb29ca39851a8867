"""The rival on large lattices: best-effort search from the top, as ARX does beyond exact search.

From the top, the evaluated node with the least loss is specialised by one level in every column in turn,
until so many nodes are evaluated: Prasser, Bild, Eicher, Spengler and Kuhn, "Lightning: utility-driven
anonymization of high-dimensional data", Trans. Data Privacy 9(2), 2016, without its depth-first rounds.
There is no bound and no proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

import numpy as np

from anonymizer.counting.classes import Ladders, Node, merge, number_classes
from anonymizer.counting.counts import Counts
from anonymizer.measuring.affine import AffineMetric
from anonymizer.metrics import Loss


def least_loss(counts: Counts, k: int, evaluations: int) -> float:
    """The least loss found among so many nodes, any number of rows suppressed."""
    metric, ladders = AffineMetric.of(counts, Loss()), Ladders.of(counts)
    top = tuple(ladder.top for ladder in counts.ladders)
    waiting = [(_total(counts, metric, ladders, top, k=k), top)]
    seen, least = {top}, waiting[0][0]
    while waiting and len(seen) < evaluations:
        _, node = heappop(waiting)
        for finer in _specialisations(node):
            if finer in seen or len(seen) >= evaluations:
                continue
            seen.add(finer)
            total = _total(counts, metric, ladders, finer, k=k)
            least = min(least, total)
            heappush(waiting, (total, finer))
    return metric.score(least)


def _total(counts: Counts, metric: AffineMetric, ladders: Ladders, node: Node, *, k: int) -> float:
    everyone = np.arange(counts.n_tuples, dtype=np.int32)
    class_of, classes = number_classes(counts, ladders, everyone, node)
    merged = merge(counts, node, class_of, classes)
    suppressed = np.where(merged.n_people < k, merged.rows, 0)
    cover = metric.suppressed_cover(counts, ladders, merged, suppressed)
    return metric.total(node, cover, int(suppressed.sum()))


def _specialisations(node: Node) -> Iterator[Node]:
    for j, level in enumerate(node):
        if level:
            yield (*node[:j], level - 1, *node[j + 1 :])
