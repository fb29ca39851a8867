"""Reads an export of any form into one table."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from anonymizer.errors import BadConfig
from mii.consenting import apply_consent, consent_counts
from mii.gathering import collect
from mii.request import COLUMNS, MiiRequest, lab_columns
from mii.rows import build
from mii.streaming import Limits


@dataclass(frozen=True, slots=True)
class Export:
    """What was read: the table, and counts for the audit (never an id or a value)."""

    frame: pl.DataFrame
    audit: dict[str, object]


def read(path: Path, request: MiiRequest, *, limits: Limits | None = None) -> Export:
    """The table of the export at ``path``, a file or a folder in any of the forms of `mii.forms`.

    Raises ``InputMissing`` (66) where there is no export, ``BadInput`` (65) where it breaks a rule,
    ``ConsentMissing`` (77) where consent is required and nobody's is there, ``BadConfig`` (78) for a column
    that does not exist.
    """
    unknown = request.columns - {*COLUMNS, *lab_columns(request.observations)}
    if unknown:
        raise BadConfig("no such column in a core-dataset table", column=min(unknown))
    with _no_collection():
        collected, audit = collect(path, request, limits=limits or Limits())
        audit["patients_in"] = len(collected.persons)
        if request.consent_required:
            consented = apply_consent(collected, request)
            audit["consent"] = consent_counts(collected, consented)
            collected = consented.collected
        frame, counts = build(collected, request)
    return Export(frame, audit | counts)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pauses the search for garbage: records hold no cycles, and looking through a million takes seconds."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
