"""Patients with events: what follows what, after how long and how often is as it was, and nobody's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from synth.longitudinal.histories import Events, Histories
from synth.longitudinal.linked import fit
from synth.longitudinal.timeline import restored, told
from synth.variables import Training, Type, Variable
from tests.history_scenes import CHAINS, CODES, GAPS, MORE, PEOPLE, Redrawn, drawn, known, tables

STAYS = pl.DataFrame(
    {
        "ward": ["b", "a", "c", "a", "d"],
        "admitted": [date(2024, 3, 1), date(2024, 1, 1), None, date(2024, 1, 1), date(2024, 1, 8)],
        "left": [date(2024, 3, 4), date(2024, 1, 2), date(2024, 5, 5), None, date(2024, 1, 8)],
    }
)
WARD = Variable("ward", "string")


def stays(frame: pl.DataFrame = STAYS, type_: Type = "date", k: int = 1) -> Events:
    variables = (WARD, Variable("admitted", type_), Variable("left", type_))
    return Events(Training(frame, variables, np.array([7, 7, 7, 3, 7]), k), "admitted", ("left",))


def people(n: int, k: int = 5) -> Training:
    frame = pl.DataFrame({"gender": ["female", "male"] * (n // 2)})
    return Training(frame, (Variable("gender", "string"),), np.arange(n), k)


# In order, and back


def test_events_are_put_in_order_and_times_become_what_lies_between_them() -> None:
    line = told(stays())
    assert line.events.people.tolist() == [3, 7, 7, 7, 7]
    assert line.position.tolist() == [0, 0, 1, 2, 3]
    assert line.events.frame.rows() == [
        (None, "a", None),  # a first event, whose end is not known
        (None, "a", 1),
        (7, "d", 0),
        (53, "b", 3),
        (None, "c", None),  # no time: the last one, and its end says nothing either
    ]
    assert line.start is not None
    first = (date(2024, 1, 1) - date(1970, 1, 1)).days
    assert line.start.frame["admitted"].to_list() == [first, first]
    assert line.events.frame.columns == ["admitted", "ward", "left"]
    assert {each.type for each in line.events.variables} == {"string", "integer"}


def test_nothing_is_later_than_what_k_people_reach() -> None:
    late, early = ((day - date(1970, 1, 1)).days for day in (date(2024, 3, 1), date(2024, 1, 1)))
    assert [told(stays(k=k)).latest for k in (1, 2, 3)] == [late, early, None]


@pytest.mark.parametrize(
    ("type_", "cast"),
    [
        ("date", pl.col("admitted", "left")),
        ("date", pl.col("admitted", "left").cast(pl.String)),
        ("datetime", pl.col("admitted", "left").cast(pl.Datetime("us")) + pl.duration(hours=5, seconds=7)),
        ("integer", pl.col("admitted", "left").cast(pl.Int32).cast(pl.Int64)),
        ("number", pl.col("admitted", "left").cast(pl.Int32) + 0.25),
    ],
)
def test_times_of_every_type_come_back(type_: Type, cast: pl.Expr) -> None:
    table = stays(STAYS.with_columns(cast), type_)
    line = told(table)
    assert line.start is not None
    frame = line.events.frame.with_columns(pl.Series("person", line.events.people))
    again = restored(table, frame, line.start.frame.to_series(), line.latest)
    expected = table.training.frame.with_columns(pl.Series("person", table.training.people))
    if expected["left"].dtype == pl.String:
        expected = expected.with_columns(pl.col("admitted", "left").str.to_date())
    untimed = pl.when(pl.col("admitted").is_not_null()).then(pl.col("left"))
    expected = expected.select("person", "ward", "admitted", untimed)
    order = ["person", "admitted", "ward"]
    assert again.sort(order).equals(expected.sort(order))


def test_a_table_without_times_keeps_its_columns() -> None:
    table = Events(Training(STAYS.select("ward"), (WARD,), np.array([7, 7, 7, 3, 7])))
    line = told(table)
    assert line.events.frame["ward"].to_list() == ["a", "a", "b", "c", "d"]
    assert line.start is line.latest is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Events(known().events["drugs"].training, "day"),
        lambda: Events(known().events["visits"].training, "icd"),
        lambda: Events(known().events["visits"].training, "day", ("day",)),
        lambda: Events(known().events["visits"].training, None, ("day",)),
        lambda: Histories(known().patients, {}),
        lambda: Histories(known().patients, {"patients": known().events["drugs"]}),
        lambda: Histories(people(4), known().events),
        lambda: Histories(replace(people(4), people=np.array([0, 1, 1, 2])), {}),
    ],
)
def test_histories_that_contradict_themselves_are_refused(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(ValueError, match=r"time|table|event|one row"):
        wrong()


# What is drawn


def successive(found: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Visits with the one after: the code and the day of both."""
    ordered = found["visits"].join(found["patients"], on="person").sort("person", "day", maintain_order=True)
    after = [pl.col(name).shift(-1).over("person").alias(f"next_{name}") for name in ("icd", "day")]
    return ordered.with_columns(after).drop_nulls("next_day")


