"""Which rule speaks of which column, and what a table's columns must allow."""

from __future__ import annotations

from pathlib import Path

import pytest

from anonymizer.errors import BadConfig, BadInput, InputMissing
from anonymizer.hierarchies.dates import dates
from anonymizer.hierarchies.hierarchy import bands, prefix, suppression
from anonymizer.hierarchies.hierarchy_file import from_file
from anonymizer.tables.table import Column, Role
from mii import codesystems
from mii.request import COLUMNS, FAMILIES, lab_columns
from release.intake.columns import accepted_dependencies, column_types, resolve
from tests.configs import EXPORT, TABLE, TABLE_COLUMNS, TODAY, loaded

EXPORT_COLUMNS = (*COLUMNS, *lab_columns(("crp",)))


def column(folder: Path, text: str, name: str) -> Column:
    found = resolve(loaded(folder, text), TABLE_COLUMNS)
    return next(each for each in found if each.name == name)


def with_rule(rule: str, *, of: str = "sex") -> str:
    before = {"sex": "{role: quasi-identifier, hierarchy: suppression}", "diagnosis": "{role: sensitive}"}[of]
    return TABLE.replace(f"{of}: {before}", f"{of}: {rule}")


def problems(folder: Path, text: str, available: tuple[str, ...] = TABLE_COLUMNS) -> list[str]:
    with pytest.raises(BadConfig) as caught:
        resolve(loaded(folder, text), available, families=FAMILIES)
    return [problem.path for problem in caught.value.problems]


def export_problems(folder: Path, columns: str) -> list[str]:
    text = EXPORT.replace("  gender:", f"{columns}\n  gender:")
    return problems(folder, text, EXPORT_COLUMNS)


def test_a_table_keeps_its_order_and_every_column_gets_its_rule(tmp_path: Path) -> None:
    columns = resolve(loaded(tmp_path, TABLE), TABLE_COLUMNS)

    assert [(each.name, each.role) for each in columns] == [
        ("id", Role.IDENTIFIER),
        ("age", Role.QUASI_IDENTIFIER),
        ("sex", Role.QUASI_IDENTIFIER),
        ("diagnosis", Role.SENSITIVE),
        ("lab_a", Role.INSENSITIVE),
        ("lab_b", Role.INSENSITIVE),
    ]
    assert [each.sensitive for each in columns] == [False, False, False, True, False, False]


def test_an_export_gives_only_the_columns_that_are_named(tmp_path: Path) -> None:
    columns = resolve(loaded(tmp_path, EXPORT), EXPORT_COLUMNS, families=FAMILIES)

    assert [each.name for each in columns] == [
        "patient_id",
        "encounter_id",
        "gender",
        "age_years",
        "plz",
        "admission_date",
        "main_diagnosis",
        "lab_crp_last",
    ]


def test_a_rule_is_carried_over_whole(tmp_path: Path) -> None:
    spec = "hierarchy: {prefix: [2, 1], length: 3}"
    rule = f"{{role: quasi-identifier, {spec}, weight: 2, min_level: 1, max_level: 2}}"

    assert column(tmp_path, with_rule(rule), "sex") == Column(
        "sex", Role.QUASI_IDENTIFIER, prefix((2, 1), length=3), weight=2.0, min_level=1, max_level=2
    )


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("suppression", suppression()),
        ("icd-10-gm", codesystems.icd_10_gm()),
        ("ops", codesystems.ops()),
        ("atc", codesystems.atc()),
        ("plz", codesystems.plz()),
        ("ags", codesystems.ags()),
        ("{bands: [5, 10], top: 90, bottom: 18}", bands((5, 10), top=90, bottom=18)),
        ("{prefix: [3, 1]}", prefix((3, 1), length=5)),
    ],
)
def test_a_hierarchy_is_what_it_is_called(tmp_path: Path, spec: str, expected: object) -> None:
    rule = f"{{role: quasi-identifier, hierarchy: {spec}}}"

    assert column(tmp_path, with_rule(rule), "sex").hierarchy == expected


