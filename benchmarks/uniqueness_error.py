"""How far estimates about a population are off, on samples of populations that are known.

    python -m benchmarks.uniqueness_error [--draws 10] [--into docs/uniqueness.svg]

Adult and Diabetes (../shared) are each taken for a population; 1 % and 10 % of it are drawn at random,
several times, and what the sample says is compared with what the population is: before generalisation, and of
the journalist's risk also at the levels of a 5-anonymous table. Writes results/uniqueness_error.json and a
picture. Data in the house are no random sample: their errors have further causes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import write
from risk.reidentification import copula
from risk.reidentification.class_sizes import ClassSizes
from risk.reidentification.population import expected_risk, risk_interval, with_population
from risk.reidentification.special_uniques import dis, special_uniques
from risk.reidentification.uniqueness import population_uniqueness
from tests.published import generalised, golden, original

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
NOT_KNOWN = ("diag_1", "diag_1_chapter", "readmitted")
FRACTIONS = (Fraction(1, 100), Fraction(1, 10))
LEVELS = {"adult": "adult9_k5_s2_loss", "diabetes": "diabetes9_k5_s2_loss"}
"""The cases of golden/arx.json whose optimum gives the levels of an anonymised table."""
BANDS = ((1, 1), (2, 4), (5, 9), (10, 10**9))
"""Class sizes told apart, from and to."""
TRUTHS = {
    "unique in the population": ("zayatz", "pitman", "snb", "dankar", "copula"),
    "a match is right": ("negative binomial", "copula's mean", "copula's records"),
    "a unique match is right": ("DIS",),
}
"""What is estimated, as a share, and by which estimators."""
COLOURS = ("#1f5f8b", "#8a8a8a", "#c26a1b", "#5b8c3a", "#7a4f9a")
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "uniqueness",
    "svg.fonttype": "none",
    "font.size": 9,
    "font.family": "sans-serif",
}

Points = Sequence[Mapping[str, Any]]


def population(name: str) -> pl.DataFrame:
    """The quasi-identifiers of a data set, one row per person, with the people of each class as ``F``."""
    table = pl.read_csv(DATA / name / f"{name}.csv", separator=";", infer_schema=False)
    columns = [column for column in table.columns if column not in NOT_KNOWN]
    return table.select(*columns, pl.len().over(columns).alias("F"))


def points(draws: int) -> Iterator[dict[str, Any]]:
    """What each estimator says about each sample, and what is true."""
    for name in ("adult", "diabetes"):
        people = population(name)
        for fraction in FRACTIONS:
            for draw in range(draws):
                yield from _drawn(name, people, fraction, draw)


def _drawn(name: str, people: pl.DataFrame, fraction: Fraction, draw: int) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng([draw, fraction.denominator])
    picked = np.sort(rng.permutation(people.height)[: int(people.height * fraction)])
    sample = people[picked]
    size = sample["F"].to_numpy()
    columns = [column for column in people.columns if column != "F"]
    alone = sample.select(pl.len().over(columns) == 1).to_series().to_numpy()
    true = {
        "unique in the population": float((people["F"] == 1).mean()),  # type: ignore[arg-type]
        "a match is right": float((1 / size).mean()),
        "a unique match is right": float(alone.sum() / size[alone].sum()),
    }
    told = _estimates(sample.select(columns), people.height, rng)
    for about, models in TRUTHS.items():
        for model in models:
            yield {
                "population": name,
                "fraction": float(fraction),
                "draw": draw,
                "about": about,
                "model": model,
                "estimate": told[model],
                "truth": true[about],
            }


def _estimates(sample: pl.DataFrame, whole: int, rng: np.random.Generator) -> dict[str, float | None]:
    rows = sample.group_by(sample.columns).len()["len"].to_numpy().astype(np.int64)
    sizes = ClassSizes(rows, rows)
    uniqueness = population_uniqueness(sizes, population=whole)
    found = copula.correctness(sample, sample.columns, whole, rng=rng)
    figures = copula.figures(found)
    return {
        **{
            model: uniqueness[f"population_uniqueness_{model}"].value
            for model in ("zayatz", "pitman", "snb", "dankar")
        },
        "copula": figures["rocher_uniqueness"].value,
        "copula's mean": figures["rocher_correctness_average"].value,
        "copula's records": float(found.correct.mean()),
        "negative binomial": with_population(sizes, whole)["journalist_average"].value,
        "DIS": dis(special_uniques(sample, sample.columns), Fraction(sample.height, whole)),
    }


def by_class_size(draws: int) -> Iterator[dict[str, Any]]:
    """The journalist's mean risk in classes of like size, estimated and true, before and after generalising.

    ``covered`` is the share of classes whose true risk lies in the interval.
    """
    for name, case in LEVELS.items():
        for table, people in (("original", population(name)), ("anonymised", _generalised(name, case))):
            for fraction in FRACTIONS:
                classes = pl.concat(_sampled(people, fraction, draw) for draw in range(draws))
                yield from (
                    {"population": name, "table": table, "fraction": float(fraction), **band}
                    for band in _bands(classes, fraction)
                )


def _generalised(name: str, case: str) -> pl.DataFrame:
    levels = dict(zip(golden(case)["quasi_identifiers"], golden(case)["optimum"], strict=True))
    table = generalised(original(name).select(*levels), name, levels)
    return table.with_columns(F=pl.len().over(table.columns))


def _sampled(people: pl.DataFrame, fraction: Fraction, draw: int) -> pl.DataFrame:
    """The classes of a sample: their people ``f``, and those of the population ``F``."""
    picked = np.random.default_rng(draw).permutation(people.height)[: int(people.height * fraction)]
    columns = [column for column in people.columns if column != "F"]
    return (
        people[picked]
        .group_by(columns)
        .agg(f=pl.len().cast(pl.Int64), F=pl.col("F").first())
        .select("f", "F")
    )


def _bands(classes: pl.DataFrame, fraction: Fraction) -> Iterator[dict[str, Any]]:
    f, truth = classes["f"].to_numpy(), 1 / classes["F"].to_numpy()
    estimate = expected_risk(f, float(fraction))
    low, high = risk_interval(f, float(fraction), 0.95)
    for start, end in BANDS:
        own = (f >= start) & (f <= end)
        if own.any():
            yield {
                "from": start,
                "classes": int(own.sum()),
                "truth": round(float(np.average(truth[own], weights=f[own])), 4),
                "estimate": round(float(np.average(estimate[own], weights=f[own])), 4),
                "covered": round(float(((low <= truth) & (truth <= high))[own].mean()), 3),
            }


def summary(found: Points) -> list[dict[str, Any]]:
    """The mean and the largest error of each estimator on each kind of sample, in percentage points."""
    keys = ("population", "fraction", "about", "model")
    kinds = list(dict.fromkeys(tuple(point[key] for key in keys) for point in found))
    return [_error(dict(zip(keys, kind, strict=True)), found) for kind in kinds]


def _error(kind: dict[str, Any], found: Points) -> dict[str, Any]:
    own = [point for point in found if kind.items() <= point.items()]
    errors = [100 * (point["estimate"] - point["truth"]) for point in own if point["estimate"] is not None]
    return {
        **kind,
        "truth": round(100 * float(np.mean([point["truth"] for point in own])), 1),
        "mean_error": round(float(np.mean(errors)), 1) if errors else None,
        "largest_error": round(max(errors, key=abs), 1) if errors else None,
        "errors": " ".join(f"{error:.1f}" for error in errors),
    }


def draw(found: Points, path: Path) -> None:
    """Write the picture of a ``summary``: one mark per sample; the same figures give the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    widths = [len(models) + 2 for models in TRUTHS.values()]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 3.6), layout="constrained")
        panels = figure.subplots(1, len(TRUTHS), sharey=True, width_ratios=widths)
        for panel, about in zip(panels, TRUTHS, strict=True):
            _panel(panel, [row for row in found if row["about"] == about], TRUTHS[about])
            panel.set_title(about, fontsize=9)
        panels[0].set_ylabel("estimate less truth, percentage points")
        figure.savefig(path, format="svg", metadata={"Date": None})


