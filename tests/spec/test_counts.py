"""What the search sees of a table: distinct tuples, and how many rows, people and values stand behind each.

person  sex  age   ward
------  ---  ----  --------
p1      f    41    surgery        Ages are generalised to bands of five, so that the
p2      f    44    surgery        first three rows share [40, 44]. Person p1 has two
p1      f    41    medicine       rows: they are three rows of two people.
p3      m    44    (missing)
p4      m    (m.)  surgery
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anonymizer.counting.classes import Ladders, base_classes, roll_up
from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity
from anonymizer.errors import CriteriaNotMet
from anonymizer.hierarchies.hierarchy import bands, suppression
from anonymizer.hierarchies.hierarchy_file import from_file
from anonymizer.judging.judgement import distinct_values, judge
from anonymizer.measuring.affine import AffineMetric
from anonymizer.metrics import Loss
from anonymizer.search.search import search
from anonymizer.tables.table import Column, Role, Table

WARD = DistinctLDiversity("ward", 2)
SEX = Column("sex", Role.QUASI_IDENTIFIER, suppression())
AGE = Column("age", Role.QUASI_IDENTIFIER, bands([5], top=90))
CELLS: dict[str, list[str | None]] = {
    "sex": ["f", "f", "f", "m", "m"],
    "age": ["41", "44", "41", "44", None],
    "ward": ["surgery", "surgery", "medicine", None, "surgery"],
    "person": ["p1", "p2", "p1", "p3", "p4"],
}


def drawn(cells: dict[str, list[str | None]] = CELLS, *, subject: str | None = "person") -> Table:
    columns = (SEX, AGE, Column("ward", Role.SENSITIVE, sensitive=True), Column("person", Role.IDENTIFIER))
    return Table(pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String)), columns, subject)


def at(counts: Counts, node: tuple[int, ...]) -> dict[tuple[str | None, ...], tuple[int, int]]:
    """Labels → (rows, people) of the classes at a node."""
    classes = roll_up(counts, Ladders.of(counts), base_classes(counts), node)
    labels = [
        tuple(
            x.labels[level][counts.codes[i, j]]
            for j, (x, level) in enumerate(zip(counts.ladders, node, strict=True))
        )
        for i in classes.representatives
    ]
    return dict(zip(labels, zip(classes.rows.tolist(), classes.n_people.tolist(), strict=True), strict=True))


def test_equal_tuples_are_one_with_the_number_of_their_rows() -> None:
    counts = count(drawn(), [])
    assert counts.codes.tolist() == [[0, 0], [0, 1], [1, 1], [1, 2]]
    assert counts.rows.tolist() == [2, 1, 1, 1]
    assert counts.tuple_of_row.tolist() == [0, 1, 0, 2, 3]
    assert (counts.n_rows, counts.n_tuples) == (5, 4)


def test_a_person_with_two_rows_in_a_class_counts_once() -> None:
    counts = count(drawn(), [])
    assert at(counts, (0, 0)) == {
        ("f", "41"): (2, 1),
        ("f", "44"): (1, 1),
        ("m", "44"): (1, 1),
        ("m", None): (1, 1),
    }
    assert at(counts, (0, 1)) == {("f", "[40, 44]"): (3, 2), ("m", "[40, 44]"): (1, 1), ("m", None): (1, 1)}
    assert at(counts, (1, 2)) == {("*", "*"): (5, 4)}


def test_a_person_in_two_classes_counts_in_both_until_they_merge() -> None:
    """Distinct people do not add up: p1 is in `41` and in `44`, and one person in the band of both."""
    counts = count(drawn(CELLS | {"age": ["41", "44", "44", "44", None]}), [])
    assert at(counts, (0, 0))["f", "41"] == (1, 1)
    assert at(counts, (0, 0))["f", "44"] == (2, 2)
    assert at(counts, (0, 1))["f", "[40, 44]"] == (3, 2)


def test_without_a_subject_every_row_is_a_person() -> None:
    counts = count(drawn(subject=None), [])
    assert counts.people is None
    assert at(counts, (0, 1))["f", "[40, 44]"] == (3, 3)


def test_where_every_person_has_one_row_no_pairs_are_kept() -> None:
    counts = count(drawn(CELLS | {"person": ["p1", "p2", "p5", "p3", "p4"]}), [])
    assert counts.people is None
    assert at(counts, (0, 1))["f", "[40, 44]"] == (3, 3)


def test_28_five_rows_of_one_patient_are_a_class_of_one() -> None:
    """Fault 28: k counts people, and a class of five rows of one person holds one."""
    alone = drawn({"sex": ["f"] * 5, "age": ["41"] * 5, "ward": ["surgery"] * 5, "person": ["p1"] * 5})
    counts = count(alone, [KAnonymity(5)])
    assert at(counts, (1, 2)) == {("*", "*"): (5, 1)}
    with pytest.raises(CriteriaNotMet):
        search(counts, [KAnonymity(5)], Fraction(1))
    with pytest.raises(CriteriaNotMet):
        search(counts, [KAnonymity(2)], Fraction(1))


def test_a_missing_sensitive_value_is_none_of_the_l() -> None:
    counts = count(drawn(), [WARD])
    classes = roll_up(counts, Ladders.of(counts), base_classes(counts), (0, 1))
    assert distinct_values(counts, classes, "ward").tolist() == [2, 0, 1]
    assert judge(counts, classes, [WARD]).broken.tolist() == [False, True, True]
    assert judge(counts, classes, [KAnonymity(2), WARD]).broken.tolist() == [False, True, True]
    assert judge(counts, classes, []).broken.tolist() == [False, False, False]


@pytest.mark.parametrize(
    ("cells", "distinct"),
    [
        (pl.Series([True, False, None, True]), 2),
        (pl.Series([3, 3, None, 4]), 2),
        (pl.Series([0.5, 0.25, None, 0.5]), 2),
        (pl.Series([0.0, -0.0, None, None]), 1),
        (pl.Series([date(2026, 1, 1), date(2026, 1, 2), None, None]), 2),
        (pl.Series([["I10", "I50"], ["I10"], None, ["I10"]]), 2),
        (pl.Series([None, None, None, None], dtype=pl.String), 0),
    ],
    ids=["boolean", "integer", "float", "signed zero", "date", "list", "nothing"],
)
def test_a_sensitive_column_may_be_of_any_type(cells: pl.Series, distinct: int) -> None:
    frame = pl.DataFrame({"sex": ["f"] * 4, "ward": cells})
    columns = (SEX, Column("ward", Role.SENSITIVE, sensitive=True))
    counts = count(Table(frame, columns, None), [WARD])
    assert distinct_values(counts, base_classes(counts), "ward").tolist() == [distinct]


def test_a_quasi_identifier_can_be_sensitive_too_on_its_base_values() -> None:
    both: list[Criterion] = [DistinctLDiversity("age", 2)]
    counts = count(drawn(), both)
    classes = roll_up(counts, Ladders.of(counts), base_classes(counts), (1, 1))
    assert distinct_values(counts, classes, "age").tolist() == [2, 0]


def test_only_the_columns_that_somebody_asks_for_are_counted() -> None:
    assert count(drawn(), [KAnonymity(2)]).sensitive.keys() == set()
    assert count(drawn(), [WARD, DistinctLDiversity("ward", 3)]).sensitive.keys() == {"ward"}
    counts = count(drawn(), [WARD], also=["sex"])
    assert (counts.sensitive.keys(), counts.by_row.keys()) == ({"ward"}, {"sex"})


def test_what_was_counted_cannot_be_changed() -> None:
    counts = count(drawn(), [WARD])
    assert counts.people is not None
    for array in (
        counts.codes,
        counts.people.owner,
        counts.sensitive["ward"].held.item,
        counts.ladders[0].label_codes,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array.flat[0] = 7


def loss(counts: Counts, node: tuple[int, ...], suppressed: dict[int, int] | None = None) -> float:
    """The loss at a node where rows of some tuples (tuple: rows) are suppressed."""
    metric, lost = AffineMetric.of(counts, Loss()), suppressed or {}
    cover = [
        sum(rows * ladder.leaf_counts[level][counts.codes[i, j]] for i, rows in lost.items())
        for j, (ladder, level) in enumerate(zip(counts.ladders, node, strict=True))
    ]
    return metric.score(metric.total(node, np.array(cover, np.int64), sum(lost.values())))


def test_the_loss_of_a_level_by_hand() -> None:
    """Ages of the table at bands of five: four cells cover 5 of 92 leaves, the missing one 1 of 92.

    x = (A - n) / (n (L - 1)) = (4·5 + 1 - 5) / (5·91), and sex is kept: score = √(1 + x) - 1.
    """
    counts = count(drawn(), [])
    assert [ladder.leaves for ladder in counts.ladders] == [2, 92]
    assert loss(counts, (0, 1)) == pytest.approx((1 + 16 / 455) ** 0.5 - 1, abs=1e-15)
    assert loss(counts, (0, 0)) == 0
    assert loss(counts, (1, 2)) == pytest.approx(1)


def test_a_suppressed_row_covers_the_whole_domain() -> None:
    """Without the row whose age is missing: ages cover 4·5 + 92 leaves, sexes 4·1 + 2."""
    counts = count(drawn(), [])
    expected = ((1 + (4 * 5 + 92 - 5) / 455) * (1 + (4 + 2 - 5) / 5)) ** 0.5 - 1
    assert loss(counts, (0, 1), {3: 1}) == pytest.approx(expected, abs=1e-15)
    assert loss(counts, (0, 0), {0: 2, 1: 1, 2: 1, 3: 1}) == pytest.approx(1)


def test_a_column_of_twice_the_weight_counts_twice_in_the_geometric_mean() -> None:
    heavy = Column("age", Role.QUASI_IDENTIFIER, bands([5], top=90), weight=2.0)
    frame = drawn().frame.select("sex", "age")
    counts = count(Table(frame, (SEX, heavy), None), [])
    assert loss(counts, (1, 1)) == pytest.approx((2 * (1 + 16 / 455) ** 2) ** (1 / 3) - 1, abs=1e-15)


def test_a_domain_of_one_value_has_nothing_to_lose(tmp_path: Path) -> None:
    (tmp_path / "ward.csv").write_text("x;*\n", "utf-8")
    ward = Column("ward", Role.QUASI_IDENTIFIER, from_file(tmp_path / "ward.csv"))
    counts = count(Table(pl.DataFrame({"ward": ["x"] * 3}), (ward,), None), [])
    assert [loss(counts, (level,), {0: rows}) for level in (0, 1) for rows in (0, 2)] == [0.0] * 4


def test_a_table_without_rows_has_no_classes() -> None:
    nothing = drawn({name: [] for name in CELLS})
    counts = count(nothing, [KAnonymity(2), WARD])
    assert (counts.n_rows, counts.n_tuples) == (0, 0)
    with pytest.raises(CriteriaNotMet):
        search(counts, [KAnonymity(2), WARD], Fraction(1))