@pytest.mark.parametrize(
    ("domain", "first", "last"),
    [
        ("", "1900-01-01", "2026-11-22"),
        (", domain: {from: 1990-01-01, to: 1999-12-31}", "1990-01-01", "1999-12-31"),
    ],
)
def test_dates_reach_from_1900_to_the_reference_date_unless_said_otherwise(
    tmp_path: Path, domain: str, first: str, last: str
) -> None:
    rule = f"{{role: quasi-identifier, hierarchy: {{date: [month, year]{domain}}}}}"
    found = column(tmp_path, f"reference_date: {TODAY}\n" + with_rule(rule), "sex").hierarchy

    assert found == dates(("month", "year"), first=TODAY.fromisoformat(first), last=TODAY.fromisoformat(last))


def test_a_hierarchy_file_is_read_from_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "sex.csv").write_text("m,person,*\nf,person,*\n", encoding="utf-8")
    rule = '{role: quasi-identifier, hierarchy: {file: sex.csv, delimiter: ","}}'

    found = column(tmp_path, with_rule(rule), "sex").hierarchy
    assert found == from_file(tmp_path / "sex.csv", delimiter=",")


def test_a_hierarchy_file_that_does_not_exist_is_a_missing_input(tmp_path: Path) -> None:
    with pytest.raises(InputMissing):
        column(tmp_path, with_rule("{role: quasi-identifier, hierarchy: {file: sex.csv}}"), "sex")


def test_a_site_may_bring_its_own_edition_of_icd_10_gm(tmp_path: Path) -> None:
    (tmp_path / "edition.csv").write_text(codesystems.BLOCKS.read_text(encoding="utf-8"), encoding="utf-8")
    rule = "{role: quasi-identifier, hierarchy: {icd-10-gm: {ranges: edition.csv}}}"

    found = column(tmp_path, with_rule(rule), "sex").hierarchy
    assert found == codesystems.icd_10_gm(tmp_path / "edition.csv")


def test_a_name_wins_over_a_pattern(tmp_path: Path) -> None:
    text = TABLE.replace('  "lab_*"', "  lab_a: {role: identifier}\n  'lab_*'")

    assert column(tmp_path, text, "lab_a").role is Role.IDENTIFIER
    assert column(tmp_path, text, "lab_b").role is Role.INSENSITIVE


def test_patterns_that_agree_may_overlap_and_others_may_not(tmp_path: Path) -> None:
    agreeing = TABLE.replace('  "lab_*"', "  '*_a': {role: insensitive}\n  'lab_*'")
    contradicting = agreeing.replace("'*_a': {role: insensitive}", "'*_a': {role: sensitive}")

    assert column(tmp_path, agreeing, "lab_a").role is Role.INSENSITIVE
    assert problems(tmp_path, contradicting) == ["columns.lab_*"]


def test_a_pattern_knows_the_star_only(tmp_path: Path) -> None:
    text = TABLE.replace('"lab_*"', '"lab_[ab]"').replace("id: {role: identifier}", "'*': {role: identifier}")
    config = loaded(tmp_path, text)

    with pytest.raises(BadInput, match=r"config names: lab_\[ab\] "):
        resolve(config, TABLE_COLUMNS)


def test_a_table_without_the_columns_asked_for_keeps_its_own_header_secret(tmp_path: Path) -> None:
    # with another delimiter, or with no header, the first row of data stands where the names should
    with pytest.raises(BadInput) as caught:
        resolve(loaded(tmp_path, TABLE), ("4711", "CANARY", "f", "diagnosis"))

    assert caught.value.exit_code == 65
    message = str(caught.value)
    assert "id, age, sex, lab_*" in message
    assert "3 of its 4 columns have no rule" in message
    assert "CANARY" not in message
    assert "4711" not in message


def test_a_name_that_an_export_does_not_have_is_refused_with_the_right_one(tmp_path: Path) -> None:
    config = loaded(tmp_path, EXPORT.replace("age_years", "age_year").replace("lab_crp_last", "lab_cpr_last"))

    with pytest.raises(BadConfig) as caught:
        resolve(config, EXPORT_COLUMNS)

    assert [(each.path, each.suggestion, each.line) for each in caught.value.problems] == [
        ("columns.age_year", "age_years", 16),
        ("columns.lab_cpr_last", "lab_crp_last", 20),
    ]


