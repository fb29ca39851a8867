"""Reads an export of any form into one table."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from anonymizer.errors import BadConfig, ComponentMissing
from mii.consent import Decision
from mii.consenting import apply_consent, consent_counts
from mii.effort import DEFAULT, Effort
from mii.event_tables import refuse
from mii.events import event_tables
from mii.gathering import collect
from mii.linked import refuse_merged
from mii.request import COLUMNS, OPTIONAL, MiiRequest, lab_columns
from mii.rows import build
from mii.streaming import Limits
from mii.views.adding import with_views


@dataclass(frozen=True, slots=True)
class Export:
    """What was read: the table, event tables by name, and counts for the audit (never an id or a value)."""

    frame: pl.DataFrame
    audit: dict[str, object]
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def read(
    path: Path, request: MiiRequest, *, limits: Limits | None = None, effort: Effort = DEFAULT
) -> Export:
    """The table of the export at ``path``, a file or a folder in any of the forms of `mii.forms`.

    ``effort`` says how many processes read it; the table does not depend on it.

    Raises ``InputMissing`` (66) where there is no export, ``BadInput`` (65) where it breaks a rule or holds
    merged Patients (`mii.linked`),
    ``ConsentMissing`` (77) where consent is required and nobody's is there, ``BadConfig`` (78) for a column
    or an event table that does not exist.
    """
    declared = request.view_columns
    unknown = request.columns - {*COLUMNS, *OPTIONAL, *lab_columns(request.observations), *declared}
    if unknown:
        raise BadConfig("no such column in a core-dataset table", column=min(unknown))
    refuse(request)
    tables: dict[str, pl.DataFrame] = {}
    with _no_collection():
        collected, audit = collect(path, request, limits=limits or Limits(), effort=effort)
        refuse_merged(audit)
        audit["patients_in"] = len(collected.persons)
        decisions: Mapping[str, Decision] | None = None
        if has_views := bool(request.declared or request.views):
            _refuse_flattened(audit["form"], request)
        if request.consent_required:
            consented = apply_consent(collected, request)
            audit["consent"] = consent_counts(collected, consented)
            collected, decisions = consented.collected, consented.decisions
        frame, counts = build(collected, request)
        if has_views:
            frame, told = with_views(
                frame, path, collected, request, decisions=decisions, limits=limits or Limits()
            )
            counts |= told
        if request.tables:
            tables, told = event_tables(collected, request)
            counts |= told
    return Export(frame, audit | counts, tables)


def _refuse_flattened(form: str, request: MiiRequest) -> None:
    if form == "flattened":
        key = "columns" if request.declared else "views"
        raise ComponentMissing(
            f"input.mii.{key}: this version finds what is declared in FHIR resources, not in flattened tables"
        )


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
