"""Synthetic histories of the sample export: counts, times and what follows what, of its released tables."""

from __future__ import annotations

import shutil

import numpy as np
import polars as pl
import pytest

from release.config.root import load
from release.run import tables_of
from release.synthesising.histories import histories
from risk.figures import Figure
from risk.utility.longitudinal import longitudinal
from synth.longitudinal.linked import fit
from synth.recipe import Recipe
from synth.synthesis import fit as fitted
from tests.conftest import ROOT

Drawn = tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """The released tables, and as many patients drawn."""
    folder = tmp_path_factory.mktemp("sample")
    shutil.copytree(ROOT / "sample_data" / "export", folder / "export")
    shutil.copy(ROOT / "sample_data" / "tables.yaml", folder / "config.yaml")
    with tables_of(load(folder / "config.yaml")) as done:
        verified = done.verified
    told = histories(verified, 5)
    rng = np.random.default_rng(1)
    linked = fit(told, fitted(told.patients, Recipe("cart"), rng), rng)
    released = {"patients": verified.frame, **verified.events}
    return released, linked.sample(verified.frame.height, rng)


@pytest.fixture(scope="module")
def figures(drawn: Drawn) -> dict[str, Figure]:
    return longitudinal(*drawn, np.random.default_rng(2), times={"labs": "effective_date"})


def test_the_drawn_tables_are_as_the_released_ones(drawn: Drawn) -> None:
    released, found = drawn
    assert {n: f.schema for n, f in found.items()} == {n: f.schema for n, f in released.items()}
    for name, frame in released.items():
        assert found[name].height == pytest.approx(frame.height, rel=0.05), name


@pytest.mark.parametrize("table", ["encounters", "diagnoses", "labs", "medications"])
@pytest.mark.parametrize(("figure", "most"), [("counts", 0.04), ("times", 0.04), ("transitions", 0.1)])
def test_a_figure_is_near_nothing_and_far_below_its_floor(
    figures: dict[str, Figure], table: str, figure: str, most: float
) -> None:
    found = figures.get(f"longitudinal.{table}.{figure}")
    if figure == "times" and table != "labs":
        assert found is None
        return
    assert found is not None
    if (table, figure) == ("encounters", "transitions"):
        assert found.value is None  # nobody has two
        return
    floor = figures[f"longitudinal.{table}.{figure}.floor"].value
    assert found.value is not None
    assert floor is not None
    assert found.value < min(most, floor / 2)


def test_what_is_given_for_a_diagnosis_is_given_for_it_again(drawn: Drawn) -> None:
    """How far the shares of pairs of a diagnosis and a drug are apart, and were drugs anybody's."""

    def pairs(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
        both = tables["diagnoses"].unique().join(tables["medications"].unique(), on="person")
        return both.group_by("icd10gm", "atc").agg(share=pl.len() / both.height)

    def apart(released: dict[str, pl.DataFrame], found: dict[str, pl.DataFrame]) -> float:
        keys = ["icd10gm", "atc"]
        joined = pairs(released).join(pairs(found), on=keys, how="full", coalesce=True).fill_null(0.0)
        return float((joined["share"] - joined["share_right"]).abs().sum() / 2)

    released, found = drawn
    shuffled = released["medications"].with_columns(released["medications"]["atc"].shuffle(seed=1))
    assert apart(released, found) < 0.5 * apart(released, {**released, "medications": shuffled})
