"""The verifier of synthetic tables: whatever is changed in the staged bytes, or drawn wrongly, ends in 11."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anonymizer.errors import VerificationFailed
from anonymizer.tables.row_order import in_order
from anonymizer.tables.table import Column, Role
from release.files.lock import hold_lock
from release.files.staging import Staging
from release.files.tables import write
from release.verifying.synthetic import (
    SyntheticPromise,
    VerifiedSynthetic,
    check_synthetic,
    verify_synthetic,
)
from synth.recipe import Between, Declared, Never, Order, Recipe
from synth.variables import Training, Variable

NAMES = ("sex", "code", "lab", "day", "codes")
TYPES = ("string", "string", "number", "date", "list")
RARE = "Z99"


def learned(count: int = 40) -> Training:
    """People of whom one has a rare code in two columns, and one the largest number and the last day."""
    rng = np.random.default_rng(3)
    days = [date(2024, 1, 1 + n % 20) for n in range(count - 1)]
    frame = pl.DataFrame(
        {
            "sex": rng.choice(["f", "m"], count),
            "code": [RARE, *rng.choice(["I10", "E11"], count - 1)],
            "lab": [*map(float, range(count - 1)), 900.0],
            "day": [*days, date(2025, 1, 1)],
            "codes": [["I10", RARE]] + [["I10"]] * (count - 1),
        }
    )
    variables = tuple(Variable(name, type_) for name, type_ in zip(NAMES, TYPES, strict=True))  # type: ignore[arg-type]
    return Training(frame, variables, np.arange(count), 5)


def drawn() -> pl.DataFrame:
    rows = {
        "sex": ["f", "f", "m"],
        "code": ["E11", "I10", None],
        "lab": [5.5, 20.0, 30.25],
        "day": [date(2024, 1, 3), date(2024, 1, 9), None],
        "codes": [["I10"], [], None],
    }
    return in_order(pl.DataFrame(rows, schema_overrides={"codes": pl.List(pl.String)}))


def promised(frame: pl.DataFrame | None = None, **recipe: object) -> SyntheticPromise:
    return SyntheticPromise(
        name="synthetic_table",
        formats=("parquet", "csv"),
        rows=3,
        recipe=Recipe("cart", **recipe),  # type: ignore[arg-type]
        training=learned(),
        columns=tuple(Column(name, Role.SENSITIVE) for name in NAMES),
        fit_on="original",
        frame=drawn() if frame is None else frame,
    )


def check(frame: pl.DataFrame, promise: SyntheticPromise) -> None:
    check_synthetic({promise.name: frame}, promise)


def put(name: str, value: object, row: int = 1) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """One cell replaced, and the rows sorted again."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        cells = frame[name].to_list()
        cells[row] = value
        return in_order(frame.with_columns(pl.Series(name, cells, frame.schema[name])))

    return change


def test_what_was_drawn_is_verified() -> None:
    check(drawn(), promised())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("code", RARE), "'code'.*fewer than 5 people"),
        (put("codes", ["I10", RARE]), "'codes'.*fewer than 5 people"),
        (put("lab", 900.0), "'lab'.*beyond"),
        (put("lab", 0.5), "'lab'.*beyond"),
        (put("lab", -3.0), "'lab'.*beyond"),
        (put("day", date(2024, 12, 1)), "'day'.*beyond"),
        (lambda frame: frame.head(2), "number of rows"),
        (lambda frame: frame.reverse(), "not sorted"),
        (lambda frame: frame.drop("lab"), "columns"),
    ],
)
def test_a_table_that_tells_of_few_people_is_none(
    change: Callable[[pl.DataFrame], pl.DataFrame], says: str
) -> None:
    with pytest.raises(VerificationFailed, match=says) as caught:
        check(change(drawn()), promised())
    assert RARE not in str(caught.value)


@pytest.mark.parametrize(
    "recipe",
    [
        {"given": {"sex": "f"}},
        {"given": {"lab": Between(6, None)}},
        {"constraints": (Never({"sex": "f"}, {"code": "E*"}),)},
        {"constraints": (Order(("day", "day2")),)},
    ],
)
def test_a_condition_or_constraint_that_a_row_breaks_is_found(recipe: dict[str, object]) -> None:
    promise, frame = promised(**recipe), drawn()
    if "constraints" in recipe and isinstance(recipe["constraints"][0], Order):  # type: ignore[index]
        frame = frame.with_columns(day2=pl.lit(date(2024, 1, 5)))
        training = promise.training
        again = training.frame.with_columns(day2=pl.col("day"))
        variables = (*training.variables, Variable("day2", "date"))
        promise = replace(promise, training=replace(training, frame=again, variables=variables))
    with pytest.raises(VerificationFailed, match="asked"):
        check(frame, promise)


def test_a_private_table_holds_only_what_is_declared() -> None:
    domain = {
        "sex": Declared(values=("f", "m")),
        "code": Declared(values=("I10", "E11")),
        "lab": Declared(span=Between(0, 40)),
        "day": Declared(span=Between(date(2024, 1, 1), date(2024, 2, 1))),
        "codes": Declared(values=("I10",)),
    }
    promise = replace(promised(), recipe=Recipe("dp-marginals", domain=domain))
    check(put("lab", 39.0)(drawn()), promise)  # that a person is alone with it is no matter
    for change in (put("code", RARE), put("lab", 41.0), put("day", date(2024, 2, 2)), put("codes", [RARE])):
        with pytest.raises(VerificationFailed, match="declared"):
            check(change(drawn()), promise)


@pytest.mark.parametrize("name", ["synthetic_table.parquet", "synthetic_table.csv"])
def test_staged_bytes_that_are_others_are_found(tmp_path: Path, name: str) -> None:
    with hold_lock(tmp_path) as lock, Staging(lock, "release") as staging:
        promise = promised()
        write(promise.frame, staging.data, promise.name, promise.formats)
        assert isinstance(verify_synthetic(staging, promise), VerifiedSynthetic)

        (staging.data / name).unlink()
        write(put("lab", 21.0)(drawn()), staging.data, promise.name, [name.rpartition(".")[2]])
        with pytest.raises(VerificationFailed):
            verify_synthetic(staging, promise)


def test_only_the_verifier_makes_a_verified_table() -> None:
    with pytest.raises(TypeError, match="verify_synthetic"):
        VerifiedSynthetic(promised(), {}, object())
