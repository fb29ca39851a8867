"""What holds of every drawn history, whatever it was learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.longitudinal.histories import Events, Histories
from synth.longitudinal.linked import fit
from synth.variables import Training, Variable
from tests.history_scenes import Redrawn

RARE = "Q99.9"
EVENTS = (Variable("icd", "string"), Variable("day", "integer"), Variable("value", "number"))


@dataclass(frozen=True)
class World:
    """A small world: who has how many events, and where its randomness starts."""

    people: int
    k: int
    mean: float
    seed: int

    def histories(self, *, order: int = 0) -> Histories:
        """The world's histories; ``order`` mixes the rows of events. Person 0 alone has ``RARE``, often."""
        rng = np.random.default_rng(self.seed)
        sex = pl.DataFrame({"sex": rng.choice(["f", "m"], self.people)})
        who = np.repeat(np.arange(self.people), rng.poisson(self.mean, self.people))
        who = np.concatenate([who, np.zeros(6, np.int64)])
        n = len(who)
        days = np.where(rng.random(n) < 0.1, None, rng.integers(-5, 60, n))
        codes = np.where(np.arange(n) >= n - 6, RARE, rng.choice(["A", "B", "C", "D"], n))
        values = np.where(np.arange(n) >= n - 6, 1e6, rng.normal(size=n))
        mixed = np.random.default_rng(order).permutation(n)
        frame = pl.DataFrame({"icd": codes, "day": pl.Series(days.tolist(), dtype=pl.Int64), "value": values})
        timed = Training(frame[mixed], EVENTS, who[mixed], self.k)
        plain = Training(frame[mixed].select("icd"), EVENTS[:1], who[mixed], self.k)
        patients = Training(sex, (Variable("sex", "string"),), np.arange(self.people), self.k)
        return Histories(patients, {"timed": Events(timed, "day"), "plain": Events(plain)})

    def drawn(self, *, order: int = 0) -> dict[str, pl.DataFrame]:
        histories = self.histories(order=order)
        rng = np.random.default_rng(self.seed)
        return fit(histories, Redrawn(histories.patients.frame), rng, leaf=8).sample(60, rng)


worlds = st.builds(
    World,
    people=st.integers(20, 80),
    k=st.integers(2, 6),
    mean=st.floats(0.0, 4.0),
    seed=st.integers(0, 10**6),
)


@settings(max_examples=25)
@given(worlds)
def test_every_event_is_of_a_patient_and_no_rare_code_or_value_comes_out(world: World) -> None:
    found = world.drawn()
    assert found["patients"].height == 60
    for name in ("timed", "plain"):
        assert found[name]["person"].is_in(found["patients"]["person"].implode()).all()
        assert RARE not in found[name]["icd"]
    assert (found["timed"]["day"].drop_nulls().is_between(-5, 60)).all()
    if len(np.unique(world.histories().events["timed"].training.people)) >= 2 * world.k:
        assert (found["timed"]["value"].drop_nulls().abs() < 10).all()


@settings(max_examples=25)
@given(worlds)
def test_times_never_decrease_in_the_order_in_which_events_are_drawn(world: World) -> None:
    histories = world.histories()
    rng = np.random.default_rng(world.seed)
    linked = fit(histories, Redrawn(histories.patients.frame), rng, leaf=8)
    sequence = linked.sequences["timed"]
    if sequence is None:
        return
    context, counts = linked.begun(histories.patients.frame, rng)
    events = sequence.sample(context, np.minimum(counts["timed"], sequence.most), rng)
    frame = sequence.decoded(events, rng)
    steps = frame.drop_nulls("day").select(step=(pl.col("day") - pl.col("day").shift(1)).over("person"))[
        "step"
    ]
    assert (steps.drop_nulls() >= 0).all()
    assert frame["person"].is_sorted()
    assert (
        np.bincount(frame["person"], minlength=world.people).tolist()
        == np.minimum(counts["timed"], sequence.most).clip(0).tolist()
    )


@settings(max_examples=10)
@given(worlds)
def test_the_same_seed_gives_the_same_tables_whatever_the_order_of_rows(world: World) -> None:
    first, again, mixed = world.drawn(), world.drawn(), world.drawn(order=1)
    for name, frame in first.items():
        assert frame.equals(again[name])
        assert frame.equals(mixed[name])
