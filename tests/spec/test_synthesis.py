"""Fitted, sampled, filtered and distilled as a recipe says."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from anonymizer.errors import BadConfig, BadInput, SynthesisFailed
from synth.axes import Allowed, Bools, Coded, Codes
from synth.methods.drawing import Patience, rejected, until
from synth.recipe import Between, Combinations, Declared, Determines, Never, Order, Range, Recipe
from synth.rewriting.cells import canonical
from synth.rewriting.rewriting import Rewriting
from synth.synthesis import distilled, filtered, fit
from synth.variables import Training, Variable
from tests.constraint_scenes import Copies, ExactCoding, Independent, recipe, table

ROWS = 400
DRAW = np.random.default_rng(0)
COHORT = table(
    {
        "gender": ("string", list(DRAW.choice(["female", "male"], ROWS))),
        "age": ("integer", [int(age) for age in DRAW.integers(18, 99, ROWS)]),
        "crp": ("number", [None if i % 9 == 0 else float(i % 50) for i in range(ROWS)]),
        "died": ("boolean", [bool(i % 7 == 0) for i in range(ROWS)]),
        "codes": ("list", [[["E11", "I10"], ["I10"], [], None][i % 4] for i in range(ROWS)]),
    },
    k=5,
)


def everyone(frame: pl.DataFrame) -> Bools:
    return np.ones(frame.height, dtype=np.bool_)


def no_one(frame: pl.DataFrame) -> Bools:
    return ~everyone(frame)


def test_drawn_rows_have_the_columns_of_the_table_in_canonical_types() -> None:
    rng = np.random.default_rng(1)
    frame = fit(COHORT, Recipe("cart"), rng).sample(50, rng)
    assert frame.schema == COHORT.frame.schema
    assert frame.height == 50


def test_the_same_generator_gives_the_same_rows() -> None:
    def draw() -> pl.DataFrame:
        rng = np.random.default_rng(3)
        return fit(COHORT, Recipe("cart"), rng).sample(60, rng)

    assert draw().equals(draw())


def test_no_rows_are_a_table_without_rows() -> None:
    rng = np.random.default_rng(1)
    assert fit(COHORT, Recipe("cart"), rng).sample(0, rng).schema == COHORT.frame.schema


def test_words_are_read_as_what_their_column_says() -> None:
    words = COHORT.frame.with_columns(
        pl.col("age").cast(pl.Float64), pl.col("died").cast(pl.String), pl.col("gender").cast(pl.Categorical)
    )
    rng = np.random.default_rng(1)
    assert fit(replace(COHORT, frame=words), Recipe("cart"), rng).sample(9, rng).schema == COHORT.frame.schema


def test_text_of_any_type_is_read_as_that_type() -> None:
    frame = pl.DataFrame(
        {
            "whole": [1, None],
            "number": [1.5, 2.0],
            "truth": [True, None],
            "day": [date(2024, 1, 1), None],
            "moment": [datetime(2024, 1, 1, 3), datetime(2024, 1, 2, 4, 5, 6, 7)],
            "codes": [["a"], None],
        }
    )
    types = ["integer", "number", "boolean", "date", "datetime", "list"]
    variables = tuple(Variable(name, type_) for name, type_ in zip(frame.columns, types, strict=True))  # type: ignore[arg-type]
    words = frame.with_columns(pl.exclude("codes").cast(pl.String))
    assert canonical(Training(words, variables, np.arange(2))).frame.equals(frame)
    numbers = frame.with_columns(pl.col("whole", "number").cast(pl.Float64))
    assert canonical(Training(numbers, variables, np.arange(2))).frame.equals(frame)


def test_not_a_number_is_missing() -> None:
    training = table({"number": ("number", [float("nan"), 1.0])})
    assert canonical(training).frame["number"].to_list() == [None, 1.0]


@pytest.mark.parametrize(
    ("type_", "cells"),
    [
        ("integer", [1.5]),
        ("integer", ["one"]),
        ("date", ["secret"]),
        ("boolean", ["perhaps"]),
        ("list", ["a"]),
    ],
)
def test_cells_of_another_type_are_refused_without_being_quoted(type_: str, cells: list[object]) -> None:
    frame = pl.DataFrame({"cell": cells})
    training = Training(frame, (Variable("cell", type_),), np.arange(1), k=1)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="'cell'") as refused:
        fit(training, Recipe("cart"), np.random.default_rng(1))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_fewer_than_k_people_cannot_be_learned_from(rows: int) -> None:
    training = Training(COHORT.frame.head(rows), COHORT.variables, np.arange(rows), k=5)
    with pytest.raises(SynthesisFailed, match="fewer"):
        fit(training, Recipe("cart"), np.random.default_rng(1))


def test_a_table_without_columns_cannot_be_learned_from() -> None:
    with pytest.raises(SynthesisFailed, match="column"):
        fit(Training(pl.DataFrame(), (), np.arange(0)), Recipe("cart"), np.random.default_rng(1))


def test_columns_that_say_nothing_are_drawn_as_they_are() -> None:
    training = table({"constant": ("string", ["a"] * 9), "missing": ("number", [None] * 9)}, k=3)
    rng = np.random.default_rng(1)
    frame = fit(training, Recipe("cart"), rng).sample(5, rng)
    assert frame.rows() == [("a", None)] * 5


def test_an_option_that_the_method_does_not_have_is_refused() -> None:
    with pytest.raises(BadConfig, match="epochs"):
        fit(COHORT, Recipe("cart", options={"epochs": 3}), np.random.default_rng(1))


@pytest.mark.parametrize("constraint", [Combinations(("gender", "age")), Determines("gender", "age")])
def test_a_private_method_refuses_constraints_that_read_the_data(
    constraint: Combinations | Determines,
) -> None:
    private = Recipe("dp-marginals", constraints=(constraint,))
    with pytest.raises(BadConfig, match="differentially private"):
        fit(COHORT, private, np.random.default_rng(1))


def test_a_private_method_learns_no_coding_and_its_rows_keep_all_that_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("opendp")
    monkeypatch.setattr("synth.synthesis._coding", None)
    domain = {
        "gender": Declared(("female", "male", "divers")),
        "age": Declared(span=Between(0, 120)),
        "crp": Declared(span=Between(0, 60), bands=12),
        "codes": Declared(("E11", "I10")),
    }
    private = Recipe(
        "dp-marginals",
        {"epsilon": 5.0, "delta": 1e-3},
        {"age": Between(30, 55)},
        (Range("crp", Between(2, 50)), Never({"gender": "male"}, {"codes": "E*"}), Order(("crp", "age"))),
        domain,
    )
    rng = np.random.default_rng(1)
    frame = fit(COHORT, private, rng).sample(200, rng)
    assert frame["age"].is_between(30, 55).all()
    assert frame["crp"].drop_nulls().is_between(2, 50).all()
    assert (frame["crp"] <= frame["age"]).all()
    assert not frame.filter(pl.col("gender") == "male")["codes"].list.contains("E11").any()


def test_a_private_method_does_not_tell_that_a_range_is_broken_by_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether a run ends would be a fact about the data that nothing was paid for."""
    monkeypatch.setattr("synth.synthesis.fitted", lambda _, coded, __, report: Copies(coded))
    training = table({"crp": ("number", [5.0, 80.0, 12.0])})
    private = Recipe(
        "dp-marginals",
        {"epsilon": 1.0, "delta": 1e-6},
        constraints=(Range("crp", Between(200, 300)),),
        domain={"crp": Declared(span=Between(0, 300))},
    )
    made = fit(training, private, np.random.default_rng(1)).sample(5, np.random.default_rng(1))
    assert made["crp"].null_count() == 5


