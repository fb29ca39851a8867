"""The exact search of the generalisation lattice: the transformation with the least loss, proven.

Branch and bound over the whole lattice. ``bounds`` holds a lower bound of every node's loss, at first the
loss without suppression, which needs the columns' marginals only. Each evaluated node x then tells about the
whole box of its specialisations: the criteria are monotone (what a class holds survives a merge), so the rows
x must suppress are suppressed in all of the box. If they are too many, the box is out; otherwise they raise
the box's bounds. The search stops when no bound lies below the best loss found.

The next target is the node with the least bound. On a chain from it to the top, bisection finds the most
general node that already rules it out, since that one rules out most else (predictive tagging on chains:
Kohlmayer et al., "Flash", PASSAT 2012); without one the target itself is evaluated.
"""

from __future__ import annotations

import time
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from anonymizer import kernels
from anonymizer.classes import Classes, Ladders, Node, base_classes, roll_up, violations
from anonymizer.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.encoding import Ladder
from anonymizer.errors import BadConfig, ComponentMissing, CriteriaNotMet
from anonymizer.loss import Floats, Loss, marginals, score
from anonymizer.solution import Improvement, Solution

LARGEST_LATTICE = 2**24
_SLACK = 1e-11
"""Totals this close count as equal: rounding must neither prune a tie nor decide one."""
_CACHED_TABLES = 64
_LARGEST_SUM = 2**62
_Violating = tuple[NDArray[np.generic], ...]
_MOST_COLUMNS = 64
"""As many axes as an array can have."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A node's exact result: ``total`` is the metric's sum of terms (infinite beyond the limit)."""

    node: Node
    classes: int
    suppressed: int
    total: float

    @property
    def rank(self) -> tuple[float, int, int, Node]:
        """What is best: least loss, then fewest suppressed rows, then lowest levels, then lexicographic."""
        rounded = round(self.total / _SLACK) if np.isfinite(self.total) else np.inf
        return (rounded, self.suppressed, sum(self.node), self.node)


@dataclass(frozen=True, slots=True)
class Insight:
    """What a node tells about its specialisations: ``terms[j][level]`` bound column j's term from below.

    ``None`` where the node suppresses too much, and so do they all.
    """

    terms: tuple[Floats, ...] | None

    def bound(self, node: Node) -> float:
        """A lower bound of the total at ``node``, a specialisation."""
        if self.terms is None:
            return float(np.inf)
        return float(sum(float(terms[level]) for terms, level in zip(self.terms, node, strict=True)))


class Tables:
    """Classes of evaluated nodes that others can be rolled up from: small to large, the base last."""

    def __init__(self, held: list[Classes]) -> None:
        self._held = held
        self._nodes = np.array([classes.node for classes in held])

    def source_for(self, node: Node) -> Classes:
        """The smallest classes held of a specialisation of ``node``."""
        return self._held[int((self._nodes <= node).all(axis=1).argmax())]

    def keep(self, classes: Classes) -> None:
        """Hold these classes too; beyond the limit the largest but the base make room."""
        *others, base = self._held
        insort(others, classes, key=len)
        self._held = [*others[:_CACHED_TABLES], base]
        self._nodes = np.array([each.node for each in self._held])


@dataclass(slots=True)
class Lattice:
    """The search's state: a bound per node, the best node so far, and tables to roll others up from."""

    counts: Counts
    criteria: Sequence[Criterion]
    limit: int
    ladders: Ladders
    loss: Loss
    covered: tuple[NDArray[np.int64], ...]
    rises: tuple[tuple[float, ...], ...]
    caps: NDArray[np.int64]
    lowest: Node
    highest: Node
    bounds: Floats
    tables: Tables
    best: Evaluation | None = None
    trace: list[Improvement] = field(default_factory=list)
    insights: dict[Node, Insight] = field(default_factory=dict)

    @property
    def ceiling(self) -> float:
        """Nodes whose bound lies above cannot be the optimum."""
        return self.best.total + _SLACK if self.best else float(np.finfo(np.float64).max)

    def position(self, node: Node) -> Node:
        """The node's index in ``bounds``."""
        return tuple(level - low for level, low in zip(node, self.lowest, strict=True))