def test_a_subject_or_demand_that_only_a_pattern_speaks_of_must_exist(tmp_path: Path) -> None:
    text = TABLE.replace("subject: id", "subject: idd").replace("  id:", "  'id*':")

    assert problems(tmp_path, text) == ["subject"]


@pytest.mark.parametrize("key", ["min_level", "max_level"])
def test_a_level_beyond_the_hierarchy_is_refused(tmp_path: Path, key: str) -> None:
    levels = "min_level: 2, max_level: 2" if key == "min_level" else "max_level: 2"
    rule = f"{{role: quasi-identifier, hierarchy: suppression, {levels}}}"

    assert f"columns.sex.{key}" in problems(tmp_path, with_rule(rule))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("gender_amtlih", "gender_amtlich"),
        ("performed_frist", "performed_first"),
        ("pzn_al", "pzn_all"),
        ("discharge_reson", "discharge_reason"),
        ("addmission_date", "admission_date"),
        # no pattern reaches it, so its name is told
        ("pzn_a*", "pzn_all"),
        ("frobnicate", None),
    ],
)
def test_a_mistyped_column_of_an_export_is_told_what_was_meant(
    tmp_path: Path, written: str, meant: str | None
) -> None:
    text = EXPORT.replace("  gender:", f'  "{written}": {{role: sensitive}}\n  gender:')
    with pytest.raises(BadConfig) as caught:
        resolve(loaded(tmp_path, text), EXPORT_COLUMNS, families=FAMILIES)
    assert [(each.path, each.suggestion) for each in caught.value.problems] == [(f"columns.{written}", meant)]


def test_a_release_level_beyond_the_hierarchy_is_refused(tmp_path: Path) -> None:
    rule = "{role: sensitive, hierarchy: icd-10-gm, release_level: 6}"

    assert problems(tmp_path, with_rule(rule, of="diagnosis")) == ["columns.diagnosis.release_level"]


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        ("  birth_date: {role: insensitive}", True),
        ("  birth_date: {role: sensitive, hierarchy: {date: [year]}, release_level: 1}", True),
        ("  birth_date: {role: sensitive, hierarchy: {date: [year]}, release_level: 2}", False),
        ("  birth_date: {role: quasi-identifier, hierarchy: {date: [year]}}", False),
        ("  birth_date: {role: identifier}", False),
        ("  length_of_stay_days: {role: insensitive}", True),
        (
            "  discharge_date: {role: insensitive,"
            " hierarchy: {date: [month, quarter, year]}, release_level: 3}",
            True,
        ),
        ("  icd10gm_all: {role: sensitive}", True),
        ("  icd10gm_all: {role: sensitive, hierarchy: icd-10-gm, release_level: 4}", True),
        ("  ags: {role: insensitive}", True),
        ("  cause_of_death: {role: sensitive}", True),
        ("  cause_of_death: {role: sensitive, hierarchy: icd-10-gm, release_level: 4}", True),
        ("  cause_of_death: {role: sensitive, hierarchy: icd-10-gm, release_level: 5}", False),
        ("  deceased: {role: sensitive}", False),
    ],
)
def test_no_column_of_a_family_is_released_finer_than_its_quasi_identifier(
    tmp_path: Path, rule: str, refused: bool
) -> None:
    name = rule.partition(":")[0].strip()
    text = EXPORT.replace("  gender:", f"{rule}\n  gender:")

    if refused:
        assert problems(tmp_path, text, EXPORT_COLUMNS) == [f"columns.{name}"]
    else:
        resolve(loaded(tmp_path, text), EXPORT_COLUMNS, families=FAMILIES)