def test_a_private_method_is_not_distilled() -> None:
    with pytest.raises(BadConfig, match="distilled"):
        distilled(COHORT, Recipe("dp-marginals"), everyone, np.random.default_rng(1))


def test_a_synthesiser_shows_no_cell_and_cannot_be_written_to_a_file() -> None:
    synthesiser = fit(COHORT, recipe(Combinations(("gender", "died"))), np.random.default_rng(1))
    assert "female" not in repr(synthesiser)
    with pytest.raises(TypeError):
        pickle.dumps(synthesiser)


def test_the_finished_table_is_checked_whatever_the_rules_let_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.synthesis.Rules.hold", lambda rules, frame: everyone(frame))
    monkeypatch.setattr("synth.synthesis.rewritten", lambda table, *_: (table, Rewriting(table.variables)))
    rng = np.random.default_rng(1)
    with pytest.raises(SynthesisFailed, match="order"):
        fit(COHORT, recipe(Order(("age", "crp"))), rng).sample(50, rng)


def test_of_filtered_rows_those_that_pass_are_kept_and_counted() -> None:
    rng = np.random.default_rng(1)
    synthesiser = fit(COHORT, Recipe("cart"), rng)
    found = filtered(synthesiser, 80, lambda frame: (frame["gender"] == "male").to_numpy(), rng)
    assert found.frame.height == 80
    assert set(found.frame["gender"]) == {"male"}
    assert 80 <= found.kept < found.drawn


