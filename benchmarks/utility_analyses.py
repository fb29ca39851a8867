"""What predictions and models say of releases of Adult that are known.

    python -m benchmarks.utility_analyses      writes benchmarks/results/utility_analyses.json

The original is one third of Adult (../shared), another third is held out. The "releases" are the original,
the last third (a perfect generator could do no better) and the original with independent columns; and
the golden 5-anonymous table of all of Adult (golden/arx.json) beside Adult, with people dealt into parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table as Grid

from anonymizer.counting.counts import count
from anonymizer.transforming.transformation import suppressed_tuples
from benchmarks.measure import write
from benchmarks.utility_marks import CASES, attributes, synthetic
from risk.baselines import independent
from risk.comparison import Attribute, Comparison
from risk.figures import Figure
from risk.utility.analyses import analyse
from risk.utility.asked import Asked, Model
from tests.known_answers.arx import Answer, answers

TARGET = "salary-class"
ASKED = Asked(
    (TARGET,),
    (
        Model("age", "linear", "age", ("sex", "marital-status", TARGET)),
        Model("salary", "logistic", TARGET, ("age", "sex", "marital-status"), positive=">50K"),
    ),
)


def main() -> None:
    answer = next(each for each in answers() if each.name == CASES["adult"])
    whole = answer.table.frame.select(answer.quasi_identifiers)
    base = whole.with_columns(pl.col("age").cast(pl.Float64))
    rng = np.random.default_rng(20261122)
    order, third = rng.permutation(base.height), base.height // 3
    here, there, out = (base[order[n * third : (n + 1) * third]] for n in range(3))
    tested = {"holdout": out, "holdout_people": np.arange(out.height)}
    made = {"verbatim copy": here, "fresh people": there, "independent columns": independent(here, rng)}
    found = {
        name: values(analyse(replace(synthetic(here, release), **tested), ASKED, rng).figures)
        for name, release in made.items()
    }
    found["5-anonymous"] = values(analyse(anonymised(answer, base), ASKED, rng).figures)
    write("utility_analyses", found)
    grid = Grid("figure", *found)
    for name in found["verbatim copy"]:
        grid.add_row(name, *(told(figures.get(name)) for figures in found.values()))
    Console(width=130).print(grid)


def values(figures: Mapping[str, Figure]) -> dict[str, float | None]:
    return {name: figure.value for name, figure in figures.items()}


def told(value: float | None) -> str:
    return "not estimated" if value is None else f"{value:.3f}"


def anonymised(answer: Answer, base: pl.DataFrame) -> Comparison:
    """The reference's optimum, suppressed rows dropped."""
    counts = count(answer.table, answer.criteria)
    gone = suppressed_tuples(counts, answer.criteria, answer.optimum)[counts.tuple_of_row]
    words = pl.DataFrame(
        {
            ladder.name: pl.Series(list(ladder.labels[level])).gather(counts.codes[counts.tuple_of_row, j])
            for j, (ladder, level) in enumerate(zip(counts.ladders, answer.optimum, strict=True))
        }
    )
    labelled = tuple(Attribute(each.name, "category", True, False) for each in attributes(base))
    people = np.arange(base.height)
    return Comparison("anonymised", labelled, words.filter(pl.Series(~gone)), words, base, people, ~gone)


if __name__ == "__main__":
    main()
