"""What codes become at each level, how much of the domain they then cover, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.errors import BadConfig, BadInput, InputMissing
from anonymizer.hierarchies.hierarchy import Generalised, Hierarchy
from mii.codesystems import ags, atc, canonical_icd_10_gm, icd_10_gm, ops, plz


def path_of(hierarchy: Hierarchy, value: str) -> list[str]:
    return [level[0] for level in hierarchy.generalise([value]).labels]


def leaves_of(hierarchy: Hierarchy, value: str) -> list[int]:
    return [level[0] for level in hierarchy.generalise([value]).leaf_counts]


@pytest.mark.parametrize(
    ("hierarchy", "path"),
    [
        (icd_10_gm(), ["I50.13", "I50.1", "I50", "I30-I52", "IX", "*"]),
        (icd_10_gm(), ["I50.1", "I50.1", "I50", "I30-I52", "IX", "*"]),
        (icd_10_gm(), ["I50", "I50", "I50", "I30-I52", "IX", "*"]),
        (icd_10_gm(), ["U07.1", "U07.1", "U07", "U00-U49", "XXII", "*"]),
        (icd_10_gm(), ["Y05.9", "Y05.9", "Y05", "X85-Y09", "XX", "*"]),
        (icd_10_gm(), ["A29.9", "A29.9", "A29", "A29", "unknown", "*"]),
        (ops(), ["5-323.51", "5-323.5", "5-323", "5-32", "5", "*"]),
        (ops(), ["8-98g.1", "8-98g.1", "8-98g", "8-98", "8", "*"]),
        (atc(), ["C09AA05", "C09AA", "C09A", "C09", "C", "*"]),
        (atc(), ["C09", "C09", "C09", "C09", "C", "*"]),
        (plz(), ["01067", "010", "01", "0", "*"]),
        (plz(), ["01", "01", "01", "0", "*"]),
        (plz((2,)), ["01067", "01", "*"]),
        (ags(), ["09162000", "09162", "09", "*"]),
    ],
)
def test_a_code_becomes(hierarchy: Hierarchy, path: list[str]) -> None:
    assert path_of(hierarchy, path[0]) == path
    assert len(hierarchy.level_names) == len(path)


@pytest.mark.parametrize(
    ("hierarchy", "value", "leaves"),
    [
        (icd_10_gm(), "I50.13", [1, 10, 100, 23 * 100, 81 * 100, 260_000]),
        (icd_10_gm(), "I50.1", [1, 10, 100, 23 * 100, 81 * 100, 260_000]),
        (icd_10_gm(), "I50", [1, 1, 100, 23 * 100, 81 * 100, 260_000]),
        (icd_10_gm(), "V01", [1, 1, 100, 259 * 100, 381 * 100, 260_000]),
        (icd_10_gm(), "A29.9", [1, 10, 100, 100, 389 * 100, 260_000]),
        (ops(), "5-323.51", [1, 36, 36**2, 36**3, 36**3 * 100, 36**3 * 1000]),
        (ops(), "5-323", [1, 1, 36**2, 36**3, 36**3 * 100, 36**3 * 1000]),
        (atc(), "C09AA05", [1, 100, 2600, 26**2 * 100, 26**2 * 10**4, 26**3 * 10**4]),
        (plz(), "01067", [1, 100, 1000, 10_000, 100_000]),
        (plz(), "01", [1, 1, 1000, 10_000, 100_000]),
        (ags(), "09162000", [1, 1000, 10**6, 10**8]),
    ],
)
def test_a_label_covers(hierarchy: Hierarchy, value: str, leaves: list[int]) -> None:
    assert leaves_of(hierarchy, value) == leaves


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("I50.13", "I50.13"),
        ("i50.1", "I50.1"),
        (" I50.1 ", "I50.1"),
        ("I501", "I50.1"),
        ("I50.-", "I50"),
        ("I50.1-", "I50.1"),
        ("E10.30+", "E10.30"),
        ("E10.30†", "E10.30"),
        ("H36.0*", "H36.0"),
        ("U07.1!", "U07.1"),
        ("J12.8 U07.1!", None),
        ("I5", None),
        ("I50.123", None),
        ("50.1", None),
        ("I50,1", None),
        ("Ⅰ50.1", None),
        ("I５0.1", None),
        ("", None),
    ],
)
def test_canonical_form_of_a_diagnosis(written: str, meant: str | None) -> None:
    assert canonical_icd_10_gm(written) == meant


def test_spellings_of_one_diagnosis_are_one_value() -> None:
    labels = icd_10_gm().generalise(["E10.30", "E10.30+", "e1030"]).labels
    assert all(len(set(level)) == 1 for level in labels)


@pytest.mark.parametrize(
    ("hierarchy", "malformed"),
    [
        (icd_10_gm(), ["canary", "J12.8 U07.1!"]),
        (ops(), ["5.323", "canary"]),
        (atc(), ["C9AA05", "c09aa05"]),
        (plz(), ["D-01067", "010671"]),
        (ags(), ["0916", "9"]),
    ],
)
def test_malformed_codes_are_refused_with_their_count_alone(
    hierarchy: Hierarchy, malformed: list[str]
) -> None:
    with pytest.raises(BadInput) as refused:
        hierarchy.generalise(malformed)
    assert refused.value.count == 2
    assert not any(value in str(refused.value) for value in malformed)


def test_codes_of_the_unknown_chapter_are_counted() -> None:
    assert icd_10_gm().unknown(["I50.1", "A29.9", "A29", "U98", "nonsense"]) == 3


categories = st.builds("{}{:02d}".format, st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), st.integers(0, 99))
diagnoses = st.builds("{}{}".format, categories, st.sampled_from(["", ".0", ".9", ".12", ".19"]))
procedures = st.from_regex(r"[0-9]-[0-9]{2}([0-9a-z](\.[0-9a-z]{1,2})?)?", fullmatch=True)
drugs = st.from_regex(r"[A-Z]([0-9]{2}([A-Z]([A-Z]([0-9]{2})?)?)?)?", fullmatch=True)
postal_codes = st.from_regex(r"[0-9]{1,5}", fullmatch=True)


@pytest.mark.parametrize(
    ("hierarchy", "codes"),
    [(icd_10_gm(), diagnoses), (ops(), procedures), (atc(), drugs), (plz(), postal_codes)],
    ids=["icd-10-gm", "ops", "atc", "plz"],
)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_levels_are_nested_and_never_shrink(
    hierarchy: Hierarchy, codes: st.SearchStrategy[str], data: st.DataObject
) -> None:
    values = data.draw(st.lists(codes, min_size=1, max_size=40, unique=True))
    generalised = hierarchy.generalise(values)
    assert_nested(generalised)
    assert set(generalised.labels[-1]) == {"*"}
    assert set(generalised.leaf_counts[-1]) == {hierarchy.leaves}


def assert_nested(generalised: Generalised) -> None:
    levels = list(zip(generalised.labels, generalised.leaf_counts, strict=True))
    for (labels, leaves), (above, more) in pairwise(levels):
        assert len(set(zip(labels, above, strict=True))) == len(set(labels))
        assert all(a <= b for a, b in zip(leaves, more, strict=True))


def test_blocks_and_chapters_part_the_domain() -> None:
    """Summed over the labels of a level, the leaves are the domain: shares are shares."""
    hierarchy = icd_10_gm()
    everything = [f"{letter}{number:02d}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for number in range(100)]
    generalised = hierarchy.generalise(everything)
    for level in (2, 3, 4):
        covered = dict(zip(generalised.labels[level], generalised.leaf_counts[level], strict=True))
        assert sum(covered.values()) == hierarchy.leaves


def ranges(folder: Path, text: str) -> Path:
    file = folder / "ranges.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "text", ["first,last,chapter\nI30,I52,IX\n", "\ufeff# own\nfirst;last;chapter\nI30;I52;IX\n"]
)
def test_a_site_may_bring_its_own_ranges(tmp_path: Path, text: str) -> None:
    hierarchy = icd_10_gm(ranges(tmp_path, text))
    assert path_of(hierarchy, "I50.1") == ["I50.1", "I50.1", "I50", "I30-I52", "IX", "*"]
    assert path_of(hierarchy, "J12.8")[3:] == ["J12", "unknown", "*"]
    assert leaves_of(hierarchy, "J12.8")[3:5] == [100, 260_000 - 2300]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("first,last,chapter\nI30,I52,IX\nI50,I60,IX\n", "I30-I52 and I50-I60 overlap"),
        ("first,last,chapter\nI52,I30,IX\n", "ends before it begins"),
        ("first,last,chapter\nI3,I52,IX\n", "two three-character categories"),
        ("first,last,chapter\nI30,I52\n", "two three-character categories"),
        ("first,last,chapter\nI30,I52,*\n", "two three-character categories"),
        ("first,last,chapter\n", "at least one range"),
        ("from,to,chapter\nI30,I52,IX\n", "columns first, last and chapter"),
        ("", "columns first, last and chapter"),
    ],
)
def test_a_broken_table_of_ranges_is_a_bad_config(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadConfig, match=said):
        icd_10_gm(ranges(tmp_path, text))


def test_ranges_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputMissing):
        icd_10_gm(tmp_path / "none.csv")


def test_ranges_that_are_not_text(tmp_path: Path) -> None:
    (tmp_path / "ranges.csv").write_bytes(b"first,last,chapter\nI30,I52,\xff\n")
    with pytest.raises(BadConfig, match="UTF-8"):
        icd_10_gm(tmp_path / "ranges.csv")


def test_postal_code_prefixes_must_fall() -> None:
    with pytest.raises(BadConfig):
        plz((2, 3))