def test_a_filter_that_lets_nothing_pass_ends_the_run_and_tells_no_figure() -> None:
    rng = np.random.default_rng(1)
    seen: list[int] = []

    def refusing(frame: pl.DataFrame) -> Bools:
        seen.append(frame.height)
        return no_one(frame)

    with pytest.raises(SynthesisFailed, match="filter") as refused:
        filtered(fit(COHORT, Recipe("cart"), rng), 10, refusing, rng)
    assert not any(each.isdigit() for each in str(refused.value))
    assert sum(seen) < 50_000


MARKED = table(
    {
        "text": ("string", [*["often"] * 30, "marked"]),
        "number": ("integer", [*range(30), 99]),
    }
)


def test_distilled_rows_come_from_a_model_that_never_saw_what_was_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted: list[set[str]] = []

    def remembering(recipe: Recipe, coded: Coded, rng: object, report: object = None) -> Copies:
        return Copies(coded)

    def coding(training: Training) -> ExactCoding:
        fitted.append(set(training.frame["text"]))
        return ExactCoding.of(training)

    monkeypatch.setattr("synth.synthesis._coding", coding)
    monkeypatch.setattr("synth.synthesis.fitted", remembering)
    training = replace(MARKED, frame=pl.concat([MARKED.frame] * 10), people=np.arange(310))
    rng = np.random.default_rng(1)
    assert "marked" in set(fit(training, Recipe("cart"), rng).sample(310, rng)["text"])
    second = distilled(training, Recipe("cart"), lambda frame: (frame["text"] != "marked").to_numpy(), rng)
    assert fitted[1:] == [{"often", "marked"}, {"often"}]
    assert set(second.sample(1000, rng)["text"]) == {"often"}
    assert second.told["distilling_rows_drawn"] == 310


def test_conditions_are_asked_of_the_second_model_alone() -> None:
    asked = recipe(given={"gender": "female"})
    kept: list[set[str]] = []

    def keep(frame: pl.DataFrame) -> Bools:
        kept.append(set(frame["gender"]))
        return everyone(frame)

    rng = np.random.default_rng(1)
    second = distilled(COHORT, asked, keep, rng)
    assert kept == [{"female", "male"}]
    assert set(second.sample(40, rng)["gender"]) == {"female"}


def test_too_few_rows_are_not_learned_from_again() -> None:
    with pytest.raises(SynthesisFailed, match="too few"):
        distilled(COHORT, Recipe("cart"), no_one, np.random.default_rng(1))


def _codes(n: int, rng: np.random.Generator) -> Codes:
    return rng.integers(0, 4, size=(n, 2), dtype=np.int32)


def test_rejected_rows_have_allowed_codes_alone_and_else_the_same_shares() -> None:
    allowed: Allowed = {0: np.array([True, False, True, False])}
    codes = rejected(_codes, 40_000, np.random.default_rng(1), allowed)
    assert codes.shape == (40_000, 2)
    assert set(codes[:, 0]) == {0, 2}
    assert np.bincount(codes[:, 1]) == pytest.approx([10_000] * 4, rel=0.05)


def test_what_is_not_asked_for_is_not_dropped() -> None:
    assert np.array_equal(
        rejected(_codes, 9, np.random.default_rng(1), None), _codes(9, np.random.default_rng(1))
    )
    assert rejected(_codes, 0, np.random.default_rng(1), {0: np.array([True] * 4)}).shape == (0, 2)


def test_what_is_rare_is_drawn_and_what_is_too_rare_is_not_drawn_for_ever() -> None:
    drawn = 0

    def one_in_(size: int) -> list[int]:
        nonlocal drawn
        drawn += size
        return [1] * (size // 200)

    assert sum(map(len, until(500, one_in_, rule="too rare").batches)) >= 500
    drawn = 0
    with pytest.raises(SynthesisFailed, match="too rare"):
        until(500, one_in_, rule="too rare", patience=Patience(1000, 0.01))
    assert drawn < 20_000


def test_independent_draws_are_drawn_from_every_column_by_itself() -> None:
    coded = Coded(np.array([[0, 0], [1, 1]], dtype=np.int32), (), np.arange(2))
    codes = Independent(coded).sample(4_000, np.random.default_rng(1))
    assert len(np.unique(codes, axis=0)) == 4
