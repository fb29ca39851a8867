"""Synthesis in whole runs: Diabetes and a million rows, with filter, verification, attacks and reports.

    python -m benchmarks.synthetic_runs
    python -m benchmarks.synthetic_runs --only cart_anonymised million_copula

Fresh processes, kernels compiled before; wall and CPU seconds of the process, wall seconds of its stages, and
its peak memory. Diabetes is as in ``assessing``, with a fifth of the people held out; the million rows are
drawn from it with replacement, their columns' halves independently, and have 20 columns, 8 of them numbers;
``anon synth`` draws all of them, a run 19, for it leaves out the chapter of the diagnosis.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.assessing import ANON, DIABETES, QUASI, ROWS, _command, _diabetes, measure_cases
from benchmarks.measure import Finished, once, spread

TIMES = 1
_LIMIT = "thresholds: {synthetic.membership_tpr_1: 1}, "
Prepare = Callable[[Path], Callable[[], Sequence[str]]]
_NUMBERS = "".join(
    f"  {name}: {{role: sensitive, type: {kind}}}\n"
    for kind, names in (
        ("number", ("lab", "weight", "cost", "score")),
        ("integer", ("pressure", "height", "visits", "medications")),
    )
    for name in names
)
MOST_ROWS = 100_000
"""The stated subsample of a million rows for each tree."""


def main() -> None:
    """Writes ``results/synthetic_runs.json``."""
    measure_cases("synthetic_runs", CASES, _measured, times=TIMES)


def _measured(command: Callable[[], Sequence[str]], times: int) -> dict[str, Any]:
    finished = [once(command()) for _ in range(times)]
    return {
        "wall_s": spread([each.wall_s for each in finished]),
        "cpu_s": spread([each.cpu_s for each in finished]),
        "memory_mb": spread([each.memory_bytes / 1e6 for each in finished]),
        "stages_s": _stages(finished),
    }


def _stages(finished: Sequence[Finished]) -> dict[str, Any]:
    """Of runs their stages; ``anon synth`` has none."""
    told = [json.loads(each.stdout)["seconds"] for each in finished if each.stdout.startswith("{")]
    return {name: spread([each[name] for each in told]) for name in (told[0] if told else {})}


def _run(
    folder: Path, name: str, synthesis: str, *, attacks: str = "quick", table: str = "diabetes"
) -> Callable[[], Sequence[str]]:
    """A run of Diabetes, or of the million rows, with the given ``synthesis``."""
    limit = _LIMIT if "original" in synthesis else ""
    risk = "{attacks: none}" if attacks == "none" else f"{{attacks: {attacks}, holdout: 0.2, {limit}}}"
    config = _diabetes(folder, name, risk, f"seed: 1\nsynthesis: {{{synthesis}}}")
    if table == "million":
        told = config.read_text().replace("diabetes.csv", _million(folder).name)
        config.write_text(told.replace("privacy:", _NUMBERS + "privacy:"))
    return partial(_command, config)


def _runs_of(method: str, fit_on: str, attacks: str = "quick") -> Prepare:
    name = f"{method}_{fit_on}_{attacks}"
    return lambda folder: _run(folder, name, f"method: {method}, fit_on: {fit_on}", attacks=attacks)


def _million_runs(name: str, synthesis: str) -> Prepare:
    """Without attacks: how long these take is in ``assessing``."""
    return lambda folder: _run(folder, name, synthesis, attacks="none", table="million")


def _synth(folder: Path, method: str) -> Callable[[], Sequence[str]]:
    """``anon synth`` of the million rows: no filter, no attack."""
    return lambda: [ANON, "synth", str(_million(folder)), "--method", method, "--output", _new(folder)]


def _new(folder: Path) -> str:
    return str(folder / f"drawn_{len(list(folder.glob('drawn_*')))}.parquet")


def _million(folder: Path, rows: int = ROWS) -> Path:
    """20 columns: those of Diabetes and eight numbers, some of them with gaps or of few values."""
    path = folder / "million.csv"
    if path.exists():
        return path
    source = pl.read_csv(DIABETES / "diabetes.csv", separator=";", infer_schema=False)
    source = source.select(*QUASI, "diag_1", "diag_1_chapter", "readmitted")
    rng = np.random.default_rng(20261123)
    half = source.width // 2
    parts = [source[rng.integers(0, source.height, rows)] for _ in range(2)]
    frame = pl.concat([parts[0][:, :half], parts[1][:, half:]], how="horizontal")
    days = frame["time_in_hospital"].cast(pl.Float64).fill_null(4.0).to_numpy()
    frame.with_columns(
        pl.Series("lab", np.round(rng.lognormal(0.1 * days, 0.5), 2)),
        pl.Series("pressure", np.round(rng.normal(120 + days, 15)).astype(int)),
        pl.Series("weight", np.round(rng.normal(78, 14, rows), 1)),
        pl.Series("height", np.round(rng.normal(171, 9, rows)).astype(int)),
        pl.Series("cost", np.round(rng.gamma(2.0, 400 * days), 2)),
        pl.Series("visits", rng.poisson(1.5, rows)),
        pl.Series("score", np.where(rng.random(rows) < 0.2, np.nan, rng.beta(2, 5, rows)).round(3)).fill_nan(
            None
        ),
        pl.Series("medications", rng.poisson(2 + days)),
    ).write_csv(path, separator=";")
    return path


CASES: dict[str, Prepare] = {
    **{
        f"{method}_{fit_on}": _runs_of(name, fit_on)
        for method, name in (("cart", "cart"), ("copula", "gaussian-copula"))
        for fit_on in ("anonymised", "original")
    },
    "cart_full": _runs_of("cart", "original", "full"),
    "million_synth_copula": lambda folder: _synth(folder, "gaussian-copula"),
    "million_synth_cart": lambda folder: _synth(folder, "cart"),
    "million_copula": _million_runs("million_copula", "method: gaussian-copula, filter: none"),
    "million_cart": _million_runs("million_cart", "method: cart, filter: none"),
    "million_cart_subsample": _million_runs(
        "million_cart_subsample", f"method: cart, most_rows: {MOST_ROWS}, filter: none"
    ),
    "million_cart_cone": _million_runs("million_cart_cone", f"method: cart, most_rows: {MOST_ROWS}"),
}


if __name__ == "__main__":
    main()
