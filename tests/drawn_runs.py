"""A small ward whose config asks for a synthetic table, and runs of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

CONFIG = """\
name: ward
reference_date: 2026-11-22
{seed}
input: {{table: {{path: people.csv}}}}
subject: id
columns:
  id: {{role: identifier}}
  name: {{role: identifier}}
  sex: {{role: quasi-identifier, hierarchy: suppression, max_level: 0}}
  age: {{role: quasi-identifier, hierarchy: {{bands: [5, 10, 20], top: 90}}}}
  diagnosis: {{role: sensitive}}
  crp: {{role: sensitive, type: number}}
  admitted: {{role: sensitive, type: date}}
  discharged: {{role: sensitive, type: date}}
privacy: {{k_anonymity: 5, suppression_limit: 0.1}}
synthesis: {synthesis}
risk: {risk}
output: {output}
"""
RARE_CODE, LONGEST_NAME, OUTLIER = "Z99-CANARY", "Kunigunde Canaryson", "987654.5"
OTHERS = ("I10", "E11", "J45", "I48.1")


def people(folder: Path, count: int = 240, *, seed: int = 1) -> Path:
    """A table in which one person has a rare code, a name and an outlier; its path."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], count)
    admitted = rng.integers(20000, 20400, count)
    frame = pl.DataFrame(
        {
            "id": [f"P{n:04}" for n in range(count)],
            "name": [LONGEST_NAME if n == 7 else f"Person {n}" for n in range(count)],
            "sex": sex,
            "age": rng.integers(20, 80, count),
            "diagnosis": [
                RARE_CODE if n == 7 else OTHERS[d] for n, d in enumerate(rng.integers(0, 4, count))
            ],
            "crp": [OUTLIER if n == 7 else f"{x:.1f}" for n, x in enumerate(rng.gamma(2, 20, count))],
            "admitted": pl.Series(admitted).cast(pl.Int32).cast(pl.Date),
            "discharged": pl.Series(admitted + rng.integers(0, 30, count)).cast(pl.Int32).cast(pl.Date),
        }
    )
    path = folder / "people.csv"
    frame.write_csv(path)
    return path


def config(
    folder: Path,
    *,
    synthesis: str = "{method: cart, leaf: 5}",
    risk: str = "{attacks: quick}",
    output: str = "{directory: out, formats: [csv, parquet]}",
    seed: int | None = 7,
) -> Path:
    """The config beside a table of people; its path."""
    if not (folder / "people.csv").exists():
        people(folder)
    told = CONFIG.format(
        seed="" if seed is None else f"seed: {seed}", synthesis=synthesis, risk=risk, output=output
    )
    path = folder / "config.yaml"
    path.write_text(told, encoding="utf-8")
    return path


def manifest(folder: Path) -> Mapping[str, Any]:
    """What the release's manifest says."""
    told: Mapping[str, Any] = json.loads((folder / "out/ward/release/manifest.json").read_text())
    return told


def drawn(folder: Path) -> pl.DataFrame:
    """The released synthetic rows."""
    return pl.read_parquet(folder / "out/ward/release/data/synthetic_table.parquet")
