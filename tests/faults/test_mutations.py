"""Each change to a staged release, however small, ends in exit code 11."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from anonymizer.criteria import DistinctLDiversity, KAnonymity
from anonymizer.errors import VerificationFailed
from release.files import tables
from release.verifying.replay import replay
from release.verifying.verify import recount
from tests.small_release import promise, released, staged, ward

Change = Callable[[pl.DataFrame], pl.DataFrame]


def swap_two_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """Two diagnoses change places: every marginal, every class size and every criterion stays."""
    codes = frame["diagnosis"].to_list()
    other = next(i for i, code in enumerate(codes) if code != codes[0])
    codes[0], codes[other] = codes[other], codes[0]
    return in_order(frame.with_columns(diagnosis=pl.Series(codes)))


def shift_a_column(frame: pl.DataFrame) -> pl.DataFrame:
    """One column slips by a row."""
    crp = frame["crp"].to_list()
    return in_order(frame.with_columns(crp=pl.Series([*crp[1:], crp[0]])))


def ungeneralise_a_cell(frame: pl.DataFrame) -> pl.DataFrame:
    """One cell shows more than was decided."""
    ages = frame["age"].to_list()
    ages[0] = "41"
    return in_order(frame.with_columns(age=pl.Series(ages)))


def drop_a_row(frame: pl.DataFrame) -> pl.DataFrame:
    """One row is gone."""
    return frame.slice(1)


def add_a_row(frame: pl.DataFrame) -> pl.DataFrame:
    """One row is there twice."""
    return in_order(pl.concat([frame, frame.head(1)]))


def reorder(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows are right and their order says something."""
    return frame.reverse()


def rename(frame: pl.DataFrame) -> pl.DataFrame:
    """A column has another name."""
    return frame.rename({"ward": "room"})


def add_an_identifier(frame: pl.DataFrame) -> pl.DataFrame:
    """A direct identifier came along."""
    return frame.with_columns(patient_id=pl.lit("P001"))


def change_a_type(frame: pl.DataFrame) -> pl.DataFrame:
    """A number became text."""
    return frame.with_columns(pl.col("crp").cast(pl.String))


def round_a_number(frame: pl.DataFrame) -> pl.DataFrame:
    """A number lost its last digit."""
    return in_order(frame.with_columns(pl.col("crp").round(1)))


def fill_a_missing_cell(frame: pl.DataFrame) -> pl.DataFrame:
    """Missing became text."""
    return in_order(frame.with_columns(pl.col("sex").fill_null("f")))


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows sorted as a release's are, so that order is not what gives the change away."""
    return frame.sort(frame.columns)


EVERY_CHANGE = [
    (swap_two_cells, "column 'diagnosis': released rows are not those .* gives"),
    (shift_a_column, "column 'crp': released rows are not those .* gives"),
    (ungeneralise_a_cell, r"column 'age': cells are no labels of level 3.*\(1 time\)"),
    (drop_a_row, r"released rows are not those .* gives \(1 time\)"),
    (add_a_row, r"released rows are not those .* gives \(1 time\)"),
    (reorder, "not sorted"),
    (rename, "header|lacks a column"),
    (add_an_identifier, "header|columns that the schema does not name"),
    (change_a_type, "type"),
    (round_a_number, "column 'crp'"),
    (fill_a_missing_cell, "column 'sex'"),
]


