"""Releases that break a criterion on risks, each in another way: all end in exit code 11."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from anonymizer.criteria import (
    AverageRisk,
    Criterion,
    DeltaPresence,
    KAnonymity,
    KMAnonymity,
    KMap,
    MaxRisk,
    PopulationUniqueness,
    SampleUniqueness,
)
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import suppression
from anonymizer.tables.table import Column, Role, Table
from release.files import tables
from release.verifying.promise import Promise
from release.verifying.replay import replay
from release.verifying.verify import recount
from tests.small_release import staged

COLUMNS = (
    Column("sex", Role.QUASI_IDENTIFIER, suppression()),
    Column("ward", Role.QUASI_IDENTIFIER, suppression()),
    Column("codes", Role.SENSITIVE, sensitive=True),
)
ROWS = [
    *[("f", "a", ["X", "Y"])] * 4,
    *[("f", "b", ["X"])] * 2,
    ("f", "b", ["X", "Z"]),
    *[("m", "a", ["Y"])] * 2,
    ("m", "b", None),
]
OTHERS = [("f", "a"), ("f", "a"), ("f", "b"), ("m", "a"), ("m", "b"), ("m", "c"), ("m", "c")]
REPAIRED = KMAnonymity("codes", 2, 2, repair=True)
REMOVED = pl.DataFrame({"q0": ["f"], "q1": ["b"], "code": ["Z"]})


def ward() -> Table:
    """Ten people in four classes; seventeen of the population, two of them where nobody is in the data."""
    schema = {"sex": pl.String, "ward": pl.String, "codes": pl.List(pl.String)}
    population = [(sex, place) for sex, place, _ in ROWS] + OTHERS
    quasi = {"sex": pl.String, "ward": pl.String}
    return Table(
        pl.DataFrame(ROWS, schema=schema, orient="row"),
        COLUMNS,
        None,
        pl.DataFrame(population, schema=quasi, orient="row"),
    )


def promise(*criteria: Criterion, table: Table | None = None) -> Promise:
    """Every cell as it is, up to half of the rows suppressed."""
    levels = {"sex": 0, "ward": 0}
    removed = {"codes": REMOVED} if REPAIRED in criteria else {}
    return Promise(table or ward(), "ward", ("parquet",), levels, criteria, 0.5, removed_codes=removed)


def held(made: Promise) -> pl.DataFrame:
    """The release that keeps a promise."""
    return replay(made).frame.sort("sex", "ward", pl.col("codes").list.join(" "))


PAIRS: list[tuple[Criterion, Criterion]] = [
    (MaxRisk(Fraction(1, 2)), MaxRisk(Fraction(1, 3))),
    (KMap(2), KMap(4)),
    (KMap(2, Fraction(1, 10)), KMap(4, Fraction(9, 10))),
    (DeltaPresence(Fraction(0), Fraction(3, 4)), DeltaPresence(Fraction(0), Fraction(7, 10))),
    (DeltaPresence(Fraction(0), Fraction(3, 4)), DeltaPresence(Fraction(1, 99), Fraction(3, 4))),
    (KMAnonymity("codes", 1, 2), KMAnonymity("codes", 2, 2)),
    (AverageRisk(Fraction(2, 5)), AverageRisk(Fraction(1, 3))),
    (SampleUniqueness(Fraction(1, 10)), SampleUniqueness(Fraction(0))),
    (
        PopulationUniqueness(Fraction(1, 2), Fraction(1, 2)),
        PopulationUniqueness(Fraction(0), Fraction(1, 2)),
    ),
]


@pytest.mark.parametrize(("weaker", "stricter"), PAIRS, ids=str)
def test_a_release_made_for_less_than_is_promised_fails(
    tmp_path: Path, weaker: Criterion, stricter: Criterion
) -> None:
    made = held(promise(weaker))
    with staged(tmp_path / "kept", promise(weaker), made) as stage:
        stage.verify()
    broken = staged(tmp_path / "broken", promise(stricter), made)
    with broken as stage, pytest.raises(VerificationFailed) as failure:
        stage.verify()
    assert failure.value.exit_code == 11


@pytest.mark.parametrize(("weaker", "stricter"), PAIRS, ids=str)
def test_the_recount_alone_sees_a_broken_criterion(weaker: Criterion, stricter: Criterion) -> None:
    """Were suppression itself wrong in the replay, counting the released rows would still tell."""
    made = replay(promise(weaker))
    with pytest.raises(VerificationFailed, match="an equivalence class breaks"):
        recount(held(promise(weaker)), made, promise(stricter))


def test_a_release_with_its_rare_codes_removed_is_verified(tmp_path: Path) -> None:
    made = held(promise(REPAIRED))
    assert made.height == 9  # the one man of ward b goes
    with staged(tmp_path, promise(REPAIRED), made) as stage:
        verified = stage.verify()
    assert [criterion.reached for criterion in verified.criteria] == [2]


def put_a_code_back(frame: pl.DataFrame) -> pl.DataFrame:
    """The rare code stands where it stood."""
    lists = frame["codes"].to_list()
    place = next(i for i, row in enumerate(frame.rows()) if row[:2] == ("f", "b"))
    lists[place] = ["X", "Z"]
    return frame.with_columns(codes=pl.Series(lists)).sort("sex", "ward", pl.col("codes").list.join(" "))


def take_another_code(frame: pl.DataFrame) -> pl.DataFrame:
    """A code is missing that nobody promised to remove."""
    lists = [["X"] if codes == ["X", "Y"] else codes for codes in frame["codes"].to_list()]
    return frame.with_columns(codes=pl.Series(lists)).sort("sex", "ward", pl.col("codes").list.join(" "))


@pytest.mark.parametrize("change", [put_a_code_back, take_another_code])
def test_a_list_that_is_not_as_recorded_fails(
    tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    changed = staged(tmp_path, promise(REPAIRED), change(held(promise(REPAIRED))))
    with changed as stage, pytest.raises(VerificationFailed, match="'codes': released rows are not those"):
        stage.verify()


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"codes": REMOVED.clear()}, "an equivalence class breaks"),
        ({}, "other columns than those to be repaired"),
        ({"codes": REMOVED, "ward": REMOVED}, "other columns than those to be repaired"),
    ],
)
def test_a_record_that_does_not_repair_fails(
    tmp_path: Path, record: dict[str, pl.DataFrame], says: str
) -> None:
    promised = replace(promise(REPAIRED), removed_codes=record)
    frame = held(replace(promise(KAnonymity(2))))
    with staged(tmp_path, promised, frame) as stage, pytest.raises(VerificationFailed, match=says):
        stage.verify()


def test_a_population_that_lacks_people_of_the_data_fails(tmp_path: Path) -> None:
    whole = ward()
    assert whole.population is not None
    fewer = replace(whole, population=whole.population.slice(3))
    with staged(tmp_path, promise(KMap(1), table=fewer), held(promise(KMap(1)))) as stage:
        with pytest.raises(VerificationFailed, match="not in the population"):
            stage.verify()
        with pytest.raises(VerificationFailed, match="no population"):
            replace(stage, promise=promise(KMap(1), table=replace(whole, population=None))).verify()


def test_the_staged_lists_are_counted_themselves() -> None:
    """The recount does not believe the replay: a code that only the staged rows hold is seen."""
    made = promise(REPAIRED)
    with pytest.raises(VerificationFailed, match="counted on the staged rows"):
        recount(put_a_code_back(held(made)), replay(made), made)


def test_both_formats_are_read(tmp_path: Path) -> None:
    made = replace(promise(REPAIRED), formats=("parquet", "csv"))
    with staged(tmp_path, made, held(made)) as stage:
        stage.verify()
        (stage.staging.data / "ward.csv").unlink()
        tables.write(put_a_code_back(held(made)), stage.staging.data, "ward", ["csv"])
        with pytest.raises(VerificationFailed, match="formats do not hold the same rows"):
            stage.verify()
