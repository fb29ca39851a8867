"""Cases 26, 27, 30 and 36 to 42 of the fault list: each ends in 78, and no cell is quoted."""

from __future__ import annotations

from pathlib import Path

import pytest

from anonymizer.errors import BadConfig
from release.intake.columns import resolve
from tests.configs import TABLE, TABLE_COLUMNS, loaded

WITH_FILE = TABLE.replace("hierarchy: suppression", "hierarchy: {file: sex.csv}")


def refusal(folder: Path, text: str) -> BadConfig:
    with pytest.raises(BadConfig) as caught:
        loaded(folder, text)
    assert caught.value.exit_code == 78
    return caught.value


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param("CANARY;x;*\nb;x;*\nc;x;**\n", id="26: a label with two parents"),
        pytest.param("CANARY;x;*\nCANARY;x;*\n", id="27: a leaf twice"),
        pytest.param("CANARY;x;*\nb;*\n", id="27: uneven depth"),
        pytest.param("CANARY;x;CANARY;*\nb;x;CANARY;*\n", id="27: a cycle"),
    ],
)
def test_26_27_a_hierarchy_file_that_is_no_hierarchy(tmp_path: Path, rows: str) -> None:
    (tmp_path / "sex.csv").write_text(rows, encoding="utf-8")
    config = loaded(tmp_path, WITH_FILE)

    with pytest.raises(BadConfig) as caught:
        resolve(config, TABLE_COLUMNS)

    assert [(problem.path, problem.line) for problem in caught.value.problems] == [
        ("columns.sex.hierarchy", 8)
    ]
    assert "CANARY" not in str(caught.value)


def test_30_columns_that_no_rule_names_are_all_told(tmp_path: Path) -> None:
    config = loaded(tmp_path, TABLE)

    with pytest.raises(BadConfig) as caught:
        resolve(config, (*TABLE_COLUMNS, "height", "remark"))

    assert [problem.path for problem in caught.value.problems] == ["columns.height", "columns.remark"]


@pytest.mark.parametrize(
    "tagged",
    ["!!python/object/apply:os.system [id]", "!!python/name:os.system x", "!!str 5", "!env HOME", "! x"],
)
def test_36_a_tag(tmp_path: Path, tagged: str) -> None:
    problems = refusal(tmp_path, TABLE.replace("subject: id", f"subject: {tagged}")).problems

    assert [str(problem) for problem in problems] == ["line 4: subject: a tag is not allowed"]


def test_36_a_tag_on_a_key(tmp_path: Path) -> None:
    assert "a tag is not allowed" in str(refusal(tmp_path, TABLE.replace("subject:", "!x subject:")))


def test_37_an_alias_bomb_is_never_expanded(tmp_path: Path) -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    text = TABLE + "a0: &a0 [x, x]\n" + "\n".join(levels) + "\n"

    assert "line 15: a0: an anchor or alias is not allowed" in str(refusal(tmp_path, text))


def test_37_a_mapping_that_holds_itself(tmp_path: Path) -> None:
    assert "anchor or alias" in str(refusal(tmp_path, "a: &a {b: *a}\n"))


def test_37_a_merge_key(tmp_path: Path) -> None:
    assert "a merge key is not allowed" in str(refusal(tmp_path, TABLE + "<<: {seed: 1}\n"))


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000], ids=["[", "{", "-"])
def test_37_a_file_nested_without_end(tmp_path: Path, text: str) -> None:
    assert "nested deeper" in str(refusal(tmp_path, "a: " * (text[0] != "-") + text))


def test_37_a_file_too_large_to_be_a_config(tmp_path: Path) -> None:
    assert "larger than 1 MiB" in str(refusal(tmp_path, TABLE + "#" * 2**20))


def test_38_a_key_that_stands_twice(tmp_path: Path) -> None:
    text = TABLE.replace("k_anonymity: 2", "k_anonymity: 2\n  k_anonymity: 50")

    problems = refusal(tmp_path, text).problems
    assert [str(problem) for problem in problems] == ["line 13: privacy.k_anonymity: this key stands twice"]


def test_38_a_column_that_stands_twice_in_two_spellings(tmp_path: Path) -> None:
    composed, decomposed = "gr\u00f6\u00dfe", "gro\u0308\u00dfe"
    twice = f"  {composed}: {{role: insensitive}}\n  {decomposed}: {{role: identifier}}\nprivacy:"

    assert "stands twice" in str(refusal(tmp_path, TABLE.replace("privacy:", twice)))


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        ("k_anonymity: 2", "k_anonymity: no", "line 12: privacy.k_anonymity: must be a whole number"),
        ("k_anonymity: 2", "k_anonymity: 1:30", "line 12: privacy.k_anonymity: must be a whole number"),
        (
            "hierarchy: suppression",
            "hierarchy: suppression, sensitive: no",
            "line 8: columns.sex.sensitive: must be true or false",
        ),
    ],
)
def test_39_words_that_yaml_1_1_takes_for_something_else(
    tmp_path: Path, before: str, after: str, finding: str
) -> None:
    assert [str(each) for each in refusal(tmp_path, TABLE.replace(before, after)).problems] == [finding]


