"""Recoding class by class: what becomes of small tables that one level per column would spoil.

Everybody in these tables is one row; a class needs k = 2 people unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import polars as pl
import pytest

from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity, TCloseness
from anonymizer.errors import CriteriaNotMet
from anonymizer.hierarchies.hierarchy import bands, suppression
from anonymizer.recoding.cell_suppression import suppress_cells
from anonymizer.recoding.local_recoding import recode_locally
from anonymizer.recoding.mondrian import recode_multidimensionally
from anonymizer.recoding.recoding import Recoding
from anonymizer.search.search import search
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.transformation import recoding_of, transform

K = KAnonymity(2)
AGE = Column("age", Role.QUASI_IDENTIFIER, bands([10], top=90))
SEX = Column("sex", Role.QUASI_IDENTIFIER, suppression())
TOWN = Column("town", Role.QUASI_IDENTIFIER, suppression())
CODE = Column("code", Role.SENSITIVE, sensitive=True)
AGES = ("21", "21", "34", "38", "52", "57", "88")
Recoder = Callable[[Counts, Sequence[Criterion], Recoding], Recoding]


def table(columns: Sequence[Column], rows: Sequence[Sequence[str | None]]) -> Table:
    names = [column.name for column in columns]
    return Table(
        pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row"), tuple(columns), None
    )


def of(ages: Sequence[str]) -> Table:
    """People of whom only the age is known."""
    return table([AGE], [(age,) for age in ages])


def released(
    people: Table, recode: Recoder | None, criteria: Sequence[Criterion] = (K,), limit: str = "0"
) -> list[tuple[object, ...]]:
    """The released rows, in order."""
    counts = count(people, criteria)
    optimum = recoding_of(counts, criteria, search(counts, criteria, Fraction(limit)))
    found = optimum if recode is None else recode(counts, criteria, optimum)
    return transform(people, counts, found, criteria).frame.rows()


def mondrian(counts: Counts, criteria: Sequence[Criterion], _: Recoding) -> Recoding:
    return recode_multidimensionally(counts, criteria, 0)


def column(*cells: str | None) -> list[tuple[str | None]]:
    return [(cell,) for cell in cells]


def test_global_recoding_generalises_everybody_for_the_sake_of_one() -> None:
    assert released(of(AGES), None) == column(*["*"] * 7)


def test_local_recoding_gives_each_class_the_least_levels_it_needs() -> None:
    """88 needs company: some class of bands, so that the two of 21 lose nothing. Of equals the first."""
    assert released(of(AGES), recode_locally) == column("*", "*", "*", "21", "21", "[50, 59]", "[50, 59]")


def test_local_recoding_takes_suppressed_rows_up_again() -> None:
    """With a quarter allowed the optimum drops 71 and 88; under a star they have each other."""
    ages = (*AGES, "71")
    bands = ("[20, 29]", "[20, 29]", "[30, 39]", "[30, 39]", "[50, 59]", "[50, 59]")
    assert released(of(ages), None, limit="0.25") == column(*bands)
    recoded = released(of(ages), recode_locally, limit="0.25")
    assert recoded == column("*", "*", "21", "21", *bands[2:])


def test_local_recoding_drops_a_row_where_keeping_it_would_lose_more() -> None:
    """Company for 88 takes two more stars; where a row may be dropped, it stays dropped."""
    recoded = released(of(AGES), recode_locally, limit="0.2")
    assert recoded == column("21", "21", "[30, 39]", "[30, 39]", "[50, 59]", "[50, 59]")


def test_multidimensional_recoding_splits_from_the_top() -> None:
    """Bands of ten are tried at once; 88 fails alone, and the smallest part that holds stays with it."""
    assert released(of(AGES), mondrian) == column(
        "*", "*", "*", "[30, 39]", "[30, 39]", "[50, 59]", "[50, 59]"
    )


def test_multidimensional_recoding_splits_where_it_gains_most() -> None:
    """Sex first: it frees all eight rows of one cell each. Ages then fit into tens for the women alone."""
    people = table(
        [SEX, AGE],
        [("f", a) for a in ("21", "22", "31", "32")] + [("m", a) for a in ("21", "41", "61", "71")],
    )
    assert released(people, mondrian) == [
        ("f", "[20, 29]"),
        ("f", "[20, 29]"),
        ("f", "[30, 39]"),
        ("f", "[30, 39]"),
        *[("m", "*")] * 4,
    ]


CROWD = [("f", "Ulm")] * 9
FEW = [("m", "Ulm")] * 2 + [("m", "Kiel")]


def test_cell_suppression_stars_one_cell_instead_of_dropping_the_row() -> None:
    """k = 3: two men from Ulm and one from Kiel are each too few; without the town they are three."""
    people = table([SEX, TOWN], CROWD + FEW)
    assert released(people, None, [KAnonymity(3)], "0.25") == CROWD
    assert released(people, suppress_cells, [KAnonymity(3)], "0.25") == [*CROWD, *[("m", "*")] * 3]


def test_cell_suppression_stars_a_second_cell_only_where_one_is_not_enough() -> None:
    people = table([SEX, TOWN], [*CROWD * 2, ("m", "Ulm"), ("m", "Kiel"), ("d", "Bonn"), ("d", "Wien")])
    recoded = released(people, suppress_cells, [KAnonymity(3)], "0.2")
    assert recoded == [*[("*", "*")] * 4, *CROWD * 2]


def test_what_finds_no_group_stays_suppressed() -> None:
    people = table([SEX, TOWN], [*CROWD, ("m", "Kiel")])
    assert released(people, suppress_cells, limit="0.1") == CROWD


def test_a_column_that_may_not_reach_the_top_is_not_starred() -> None:
    town = Column("town", Role.QUASI_IDENTIFIER, suppression(), max_level=0)
    people = table([SEX, town], CROWD + FEW)
    assert released(people, suppress_cells, [KAnonymity(3)], "0.25") == CROWD


def test_levels_keep_their_bounds() -> None:
    """At least bands of ten, and never a star: 88 finds nobody and is dropped, as the limit allows."""
    age = Column("age", Role.QUASI_IDENTIFIER, bands([10], top=90), min_level=1, max_level=1)
    counts = count(table([age], [(value,) for value in AGES]), [K])
    optimum = recoding_of(counts, [K], search(counts, [K], Fraction(1, 5)))
    for found in (recode_locally(counts, [K], optimum), recode_multidimensionally(counts, [K], 1)):
        assert found.ranges() == ((1, 1),)
        assert counts.rows[found.suppressed].sum() == 1


def test_multidimensional_recoding_refuses_where_even_the_top_fails() -> None:
    with pytest.raises(CriteriaNotMet, match="even the highest levels"):
        recode_multidimensionally(count(of(AGES), [KAnonymity(8)]), [KAnonymity(8)], 7)


DIAGNOSED = [("21", "A"), ("22", "A"), ("23", "B"), ("34", "A"), ("35", "A"), ("47", "C")]


@pytest.mark.parametrize("recode", [recode_locally, mondrian])
@pytest.mark.parametrize(
    "criterion", [DistinctLDiversity("code", 2), TCloseness("code", "equal", Fraction(1, 2))]
)
def test_every_class_keeps_the_other_criteria_too(recode: Recoder, criterion: Criterion) -> None:
    """Two people in their thirties have one diagnosis between them, so they do not stay by themselves."""
    people = table([AGE, CODE], DIAGNOSED)
    rows = released(people, recode, [K, criterion])
    assert len(rows) == 6
    classes = {age: {code for a, code in rows if a == age} for age, _ in rows}
    assert all(len(codes) > 1 for codes in classes.values())
    assert "[20, 29]" in classes


@pytest.mark.parametrize("recode", [recode_locally, mondrian])
def test_people_count_and_not_their_rows(recode: Recoder) -> None:
    """Both rows with 21 are one person's: k = 2 takes somebody else."""
    frame = pl.DataFrame({"id": ["P1", "P1", "P2", "P3"], "age": ["21", "21", "34", "38"]})
    people = Table(frame, (Column("id", Role.IDENTIFIER), AGE), "id")
    assert released(people, recode) == column("*", "*", "*", "*")


def test_classes_that_read_alike_are_one_class() -> None:
    """Ages from 90 on are `[90, *)` on every level below the top: two classes of them are one to a reader."""
    people = of(("91", "95", "97", "99", "21", "22"))
    counts = count(people, [K])
    levels = np.array([[1], [1], [0], [0], [1], [1]], np.int8)
    assert counts.codes.ravel().tolist() == [0, 1, 2, 3, 4, 5]
    frame = transform(people, counts, Recoding(levels), [K]).frame
    assert sorted(frame["age"].value_counts().rows()) == [("[20, 29]", 2), ("[90, *)", 4)]


def test_missing_is_a_value_of_its_own_below_the_top() -> None:
    people = table([AGE], [(None,), (None,), ("34",), ("38",)])
    assert released(people, recode_locally) == column(None, None, "[30, 39]", "[30, 39]")