def _panel(panel: Any, own: Points, models: Sequence[str]) -> None:
    kinds = list(dict.fromkeys((row["population"], row["fraction"]) for row in own))
    panel.axhline(0, color="#444444", linewidth=0.8)
    for place, (colour, model) in enumerate(zip(COLOURS, models, strict=False)):
        shift = (place - (len(models) - 1) / 2) * 0.8 / len(models)
        marks = [
            (kinds.index((row["population"], row["fraction"])) + shift, float(error))
            for row in own
            if row["model"] == model
            for error in row["errors"].split()
        ]
        at, errors = zip(*marks, strict=True) if marks else ((), ())
        panel.plot(at, errors, ".", color=colour, label=model, alpha=0.6, markersize=4)
    names = [f"{name.capitalize()}\n{fraction:.0%}" for name, fraction in kinds]
    panel.set_xticks(range(len(kinds)), names)
    panel.tick_params(axis="x", labelsize=7)
    panel.grid(alpha=0.3, axis="y")
    panel.legend(frameon=False, fontsize=7)


def main() -> None:
    """Measure, write and draw."""
    parser = argparse.ArgumentParser(description="Errors of estimates about a population")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "uniqueness.svg")
    asked = parser.parse_args()
    errors = summary(list(points(asked.draws)))
    classes = list(by_class_size(asked.draws))
    print(write("uniqueness_error", {"errors": errors, "journalist_by_class_size": classes}))
    draw(errors, asked.into)
    for row in (*errors, *classes):
        print(row)


if __name__ == "__main__":
    main()
