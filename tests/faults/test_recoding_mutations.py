"""Each change to a recoded release, or to the map of its recoding, ends in exit code 11."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from anonymizer.criteria import KAnonymity
from anonymizer.errors import VerificationFailed
from release.files import tables
from release.verifying.promise import Promise
from release.verifying.recoding_map import RecodingMap, level
from release.verifying.recount import key
from tests.small_release import COLUMNS, CRITERIA, promise, staged, ward

QUASI = ("sex", "age", "plz")
FINE, COARSE = (0, 2, 2), (0, 3, 2)
"""Women's ages in tens, everybody else's in twenties."""
Change = Callable[[pl.DataFrame], pl.DataFrame]


def recoding() -> RecodingMap:
    """What becomes of each combination of the ward's values; the two who are alone are suppressed."""
    combinations = ward().frame.select(QUASI).unique(maintain_order=True).rows()
    rows = [
        (*row, *((None,) * 3 if row[1] == "93" else FINE if row[0] == "f" else COARSE))
        for row in combinations
    ]
    schema = dict.fromkeys(map(key, range(3)), pl.String) | dict.fromkeys(map(level, range(3)), pl.Int64)
    return RecodingMap("local", pl.DataFrame(rows, schema=schema, orient="row"))


def recoded(recoding_: RecodingMap) -> pl.DataFrame:
    """The ward's release by a map, cell by cell."""
    levels = {row[:3]: row[3:] for row in recoding_.levels.iter_rows()}
    by_name = {column.name: column.hierarchy for column in COLUMNS}
    rows = []
    for row in ward().frame.iter_rows(named=True):
        at = levels[tuple(row[name] for name in QUASI)]
        if at[0] is None:
            continue
        cells = []
        for name, x in zip(QUASI, at, strict=True):
            hierarchy = by_name[name]
            assert hierarchy is not None
            top = len(hierarchy.level_names) - 1
            missing = "*" if x == top else None
            cells.append(missing if row[name] is None else hierarchy.generalise([row[name]]).labels[x][0])
        crp = None if row["crp"] is None else min(row["crp"], 300.0)
        rows.append((*cells, row["diagnosis"], crp, row["ward"]))
    schema = {name: ward().frame.schema[name] for name in (*QUASI, "diagnosis", "crp", "ward")}
    return pl.DataFrame(rows, schema=schema, orient="row").sort(list(schema))


def promised(recoding_: RecodingMap, **changes: object) -> Promise:
    made = replace(promise(ward()), transformation={}, recoding=recoding_)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_recoded_release_passes(tmp_path: Path) -> None:
    made = recoding()
    with staged(tmp_path, promised(made), recoded(made)) as stage:
        verified = stage.verify()
    assert verified.suppressed == 2
    assert set(verified.frame["age"]) == {"[40, 49]", "[50, 59]", "[40, 59]"}
    assert [result.reached for result in verified.criteria] == [6, 3]


def swap_two_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """Two diagnoses change places."""
    codes = frame["diagnosis"].to_list()
    other = next(i for i, code in enumerate(codes) if code != codes[0])
    codes[0], codes[other] = codes[other], codes[0]
    return frame.with_columns(diagnosis=pl.Series(codes)).sort(frame.columns)


def ungeneralise_a_cell(frame: pl.DataFrame) -> pl.DataFrame:
    """A cell shows a finer band, which is a label of the release too."""
    return _change_age(frame, "[40, 59]", "[40, 49]")


def generalise_a_cell(frame: pl.DataFrame) -> pl.DataFrame:
    """A cell shows a coarser band: nothing is told, and it is not what was decided."""
    return _change_age(frame, "[40, 49]", "[40, 59]")


def show_a_value(frame: pl.DataFrame) -> pl.DataFrame:
    """A cell shows the value itself."""
    return _change_age(frame, "[40, 49]", "41")


def star_a_cell(frame: pl.DataFrame) -> pl.DataFrame:
    """A cell is starred that nobody starred."""
    return _change_age(frame, "[40, 49]", "*")