def test_a_relative_may_be_released_at_the_coarsest_level_its_quasi_identifier_can_get(
    tmp_path: Path,
) -> None:
    units = "hierarchy: {date: [month, quarter, year]}"
    text = EXPORT.replace(f"{units}}}", f"{units}, max_level: 3}}").replace(
        "  gender:", f"  discharge_date: {{role: insensitive, {units}, release_level: 3}}\n  gender:"
    )

    assert resolve(loaded(tmp_path, text), EXPORT_COLUMNS, families=FAMILIES)
    finer = text.replace("release_level: 3", "release_level: 2")
    assert problems(tmp_path, finer, EXPORT_COLUMNS) == ["columns.discharge_date"]


def test_who_has_a_cause_of_death_is_dead(tmp_path: Path) -> None:
    died = "  deceased: {role: quasi-identifier, hierarchy: suppression}\n"
    text = EXPORT.replace("  gender:", f"{died}  cause_of_death: {{role: sensitive}}\n  gender:")
    text = text.replace(
        "main_diagnosis: {role: quasi-identifier, sensitive: true", "main_diagnosis: {role: sensitive"
    )
    text = text.replace(", hierarchy: icd-10-gm}", "}")

    assert problems(tmp_path, text, EXPORT_COLUMNS) == ["columns.cause_of_death"]


def test_the_statistics_of_one_laboratory_value_are_a_family(tmp_path: Path) -> None:
    quasi = "  lab_crp_count: {role: quasi-identifier, hierarchy: {bands: [5], top: 50}}"

    assert export_problems(tmp_path, quasi) == ["columns.lab_crp_last"]


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ("  icd10gm_all: {role: quasi-identifier, hierarchy: icd-10-gm}", "columns.icd10gm_all.role"),
        (
            "  deceased: {role: quasi-identifier, hierarchy: {bands: [5], top: 9}}",
            "columns.deceased.hierarchy",
        ),
        ("  department: {role: quasi-identifier, hierarchy: {date: [year]}}", "columns.department.hierarchy"),
        ("  department: {role: sensitive, clip: [0, 1]}", "columns.department.clip"),
    ],
)
def test_a_rule_must_fit_the_exports_column(tmp_path: Path, rule: str, where: str) -> None:
    assert export_problems(tmp_path, rule) == [where]


def test_a_direct_identifier_of_an_export_cannot_be_released(tmp_path: Path) -> None:
    text = EXPORT.replace("encounter_id: {role: identifier}", "encounter_id: {role: insensitive}")

    assert problems(tmp_path, text, EXPORT_COLUMNS) == ["columns.encounter_id.role"]


def test_lists_of_codes_have_no_diversity(tmp_path: Path) -> None:
    text = EXPORT.replace("column: main_diagnosis", "column: ops_all").replace(
        "  gender:", "  ops_all: {role: sensitive}\n  gender:"
    )

    assert problems(tmp_path, text, EXPORT_COLUMNS) == ["privacy.l_diversity[0].column"]


def test_everything_wrong_with_the_columns_is_told_at_once(tmp_path: Path) -> None:
    rule = "{role: quasi-identifier, hierarchy: suppression, max_level: 9}"

    assert problems(tmp_path, with_rule(rule), (*TABLE_COLUMNS, "remark")) == [
        "columns.remark",
        "columns.sex.max_level",
    ]


def test_types_are_told_for_released_columns_that_are_no_text(tmp_path: Path) -> None:
    text = TABLE.replace("{role: insensitive}", "{role: insensitive, type: integer}")
    clipped = with_rule("{role: sensitive, clip: [0, 9]}", of="diagnosis")

    assert column_types(loaded(tmp_path, text), TABLE_COLUMNS) == {"lab_a": "integer", "lab_b": "integer"}
    assert column_types(loaded(tmp_path, clipped), TABLE_COLUMNS) == {"diagnosis": "number"}


def test_accepted_dependencies_are_found_through_patterns(tmp_path: Path) -> None:
    text = TABLE.replace("{role: insensitive}", "{role: insensitive, accept_dependency: true}")

    assert accepted_dependencies(loaded(tmp_path, text), TABLE_COLUMNS) == {"lab_a", "lab_b"}
