"""Patients and their events, fitted and drawn as tables that a key links.

Every table is told of a person what the tables before it told: the patient's columns, how many events of each
table there are, and which frequent codes the person had in the tables before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import polars as pl

from anonymizer.tables.row_order import in_order
from synth.axes import Coded, Ints
from synth.coding.codec import Codec
from synth.longitudinal.histories import PATIENTS, PERSON, Histories
from synth.longitudinal.sequences import Context, Sequence, learned
from synth.methods import cart
from synth.methods.cart import Cart
from synth.rewriting.cells import empty
from synth.variables import Training, Variable


class Patients(Protocol):
    """Whatever draws patients, as ``synthesis.Synthesiser`` does."""

    def sample(self, n: int, rng: np.random.Generator) -> pl.DataFrame:
        """Return ``n`` rows with the columns that were learned from."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Linked:
    """Fitted histories; a table that fewer than k people are in has no sequence and stays ``empty``."""

    patients: Patients
    codec: Codec
    numbers: Codec
    counting: Cart
    sequences: Mapping[str, Sequence | None]
    empty: Mapping[str, pl.DataFrame]

    def sample(self, n: int, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
        """Return ``n`` patients and their events, each table with a key ``person`` and sorted by it.

        Keys are drawn by ``rng``: they stand for nobody. Times never decrease from one event of a person in a
        table to the next; a person may have no events.

        Raises:
            SynthesisFailed: the patients cannot be drawn.
        """
        drawing, counting, keying, *others = rng.spawn(3 + len(self.sequences))
        frame = self.patients.sample(n, drawing)
        context, counts = self.begun(frame, counting)
        keys = _keys(n, keying)
        found = {PATIENTS: _keyed(frame.with_columns(pl.int_range(n).alias(PERSON)), keys)}
        for (name, sequence), own in zip(self.sequences.items(), others, strict=True):
            if sequence is None:
                found[name] = self.empty[name]
                continue
            drawn = sequence.sample(context, np.clip(counts[name], 0, sequence.most), own)
            found[name] = _keyed(sequence.decoded(drawn, own), keys)
            context = context.beside(*sequence.summary(drawn.codes, drawn.person, n))
        return found

    def begun(self, frame: pl.DataFrame, rng: np.random.Generator) -> tuple[Context, dict[str, Ints]]:
        """Return what is known of drawn patients before any event, and how many events they have by table."""
        codes = self.codec.encode(frame)
        numbers = self.counting.sample_after(codes, rng)
        counts = self.numbers.decode(numbers, rng)
        context = Context(np.hstack([codes, numbers]), (*self.codec.axes, *self.numbers.axes))
        return context, {name: counts[name].fill_null(0).to_numpy() for name in self.sequences}


def fit(histories: Histories, patients: Patients, rng: np.random.Generator, *, leaf: int = 25) -> Linked:
    """Return what draws patients like those of ``histories``, with their events.

    ``patients`` draws the table of patients, fitted to ``histories.patients`` by any method. Counts and first
    events are drawn by trees whose leaves hold ``leaf`` people or more, further ones from about ``leaf`` rows
    of k people or more. Categories that fewer than k people have are merged; numbers and times become bands
    of k people. Nobody's whole history is learned: only one event at a time, given the one before.

    Raises:
        SynthesisFailed: there are fewer than k patients, or they have no column.
    """
    training = histories.patients
    codec = Codec.of(training)
    codes = codec.encode(training.frame)
    numbered = _numbered(histories)
    numbers = Codec.of(numbered)
    context = Context(codes, codec.axes).beside(numbers.encode(numbered.frame), numbers.axes)
    coded = Coded(context.codes, context.axes, training.people)
    counting = cart.fit(coded, rng, leaf=leaf, given=len(codec.axes))
    sequences: dict[str, Sequence | None] = {}
    for name, table in histories.events.items():
        own = replace(table, training=replace(table.training, people=histories.rows(name)))
        sequences[name], context = learned(own, context, rng, leaf=leaf)
    return Linked(patients, codec, numbers, counting, sequences, _empty(histories))


def _numbered(histories: Histories) -> Training:
    """How many events of each table every patient has, as a table to learn from."""
    frame = pl.DataFrame({name: histories.counts(name) for name in histories.events})
    variables = tuple(Variable(name, "integer", low=0.0) for name in histories.events)
    return Training(frame, variables, histories.patients.people, histories.patients.k)


def _empty(histories: Histories) -> dict[str, pl.DataFrame]:
    key = Variable(PERSON, "string")
    return {name: empty((key, *table.training.variables)) for name, table in histories.events.items()}


def _keyed(frame: pl.DataFrame, keys: pl.Series) -> pl.DataFrame:
    """The rows with the keys of their people, sorted by all columns."""
    return in_order(frame.select(keys.gather(frame[PERSON]).alias(PERSON), pl.exclude(PERSON)))


def _keys(n: int, rng: np.random.Generator) -> pl.Series:
    """As many different keys: 16 hexadecimal digits each."""
    drawn: dict[str, None] = {}
    while len(drawn) < n:
        drawn |= dict.fromkeys(
            f"{key:016x}" for key in rng.integers(0, 2**64, n - len(drawn), np.uint64).tolist()
        )
    return pl.Series(PERSON, list(drawn), dtype=pl.String)
