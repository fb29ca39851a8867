"""Which marginals are counted: grown one variable at a time, each choice by the exponential mechanism.

After MST and AIM (McKenna, Miklau and Sheldon, "Winning the NIST contest", Journal of Privacy and
Confidentiality 11(3), 2021; McKenna, Mullins, Sheldon and Miklau, "AIM", PVLDB 15(11), 2022): a candidate is
worth what a model of independent variables has wrong about it, less the noise that counting it would bring.
A candidate is a variable not yet in the model, and some parents that lie in one clique of the model: then the
model stays decomposable and what it says is computed exactly. It differs from both in what is summed: the
errors of the pairs of the child with each parent. In one error of all together a parent that tells something
of its own adds little beside another that tells much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import pi, prod, sqrt

import numpy as np

from synth.axes import Floats, Ints
from synth.methods.dp_noise import Noise
from synth.methods.dp_tree import Clique

_NOISE = sqrt(2 / pi)
"""The mean size of Gaussian noise of scale 1."""
_WEIGHT = 1.0
"""How dear a row of noise is against a row of error of a pair."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a tree is grown: up to ``parents`` each, up to ``cells`` in a table, and what a step costs in zCDP.

    ``target`` is a variable that is a parent of each that has any, or None; ``scale`` that of the noise.
    """

    parents: int
    cells: float
    choosing: float
    measuring: float
    scale: float
    target: int | None = None


@dataclass(frozen=True, slots=True)
class Binned:
    """Rows in bins (``codes``, int64, shape (rows, variables)), of how many ``sizes``."""

    codes: Ints
    sizes: tuple[int, ...]

    def counts(self, members: Sequence[int]) -> Ints:
        """Return how many rows each cell of these variables has, shaped as their sizes."""
        shape = tuple(self.sizes[member] for member in members)
        keys = np.zeros(len(self.codes), np.int64)
        for member, size in zip(members, shape, strict=True):
            keys *= size
            keys += self.codes[:, member]
        return np.bincount(keys, minlength=prod(shape)).reshape(shape)


@dataclass(frozen=True, slots=True)
class Grown:
    """The cliques, and the noisy counts of each that has parents, by its number."""

    tree: tuple[Clique, ...]
    counts: dict[int, Ints]


Candidate = tuple[int, tuple[int, ...]]
"""A child and its parents, as the clique that they lie in has them."""


def grown(rows: Binned, ones: Sequence[Floats], noise: Noise, plan: Plan) -> Grown:
    """Return a tree over all variables whose cliques were chosen and then counted.

    ``ones`` are noisy counts of each variable alone, which all sum to the same number of rows. It costs
    ``choosing`` once for every variable, and ``measuring`` for every one but the first, at most.
    """
    errors = pair_errors(rows, ones)
    tree = [Clique(_root(errors, noise, plan), (), -1)]
    places: dict[tuple[int, ...], int] = {(): -1}
    worth: dict[Candidate, int] = {}
    counts: dict[int, Ints] = {}
    while len(tree) < len(rows.sizes):
        for parents in ((), *parent_sets(tree[-1], plan)):
            places.setdefault(parents, len(tree) - 1)
            worth |= _worth(tree, parents, errors, rows.sizes, plan)
        candidates = [each for each in worth if each[0] != tree[-1].child]
        worth = {each: worth[each] for each in candidates}
        scores = list(worth.values())
        at = noise.choice(scores, moved=plan.parents, rho=plan.choosing, purpose="choice")
        child, parents = candidates[at]
        if parents:
            true = rows.counts((*parents, child))
            counts[len(tree)] = noise.counts(true, rho=plan.measuring, purpose="clique")
        tree.append(Clique(child, parents, places[parents]))
    return Grown(tuple(tree), counts)


def pair_errors(rows: Binned, ones: Sequence[Floats]) -> Ints:
    """Return how many rows of each pair of variables independence would misplace, shape (variables,) * 2.

    Independence is taken from noisy counts and rounded, so one row more or less moves each by at most 1.
    """
    errors = np.zeros((len(rows.sizes),) * 2, np.int64)
    for one, other in combinations(range(len(rows.sizes)), 2):
        expected = np.rint(np.outer(ones[one], ones[other]) / ones[one].sum()).astype(np.int64)
        errors[one, other] = errors[other, one] = np.abs(rows.counts((one, other)) - expected).sum()
    return errors


def score(candidate: Candidate, errors: Ints, sizes: Sequence[int], plan: Plan) -> int:
    """Return what a candidate is worth: one row more or less moves it by at most ``plan.parents``."""
    child, parents = candidate
    if not parents:
        return 0
    cells = prod(sizes[member] for member in (child, *parents))
    return int(errors[child, list(parents)].sum()) - int(_WEIGHT * _NOISE * plan.scale * cells)


def parent_sets(clique: Clique, plan: Plan) -> Iterator[tuple[int, ...]]:
    """Yield the sets of parents that no clique before this one can hold: each has the target, if any."""
    for count in range(1, plan.parents + 1):
        for parents in combinations(clique.members, count):
            if clique.child in parents and (plan.target is None or plan.target in parents):
                yield parents


def _root(errors: Ints, noise: Noise, plan: Plan) -> int:
    """The first variable: the target, or one of the pair that is chosen of all."""
    if plan.target is not None or len(errors) < 2:
        return plan.target or 0
    pairs = list(combinations(range(len(errors)), 2))
    scores = [int(errors[pair]) for pair in pairs]
    return pairs[noise.choice(scores, moved=1, rho=plan.choosing, purpose="choice")][0]


def _worth(
    tree: Sequence[Clique], parents: tuple[int, ...], errors: Ints, sizes: Sequence[int], plan: Plan
) -> dict[Candidate, int]:
    """The scores of all candidates with these parents whose table is not too large."""
    left = set(range(len(sizes))) - {clique.child for clique in tree}
    candidates = [(child, parents) for child in sorted(left)]
    above = prod(sizes[parent] for parent in parents)
    return {
        each: score(each, errors, sizes, plan)
        for each in candidates
        if not parents or above * sizes[each[0]] <= plan.cells
    }