def drop_a_row(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.slice(1)


def _change_age(frame: pl.DataFrame, old: str, new: str) -> pl.DataFrame:
    ages = frame["age"].to_list()
    ages[ages.index(old)] = new
    return frame.with_columns(age=pl.Series(ages)).sort(frame.columns)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (swap_two_cells, "column 'diagnosis': released rows are not those"),
        (ungeneralise_a_cell, "column 'age': released rows are not those"),
        (generalise_a_cell, "column 'age': released rows are not those"),
        (show_a_value, r"column 'age': cells are no labels of levels 2 to 3.*\(1 time\)"),
        (star_a_cell, r"column 'age': cells are no labels of levels 2 to 3.*\(1 time\)"),
        (drop_a_row, r"released rows are not those .*\(1 time\)"),
        (pl.DataFrame.reverse, "not sorted"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_changed_release_fails(tmp_path: Path, change: Change, found: str) -> None:
    made = recoding()
    with staged(tmp_path, promised(made), recoded(made)) as stage:
        for format_ in ("csv", "parquet"):
            path = stage.staging.data / f"ward.{format_}"
            frame = tables.read(path, tables.types(recoded(made)))
            path.unlink()
            tables.write(change(frame), stage.staging.data, "ward", [format_])
        with pytest.raises(VerificationFailed, match=found) as failure:
            stage.verify()
    assert failure.value.exit_code == 11


def level_too_high(levels: pl.DataFrame) -> pl.DataFrame:
    return levels.with_columns(level_0=pl.col("level_0") + 2)


def level_below_zero(levels: pl.DataFrame) -> pl.DataFrame:
    return levels.with_columns(level_1=pl.col("level_1") - 4)


def lacks_a_combination(levels: pl.DataFrame) -> pl.DataFrame:
    return levels.slice(1)


def names_one_twice(levels: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([levels, levels.head(1)])


def suppresses_in_part(levels: pl.DataFrame) -> pl.DataFrame:
    return levels.with_columns(level_2=pl.lit(None, pl.Int64))


def lacks_a_column(levels: pl.DataFrame) -> pl.DataFrame:
    return levels.drop("level_2")


def shows_those_who_are_alone(levels: pl.DataFrame) -> pl.DataFrame:
    return levels.with_columns(pl.col("^level_.*$").fill_null(1))


def suppresses_too_many(levels: pl.DataFrame) -> pl.DataFrame:
    return levels.with_columns(pl.when(pl.col("q0") != "f").then(pl.col("^level_.*$")))


def tells_one_class_finer(levels: pl.DataFrame) -> pl.DataFrame:
    """Postal codes of women at level 0: their classes fall apart."""
    women = (pl.col("q0") == "f") & pl.col("level_2").is_not_null()
    return levels.with_columns(level_2=pl.when(women).then(0).otherwise("level_2").cast(pl.Int64))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (level_too_high, "column 'sex': the generalisation level lies outside its bounds"),
        (level_below_zero, "column 'age': the generalisation level lies outside its bounds"),
        (lacks_a_combination, "lacks some rows' values"),
        (names_one_twice, "names a combination of values twice"),
        (suppresses_in_part, "suppresses a row in part"),
        (lacks_a_column, "does not name exactly the quasi-identifiers"),
        (shows_those_who_are_alone, "an equivalence class breaks k-anonymity"),
        (suppresses_too_many, "more rows are suppressed than the limit allows"),
        (tells_one_class_finer, "an equivalence class breaks"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_changed_map_fails_even_with_the_release_it_makes(
    tmp_path: Path, change: Change, found: str
) -> None:
    made = replace(recoding(), levels=change(recoding().levels))
    try:
        frame = recoded(made)
    except (IndexError, KeyError, TypeError, ValueError):
        frame = recoded(recoding())
    with (
        staged(tmp_path, promised(made), frame) as stage,
        pytest.raises(VerificationFailed, match=found) as failure,
    ):
        stage.verify()
    assert failure.value.exit_code == 11


def test_a_level_beyond_max_level_fails(tmp_path: Path) -> None:
    made = recoding()
    bounded = tuple(replace(c, max_level=2) if c.name == "age" else c for c in COLUMNS)
    table = replace(ward(), columns=bounded)
    with (
        staged(tmp_path, promised(made, table=table), recoded(made)) as stage,
        pytest.raises(VerificationFailed, match=r"column 'age': .* outside its bounds"),
    ):
        stage.verify()


def test_another_map_than_the_release_was_made_by_fails(tmp_path: Path) -> None:
    """Men's ages one level coarser, and the release as before."""
    made = recoding()
    coarser = made.levels.with_columns(
        level_1=pl.when(pl.col("level_1") == 3).then(4).otherwise("level_1").cast(pl.Int64)
    )
    other = replace(made, levels=coarser)
    with (
        staged(tmp_path, promised(other), recoded(made)) as stage,
        pytest.raises(VerificationFailed, match="column 'age'"),
    ):
        stage.verify()


def test_a_recoded_release_for_one_more_person_fails(tmp_path: Path) -> None:
    made = recoding()
    smallest = recoded(made).group_by(QUASI).len()["len"].min()
    assert isinstance(smallest, int)
    stricter = (KAnonymity(smallest + 1), *CRITERIA[1:])
    with (
        staged(tmp_path, promised(made, criteria=stricter), recoded(made)) as stage,
        pytest.raises(VerificationFailed, match="an equivalence class breaks k-anonymity"),
    ):
        stage.verify()
