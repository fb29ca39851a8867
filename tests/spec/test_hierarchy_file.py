"""Hierarchies from files in ARX's layout: one row per leaf, from the leaf to the top, separated by `;`.

Private;Non-Government;*
Self-emp;Non-Government;*
State-gov;Government;*
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from anonymizer.errors import BadInput
from anonymizer.hierarchies.encoding import encode
from anonymizer.hierarchies.hierarchy_file import FromFile, from_file
from anonymizer.tables.table import Column, Role
from tests.conftest import SHARED, needs_shared

WORK = "Private;Non-Government;*\nSelf-emp;Non-Government;*\nState-gov;Government;*\n"


def written(folder: Path, text: str, *, encoding: str = "utf-8", delimiter: str = ";") -> FromFile:
    file = folder / "hierarchy.csv"
    file.write_bytes(text.encode(encoding))
    return from_file(file, delimiter=delimiter)


def labels(hierarchy: FromFile, value: str) -> list[str]:
    return [label for (label,) in hierarchy.generalise([value]).labels]


def test_a_label_covers_as_many_leaves_as_the_file_has_rows_for_it(tmp_path: Path) -> None:
    work = written(tmp_path, WORK)
    assert work.level_names == ("value", "level 1", "*")
    assert work.leaves == 3
    result = work.generalise(["Private", "State-gov"])
    assert result.labels == (("Private", "State-gov"), ("Non-Government", "Government"), ("*", "*"))
    assert result.leaf_counts == ((1, 1), (2, 1), (3, 3))


def test_the_domain_is_the_file_and_not_the_data(tmp_path: Path) -> None:
    """The share of a label doesn't change with the rows of the table."""
    column = Column("work", Role.QUASI_IDENTIFIER, written(tmp_path, WORK))
    _, ladder = encode(pl.Series("work", ["Private", "Private"]), column)
    assert ladder.leaves == 3
    assert ladder.leaf_counts[:, 0].tolist() == [1, 2, 3]


def test_a_file_that_does_not_end_in_a_star_gets_one(tmp_path: Path) -> None:
    short = written(tmp_path, "a;vowel\nb;consonant\nc;consonant\n")
    assert labels(short, "b") == ["b", "consonant", "*"]
    assert short.leaves == 3


def test_a_star_below_the_top_of_some_rows_is_a_label_like_any_other(tmp_path: Path) -> None:
    uneven = written(tmp_path, "a;*;*\nb;group;*\nc;group;*\n")
    assert uneven.generalise(["a", "b"]).leaf_counts == ((1, 1), (1, 2), (3, 3))


def test_a_label_may_keep_its_name_on_the_next_level(tmp_path: Path) -> None:
    kept = written(tmp_path, "a;a;vowels;*\nb;consonants;consonants;*\nc;consonants;consonants;*\n")
    assert labels(kept, "a") == ["a", "a", "vowels", "*"]
    assert labels(kept, "b") == ["b", "consonants", "consonants", "*"]


def test_the_name_of_a_group_may_be_that_of_one_of_its_leaves(tmp_path: Path) -> None:
    other = written(tmp_path, "Other;Other;*\nUnknown;Other;*\nNurse;Medical;*\n")
    assert other.generalise(["Other", "Unknown"]).leaf_counts == ((1, 1), (2, 2), (3, 3))


def test_labels_are_written_unchanged(tmp_path: Path) -> None:
    odd = written(tmp_path, '10-12; 1;*\n=SUM(A1);" 1";*\n"a;b";"say ""x""";*\n')
    assert labels(odd, "10-12") == ["10-12", " 1", "*"]
    assert labels(odd, "=SUM(A1)") == ["=SUM(A1)", " 1", "*"]
    assert labels(odd, "a;b") == ["a;b", 'say "x"', "*"]


def test_byte_order_mark_line_ends_blank_lines_and_decomposed_letters_do_not_matter(tmp_path: Path) -> None:
    decomposed = "Mu\u0308nchen;Su\u0308den;*\r\n\r\nKiel;Norden;*\r\n"
    towns = written(tmp_path, decomposed, encoding="utf-8-sig")
    assert labels(towns, "München") == ["München", "Süden", "*"]
    assert towns.leaves == 2


@pytest.mark.parametrize("separator", ["\u0085", "\u2028", "\x0b", "\x1c"])
def test_only_the_line_ends_of_csv_end_a_row(tmp_path: Path, separator: str) -> None:
    towns = written(tmp_path, f'Bad{separator}Aibling;"in the\nsouth";*\r\nKiel;north;*\n')
    assert labels(towns, f"Bad{separator}Aibling") == [f"Bad{separator}Aibling", "in the\nsouth", "*"]
    assert towns.leaves == 2


def test_the_delimiter_can_be_chosen(tmp_path: Path) -> None:
    assert labels(written(tmp_path, "a,vowel,*\nb,consonant,*\n", delimiter=","), "a") == ["a", "vowel", "*"]


def test_one_leaf_is_a_domain(tmp_path: Path) -> None:
    assert written(tmp_path, "only;*\n").generalise(["only"]).leaf_counts == ((1,), (1,))


def test_missing_is_a_leaf_beside_those_of_the_file(tmp_path: Path) -> None:
    column = Column("work", Role.QUASI_IDENTIFIER, written(tmp_path, WORK))
    _, ladder = encode(pl.Series("work", ["Private", None]), column)
    assert ladder.labels == (("Private", None), ("Non-Government", None), ("*", "*"))
    assert ladder.leaf_counts.tolist() == [[1, 1], [2, 1], [4, 4]]


def test_values_are_compared_exactly(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refusal:
        written(tmp_path, WORK).generalise(["Private", "private", "Private ", ""])
    assert refusal.value.count == 3


@needs_shared
@pytest.mark.parametrize("file", sorted((SHARED / "data").glob("*/*_hierarchy_*.csv")), ids=lambda f: f.stem)
def test_the_hierarchies_of_the_reference_data_are_read(file: Path) -> None:
    hierarchy = from_file(file)
    lines = file.read_text("utf-8").splitlines()
    assert hierarchy.leaves == len(lines)
    assert len(hierarchy.level_names) == lines[0].count(";") + 1
    assert hierarchy.generalise(list(hierarchy.rows)).labels[-1] == ("*",) * len(lines)
