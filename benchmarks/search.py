"""How long the lattice search takes on the reference cases, warm, beside ARX; compiling apart.

    python -m benchmarks.search [--runs 7] [--cases all|timed|adult|models] [--name search]

Writes benchmarks/results/<name>.json; ``timed`` are the cases ARX was timed on, ``models`` those of its
answers with another criterion or metric, beside its CPU time (measured once: 1.0 to 2.2 times its warm one).

Warm is the median of several runs in one process. *Solving* starts from a table in integer codes and includes
grouping it to distinct tuples; encoding text to codes is timed apart. ARX's figures are its own, warm and on
one idle core (golden/arx.json); that of the survey (149 s) is for the table ours is modelled on. *Passes* say
how far the search is from the limit: its time over that of reading every distinct tuple once. Start is a
process of its own on a table of four rows: once with an empty kernel cache (the kernels are compiled), then
with a full one. Measure on a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from anonymizer.counting.counts import encode_table, group
from anonymizer.criteria import Criterion, KAnonymity
from anonymizer.metrics import Loss, Metric
from anonymizer.search.search import search
from anonymizer.tables.table import Table
from benchmarks import generated
from benchmarks.measure import median, once, write
from benchmarks.single_pass import single_pass_ms
from tests.known_answers.arx import GOLDEN, Answer, answers, document, loss_answers, sensitive_answers

DEMANDED = {
    "adult9_k5_s0_loss": 10,
    "adult9_k5_s2_loss": 40,
    "adult9_k5_s5_loss": 40,
    "adult9_k5_s100_loss": 100,
    "adult8_k5_distinctl3_s2_loss": 40,
    "adult8_k5_tequal02_s2_loss": 25,
    "diabetes9_k5_s2_loss": 40,
}
"""How many times faster than ARX the search shall be."""

ARX_SURVEY_MS = 149_000
_LOSS = Loss()
_START = """
import time; started = time.perf_counter()
import polars as pl
from fractions import Fraction
from anonymizer.counting.counts import count
from anonymizer.criteria import DistinctLDiversity, KAnonymity
from anonymizer.hierarchies.hierarchy import prefix
from anonymizer.metrics import Loss, Metric
from anonymizer.search.search import search
from anonymizer.tables.table import Column, Role, Table
imported = time.perf_counter()
columns = (Column("q", Role.QUASI_IDENTIFIER, prefix([3, 2])), Column("s", Role.SENSITIVE, sensitive=True))
frame = pl.DataFrame({"q": ["01067", "01069", "01067", "99999"], "s": ["a", "b", "c", "d"]})
criteria = [KAnonymity(2), DistinctLDiversity("s", 2)]
search(count(Table(frame, columns, None), criteria), criteria, Fraction(1, 2))
print(imported - started, time.perf_counter() - imported)
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A table, what is asked of it, and what ARX needs and finds where that is known."""

    name: str
    table: Table
    criteria: Sequence[Criterion]
    limit: Fraction
    metric: Metric = _LOSS
    arx_ms: float | None = None
    arx_nodes: int | None = None
    optimum: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """One case: medians in milliseconds, nodes evaluated, and ARX's figures where it has them."""

    case: str
    rows: int
    tuples: int
    encode_ms: float
    group_ms: float
    search_ms: float
    pass_ms: float
    nodes: int
    arx_nodes: int | None
    arx_ms: float | None

    @property
    def solve_ms(self) -> float:
        return self.group_ms + self.search_ms

    @property
    def times_arx(self) -> float | None:
        """How many times longer ARX takes; it groups within its search, so both parts are set against it."""
        return self.arx_ms / self.solve_ms if self.arx_ms else None

    @property
    def passes(self) -> float:
        """The search's time in passes over the distinct tuples: 1 is the limit."""
        return self.search_ms / self.pass_ms

    def told(self) -> dict[str, object]:
        """The figures of the result file."""
        ratio = self.times_arx
        return {
            **asdict(self),
            "times_arx": None if ratio is None else round(ratio, 1),
            "times_arx_demanded": DEMANDED.get(self.case),
            "passes": round(self.passes, 1),
        }


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds a fresh process takes to import and to solve its first table."""

    import_s: float
    first_search_s: float


def cases(wanted: str) -> Iterator[Case]:
    """The cases ARX was timed on, ``all`` its answers for Loss, and the generated survey; or ``models``."""
    if wanted == "models":
        yield from _models()
        return
    timed_answers = {answer.name: answer for answer in (*loss_answers(), *sensitive_answers())}
    timed = document()["idle_wall_ms_warm"]
    for answer in loss_answers() if wanted == "all" else []:
        if answer.name not in timed:
            yield _of(answer)
    yield from (_of(timed_answers[name]) for name in timed)
    if wanted != "adult":
        yield _survey()


def _models() -> Iterator[Case]:
    cpu_ms = {case["name"]: case.get("arx_cpu_ms") for case in document()["cases"]}
    known = {answer.name for answer in loss_answers()}
    for answer in (*answers(), *sensitive_answers()):
        if answer.name not in known and answer.criteria:
            known.add(answer.name)
            # Equal scores, and units that differ: which node is the optimum is for the tests to say.
            yield replace(_of(answer), arx_ms=cpu_ms[answer.name], optimum=None)


def _of(answer: Answer) -> Case:
    return Case(
        answer.name,
        answer.table,
        answer.criteria,
        answer.limit,
        metric=answer.metric,
        arx_ms=document()["idle_wall_ms_warm"].get(answer.name),
        arx_nodes=answer.nodes_checked,
        optimum=answer.optimum,
    )


def _survey() -> Case:
    drawn = generated.CASES["survey"]
    columns = tuple(attribute.column for attribute in drawn.attributes)
    table = Table(drawn.frame(drawn.rows), columns, None)
    limit = Fraction(generated.SUPPRESSION_LIMIT)
    return Case("survey9_k5_s2_loss", table, [KAnonymity(generated.K)], limit, arx_ms=ARX_SURVEY_MS)


def measure(case: Case, runs: int) -> Timing:
    """Medians over ``runs`` runs after one that warms up; raises ``SystemExit`` where the answer is wrong."""
    seconds: list[tuple[float, float, float]] = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        encoded = encode_table(case.table, case.criteria)
        as_codes = time.perf_counter()
        counts = group(encoded)
        grouped = time.perf_counter()
        solution = search(counts, case.criteria, case.limit, metric=case.metric)
        found = time.perf_counter()
        seconds.append((as_codes - begun, grouped - as_codes, found - grouped))
    if case.optimum is not None and tuple(solution.transformation.values()) != case.optimum:
        raise SystemExit(f"{case.name}: another optimum than the reference's; a time would mean nothing")
    encode_ms, group_ms, search_ms = (1000 * median(part) for part in zip(*seconds[1:], strict=True))
    return Timing(
        case=case.name,
        rows=counts.n_rows,
        tuples=counts.n_tuples,
        encode_ms=encode_ms,
        group_ms=group_ms,
        search_ms=search_ms,
        pass_ms=single_pass_ms(counts, 10 * runs),
        nodes=solution.nodes_checked,
        arx_nodes=case.arx_nodes,
        arx_ms=case.arx_ms,
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
    headings = "tuples|encode ms|group ms|search ms|passes|nodes|ARX nodes|ARX ms|times ARX|demanded"
    for heading in headings.split("|"):
        table.add_column(heading, justify="right")
    for t in timings:
        table.add_row(t.case, *map(_cell, _figures(t)))
    return table


def _figures(t: Timing) -> tuple[float | int | None, ...]:
    beside = (t.nodes, t.arx_nodes, t.arx_ms and round(t.arx_ms), t.times_arx, DEMANDED.get(t.case))
    return (t.tuples, t.encode_ms, t.group_ms, t.search_ms, t.passes, *beside)


def _cell(figure: float | int | None) -> str:
    if figure is None:
        return ""
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:,.1f}"


def main() -> None:
    """Measure, print one table, write one file."""
    parser = argparse.ArgumentParser(description="Lattice search beside ARX")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--cases", choices=("all", "timed", "adult", "models"), default="all")
    parser.add_argument("--name", default="search")
    asked = parser.parse_args()
    if not GOLDEN.exists():
        raise SystemExit("the reference data (../shared) are not beside the checkout")
    before = conditions()
    begun = starts(min(asked.runs, 3))
    timings = [measure(case, asked.runs) for case in cases(asked.cases)]
    Console(width=150).print(grid(timings, begun))
    figures = {
        "date": time.strftime("%Y-%m-%d"),
        **before,
        "runs": asked.runs,
        "start": {name: asdict(value) for name, value in begun.items()},
        "cases": [timing.told() for timing in timings],
    }
    write(asked.name, figures)


if __name__ == "__main__":
    main()
