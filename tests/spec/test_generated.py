"""The benchmarks' tables: drawn from a seed, one as text and as integers, of the lattices they claim."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from anonymizer.counting.counts import count, group
from anonymizer.hierarchies.hierarchy_file import from_file
from anonymizer.tables.table import Table
from benchmarks import generated
from benchmarks.generated import CASES
from tests.runs import anon, files

ROWS = 3_000


@pytest.mark.parametrize(
    ("name", "transformations", "columns"),
    [
        ("survey", 25_920, 9),
        ("sixteen", 85_030_560, 16),
        ("ten-million", 10**7, 11),
        ("ten-trillion", 10**13, 20),
    ],
)
def test_the_lattices_have_the_size_they_claim(name: str, transformations: int, columns: int) -> None:
    case = CASES[name]
    assert case.lattice_size == group(case.encoded(100)).lattice_size == transformations
    assert len(case.attributes) == columns


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        generated.write(CASES["survey"], tmp_path / folder, rows=200, seed=seed)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "a")["table.csv"] != files(tmp_path / "c")["table.csv"]


def test_the_files_hold_what_is_drawn_in_memory(tmp_path: Path) -> None:
    case = CASES["survey"]
    generated.write(case, tmp_path, rows=ROWS)
    frame = pl.read_csv(tmp_path / "table.csv", infer_schema=False)
    assert frame.equals(case.frame(ROWS))
    for attribute in case.attributes:
        read = from_file(tmp_path / "hierarchies" / f"{attribute.name}.csv")
        assert read.generalise(attribute.values) == attribute.column.hierarchy.generalise(attribute.values)  # type: ignore[union-attr]


def test_text_and_integers_are_one_table() -> None:
    case = CASES["survey"]
    columns = tuple(attribute.column for attribute in case.attributes)
    from_text = count(Table(case.frame(ROWS), columns, None), [])
    from_integers = group(case.encoded(ROWS))
    assert sorted(from_text.rows.tolist()) == sorted(from_integers.rows.tolist())
    assert from_text.n_tuples == from_integers.n_tuples


def test_a_survey_is_skewed_and_mostly_of_rare_tuples() -> None:
    """At full size more than 500,000 tuples are distinct, which the benchmark makes sure of itself."""
    frame = CASES["survey"].frame(20_000)
    tuples = frame.group_by(frame.columns).len()["len"]
    assert tuples.len() > 0.9 * frame.height
    assert frame["race"].value_counts(normalize=True)["proportion"].max() > 0.5  # type: ignore[operator]


def test_a_generated_table_can_be_released(tmp_path: Path) -> None:
    config = generated.write(CASES["survey"], tmp_path, rows=ROWS)
    assert anon("run", config, "--quiet").code == 0
    released = pl.read_parquet(tmp_path / "out" / "generated" / "release" / "data" / "table.parquet")
    smallest = released.group_by(released.columns).len()["len"].min()
    assert isinstance(smallest, int)
    assert smallest >= generated.K
    assert released.height >= (1 - Fraction(generated.SUPPRESSION_LIMIT)) * ROWS
