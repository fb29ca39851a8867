"""Whole processes: 1.2 million generated rows and Adult read to published, ``anon --help``, the demo.

    python -m benchmarks.whole_run [--only survey]

Wall seconds of the process, cold compilation apart; for runs also less the reports, whose seconds the summary
states. Memory is the process's largest resident set.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from benchmarks import generated
from benchmarks.measure import Finished, once, repeated, spread, write

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
ANON = str(Path(sys.executable).with_name("anon"))
ADULT_COLUMNS = "sex age race marital-status education native-country workclass occupation salary-class"
TIMES = 7
LEAST_DISTINCT = 500_000
"""What the survey must hold at least, or its time would mean nothing."""


def adult_config(folder: Path) -> Path:
    """A config for Adult, k = 5, at most 2 % suppressed."""
    columns = "".join(
        f"  {name}: {{role: quasi-identifier, hierarchy:"
        f" {{file: {SHARED / 'adult' / f'adult_hierarchy_{name}.csv'}}}}}\n"
        for name in ADULT_COLUMNS.split()
    )
    path = folder / "adult.yaml"
    path.write_text(
        "name: adult\nreference_date: 2026-11-22\nsubject: row\n"
        f"input: {{table: {{path: {SHARED / 'adult' / 'adult.csv'}, delimiter: ';'}}}}\n"
        f"columns:\n{columns}"
        "privacy: {k_anonymity: 5, suppression_limit: 0.02}\n"
        f"output: {{directory: {folder / 'out'}, formats: [csv, parquet]}}\n",
        encoding="utf-8",
    )
    return path


def runs(config: Path, release: Path) -> Callable[[], Finished]:
    """A run of ``config`` that removes the release of the run before."""

    def run() -> Finished:
        shutil.rmtree(release, ignore_errors=True)
        return once([ANON, "run", str(config), "--json", "--quiet"])

    return run


def figures(finished: list[Finished]) -> dict[str, object]:
    """Seconds and memory of several runs of one config."""
    stages = [json.loads(each.stdout)["seconds"] for each in finished]
    reports = [each["assess"] + each["report"] for each in stages]
    return {
        "runs": len(finished),
        "wall_s": spread([each.wall_s for each in finished]),
        "wall_less_report_s": spread(
            [each.wall_s - report for each, report in zip(finished, reports, strict=True)]
        ),
        "cpu_s": spread([each.cpu_s for each in finished]),
        "memory_mb": spread([each.memory_bytes / 1e6 for each in finished]),
        "stages_s": json.loads(finished[-1].stdout)["seconds"],
    }


def cold(config: Path, release: Path, folder: Path) -> dict[str, object]:
    """One run with an empty kernel cache: everything is compiled."""
    shutil.rmtree(release, ignore_errors=True)
    command = [ANON, "run", str(config), "--json", "--quiet"]
    finished = once(command, environment={"XDG_CACHE_HOME": str(folder / "cache")})
    return figures([finished])


def survey(folder: Path) -> dict[str, object]:
    """The generated survey: 1.2 million rows of nine quasi-identifiers."""
    config = generated.write(generated.CASES["survey"], folder / "survey")
    table = pl.read_csv(folder / "survey" / "table.csv", infer_schema=False)
    distinct = table.n_unique()
    if distinct <= LEAST_DISTINCT:
        raise SystemExit(f"the survey holds {distinct:,} distinct tuples only")
    release = folder / "survey" / "out" / "generated"
    finished = repeated(runs(config, release), times=5)
    demanded = {"wall_less_report_s": 8, "memory_mb": 1500}
    return {"rows": table.height, "distinct_tuples": distinct, "demanded": demanded, **figures(finished)}


def adult(folder: Path) -> dict[str, object]:
    """Adult, warm and cold, where the data are there."""
    if not SHARED.exists():
        return {}
    config, release = adult_config(folder), folder / "out" / "adult"
    return {
        "adult_k5_s2": figures(repeated(runs(config, release), times=TIMES)),
        "adult_k5_s2_cold": cold(config, release, folder),
    }


def every(folder: Path) -> dict[str, object]:
    """All there is to measure."""
    help_ = repeated(lambda: once([ANON, "--help"]), times=TIMES)
    return {
        "help": {"runs": TIMES, "wall_s": spread([each.wall_s for each in help_])},
        **adult(folder),
        **demo(folder),
        "survey_k5_s2": survey(folder),
    }


def main() -> None:
    """Measure everything and write ``results/whole_run.json``, or print one part."""
    parser = argparse.ArgumentParser(description="Whole processes")
    parser.add_argument("--only", choices=("survey", "adult"))
    only = {"survey": survey, "adult": adult}.get(parser.parse_args().only)
    with tempfile.TemporaryDirectory() as name:
        if only is None:
            print(write("whole_run", every(Path(name))).read_text(encoding="utf-8"))
        else:
            print(json.dumps(only(Path(name)), indent=1))


def demo(folder: Path) -> dict[str, object]:
    """The demo's run on the sample export, into a folder of its own."""
    source = ROOT / "sample_data"
    shutil.copytree(source, folder / "sample_data", ignore=shutil.ignore_patterns("releases", "__pycache__"))
    config = folder / "sample_data" / "config.yaml"
    name = next(line.split()[1] for line in config.read_text().splitlines() if line.startswith("name:"))
    release = folder / "sample_data" / "releases" / name
    return {
        "demo": figures(repeated(runs(config, release), times=5)),
        "demo_cold": cold(config, release, folder / "demo"),
    }


if __name__ == "__main__":
    main()
