"""Synthetic tables as their reports are told of them: made-up releases, tables of good and bad generators."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from risk import Assessment, ClassSizes, ReleasedColumn, ReleaseFacts, RunContext, SyntheticFacts
from risk.comparison import Comparison
from risk.facts import LinkedTable, Privacy, Rule, Synthesis, SyntheticTable
from risk.figures import exact, named, not_estimated
from risk.finding import Search, find
from risk.reidentification.class_sizes import measures
from risk.results import Attack, Findings, Marked
from risk.synthetic import assess_synthetic, classes, compared, of_twin
from tests.attack_scenes import data, population, synthetic
from tests.report_findings import NOBODY_HELD_OUT, marked, small_findings, small_frontier
from tests.report_scenes import K2, L1, small_facts

DRAWN = pl.DataFrame(
    {
        "sex": ["F", "M", "F", None, "F", "M"],
        "age": ["[40, 44]", "[40, 44]", "[50, 54]", "*", "[50, 54]", "[40, 44]"],
        "admission": ["2025-01-01"] * 5 + [None],
        "crp": [1.5, 2.5, None, 4.0, 7.0, 9.0],
    }
)
COLUMNS = (
    ReleasedColumn("sex", "quasi-identifier", "string", 0, 1, "value", "unchanged"),
    ReleasedColumn("age", "quasi-identifier", "string", 1, 3, "5 years", "generalised"),
    ReleasedColumn("admission", "quasi-identifier", "date", None, None, None, "unchanged"),
    ReleasedColumn("crp", "sensitive", "number", None, None, None, "unchanged"),
)
RULES = (
    Rule("given", "gender = female"),
    Rule("order", "admission ≤ discharge"),
    Rule("range", "0 ≤ crp ≤ 300"),
    Rule("determines", "plz → ags"),
    Rule("combinations", "department, ward"),
    Rule("never", "main_diagnosis = O*", where="gender = male"),
)
OF_ANONYMISED = Synthesis(
    "cart", "anonymised", rules=RULES, criteria=(K2, L1), filtered="anonymised", fewest=5
)
OF_ORIGINAL = Synthesis("gaussian-copula", "original", filtered="original", distilled=True, fewest=5)
PRIVATE = Synthesis("dp-marginals", "original", Privacy(1.0, 1e-6, rows_per_person=2), rules=RULES[:1])
EVERY_SYNTHESIS = (
    *(OF_ANONYMISED, OF_ORIGINAL, PRIVATE),
    replace(OF_ANONYMISED, filtered="original", method="something new"),
    *(replace(OF_ORIGINAL, method=each) for each in ("ctgan", "tvae", "copulagan", "sdv-gaussian-copula")),
    replace(OF_ORIGINAL, filtered=None, fewest=None, distilled=False),
)
SETTINGS = {
    "method": "cart",
    "fit on": "original",
    "rows": 10_000,
    "distilled": True,
    "filter": "cone",
    "holdout": "twin",
    "cells merged": {"main_diagnosis": 41, "age_years": 3},
    "rows redrawn": 12,
    "rows drawn": 10_400,
    "rows passed": 10_000,
}


def drawn_facts(synthesis: Synthesis = OF_ANONYMISED, **changed: object) -> SyntheticFacts:
    """A synthetic table alone."""
    table = SyntheticTable("synthetic_small", DRAWN, COLUMNS, synthesis)
    facts = SyntheticFacts("small", table, "Every consent was checked.", "2026-11-22")
    return replace(facts, **changed)  # type: ignore[arg-type]


def drawn_events_facts() -> SyntheticFacts:
    """A synthetic table of people with a table of their events."""
    people = pl.DataFrame({"person": ["a", "b"], "sex": ["F", "M"]})
    events = pl.DataFrame({"person": ["a", "a", "b"], "code": ["I50", "I21", None]})
    code = ReleasedColumn("code", "quasi-identifier", "string", None, None, None, "unchanged")
    linked = LinkedTable("synthetic_diagnoses", events, (code,))
    table = SyntheticTable("synthetic_patients", people, COLUMNS[:1], OF_ANONYMISED, (linked,))
    return SyntheticFacts("small", table, "Every consent was checked.", "2026-11-22")


def both_facts(synthesis: Synthesis = OF_ANONYMISED) -> ReleaseFacts:
    """An anonymised table and a synthetic one beside it."""
    return replace(small_facts(), synthetic=SyntheticTable("synthetic_small", DRAWN, COLUMNS, synthesis))


def drawn_context(**changed: object) -> RunContext:
    stated = {
        "name": "drawn",
        "run": {"rows_in": 400},
        "thresholds": {"synthetic.copies_exact": 0.5, "synthetic.cone_flagged": 0.1},
        "synthesis": SETTINGS,
    }
    return RunContext(**{**stated, **changed})  # type: ignore[arg-type]


def drawn_assessment() -> Assessment:
    """Classes of a few rows that were drawn, of more people."""
    before, after = (ClassSizes(np.array(c), np.array(c)) for c in ([1, 2, 2, 3], [1, 1, 4]))
    told = {"original": measures(before), "synthetic": measures(after)}
    figures = {name: each for table, part in told.items() for name, each in named(table, part).items()}
    missing = not_estimated("a table does not tell what is missing in it")
    figures |= {"synthetic.suppressed_share": missing, "synthetic.cone_flagged": exact(0.02, 6, "flagged")}
    return Assessment(figures, before, after, None, before.records, table="synthetic")


def drawn_findings() -> tuple[Findings, ...]:
    """Made-up findings: with people held out, without any, on a twin, of two models, and none."""
    found = small_findings()
    copies, nobody = marked(8, 6), Marked(NOBODY_HELD_OUT)
    alone = Attack("copies_exact", "singling-out", replace(copies, control=NOBODY_HELD_OUT))
    unknown = Attack("copies_exact", "singling-out", nobody)
    nowhere = replace(small_frontier(), released=NOBODY_HELD_OUT)
    other = replace(found, attacks=tuple(replace(each, headline=copies) for each in found.attacks))
    return (
        found,
        replace(found, attacks=(alone,), frontier=nowhere),
        replace(found, attacks=(unknown,), frontier=None),
        of_twin(found),
        replace(found, compared=compared(other, found)),
        Findings(),
    )


def generated(name: str, *, held: int = 400) -> Comparison:
    """A table that a generator made: it copies people (``overfitted``), draws columns independently of one
    another (``independent``), or draws from the people's own distribution (``good``)."""
    rng, learned = np.random.default_rng(8), data()
    if name == "good":
        return synthetic(population(400, 77), held=held)
    if name == "independent":
        shuffled = [each.sample(fraction=1.0, shuffle=True, seed=n) for n, each in enumerate(learned)]
        return synthetic(pl.DataFrame(shuffled), held=held)
    again = learned[rng.integers(0, learned.height, learned.height)]
    return synthetic(again.with_columns(pl.col("age") + pl.Series(rng.normal(0, 0.02, 400))), held=held)


def reported(name: str, *, held: int = 400, is_twin: bool = False) -> tuple[Assessment, Findings]:
    """What is found of a generator's table, and the assessment that holds it."""
    comparison = generated(name, held=held)
    found = find(comparison, *classes(comparison), Search())
    found = of_twin(found) if is_twin else found
    return assess_synthetic(comparison, found), found
