"""How drawn histories differ from the original's, measured: each figure sees its own kind of change."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from risk.figures import Figure
from risk.reports.words import speak
from risk.utility.longitudinal import MOST_EVENTS, longitudinal
from tests.history_scenes import drawn, known, tables

TIMES = {"visits": "day"}
Tables = Mapping[str, pl.DataFrame]


def original() -> dict[str, pl.DataFrame]:
    return tables(known())


def figures(released: Tables, before: Tables | None = None, **told: object) -> dict[str, Figure]:
    rng = np.random.default_rng(1)
    times = TIMES if "times" not in told else {}
    return longitudinal(before or original(), released, rng, times=times)


def value(found: Mapping[str, Figure], name: str) -> float:
    told = found[f"longitudinal.{name}"].value
    assert told is not None
    return told


def test_the_same_tables_are_no_distance_apart_and_dealt_events_are() -> None:
    found = figures(original())
    for name in ("visits.counts", "visits.times", "visits.transitions", "drugs.counts"):
        same, floor = found[f"longitudinal.{name}"], found[f"longitudinal.{name}.floor"]
        assert same.value == same.low == 0.0
        assert floor.value is not None
        assert same.high is not None
        assert floor.value > 1.3 * same.high > 0.0
    assert value(found, "visits.transitions.coverage") == 1.0


def test_what_the_synthesiser_draws_is_near_and_better_than_its_floor() -> None:
    found = figures(drawn())
    for name in ("visits.counts", "visits.times", "visits.transitions"):
        assert value(found, name) < 0.06
        assert value(found, name) < 0.6 * value(found, f"{name}.floor")


def test_half_of_the_events_missing_is_seen_by_the_counts() -> None:
    fewer = {**original(), "visits": original()["visits"][::2]}
    found = figures(fewer)
    assert value(found, "visits.counts") > 0.3


def test_longer_gaps_are_seen_by_the_times_alone() -> None:
    longer = {**original(), "visits": original()["visits"].with_columns(pl.col("day") * 2)}
    found = figures(longer)
    assert value(found, "visits.times") > 0.4
    assert value(found, "visits.counts") == value(found, "visits.transitions") == 0.0


def test_shuffled_codes_are_seen_by_the_transitions_alone() -> None:
    visits = original()["visits"]
    mixed = visits.with_columns(visits["icd"].shuffle(seed=4))
    found = figures({**original(), "visits": mixed})
    assert value(found, "visits.transitions") > 0.15
    assert value(found, "visits.counts") == value(found, "visits.times") == 0.0


def small(codes: str, days: list[int | str | None], people: str) -> dict[str, pl.DataFrame]:
    columns = {"person": list(people), "code": list(codes), "day": days}
    type_ = pl.String if any(isinstance(day, str) for day in days) else pl.Int64
    events = pl.DataFrame(columns, {"person": pl.String, "code": pl.String, "day": type_})
    return {"patients": pl.DataFrame({"person": list("xyz")}), "visits": events}


def test_the_figures_of_a_small_table() -> None:
    before = small("aabc", [1, 3, 9, 4], "xxxy")
    after = small("abba", [1, 3, 4, 5], "xxyy")
    found = figures(after, before)
    assert value(found, "visits.counts") == pytest.approx(2 / 3)  # of 3, 1, 0 events; of 2, 2, 0
    assert value(found, "visits.times") == 0.5  # 2 and 6 days; 2 and 1 days
    assert value(found, "visits.transitions") == 0.5  # aa, ab; ab, ba
    assert value(found, "visits.transitions.coverage") == 0.5
    assert found["longitudinal.visits.counts"].n == 3


def test_days_are_told_in_any_form() -> None:
    numbers = small("aab", [0, 2, 6], "xxx")
    texts = small("aab", ["2024-01-01", "2024-01-03", "2024-01-07"], "xxx")
    days = {**texts, "visits": texts["visits"].with_columns(pl.col("day").str.to_date())}
    for before, after in ((numbers, texts), (texts, days), (days, numbers)):
        assert value(figures(after, before), "visits.times") == 0.0


def test_other_names_of_the_key_and_no_times() -> None:
    renamed = {name: frame.rename({"person": "patient_id"}) for name, frame in original().items()}
    found = longitudinal(renamed, original(), np.random.default_rng(1), people=("patient_id", "person"))
    assert "longitudinal.visits.times" not in found
    assert "in the order of the alphabet" in found["longitudinal.visits.transitions"].method
    assert value(found, "visits.transitions") == 0.0


def test_what_cannot_be_measured_says_so() -> None:
    found = figures(small("ab", [1, None], "xy"), small("ab", [1, 3], "xy"))
    for name in ("times", "transitions"):
        figure = found[f"longitudinal.visits.{name}"]
        assert figure.value is figure.low is figure.high is None
        assert figure.method.startswith("not estimated")
    nothing = small("", [], "")
    assert figures(nothing, nothing)["longitudinal.visits.counts"].value == 0.0


def test_very_many_events_are_one_number() -> None:
    often, more = (small("a" * n, list(range(n)), "x" * n) for n in (MOST_EVENTS, 3 * MOST_EVENTS))
    assert value(figures(often, more), "visits.counts") == 0.0


@pytest.mark.parametrize("times", [True, False])
def test_every_method_has_german_words(times: bool) -> None:
    words = speak("de")
    found = [*figures(drawn(), **({} if times else {"times": None})).values()]
    found += figures(small("ab", [1, None], "xy"), small("ab", [1, 3], "xy")).values()
    for figure in found:
        assert [part for part, is_known in words._put(figure.method) if not is_known] == []
