"""Adds the columns that views declare to the table of an export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from anonymizer.errors import BadConfig
from mii.collecting import Collected
from mii.consent import Decision
from mii.request import MiiRequest
from mii.rows import sorted_rows
from mii.stays import Stays
from mii.streaming import Limits
from mii.views.harvesting import Harvest, Sought, harvest, positions
from mii.views.joining import declared_column, view_columns, within
from mii.views.running import Runner
from mii.views.subjects import DATES


def with_views(
    frame: pl.DataFrame,
    path: Path,
    collected: Collected,
    request: MiiRequest,
    *,
    decisions: Mapping[str, Decision] | None,
    limits: Limits,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """``frame``, the table of ``collected``, with the declared columns that are asked for, and counts.

    ``decisions`` are those of consent, ``None`` where it is not asked for. Raises what `harvest` and
    `joining` raise, and ``BadConfig`` where consent is asked about resources that have no date.
    """
    sought = _sought(request)
    if decisions is not None:
        _refuse_undated(sought)
    counts = Counter[str]()
    found = harvest(path, sought, limits)
    counts += found.counts
    found = _allowed(found, collected, decisions=decisions, counts=counts)
    made = _columns(found, sought, collected=collected, request=request, counts=counts)
    wanted = [column for column in made if column.name in request.columns]
    told = {name: count for name, count in sorted(counts.items()) if count}
    lacking = sorted(view.name for view in sought if view.runner.resource not in collected.types)
    return frame.hstack(wanted), {"views": {**told, "without_resources": lacking}}


def _sought(request: MiiRequest) -> list[Sought]:
    declared = [
        Sought(each.name, Runner(each.view), each.hints, each.follows)
        for each in request.declared
        if each.name in request.columns
    ]
    return declared + [Sought(view.name, view.runner) for view in request.views]


def _refuse_undated(sought: list[Sought]) -> None:
    for view in sought:
        if view.runner.resource not in {"Patient", *DATES}:
            raise BadConfig(
                f"{view.name}: consent covers a window of time, and {view.runner.resource} has no date that "
                "it could be asked about"
            )


def _allowed(
    found: Harvest,
    collected: Collected,
    *,
    decisions: Mapping[str, Decision] | None,
    counts: Counter[str],
) -> Harvest:
    """Resources that happened, whose person is in the table, and which consent covers where it is asked."""
    alive = found.resources.filter(pl.col("void").is_null())
    counts["resources_void_by_status"] += found.resources.height - alive.height
    owned = alive.filter(pl.col("patient").is_in(list(collected.persons)))
    counts["resources_of_nobody_in_the_table"] += alive.height - owned.height
    if decisions is not None:
        windows = {name: each.window for name, each in decisions.items() if each.window is not None}
        owned = within(owned, windows, counts)
    counts["resources_used"] += owned.height
    return replace(found, resources=owned)


def _columns(
    found: Harvest,
    sought: list[Sought],
    *,
    collected: Collected,
    request: MiiRequest,
    counts: Counter[str],
) -> list[pl.Series]:
    stays = Stays(collected.stays, collected.persons)
    rows = sorted_rows(collected, stays, request)
    places = positions(sought)

    def row_of(patient: str, encounter: str) -> str | None:
        return stays.of_row(patient, encounter) if request.row == "encounter" else patient

    keys, patients = [row.key for row in rows], [row.patient for row in rows]
    made = [
        declared_column(each, found.of(*places[each.name]), row_of=row_of, keys=keys, counts=counts)
        for each in request.declared
        if each.name in places
    ]
    for view in request.views:
        told = found.of(*places[view.name])
        made += view_columns(view, told, urns=found.urns, patients=patients, counts=counts)
    return made
