"""Three ways through the lattice on the same kernels, beside the search: nodes evaluated and milliseconds.

- whole lattice: every node in lexical order, rolled up from the smallest table at hand;
- best first: always the node of least bound, what it tells put into the bounds of its specialisations;
- tagging: chains, on which the most general node that suppresses too much is looked for; nodes are ruled out
  by that and by the loss without suppression alone (after Kohlmayer et al., "Flash", PASSAT 2012).

They serve the comparison in docs/search.md and nothing else.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table as Grid

from anonymizer.compiled import kernel
from anonymizer.counting.counts import Counts, count
from anonymizer.measuring.class_metrics import prepare
from anonymizer.metrics import Loss
from anonymizer.search.compiled_explorer import Compiled
from anonymizer.search.evaluation import assess
from anonymizer.search.exploration import explore, set_levels
from anonymizer.search.lattice import ALIVE, CHECKED, NONE, advance, improve, learn
from anonymizer.search.opening import open_lattice
from anonymizer.search.rollup import keep, smallest_source
from anonymizer.search.search import suppression_allowance
from benchmarks.measure import median, write
from tests.known_answers.arx import Answer, loss_answers

CASES = (
    "adult9_k5_s0_loss",
    "adult9_k5_s2_loss",
    "adult9_k5_s5_loss",
    "adult9_k5_s100_loss",
    "adult8_k5_distinctl3_s2_loss",
    "diabetes9_k5_s2_loss",
)
RUNS = 5
Design = Callable[[Any, Any], object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A design on a case, warm."""

    case: str
    design: str
    nodes: int
    ms: float


@kernel
def _visit(lattice, problem, node):  # type: ignore[no-untyped-def]
    """Evaluate a node; what was found."""
    arena = problem.arena
    source = smallest_source(arena, node, lattice.fields.guard[0])
    set_levels(lattice.fields, problem.lowest, problem.scratch.levels, node)
    found = assess(problem, source)
    if found.suppressed <= problem.standards.limit:
        improve(lattice, node, found.total, found.suppressed, found.kept)
    if 2 * found.classes <= arena.lengths[source]:
        keep(arena, node, found.classes)
    return found


@kernel
def whole_lattice(lattice, problem):  # type: ignore[no-untyped-def]
    """Every node, from the bottom."""
    for i in range(lattice.registers[ALIVE]):
        _visit(lattice, problem, lattice.nodes[i])
        lattice.registers[CHECKED] += 1


@kernel
def best_first(lattice, problem):  # type: ignore[no-untyped-def]
    """Always the node of least bound."""
    while lattice.registers[ALIVE]:
        node = lattice.nodes[np.argmin(lattice.bounds[: lattice.registers[ALIVE]])]
        found = _visit(lattice, problem, node)
        ruled_out = found.lost > problem.standards.limit
        learn(lattice, node, ruled_out, problem.scratch.terms, 0.0, 0.0)


@kernel
def tagging(lattice, problem):  # type: ignore[no-untyped-def]
    """Chains and predictive tagging, without what suppression tells of the loss."""
    while True:
        node = advance(lattice)
        if node == NONE:
            return
        found = _visit(lattice, problem, node)
        learn(lattice, node, found.lost > problem.standards.limit, lattice.terms, 0.0, 0.0)


def _search(lattice: Any, problem: Any) -> object:
    return explore(lattice, problem, 2**62)


DESIGNS: dict[str, Design] = {
    "whole lattice": whole_lattice,
    "best first": best_first,
    "tagging": tagging,
    "search": _search,
}


def measure(answer: Answer, counts: Counts, design: str) -> Outcome:
    """The median of warm runs, opening included; every design must find the reference's score."""
    seconds = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        metric = prepare(counts, Loss())
        lattice = open_lattice(counts, metric)
        limit = suppression_allowance(answer.limit, counts.n_rows)
        compiled = Compiled.of(counts, answer.criteria, limit, metric)
        assert compiled is not None
        DESIGNS[design](lattice, compiled.problem)
        seconds.append(time.perf_counter() - started)
        if abs(metric.score(float(lattice.best[0])) - answer.score) > 1e-8:
            raise SystemExit(f"{design} does not find the optimum of {answer.name}")
    nodes = int(lattice.registers[CHECKED])
    return Outcome(answer.name, design, nodes, median([1e3 * statistics.median(seconds[1:])]))


def main() -> None:
    """Measure, print one table, write one file."""
    answers = [answer for answer in loss_answers() if answer.name in CASES]
    if not answers:
        raise SystemExit("the reference data (../shared) are not beside the checkout")
    outcomes = []
    for answer in answers:
        counts = count(answer.table, answer.criteria)
        outcomes += [measure(answer, counts, design) for design in DESIGNS]
    table = Grid("case", *DESIGNS, title="nodes evaluated / ms, warm, median")
    for answer in answers:
        own = {o.design: f"{o.nodes:,} / {o.ms:.1f}" for o in outcomes if o.case == answer.name}
        table.add_row(answer.name, *(own[design] for design in DESIGNS))
    Console(width=130).print(table)
    write("designs", {"runs": RUNS, "outcomes": [asdict(outcome) for outcome in outcomes]})


if __name__ == "__main__":
    main()