def test_39_no_is_norway_where_text_is_wanted(tmp_path: Path) -> None:
    config = loaded(tmp_path, TABLE.replace('delimiter: ";"', "missing: [no, 1:30]"))

    assert config.input.table is not None
    assert config.input.table.missing == ("no", "1:30")


def test_39_a_file_cannot_ask_for_yaml_1_1(tmp_path: Path) -> None:
    assert "a YAML directive is not allowed" in str(refusal(tmp_path, "%YAML 1.1\n---\n" + TABLE))


def test_40_an_unknown_key_is_refused_with_the_right_one(tmp_path: Path) -> None:
    text = TABLE.replace("k_anonymity: 2", "k_anonymity: 2\n  supression_limit: 0.1")

    assert [str(each) for each in refusal(tmp_path, text).problems] == [
        "line 13: privacy.supression_limit: is no key here (did you mean 'suppression_limit'?)"
    ]


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("path: patients.csv", "path: ../../etc/passwd", "input.table.path"),
        ("path: patients.csv", "path: data/../../patients.csv", "input.table.path"),
        ("directory: releases", "directory: ..", "output.directory"),
        ("hierarchy: suppression", "hierarchy: {file: ../sex.csv}", "columns.sex.hierarchy.file"),
        (
            "hierarchy: suppression",
            "hierarchy: {icd-10-gm: {ranges: ../x}}",
            "columns.sex.hierarchy.icd-10-gm.ranges",
        ),
        ("path: patients.csv", 'path: "a\\0b"', "input.table.path"),
        ("path: patients.csv", 'path: ""', "input.table.path"),
    ],
)
def test_41_a_path_out_of_the_configs_folder(tmp_path: Path, before: str, after: str, where: str) -> None:
    problems = refusal(tmp_path, TABLE.replace(before, after)).problems

    assert [problem.path for problem in problems] == [where]


def test_41_a_link_out_of_the_configs_folder(tmp_path: Path) -> None:
    (outside := tmp_path / "outside").mkdir()
    (inside := tmp_path / "inside").mkdir()
    (inside / "hierarchies").symlink_to(outside)
    text = TABLE.replace("hierarchy: suppression", "hierarchy: {file: hierarchies/sex.csv}")

    assert refusal(inside, text).problems[0].path == "columns.sex.hierarchy.file"


def test_41_a_link_that_leads_to_itself_stays_a_finding_of_the_reader(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").symlink_to(tmp_path / "patients.csv")

    assert loaded(tmp_path, TABLE).input.source.path.name == "patients.csv"


@pytest.mark.parametrize(
    ("name", "directory"), [("patients.csv", "."), ("x", "patients.csv"), ("data", ".")], ids=str
)
def test_42_a_release_in_the_place_of_the_input(tmp_path: Path, name: str, directory: str) -> None:
    text = TABLE.replace("name: patients", f"name: {name}").replace("releases", directory)
    if name == "data":
        text = text.replace("path: patients.csv", "path: data/patients.csv")

    assert [problem.path for problem in refusal(tmp_path, text).problems] == ["output.directory"]


def test_42_a_release_in_the_place_of_the_input_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "releases").symlink_to(tmp_path / "export")
    text = TABLE.replace("path: patients.csv", "path: export")

    assert [problem.path for problem in refusal(tmp_path, text).problems] == ["output.directory"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty"),
        (b"- a\n", "not a mapping"),
        (b"a\n", "not a mapping"),
        (b"a: 1\n---\nb: 2\n", "more than one YAML document"),
        (b"a: [1\n", "not valid YAML"),
        (b"a: \x01\n", "not valid YAML"),
        (b"a: \xff\n", "not UTF-8"),
        (b"a: *b\n", "anchor or alias"),
        (b"? [a]\n: b\n", "a key is not plain text"),
        (b"5: a\n", "a key is not text"),
        (b"a: 2026-02-30\n", "looks like a number or a date"),
        (b"a: " + b"9" * 9999 + b"\n", "looks like a number or a date"),
    ],
)
def test_what_is_no_config_at_all(tmp_path: Path, content: bytes, rule: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)

    with pytest.raises(BadConfig, match=rule):
        loaded(tmp_path, content.decode("utf-8")) if rule != "not UTF-8" else _load(path)


def _load(path: Path) -> None:
    from release.config.root import load

    load(path)
