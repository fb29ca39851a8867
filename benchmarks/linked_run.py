"""Whole runs that release several tables: the sample export with new ids again and again.

    python -m benchmarks.linked_run

`sample_data/tables.yaml` on as many patients as are asked for, in fresh processes: wall seconds, seconds of
each stage, and the memory of all processes together, looked at in a run of its own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.exports import SAMPLE, patients_of, repeated
from benchmarks.measure import memory_of_all, once, spread, write

ANON = str(Path(sys.executable).with_name("anon"))
PATIENTS = 16_500
TIMES = 5


def main() -> None:
    """Writes ``results/linked_run.json``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--patients", type=int, default=PATIENTS)
    with tempfile.TemporaryDirectory() as folder:
        print(write("linked_run", measured(Path(folder), parser.parse_args().patients)).read_text())


def measured(folder: Path, patients: int) -> dict[str, object]:
    """Seconds and memory of the runs, and what they read and released."""
    config = made(folder, patients)
    release = folder / "releases"
    command = [ANON, "run", str(config), "--json", "--quiet"]
    finished = []
    for _ in range(TIMES + 1):
        shutil.rmtree(release, ignore_errors=True)
        finished.append(once(command))
    shutil.rmtree(release)
    summary = json.loads(finished[-1].stdout)
    return {
        "runs": TIMES,
        "bytes": sum(path.stat().st_size for path in (folder / "export").iterdir()),
        "patients_in": summary["rows_in"],
        "tables": summary["tables"],
        "wall_s": spread([each.wall_s for each in finished[1:]]),
        "cpu_s": spread([each.cpu_s for each in finished[1:]]),
        "stages_s": summary["seconds"],
        "memory_bytes": memory_of_all(command),
    }


def made(folder: Path, patients: int) -> Path:
    """The config, beside an export of so many patients at least who give their consent or not."""
    everybody = patients_of(SAMPLE)
    lines = [line for own in everybody for line in own]
    size = sum(len(line.encode()) for line in lines) * patients // (len(everybody) - 1)
    (folder / "export").mkdir()
    with (folder / "export" / "all.ndjson").open("w", encoding="utf-8") as file:
        file.writelines(repeated(lines, size))
    return Path(shutil.copy(SAMPLE.parent / "tables.yaml", folder / "config.yaml"))


if __name__ == "__main__":
    main()
