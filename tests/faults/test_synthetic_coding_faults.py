"""Bad tables to learn codes from, and what must never come out of them or lie in a codec."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from anonymizer.errors import SynthesisFailed
from release.files.tables import DTYPES
from synth.coding.codec import Codec
from synth.variables import Training, Variable

CANARY = "Erika Kanarienvogel"
RARE = "A05.1"
OUTLIER = 987_654_321
SOME: dict[str, list[Any]] = {
    "string": ["a", "b", "a", "b", "c"],
    "boolean": [True, False, True, False, True],
    "integer": [1, 2, 3, 4, 5],
    "number": [1.5, 2.5, -0.0, 0.0, 5.25],
    "date": [date(1900 + i, 1, 1) for i in range(5)],
    "datetime": [datetime(1900 + i, 1, 1, 1) for i in range(5)],
    "list": [["a"], ["b", "a"], [], None, ["a"]],
}


def training(frame: pl.DataFrame, *variables: Variable, k: int = 5) -> Training:
    return Training(frame, variables, np.arange(frame.height), k)


def one(type_: str, cells: Sequence[Any], k: int = 2) -> Training:
    frame = pl.DataFrame([pl.Series("x", cells, dtype=DTYPES[type_])])
    return training(frame, Variable("x", type_), k=k)  # type: ignore[arg-type]


def rows(codec: Codec, times: int = 400) -> pl.DataFrame:
    """Rows of all codes, independently of what any method would learn."""
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.permutation(np.resize(np.arange(a.size), times)) for a in codec.axes])
    return codec.decode(codes.astype(np.int32), rng)


def written(frame: pl.DataFrame) -> str:
    """Everything a frame holds, in words."""
    return repr(frame.to_dict(as_series=False))


@pytest.mark.parametrize("type_", SOME)
@pytest.mark.parametrize("height", [0, 1, 4])
def test_fewer_people_than_k_are_refused(type_: str, height: int) -> None:
    with pytest.raises(SynthesisFailed, match=r"fewer people .*; learn from more people, or lower k"):
        Codec.of(one(type_, SOME[type_][:height], k=5))


def test_many_rows_of_few_people_are_refused() -> None:
    frame = pl.DataFrame({"x": ["a"] * 100})
    with pytest.raises(SynthesisFailed):
        Codec.of(Training(frame, (Variable("x", "string"),), np.arange(100) % 4, 5))


def test_a_table_without_columns_is_refused() -> None:
    with pytest.raises(SynthesisFailed):
        Codec.of(Training(pl.DataFrame(), (), np.arange(0), 1))


@pytest.mark.parametrize("type_", SOME)
def test_a_constant_column_is_learned(type_: str) -> None:
    cell = SOME[type_][0]
    codec = Codec.of(one(type_, [cell] * 6))
    assert rows(codec)["x"].to_list() == [cell] * 400


@pytest.mark.parametrize("type_", SOME)
def test_a_column_without_values_is_learned(type_: str) -> None:
    codec = Codec.of(one(type_, [None] * 6))
    assert rows(codec)["x"].null_count() == 400
    assert codec.encode(pl.DataFrame({"x": SOME[type_]}, schema={"x": DTYPES[type_]})).max() == 0


@pytest.mark.parametrize("type_", SOME)
def test_no_rows_are_coded_and_drawn_as_none(type_: str) -> None:
    codec = Codec.of(one(type_, SOME[type_]))
    none = codec.encode(pl.DataFrame(schema={"x": DTYPES[type_]}))
    assert none.shape == (0, len(codec.axes))
    assert codec.decode(none, np.random.default_rng(0)).schema == {"x": DTYPES[type_]}


def test_five_thousand_categories_are_learned() -> None:
    cells = [f"v{i:04}" for i in range(5000)] * 2
    coarser = {cell: (cell[:3], cell[:2]) for cell in cells}
    codec = Codec.of(training(pl.DataFrame({"x": cells}), Variable("x", "string", coarser=coarser), k=2))
    assert codec.axes[0].size == 5000
    assert [len(set(groups.tolist())) for groups in codec.axes[0].groups] == [50, 5]


def test_negative_zero_is_zero() -> None:
    drawn = rows(Codec.of(one("number", [-0.0, 0.0, -0.0, 1.0, 1.0])))["x"].to_numpy()
    assert not np.signbit(drawn).any()


def test_one_persons_infinity_makes_no_shared_value_of_anothers_largest() -> None:
    drawn = rows(Codec.of(one("number", [0.0, 0.0, 1.0, 1.0, OUTLIER, np.inf])))["x"]
    assert drawn.max() == 1.0


def test_numbers_that_are_all_infinite_are_not_learned() -> None:
    assert rows(Codec.of(one("number", [np.inf, -np.inf, np.inf, np.nan])))["x"].null_count() == 400


def test_numbers_near_the_ends_of_their_types_are_learned() -> None:
    floats = [1.7e308, -1.7e308, 5e-324, 1.7e308, -1.7e308, 5e-324]
    assert np.isfinite(rows(Codec.of(one("number", floats)))["x"].to_numpy()).all()
    ends = [2**63 - 1, -(2**63), 5, 2**63 - 1, -(2**63), 5]
    assert rows(Codec.of(one("integer", ends)))["x"].unique().to_list() == [5]


def test_one_persons_digits_do_not_make_the_column_finer() -> None:
    cells = [*np.arange(100) / 10, 1.23456]
    drawn = rows(Codec.of(one("number", cells)))["x"]
    assert drawn.round(1).equals(drawn)


@pytest.mark.parametrize("type_", ["integer", "number", "date", "datetime", "boolean"])
def test_text_that_cannot_be_read_is_missing_and_not_told(type_: str) -> None:
    frame = pl.DataFrame({"x": [CANARY] * 6})
    codec = Codec.of(training(frame, Variable("x", type_), k=2))  # type: ignore[arg-type]
    assert rows(codec)["x"].null_count() == 400
    assert CANARY not in repr(codec)


def messy() -> Training:
    """A table in which a name, an outlier and a rare code belong to one person each."""
    n = 200
    rng = np.random.default_rng(5)
    names = rng.choice(["Anna", "Bert", "Cora"], n).tolist()
    ages = rng.integers(18, 90, n).tolist()
    costs = np.round(rng.lognormal(3, 1, n), 2).tolist()
    days = [date(2000 + int(i), 1, 1) for i in rng.integers(0, 20, n)]
    codes = [
        rng.choice(["I10.0", "E11.9", "I48.1"], rng.integers(0, 3), replace=False).tolist() for _ in names
    ]
    names[7], ages[8], costs[9], days[10], codes[11] = (
        CANARY,
        OUTLIER,
        OUTLIER + 0.5,
        date(1803, 4, 5),
        [RARE],
    )
    frame = pl.DataFrame(
        {"name": names, "age": ages, "cost": costs, "day": days, "codes": codes, "code": [*codes]}
    ).with_columns(pl.col("code").list.first())
    coarser = {code: (code[:3], code[0], "*") for code in ("I10.0", "E11.9", "I48.1", RARE)}
    variables = (
        Variable("name", "string"),
        Variable("age", "integer"),
        Variable("cost", "number"),
        Variable("day", "date"),
        Variable("codes", "list", coarser=coarser),
        Variable("code", "string", coarser=coarser),
    )
    return training(frame, *variables)


def test_what_one_person_has_never_comes_out() -> None:
    drawn = rows(Codec.of(messy()), 3000)
    told = written(drawn)
    assert CANARY not in told
    assert RARE not in told
    assert "A05" not in told
    assert drawn["age"].max() < 90  # type: ignore[operator]
    assert drawn["cost"].max() < 1000  # type: ignore[operator]
    assert drawn["day"].min() > date(1999, 1, 1)  # type: ignore[operator]


def test_a_codec_shows_nothing_that_one_person_has() -> None:
    codec = Codec.of(messy())
    for part in (codec, *codec.coders, *codec.axes):
        assert not any(each in repr(part) for each in (CANARY, RARE, "A05", "987654321", "1803"))


def test_a_codec_is_never_written() -> None:
    codec = Codec.of(messy())
    for part in (codec, *codec.coders):
        with pytest.raises(TypeError, match="not to be written"):
            pickle.dumps(part)


def test_a_codec_holds_no_cell_but_what_the_hierarchies_say() -> None:
    """Learning again from what is held gives nothing back: rare values are in nothing but ``coarser``."""
    codec = Codec.of(messy())
    held = "".join(
        repr(getattr(coder, slot)) for coder in codec.coders for slot in coder.__slots__ if slot != "variable"
    )
    assert not any(each in held for each in (CANARY, RARE, "A05", "987654321"))


def test_errors_of_what_cannot_be_asked_for_quote_nothing() -> None:
    with pytest.raises(Exception, match="column 'name'") as caught:
        Codec.of(messy()).matching("name", CANARY)
    assert CANARY not in str(caught.value)
