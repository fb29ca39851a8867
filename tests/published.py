"""Anonymised Adult and Diabetes tables, made by literal joins with ARX's hierarchy files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from risk import ClassSizes, CriterionResult, ReleasedColumn, ReleaseFacts
from tests.conftest import SHARED


def golden(name: str) -> dict[str, Any]:
    """Return one case of ``golden/arx.json``."""
    cases = json.loads((SHARED / "golden" / "arx.json").read_text(encoding="utf-8"))["cases"]
    return next(dict(case) for case in cases if case["name"] == name)


def original(dataset: str) -> pl.DataFrame:
    """Return a dataset's table, every column as text."""
    return pl.read_csv(SHARED / "data" / dataset / f"{dataset}.csv", separator=";", infer_schema=False)


def generalised(frame: pl.DataFrame, dataset: str, levels: Mapping[str, int]) -> pl.DataFrame:
    """Return ``frame`` with each column at its level, looked up cell by cell in its hierarchy file."""
    return frame.with_columns(
        pl.col(name).replace_strict(_labels(dataset, name, level)) for name, level in levels.items()
    )


def kept(frame: pl.DataFrame, names: list[str], k: int) -> pl.DataFrame:
    """Return the rows of classes of at least ``k`` rows, sorted by all columns."""
    return frame.filter(pl.len().over(names) >= k).sort(frame.columns)


def sizes(frame: pl.DataFrame, names: list[str]) -> ClassSizes:
    """Return the class sizes of a table in which every row is one person."""
    counts = np.array(list(frame.group_by(names).len()["len"]), dtype=np.int64)
    return ClassSizes(counts, counts)


def released(case: Mapping[str, Any]) -> pl.DataFrame:
    """Return the release of a k-anonymity case at ARX's optimum, with every column of the dataset."""
    dataset, names = case["dataset"], list(case["quasi_identifiers"])
    levels = dict(zip(names, case["optimum"], strict=True))
    return kept(generalised(original(dataset), dataset, levels), names, k_of(case))


def k_of(case: Mapping[str, Any]) -> int:
    return int(case["privacy_models"].strip("[]").split("-")[0])


def facts_of(case: Mapping[str, Any], **changed: Any) -> ReleaseFacts:
    """Return what the release report is told about a golden case's release."""
    levels = dict(zip(case["quasi_identifiers"], case["optimum"], strict=True))
    frame = changed.pop("frame", None)
    frame = released(case) if frame is None else frame
    criterion = CriterionResult("k-anonymity", None, {"k": k_of(case)}, case["min_size"], "recounted")
    stated = {
        "name": f"{case['dataset']}-2026-11",
        "columns": tuple(_column(case["dataset"], name, levels) for name in frame.columns),
        "criteria": (criterion,),
        "row_is_person": True,
        "consent": "A plain table: consent is the concern of whoever made it.",
        "reference_date": "2026-11-22",
    }
    return ReleaseFacts(frame=frame, **{**stated, **changed})


def _column(dataset: str, name: str, levels: Mapping[str, int]) -> ReleasedColumn:
    if name not in levels:
        return ReleasedColumn(name, "sensitive", "string", None, None, None, "unchanged")
    level, height = levels[name], _height(dataset, name)
    done = "suppressed" if level == height else "generalised" if level else "unchanged"
    return ReleasedColumn(name, "quasi-identifier", "string", level, height, f"level {level}", done)


def _rows(dataset: str, name: str) -> list[list[str]]:
    path = SHARED / "data" / dataset / f"{dataset}_hierarchy_{name}.csv"
    return [line.split(";") for line in path.read_text(encoding="utf-8").splitlines() if line]


def _labels(dataset: str, name: str, level: int) -> dict[str, str]:
    return {row[0]: row[level] for row in _rows(dataset, name)}


def _height(dataset: str, name: str) -> int:
    return len(_rows(dataset, name)[0]) - 1
