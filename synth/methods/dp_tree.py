"""A decomposable graphical model: variables joined one by one to some of a clique that is there already.

Each clique is a few parents and a child. The parents all lie in one earlier clique, so the cliques form a
junction tree (Koller and Friedman, Probabilistic Graphical Models, 2009, chapters 4.5 and 10), and what they
say of any rows is computed exactly by one pass of messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synth.axes import Floats, Ints


@dataclass(frozen=True, slots=True)
class Clique:
    """A ``child`` and its ``parents``, all of which lie in the earlier clique ``within``; -1: no parents.

    The parents stand in the order in which that clique has them.
    """

    child: int
    parents: tuple[int, ...]
    within: int

    @property
    def members(self) -> tuple[int, ...]:
        """The axes of its table: the parents, then the child."""
        return (*self.parents, self.child)


Tree = tuple[Clique, ...]
"""Cliques, each variable the child of one."""


def conditionals(tree: Tree, potentials: Sequence[Floats]) -> list[Floats]:
    """Return the logarithm of each child's distribution given its parents, shaped like the potentials.

    ``potentials`` are the logarithms of factors by clique (shape: sizes of its members) whose product is the
    joint distribution up to a constant; -inf where something cannot be. It stays so below a parent whose
    every child is impossible, and the parent becomes impossible.
    """
    tables = [each.copy() for each in potentials]
    for clique, table in reversed(list(zip(tree, tables, strict=True))):
        message = _log_sum(table)
        table -= np.where(np.isfinite(message), message, 0.0)[..., None]
        if clique.within >= 0:
            tables[clique.within] += _aligned(message, clique, tree)
    return tables


def marginals(tree: Tree, potentials: Sequence[Floats]) -> list[Floats]:
    """Return the distribution of each clique's members, shaped like ``potentials``."""
    found: list[Floats] = []
    for clique, table in zip(tree, conditionals(tree, potentials), strict=True):
        above = 1.0 if clique.within < 0 else _summed(found[clique.within], clique, tree)[..., None]
        found.append(above * np.exp(table))
    return found


def sampled(tree: Tree, logs: Sequence[Floats], n: int, rng: np.random.Generator) -> Ints:
    """Return ``n`` rows drawn by the ``conditionals``, int64, shape (n, variables)."""
    rows = np.zeros((n, len(tree)), np.int64)
    for clique, table in zip(tree, logs, strict=True):
        upto = np.cumsum(np.exp(table), axis=-1)
        own = upto[tuple(rows[:, parent] for parent in clique.parents)]
        own = np.broadcast_to(own, (n, own.shape[-1]))
        # Less than the sum of all, however it is rounded: what has no probability is never reached.
        at = np.minimum(rng.random(n) * own[:, -1], np.nextafter(own[:, -1], 0))
        rows[:, clique.child] = (own <= at[:, None]).sum(axis=1)
    return rows


def _log_sum(table: Floats) -> Floats:
    highest = table.max(axis=-1)
    finite = np.where(np.isfinite(highest), highest, 0.0)
    with np.errstate(divide="ignore"):
        total: Floats = np.log(np.exp(table - finite[..., None]).sum(axis=-1)) + finite
    return total


def _aligned(message: Floats, clique: Clique, tree: Tree) -> Floats:
    """A message over the parents, shaped to be added to the clique they lie in."""
    members = tree[clique.within].members
    sizes = iter(message.shape)
    return message.reshape([next(sizes) if member in clique.parents else 1 for member in members])


def _summed(table: Floats, clique: Clique, tree: Tree) -> Floats:
    """A table of the clique that the parents lie in, summed to them."""
    members = tree[clique.within].members
    others = tuple(at for at, member in enumerate(members) if member not in clique.parents)
    total: Floats = table.sum(axis=others)
    return total
