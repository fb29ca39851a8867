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
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.measure import Finished, once, spread, write

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sample_data" / "export"
SHARED = ROOT.parent / "shared" / "data" / "mii-kds-2026" / "a_ndjson_per_type"
SIZE_BYTES = 300_000_000
PATIENT_BYTES = 150_000
TIMES = 3
LOOK_S = 0.05
_NEW_ID = "\0"

Patients = list[list[str]]
"""The resources of each patient as lines; first those that are nobody's."""

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
        sample = _patients(SAMPLE)
        sources |= {"sample_150_kb_per_patient": _grown(sample), "sample_as_it_is": sample}
    if SHARED.exists():
        sources["mii_test_data"] = _patients(SHARED)
    figures: dict[str, object] = {}
    for name, patients in sources.items():
        lines = [line for own in patients for line in own]
        figures[f"{name}, resource per line"] = _measured(lines, SIZE_BYTES, times)
        figures[f"{name}, bundle per line"] = _measured(map(_bundle, patients), SIZE_BYTES, times)
    return figures


def _large(patients: int, times: int) -> dict[str, object]:
    bundles = list(map(_bundle, _grown(_patients(SAMPLE))))
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
            file.writelines(_repeated(list(content), size))
        commands = {name: [sys.executable, "-c", program, str(path)] for name, program in PROGRAMS.items()}
        runs: dict[str, list[Finished]] = {name: [] for name in PROGRAMS}
        for _ in range(times):
            for name, command in commands.items():
                runs[name].append(once(command))
        memory = {f"{name}_memory_bytes": _memory(commands[name]) for name in ("collect", "read")}
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


def _memory(command: list[str]) -> int:
    """The most memory that a command and the processes it starts take together."""
    most = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, sum(map(_resident, _family(process.pid))))
            time.sleep(LOOK_S)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return most


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [pid, *map(int, children)]


def _resident(pid: int) -> int:
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:")) * 1024


def _patients(folder: Path) -> Patients:
    of_patient: dict[str, list[str]] = {"": []}
    for file in sorted(folder.glob("*.ndjson*")):
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        for line in raw.decode().splitlines():
            resource = json.loads(line)
            owner = resource.get("subject") or resource.get("patient") or {}
            is_patient = resource["resourceType"] == "Patient"
            patient = f"Patient/{resource['id']}" if is_patient else owner.get("reference", "")
            _mark(resource)
            of_patient.setdefault(patient, []).append(_line(resource))
    return list(of_patient.values())


def _grown(patients: Patients) -> Patients:
    """The patients with their laboratory values again and again, until each has `PATIENT_BYTES`."""
    return [patients[0], *(_grown_patient(own) for own in patients[1:] if any(map(_is_lab, own)))]


def _grown_patient(own: list[str]) -> list[str]:
    size = sum(map(len, own))
    grown = list(own)
    labs = cycle([json.loads(line) for line in own if _is_lab(line)])
    for number, lab in enumerate(labs):
        if size >= PATIENT_BYTES:
            break
        day = f"20{number % 15 + 10}-{number % 12 + 1:02}-{number % 28 + 1:02}T08:00:00+01:00"
        grown.append(_line({**lab, "id": f"{lab['id']}-{number}", "effectiveDateTime": day}))
        size += len(grown[-1])
    return grown


def _is_lab(line: str) -> bool:
    return '"Observation"' in line and '"valueQuantity"' in line


def _mark(element: Any) -> None:
    """Puts the mark of a new id behind every id and reference, in place."""
    if isinstance(element, list):
        for part in element:
            _mark(part)
    elif isinstance(element, dict):
        for name in ("id", "reference"):
            if isinstance(element.get(name), str):
                element[name] += _NEW_ID
        for part in element.values():
            _mark(part)


def _line(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def _bundle(own: list[str]) -> str:
    entries = ",".join(f'{{"resource":{line.rstrip()}}}' for line in own)
    return f'{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}\n'


def _repeated(lines: list[str], size: int) -> Iterator[str]:
    """``lines`` with new ids again and again, until there are ``size`` bytes of them."""
    mark = json.dumps(_NEW_ID)[1:-1]
    written = copy = 0
    while True:
        for line in lines:
            made = line.replace(mark, f"-{copy}")
            written += len(made.encode())
            yield made
            if written >= size:
                return
        copy += 1


if __name__ == "__main__":
    main()
