"""Laws of constraints: whatever the table and the constraints, every drawn row keeps all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.errors import BadConfig, SynthesisFailed
from synth.axes import Coded, Model
from synth.conditions import condition, matching, within
from synth.recipe import Between, Combinations, Constraint, Determines, Never, Order, Range, Recipe, Wanted
from synth.rewriting.checking import Reader, check, lies_in, promise
from synth.rewriting.rewriting import rewritten, spans_cut
from synth.rewriting.rules import rules
from synth.synthesis import fit
from synth.variables import Training, Variable
from tests.constraint_scenes import ExactCoding, Independent, recipe, table

COARSER = {"a1": ("a", "letter", "*"), "a2": ("a", "letter", "*"), "b1": ("b", "letter", "*")}
TEXTS = [*COARSER, "a", "b", "letter", "*", "x", None]
DAY = date(2024, 1, 1)


@pytest.fixture(autouse=True, scope="module")
def _plain() -> Any:
    """A method that knows no dependence: the most that constraints can be tried by."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synth.synthesis.fitted", _independent)
        yield


def _independent(recipe: Recipe, coded: Coded, rng: object, report: object = None) -> Model:
    return Independent(coded)


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(strategy, strategy, strategy, st.none())


DAYS = st.integers(0, 9).map(lambda days: DAY + timedelta(days))
MOMENTS = st.integers(0, 99).map(lambda hours: datetime(2024, 1, 1) + timedelta(hours=hours))
CELLS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "whole": ("integer", _maybe(st.integers(-5, 9))),
    "whole too": ("integer", _maybe(st.integers(-5, 9))),
    "number": ("number", _maybe(st.integers(-20, 90).map(lambda tenths: tenths / 10))),
    "from": ("date", _maybe(DAYS)),
    "to": ("date", _maybe(DAYS)),
    "seen": ("datetime", _maybe(MOMENTS)),
    "left": ("datetime", _maybe(MOMENTS)),
    "text": ("string", st.sampled_from(TEXTS)),
    "text too": ("string", st.sampled_from(TEXTS)),
    "codes": (
        "list",
        _maybe(st.lists(st.sampled_from([*COARSER, "x"]), max_size=3, unique=True).map(sorted)),
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> Training:
    rows = draw(st.integers(6, 30))
    columns = {
        name: (type_, draw(st.lists(cells, min_size=rows, max_size=rows)))
        for name, (type_, cells) in CELLS.items()
    }
    made = table(columns, k=draw(st.integers(1, 3)), coarser={"text": COARSER, "codes": COARSER})
    people = draw(st.lists(st.integers(0, rows), min_size=rows, max_size=rows))
    return Training(made.frame, made.variables, np.array([*people[:-4], 91, 92, 93, 94]), made.k)


WANTED_TEXTS: st.SearchStrategy[Wanted] = st.one_of(
    st.sampled_from([*TEXTS, "a*", "b*", "*"]), st.lists(st.sampled_from(["a1", "b*", "x"]), max_size=2)
)
SPANS = st.lists(_maybe(st.integers(-3, 8)), min_size=2, max_size=2).map(
    lambda ends: Between(*sorted(ends)) if None not in ends else Between(*ends)
)
CONDITIONS: st.SearchStrategy[tuple[str, Wanted]] = st.one_of(
    st.tuples(st.sampled_from(["text", "text too", "codes"]), WANTED_TEXTS),
    st.tuples(st.sampled_from(["whole", "number"]), st.one_of(SPANS, st.integers(-5, 9))),
    st.tuples(st.sampled_from(["from", "seen"]), st.one_of(st.none(), DAYS)),
)
CONSTRAINTS: st.SearchStrategy[Constraint] = st.one_of(
    st.permutations(["whole", "whole too", "number"]).map(lambda names: Order(tuple(names[:2]))),
    st.permutations(["whole", "whole too", "number"]).map(lambda names: Order(tuple(names))),
    st.sampled_from([Order(("from", "to")), Order(("seen", "left")), Order(("to", "from"))]),
    st.builds(Range, st.sampled_from(["whole", "number"]), SPANS),
    st.builds(Range, st.sampled_from(["from", "seen"]), st.builds(Between, DAYS, st.none())),
    st.permutations(["whole", "text", "text too", "from"]).map(lambda names: Combinations(tuple(names[:2]))),
    st.permutations(["text", "text too", "seen"]).map(lambda names: Combinations(tuple(names))),
    st.builds(lambda where, never: Never(dict([where]), dict([never])), CONDITIONS, CONDITIONS),
)


@settings(max_examples=70)
@given(tables(), st.lists(CONSTRAINTS, max_size=4), st.lists(CONDITIONS, max_size=1), st.booleans())
def test_every_drawn_row_keeps_all_that_was_asked(
    training: Training, constraints: list[Constraint], asked: list[tuple[str, Wanted]], is_exact: bool
) -> None:
    """Or nothing is drawn at all; either coding, that of synthesis and one that keeps every value."""
    with pytest.MonkeyPatch.context() as patch:
        if is_exact:
            patch.setattr("synth.synthesis._coding", ExactCoding.of)
        rng = np.random.default_rng(1)
        try:
            frame = fit(training, recipe(*constraints, given=dict(asked)), rng).sample(60, rng)
        except (SynthesisFailed, BadConfig) as error:
            refused = str(error)
        else:
            refused = ""
    assert "break what was asked" not in refused
    if refused:
        return
    assert frame.height == 60
    assert frame.schema == training.frame.schema
    for constraint in constraints:
        assert _literally(training, constraint)(frame.rows(named=True))


def _literally(training: Training, constraint: Constraint) -> Callable[[Sequence[dict[str, Any]]], bool]:
    """A constraint as one would write it down."""
    match constraint:
        case Order(columns=columns):
            return lambda rows: all(_rises([row[name] for name in columns]) for row in rows)
        case Range(column=column, span=span):
            return lambda rows: all(row[column] is None or _in(row[column], span) for row in rows)
        case Combinations(columns=columns):
            return lambda rows: all(_had(training, columns, row) for row in rows)
        case Never(where=where, never=never):
            return lambda rows: not any(_has(row, where) and _has(row, never) for row in rows)
    raise AssertionError


def _rises(cells: list[Any]) -> bool:
    present = [cell for cell in cells if cell is not None]
    return present == sorted(present)


def _in(cell: Any, span: Between) -> bool:
    if isinstance(cell, datetime):
        cell = cell.date()
    return (span.low is None or cell >= span.low) and (span.high is None or cell <= span.high)


def _had(training: Training, columns: Sequence[str], row: dict[str, Any]) -> bool:
    """Whether k people have it; ranges may have made cells of theirs missing, so those are passed over."""
    drawn = [row[name] for name in columns]
    people = {
        person
        for own, person in zip(training.frame.select(columns).rows(), training.people, strict=True)
        if all(cell in (None, other) for cell, other in zip(drawn, own, strict=True))
    }
    return all(cell in (None, "*") for cell in drawn) or len(people) >= training.k


def _has(row: dict[str, Any], asked: dict[str, Wanted]) -> bool:
    """Whether a row surely has what is asked; that it does not possibly is for the check to see."""
    return all(_cell_has(row[name], wanted) for name, wanted in asked.items())


def _cell_has(cell: Any, wanted: Wanted) -> bool:
    if isinstance(wanted, list):
        return any(_cell_has(cell, each) for each in wanted)
    if isinstance(cell, list):
        return any(_cell_has(code, wanted) for code in cell)
    if cell is None or wanted is None:
        return cell is wanted
    if isinstance(wanted, Between):
        return _in(cell, wanted)
    if isinstance(cell, datetime):
        return cell.date() == wanted
    if isinstance(wanted, str) and wanted.endswith("*") and cell not in ("a", "b", "letter", "*"):
        return bool(cell.startswith(wanted[:-1]))
    return bool(cell == wanted)


@settings(max_examples=40)
@given(tables(), st.lists(CONSTRAINTS, min_size=1, max_size=3))
def test_the_rules_and_the_check_agree_on_the_learned_table_itself(
    training: Training, constraints: list[Constraint]
) -> None:
    row_wise = [each for each in constraints if not isinstance(each, Combinations)]
    keep = rules(training.variables, {}, row_wise).hold(training.frame)
    promised = promise(training, {}, row_wise)
    for row, is_kept in enumerate(keep):
        assert is_kept == _passes(training.frame[row], promised)


def _passes(frame: pl.DataFrame, promised: Any) -> bool:
    try:
        check(frame, promised)
    except SynthesisFailed:
        return False
    return True


@settings(max_examples=100)
@given(CONDITIONS, st.data(), st.booleans())
def test_a_condition_reads_cells_as_its_literal_twin(
    asked: tuple[str, Wanted], data: st.DataObject, certain: bool
) -> None:
    name, wanted = asked
    type_, cells = CELLS[name]
    made = table({name: (type_, data.draw(st.lists(cells, max_size=9)))}, coarser={name: COARSER})
    variable = made.variables[0]
    found = matching(condition(made.variables, name, wanted), made.frame[name], certain=certain)
    twin = [Reader.of(variable).matches(cell, wanted, certain=certain) for cell in made.frame[name].to_list()]
    assert found.tolist() == twin


@settings(max_examples=40)
@given(st.lists(_maybe(MOMENTS), max_size=9), _maybe(DAYS), _maybe(MOMENTS))
def test_moments_lie_in_spans_of_days_and_moments(
    moments: list[Any], low: date | None, high: date | None
) -> None:
    cells = pl.Series(moments, dtype=pl.Datetime("us"))
    for span in (Between(low, high), Between(high, low)):
        twin = [cell is not None and lies_in(cell, span) for cell in moments]
        assert within(cells, span).tolist() == twin


@settings(max_examples=40)
@given(tables(), st.lists(CONSTRAINTS, max_size=3))
def test_rewriting_and_back_changes_only_what_is_counted(
    training: Training, constraints: list[Constraint]
) -> None:
    if any(isinstance(each, Order) for each in constraints):
        training = replace(training, k=1)  # what fewer than k people have of decimals is rounded
    cut, _ = spans_cut(training, constraints)
    changed, rewriting = rewritten(cut, constraints)
    back = rewriting.undone(changed.frame)
    assert back.schema == training.frame.schema
    assert rewriting.undone(changed.frame.clear()).schema == training.frame.schema
    differing = sum(row != other for row, other in zip(back.rows(), cut.frame.rows(), strict=True))
    assert differing <= rewriting.falling + rewriting.rare
    if not (rewriting.falling or rewriting.rare):
        assert back.equals(cut.frame)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=3, max_size=40), st.integers(1, 4))
