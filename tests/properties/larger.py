"""Random tables of thousands of tuples, where searches lay stones, raise their base and run out of room."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import polars as pl

from anonymizer.counting.counts import count
from anonymizer.criteria import (
    BetaLikeness,
    Criterion,
    DeltaDisclosure,
    DistinctLDiversity,
    EntropyLDiversity,
    KAnonymity,
    MaxRisk,
    RecursiveCLDiversity,
    TCloseness,
)
from anonymizer.hierarchies.hierarchy import bands, prefix, suppression
from anonymizer.metrics import Entropy, Height, Loss, Metric, Precision
from anonymizer.tables.table import Column, Role, Table
from tests.properties.explorers import Question

CRITERIA: tuple[tuple[Criterion, ...], ...] = (
    (KAnonymity(3),),
    (KAnonymity(2), DistinctLDiversity("ward", 2), DistinctLDiversity("code", 3)),
    (MaxRisk(Fraction(2, 9)), TCloseness("ward", "equal", Fraction(1, 4))),
    (KAnonymity(2), TCloseness("ward", "ordered", Fraction(1, 5)), DistinctLDiversity("ward", 3)),
    (EntropyLDiversity("ward", Fraction(2)), BetaLikeness("ward", Fraction(2))),
    (RecursiveCLDiversity("ward", Fraction(3), 2), DeltaDisclosure("ward", Fraction(3))),
    (KAnonymity(4), TCloseness("code", "hierarchical", Fraction(1, 2))),
)
METRICS: tuple[Metric, ...] = (
    Loss(),
    Loss("arithmetic", Fraction(1, 5)),
    Loss("max"),
    Loss("sum", Fraction(4, 5)),
    Precision(),
    Entropy(monotonic=True),
    Height(),
)
LIMITS = (Fraction(0), Fraction(1, 50), Fraction(1, 5), Fraction(1))


def table(rng: np.random.Generator, rows: int) -> Table:
    """Seven quasi-identifiers and two sensitive columns, one with more values than a word has bits."""
    cells: dict[str, list[str | None]] = {
        "sex": rng.choice(["f", "m", "d", None], rows, p=[0.5, 0.46, 0.02, 0.02]).tolist(),
        "age": _numbers(rng.normal(50, 18, rows).clip(0, 95)),
        "plz": [f"{n:04}" for n in (rng.pareto(0.9, rows) * 61).astype(int) % 10_000],
        "stay": _numbers(rng.geometric(0.4, rows)),
        "kin": rng.choice(["a", "b", "c"], rows, p=[0.8, 0.15, 0.05]).tolist(),
        "size": _numbers(rng.normal(170, 3, rows)),
        "year": _numbers(2020 + rng.integers(0, 4, rows)),
        "ward": rng.choice(["a", "b", "c", "d", None], rows, p=[0.4, 0.3, 0.2, 0.05, 0.05]).tolist(),
        "code": [f"{n:02}" for n in (rng.pareto(2, rows) * 30).astype(int) % 90],
    }
    hierarchies = {
        "sex": suppression(),
        "age": bands([5, 10, 20, 40], top=90),
        "plz": prefix([3, 2, 1], length=4),
        "stay": bands([2, 4, 8], top=30),
        "kin": suppression(),
        "size": bands([2, 6, 12], top=200, bottom=140),
        "year": bands([2], top=2025, bottom=2018),
    }
    quasi = []
    for name, hierarchy in hierarchies.items():
        low, top = int(rng.random() < 0.15), len(hierarchy.level_names) - 1
        levels = {"min_level": low, "max_level": max(low, top - int(rng.random() < 0.15))}
        weight = float(rng.choice([1, 1, 2, 3]))
        quasi.append(Column(name, Role.QUASI_IDENTIFIER, hierarchy, weight=weight, **levels))
    sensitive = [
        Column("ward", Role.SENSITIVE, sensitive=True),
        Column("code", Role.SENSITIVE, prefix([1], length=2), sensitive=True),
    ]
    return Table(pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String)), (*quasi, *sensitive), None)


def _numbers(values: np.ndarray) -> list[str | None]:
    return [str(int(value)) for value in values]


def larger(seed: int, *, rows: int = 3_000) -> Question:
    """A table and what is asked of it; every seven seeds have all criteria and all metrics by columns."""
    rng = np.random.default_rng(20261122 + seed)
    criteria = CRITERIA[seed % len(CRITERIA)]
    metric, limit = METRICS[(3 * seed + 1) % len(METRICS)], LIMITS[seed % len(LIMITS)]
    return Question(count(table(rng, rows), criteria), criteria, limit, metric)
