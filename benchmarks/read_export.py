"""Reading a 300 MB export against a bare ``orjson.loads`` pass over the same lines.

    python -m benchmarks.read_export

The files are made in a temporary folder by repeating an export with new ids: the sample export and the
public MII test data, each as one resource per line and as one Bundle per patient and line. Both
programs run in fresh processes, in turn; consent is required, and every column and four laboratory
values are asked for. Seconds are those inside the process, without starting Python.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Finished, once, repeated, spread, write

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sample_data" / "export"
SHARED = ROOT.parent / "shared" / "data" / "mii-kds-2026" / "a_ndjson_per_type"
SIZE_BYTES = 300_000_000
TIMES = 3
_NEW_ID = "\0"

ORJSON_PASS = """
import sys, time, orjson
started = time.perf_counter()
with open(sys.argv[1], "rb") as file:
    for line in file:
        orjson.loads(line)
print(time.perf_counter() - started)
"""

READ = """
import sys, time
from datetime import date
from pathlib import Path
import mii
asked = {
    "leukocytes": mii.Observation("26464-8", "/nL"), "haemoglobin": mii.Observation("718-7", "g/dL"),
    "creatinine": mii.Observation("2160-0", "mg/dL"), "crp": mii.Observation("1988-5", "mg/L"),
}
request = mii.MiiRequest(
    row="patient", index_encounter="first", observations=asked, consent_required=True,
    retrospective=False, reference_date=date(2026, 11, 22), consent_date=date(2026, 11, 22),
    columns=frozenset([*mii.COLUMNS, *mii.lab_columns(asked)]),
)
started = time.perf_counter()
export = mii.read(Path(sys.argv[1]), request)
print(time.perf_counter() - started)
"""


def main() -> None:
    """Writes ``results/read_export.json``."""
    figures: dict[str, object] = {"size_bytes": SIZE_BYTES, "times": TIMES}
    for name, folder in (("sample", SAMPLE), ("mii_test_data", SHARED)):
        if folder.exists():
            resources = list(_resources(folder))
            figures[f"{name}_resource_per_line"] = _measured(_repeat(map(_line, resources)))
            figures[f"{name}_bundle_per_line"] = _measured(_repeat(_bundles(resources)))
    write("read_export", figures)
    print(json.dumps(figures, indent=1))


def _measured(content: Iterable[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export.ndjson")
        with path.open("w", encoding="utf-8") as file:
            file.writelines(content)
        orjson_runs, read_runs = [], []
        for _ in range(TIMES):
            orjson_runs += repeated(lambda: _run(ORJSON_PASS, path), times=1, warm_up=0)
            read_runs += repeated(lambda: _run(READ, path), times=1, warm_up=0)
    orjson_s, read_s = ([float(run.stdout) for run in runs] for runs in (orjson_runs, read_runs))
    return {
        "orjson_s": spread(orjson_s),
        "read_s": spread(read_s),
        "read_over_orjson": round(sorted(read_s)[TIMES // 2] / sorted(orjson_s)[TIMES // 2], 3),
        "read_memory_bytes": max(run.memory_bytes for run in read_runs),
        "orjson_cpu_s": spread([run.cpu_s for run in orjson_runs]),
        "read_cpu_s": spread([run.cpu_s for run in read_runs]),
    }


def _run(program: str, path: Path) -> Finished:
    return once([sys.executable, "-c", program, str(path)])


def _resources(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.ndjson*")):
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        for line in raw.decode().splitlines():
            resource = json.loads(line)
            _mark(resource)
            yield resource


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


def _bundles(resources: list[dict[str, Any]]) -> Iterator[str]:
    """One Bundle per patient and line, before them one of everything that is nobody's."""
    of_patient: dict[str, list[dict[str, Any]]] = {}
    for resource in resources:
        owner = resource.get("subject") or resource.get("patient") or {}
        patient = f"Patient/{resource['id']}" if resource["resourceType"] == "Patient" else owner.get("reference")
        of_patient.setdefault(patient or "", []).append(resource)
    for own in of_patient.values():
        entries = [{"fullUrl": f"{one['resourceType']}/{one['id']}", "resource": one} for one in own]
        yield _line({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _repeat(content: Iterable[str]) -> Iterator[str]:
    """Lines with new ids again and again, until there are ``SIZE_BYTES`` of them."""
    mark = json.dumps(_NEW_ID)[1:-1]
    lines = list(content)
    written = copy = 0
    while True:
        for line in lines:
            made = line.replace(mark, f"-{copy}")
            written += len(made.encode())
            yield made
            if written >= SIZE_BYTES:
                return
        copy += 1


if __name__ == "__main__":
    main()