def search(counts: Counts, criteria: Sequence[Criterion], suppression_limit: Fraction) -> Solution:
    """The transformation of least loss that meets the criteria within the suppression limit, proven optimal.

    ``suppression_limit`` is the share of rows that may be suppressed; ties go to fewer suppressed rows, then
    lower levels.

    Raises:
        CriteriaNotMet: no transformation does.
        ComponentMissing: the lattice is larger than this search holds in memory.
    """
    started = time.perf_counter()
    lattice = open_lattice(counts, criteria, suppression_limit)
    while (target := _most_promising(lattice)) is not None:
        _settle(lattice, target)
    best = lattice.best
    if best is None or best.classes == 0:
        raise CriteriaNotMet(
            "no transformation meets the criteria within the suppression limit",
            hint="allow more suppression, coarser levels or weaker criteria",
        )
    return Solution(
        transformation={ladder.name: level for ladder, level in zip(counts.ladders, best.node, strict=True)},
        metric="loss",
        score=score(best.total),
        optimal=True,
        lattice_size=lattice.bounds.size,
        nodes_checked=len(lattice.insights),
        classes=best.classes,
        suppressed=best.suppressed,
        seconds=time.perf_counter() - started,
        trace=tuple(lattice.trace),
    )


def open_lattice(counts: Counts, criteria: Sequence[Criterion], suppression_limit: Fraction) -> Lattice:
    """The lattice with the bounds that the marginals give; raises ``ComponentMissing`` beyond 2^24 nodes."""
    _refuse_beyond_integers(counts)
    size = counts.lattice_size
    if size > LARGEST_LATTICE:
        raise ComponentMissing(
            f"a lattice of {size:,} transformations is beyond the exact search",
            hint="drop levels or narrow them with min_level and max_level",
        )
    loss, covered = Loss.of(counts), marginals(counts)
    unsuppressed = tuple(loss.terms(j, sums) for j, sums in enumerate(covered))
    lattice = Lattice(
        counts=counts,
        criteria=criteria,
        limit=suppression_allowance(suppression_limit, counts.n_rows),
        ladders=Ladders.of(counts),
        loss=loss,
        covered=covered,
        rises=tuple(tuple(np.diff(terms).tolist()) for terms in unsuppressed),
        caps=_caps(counts.ladders),
        lowest=tuple(ladder.lowest for ladder in counts.ladders),
        highest=tuple(ladder.highest for ladder in counts.ladders),
        bounds=np.zeros([ladder.highest - ladder.lowest + 1 for ladder in counts.ladders]),
        tables=Tables([base_classes(counts)]),
    )
    _raise_bounds(lattice, lattice.highest, Insight(unsuppressed))
    return lattice


def _refuse_beyond_integers(counts: Counts) -> None:
    """Sums of covered leaves must stay exact, and the bounds an array numpy can have."""
    for ladder in counts.ladders:
        if ladder.leaves * counts.n_rows >= _LARGEST_SUM:
            raise BadConfig("the domain is too large to sum over all rows", column=ladder.name)
    if len(counts.ladders) > _MOST_COLUMNS:
        raise ComponentMissing(f"more than {_MOST_COLUMNS} quasi-identifiers are beyond the exact search")


def suppression_allowance(limit: Fraction, n_rows: int) -> int:
    """The most rows that may be suppressed: floor(limit * rows), exactly."""
    return int(limit * n_rows)


def evaluate(lattice: Lattice, node: Node) -> Evaluation:
    """A node's classes, suppressed rows and loss; what it tells about others is put into the bounds."""
    source = lattice.tables.source_for(node)
    classes = roll_up(lattice.counts, lattice.ladders, source, node)
    if 2 * len(classes) <= len(source):
        lattice.tables.keep(classes)
    violators = np.flatnonzero(violations(classes, lattice.criteria))
    suppressed = int(classes.rows[violators].sum())
    kept = len(classes) - len(violators)
    if suppressed > lattice.limit:
        evaluation, insight = Evaluation(node, kept, suppressed, float(np.inf)), Insight(None)
    else:
        violating = _violating(lattice, classes, violators)
        evaluation = Evaluation(node, kept, suppressed, _total(lattice, node, violating, suppressed))
        insight = Insight(_suppression_terms(lattice, violating, suppressed))
    lattice.insights[node] = insight
    _raise_bounds(lattice, node, insight)
    lattice.bounds[lattice.position(node)] = np.inf
    return evaluation


