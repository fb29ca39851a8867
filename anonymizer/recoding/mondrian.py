"""Multidimensional recoding in the manner of Mondrian, along the hierarchies.

It begins with every column at its highest level, all rows one class, and splits top down: see
`specialising`.
LeFevre, DeWitt and Ramakrishnan, "Mondrian multidimensional k-anonymity", ICDE 2006.
"""

from __future__ import annotations

from collections.abc import Sequence

from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.errors import CriteriaNotMet
from anonymizer.recoding.recoding import Recoding, tree_of
from anonymizer.recoding.specialising import NONE, Judge, from_the_top


def recode_multidimensionally(
    counts: Counts, criteria: Sequence[Criterion], most_suppressed: int
) -> Recoding:
    """A recoding that meets every criterion about classes; nothing is suppressed unless the top itself fails.

    Classes at the columns' highest levels that break a criterion are suppressed, at most
    ``most_suppressed`` rows.

    Raises:
        CriteriaNotMet: even at the highest levels more rows would have to be suppressed, or all.
    """
    tree, judge = tree_of(counts.ladders), Judge.of(counts, criteria)
    grouping = from_the_top(counts, tree, judge)
    suppressed = int(counts.rows[grouping.class_of == NONE].sum())
    if suppressed > most_suppressed or suppressed == counts.n_rows:
        raise CriteriaNotMet(
            "even the highest levels do not meet the criteria within the suppression limit",
            hint="allow more suppression, coarser levels or weaker criteria",
        )
    return grouping.recoding()
