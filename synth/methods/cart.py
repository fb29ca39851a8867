"""Sequential trees: each axis is drawn given those drawn before it, from the people of a tree's leaf.

After Reiter (Journal of Official Statistics 21, 2005) and Nowok, Raab and Dibben (Journal of Statistical
Software 74, 2016). What is added: leaves are mixed with the nodes above them and codes with their kin, so
that no combination of few people is repeated as it was; axes of very many codes are drawn group by group; and
rows under conditions are drawn exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymizer.errors import SynthesisFailed
from synth.axes import Allowed, Axis, Coded, Codes
from synth.methods.cart_donors import Counting
from synth.methods.cart_particles import Plan, planned, rows_completed, rows_drawn
from synth.methods.cart_stages import Growth, Learning, Stage, learned, levels
from synth.methods.threads import one_thread

_USUAL_ROWS = 0.95
"""A person with more rows than this share of people has gives no more donors than they do."""


@dataclass(frozen=True, slots=True)
class Cart:
    """Trees for all axes, in the order in which they are drawn."""

    axes: tuple[Axis, ...]
    stages: tuple[Stage, ...]

    def sample(self, n: int, rng: np.random.Generator, allowed: Allowed | None = None) -> Codes:
        """Return ``n`` drawn rows, int32 (n, axes), all of whose codes are ``allowed``.

        Raises:
            SynthesisFailed: what is allowed cannot be drawn.
        """
        plans: tuple[Plan, ...] = tuple(planned(stage, allowed or {}) for stage in self.stages)
        codes = rows_drawn(plans, n, len(self.axes), rng)
        if any(not wanted[codes[:, axis]].all() for axis, wanted in (allowed or {}).items()):
            raise SynthesisFailed("drawn rows break the condition they were drawn under")
        return codes

    def sample_after(self, first: Codes, rng: np.random.Generator) -> Codes:
        """Return drawn codes of the axes after the given ones, int32 (rows, axes drawn).

        ``first`` (int32, shape (rows, axes given)) holds what each row has.
        """
        given = first.shape[1]
        codes = np.zeros((len(first), len(self.axes)), np.int32)
        codes[:, :given] = first
        return rows_completed([planned(stage, {}) for stage in self.stages], codes, rng)[:, given:]


def fit(
    coded: Coded,
    rng: np.random.Generator,
    *,
    leaf: int = 25,
    most_rows: int | None = None,
    given: int = 0,
) -> Cart:
    """Return trees for a coded table.

    ``leaf``: how many people a leaf holds at least. ``most_rows``: from how many rows, drawn anew for each
    tree, it is grown; all rows are donors in its leaves all the same. The first ``given`` axes are not
    learned: they are what others are drawn after.

    Raises:
        SynthesisFailed: there are no rows.
    """
    # What is loaded by then computes on one thread.
    import sklearn.tree  # noqa: F401

    if not len(coded.codes):
        raise SynthesisFailed("there are no rows to learn from")
    learning = _learning(coded, Growth(leaf, most_rows))
    order = (*range(given), *(given + number for number in visited(coded.axes[given:])))
    stages: list[Stage] = []
    with one_thread():
        for place, number in enumerate(order[given:], given):
            for level in levels(number, coded.axes[number]):
                stages.append(learned(level, learning, before=order[:place], rng=rng))
    return Cart(coded.axes, tuple(stages))


def visited(axes: Sequence[Axis]) -> tuple[int, ...]:
    """Return the numbers of axes, small ones first; of the same size ordered ones last.

    Axes of many codes are drawn last, so that few trees have to split by them, and nothing that is drawn
    later undoes how their codes are smoothed.
    """
    return tuple(sorted(range(len(axes)), key=lambda at: (axes[at].size, axes[at].is_ordered)))


def _learning(coded: Coded, growth: Growth) -> Learning:
    """How rows count: in a leaf's size one over the rows of their person, as donors one, up to a limit."""
    _, person, rows = np.unique(coded.people, return_inverse=True, return_counts=True)
    usual = np.quantile(rows, _USUAL_ROWS, method="higher")
    counting = None if rows.max() <= usual else np.minimum(1.0, usual / rows)[person]
    count = Counting((1.0 / rows)[person], counting)
    return Learning(np.ascontiguousarray(coded.codes), coded.axes, count, growth)
