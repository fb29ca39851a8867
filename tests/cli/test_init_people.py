"""Who a row is about in an unedited draft: never itself where names show that people have several.

Sixty people have six rows each, all alike (fault 28: one patient's rows are no class). Counted by rows, six
rows of one person would be a class; counted by people, no class has fewer than 5 · 6 rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from release.config.root import load
from tests.cli.test_init import drafted, published
from tests.messy_tables import kvnr
from tests.runs import write_csv

PEOPLE, EACH = 60, 6
Who = Callable[[int, int], tuple[str, ...]]
"""The cells of a person's row that name the person or the row."""


def born(person: int) -> str:
    return f"{1 + person % 28:02}.{1 + person % 12:02}.{1940 + person}"


def table(folder: Path, header: tuple[str, ...], who: Who, *, each: int = EACH) -> Path:
    """A table of people with ``each`` rows, alike but for what ``who`` says."""
    draw = random.Random(4)
    about = [
        (draw.choice("mw"), str(draw.randint(18, 88)), draw.choice(("E11.9", "J18.9"))) for _ in range(PEOPLE)
    ]
    rows = [[*who(n, row), *about[n]] for n in range(PEOPLE) for row in range(each)]
    return write_csv(folder / "a.csv", rows, (*header, "Geschlecht", "Alter", "Hauptdiagnose"))


def number(person: int, row: int) -> str:
    return f"{person * 100 + row + 10_000}"


PERSON_BY: dict[str, tuple[tuple[str, ...], Who]] = {
    "Mail": (("Mail",), lambda n, _: (f"Muster{n}@web.example",)),
    "Feld1": (("Feld1",), lambda n, row: (kvnr(n) if n else "PRIVAT",)),
    "Rückruf": (("Rückruf",), lambda n, _: (f"0171/88{n:05}",)),
    # Surname, given name and birth date together; of their columns the surname.
    "Nachname": (
        ("Nachname", "Vorname", "Geburtsdatum"),
        lambda n, _: (f"Muster{n // 2}", f"Karl{n % 7}", born(n)),
    ),
    # A number of the row, and a number of the case: names tell fewer people.
    "Patientenname": (("ID", "Patientenname"), lambda n, row: (number(n, row), f"Muster{n}")),
    "Name": (("Fallnummer", "Name"), lambda n, row: (number(n, row), f"Muster{n}")),
    # A number that everybody has one of, though two share a name; the doctors' names say nothing of it.
    "Fallnummer": (
        ("Fallnummer", "Nachname", "Vorname", "Geburtsdatum", "Name des Arztes"),
        lambda n, row: (number(n, 0), "Muster", "Karl", born(n), f"Zq{row}"),
    ),
}


@pytest.mark.parametrize("column", PERSON_BY)
def test_no_class_is_of_rows_of_fewer_than_five_people(tmp_path: Path, column: str) -> None:
    config = drafted(tmp_path, table(tmp_path, *PERSON_BY[column]))
    found = load(config)
    assert (found.subject, found.columns[column].role) == (column, "identifier")
    assert found.privacy.k_anonymity == 5
    assert "CHECK: " in config.read_text(encoding="utf-8").split("columns:")[0]

    data = pl.read_parquet(published(tmp_path, config) / "release" / "data" / "table.parquet")
    assert column not in data.columns
    assert data.group_by(data.columns).len()["len"].min() >= 5 * EACH  # type: ignore[operator]


def test_a_column_with_gaps_is_nobody_s_name_and_another_one_serves(tmp_path: Path) -> None:
    config = drafted(
        tmp_path,
        table(
            tmp_path,
            ("Nachname", "Vorname"),
            lambda n, row: ("" if (n, row) == (9, 1) else f"Muster{n}", f"Karl{n}"),
        ),
    )
    assert load(config).subject == "Vorname"


@pytest.mark.parametrize(("header", "subject"), [(("Patientennummer",), "row"), (("E-Mail",), "row")])
def test_with_gaps_everywhere_k_is_raised_by_the_rows_of_a_person(
    tmp_path: Path, header: tuple[str, ...], subject: str
) -> None:
    def who(n: int, row: int) -> tuple[str, ...]:
        named = number(n, 0) if header[0] == "Patientennummer" else f"Muster{n}@web.example"
        return ("" if (n, row) == (9, 1) else named,)

    config = drafted(tmp_path, table(tmp_path, header, who))
    found = load(config)
    assert (found.subject, found.privacy.k_anonymity) == (subject, 5 * EACH)
    assert "k is raised" in config.read_text(encoding="utf-8")
    published(tmp_path, config)


def test_with_gaps_everywhere_cases_are_counted_before_rows(tmp_path: Path) -> None:
    """Everybody has six rows of two cases."""
    header = ("Fallnummer", "Name")
    config = drafted(
        tmp_path,
        table(
            tmp_path, header, lambda n, row: (number(n, row % 2), "" if (n, row) == (9, 1) else f"Muster{n}")
        ),
    )
    assert (load(config).subject, load(config).privacy.k_anonymity) == ("Fallnummer", 10)


def test_people_who_share_a_name_but_no_birthday_are_rows_where_nobody_has_two(tmp_path: Path) -> None:
    header = ("Nachname", "Vorname", "Geburtsdatum")
    config = drafted(tmp_path, table(tmp_path, header, lambda n, _: ("Muster", "Karl", born(n)), each=1))
    assert load(config).subject == "row"
    assert "no column names the person" in config.read_text(encoding="utf-8")


def test_a_number_of_persons_that_names_and_birthdays_contradict_is_not_believed(tmp_path: Path) -> None:
    """A pseudonym that is new for every case: six of one person would be a class of six people."""
    header = ("Pseudonym", "Nachname", "Vorname", "Geburtsdatum")
    config = drafted(
        tmp_path, table(tmp_path, header, lambda n, row: (number(n, row), f"Muster{n}", "Karl", born(n)))
    )
    found = load(config)
    assert (found.subject, found.privacy.k_anonymity) == ("Pseudonym", 5 * EACH)
    assert "k is raised" in config.read_text(encoding="utf-8").split("columns:")[0]


def test_namesakes_do_not_contradict_a_number_of_persons(tmp_path: Path) -> None:
    header = ("Pseudonym", "Nachname", "Vorname")
    config = drafted(tmp_path, table(tmp_path, header, lambda n, _: (number(n, 0), "Muster", "Karl")))
    assert (load(config).subject, load(config).privacy.k_anonymity) == ("Pseudonym", 5)
