"""The steps that make constraints hold by construction, one after the other, and back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from synth.conditions import conditions
from synth.recipe import Between, Combinations, Constraint, Determines, Order, Range
from synth.rewriting.joints import (
    Joint,
    check_combinations,
    check_dependency,
    check_determines,
    groups,
    joined,
)
from synth.rewriting.orders import Chain, chained, check_order
from synth.rewriting.spans import check_range, cut
from synth.variables import Training, Variable


@dataclass(frozen=True, slots=True)
class Rewriting:
    """How a rewritten table becomes one with its own columns again, and what the rewriting cost.

    ``falling`` counts cells less than those they may not be less than, which are not learned from, ``rare``
    rows learned as another combination than their own.
    """

    variables: tuple[Variable, ...]
    steps: tuple[Joint | Chain, ...] = ()
    falling: int = 0
    rare: int = 0

    @property
    def joints(self) -> tuple[Joint, ...]:
        """The columns that were joined."""
        return tuple(step for step in self.steps if isinstance(step, Joint))

    @property
    def bounds(self) -> tuple[Range, ...]:
        """The bounds of columns that are put back as sums, which may go beyond them."""
        links = [link for step in self.steps if isinstance(step, Chain) for link in step.links]
        own = (Range(each.name, Between(each.low, each.high)) for each in (link.variable for link in links))
        return tuple(
            each
            for each in (*own, *(Range(link.variable.name, link.span) for link in links))
            if each.span != Between()
        )

    def undone(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the drawn frame with the columns that were learned from, in their order."""
        for step in reversed(self.steps):
            frame = step.undone(frame)
        return frame.select([each.name for each in self.variables])


def check(variables: tuple[Variable, ...], constraints: Sequence[Constraint]) -> None:
    """Raise ``BadConfig`` for constraints on columns that do not exist or are of the wrong type."""
    for each in constraints:
        if isinstance(each, Order):
            check_order(variables, each)
        elif isinstance(each, Range):
            check_range(variables, each)
        elif isinstance(each, Determines):
            check_determines(variables, each)
        elif isinstance(each, Combinations):
            check_combinations(variables, each)
        else:
            conditions(variables, {**each.where, **each.never})


def spans_cut(training: Training, constraints: Sequence[Constraint]) -> tuple[Training, int]:
    """Return the table whose values outside the ranges asked for are missing, and how many those were."""
    outside = 0
    for each in constraints:
        if isinstance(each, Range):
            training, count = cut(training, each)
            outside += count
    return training, outside


def rewritten(
    training: Training, constraints: Sequence[Constraint], given: Collection[str] = ()
) -> tuple[Training, Rewriting]:
    """Return the table to learn from, and how to undo it; spans must have been cut.

    An order of columns that another step has already replaced is left to the rules of drawn rows, and so is
    one whose later column is ``given``: rows are drawn as given only where the column itself was learned.

    Raises:
        BadInput: the data break a dependency.
    """
    variables = training.variables
    falling = rare = 0
    steps: list[Joint | Chain] = []
    together = [each for each in constraints if isinstance(each, Determines | Combinations)]
    for dependency in (each for each in together if isinstance(each, Determines)):
        check_dependency(training, dependency)
    for names in groups(together):
        counted = {name for each in together if isinstance(each, Combinations) for name in each.columns}
        training, joint, count = joined(training, names, may_suppress=not counted & set(names))
        steps, rare = [*steps, joint], rare + count
    for order in _in_turn([each for each in constraints if isinstance(each, Order)]):
        is_free = set(order.columns) <= set(training.frame.columns)
        if is_free and not set(order.columns[1:]) & set(given):
            training, chain, count = chained(training, order)
            steps, falling = [*steps, chain], falling + count
    return training, Rewriting(variables, tuple(steps), falling, rare)


def _in_turn(orders: Sequence[Order]) -> list[Order]:
    """The orders, those whose later columns no other starts from first: so more of them can be rewritten."""
    left, turn = list(orders), []
    while left:
        free = [each for each in left if not _is_needed(each, [other for other in left if other is not each])]
        turn.append((free or left)[0])
        left.remove(turn[-1])
    return turn


def _is_needed(order: Order, others: Sequence[Order]) -> bool:
    return any(set(order.columns[1:]) & set(other.columns) for other in others)
