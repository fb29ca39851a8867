"""What the search finds in lattices too large to exhaust, second by second, beside a search from the top.

    python -m benchmarks.big_lattices [--name big_lattices]

Sixteen quasi-identifiers with 85 million transformations, then lattices of 10^7 and 10^13; k = 5, any number
of rows suppressed, tables in integer codes, warm. The rival (`benchmarks.top_down`) evaluates 500 nodes.
"""

from __future__ import annotations

import argparse
import time
from fractions import Fraction

from rich.console import Console
from rich.table import Table as Grid

from anonymizer.counting.counts import Counts, group
from anonymizer.criteria import KAnonymity
from anonymizer.search.search import Effort, search
from benchmarks import generated
from benchmarks.measure import write
from benchmarks.top_down import least_loss

CASES = ("sixteen", "ten-million", "ten-trillion")
SECONDS = (0.1, 0.3, 1.0, 3.0)
EVALUATIONS = 500


def measure(name: str) -> dict[str, object]:
    """The rival's loss, and ours after so many seconds each."""
    case = generated.CASES[name]
    counts = group(case.encoded(case.rows))
    begun = time.perf_counter()
    rival = least_loss(counts, generated.K, EVALUATIONS)
    return {
        "case": name,
        "rows": counts.n_rows,
        "tuples": counts.n_tuples,
        "lattice_size": counts.lattice_size,
        "top_down": {"loss": rival, "evaluations": EVALUATIONS, "seconds": time.perf_counter() - begun},
        "search": [_found(counts, seconds) for seconds in SECONDS],
    }


def _found(counts: Counts, seconds: float) -> dict[str, object]:
    begun = time.perf_counter()
    effort = Effort(time_limit_s=seconds, anytime=True)
    solution = search(counts, [KAnonymity(generated.K)], Fraction(1), effort=effort)
    return {
        "limit_s": seconds,
        "seconds": time.perf_counter() - begun,
        "loss": solution.score,
        "bound": solution.bound,
        "nodes": solution.nodes_checked,
        "optimal": solution.optimal,
    }


def grid(measured: list[dict[str, object]]) -> Grid:
    """All figures in one table: the least loss found, and below it the proven bound."""
    table = Grid("case", "transformations", "top-down, 500 nodes", title="Large lattices: least loss found")
    for seconds in SECONDS:
        table.add_column(f"{seconds:g} s", justify="right")
    for each in measured:
        rival, found = each["top_down"], each["search"]
        assert isinstance(rival, dict)
        assert isinstance(found, list)
        ours = (f"{at['loss']:.4f}\n≥ {at['bound']:.4f}" for at in found)
        beside = f"{rival['loss']:.4f} in {rival['seconds']:.1f} s"
        table.add_row(str(each["case"]), f"{each['lattice_size']:,}", beside, *ours)
    return table


def main() -> None:
    """Measure, print one table, write one file."""
    parser = argparse.ArgumentParser(description="Lattices too large to exhaust")
    parser.add_argument("--name", default="big_lattices")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    asked = parser.parse_args()
    measure(asked.cases[0])  # warms up
    measured = [measure(name) for name in asked.cases]
    Console(width=130).print(grid(measured))
    write(asked.name, {"date": time.strftime("%Y-%m-%d"), "cases": measured})


if __name__ == "__main__":
    main()
