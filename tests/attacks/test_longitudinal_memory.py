"""Whole histories are nobody's: those of people who were learned from come out no oftener than others' do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from synth.longitudinal.histories import Events, Histories
from synth.longitudinal.linked import fit
from tests.history_scenes import PEOPLE, Redrawn, known, tables

LEAST = 3
"""Visits of a history that is looked for."""


def half(told: Histories, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Histories:
    """The histories of some of the people."""
    events = {name: _of(table, chosen) for name, table in told.events.items()}
    patients = replace(
        told.patients,
        frame=told.patients.frame.filter(pl.Series(chosen)),
        people=told.patients.people[chosen],
    )
    return Histories(patients, events)


def _of(table: Events, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Events:
    rows, training = chosen[table.training.people], table.training
    frame = training.frame.filter(pl.Series(rows))
    return replace(table, training=replace(training, frame=frame, people=training.people[rows]))


def courses(found: dict[str, pl.DataFrame]) -> list[str]:
    """Every person's codes and the days between them, of those who have enough visits."""
    gap = (pl.col("day") - pl.col("day").shift(1)).over("person").fill_null(0)
    ordered = found["visits"].sort("person", "day", "icd").with_columns(gap.alias("gap"))
    step = pl.concat_str("icd", "gap", separator="+")
    together = ordered.group_by("person").agg(step.str.join(" ").alias("course"), pl.len())
    return together.filter(pl.col("len") >= LEAST)["course"].to_list()


def met(drawn: list[str], *worlds: Histories) -> list[float]:
    """The share of courses of each world that were drawn."""
    found = set(drawn)
    return [float(np.mean([course in found for course in courses(tables(each))])) for each in worlds]


def test_courses_of_the_learned_are_repeated_no_oftener_than_those_of_others() -> None:
    chosen = np.random.default_rng(3).random(PEOPLE) < 0.5
    inside, outside = half(known(), chosen), half(known(), ~chosen)
    rng = np.random.default_rng(8)
    linked = fit(inside, Redrawn(inside.patients.frame), rng)
    own, others = met(courses(linked.sample(5000, rng)), inside, outside)
    assert others > 0.3  # courses are short enough to be met by chance
    assert own - others < 0.06
    copied, by_chance = met(courses(tables(inside)), inside, outside)
    assert copied - by_chance > 0.5  # whoever copies is found out
