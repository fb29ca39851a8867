"""What the verifier accepts, and what it finds out about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from anonymizer.criteria import DistinctLDiversity, KAnonymity
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import bands, suppression
from anonymizer.tables.coarsening import coarsen
from anonymizer.tables.table import Column, Role, Table
from release.verifying.promise import Promise
from release.verifying.replay import replay
from release.verifying.verify import VerifiedRelease, verify
from tests.small_release import promise, released, staged, ward


def test_a_true_release_is_verified(tmp_path: Path) -> None:
    with staged(tmp_path, promise(ward())) as stage:
        verified = stage.verify()
    assert verified.frame.equals(released(ward()))
    assert verified.suppressed == 2
    assert sum(verified.after.rows) == verified.frame.height == 60
    assert sum(verified.before.rows) == 62
    assert min(verified.before.people) == 1
    assert set(verified.digests) == {"data/ward.csv", "data/ward.parquet"}


def test_it_says_what_each_criterion_reached(tmp_path: Path) -> None:
    with staged(tmp_path, promise(ward())) as stage:
        k, diversity = stage.verify().criteria
    smallest = released(ward()).group_by("sex", "age", "plz").len()["len"].min()
    assert (k.name, k.parameters, k.reached, k.status) == ("k-anonymity", {"k": 3}, smallest, "recounted")
    assert (diversity.column, diversity.reached, diversity.status) == ("diagnosis", 3, "recounted")


def test_missing_stays_missing_below_the_top_and_is_a_star_at_the_top() -> None:
    column = Column("age", Role.QUASI_IDENTIFIER, bands([5], top=90))
    table = Table(pl.DataFrame({"age": ["41", None, "95"]}), (column,), None)

    def at(level: int) -> list[str | None]:
        return replay(Promise(table, "t", ("csv",), {"age": level}, (), 0.0)).frame["age"].to_list()

    assert at(0) == ["41", None, "[90, *)"]
    assert at(1) == ["[40, 44]", None, "[90, *)"]
    assert at(2) == ["*", "*", "*"]


def test_five_rows_of_one_person_are_one_person(tmp_path: Path) -> None:
    """Faults 28: the class holds five rows, and k = 5 does not hold."""
    columns = (Column("id", Role.IDENTIFIER), Column("sex", Role.QUASI_IDENTIFIER, suppression()))
    table = Table(pl.DataFrame({"id": ["A"] * 5, "sex": ["f"] * 5}), columns, "id")
    promised = Promise(table, "ward", ("csv",), {"sex": 0}, (KAnonymity(5),), 1.0)
    with staged(tmp_path, promised, table.frame.select("sex")) as stage, pytest.raises(VerificationFailed):
        stage.verify()
    with staged(tmp_path, replace(promised, criteria=(KAnonymity(1),)), table.frame.select("sex")) as stage:
        verified = stage.verify()
    assert (verified.after.people.tolist(), verified.after.rows.tolist()) == ([1], [5])
    assert verified.criteria[0].status == "attested"


def test_distinct_values_do_not_count_missing() -> None:
    columns = (
        Column("sex", Role.QUASI_IDENTIFIER, suppression()),
        Column("code", Role.SENSITIVE, sensitive=True),
    )
    frame = pl.DataFrame({"sex": ["f", "f", "m", "m"], "code": ["A", None, "A", "B"]})
    promised = Promise(
        Table(frame, columns, None), "t", ("csv",), {"sex": 0}, (DistinctLDiversity("code", 2),), 0.5
    )
    expected = replay(promised)
    assert expected.frame["sex"].to_list() == ["m", "m"]
    assert expected.suppressed == 2


@pytest.mark.parametrize(("limit", "allowed"), [(0.29, 29), (0.0, 0), (1.0, 100), (0.999, 99)])
def test_the_limit_is_exact(limit: float, allowed: int) -> None:
    table = Table(pl.DataFrame({"x": range(100)}), (Column("x", Role.INSENSITIVE),), None)
    assert Promise(table, "t", ("csv",), {}, (), limit).most_suppressed == allowed


def test_too_many_suppressed_rows_fail(tmp_path: Path) -> None:
    promised = replace(promise(ward()), suppression_limit=0.032)
    with (
        staged(tmp_path, promised) as stage,
        pytest.raises(VerificationFailed, match=r"limit allows \(2 times\)"),
    ):
        stage.verify()


def starring(codes: list[str]) -> tuple[Table, Promise]:
    """A pair of women, and one row per code that is alone in its class."""
    columns = (
        Column("sex", Role.QUASI_IDENTIFIER, suppression()),
        Column("code", Role.SENSITIVE, sensitive=True),
        Column("ward", Role.INSENSITIVE),
    )
    rows = [("f", "A", "x"), ("f", "B", "x"), *(((f"s{i}"), code, "y") for i, code in enumerate(codes))]
    table = Table(pl.DataFrame(rows, schema=["sex", "code", "ward"], orient="row"), columns, None)
    criteria = (KAnonymity(2), DistinctLDiversity("code", 2))
    return table, Promise(table, "t", ("csv",), {"sex": 0}, criteria, 1.0, "star")


def test_starred_rows_keep_their_sensitive_value_and_lose_the_insensitive_one() -> None:
    _, promised = starring(["C", "D"])
    expected = replay(promised)
    assert expected.frame.filter(sex="*").rows() == [("*", "C", None), ("*", "D", None)]
    assert expected.suppressed == 2


@pytest.mark.parametrize("codes", [["C"], ["C", "C"]], ids=["too few people", "one value"])
def test_starred_rows_that_break_a_criterion_are_dropped(codes: list[str]) -> None:
    expected = replay(starring(codes)[1])
    assert expected.frame["sex"].to_list() == ["f", "f"]
    assert expected.suppressed == len(codes)


def test_without_quasi_identifiers_everybody_is_one_class(tmp_path: Path) -> None:
    table = Table(pl.DataFrame({"ward": ["a", "b", "c"]}), (Column("ward", Role.INSENSITIVE),), None)
    promised = Promise(table, "t", ("csv", "parquet"), {}, (KAnonymity(3),), 0.0)
    with staged(tmp_path, promised, table.frame) as stage:
        assert stage.verify().criteria[0].reached == 3


def test_a_release_of_no_rows_breaks_nothing(tmp_path: Path) -> None:
    promised = replace(promise(ward(), (KAnonymity(1000),)), suppression_limit=1.0)
    with staged(tmp_path, promised) as stage:
        verified = stage.verify()
    assert verified.frame.is_empty()
    assert verified.criteria[0].reached is None


def test_a_fixed_level_coarsens_lists_and_keeps_missing() -> None:
    column = Column("ages", Role.INSENSITIVE, bands([10], top=90), release_level=1)
    cells = [["41", "48", "12"], [], None]
    frame = pl.DataFrame({"ages": cells}, schema={"ages": pl.List(pl.String)})
    expected = replay(Promise(Table(frame, (column,), None), "t", ("csv",), {}, (), 0.0))
    assert expected.frame["ages"].to_list() == [["[10, 19]", "[40, 49]"], [], None]


def test_the_diversity_of_a_clipped_column_is_attested(tmp_path: Path) -> None:
    """Clipping merges values: the release shows fewer of them than the criterion counts."""
    criteria = (KAnonymity(3), DistinctLDiversity("crp", 2))
    with staged(tmp_path, promise(ward(), criteria)) as stage:
        assert [result.status for result in stage.verify().criteria] == ["recounted", "attested"]


def test_levels_outside_their_bounds_fail(tmp_path: Path) -> None:
    table = ward()
    bounded = tuple(replace(c, min_level=3) if c.name == "plz" else c for c in table.columns)
    promised = promise(Table(table.frame, bounded, table.subject))
    with staged(tmp_path, promised) as stage, pytest.raises(VerificationFailed, match=r"'plz'.*bounds"):
        stage.verify()


def test_every_quasi_identifier_has_a_level(tmp_path: Path) -> None:
    promised = promise(ward())
    with staged(tmp_path, promised) as stage, pytest.raises(VerificationFailed, match="exactly the quasi"):
        verify(stage.staging, replace(promised, transformation={"sex": 0, "age": 3}))


def test_nobody_else_constructs_a_verified_release(tmp_path: Path) -> None:
    with staged(tmp_path, promise(ward())) as stage:
        verified = stage.verify()
        with pytest.raises(TypeError, match="only verify"):
            VerifiedRelease(
                **{name: getattr(verified, name) for name in _fields()},
                proof=object(),
            )
        with pytest.raises((TypeError, ValueError)):
            replace(verified, suppressed=0)


def _fields() -> list[str]:
    return [name for name in VerifiedRelease.__dataclass_fields__ if name != "proof"]


def test_columns_that_are_no_quasi_identifiers_are_coarsened() -> None:
    columns = (
        Column("stay", Role.SENSITIVE, sensitive=True, clip=(0, 30.5)),
        Column("age", Role.INSENSITIVE, bands([10], top=90), release_level=1),
        Column("all", Role.INSENSITIVE, suppression(), release_level=1),
    )
    cells = {"stay": [-2, 7, 45, None], "age": ["41", "99", None, "5"], "all": ["x", "y", "z", None]}
    table = Table(pl.DataFrame(cells), columns, None)
    frame = replay(Promise(table, "t", ("csv",), {}, (), 0.0)).frame
    assert frame["stay"].to_list() == [0, 7, 30, None]
    assert frame["age"].to_list() == ["[40, 49]", "[90, *)", None, "[0, 9]"]
    assert frame["all"].to_list() == ["*", "*", "*", None]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (pl.Series([-9, 7, None]), Column("x", Role.SENSITIVE, clip=(-1e300, 1e300))),
        (pl.Series([-9, 7, None]), Column("x", Role.SENSITIVE, clip=(-2.5, 1e300))),
        (pl.Series([7.0, 12.0, None]), Column("x", Role.SENSITIVE, bands([5], top=90), release_level=1)),
        (pl.Series([7.0, 0.5, None]), Column("x", Role.SENSITIVE, suppression(), release_level=0)),
        (pl.Series([True, None]), Column("x", Role.SENSITIVE, suppression(), release_level=0)),
        (pl.Series([None, None]), Column("x", Role.SENSITIVE, suppression(), release_level=0)),
        (pl.Series([datetime(1962, 5, 1)]), Column("x", Role.SENSITIVE, suppression(), release_level=0)),
    ],
)
def test_the_replay_coarsens_as_the_transformation_does(cells: pl.Series, column: Column) -> None:
    table = Table(cells.alias("x").to_frame(), (column,), None)
    replayed = replay(Promise(table, "t", ("csv",), {}, (), 0.0)).frame["x"]
    assert replayed.equals(coarsen(table.frame["x"], column), check_dtypes=True)


def test_a_quasi_identifier_without_a_hierarchy_fails(tmp_path: Path) -> None:
    column = Column("sex", Role.QUASI_IDENTIFIER)
    table = Table(pl.DataFrame({"sex": ["f"]}), (column,), None)
    promised = Promise(table, "t", ("csv",), {"sex": 0}, (), 0.0)
    with staged(tmp_path, promised, table.frame) as stage, pytest.raises(VerificationFailed, match="'sex'"):
        stage.verify()
