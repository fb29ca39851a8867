"""Each change to what a private release or its averages rest on ends in exit code 11."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import bands, suppression
from anonymizer.private.differential_privacy import DifferentialPrivacy
from anonymizer.private.sample import PrivateSample, draw
from anonymizer.tables.row_order import in_order
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.microaggregation import (
    NO_GROUP,
    Grouping,
    Microaggregation,
    microaggregate,
    positioned,
)
from release.verifying.promise import Promise
from release.verifying.redraw import check_private
from release.verifying.replay import replay
from tests.small_release import released, staged, ward

COLUMNS = (
    Column("id", Role.IDENTIFIER),
    Column("sex", Role.QUASI_IDENTIFIER, suppression(), min_level=0, max_level=0),
    Column("age", Role.QUASI_IDENTIFIER, bands([10], top=90), min_level=1, max_level=1),
)
DEMAND = DifferentialPrivacy(Fraction(1), Fraction(1, 100))


def crowd() -> Table:
    """Two hundred people in two classes, of two rows each."""
    rows = [(f"P{n // 2:03}", "fm"[n // 2 % 2], str(41 + n % 7)) for n in range(400)]
    return Table(pl.DataFrame(rows, schema=[c.name for c in COLUMNS], orient="row"), COLUMNS, "id")


def private_promise() -> Promise:
    sample = draw(crowd(), DEMAND)
    return Promise(
        table=sample.table,
        table_name="table",
        formats=("csv",),
        transformation=sample.levels,
        criteria=(KAnonymity(sample.sampling.k),),
        suppression_limit=1.0,
        private=sample,
    )


def sample_of(promise: Promise) -> PrivateSample:
    assert promise.private is not None
    return promise.private


def resampled(promise: Promise, rows: list[int]) -> Promise:
    sample = replace(sample_of(promise), rows=np.array(rows))
    return replace(promise, private=sample, table=sample.table)


def redrawn(promise: Promise) -> Promise:
    """Other rows are recorded than those the table holds."""
    rows = sample_of(promise).rows.tolist()
    return replace(promise, private=replace(sample_of(promise), rows=np.array(rows[1:])))


def with_both_rows(promise: Promise) -> Promise:
    """A person takes part with two rows."""
    return resampled(promise, sorted({0, 1, *sample_of(promise).rows.tolist()}))


def twice(promise: Promise) -> Promise:
    """A row takes part twice."""
    return resampled(promise, [0, 0, *sample_of(promise).rows.tolist()])


def with_k(promise: Promise, k: int) -> Promise:
    sampling = replace(sample_of(promise).sampling, k=k)
    return replace(promise, private=replace(sample_of(promise), sampling=sampling), criteria=(KAnonymity(k),))


def lowered(promise: Promise) -> Promise:
    """k is one less than it must be."""
    return with_k(promise, sample_of(promise).sampling.k - 1)


def oversampled(promise: Promise) -> Promise:
    """More people are drawn than epsilon allows."""
    sampling = replace(sample_of(promise).sampling, drawn=2**64 * 2 // 3)
    return replace(promise, private=replace(sample_of(promise), sampling=sampling))


def other_levels(promise: Promise) -> Promise:
    return replace(promise, transformation={**promise.transformation, "age": 2})


def chosen_for_nothing(promise: Promise) -> Promise:
    """The levels were free and no budget was spent on choosing them."""
    free = tuple(replace(column, max_level=None) for column in COLUMNS)
    sample = replace(sample_of(promise), input=replace(crowd(), columns=free))
    return replace(promise, private=sample, table=sample.table)


def other_criterion(promise: Promise) -> Promise:
    more: tuple[Criterion, ...] = (*promise.criteria, DistinctLDiversity("age", 2))
    return replace(promise, criteria=more)


def starred(promise: Promise) -> Promise:
    return replace(promise, suppressed="star")


def uncovered(promise: Promise) -> Promise:
    """A column is released that is no quasi-identifier."""
    columns = (Column("id", Role.INSENSITIVE), *COLUMNS[1:])
    sample = replace(sample_of(promise), input=replace(crowd(), columns=columns))
    return replace(promise, private=sample, table=sample.table)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (redrawn, "not the recorded rows"),
        (with_both_rows, "several rows of a person"),
        (twice, "not the recorded rows"),
        (lowered, "k is too small"),
        (oversampled, "k is too small"),
        (other_levels, "not those that were chosen"),
        (chosen_for_nothing, "nothing was paid"),
        (other_criterion, "another criterion"),
        (starred, "another criterion"),
        (uncovered, "no quasi-identifier"),
    ],
)
def test_a_private_promise_that_is_changed_fails(change: Callable[[Promise], Promise], found: str) -> None:
    promise = private_promise()
    check_private(promise)
    with pytest.raises(VerificationFailed, match=found):
        check_private(change(promise))


def test_the_verifier_asks_for_the_sample(tmp_path: Path) -> None:
    """A release that leaves out one of the rows drawn, and one with a person more."""
    promise = private_promise()
    rows = in_order(replay(promise).frame)
    with staged(tmp_path, promise, rows, "true") as stage:
        assert stage.verify().row_is_person
    for name, changed in (("less", rows.slice(1)), ("more", in_order(pl.concat([rows, rows.head(1)])))):
        with staged(tmp_path, promise, changed, name) as stage, pytest.raises(VerificationFailed):
            stage.verify()


AVERAGED = Microaggregation(("crp",), 3)


def averaged_promise() -> tuple[Promise, pl.DataFrame]:
    """The ward's release with its laboratory values as means, and what the release holds."""
    table = ward()
    levels, criteria = {"sex": 0, "age": 3, "plz": 2}, (KAnonymity(3),)
    frame, groupings = microaggregate(table, kept(table, positioned(table)), [AVERAGED])
    promise = Promise(table, "ward", ("parquet", "csv"), levels, criteria, 0.1, groupings=groupings)
    return promise, frame


