"""Local recoding: from the optimum of the global search to a level for each column of every class.

The optimum keeps one level for a whole column, so it suppresses the records that stand apart and generalises
the others further than they need. Here the table is covered anew by small classes, each at the cheapest
levels its members have in common, and then improved by local search: tuples move, change places, dear classes
dissolve. No row need be suppressed where the columns' highest levels let it join some class.

Where the criteria are others than sizes and distinct values, or people have several rows, classes are
specialised top down instead, which asks for nothing but a judgement of classes: those of the optimum, or all
from the top, whichever ends cheaper. That is also what the result falls back to if the other way ends dearer
than the optimum was: nothing is ever lost by recoding.

Neither way finds the best recoding; finding it is NP-hard (Meyerson and Williams, PODS 2004). The work of
local search is bounded (`exchanging.MOST_LOOKS`): a table of Adult's size is improved to the end, a large one
with many columns only as far as that goes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.recoding.box_kernels import Tree
from anonymizer.recoding.covering import covered
from anonymizer.recoding.exchanging import Countable, countable, exchanged
from anonymizer.recoding.quality import loss_of
from anonymizer.recoding.recoding import Recoding, holds, number_by_text, total_price, tree_of
from anonymizer.recoding.specialising import NONE, Grouping, Judge, from_the_top, specialise, with_rest


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
    # Every step is judged by itself; should one be wrong all the same, the optimum it started from is not.
    for way in _top_down(counts, tree, judge, start):
        found = way.recoding()
        if _is_no_worse(counts, tree, found, start) and holds(counts, found, criteria):
            return found
    return start


def _searched(counts: Counts, tree: Tree, judge: Judge, counted: Countable, start: Recoding) -> Grouping:
    """The grouping by local search, from a cover by lattice nodes where the lattice is small enough."""
    cover = covered(counts, tree, *counted)
    if cover is None:
        grouping, *_ = _top_down(counts, tree, judge, start)
    else:
        class_of, classes = cover
        levels = np.zeros((classes, len(counts.ladders)), np.int8)
        grouping, open_ = with_rest(counts, tree, judge, Grouping(class_of, levels))
        open_[:classes] = False
        grouping = specialise(tree, judge, grouping, open_)
    return exchanged(tree, counted, grouping.class_of, len(grouping.levels))


def _top_down(counts: Counts, tree: Tree, judge: Judge, start: Recoding) -> list[Grouping]:
    """What specialising the start's classes makes, and specialising from the top: the cheaper one first."""
    ways = [_specialised(counts, tree, judge, start), from_the_top(counts, tree, judge)]
    return sorted(ways, key=lambda way: total_price(counts, tree, way.recoding().levels))


def _specialised(counts: Counts, tree: Tree, judge: Judge, start: Recoding) -> Grouping:
    """The start's classes, and its suppressed tuples at the highest levels, specialised as far as it goes."""
    class_of, classes = number_by_text(counts, tree, start.levels)
    class_of = np.where(start.suppressed, NONE, class_of).astype(np.int32)
    levels = np.zeros((classes, len(counts.ladders)), np.int8)
    levels[class_of[~start.suppressed]] = start.levels[~start.suppressed]
    return specialise(tree, judge, *with_rest(counts, tree, judge, Grouping(class_of, levels)))


def _is_no_worse(counts: Counts, tree: Tree, found: Recoding, start: Recoding) -> bool:
    """Whether rows suppressed, the sum of all losses, and the metric Loss itself are at most the start's."""
    if counts.rows[found.suppressed].sum() > counts.rows[start.suppressed].sum():
        return False
    if total_price(counts, tree, found.levels) > total_price(counts, tree, start.levels):
        return False
    return loss_of(counts, found) <= loss_of(counts, start)
