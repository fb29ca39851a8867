"""Linked tables made by a transformation that is broken in one place: exit code 11, and no release."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anonymizer.transforming import code_removal, linking
from tests.conftest import ROOT
from tests.runs import anon

Whole = Callable[..., Any]


def keys_in_the_order_of_ids(whole: Whole) -> Whole:
    def keys(owners: pl.Series) -> pl.Series:
        drawn = whole(owners).sort()
        return pl.Series(drawn.name, drawn.gather(owners.rank("ordinal").cast(pl.Int64) - 1))

    return keys


def keys_that_are_short(whole: Whole) -> Whole:
    return lambda owners: whole(owners).str.head(8)


def one_key_for_two(whole: Whole) -> Whole:
    return lambda owners: whole(owners).shift(1, fill_value=whole(owners)[0])[[0, 0, *range(2, len(owners))]]


def everything_is_kept(whole: Whole) -> Whole:
    """Nobody loses what the class may not show."""

    def released(rows: pl.DataFrame, kept: pl.DataFrame, owners: pl.DataFrame) -> Any:
        every = pl.concat([kept, rows.select(kept.columns)]).unique()
        return whole(rows, every, owners)

    return released


def events_of_others(whole: Whole) -> Whole:
    """In one table the keys have slipped by a person."""

    def released(rows: pl.DataFrame, kept: pl.DataFrame, owners: pl.DataFrame) -> Any:
        slipped = owners.with_columns(pl.col("person").shift(1, fill_value=owners["person"][-1]))
        return whole(rows, kept, slipped if "loinc" in rows.columns else owners)

    return released


def a_level_too_fine(whole: Whole) -> Whole:
    def generalised(cells: pl.Series, column: Any) -> pl.Series:
        return cells if column.name == "atc" else whole(cells, column)

    return generalised


def the_last_in_place_of_the_first(whole: Whole) -> Whole:
    """Of several events alike other ones remain."""
    return lambda cells: whole(cells)[::-1]


def nothing_is_rare(whole: Whole) -> Whole:
    return lambda *arguments: whole(*arguments).clear()


PARTS: tuple[tuple[Any, str, Callable[[Whole], Whole], str], ...] = (
    (linking, "_keys", keys_in_the_order_of_ids, "order of the input"),
    (linking, "_keys", keys_that_are_short, "16 hexadecimal digits"),
    (linking, "_keys", one_key_for_two, "share a key"),
    (linking, "_released", everything_is_kept, "released rows are not those"),
    (linking, "_released", events_of_others, "rows and events together|released rows are not those"),
    (linking, "_generalised", a_level_too_fine, "no labels of level 3"),
    (linking, "_digest", the_last_in_place_of_the_first, "released rows are not those"),
    (code_removal, "codes_to_remove", nothing_is_rare, "breaks"),
)


@pytest.mark.parametrize(
    ("module", "name", "broken", "found"), PARTS, ids=lambda part: getattr(part, "__name__", "")
)
def test_a_broken_part_publishes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    broken: Callable[[Whole], Whole],
    found: str,
) -> None:
    shutil.copytree(ROOT / "sample_data" / "export", tmp_path / "export")
    shutil.copy(ROOT / "sample_data" / "tables.yaml", tmp_path / "config.yaml")
    monkeypatch.setattr(module, name, broken(getattr(module, name)))
    result = anon("run", tmp_path / "config.yaml")
    assert result.code == 11, result.err
    assert pl.Series([result.err]).str.contains(found).item(), result.err
    assert not (tmp_path / "releases" / "sample-linked-tables").exists()