def kept(table: Table, marked: Table) -> pl.DataFrame:
    """The ward's release by plain loops, with the rows' positions: the order of released rows is the same."""
    rows = Promise(table, "ward", ("csv",), {"sex": 0, "age": 3, "plz": 2}, (KAnonymity(3),), 0.1)
    mark = marked.columns[-1].name
    all_rows = replay(replace(rows, table=replace(marked, frame=marked.frame)))
    frame = all_rows.frame.select(*(c.name for c in table.released), mark)
    assert in_order(frame.drop(mark)).equals(in_order(released(table, criteria=(KAnonymity(3),))))
    return in_order(frame)


def regrouped(promise: Promise, change: Callable[[np.ndarray], None], k: int = 3) -> Promise:  # type: ignore[type-arg]
    group = promise.groupings[0].group_of_row.copy()
    change(group)
    return replace(promise, groupings=(Grouping(replace(AVERAGED, k=k), group),))


def test_a_true_average_is_verified(tmp_path: Path) -> None:
    promise, frame = averaged_promise()
    with staged(tmp_path, promise, frame) as stage:
        verified = stage.verify()
    counts = verified.frame["crp"].drop_nulls().value_counts()["count"]
    assert counts.min() >= 3  # type: ignore[operator]
    assert verified.frame["crp"].null_count() == released(ward())["crp"].null_count()


def unaveraged(frame: pl.DataFrame) -> pl.DataFrame:
    """One number is somebody's own again."""
    own = released(ward())["crp"].drop_nulls()[0]
    cells = [own, *frame["crp"].to_list()[1:]]
    return in_order(frame.with_columns(crp=pl.Series(cells)))


def swapped(frame: pl.DataFrame) -> pl.DataFrame:
    """Two numbers change places: every mean is there as often as before."""
    cells, others = frame["crp"].to_list(), frame.drop("crp").rows()
    at = next(i for i, x in enumerate(cells) if x is not None)
    other = next(i for i, x in enumerate(cells) if x not in (None, cells[at]) and others[i] != others[at])
    cells[at], cells[other] = cells[other], cells[at]
    return in_order(frame.with_columns(crp=pl.Series(cells)))


def filled(frame: pl.DataFrame) -> pl.DataFrame:
    """What was missing becomes a mean."""
    return in_order(frame.with_columns(pl.col("crp").fill_null(strategy="max")))


@pytest.mark.parametrize("change", [unaveraged, swapped, filled])
def test_a_changed_average_fails(tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    promise, frame = averaged_promise()
    with (
        staged(tmp_path, promise, change(frame)) as stage,
        pytest.raises(VerificationFailed, match=r"'crp'|not those"),
    ):
        stage.verify()


def one_moved(group: np.ndarray) -> None:  # type: ignore[type-arg]
    """A row goes to another group, whose mean then is another one."""
    first = int(np.flatnonzero(group >= 0)[0])
    group[first] = group.max() if group[first] != group.max() else 0


def one_alone(group: np.ndarray) -> None:  # type: ignore[type-arg]
    group[int(np.flatnonzero(group >= 0)[0])] = group.max() + 1


def a_suppressed_one(group: np.ndarray) -> None:  # type: ignore[type-arg]
    """A row that is not released takes part in a mean: the mean would tell about it."""
    plz = ward().frame["plz"].to_list()
    group[plz.index("99999")] = 0


def all_left_out(group: np.ndarray) -> None:  # type: ignore[type-arg]
    """Numbers are withheld of people who are many enough for a group."""
    group[:] = NO_GROUP


def with_the_missing(group: np.ndarray) -> None:  # type: ignore[type-arg]
    """Somebody without a number is in a group and makes it look larger."""
    crp = ward().frame["crp"].to_list()
    group[crp.index(None)] = 0


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (one_alone, "fewer than k"),
        (a_suppressed_one, "not released"),
        (all_left_out, "withheld"),
        (with_the_missing, "lack different numbers"),
    ],
)
def test_changed_groups_fail(tmp_path: Path, change: Callable[[np.ndarray], None], found: str) -> None:  # type: ignore[type-arg]
    promise, frame = averaged_promise()
    with (
        staged(tmp_path, regrouped(promise, change), frame) as stage,
        pytest.raises(VerificationFailed, match=found),
    ):
        stage.verify()


def test_groups_that_were_not_those_of_the_release_fail(tmp_path: Path) -> None:
    promise, frame = averaged_promise()
    with (
        staged(tmp_path, regrouped(promise, one_moved, k=2), frame) as stage,
        pytest.raises(VerificationFailed, match="'crp'"),
    ):
        stage.verify()


def test_a_higher_k_than_the_groups_have_fails(tmp_path: Path) -> None:
    promise, frame = averaged_promise()
    sizes = np.bincount(promise.groupings[0].group_of_row[promise.groupings[0].group_of_row >= 0])
    with (
        staged(tmp_path, regrouped(promise, lambda _: None, k=int(sizes.min()) + 1), frame) as stage,
        pytest.raises(VerificationFailed, match="fewer than k"),
    ):
        stage.verify()
