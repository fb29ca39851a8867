"""What is not learned from changes no byte of a synthetic release: people held out, and values before they
were generalised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anonymizer.seeds import spawned
from release.config.synthesis import Synthesis
from release.synthesising.holding_out import drawn as held_out
from release.synthesising.holding_out import numbers
from release.synthesising.making import Maker, refitted
from synth.recipe import Recipe
from synth.variables import Training, Variable
from tests.drawn_runs import config, drawn, people
from tests.runs import anon, files

CODES = {"I10": "1", "E11": "2", "J45": "3", "I48.1": "4", "Z99-CANARY": "4"}


def released(folder: Path, change: pl.Expr, **sections: str) -> dict[str, bytes]:
    """The release of a small ward after a ``change`` of its table, whose diagnoses are numbers here."""
    folder.mkdir()
    path = people(folder)
    table = pl.read_csv(path, infer_schema=False).with_columns(pl.col("diagnosis").replace(CODES))
    table.with_columns(change).write_csv(path)
    assert anon("run", config(folder, **sections), "--quiet").code == 0
    return files(folder / "out/ward/release")


def put(column: str, value: str, where: pl.Expr) -> pl.Expr:
    return pl.when(where).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)


@pytest.mark.parametrize(("column", "value"), [("diagnosis", "no number"), ("age", "79"), ("crp", "9999.5")])
def test_what_somebody_has_who_is_held_out_changes_nothing(tmp_path: Path, column: str, value: str) -> None:
    ids = pl.Series([f"P{n:04}" for n in range(240)])
    theirs = pl.col("id") == ids[int(np.flatnonzero(held_out(numbers(ids), 0.2, spawned(7, "held out")))[0])]
    asked = {"risk": "{holdout: 0.2}", "output": "{directory: out, publish: both}"}
    one = released(tmp_path / "one", pl.col("id"), **asked)
    assert released(tmp_path / "other", put(column, value, theirs), **asked) == one


@pytest.mark.parametrize(("column", "value"), [("crp", "41.5"), ("crp", "9999.5"), ("diagnosis", "3")])
def test_nor_where_the_original_is_learned_from_and_filtered(tmp_path: Path, column: str, value: str) -> None:
    """The filter is as wide as those who are learned from allow, and not as those who are held out do."""
    ids = pl.Series([f"P{n:04}" for n in range(240)])
    theirs = pl.col("id").is_in(list(ids.filter(held_out(numbers(ids), 0.2, spawned(7, "held out")))))
    drawn_rows = []
    for name, change in (("one", pl.col("id")), ("other", put(column, value, theirs))):
        folder = tmp_path / name
        folder.mkdir()
        path = people(folder)
        pl.read_csv(path, infer_schema=False).with_columns(change).write_csv(path)
        asked = config(
            folder,
            synthesis="{method: cart, leaf: 5, fit_on: original, filter: cone}",
            risk="{holdout: 0.2, thresholds: {synthetic.copied_rare: 1.0}}",
        )
        assert anon("synth", asked, "-o", folder / "drawn.csv").code == 0
        drawn_rows.append((folder / "drawn.csv").read_bytes())
    assert drawn_rows[0] == drawn_rows[1]


def test_a_constraint_does_not_tell_what_a_released_band_was(tmp_path: Path) -> None:
    """Whether anybody is 61 must not decide whether a man can be drawn from 60 to 64."""
    asked = "{method: cart, leaf: 5, constraints: [{where: {sex: m}, never: {age: '61'}}]}"
    sixties = pl.col("age").cast(pl.Int64).is_between(60, 64)
    found = [
        released(tmp_path / age, put("age", age, sixties), synthesis=asked, risk="{attacks: none}")
        for age in ("61", "62")
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("never", ["I48.1", "I48.*", "I48.1*"])
def test_a_constraint_does_not_tell_which_code_a_category_was(tmp_path: Path, never: str) -> None:
    """A man with I48 could have what no man is to have, whether anybody does or not."""
    tables = []
    for code in ("I48.1", "I49.9", "I48.0"):
        folder = tmp_path / code
        folder.mkdir()
        path = people(folder)
        coded = pl.col("diagnosis").replace({"Z99-CANARY": "I10", "I48.1": "I48.0"})
        table = pl.read_csv(path, infer_schema=False).with_columns(coded)
        table.with_columns(put("diagnosis", code, pl.col("id") == "P0003")).write_csv(path)
        forbidden = f"{{where: {{sex: m}}, never: {{diagnosis: '{never}'}}}}"
        asked = f"{{method: cart, leaf: 5, constraints: [{forbidden}]}}"
        told = config(folder, synthesis=asked, risk="{attacks: none}")
        coarse = "{role: quasi-identifier, hierarchy: icd-10-gm, min_level: 2, max_level: 2}"
        told.write_text(told.read_text().replace("diagnosis: {role: sensitive}", f"diagnosis: {coarse}"))
        assert anon("run", told, "--quiet").code == 0
        tables.append(drawn(folder).filter(pl.col("sex") == "m"))
    assert all("I48" not in set(each["diagnosis"]) for each in tables)


def test_a_shadow_counts_people_and_not_their_rows() -> None:
    """What one person has in ten rows is as unknown to a shadow as to the released model."""
    codes = ["I10", "E11"] * 45 + ["Z99"] * 10
    rows = pl.DataFrame({"code": codes, "sex": ["f", "m"] * 50})
    people = np.r_[np.arange(90), np.full(10, 90)]
    training = Training(rows, (Variable("code", "string"), Variable("sex", "string")), people)
    synthesis = Synthesis.model_validate({"method": "cart", "filter": "none"})
    how = Maker(synthesis, Recipe("cart"), ())
    made = refitted(how, training)(rows, people, np.random.default_rng(1))
    assert set(made["code"]) == {"I10", "E11"}
