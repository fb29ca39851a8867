"""One table's events: each person's first one given the person, every other one given the one before.

The events are drawn in rounds, the first of everybody, then the second of those who have two, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synth.axes import Axis, Coded, Codes, Ints
from synth.coding.codec import Codec
from synth.longitudinal.histories import PERSON, Events
from synth.longitudinal.timeline import Timeline, restored, told
from synth.methods import cart
from synth.methods.cart import Cart

_TOLD = 12
"""So many codes of a table are told to the tables after it."""


@dataclass(frozen=True, slots=True, repr=False)
class Context:
    """What is known of every person before a table's events: ``codes`` (int32, (people, axes))."""

    codes: Codes
    axes: tuple[Axis, ...]

    def beside(self, codes: Codes, axes: tuple[Axis, ...]) -> Context:
        """Return the context with more known of everybody."""
        return Context(np.hstack([self.codes, codes]), (*self.axes, *axes))


@dataclass(frozen=True, slots=True, repr=False)
class Drawn:
    """Drawn events, person by person and in order: whose each is, and its codes; codes of first times."""

    person: Ints
    codes: Codes
    start: Codes


@dataclass(frozen=True, slots=True, repr=False)
class Sequence:
    """What is learned of one table.

    No person has more than ``most`` events, which k people have. ``opening`` draws the start and a first
    event less its ``gap`` (codes of the axes of what lies between two), ``following`` any other, given the
    first ``asked`` axes of the context. ``told`` are the most frequent codes of the axis ``kind``: who has
    them is told to the tables after.
    """

    table: Events
    codec: Codec
    start: Codec | None
    opening: Cart
    following: Cart | None
    asked: int
    gap: Codes
    kind: int | None
    told: Codes
    most: int
    latest: float | None

    def sample(self, context: Context, counts: Ints, rng: np.random.Generator) -> Drawn:
        """Return ``counts`` events (int64, (people,)) of everybody, drawn after the ``context``."""
        people = np.flatnonzero(counts > 0)
        first = self.opening.sample_after(context.codes[people], rng)
        split = first.shape[1] - (len(self.codec.axes) - len(self.gap))
        start, codes = first[:, :split], np.hstack([np.tile(self.gap, (len(people), 1)), first[:, split:]])
        rounds, whose = [codes], [people]
        for number in range(1, int(counts.max(initial=0))):
            kept = counts[people] > number
            people, codes = people[kept], codes[kept]
            codes = self._next(context.codes[people], number, codes, rng)
            rounds.append(codes)
            whose.append(people)
        person = np.concatenate(whose)
        order = np.argsort(person, kind="stable")
        return Drawn(person[order], np.concatenate(rounds)[order], start)

    def _next(self, context: Codes, number: int, before: Codes, rng: np.random.Generator) -> Codes:
        assert self.following is not None
        position = np.full((len(before), 1), min(number, self.most - 1), np.int32)
        own = context[:, : self.asked]
        return self.following.sample_after(np.hstack([own, position, before]), rng)

    def decoded(self, drawn: Drawn, rng: np.random.Generator) -> pl.DataFrame:
        """Return the events as cells, with a column ``person`` of numbers; times never decrease."""
        cells = self.codec.decode(drawn.codes, rng)
        frame = cells.with_columns(pl.Series(PERSON, drawn.person, dtype=pl.Int64))
        begin = pl.Series(dtype=pl.Float64)
        if self.start is not None:
            begin = self.start.decode(drawn.start, rng).to_series()
        return restored(self.table, frame, begin, self.latest)

    def summary(self, codes: Codes, person: Ints, people: int) -> tuple[Codes, tuple[Axis, ...]]:
        """Return which of ``told`` everybody has, codes 0 and 1 of as many axes."""
        had = np.zeros((people, len(self.told)), np.int32)
        if self.kind is not None:
            rows, which = np.nonzero(codes[:, self.kind, None] == self.told)
            had[person[rows], which] = 1
        return had, tuple(_ordered(f"had {i}", 2) for i in range(len(self.told)))


