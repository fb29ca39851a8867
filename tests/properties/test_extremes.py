"""Tables at the edge of what can be protected: faults 2 to 6, as the search sees them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from anonymizer.counting.counts import count
from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity
from anonymizer.errors import BadConfig, ComponentMissing, CriteriaNotMet
from anonymizer.hierarchies.hierarchy import bands, prefix, suppression
from anonymizer.hierarchies.hierarchy_file import from_file
from anonymizer.metrics import Entropy, Height, Loss
from anonymizer.search.search import search, suppression_allowance
from anonymizer.search.solution import Solution
from anonymizer.tables.table import Column, Role, Table

PLZ = Column("plz", Role.QUASI_IDENTIFIER, prefix([3, 2, 1]))
SEX = Column("sex", Role.QUASI_IDENTIFIER, suppression())


def solved(
    columns: list[Column], rows: Sequence[tuple[str | None, ...]], limit: str, *criteria: Criterion
) -> Solution:
    names = [column.name for column in columns]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    table = Table(frame, tuple(columns), None)
    return search(count(table, criteria), criteria, Fraction(limit))


def test_2_more_people_are_asked_for_than_there_are() -> None:
    with pytest.raises(CriteriaNotMet, match="no transformation meets") as refusal:
        solved([PLZ], [("01067",)] * 4, "1", KAnonymity(5))
    assert refusal.value.exit_code == 10


def test_3_k_identical_rows_are_one_class_as_they_are() -> None:
    solution = solved([PLZ, SEX], [("01067", "f")] * 5, "0", KAnonymity(5))
    assert solution.transformation == {"plz": 0, "sex": 0}
    assert (solution.score, solution.classes, solution.suppressed) == (0, 1, 0)


def test_4_rows_that_are_all_unique_end_at_the_top() -> None:
    rows = [(f"{first}{sex}000", "fmdx"[sex]) for first in range(5) for sex in range(4)]
    solution = solved([PLZ, SEX], rows, "0", KAnonymity(20))
    assert solution.transformation == {"plz": 4, "sex": 1}
    assert (solution.classes, solution.suppressed) == (1, 0)
    assert solution.score == pytest.approx(1)


def test_4_unless_the_levels_end_below_it() -> None:
    low = Column("plz", Role.QUASI_IDENTIFIER, prefix([3, 2, 1]), max_level=3)
    rows = [(f"{first}0000",) for first in range(5)]
    with pytest.raises(CriteriaNotMet):
        solved([low], rows, "1", KAnonymity(5))


def test_5_a_single_row_is_suppressed_where_the_limit_allows_it() -> None:
    rows = [("01067",)] * 9 + [("99999",)]
    solution = solved([PLZ], rows, "0.1", KAnonymity(2))
    assert (solution.transformation, solution.suppressed) == ({"plz": 0}, 1)
    assert solution.score == pytest.approx(0.1)


def test_5_and_otherwise_the_next_node_is_taken() -> None:
    rows = [("01067",)] * 9 + [("02999",)]
    solution = solved([PLZ], rows, "0.0999", KAnonymity(2))
    assert (solution.transformation, solution.suppressed) == ({"plz": 3}, 0)


def test_6_missing_is_a_category_of_its_own() -> None:
    together = solved([SEX], [("f",)] * 2 + [(None,)] * 2, "0", KAnonymity(2))
    assert (together.transformation, together.classes) == ({"sex": 0}, 2)
    alone = solved([SEX], [("f",)] * 3 + [(None,)], "0", KAnonymity(2))
    assert (alone.transformation, alone.classes) == ({"sex": 1}, 1)


def test_the_limit_is_a_share_of_rows_decided_exactly() -> None:
    assert suppression_allowance(Fraction("0.07"), 100) == 7  # in floating point 7.000000000000001
    assert suppression_allowance(Fraction("0.29"), 100) == 29  # in floating point 28.999999999999996
    assert suppression_allowance(Fraction("0.02"), 49) == 0
    assert suppression_allowance(Fraction(1), 49) == 49


def test_suppressing_everybody_is_no_release() -> None:
    diverse = DistinctLDiversity("sex", 3)
    both = Column("sex", Role.QUASI_IDENTIFIER, suppression(), sensitive=True)
    with pytest.raises(CriteriaNotMet):
        solved([both], [("f",), ("m",)], "1", diverse)


def test_of_equal_losses_the_fewer_suppressed_rows_win() -> None:
    """At any level the column loses all or nothing; kept at the top, nobody is suppressed."""
    solution = solved([SEX], [("f",), ("m",)], "1", KAnonymity(2))
    assert (solution.transformation, solution.suppressed) == ({"sex": 1}, 0)
    assert solution.score == pytest.approx(1)


def test_of_equal_losses_and_suppression_the_lower_levels_win() -> None:
    """Between the bands nothing changes: the only value is top-coded at every level."""
    ages = Column("age", Role.QUASI_IDENTIFIER, bands([5, 10], top=90), min_level=1)
    solution = solved([ages], [("95",)] * 3, "0", KAnonymity(3))
    assert (solution.transformation, solution.score) == ({"age": 1}, 0)


def test_levels_are_low_by_their_sum_and_not_by_the_first_column(tmp_path: Path) -> None:
    """Either column may be lost; `ward` reaches the top at level 2, `sex` at level 1."""
    file = tmp_path / "ward.csv"
    file.write_text("x;x;*\ny;y;*\n", "utf-8")
    ward = Column("ward", Role.QUASI_IDENTIFIER, from_file(file))
    solution = solved([SEX, ward], [("f", "x"), ("f", "y"), ("m", "x"), ("m", "y")], "0", KAnonymity(2))
    assert solution.transformation == {"sex": 1, "ward": 0}


def test_of_two_columns_alike_the_first_in_order_stays_finer() -> None:
    twin = Column("twin", Role.QUASI_IDENTIFIER, suppression())
    rows = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
    solution = solved([SEX, twin], rows, "0", KAnonymity(2))
    assert solution.transformation == {"sex": 0, "twin": 1}


def test_a_lattice_beyond_the_exact_search_is_refused_before_it_is_built() -> None:
    columns = [Column(f"q{j}", Role.QUASI_IDENTIFIER, prefix([4, 3, 2, 1])) for j in range(10)]
    with pytest.raises(ComponentMissing, match="60,466,176 transformations") as refusal:
        solved(columns, [("01067",) * 10], "0", KAnonymity(1))
    assert refusal.value.exit_code == 69


def test_a_domain_whose_sums_would_overflow_is_refused() -> None:
    """Rows times leaves beyond 2^62: a sum that wraps around would pass as a proven optimum."""
    frame = pl.DataFrame({"code": ["1" * 17, "2" * 17] * 5})
    column = Column("code", Role.QUASI_IDENTIFIER, prefix([16, 1], length=18))
    with pytest.raises(BadConfig, match="too large"):
        search(count(Table(frame, (column,), None), [KAnonymity(2)]), [KAnonymity(2)], Fraction(0))


def test_columns_that_cannot_be_generalised_take_no_room() -> None:
    """Each of 65 columns of one level would need a bit of its own in a word of 64."""
    names = [f"q{n}" for n in range(65)]
    frame = pl.DataFrame({name: ["a", "a"] for name in names})
    columns = tuple(Column(name, Role.QUASI_IDENTIFIER, suppression(), max_level=0) for name in names)
    counts = count(Table(frame, columns, None), [KAnonymity(2)])
    assert search(counts, [KAnonymity(2)], Fraction(0)).transformation == dict.fromkeys(names, 0)
    with pytest.raises(CriteriaNotMet):
        search(counts, [KAnonymity(3)], Fraction(0))


def test_a_release_that_keeps_nobody_is_no_answer_where_another_keeps_some() -> None:
    """Neither height nor a loss in which suppression costs nothing sees that the lowest node keeps nobody."""
    counts = count(_ages(), [KAnonymity(2)])
    for metric in (Height(), Loss(gs=Fraction(0)), Entropy(monotonic=True)):
        solution = search(counts, [KAnonymity(2)], Fraction(1), metric=metric)
        assert (solution.transformation, solution.suppressed) == ({"age": 1}, 1)


def _ages() -> Table:
    frame = pl.DataFrame({"age": ["40", "41", "45"]})
    return Table(frame, (Column("age", Role.QUASI_IDENTIFIER, bands([5], top=90)),), None)
