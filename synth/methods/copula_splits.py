"""An axis as nested splits of its cells, each of them cut from a latent normal of its own.

One latent normal would force categories into one order, and what does not follow it would be lost. So they
are split in two again and again; each split has a normal, which is looked at in the rows that come to it and
cut at their shares. The shares of all cells are the data's whatever the correlations, as long as the normal
of a split does not depend on those above it.

Categories are ordered by the first axis of a correspondence analysis against all other axes (Greenacre,
Theory and Applications of Correspondence Analysis, 1984), afresh in each split, and cut where chi-squared is
largest. An ordered axis keeps its order: it has one normal, unless the first axis of the analysis does not go
along with it; then it is split in two again and again, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from synth.axes import Floats, Ints
from synth.methods.copula_cells import Cells, starts_of
from synth.methods.copula_scores import normal_scores

MOST_SPLITS = 400
LEAST_ROWS = 200
BENT = 0.95
_POOLED = 10
_PRIOR_ROWS = 10.0


@dataclass(frozen=True, slots=True)
class Split:
    """The parts that cells of an axis are split into, in the order of the latent normal.

    ``parts`` hold numbers among the axis's cells; ``below`` names for each part the split that splits it,
    counted among all splits, -1 where it is one cell. ``shares`` (float64, shape (parts,)) are the rows' of
    those that come here, ``above`` the splits over this one, the highest first.
    """

    axis: int
    parts: tuple[Ints, ...]
    below: tuple[int, ...]
    shares: Floats
    above: tuple[int, ...]


@dataclass(slots=True)
class _Node:
    """A split that is being made: its parts, what is below them and above it."""

    parts: list[Ints]
    above: tuple[int, ...] = ()
    below: list[int] = field(default_factory=list)
    is_final: bool = False
    is_ordered: bool = False


def splits_of(cells: Sequence[Cells], table: Floats) -> tuple[Split, ...]:
    """Return the splits of all axes, each after those above it; ``table`` is that of ``copula_cells``.

    Cells without rows are in none of them, and an axis with one cell has none.
    """
    starts = starts_of(cells)
    most = max(1, MOST_SPLITS // max(1, len(cells)))
    made: list[Split] = []
    for axis, each in enumerate(cells):
        here = slice(starts[axis], starts[axis + 1])
        rows, others = np.diag(table)[here], np.delete(table[here], np.r_[here], axis=1)
        nodes = _grown(_roots(each, rows, others), rows, others, most)
        made += [_finished(node, axis, rows, len(made)) for node in nodes]
    return tuple(made)


def _finished(node: _Node, axis: int, rows: Floats, first: int) -> Split:
    held = np.array([rows[part].sum() for part in node.parts])
    return Split(
        axis,
        tuple(node.parts),
        tuple(number + first if number >= 0 else -1 for number in node.below),
        held / held.sum(),
        tuple(number + first for number in node.above),
    )


def _roots(cells: Cells, rows: Floats, others: Floats) -> list[_Node]:
    """The highest split and, where what is apart comes first, those of the two sides."""
    live = np.flatnonzero(rows > 0)
    if len(live) < 2:
        return []
    if not cells.is_ordered:
        return [_node(live[order_of(others[live])])]
    placed, apart = live[~cells.apart[live]], live[cells.apart[live]]
    sides = [side for side in (placed, apart) if len(side)]
    nodes = [] if len(sides) == 1 else [_Node(sides, (), [-1, -1], is_final=True)]
    for number, side in enumerate(sides):
        if len(side) > 1:
            follows = side is apart or _follows(rows[side], others[side])
            above = (0,) if len(sides) == 2 else ()
            if above:
                nodes[0].below[number] = len(nodes)
            nodes.append(_node(side, above, is_final=follows, is_ordered=True))
    return nodes


def _node(
    order: Ints, above: tuple[int, ...] = (), *, is_final: bool = False, is_ordered: bool = False
) -> _Node:
    return _Node([np.array([cell]) for cell in order], above, [-1] * len(order), is_final, is_ordered)


def _grown(nodes: list[_Node], rows: Floats, others: Floats, most: int) -> list[_Node]:
    """The splits after the one that most rows come to was cut in two, again and again."""
    while len(nodes) < most:
        held = [sum(rows[p].sum() for p in n.parts) if _is_open(n) else 0.0 for n in nodes]
        if not held or max(held) < LEAST_ROWS:
            break
        _cut(nodes, int(np.argmax(held)), others)
    return nodes


def _is_open(node: _Node) -> bool:
    return not node.is_final and len(node.parts) > 2


def _cut(nodes: list[_Node], number: int, others: Floats) -> None:
    """Cuts a split of many cells into one of two sides and the splits of those."""
    node = nodes[number]
    order = np.concatenate(node.parts)
    at = _best_cut(others[order])
    node.parts, node.below, node.is_final = [order[:at], order[at:]], [-1, -1], True
    for side, part in enumerate(node.parts):
        if len(part) > 1:
            node.below[side] = len(nodes)
            cells = part if node.is_ordered else part[order_of(others[part])]
            nodes.append(_node(cells, (*node.above, number), is_ordered=node.is_ordered))


def order_of(table: Floats) -> Ints:
    """Return the order of categories along the first axis of a correspondence analysis.

    ``table`` (float64, shape (categories, other cells)) counts rows; profiles of few rows are drawn towards
    the mean profile.
    """
    return np.argsort(_scores(table), kind="stable")


def _scores(table: Floats) -> Floats:
    sizes, others = table.sum(axis=1), table.sum(axis=0)
    if not len(others) or not others.sum():
        return np.zeros(len(table))
    known = others > 0
    apart = table[:, known] - np.outer(sizes, others[known] / others.sum())
    root = np.sqrt(np.maximum(sizes, 1))
    residuals = apart / np.sqrt(others[known]) / (root + _PRIOR_ROWS / root)[:, None]
    _, vectors = np.linalg.eigh(residuals @ residuals.T)
    scores = vectors[:, -1] / root
    sign = np.sign(scores[np.argmax(np.abs(scores))])
    return np.asarray(scores * (sign or 1.0))


def _best_cut(table: Floats) -> int:
    """How many of the ordered categories (categories, other cells) lie before the cut."""
    sizes, others = table.sum(axis=1), table.sum(axis=0)
    whole = sizes.sum()
    if not whole:
        return len(table) // 2
    known = others > 0
    before, rows = np.cumsum(table[:, known], axis=0)[:-1], np.cumsum(sizes)[:-1]
    apart = before - np.outer(rows, others[known] / whole)
    share = rows / whole
    gained = np.square(apart) @ (1 / others[known]) / np.maximum(share * (1 - share), 1e-12)
    return int(np.argmax(gained)) + 1


def _follows(rows: Floats, others: Floats) -> bool:
    """Whether most of what ordered cells tell, pooled to a few, goes along with their order."""
    middle = (np.cumsum(rows) - rows / 2) / rows.sum()
    pooled = np.unique(np.floor(middle * _POOLED), return_inverse=True)[1]
    table = np.zeros((int(pooled.max()) + 1, others.shape[1]))
    np.add.at(table, pooled, others)
    held = np.bincount(pooled, rows)
    shares = held / held.sum()
    scores, (place, _) = _scores(table), normal_scores(shares)
    scores = scores - shares @ scores
    spread = float(np.sqrt((shares @ scores**2) * (shares @ place**2)))
    return spread == 0 or abs(float(shares @ (scores * place))) >= BENT * spread