def learned(
    table: Events, context: Context, rng: np.random.Generator, *, leaf: int
) -> tuple[Sequence | None, Context]:
    """Return what is learned of a table, and the ``context`` with what the tables after it are told.

    The people of ``table`` are the numbers of the context's rows. Nothing is learned of fewer than k people.
    """
    training = table.training
    most = reached(np.bincount(training.people, minlength=1), training.k)
    if not most or not training.variables:
        return None, context
    line = told(table)
    codec, start = Codec.of(line.events), None if line.start is None else Codec.of(line.start)
    coded = codec.coded(line.events.frame, line.events.people)
    own = _Own(coded, 0 if start is None else len(codec.spans[0]), line.position, most, training.k)
    kind = _kind(codec)
    opening = own.opening(context, _begun(line, start), rng, leaf=leaf)
    following, asked = own.following(context, rng, leaf=leaf) if most > 1 else (None, 0)
    found = Sequence(
        table=table,
        codec=codec,
        start=start,
        opening=opening,
        following=following,
        asked=asked,
        gap=_fixed(coded.codes[0, : own.gap]),
        kind=kind,
        told=_fixed(np.zeros(0, np.int32) if kind is None else _of_most_people(coded, kind)),
        most=most,
        latest=line.latest,
    )
    return found, context.beside(*found.summary(coded.codes, coded.people, len(context.codes)))


@dataclass(frozen=True, slots=True, repr=False)
class _Own:
    """The coded events to learn from, person by person and in order.

    The first ``gap`` axes hold what lies between two events, and ``position`` numbers a person's events.
    """

    coded: Coded
    gap: int
    position: Ints
    most: int
    k: int

    def opening(self, context: Context, begin: Context, rng: np.random.Generator, *, leaf: int) -> Cart:
        """Return trees for the start (``begin``) and a first event, after the context."""
        rows, axes = self.position == 0, (*context.axes, *begin.axes, *self.coded.axes[self.gap :])
        people = self.coded.people[rows]
        codes = np.hstack([context.codes[people], begin.codes, self.coded.codes[rows][:, self.gap :]])
        return cart.fit(Coded(codes, axes, people), rng, leaf=leaf, given=len(context.axes))

    def following(self, context: Context, rng: np.random.Generator, *, leaf: int) -> tuple[Cart, int]:
        """Return trees for any other event, and the number of the context's axes that they know.

        They are drawn after the event's number and the event before, and the context unless there are fewer
        than ``leaf`` rows for each axis: of few rows too many axes tell something by chance.
        """
        rows = np.flatnonzero(self.position > 0)
        asked = len(context.axes)
        asked = asked if len(rows) >= leaf * (asked + len(self.coded.axes)) else 0
        people, codes = self.coded.people[rows], self.coded.codes
        place = np.minimum(self.position[rows], self.most - 1).astype(np.int32)[:, None]
        before = (*context.axes[:asked], _ordered("position", self.most), *self.coded.axes)
        every = np.hstack([context.codes[people, :asked], place, codes[rows - 1], codes[rows]])
        # A leaf counts each person once however many events it holds: k of them, or leaf rows on average.
        least = max(self.k, round(leaf * len(np.unique(people)) / len(rows)))
        coded = Coded(every, (*before, *self.coded.axes), people)
        return cart.fit(coded, rng, leaf=least, given=len(before)), asked


def _begun(line: Timeline, start: Codec | None) -> Context:
    """The codes of everybody's first time; no axis where there are no times."""
    if start is None or line.start is None:
        return Context(np.zeros((int((line.position == 0).sum()), 0), np.int32), ())
    return Context(start.encode(line.start.frame), start.axes)


def _of_most_people(coded: Coded, axis: int) -> Codes:
    """The codes of an axis that most people have, at most ``_TOLD`` (int32)."""
    pairs = np.unique(np.column_stack([coded.codes[:, axis], coded.people]), axis=0)
    codes, counts = np.unique(pairs[:, 0], return_counts=True)
    return codes[np.argsort(-counts, kind="stable")[:_TOLD]].astype(np.int32)


def reached(counts: Ints, k: int) -> int:
    """Return the largest number that ``k`` of the people, who have ``counts``, reach."""
    return int(np.sort(counts)[-k]) if len(counts) >= k else 0


def _kind(codec: Codec) -> int | None:
    """The axis of the first column of text that has just one."""
    return next(
        (
            span[0]
            for variable, span in zip(codec.variables, codec.spans, strict=True)
            if variable.type == "string" and len(span) == 1
        ),
        None,
    )


def _ordered(name: str, size: int) -> Axis:
    return Axis(name, size, np.arange(size, dtype=np.float64), is_ordered=True)


def _fixed(codes: Codes) -> Codes:
    own = codes.copy()
    own.setflags(write=False)
    return own
