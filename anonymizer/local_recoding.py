"""Local recoding: from the optimum of the global search to a level for each column of every class.

The optimum keeps one level for a whole column, so it suppresses the records that stand apart and generalises
the others further than they need. Here the table is covered anew by small classes, each at the cheapest
levels its members have in common, and then improved by local search: tuples move, change places, dear classes
dissolve. No row need be suppressed where the columns' highest levels let it join some class.

Where the criteria are others than sizes and distinct values, or people have several rows, the optimum's
classes are specialised top down instead, which asks for nothing but a judgement of classes. That is also what
the result falls back to if the other way ends dearer than the optimum was: nothing is ever lost by recoding.

Neither way finds the best recoding; finding it is NP-hard (Meyerson and Williams, PODS 2004).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anonymizer.affine import AffineMetric
from anonymizer.box_kernels import Tree
from anonymizer.counts import Counts
from anonymizer.covering import covered
from anonymizer.criteria import Criterion
from anonymizer.encoding import Codes
from anonymizer.exchanging import Countable, countable, exchanged
from anonymizer.metrics import Loss
from anonymizer.recoding import Recoding, holds, number_by_text, total_price, tree_of
from anonymizer.specialising import NONE, Grouping, Judge, specialise

Mask = NDArray[np.bool_]


def recode_locally(counts: Counts, criteria: Sequence[Criterion], start: Recoding) -> Recoding:
    """A recoding that meets every criterion about classes, and is no worse than ``start``.

    ``start`` is the global optimum: one node, some tuples suppressed. No more rows are suppressed and no
    more is lost. The same counts give the same recoding.
    """
    tree, judge = tree_of(counts.ladders), Judge.of(counts, criteria)
    counted = countable(counts, criteria)
    if counted is not None:
        found = _searched(counts, tree, judge, counted, start).recoding()
        if _is_no_worse(counts, tree, found, start) and holds(counts, found, criteria):
            return found
    found = _specialised(counts, tree, judge, start).recoding()
    # Every step is judged by itself; should one be wrong all the same, the optimum it started from is not.
    return found if holds(counts, found, criteria) else start


def _searched(counts: Counts, tree: Tree, judge: Judge, counted: Countable, start: Recoding) -> Grouping:
    """The grouping by local search, from a cover by lattice nodes where the lattice is small enough."""
    cover = covered(counts, tree, *counted)
    if cover is None:
        grouping = _specialised(counts, tree, judge, start)
    else:
        class_of, classes = cover
        levels = np.zeros((classes, len(counts.ladders)), np.int8)
        grouping, open_ = with_rest(counts, tree, judge, Grouping(class_of, levels))
        open_[:classes] = False
        grouping = specialise(tree, judge, grouping, open_)
    return exchanged(tree, counted, grouping.class_of, len(grouping.levels))


def _specialised(counts: Counts, tree: Tree, judge: Judge, start: Recoding) -> Grouping:
    """The start's classes, and its suppressed tuples at the highest levels, specialised as far as it goes."""
    class_of, classes = number_by_text(counts, tree, start.levels)
    class_of = np.where(start.suppressed, NONE, class_of).astype(np.int32)
    levels = np.zeros((classes, len(counts.ladders)), np.int8)
    levels[class_of[~start.suppressed]] = start.levels[~start.suppressed]
    return specialise(tree, judge, *with_rest(counts, tree, judge, Grouping(class_of, levels)))


def with_rest(counts: Counts, tree: Tree, judge: Judge, grouping: Grouping) -> tuple[Grouping, Mask]:
    """The grouping with its tuples of no class in classes at the highest levels, where those hold.

    Which classes may be specialised, bool (classes), is all of them.
    """
    classes, rest = len(grouping.levels), grouping.class_of == NONE
    levels = np.full((counts.n_tuples, len(counts.ladders)), -1, np.int8)
    levels[rest] = tree.highest
    numbers, more = number_by_text(counts, tree, levels)
    good = ~judge.broken(np.where(rest, numbers, NONE).astype(np.int32), more)
    joins = rest & np.append(good, False)[numbers]
    class_of: Codes = grouping.class_of.copy()
    class_of[joins] = classes + numbers[joins]
    highest = np.tile(tree.highest.astype(np.int8), (more, 1))
    return Grouping(class_of, np.concatenate([grouping.levels, highest])), np.ones(classes + more, np.bool_)


def _is_no_worse(counts: Counts, tree: Tree, found: Recoding, start: Recoding) -> bool:
    """Whether rows suppressed, the sum of all losses, and the metric Loss itself are at most the start's."""
    if counts.rows[found.suppressed].sum() > counts.rows[start.suppressed].sum():
        return False
    if total_price(counts, tree, found.levels) > total_price(counts, tree, start.levels):
        return False
    metric = AffineMetric.of(counts, Loss())
    return _loss(counts, metric, found) <= _loss(counts, metric, start)


def _loss(counts: Counts, metric: AffineMetric, recoding: Recoding) -> float:
    """The metric's total where columns cover what the recoding makes them: x = (cover - n) / (n (L - 1))."""
    shares = metric.beta * (np.array(covered_leaves(counts, recoding)) - counts.n_rows)
    return metric.combine([float(metric.terms(j, share)) for j, share in enumerate(shares)])


def covered_leaves(counts: Counts, recoding: Recoding) -> list[int]:
    """Per column, the leaves that all rows cover; a suppressed row covers all."""
    shown = ~recoding.suppressed
    sums = []
    for j, ladder in enumerate(counts.ladders):
        leaves = np.full(counts.n_tuples, ladder.leaves, np.int64)
        leaves[shown] = ladder.leaf_counts[recoding.levels[shown, j], counts.codes[shown, j]]
        sums.append(int((leaves * counts.rows).sum()))
    return sums
