"""All tables of a release once more as FHIR: a file of NDJSON for each type of resource.

Lines are made and read by `mii.writing`. A table of people without a key gets the numbers of its rows, which
stand in an order that says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from io import BytesIO
from itertools import chain, zip_longest
from pathlib import Path

import polars as pl

from anonymizer.errors import VerificationFailed
from anonymizer.tables.table import PERSON
from mii.writing import read_back, resources
from release.files.staging import Staging
from release.files.tables import canonical

FORMAT = "fhir"
FOLDER = "fhir"
SUFFIX = ".ndjson"
Tables = Mapping[str, pl.DataFrame]


def write(tables: Tables, staging: Staging, reference_date: date) -> None:
    """A file for each type of resource that tells something of the released ``tables``.

    Raises:
        BadConfig: a column that FHIR has no element for.
        BadInput: cells that FHIR cannot hold.
        OutputFailed: writing failed.
    """
    keyed = {name: _keyed(canonical(frame)) for name, frame in tables.items()}
    lines = resources(keyed, reference_date=reference_date)
    staging.make_folder(f"release/data/{FOLDER}")
    for kind, of_kind in lines.items():
        if (first := next(of_kind, None)) is not None:
            staging.write(f"release/data/{FOLDER}/{kind}{SUFFIX}", chain((first,), of_kind))


def require_same(folder: Path, tables: Tables, reference_date: date) -> None:
    """Raise ``VerificationFailed`` unless the files of ``folder`` hold exactly the rows of ``tables``.

    They are read back by code that shares nothing with what wrote them, and are the bytes that would be
    written of these rows: an element that stands for no column would be in the way.
    """
    expected = {name: _keyed(canonical(frame)) for name, frame in tables.items()}
    schemas = {name: dict(frame.schema) for name, frame in expected.items()}
    with ExitStack() as stack:
        files = {path.stem: stack.enter_context(path.open("rb")) for path in sorted(folder.iterdir())}
        found = read_back(files, schemas)
    different = sum(not found[name].equals(frame) for name, frame in expected.items())
    if different:
        raise VerificationFailed("the FHIR files do not hold the rows of the tables", count=different)
    for kind, lines in resources(expected, reference_date=reference_date).items():
        path = folder / f"{kind}{SUFFIX}"
        with path.open("rb") if path.exists() else BytesIO() as file:
            if any(ours != theirs for ours, theirs in zip_longest(file, lines)):
                raise VerificationFailed("the FHIR files hold more than the rows of the tables")


def is_fhir(path: str) -> bool:
    """Whether a path below ``release/`` is that of such a file."""
    return path.startswith(f"data/{FOLDER}/") and path.endswith(SUFFIX)


def _keyed(frame: pl.DataFrame) -> pl.DataFrame:
    if PERSON in frame.columns:
        return frame
    # Of equal length they sort as the rows do; servers refuse ids that are numbers.
    width = len(str(frame.height))
    numbers = [f"p{row:0{width}}" for row in range(1, frame.height + 1)]
    return frame.insert_column(0, pl.Series(PERSON, numbers, dtype=pl.String))
