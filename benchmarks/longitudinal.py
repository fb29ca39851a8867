"""Synthetic histories of the sample export's released tables: seconds, and how near they are.

    python -m benchmarks.longitudinal

Writes every figure of `risk.utility.longitudinal` with its floor, means over several seeds.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.exports import SAMPLE
from benchmarks.measure import write
from release.config.root import load
from release.run import tables_of
from release.synthesising.histories import histories
from release.verifying.verify import VerifiedRelease
from risk.utility.longitudinal import longitudinal
from synth.longitudinal.linked import fit
from synth.recipe import Recipe
from synth.synthesis import fit as fitted

SEEDS = 5
K = 5


def main() -> None:
    """Writes ``results/longitudinal.json``."""
    with tempfile.TemporaryDirectory() as folder:
        verified = released(Path(folder))
    runs = [measured(verified, seed) for seed in range(SEEDS)]
    mean = {name: _mean([run[name] for run in runs]) for name in runs[0]}
    print(write("longitudinal", {"seeds": SEEDS, "k": K, **mean}).read_text())


def released(folder: Path) -> VerifiedRelease:
    """The verified release of ``sample_data/tables.yaml``."""
    shutil.copytree(SAMPLE, folder / "export")
    shutil.copy(SAMPLE.parent / "tables.yaml", folder / "config.yaml")
    with tables_of(load(folder / "config.yaml")) as done:
        return done.verified


def measured(verified: VerifiedRelease, seed: int) -> dict[str, float | None]:
    """CPU seconds and figures of one fit and as many patients as are released."""
    told, rng = histories(verified, K), np.random.default_rng(seed)
    started = time.process_time()
    linked = fit(told, fitted(told.patients, Recipe("cart"), rng), rng)
    learned = time.process_time()
    found = linked.sample(verified.frame.height, rng)
    drawn = time.process_time()
    tables = {"patients": verified.frame, **verified.events}
    figures = longitudinal(tables, found, rng, times={"labs": "effective_date"})
    return {
        "fit_cpu_s": learned - started,
        "sample_cpu_s": drawn - learned,
        **{name: figure.value for name, figure in figures.items()},
    }


def _mean(values: list[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return round(float(np.mean(told)), 4) if told else None


if __name__ == "__main__":
    main()
