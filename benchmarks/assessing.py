"""Runs with their attacks, utility and reports: the demo, Diabetes with `quick` and `full`, a million rows.

    python -m benchmarks.assessing
    python -m benchmarks.assessing --only demo diabetes_quick

Fresh processes, kernels compiled before; wall seconds of the process and of its stages `assess` and `report`,
and the peak memory of the process. Diabetes has nine quasi-identifiers and two sensitive columns, one of them
a target of prediction; the million rows are drawn from it with replacement, two columns independently.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import once, spread, write

ROOT = Path(__file__).resolve().parent.parent
DIABETES = ROOT.parent / "shared" / "data" / "diabetes"
SAMPLE = ROOT / "sample_data"
ANON = str(Path(sys.executable).with_name("anon"))
ROWS = 1_000_000
TIMES = 3
QUASI = (
    *("race", "gender", "age", "admission_type_id", "discharge_disposition_id", "admission_source_id"),
    *("time_in_hospital", "payer_code", "medical_specialty"),
)


def main() -> None:
    """Writes ``results/assessing.json``."""
    measure_cases("assessing", CASES, _measured, times=TIMES)


def measure_cases(
    result: str,
    cases: Mapping[str, Callable[[Path], Any]],
    measured: Callable[[Any, int], Any],
    *,
    times: int,
) -> None:
    """Writes a result file of the cases that the command line asks for, each in files of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", choices=sorted(cases))
    parser.add_argument("--times", type=int, default=times)
    asked = parser.parse_args()
    figures: dict[str, object] = {"times": asked.times}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        once(_command(_demo(place / "warm")))  # compiles the kernels
        for name, prepare in cases.items():
            if not asked.only or name in asked.only:
                figures[name] = measured(prepare(place), asked.times)
    write(result, figures)
    print(json.dumps(figures, indent=1))


def _measured(config: Path, times: int) -> dict[str, Any]:
    finished = [once(_command(config)) for _ in range(times)]
    stages = [json.loads(each.stdout)["seconds"] for each in finished]
    return {
        "wall_s": spread([each.wall_s for each in finished]),
        **{f"{name}_s": spread([each[name] for each in stages]) for name in ("assess", "report", "total")},
        "cpu_s": spread([each.cpu_s for each in finished]),
        "memory_mb": spread([each.memory_bytes / 1e6 for each in finished]),
    }


def _command(config: Path) -> list[str]:
    return [ANON, "run", str(config), "--dry-run", "--json", "--quiet"]


def _demo(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name in ("export", "config.yaml"):
        copy = shutil.copytree if (SAMPLE / name).is_dir() else shutil.copy
        copy(SAMPLE / name, folder / name)
    return folder / "config.yaml"


def _diabetes(folder: Path, name: str, risk: str, utility: str = "") -> Path:
    for path in DIABETES.glob("*.csv"):
        shutil.copy(path, folder / path.name)
    quasi = "\n".join(
        f"  {each}: {{role: quasi-identifier, hierarchy: {{file: diabetes_hierarchy_{each}.csv}}}}"
        for each in QUASI
    )
    config = folder / f"{name}.yaml"
    config.write_text(
        f"""name: {name}
reference_date: 2026-11-22
input: {{table: {{path: {"million" if name == "million" else "diabetes"}.csv, delimiter: ";"}}}}
subject: row
columns:
{quasi}
  diag_1: {{role: sensitive}}
  readmitted: {{role: sensitive}}
  diag_1_chapter: {{role: identifier}}
privacy: {{k_anonymity: 5, suppression_limit: 0.02}}
risk: {risk}
{utility}
output: {{directory: out, formats: [parquet]}}
"""
    )
    return config


def _quick(folder: Path) -> Path:
    risk = "{attacks: quick, population: {size: 10000000}}"
    return _diabetes(folder, "diabetes_quick", risk, "utility: {target: readmitted}")


def _full(folder: Path) -> Path:
    risk = "{attacks: full, population: {size: 10000000}}"
    return _diabetes(folder, "diabetes_full", risk, "utility: {target: readmitted}")


def _million(folder: Path) -> Path:
    rows = pl.read_csv(DIABETES / "diabetes.csv", separator=";", infer_schema=False)
    rng = np.random.default_rng(20261122)
    table = rows[rng.integers(0, rows.height, ROWS)]
    mixed = {name: rows[name].gather(rng.integers(0, rows.height, ROWS)) for name in ("age", "diag_1")}
    table.with_columns(**mixed).write_csv(folder / "million.csv", separator=";")
    return _diabetes(folder, "million", "{attacks: quick, population: {size: 80000000}}")


CASES = {"demo": _demo, "diabetes_quick": _quick, "diabetes_full": _full, "million": _million}


if __name__ == "__main__":
    main()
