"""What the measures of utility say of releases that are known: copies, fresh people, independent columns.

    python -m benchmarks.utility_marks      writes benchmarks/results/utility_marks.json

The original is one random half of Adult or of Diabetes (../shared, quasi-identifiers alone). Its "releases"
are itself, a bootstrap copy, the other half (a perfect generator could do no better), and itself with
independent columns; and the golden 5-anonymous table of the whole data (golden/arx.json) beside that data.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table as Grid

from anonymizer.counting.counts import count
from anonymizer.transforming.transformation import suppressed_tuples
from benchmarks.measure import write
from risk.baselines import bootstrap, independent
from risk.comparison import Attribute, Comparison
from risk.figures import Figure
from risk.utility.assess import utility
from risk.utility.losses import losses
from tests.known_answers.arx import Answer, answers

CASES = {"adult": "adult9_k5_s2_loss", "diabetes": "diabetes9_k5_s2_loss"}
NUMBERS = ("age", "time_in_hospital")
SHOWN = ("total_variation", "association_difference", "pmse_ratio", "pmse_ratio.logistic", "two_sample")


def main() -> None:
    found = {name: releases(next(a for a in answers() if a.name == case)) for name, case in CASES.items()}
    write("utility_marks", found)
    for name, rows in found.items():
        grid = Grid("release", *SHOWN, title=name)
        for release, figures in rows.items():
            grid.add_row(release, *(f"{figures[figure]:.3f}" for figure in SHOWN))
        Console(width=130).print(grid)


def releases(answer: Answer) -> dict[str, dict[str, float | None]]:
    """The figures of every release, by its name."""
    whole = answer.table.frame.select(answer.quasi_identifiers)
    numbers = [name for name in whole.columns if is_number(whole[name])]
    base = whole.with_columns(pl.col(numbers).cast(pl.Float64))
    rng = np.random.default_rng(20261122)
    order = rng.permutation(base.height)
    here, there = base[order[: base.height // 2]], base[order[base.height // 2 :]]
    made = {
        "verbatim copy": here,
        "bootstrap copy": bootstrap(here, rng),
        "fresh people": there,
        "independent columns": independent(here, rng),
    }
    found = {
        name: values(utility(synthetic(here, release), rng=rng).figures) for name, release in made.items()
    }
    return {**found, "5-anonymous": anonymised(answer, base, rng)}


def is_number(column: pl.Series) -> bool:
    return column.name in NUMBERS and bool(column.str.contains(r"^[0-9]+$").all())


def values(figures: Mapping[str, Figure]) -> dict[str, float | None]:
    wanted = [name for name in figures if name in SHOWN or name.startswith("loss.")]
    return {name: figures[name].value for name in wanted}


def attributes(base: pl.DataFrame) -> tuple[Attribute, ...]:
    return tuple(
        Attribute(name, "number" if dtype.is_float() else "category", True, False)
        for name, dtype in base.schema.items()
    )


def synthetic(original: pl.DataFrame, release: pl.DataFrame) -> Comparison:
    rows = original.height
    people, shown = np.arange(rows), np.ones(rows, np.bool_)
    return Comparison("synthetic", attributes(original), release, original, original, people, shown)


def anonymised(answer: Answer, base: pl.DataFrame, rng: np.random.Generator) -> dict[str, float | None]:
    """The figures of the reference's optimum, suppressed rows dropped."""
    counts = count(answer.table, answer.criteria)
    suppressed = suppressed_tuples(counts, answer.criteria, answer.optimum)[counts.tuple_of_row]
    words = pl.DataFrame(
        {
            ladder.name: pl.Series(list(ladder.labels[level])).gather(counts.codes[counts.tuple_of_row, j])
            for j, (ladder, level) in enumerate(zip(counts.ladders, answer.optimum, strict=True))
        }
    )
    labelled = tuple(Attribute(name, "category", True, False) for name in base.columns)
    released = words.filter(pl.Series(~suppressed))
    comparison = Comparison(
        "anonymised", labelled, released, words, base, np.arange(base.height), ~suppressed
    )
    levels = dict(zip(answer.quasi_identifiers, answer.optimum, strict=True))
    lost = losses(answer.table, levels, ~suppressed)
    return values(utility(comparison, losses=lost, rng=rng).figures)


if __name__ == "__main__":
    main()
