"""What a longitudinal synthesiser is told of a verified release of several tables."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from release.synthesising.histories import histories
from risk.utility.longitudinal import longitudinal
from synth.longitudinal.histories import Histories
from synth.longitudinal.linked import fit
from synth.recipe import Recipe
from synth.synthesis import fit as fitted
from tests.linked_release import CANARY, RARE, Frames, random_keys, staged


def other_keys(names: Sequence[str]) -> list[str]:
    drawn = random.Random(4)
    return [f"{drawn.getrandbits(64):016x}" for _ in names]


def learned(folder: Path, *, keys: bool = True) -> tuple[Histories, Frames]:
    with staged(folder, keys=random_keys if keys else other_keys) as stage:
        verified = stage.verify()
        return histories(verified, 3), {"patients": verified.frame, **verified.events}


def drawn(told: Histories) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(1)
    patients = fitted(told.patients, Recipe("cart"), rng)
    return fit(told, patients, rng).sample(100, rng)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Histories, Frames]:
    return learned(tmp_path_factory.mktemp("linked"))


def test_the_released_tables_are_what_is_learned_from(told: tuple[Histories, Frames]) -> None:
    found, released = told
    assert found.patients.frame.sort(pl.all()).equals(released["patients"].drop("person").sort(pl.all()))
    assert list(found.events) == ["diagnoses", "labs"]
    for name, table in found.events.items():
        assert table.training.frame.equals(released[name].drop("person"))
        counts = released["patients"].join(released[name].group_by("person").len(), on="person", how="left")
        assert sorted(found.counts(name)) == counts["len"].fill_null(0).sort().to_list()
    types = {each.name: each.type for each in found.events["labs"].training.variables}
    assert types == {"loinc": "string", "value": "number", "seen": "integer"}


def test_days_since_an_event_are_times_and_coarser_codes_are_known(told: tuple[Histories, Frames]) -> None:
    assert told[0].events["labs"].time == "seen"
    assert told[0].events["diagnoses"].time is None
    icd, _ = told[0].events["diagnoses"].training.variables
    assert icd.coarser["I21"] == ("I", "*")


def test_the_keys_of_a_run_make_no_difference(tmp_path: Path, told: tuple[Histories, Frames]) -> None:
    again, released = learned(tmp_path, keys=False)
    assert set(released["patients"]["person"]).isdisjoint(told[1]["patients"]["person"])
    first, second = drawn(told[0]), drawn(again)
    assert all(frame.equals(second[name]) for name, frame in first.items())


def test_what_is_drawn_has_the_released_columns_and_nobody_s_own_cells(
    told: tuple[Histories, Frames],
) -> None:
    found = drawn(told[0])
    assert {name: frame.columns for name, frame in found.items()} == {
        name: frame.columns for name, frame in told[1].items()
    }
    text = " ".join(str(frame.rows()) for frame in found.values())
    assert CANARY not in text
    assert RARE not in text
    figures = longitudinal(told[1], found, np.random.default_rng(0), times={"labs": "seen"})
    for name in ("diagnoses.counts", "labs.counts"):
        value = figures[f"longitudinal.{name}"].value
        assert value is not None
        assert value < 0.2
