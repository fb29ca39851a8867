"""The reference system's answers (ARX 3.9, golden/arx.json) for the metric Loss, and their tables."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import polars as pl

from anonymizer.criteria import (
    Criterion,
    DistinctLDiversity,
    EntropyLDiversity,
    KAnonymity,
    RecursiveCLDiversity,
    TCloseness,
)
from anonymizer.hierarchies.hierarchy_file import from_file
from anonymizer.metrics import (
    Aggregate,
    Ambiguity,
    AverageClassSize,
    Discernibility,
    Entropy,
    Height,
    KullbackLeibler,
    Loss,
    Metric,
    Precision,
)
from anonymizer.tables.table import Column, Role, Table
from tests.conftest import SHARED

GOLDEN = SHARED / "golden" / "arx.json"
_K = re.compile(r"(\d+)-anonymity")
_L = re.compile(r"distinct-(\d+)-diversity for attribute '([^']+)'")
_ENTROPY = re.compile(r"shannon-entropy-([\d.]+)-diversity for attribute '([^']+)'")
_RECURSIVE = re.compile(r"recursive-\(([\d.]+),(\d+)\)-diversity for attribute '([^']+)'")
_CLOSE = re.compile(
    r"([\d.]+)-closeness with (equal|ordered|hierarchical) (?:ground-)?distance for attribute '([^']+)'"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One configuration and what ARX found for it; ``score`` as ARX printed it."""

    name: str
    dataset: str
    quasi_identifiers: tuple[str, ...]
    sensitive: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    limit: Fraction
    optimum: tuple[int, ...]
    score: float
    classes: int
    suppressed: int
    lattice_size: int
    nodes_checked: int
    metric: Metric

    @property
    def table(self) -> Table:
        """The data set with its hierarchies, every cell as it stands in the file."""
        folder = SHARED / "data" / self.dataset
        frame = pl.read_csv(folder / f"{self.dataset}.csv", separator=";", infer_schema=False)
        quasi = [
            Column(q, Role.QUASI_IDENTIFIER, from_file(folder / f"{self.dataset}_hierarchy_{q}.csv"))
            for q in self.quasi_identifiers
        ]
        files = {name: folder / f"{self.dataset}_hierarchy_{name}.csv" for name in self.sensitive}
        sensitive = [
            Column(name, Role.SENSITIVE, from_file(file) if file.exists() else None, sensitive=True)
            for name, file in files.items()
        ]
        columns = (*quasi, *sensitive)
        return Table(frame.select([column.name for column in columns]), columns, None)


@cache
def document() -> dict[str, Any]:
    """Everything the reference file holds."""
    content: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))
    return content


def loss_answers() -> list[Answer]:
    """The answers for Loss by its geometric mean, under k-anonymity and distinct l-diversity alone."""
    if not GOLDEN.exists():
        return []
    return [_answer(case) for case in document()["cases"] if _is_ours(case)]


def answers() -> list[Answer]:
    """All answers to a search of the lattice."""
    if not GOLDEN.exists():
        return []
    return [_answer(case) for case in document()["cases"] if "dataset" in case]


def sensitive_answers() -> list[Answer]:
    """The answers for any criterion on a sensitive column."""
    if not GOLDEN.exists():
        return []
    return [_answer(case) for case in document()["cases"] if case.get("sensitive")]


def _is_ours(case: dict[str, Any]) -> bool:
    models = [model.strip() for model in case.get("privacy_models", "[]").strip("[]").split(", ")]
    ours = all(_K.fullmatch(model) or _L.fullmatch(model) for model in models)
    plain = case.get("aggregate_function") == "Geometric mean" and case.get("gs_factor") == 0.5
    return ours and plain and "Loss" in case["metric"] and "dataset" in case


def _answer(case: dict[str, Any]) -> Answer:
    models = case["privacy_models"]
    return Answer(
        name=case["name"],
        dataset=case["dataset"],
        quasi_identifiers=tuple(case["quasi_identifiers"]),
        sensitive=tuple(case["sensitive"]),
        criteria=(
            *(KAnonymity(int(k)) for k in _K.findall(models)),
            *(DistinctLDiversity(column, int(minimum)) for minimum, column in _L.findall(models)),
            *(EntropyLDiversity(column, Fraction(minimum)) for minimum, column in _ENTROPY.findall(models)),
            *(
                RecursiveCLDiversity(column, Fraction(c), int(minimum))
                for c, minimum, column in _RECURSIVE.findall(models)
            ),
            *(
                TCloseness(column, distance, Fraction(t))  # type: ignore[arg-type]
                for t, distance, column in _CLOSE.findall(models)
            ),
        ),
        limit=Fraction(str(case["suppression_limit"])),
        optimum=tuple(case["optimum"]),
        score=float(case["score"]),
        classes=case["classes"],
        suppressed=case["suppressed"],
        lattice_size=case["lattice_size"],
        nodes_checked=case["nodes_checked"],
        metric=_metric(case),
    )


_AGGREGATES: dict[str, Aggregate] = {"Geometric mean": "geometric", "Arithmetric mean": "arithmetic"}
_METRICS: dict[str, Metric] = {
    "Non-monotonic non-uniform entropy": Entropy(),
    "Non-uniform entropy": Entropy(monotonic=True),
    "Non-monotonic discernability": Discernibility(),
    "Monotonic discernability (DM*)": Discernibility(monotonic=True),
    "Average equivalence class size": AverageClassSize(),
    "Non-monotonic precision": Precision(),
    "Height": Height(),
    "Ambiguity": Ambiguity(),
    "KL-Divergence": KullbackLeibler(),
}


def _metric(case: dict[str, Any]) -> Metric:
    name = case["metric"].partition(" / ")[2]
    if name in _METRICS:
        return _METRICS[name]
    return Loss(_AGGREGATES[case["aggregate_function"]], Fraction(str(case["gs_factor"])))
