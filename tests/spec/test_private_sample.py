"""Who takes part in a differentially private release, with the random bits written down."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import polars as pl
import pytest

from anonymizer.errors import BadConfig, BadInput
from anonymizer.hierarchies.hierarchy import bands, suppression
from anonymizer.private.differential_privacy import DifferentialPrivacy, sampling_for
from anonymizer.private.sample import draw, one_row_each
from anonymizer.tables.table import Column, Role, Table

AGE = Column("age", Role.QUASI_IDENTIFIER, bands([10], top=90), min_level=1, max_level=1)
SEX = Column("sex", Role.QUASI_IDENTIFIER, suppression(), min_level=0, max_level=0)
DEMAND = DifferentialPrivacy(Fraction(1), Fraction(1, 100))
DRAWN = sampling_for(DEMAND.epsilon, DEMAND.delta).drawn
HIGHEST = 2**64 - 1


def table(people: Sequence[str] | None, ages: Sequence[str], *columns: Column) -> Table:
    chosen = columns or (AGE,)
    cells = {column.name: ages for column in chosen}
    if people is None:
        return Table(pl.DataFrame(cells), chosen, None)
    return Table(pl.DataFrame({"id": people, **cells}), (Column("id", Role.IDENTIFIER), *chosen), "id")


class Numbers:
    """These 64-bit numbers in place of the operating system's, in turn."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = list(numbers)

    def __call__(self, count: int) -> bytes:
        taken, self._numbers = self._numbers[: count // 8], self._numbers[count // 8 :]
        assert len(taken) * 8 == count
        return b"".join(number.to_bytes(8, "little") for number in taken)

    @property
    def left(self) -> int:
        return len(self._numbers)


def test_a_person_is_drawn_where_the_number_is_below_the_bound() -> None:
    bits = Numbers(0, DRAWN - 1, DRAWN, HIGHEST, 1)
    sample = draw(table(None, ["41", "42", "43", "44", "45"]), DEMAND, bits=bits)
    assert sample.rows.tolist() == [0, 1, 4]
    assert sample.table.frame["age"].to_list() == ["41", "42", "45"]
    assert bits.left == 0


def test_of_several_rows_the_one_with_the_least_number_is_taken() -> None:
    people = ["A", "B", "A", "C", "A", "B"]
    assert one_row_each(table(people, ["41"] * 6), Numbers(5, 9, 3, 7, 4, 8)).tolist() == [2, 3, 5]


def test_a_persons_row_does_not_depend_on_the_others() -> None:
    """A is gone, and B and C take part with the rows that they took part with before."""
    people, numbers = ["A", "B", "A", "C", "B", "C"], [5, 9, 3, 7, 8, 2]
    kept = [at for at, person in enumerate(people) if person != "A"]
    both = one_row_each(table(people, ["41"] * 6), Numbers(*numbers)).tolist()
    without = one_row_each(
        table([people[at] for at in kept], ["41"] * 4), Numbers(*(numbers[at] for at in kept))
    )
    assert [kept[at] for at in without] == [at for at in both if people[at] != "A"]


def test_rows_are_taken_first_and_people_drawn_after() -> None:
    people = ["A", "A", "B"]
    sample = draw(table(people, ["41"] * 3), DEMAND, bits=Numbers(2, 1, 0, HIGHEST, 0))
    assert sample.rows.tolist() == [2]


def test_fixed_levels_are_taken_as_they_are() -> None:
    sample = draw(table(None, ["41", "42"], AGE, SEX), DEMAND, bits=Numbers(0, 0))
    assert dict(sample.levels) == {"age": 1, "sex": 0}
    assert set(sample.told) == {"epsilon", "delta", "epsilon_search", "beta", "k"}


def test_free_levels_without_a_budget_are_refused() -> None:
    free = Column("age", Role.QUASI_IDENTIFIER, bands([10], top=90))
    with pytest.raises(BadConfig, match="'age'"):
        draw(table(None, ["41"], free), DEMAND, bits=Numbers(0))


@pytest.mark.parametrize("number", [0, HIGHEST], ids=["drawn", "not drawn"])
def test_every_value_is_looked_up_drawn_or_not(number: int) -> None:
    with pytest.raises(BadInput, match="'age'"):
        draw(table(None, ["41", "forty"]), DEMAND, bits=Numbers(0, number))


def test_the_total_is_what_both_steps_cost() -> None:
    demand = DifferentialPrivacy(Fraction(1), Fraction(1, 100), Fraction(1, 2))
    assert demand.total_epsilon == Fraction(3, 2)