def test_what_follows_what_is_learned_for_either_gender() -> None:
    """Visits of one day have no order, so that only later ones are compared with the chain."""
    found = drawn(6 * PEOPLE)
    pairs = successive(found).filter(pl.col("next_day") > pl.col("day"))
    for gender, chain in CHAINS.items():
        own = pairs.filter(pl.col("gender") == gender)
        after = [own.filter(pl.col("icd") == code)["next_icd"] for code in CODES]
        off = np.abs(np.array([[(each == code).mean() for code in CODES] for each in after]) - chain)
        assert off.mean() < 0.06, gender
        assert off.max() < 0.2, gender


def test_times_between_events_are_kept() -> None:
    gaps = successive(drawn()).select(gap=pl.col("next_day") - pl.col("day"))["gap"]
    assert gaps.is_in(list(GAPS)).mean() > 0.98  # the others end at the last day that k people reach
    for gap, often in GAPS.items():
        assert (gaps == gap).mean() == pytest.approx(often, abs=0.05)


def test_how_many_events_there_are_depends_on_the_patient_and_may_be_none() -> None:
    counts = drawn()["visits"].group_by("person").len()
    of_all = (
        drawn()["patients"].join(counts, on="person", how="left").with_columns(pl.col("len").fill_null(0))
    )
    for gender, mean in MORE.items():
        own = of_all.filter(pl.col("gender") == gender)["len"]
        assert own.mean() == pytest.approx(mean, abs=0.3)
        assert (own == 0).mean() == pytest.approx(np.exp(-mean), abs=0.05)


def test_a_table_depends_on_the_tables_before_it() -> None:
    found = drawn()
    diabetic = found["visits"].filter(pl.col("icd") == "E11")["person"]
    has = found["drugs"]["person"].is_in(diabetic.implode())
    assert (found["drugs"].filter(has)["atc"] == "A10").mean() > 0.95
    assert (found["drugs"].filter(~has)["atc"] == "C09").mean() > 0.95


def test_tables_are_linked_by_new_keys_and_their_order_tells_nothing() -> None:
    found = drawn()
    keys = found["patients"]["person"]
    assert keys.n_unique() == len(keys) == PEOPLE
    assert keys.str.contains("^[0-9a-f]{16}$").all()
    for frame in found.values():
        assert frame["person"].is_in(keys.implode()).all()
        assert frame.equals(frame.sort(pl.all()))
    assert found["visits"].schema == {"person": pl.String, "icd": pl.String, "day": pl.Int64}


def test_an_end_is_never_before_its_beginning() -> None:
    rng = np.random.default_rng(2)
    first = (date(2024, 1, 1) - date(1970, 1, 1)).days + rng.integers(0, 300, 400)
    days = pl.DataFrame({"begin": first, "end": first + rng.integers(0, 20, 400)})
    frame = days.select(pl.all().cast(pl.Int32).cast(pl.Date))
    variables = (Variable("begin", "date"), Variable("end", "date"))
    stays_ = Events(Training(frame, variables, np.repeat(np.arange(200), 2)), "begin", ("end",))
    histories = Histories(people(200), {"stays": stays_})
    found = fit(histories, Redrawn(histories.patients.frame), rng).sample(300, rng)["stays"]
    assert found.schema == {"person": pl.String, "begin": pl.Date, "end": pl.Date}
    assert (found["end"] >= found["begin"]).all()
    assert (found["end"] - found["begin"]).dt.total_days().mean() == pytest.approx(9.5, abs=1.5)
    assert found["begin"].max() <= frame["begin"].max()


def test_a_table_of_too_few_people_stays_empty() -> None:
    moments = pl.Series([datetime(2024, 1, 1, 8)] * 4)
    frame = pl.DataFrame({"ward": ["a"] * 4, "at": moments})
    rare = Events(Training(frame, (WARD, Variable("at", "datetime")), np.arange(4)), "at")
    histories = Histories(people(100), {"rare": rare})
    rng = np.random.default_rng(3)
    found = fit(histories, Redrawn(histories.patients.frame), rng).sample(50, rng)
    assert found["rare"].schema == {"person": pl.String, "ward": pl.String, "at": pl.Datetime("us")}
    assert (found["rare"].height, found["patients"].height) == (0, 50)


def test_nobody_has_more_events_than_k_people_have() -> None:
    busy = np.concatenate([np.repeat(np.arange(100), 2), np.full(60, 7)])
    table = Events(Training(pl.DataFrame({"ward": ["a"] * len(busy)}), (WARD,), busy))
    histories = Histories(people(100), {"stays": table})
    rng = np.random.default_rng(3)
    found = fit(histories, Redrawn(histories.patients.frame), rng).sample(100, rng)["stays"]
    assert found.group_by("person").len()["len"].max() == 2


def test_what_is_learned_from_can_be_compared_with_what_is_drawn() -> None:
    assert {name: frame.height for name, frame in tables(known()).items()} == pytest.approx(
        {name: frame.height for name, frame in drawn().items()}, rel=0.1
    )
