"""What recoding keeps of Adult, k = 5, nine quasi-identifiers: global optimum, local recoding, Mondrian, ARX.

    python -m benchmarks.recoding [--runs 5]      writes benchmarks/results/recoding.json

Times are warm, medians of several runs in one process, the search included where there is one; counting is
apart. Figures are defined in `anonymizer.recoding.quality`; those of ARX (golden/arx.json) are local recoding
by its `optimizeIterativeFast` with gs 0.

The AUC tells how well a model that learnt from released cells predicts `salary-class` of people as they are:
gradient boosting, five folds over all rows of the input, taught by the released rows of four and judged on
the original rows of the fifth. Judging released rows would mislead: `salary-class` is a quasi-identifier, so
each class of a recoding has one salary, and which levels it shows gives that away; the AUC then rises above
that of the input. A row whose target was starred, or that was suppressed, teaches nothing, since its target
is not in the release. A cell is given with its coarser labels, as the hierarchy is public; what is finer is
missing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table as Grid

from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import KAnonymity
from anonymizer.recoding.cell_suppression import suppress_cells
from anonymizer.recoding.local_recoding import recode_locally
from anonymizer.recoding.mondrian import recode_multidimensionally
from anonymizer.recoding.quality import quality
from anonymizer.recoding.recoding import Recoding
from anonymizer.search.search import search
from anonymizer.transforming.transformation import recoding_of
from benchmarks.measure import median, write
from benchmarks.search import conditions
from tests.known_answers.arx import GOLDEN, document, loss_answers

K = [KAnonymity(5)]
TARGET = "salary-class"
ARX = "adult9_k5_localrecoding_optimizeIterativeFast_gs0.0"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Result:
    """One way to recode: its figures, and the median seconds it takes, on the clock and of the processor."""

    method: str
    loss: float
    granularity: float
    granularity_arx: float
    entropy: float
    entropy_arx: float
    auc: float | None
    classes: int
    suppressed: int
    seconds: float | None
    cpu_s: float


def adult() -> Counts:
    """Adult with nine quasi-identifiers."""
    answer = next(each for each in loss_answers() if each.name == "adult9_k5_s0_loss")
    return count(answer.table, K)


def methods(counts: Counts) -> dict[str, Callable[[], Recoding]]:
    """Every way to recode."""

    def optimum(limit: str) -> Recoding:
        return recoding_of(counts, K, search(counts, K, Fraction(limit)))

    return {
        "input": lambda: unchanged(counts),
        "global optimum, 0 % suppressed": lambda: optimum("0"),
        "global optimum, 5 %": lambda: optimum("0.05"),
        "global optimum, 100 %": lambda: optimum("1"),
        "cell suppression from 5 %": lambda: suppress_cells(counts, K, optimum("0.05")),
        "Mondrian": lambda: recode_multidimensionally(counts, K, 0),
        "local recoding": lambda: recode_locally(counts, K, optimum("0")),
    }


def measure(counts: Counts, name: str, recode: Callable[[], Recoding], runs: int) -> Result:
    """The figures of one way, after a run that warms up."""
    recoding = recode()
    walls, processor = [], []
    for _ in range(runs):
        started, busy = time.perf_counter(), time.process_time()
        recode()
        walls.append(time.perf_counter() - started)
        processor.append(time.process_time() - busy)
    found = quality(counts, recoding)
    return Result(
        name,
        found.loss,
        found.granularity,
        found.granularity_arx,
        found.entropy,
        found.entropy_arx,
        auc(counts, recoding),
        found.classes,
        found.suppressed,
        median(walls),
        median(processor),
    )


def arx() -> Result:
    """What ARX reaches, by its own figures: means over columns are ours of its figures per column."""
    case = next(each for each in document()["cases"] if each["name"] == ARX)
    figures = case["local_quality"]
    columns = figures["per_attribute"].values()
    lost = [1 - column["granularity"] for column in columns]
    return Result(
        method="ARX local recoding",
        loss=float(np.expm1(np.log1p(lost).mean())),
        granularity=1 - float(np.mean(lost)),
        granularity_arx=figures["granularity_mean"],
        entropy=float(np.mean([column["entropy"] for column in columns])),
        entropy_arx=figures["non_uniform_entropy_mean"],
        auc=None,
        classes=case["local_classes"]["classes"],
        suppressed=case["local_classes"]["suppressed"],
        seconds=None,
        cpu_s=median(case["local_cpu_ms_all"]) / 1000,
    )


def auc(counts: Counts, recoding: Recoding) -> float:
    """How well released rows teach to predict the target: the mean area under the ROC curve, five folds."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    target = [ladder.name for ladder in counts.ladders].index(TARGET)
    truth, rows = counts.codes[counts.tuple_of_row, target], counts.tuple_of_row
    released, original = features(counts, recoding)[rows], features(counts, unchanged(counts))[rows]
    told = (recoding.levels[:, target] == 0)[rows]
    every, areas = list(range(original.shape[1])), []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(original, truth):
        taught = train[told[train]]
        model = HistGradientBoostingClassifier(categorical_features=every, random_state=0)
        model.fit(released[taught], truth[taught])
        areas.append(float(roc_auc_score(truth[test], model.predict_proba(original[test])[:, 1])))
    return float(np.mean(areas))


def features(counts: Counts, recoding: Recoding) -> Floats:
    """Each tuple's label on every level below the top of every column but the target; nan where it is finer
    than what is released.
    """
    columns = [
        np.where(
            (recoding.levels[:, j] >= 0) & (recoding.levels[:, j] <= level),
            ladder.label_codes[level][counts.codes[:, j]].astype(np.float64),
            np.nan,
        )
        for j, ladder in enumerate(counts.ladders)
        if ladder.name != TARGET
        for level in range(ladder.top)
    ]
    return np.stack(columns, axis=1)


def unchanged(counts: Counts) -> Recoding:
    """Everybody as they are."""
    return Recoding(np.zeros(counts.codes.shape, np.int8))


def grid(results: list[Result]) -> Grid:
    """All figures in one table."""
    table = Grid("method", title="Adult, k = 5: what recoding keeps")
    headings = (
        "loss",
        "granularity",
        "by ARX's mean",
        "entropy",
        "AUC",
        "classes",
        "suppressed",
        "s",
        "CPU s",
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for r in results:
        shown = [r.loss, r.granularity, r.granularity_arx, r.entropy, r.auc]
        table.add_row(
            r.method,
            *("" if figure is None else f"{figure:.4f}" for figure in shown),
            f"{r.classes:,}",
            f"{r.suppressed:,}",
            "" if r.seconds is None else f"{r.seconds:.3g}",
            f"{r.cpu_s:.3g}",
        )
    return table


def main() -> None:
    """Measure, print one table, write one file."""
    parser = argparse.ArgumentParser(description="Recoding beside ARX")
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    if not GOLDEN.exists():
        raise SystemExit("the reference data (../shared) are not beside the checkout")
    before, counts = conditions(), adult()
    results = [measure(counts, name, recode, asked.runs) for name, recode in methods(counts).items()]
    results.append(arx())
    Console(width=140).print(grid(results))
    figures = {each.method: {k: v for k, v in asdict(each).items() if k != "method"} for each in results}
    write("recoding", {"date": time.strftime("%Y-%m-%d"), **before, "runs": asked.runs, "results": figures})


if __name__ == "__main__":
    main()
