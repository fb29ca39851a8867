"""Apply a transformation: generalise each quasi-identifier to its level, suppress, coarsen, and sort.

Released rows are sorted by all released columns, so that their order holds no information about the input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.counting.classes import Ladders, Node, merge, number_classes
from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.judging.judgement import judge
from anonymizer.judging.sample_criteria import hold, of_the_sample, suppressed_classes
from anonymizer.recoding.recoding import SUPPRESSED_ROW, Levels, Recoding, recoded_classes
from anonymizer.search.solution import Solution
from anonymizer.tables.coarsening import coarsen
from anonymizer.tables.row_order import in_order
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.code_removal import repaired

Mask = NDArray[np.bool_]
Suppressed = Literal["drop", "star"]


@dataclass(frozen=True, slots=True)
class Transformed:
    """The released frame, and what was done to some classes alone.

    ``removed_codes`` tells by list column which codes left the lists of which class (see
    ``code_removal.codes_to_remove``).
    """

    frame: pl.DataFrame
    removed_codes: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def transform(
    table: Table,
    counts: Counts,
    solution: Solution | Recoding,
    criteria: Sequence[Criterion],
    *,
    suppressed: Suppressed = "drop",
) -> Transformed:
    """What is released: the columns that are no identifiers, in the table's order, rows sorted.

    Suppressed rows are dropped, or starred (``*`` in every quasi-identifier, null in insensitive columns)
    where the starred rows themselves form a class that meets every criterion.
    """
    recoding = solution if isinstance(solution, Recoding) else recoding_of(counts, criteria, solution)
    star = suppressed == "star" and _may_be_starred(counts, criteria, recoding)
    row_removed = recoding.suppressed[counts.tuple_of_row]
    quasi = {
        ladder.name: _generalised(counts, j, recoding.levels[:, j], span)
        for j, (ladder, span) in enumerate(zip(counts.ladders, recoding.ranges(), strict=True))
    }
    kept = {
        column.name: _coarsened(table, column, row_removed)
        for column in table.released
        if column.role is not Role.QUASI_IDENTIFIER
    }
    frame = pl.DataFrame({**quasi, **kept}).select(column.name for column in table.released)
    people = None if table.subject is None else table.frame[table.subject]
    if not star:
        shown = pl.Series(~row_removed)
        frame, people = frame.filter(shown), None if people is None else people.filter(shown)
    frame, removed_codes = repaired(frame, list(quasi), people, criteria)
    return Transformed(in_order(frame), removed_codes)


def recoding_of(counts: Counts, criteria: Sequence[Criterion], solution: Solution) -> Recoding:
    """The solution's levels for every tuple, and which tuples it suppresses."""
    node = tuple(solution.transformation[ladder.name] for ladder in counts.ladders)
    return Recoding.uniform(node, suppressed_tuples(counts, criteria, node))


def suppressed_tuples(counts: Counts, criteria: Sequence[Criterion], node: Node) -> Mask:
    """Which base tuples lie in a class that is suppressed at ``node``, or released nowhere; bool (tuples)."""
    everyone = np.arange(counts.n_tuples, dtype=np.int32)
    class_of, number = number_classes(counts, Ladders.of(counts), everyone, node)
    classes = merge(counts, node, class_of, number)
    broken = judge(counts, classes, criteria).broken
    return np.asarray(suppressed_classes(counts, classes, broken, criteria)[class_of])


def _generalised(counts: Counts, j: int, levels: Levels, span: tuple[int, int]) -> pl.Series:
    """Column j at the ``levels`` int8 (tuples), which lie in ``span`` where a tuple is not suppressed."""
    ladder, (lowest, highest) = counts.ladders[j], span
    # Few labels stand in many rows: as categories they take a quarter of the memory of text.
    labels = [label for level in ladder.labels[lowest : highest + 1] for label in level] + [SUPPRESSED]
    text = pl.Enum(sorted({label for label in labels if label is not None}))
    at = (levels.astype(np.int64) - lowest) * len(ladder.labels[0]) + counts.codes[:, j]
    at[levels == SUPPRESSED_ROW] = len(labels) - 1
    return pl.Series(ladder.name, labels, dtype=text).gather(at[counts.tuple_of_row])


def _coarsened(table: Table, column: Column, row_removed: Mask) -> pl.Series:
    series = coarsen(table.frame[column.name], column)
    if column.role is not Role.INSENSITIVE:
        return series
    return pl.select(pl.when(pl.Series(~row_removed)).then(series)).to_series().alias(column.name)


def _may_be_starred(counts: Counts, criteria: Sequence[Criterion], recoding: Recoding) -> bool:
    """Whether the suppressed rows, taken as one class, meet every criterion, and the release with them.

    Whoever of the population fits no released class could be among them.
    """
    if not counts.rows[recoding.suppressed].any():
        return False
    _, classes = recoded_classes(counts, recoding)
    return not judge(counts, classes, criteria).broken[-1] and hold(
        classes.n_people[classes.rows > 0], of_the_sample(criteria)
    )
