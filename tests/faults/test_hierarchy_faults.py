"""Faults 25 to 27: a value no hierarchy holds, and hierarchies that are none.

Every message is searched for the canary that stands in each of the files and tables.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from anonymizer.counting.counts import count
from anonymizer.criteria import KAnonymity
from anonymizer.errors import AnonError, BadConfig, BadInput, InputMissing
from anonymizer.hierarchies.hierarchy import bands, prefix
from anonymizer.hierarchies.hierarchy_file import from_file
from anonymizer.search.search import search
from anonymizer.tables.table import Column, Role, Table

CANARY = "canary-7f3a"


def refusal(action: Callable[[], object]) -> AnonError:
    """The error an action ends with, after a look for the canary in all that a log could hold of it."""
    with pytest.raises(AnonError) as caught:
        action()
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    return caught.value


def refused_file(folder: Path, content: str | bytes, *, delimiter: str = ";") -> AnonError:
    file = folder / "department.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return refusal(lambda: from_file(file, delimiter=delimiter))


def table(column: Column, cells: list[str | None]) -> Table:
    return Table(pl.DataFrame({column.name: cells}, schema={column.name: pl.String}), (column,), None)


# --- 25: value absent from a hierarchy ----------------------------------------------------------------------


def test_25_values_absent_from_a_hierarchy_file_are_counted_and_never_become_a_star(tmp_path: Path) -> None:
    file = tmp_path / "department.csv"
    file.write_text("a;A;*\nb;B;*\n", "utf-8")
    column = Column("department", Role.QUASI_IDENTIFIER, from_file(file))
    cells = ["a", CANARY, None, "b", CANARY, "c"]
    error = refusal(lambda: count(table(column, cells), [KAnonymity(2)]))
    assert isinstance(error, BadInput)
    # Distinct values, not rows: how often a rare value stands in the table is nobody's business.
    assert (error.exit_code, error.column, error.count) == (65, "department", 2)


@pytest.mark.parametrize("hierarchy", [bands([5], top=90), prefix([3, 2])], ids=["bands", "prefix"])
def test_25_values_outside_a_built_in_hierarchy_are_refused_too(hierarchy: object) -> None:
    column = Column("q", Role.QUASI_IDENTIFIER, hierarchy)  # type: ignore[arg-type]
    error = refusal(lambda: count(table(column, ["42", CANARY]), []))
    assert (error.exit_code, error.column, error.count) == (65, "q", 1)


def test_25_a_missing_value_is_not_absent(tmp_path: Path) -> None:
    file = tmp_path / "department.csv"
    file.write_text("a;A;*\nb;B;*\n", "utf-8")
    column = Column("department", Role.QUASI_IDENTIFIER, from_file(file))
    criteria = [KAnonymity(2)]
    solution = search(count(table(column, ["a", "a", None, None]), criteria), criteria, Fraction(0))
    assert solution.transformation == {"department": 0}


# --- 26: not monotone ---------------------------------------------------------------------------------------


def test_26_a_label_with_two_parents_is_refused(tmp_path: Path) -> None:
    split = f"{CANARY};group;left;*\nb;group;right;*\nc;other;left;*\n"
    error = refused_file(tmp_path, split)
    assert isinstance(error, BadConfig)
    assert (error.exit_code, error.count) == (78, 1)
    assert "not monotone" in str(error)
    assert "level 1" in str(error)


def test_26_a_split_just_below_the_top_is_found(tmp_path: Path) -> None:
    error = refused_file(tmp_path, f"{CANARY};x;*\nb;x;rest\nc;y;*\n")
    assert "labels of level 1" in str(error)


# --- 27: duplicate leaf, uneven depth, cycle ----------------------------------------------------------------


def test_27_a_leaf_twice_is_refused_even_with_the_same_parents(tmp_path: Path) -> None:
    error = refused_file(tmp_path, f"{CANARY};A;*\nb;B;*\n{CANARY};A;*\n")
    assert (error.exit_code, error.count) == (78, 1)
    assert "more than once" in str(error)


def test_27_leaves_that_differ_in_their_unicode_form_only_are_the_same_leaf(tmp_path: Path) -> None:
    assert "more than once" in str(refused_file(tmp_path, "Ko\u0308ln;West;*\nK\u00f6ln;West;*\n"))


@pytest.mark.parametrize("row", ["b;*", "b;B;more;*", "b"])
def test_27_rows_of_uneven_depth_are_refused(tmp_path: Path, row: str) -> None:
    error = refused_file(tmp_path, f"{CANARY};A;*\n{row}\nc;C;*\n")
    assert (error.exit_code, error.count) == (78, 1)
    assert "uneven depth" in str(error)


@pytest.mark.parametrize(
    "rows",
    [
        f"{CANARY};x;{CANARY};*\nb;y;z;*",
        f"{CANARY};b;*\nb;{CANARY};*",
        f"{CANARY};b;x;*\nb;c;x;*\nc;{CANARY};x;*",
        f"{CANARY};*;x;*\nb;y;x;*",
    ],
    ids=["within a row", "between two rows", "through three rows", "through the top"],
)
def test_27_a_label_above_itself_is_a_cycle(tmp_path: Path, rows: str) -> None:
    error = refused_file(tmp_path, rows)
    assert error.exit_code == 78
    assert "cycle" in str(error)


# --- what else can be wrong with a file ---------------------------------------------------------------------


def test_a_file_with_empty_cells_is_refused(tmp_path: Path) -> None:
    error = refused_file(tmp_path, f"{CANARY};;*\nb;B;*\n;C;*\n")
    assert (error.exit_code, error.count) == (78, 2)


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    assert "is empty" in str(refused_file(tmp_path, content))


def test_another_delimiter_than_the_declared_one_is_suspected(tmp_path: Path) -> None:
    error = refused_file(tmp_path, f"{CANARY},A,*\nb,B,*\n")
    assert (error.exit_code, error.hint) == (78, "its delimiter may be another one")


@pytest.mark.parametrize("content", [f"{CANARY};K\xf6ln;*\n".encode("latin-1"), b"\xff\xfe" + b"a;*\n"])
def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path, content: bytes) -> None:
    error = refused_file(tmp_path, content)
    assert (error.exit_code, error.rule) == (78, "the hierarchy file department.csv is not UTF-8")


@pytest.mark.parametrize("content", [f'"{CANARY};A;*\nb;B;*\n', f"{CANARY};{'x' * 200_000};*\n"])
def test_an_open_quotation_mark_or_an_endless_cell_is_refused(tmp_path: Path, content: str) -> None:
    error = refused_file(tmp_path, content)
    assert (error.exit_code, error.rule) == (78, "the hierarchy file department.csv is no CSV")


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    error = refusal(lambda: from_file(tmp_path / "nowhere.csv"))
    assert isinstance(error, InputMissing)
    assert error.exit_code == 66
    assert str(tmp_path) not in str(error)
    assert refusal(lambda: from_file(tmp_path)).exit_code == 66
