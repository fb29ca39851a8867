"""How long the lattice search takes on the reference cases, warm, beside ARX; compiling apart.

    python -m benchmarks.search [--runs 5] [--name search]      writes benchmarks/results/<name>.json

Warm is the median of several runs in one process, counting and searching apart; ARX's figures are its own,
warm and on one idle core (golden/arx.json). Start is a process of its own on a table of four rows: once with
an empty kernel cache (the kernels are compiled), once with a full one. Measure on a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from anonymizer.counts import count
from anonymizer.search import search
from benchmarks.measure import median, once, write
from tests.known_answers.arx import GOLDEN, Answer, document, loss_answers

_START = """
import time; started = time.perf_counter()
import polars as pl
from fractions import Fraction
from anonymizer.counts import count
from anonymizer.criteria import DistinctLDiversity, KAnonymity
from anonymizer.hierarchy import prefix
from anonymizer.search import search
from anonymizer.table import Column, Role, Table
imported = time.perf_counter()
columns = (Column("q", Role.QUASI_IDENTIFIER, prefix([3, 2])), Column("s", Role.SENSITIVE, sensitive=True))
frame = pl.DataFrame({"q": ["01067", "01069", "01067", "99999"], "s": ["a", "b", "c", "d"]})
criteria = [KAnonymity(2), DistinctLDiversity("s", 2)]
search(count(Table(frame, columns, None), criteria), criteria, Fraction(1, 2))
print(imported - started, time.perf_counter() - imported)
"""


@dataclass(frozen=True, slots=True)
class Timing:
    """One case: medians in milliseconds, nodes evaluated, and ARX's figures where it has them."""

    case: str
    rows: int
    tuples: int
    count_ms: float
    search_ms: float
    nodes: int
    arx_nodes: int
    arx_ms: float | None

    @property
    def ratio(self) -> float | None:
        """How many times longer ARX takes; it counts within its search, so both parts are set against it."""
        return self.arx_ms / (self.count_ms + self.search_ms) if self.arx_ms else None


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds a fresh process takes to import and to solve its first table."""

    import_s: float
    first_search_s: float


def measure(answer: Answer, runs: int) -> Timing:
    """Medians over ``runs`` runs after one that warms up; raises ``SystemExit`` where the answer is wrong."""
    table = answer.table
    counted, searched = [], []
    for _ in range(runs + 1):
        started = time.perf_counter()
        counts = count(table, answer.criteria)
        between = time.perf_counter()
        solution = search(counts, answer.criteria, answer.limit)
        counted.append(between - started)
        searched.append(time.perf_counter() - between)
    if tuple(solution.transformation.values()) != answer.optimum:
        raise SystemExit(f"{answer.name}: another optimum than the reference's; a time would mean nothing")
    return Timing(
        case=answer.name,
        rows=counts.n_rows,
        tuples=counts.n_tuples,
        count_ms=1000 * median(counted[1:]),
        search_ms=1000 * median(searched[1:]),
        nodes=solution.nodes_checked,
        arx_nodes=answer.nodes_checked,
        arx_ms=document()["idle_wall_ms_warm"].get(answer.name),
    )


def starts(runs: int) -> dict[str, Start]:
    """Cold once; then, with the kernels that left behind, the median of several."""
    with tempfile.TemporaryDirectory() as cache:
        cold, *warm = [_start(cache) for _ in range(1 + runs)]
    imports, searches = median([x.import_s for x in warm]), median([x.first_search_s for x in warm])
    return {"cold": cold, "warm": Start(imports, searches)}


def _start(cache: str) -> Start:
    """A fresh process that keeps its kernels in ``cache``."""
    finished = once([sys.executable, "-c", _START], environment={"XDG_CACHE_HOME": cache})
    imported, solved = map(float, finished.stdout.split())
    return Start(imported, solved)


def conditions() -> dict[str, object]:
    """The processor's model, and the load before anything was measured."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text("utf-8").splitlines() if cpu.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {"cpu": models[0] if models else "unknown", "load_1_min_before": round(os.getloadavg()[0], 2)}


def grid(timings: list[Timing], begun: dict[str, Start]) -> Grid:
    """All figures in one table."""
    caption = "; ".join(
        f"{name} start: {x.import_s:.2f} s imports, {x.first_search_s:.2f} s first search"
        for name, x in begun.items()
    )
    table = Grid("case", title="Lattice search, warm, median", caption=caption)
    for heading in ("tuples", "count ms", "search ms", "nodes", "ARX nodes", "ARX ms", "times ARX"):
        table.add_column(heading, justify="right")
    for t in timings:
        beside = ("", "") if t.arx_ms is None or t.ratio is None else (f"{t.arx_ms:,.0f}", f"{t.ratio:.1f}")
        figures = (
            f"{t.tuples:,}",
            f"{t.count_ms:.1f}",
            f"{t.search_ms:.1f}",
            f"{t.nodes:,}",
            f"{t.arx_nodes:,}",
        )
        table.add_row(t.case, *figures, *beside)
    return table


def main() -> None:
    """Measure, print one table, write one file."""
    parser = argparse.ArgumentParser(description="Lattice search beside ARX")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--name", default="search")
    asked = parser.parse_args()
    if not GOLDEN.exists():
        raise SystemExit("the reference data (../shared) are not beside the checkout")
    before = conditions()
    begun = starts(min(asked.runs, 3))
    timings = [measure(answer, asked.runs) for answer in loss_answers()]
    Console(width=130).print(grid(timings, begun))
    cases = [{**asdict(t), "times_arx": t.ratio and round(t.ratio, 1)} for t in timings]
    start = {name: asdict(value) for name, value in begun.items()}
    write(
        asked.name,
        {"date": time.strftime("%Y-%m-%d"), **before, "runs": asked.runs, "start": start, "cases": cases},
    )


if __name__ == "__main__":
    main()
