"""Kept columns that give a quasi-identifier away, and columns that only look as if they did."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anonymizer.errors import BadConfig
from anonymizer.hierarchies.hierarchy import bands, prefix, suppression
from anonymizer.tables.reading import read_table
from anonymizer.tables.table import Column, Role, Table
from release.intake.columns import resolve
from release.intake.dependencies import Dependency, dependencies, refuse_dependencies
from tests.configs import TABLE, loaded
from tests.conftest import SHARED, needs_shared

QUASI = Column("town", Role.QUASI_IDENTIFIER, suppression())
TOWNS = tuple(random.Random(1).choices(["Aach", "Bonn", "Cham", "Dorn"], k=400))


def found(
    kept: Sequence[object], *, town: Sequence[str | None] = TOWNS, column: Column | None = None
) -> list[str | None]:
    column = column or Column("kept", Role.INSENSITIVE)
    frame = pl.DataFrame({"town": town, "kept": kept})
    return [each.quasi_identifier for each in dependencies(Table(frame, (QUASI, column), None))]


def drawn(seed: int, values: Sequence[Any], n: int = 400) -> list[Any]:
    return random.Random(seed).choices(values, k=n)


def test_another_name_for_the_same_thing_is_found() -> None:
    assert found([f"DE-{town}" for town in TOWNS]) == ["town"]


def test_a_finer_column_that_contains_the_quasi_identifier_is_found() -> None:
    streets = [f"{town} {street}" for town, street in zip(TOWNS, drawn(2, range(9)), strict=True)]

    assert found(streets) == ["town"]


def test_single_errors_do_not_hide_a_dependency() -> None:
    kept = [f"DE-{town}" for town in TOWNS]
    kept[7] = "DE-Aach" if kept[7] != "DE-Aach" else "DE-Bonn"

    assert found(kept) == ["town"]


def test_a_value_that_is_missing_counts_as_a_value() -> None:
    kept = [None if town == "Aach" else town for town in TOWNS]
    missing = [None if town == "Aach" else town for town in TOWNS]

    assert found(kept) == ["town"]
    assert found([str(town) for town in missing], town=missing) == ["town"]


def test_what_is_only_associated_passes() -> None:
    often = [
        town if keep else other
        for town, keep, other in zip(TOWNS, drawn(3, [True] * 9 + [False]), drawn(4, TOWNS), strict=True)
    ]

    assert found(often) == []


def test_what_is_coarser_passes() -> None:
    assert found(["south" if town in ("Aach", "Cham") else "north" for town in TOWNS]) == []


def test_what_is_independent_passes_however_many_values_it_has() -> None:
    for values in (2, 20, 200, 300):
        assert found(drawn(values, range(values))) == []


def test_agreement_by_chance_passes() -> None:
    # a few shared values that happen to agree prove nothing
    kept = ["x", "x", "y", "y", "z", "z"]

    assert found(kept, town=["Aach", "Aach", "Bonn", "Bonn", "Bonn", "Bonn"]) == []


def test_a_quasi_identifier_with_one_value_cannot_be_given_away() -> None:
    assert found(drawn(5, range(20)), town=["Aach"] * 400) == []


def test_a_nearly_unique_column_names_the_person() -> None:
    assert found([f"case {number}" for number in range(400)]) == [None]
    assert found([number // 2 if number < 40 else number for number in range(400)]) == [None]


def test_measurements_are_unique_by_their_precision_only() -> None:
    assert found([random.Random(6).random() * number for number in range(400)]) == []


def test_a_number_in_another_unit_is_found_one_to_one() -> None:
    grams = random.Random(7).sample(range(500, 5000), 400)
    ounces = [weight * -0.035274 for weight in grams]

    assert found(ounces, town=[str(weight) for weight in grams]) == ["town"]
    assert found(ounces[::-1], town=[str(weight) for weight in grams]) == []


def test_a_column_is_judged_as_it_is_released() -> None:
    codes = [f"{number:05}" for number in range(400)]
    coarse = Column("kept", Role.SENSITIVE, prefix((2, 1)), release_level=2, sensitive=True)
    clipped = Column("kept", Role.INSENSITIVE, clip=(0, 3))

    assert found(codes, column=coarse) == []
    assert found(list(range(400)), column=clipped) == []


def test_identifiers_are_dropped_and_give_nothing_away() -> None:
    assert found(list(TOWNS), column=Column("kept", Role.IDENTIFIER)) == []


def test_a_persons_many_rows_are_one_piece_of_evidence() -> None:
    # six people with a hundred rows each are six people
    people = [f"p{number % 6}" for number in range(600)]
    frame = pl.DataFrame(
        {
            "id": people,
            "town": ["Aach" if person in ("p0", "p1", "p2") else "Bonn" for person in people],
            "kept": ["x" if person in ("p0", "p1", "p2") else "y" for person in people],
        }
    )
    columns = (Column("id", Role.IDENTIFIER), QUASI, Column("kept", Role.INSENSITIVE))

    assert list(dependencies(Table(frame, columns, "id"))) == []
    assert list(dependencies(Table(frame, columns, None))) == [Dependency("kept", "town")]


def test_a_dependency_is_refused_with_its_line_unless_accepted(tmp_path: Path) -> None:
    ages = [str(age) for age in drawn(8, range(20, 80))]
    frame = pl.DataFrame(
        {"id": [str(n) for n in range(400)], "age": ages, "sex": drawn(9, "mf")}
    ).with_columns(
        diagnosis=pl.Series(drawn(10, "abcde")),
        lab_a=pl.col("age") + "CANARY",
        lab_b=pl.Series(drawn(11, "xyz")),
    )
    config = loaded(tmp_path, TABLE)
    accepting = loaded(
        tmp_path, TABLE.replace("{role: insensitive}", "{role: insensitive, accept_dependency: true}")
    )
    table = Table(frame, resolve(config, frame.columns), "id")

    with pytest.raises(BadConfig) as caught:
        refuse_dependencies(config, table)
    refuse_dependencies(accepting, table)

    assert [(each.path, each.line) for each in caught.value.problems] == [("columns.lab_*", 10)]
    assert "lab_a determines the quasi-identifier 'age'" in str(caught.value)
    assert "CANARY" not in str(caught.value)


@needs_shared
def test_adult_has_no_dependency_until_its_ages_are_kept_twice() -> None:
    frame = read_table(SHARED / "data" / "adult" / "adult.csv", delimiter=";")
    kept = ("occupation", "salary-class")
    columns = tuple(
        Column(
            name,
            Role.SENSITIVE if name in kept else Role.QUASI_IDENTIFIER,
            None if name in kept else suppression(),
        )
        for name in frame.columns
    )
    twice = frame.with_columns((pl.col("age").cast(pl.Int64) * 12).alias("age_months"))
    age = tuple(
        Column("age", Role.QUASI_IDENTIFIER, bands((5,), top=90)) if each.name == "age" else each
        for each in columns
    )

    start = time.process_time()
    assert list(dependencies(Table(frame, columns, None))) == []
    assert time.process_time() - start < 2
    assert list(dependencies(Table(twice, (*age, Column("age_months", Role.INSENSITIVE)), None))) == [
        Dependency("age_months", "age")
    ]
