"""Reading an export against a bare ``orjson.loads`` pass over the same lines.

    python -m benchmarks.read_export
    python -m benchmarks.read_export --patients 20000

The first reads 300 MB in six shapes. The second reads one large export, of so many patients with 150 kB each
(20,000 are 3 GB), as one Bundle per patient and line, and a half and a quarter of it, which shows how memory
grows.

The files are made in a temporary folder by repeating an export with new ids: the sample export, each
patient's laboratory values repeated until the patient has 150 kB, as sites' exports do; the sample export
as it is, with 22 kB per patient; and the public MII test data. Each as one resource per line and as one
Bundle per patient and line. All programs run in fresh processes, in turn; consent is required, and every
column and four laboratory values are asked for. Seconds are those inside the process, after its imports.

``collect`` decodes, extracts and finds duplicates; ``read`` also applies consent and builds the table. Both
take as many processes as the machine has processors, ``collect_alone`` is one process. Memory is that of all
processes together: shared pages count once (PSS), looked at twenty times a second in a run of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.exports import PATIENT_BYTES, SAMPLE, Patients, bundle, grown, patients_of, repeated
from benchmarks.measure import Finished, memory_of_all, once, spread, write

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data" / "mii-kds-2026" / "a_ndjson_per_type"
SIZE_BYTES = 300_000_000
TIMES = 3

_PRINT = """
print(time.perf_counter() - started)
"""

_REQUEST = """
import gc, time, sys
from datetime import date
from pathlib import Path
import mii
from mii import gathering, reading
from mii.effort import Effort
from mii.streaming import Limits
asked = {
    "leukocytes": mii.Observation("26464-8", "/nL"), "haemoglobin": mii.Observation("718-7", "g/dL"),
    "creatinine": mii.Observation("2160-0", "mg/dL"), "crp": mii.Observation("1988-5", "mg/L"),
}
request = mii.MiiRequest(
    row="patient", index_encounter="first", observations=asked, consent_required=True,
    retrospective=False, reference_date=date(2026, 11, 22), consent_date=date(2026, 11, 22),
    columns=frozenset([*mii.COLUMNS, *mii.lab_columns(asked)]),
)
path = Path(sys.argv[1])
started = time.perf_counter()
"""

PROGRAMS = {
    "orjson": """
import time, sys, orjson
started = time.perf_counter()
with open(sys.argv[1], "rb") as file:
    for line in file:
        orjson.loads(line)
"""
    + _PRINT,
    "collect_alone": _REQUEST
    + "gc.disable()  # as reading.read does\n"
    + "gathering.collect(path, request, limits=Limits(), effort=Effort(workers=1))"
    + _PRINT,
    "collect": _REQUEST + "gc.disable()\ngathering.collect(path, request, limits=Limits())" + _PRINT,
    "read": _REQUEST + "reading.read(path, request)" + _PRINT,
}


def main() -> None:
    """Writes ``results/read_export.json``, or ``results/read_large_export.json``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--patients", type=int, help="read one large export of so many patients")
    parser.add_argument("--times", type=int, default=TIMES)
    asked = parser.parse_args()
    figures: dict[str, object] = {"times": asked.times}
    if asked.patients is None:
        figures |= {"size_bytes": SIZE_BYTES} | _shapes(asked.times)
        write("read_export", figures)
    else:
        figures |= _large(asked.patients, asked.times)
        write("read_large_export", figures)
    print(json.dumps(figures, indent=1))


def _shapes(times: int) -> dict[str, object]:
    sources: dict[str, Patients] = {}
    if SAMPLE.exists():
        sample = patients_of(SAMPLE)
        sources |= {"sample_150_kb_per_patient": grown(sample), "sample_as_it_is": sample}
    if SHARED.exists():
        sources["mii_test_data"] = patients_of(SHARED)
    figures: dict[str, object] = {}
    for name, patients in sources.items():
        lines = [line for own in patients for line in own]
        figures[f"{name}, resource per line"] = _measured(lines, SIZE_BYTES, times)
        figures[f"{name}, bundle per line"] = _measured(map(bundle, patients), SIZE_BYTES, times)
    return figures


def _large(patients: int, times: int) -> dict[str, object]:
    bundles = list(map(bundle, grown(patients_of(SAMPLE))))
    sizes = [patients * PATIENT_BYTES // part for part in (4, 2, 1)]
    found = {size: _measured(bundles, size, times) for size in sizes}
    growth = {
        f"{name}_memory_grows_by_bytes_per_byte": _growth(
            {size: of[f"{name}_memory_bytes"] for size, of in found.items()}
        )
        for name in ("collect", "read")
    }
    return {f"{size} bytes, bundle per line": figures for size, figures in found.items()} | growth


def _growth(memory: Mapping[int, int]) -> float:
    """The memory that a byte of the export takes, between the smallest and the largest."""
    (small, least), (large, most) = min(memory.items()), max(memory.items())
    return round((most - least) / (large - small), 4)


def _measured(content: Iterable[str], size: int, times: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export.ndjson")
        with path.open("w", encoding="utf-8") as file:
            file.writelines(repeated(list(content), size))
        commands = {name: [sys.executable, "-c", program, str(path)] for name, program in PROGRAMS.items()}
        runs: dict[str, list[Finished]] = {name: [] for name in PROGRAMS}
        for _ in range(times):
            for name, command in commands.items():
                runs[name].append(once(command))
        memory = {f"{name}_memory_bytes": memory_of_all(commands[name]) for name in ("collect", "read")}
    seconds = {name: [float(run.stdout) for run in of_name] for name, of_name in runs.items()}
    middle = {name: sorted(of_name)[times // 2] for name, of_name in seconds.items()}
    return {
        **{f"{name}_s": spread(of_name) for name, of_name in seconds.items()},
        **{
            f"{name}_times_as_fast_as_orjson": round(middle["orjson"] / middle[name], 3)
            for name in PROGRAMS
            if name != "orjson"
        },
        **memory,
    }


if __name__ == "__main__":
    main()
