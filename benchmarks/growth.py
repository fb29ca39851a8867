"""How time and memory grow with rows (10^4 … 10^7), quasi-identifiers (4 … 16) and levels.

    python -m benchmarks.growth [--runs 3] [--largest 10000000] [--name growth]

Writes benchmarks/results/<name>.json; `benchmarks.growth_plots` draws it. Every point is a process of its own
that draws a table in integer codes (`benchmarks.generated`), then groups and searches it, k = 5, at most 2 %
suppressed: once to compile, then as often as asked. Memory is the process's largest resident set while it
grouped and searched, the table included. Rows: the survey, nine quasi-identifiers. Quasi-identifiers: two and
three levels in turn, 70,000 rows. Levels: nine quasi-identifiers of equal height, 70,000 rows. Where a search
does not end within the limit, its bound says how far it was.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from anonymizer.counting.counts import group
from anonymizer.criteria import KAnonymity
from anonymizer.search.search import Effort, search
from benchmarks import generated
from benchmarks.measure import median, once, write

ROWS = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
QUASI_IDENTIFIERS = (4, 6, 8, 10, 12, 14, 16)
LEVELS = (2, 3, 4, 5, 6)
EVEN_ROWS = 70_000
TIME_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Point:
    """One table: what grows, how far, and the levels of its columns (none: the survey's)."""

    grows: str
    to: int
    rows: int
    levels: tuple[int, ...] = ()

    @property
    def case(self) -> generated.Case:
        return generated.even(self.levels, self.rows) if self.levels else generated.survey()


def points(largest: int) -> Iterator[Point]:
    """Every table up to so many rows."""
    for rows in ROWS:
        if rows <= largest:
            yield Point("rows", rows, rows)
    for count in QUASI_IDENTIFIERS:
        yield Point("quasi-identifiers", count, min(EVEN_ROWS, largest), ((3, 2) * 8)[:count])
    for levels in LEVELS:
        yield Point("levels", levels, min(EVEN_ROWS, largest), (levels,) * 9)


def solve(point: Point, runs: int) -> dict[str, object]:
    """Medians of a point, measured in this process."""
    encoded = point.case.encoded(point.rows)
    grouped, searched = [], []
    _forget_peak()
    for _ in range(runs + 1):
        begun = time.perf_counter()
        counts = group(encoded)
        between = time.perf_counter()
        limit = Fraction(generated.SUPPRESSION_LIMIT)
        solution = search(counts, [KAnonymity(generated.K)], limit, effort=Effort(time_limit_s=TIME_LIMIT_S))
        grouped.append(between - begun)
        searched.append(time.perf_counter() - between)
    return {
        **asdict(point),
        "tuples": counts.n_tuples,
        "lattice_size": counts.lattice_size,
        "group_s": median(grouped[1:]),
        "search_s": median(searched[1:]),
        "memory_mb": _peak_mb(),
        "nodes": solution.nodes_checked,
        "score": solution.score,
        "bound": solution.bound,
        "optimal": solution.optimal,
    }


def _forget_peak() -> None:
    """The largest resident set counts anew from here (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_mb() -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text("ascii"))
    assert found is not None
    return round(int(found[1]) * 1024 / 1e6, 1)


def apart(point: Point, runs: int) -> Mapping[str, object]:
    """A point, measured in a process of its own."""
    asked = json.dumps(asdict(point))
    finished = once([sys.executable, "-m", "benchmarks.growth", "--point", asked, "--runs", str(runs)])
    told: Mapping[str, object] = json.loads(finished.stdout)
    print(json.dumps(told))
    return told


def main() -> None:
    """Measure every point, or one in this process."""
    parser = argparse.ArgumentParser(description="Growth of the search's time and memory")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--largest", type=int, default=ROWS[-1])
    parser.add_argument("--name", default="growth")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.point:
        given = json.loads(asked.point)
        print(json.dumps(solve(Point(**{**given, "levels": tuple(given["levels"])}), asked.runs)))
        return
    measured = [apart(point, asked.runs) for point in points(asked.largest)]
    write(asked.name, {"date": time.strftime("%Y-%m-%d"), "runs": asked.runs, "points": measured})


if __name__ == "__main__":
    main()