def test_what_one_column_determines_it_determines_in_every_drawn_row(
    pairs: list[tuple[int, int]], k: int
) -> None:
    partner = dict(pairs)
    cells = [first for first, _ in pairs]
    training = table(
        {"plz": ("integer", list(cells)), "ags": ("string", [f"ags {partner[each]}" for each in cells])},
        k=min(k, len(cells)),
    )
    rng = np.random.default_rng(1)
    frame = fit(training, recipe(Determines("plz", "ags")), rng).sample(60, rng)
    partners: dict[Any, set[Any]] = defaultdict(set)
    for first, second in frame.drop_nulls("plz").rows():
        partners[first].add(second)
    assert all(second == {f"ags {partner[first]}"} for first, second in partners.items())


def test_variables_of_a_rewritten_table_never_share_a_name() -> None:
    numbers: list[object] = [1, 2, 3]
    names = ["a", "b", "b added", "b alone"]
    training = table(dict.fromkeys(names, ("integer", numbers)))
    changed, rewriting = rewritten(training, [Order(("a", "b")), Combinations(("b added", "b alone"))])
    assert len(set(changed.frame.columns)) == len(changed.frame.columns)
    assert rewriting.undone(changed.frame).equals(training.frame)
    assert Variable("b", "integer") in rewriting.variables