def _total(lattice: Lattice, node: Node, violating: _Violating, suppressed: int) -> float:
    """The metric's total: marginals, with the violators' rows covering all leaves instead of their own."""
    saved = kernels.suppressed_leaves(*violating)
    covered = [
        int(sums[level]) - int(own) + suppressed * leaves
        for sums, level, own, leaves in zip(lattice.covered, node, saved, lattice.loss.leaves, strict=True)
    ]
    return lattice.loss.total(covered)


def _suppression_terms(lattice: Lattice, violating: _Violating, suppressed: int) -> tuple[Floats, ...]:
    """Per column and level, the least term of any specialisation, which suppresses these rows at least."""
    own = kernels.capped_leaves(*violating, lattice.caps)
    return tuple(
        lattice.loss.terms(j, sums + suppressed * lattice.loss.leaves[j] - own[j, : len(sums)])
        for j, sums in enumerate(lattice.covered)
    )


def _violating(lattice: Lattice, classes: Classes, violators: NDArray[np.int64]) -> _Violating:
    """The violating classes of a node, as the kernels want them."""
    return (
        violators,
        classes.rows,
        classes.representatives,
        lattice.counts.codes,
        lattice.ladders.leaf_counts,
        lattice.ladders.offsets(classes.node),
    )


def _caps(ladders: Sequence[Ladder]) -> NDArray[np.int64]:
    """The largest number of leaves under one label, per column and level (the last one repeated)."""
    height = max(ladder.top for ladder in ladders) + 1
    largest = [ladder.leaf_counts.max(axis=1, initial=1) for ladder in ladders]
    return np.array([np.pad(row, (0, height - len(row)), mode="edge") for row in largest])


def _raise_bounds(lattice: Lattice, node: Node, insight: Insight) -> None:
    """Put what ``node`` tells into the bounds of all its specialisations."""
    box = lattice.bounds[tuple(slice(0, position + 1) for position in lattice.position(node))]
    if insight.terms is None:
        box[...] = np.inf
        return
    totals = np.zeros(())
    for terms, low, high in zip(insight.terms, lattice.lowest, node, strict=True):
        totals = totals[..., np.newaxis] + terms[low : high + 1]
    np.maximum(box, totals, out=box)


def _most_promising(lattice: Lattice) -> Node | None:
    """The node with the least bound, or ``None`` where none can beat the best."""
    position = np.unravel_index(int(np.argmin(lattice.bounds)), lattice.bounds.shape)
    if lattice.bounds[position] > lattice.ceiling:
        return None
    return tuple(int(p) + low for p, low in zip(position, lattice.lowest, strict=True))


def _settle(lattice: Lattice, target: Node) -> None:
    """Rule ``target`` out by the most general node on a chain that does, or evaluate it."""
    chain = _chain(lattice, target)
    low, high = 0, len(chain) - 1
    while low < high:
        middle = (low + high + 1) // 2
        _visit(lattice, chain[middle])
        if lattice.insights[chain[middle]].bound(target) > lattice.ceiling:
            low = middle
        else:
            high = middle - 1
    _visit(lattice, chain[low])


def _visit(lattice: Lattice, node: Node) -> None:
    if node in lattice.insights:
        return
    evaluation = evaluate(lattice, node)
    if np.isfinite(evaluation.total) and (lattice.best is None or evaluation.rank < lattice.best.rank):
        lattice.best = evaluation
        found = Improvement(len(lattice.insights), score(evaluation.total), evaluation.suppressed)
        lattice.trace.append(found)


def _chain(lattice: Lattice, node: Node) -> list[Node]:
    """Nodes from ``node`` to the top, one step at a time where the loss without suppression grows least."""
    chain = [node]
    while node != lattice.highest:
        steps = [j for j, level in enumerate(node) if level < lattice.highest[j]]
        j = min(steps, key=lambda column: lattice.rises[column][node[column]])
        node = (*node[:j], node[j] + 1, *node[j + 1 :])
        chain.append(node)
    return chain