@pytest.mark.parametrize(("change", "found"), EVERY_CHANGE, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_a_changed_release_fails(tmp_path: Path, change: Change, found: str, format_: str) -> None:
    if change is change_a_type and format_ == "csv":
        change = round_a_number
        found = "crp"
    promised = replace(promise(ward()), formats=(format_,))
    with staged(tmp_path, promised) as stage:
        stage.verify()
        stage.rewrite(change)
        with pytest.raises(VerificationFailed, match=found) as failure:
            stage.verify()
    assert failure.value.exit_code == 11


def test_a_release_for_a_lower_k_fails(tmp_path: Path) -> None:
    """Made for the k of its smallest class and promised for one more."""
    smallest = released(ward()).group_by("sex", "age", "plz").len()["len"].min()
    assert isinstance(smallest, int)
    made = released(ward(), criteria=(KAnonymity(smallest),))
    for k, holds in ((smallest, True), (smallest + 1, False)):
        promised = replace(promise(ward(), (KAnonymity(k),)), suppression_limit=1.0)
        with staged(tmp_path, promised, made) as stage:
            if holds:
                stage.verify()
                continue
            with pytest.raises(VerificationFailed):
                stage.verify()


@pytest.mark.parametrize(("k", "least"), [(9, 2), (3, 4)])
def test_the_recount_alone_sees_a_broken_criterion(k: int, least: int) -> None:
    """Were suppression itself wrong in the replay, counting the staged rows would still tell."""
    kept = replay(promise(ward()))
    stricter = promise(ward(), (KAnonymity(k), DistinctLDiversity("diagnosis", least)))
    with pytest.raises(VerificationFailed, match="an equivalence class breaks"):
        recount(released(ward()), kept, stricter)


def test_the_recount_does_not_believe_the_replay() -> None:
    """The staged rows are counted themselves: a class that lost a row there is seen."""
    frame = released(ward())
    smallest = frame.filter(pl.len().over("sex", "age", "plz") == pl.len().over("sex", "age", "plz").min())
    with pytest.raises(VerificationFailed, match="counted on the staged rows"):
        recount(
            frame.join(smallest.head(1), on=frame.columns, how="anti", nulls_equal=True),
            replay(promise(ward())),
            promise(ward()),
        )


def test_formats_that_differ_fail(tmp_path: Path) -> None:
    with staged(tmp_path, promise(ward())) as stage:
        (stage.staging.data / "ward.csv").unlink()
        tables.write(swap_two_cells(released(ward())), stage.staging.data, "ward", ["csv"])
        with pytest.raises(VerificationFailed, match="formats do not hold the same rows"):
            stage.verify()


@pytest.mark.parametrize("damage", [b"", b"\x00\xff\xfe garbage", b"sex,age\r\n1,2,3\r\n"])
@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_damaged_files_fail(tmp_path: Path, format_: str, damage: bytes) -> None:
    with staged(tmp_path, promise(ward())) as stage:
        (stage.staging.data / f"ward.{format_}").write_bytes(damage)
        with pytest.raises(VerificationFailed):
            stage.verify()


def test_missing_and_extra_data_files_fail(tmp_path: Path) -> None:
    with staged(tmp_path, promise(ward())) as stage:
        (stage.staging.data / "raw.csv").write_text("patient_id\r\nP001\r\n")
        with pytest.raises(VerificationFailed, match="not exactly the promised ones"):
            stage.verify()
        (stage.staging.data / "raw.csv").unlink()
        (stage.staging.data / "ward.csv").unlink()
        with pytest.raises(VerificationFailed, match="not exactly the promised ones"):
            stage.verify()


def test_foreign_parquet_metadata_fails(tmp_path: Path) -> None:
    with staged(tmp_path, replace(promise(ward()), formats=("parquet",))) as stage:
        path = stage.staging.data / "ward.parquet"
        pl.read_parquet(path).write_parquet(path, metadata={"pandas": "index values"})
        with pytest.raises(VerificationFailed, match="foreign metadata"):
            stage.verify()


def test_no_message_quotes_a_cell(tmp_path: Path) -> None:
    secret = "Canary-cell"
    with staged(tmp_path, promise(ward())) as stage:
        stage.rewrite(lambda frame: frame.with_columns(sex=pl.lit(secret)))
        with pytest.raises(VerificationFailed) as failure:
            stage.verify()
    assert secret not in str(failure.value)
    assert failure.value.__cause__ is None
