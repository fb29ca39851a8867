"""What a config may say, and what is told to whoever wrote a wrong one."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from pydantic import ValidationError

from anonymizer.criteria import DistinctLDiversity, KAnonymity
from anonymizer.errors import BadConfig, ComponentMissing, InputMissing
from release.config.keys import Strict
from release.config.root import Config, load, schema
from tests.configs import EXPORT, TABLE, TODAY, loaded, write


def refusal(folder: Path, text: str) -> BadConfig:
    with pytest.raises(BadConfig) as caught:
        loaded(folder, text)
    return caught.value


def findings(folder: Path, text: str) -> dict[str, str]:
    return {problem.path: problem.message for problem in refusal(folder, text).problems}


def test_an_export_config_is_resolved(tmp_path: Path) -> None:
    config = loaded(tmp_path, EXPORT)

    assert config.name == "heart-failure-2026-11"
    assert config.reference_date == TODAY
    assert config.input.mii is not None
    assert config.input.mii.path == tmp_path.resolve() / "export"
    assert config.input.mii.observations["crp"].unit == "mg/L"
    assert config.input.mii.consent_ignored is None
    assert config.person_column == "patient_id"
    assert config.columns["lab_crp_last"].clip == (0.0, 300.0)
    assert config.criteria == (KAnonymity(5), DistinctLDiversity("main_diagnosis", 3))
    assert config.privacy.suppression_share == Fraction(1, 20)
    assert config.output.formats == ("parquet", "csv")


def test_a_table_config_needs_only_what_has_no_default(tmp_path: Path) -> None:
    config = loaded(tmp_path, TABLE)

    assert config.input.table is not None
    assert config.input.table.missing == ("",)
    assert config.output.formats == ("parquet", "csv")
    assert config.output.suppressed == "drop"
    assert config.privacy.suppression_limit == 0
    assert config.reference_date == config.run_date == TODAY


def test_every_row_may_be_one_person(tmp_path: Path) -> None:
    config = loaded(tmp_path, TABLE.replace("subject: id", "subject: row"))

    assert config.person_column is None


def test_today_and_run_date_are_the_day_of_the_run(tmp_path: Path) -> None:
    text = EXPORT.replace("reference_date: 2026-11-22", "reference_date: today").replace(
        "2026-11\n", "{run_date}\n"
    )
    config = load(write(tmp_path, text), run_date=date(2027, 1, 31))

    assert config.reference_date == date(2027, 1, 31)
    assert config.name == "heart-failure-2027-01-31"


def test_consent_may_be_ignored_for_a_stated_reason_only(tmp_path: Path) -> None:
    config = loaded(tmp_path, EXPORT.replace("consent: required", 'consent: {ignore: "§ 27 BDSG"}'))
    blank = findings(tmp_path, EXPORT.replace("consent: required", 'consent: {ignore: " "}'))

    assert config.input.mii is not None
    assert config.input.mii.consent_ignored == "§ 27 BDSG"
    assert list(blank) == ["input.mii.consent.ignore"]


def test_a_config_cannot_be_changed(tmp_path: Path) -> None:
    config = loaded(tmp_path, TABLE)

    with pytest.raises(ValidationError):
        config.privacy.k_anonymity = 1


def test_everything_wrong_is_told_at_once_with_line_key_and_what_was_meant(tmp_path: Path) -> None:
    text = (
        EXPORT.replace("suppression_limit", "supression_limit")
        .replace("k_anonymity: 5", "k_anonymity: 5.0")
        .replace("role: quasi-identifier, hierarchy: suppression", "role: quasi-identifer, hierarchy: ops")
        .replace("hierarchy: icd-10-gm", "hierarchy: icd-10-gn")
        .replace("row: patient\n", "row: patiens\n")
        .replace("formats:", "format:")
    )

    assert str(refusal(tmp_path, text)).splitlines() == [
        "the config is wrong",
        "  line 8: input.mii.row: must be patient or encounter (did you mean 'patient'?)",
        "  line 15: columns.gender.role: must be identifier, quasi-identifier, sensitive or insensitive"
        " (did you mean 'quasi-identifier'?)",
        "  line 19: columns.main_diagnosis.hierarchy: must be suppression, icd-10-gm, ops, atc, plz or ags"
        " (did you mean 'icd-10-gm'?)",
        "  line 23: privacy.k_anonymity: must be a whole number",
        "  line 25: privacy.supression_limit: is no key here (did you mean 'suppression_limit'?)",
        "  line 27: output.format: is no key here (did you mean 'formats'?)",
    ]


def test_a_key_in_the_wrong_section_is_sent_to_the_right_one(tmp_path: Path) -> None:
    problem = refusal(tmp_path, TABLE + "k_anonymity: 5\n").problems[0]

    assert problem.suggestion == "privacy.k_anonymity"


def test_rules_between_sections_are_asked_although_a_key_is_unknown(tmp_path: Path) -> None:
    text = TABLE.replace("column: diagnosis", "column: sex").replace("k_anonymity", "k_anonimity")

    assert list(findings(tmp_path, text)) == ["privacy.l_diversity[0].column", "privacy.k_anonimity"][::-1]


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("k_anonymity: 2", 'k_anonymity: "2"', "privacy.k_anonymity"),
        ("k_anonymity: 2", "k_anonymity: true", "privacy.k_anonymity"),
        ("k_anonymity: 2", "k_anonymity: 1", "privacy.k_anonymity"),
        ("k_anonymity: 2", "suppression_limit: 1.5", "privacy.suppression_limit"),
        ("k_anonymity: 2", "suppression_limit: .nan", "privacy.suppression_limit"),
        ("l: 2", "l: 0", "privacy.l_diversity[0].l"),
        ("k_anonymity: 2", "k_anonymity: 1000000001", "privacy.k_anonymity"),
        ("k_anonymity: 2", "max_risk: 1.0e-300", "privacy.max_risk"),
        ("k_anonymity: 2", "max_risk: ema", "privacy.max_risk"),
        ("k_anonymity: 2", "k_map: {k: 1000001, sampling_fraction: 0.1}", "privacy.k_map.k"),
        ("k_anonymity: 2", "k_map: {k: 5, sampling_fraction: 1.0e-300}", "privacy.k_map.sampling_fraction"),
        ("l: 2", "l: 1000000001", "privacy.l_diversity[0].l"),
        ("bands: [5, 10]", "bands: [5, 12]", "columns.age.hierarchy.bands"),
        ("bands: [5, 10]", "bands: []", "columns.age.hierarchy.bands"),
        ("bands: [5, 10]", "bands: 5", "columns.age.hierarchy.bands"),
        (", top: 90", "", "columns.age.hierarchy.top"),
        ("top: 90", "top: 0", "columns.age.hierarchy.top"),
        ("top: 90", "top: 1000000001", "columns.age.hierarchy.top"),
        ("top: 90", "top: 90, bottom: -1000000001", "columns.age.hierarchy.bottom"),
        ("bands: [5, 10], top: 90", "prefix: [3], length: 19", "columns.age.hierarchy.length"),
        ("hierarchy: suppression", "hierarchy: suppression, weight: 1.1e6", "columns.sex.weight"),
        ("bands: [5, 10], top: 90", "prefix: [5, 3]", "columns.age.hierarchy.prefix"),
        ("bands: [5, 10], top: 90", "date: [year, month]", "columns.age.hierarchy.date"),
        ("bands: [5, 10], top: 90", "date: [yaer]", "columns.age.hierarchy.date[0]"),
        (
            "bands: [5, 10], top: 90",
            "date: [year], domain: {from: 2000-01-01, to: 1999-01-01}",
            "columns.age.hierarchy.domain.to",
        ),
        ("bands: [5, 10], top: 90", "date: [year]", "reference_date"),
        ("age: {role: quasi-identifier, hierarchy: {bands", "age: {role: sensitive, hierarchy: {bands", None),
        ("hierarchy: suppression", "weight: 1", "columns.sex.hierarchy"),
        ("hierarchy: suppression", "hierarchy: suppression, clip: [0, 1]", "columns.sex.clip"),
        ("hierarchy: suppression", "hierarchy: suppression, weight: 0", "columns.sex.weight"),
        ("hierarchy: suppression", "hierarchy: ops, min_level: 2, max_level: 1", "columns.sex.max_level"),
        ("hierarchy: suppression", "hierarchy: suppression, type: integer", "columns.sex.type"),
        ("{role: sensitive}", "{role: sensitive, min_level: 1}", "columns.diagnosis.min_level"),
        ("{role: sensitive}", "{role: sensitive, clip: [5, 1]}", "columns.diagnosis.clip"),
        ("{role: sensitive}", "{role: sensitive, clip: [1, 5], type: date}", "columns.diagnosis.type"),
        ("{role: sensitive}", "{role: sensitive, release_level: 1}", "columns.diagnosis.release_level"),
        ("{role: sensitive}", "{role: sensitive, hierarchy: ops}", "columns.diagnosis.hierarchy"),
        ("{role: insensitive}", "{role: insensitive, sensitive: true}", "columns.lab_*.sensitive"),
        ("column: diagnosis", "column: sex", "privacy.l_diversity[0].column"),
        ("column: diagnosis", "column: diagnose", "privacy.l_diversity[0].column"),
        ("subject: id", "subject: person", "subject"),
        ("subject: id", "subject: lab_a", "columns.lab_*.role"),
        ('delimiter: ";"', 'delimiter: ";;"', "input.table.delimiter"),
        ('delimiter: ";"', 'decimal: ","', "input.table.decimal"),
        ("patients.csv", "patients.parquet", "input.table.delimiter"),
        ("name: patients", "name: ../patients", "name"),
        ("name: patients", "name: .hidden", "name"),
        ("name: patients", "name: a/b", "name"),
        ("name: patients", "name: '{today}'", "name"),
        ("output: {", "output: {formats: [csv, csv], ", "output.formats"),
        ("output: {", "output: {group: no-such-group-here, ", "output.group"),
        (
            "output: {",
            "risk: {thresholds: {anonymised.nothing: 1}}\noutput: {",
            "risk.thresholds.anonymised.nothing",
        ),
        (
            "output: {",
            "risk: {thresholds: {anonymised.marketer_without_events: 1}}\noutput: {",
            "risk.thresholds.anonymised.marketer_without_events",
        ),
    ],
)
def test_a_wrong_value_is_refused_at_its_key(
    tmp_path: Path, before: str, after: str, where: str | None
) -> None:
    changed = TABLE.replace(before, after, 1)
    assert changed != TABLE

    where = where or "columns.age.hierarchy"
    problem = next(each for each in refusal(tmp_path, changed).problems if each.path == where)
    assert problem.line is not None


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("1988-5", "1988-6", "input.mii.observations.crp.loinc"),
        ("1988-5", "30525-0", "input.mii.observations.crp.loinc"),
        ("row: patient\n", "row: encounter\n", "input.mii.index_encounter"),
        ("consent: required", "consent: ignore", "input.mii.consent"),
        (
            "consent: required\n    retrospective: false",
            'consent: {ignore: "why"}\n    retrospective: true',
            "input.mii.retrospective",
        ),
        (
            "consent: required",
            'consent: {ignore: "why"}\n    consent_date: 2026-01-01',
            "input.mii.consent_date",
        ),
        ("subject: patient_id", "subject: encounter_id", "subject"),
        ("reference_date: 2026-11-22\n", "", "reference_date"),
        ("reference_date: 2026-11-22\n", "reference_date: 2026-13-45\n", "reference_date"),
        ("role: sensitive", "role: sensitive, type: number", "columns.lab_crp_last.type"),
        (
            "role: sensitive",
            "role: sensitive, accept_dependency: true",
            "columns.lab_crp_last.accept_dependency",
        ),
        ("input:", "input:\n  table: {path: a.csv}", "input"),
        ("directory: releases", "directory: export", "output.directory"),
        ("path: export/", "path: .", "output.directory"),
    ],
)
def test_a_wrong_value_about_an_export_is_refused_at_its_key(
    tmp_path: Path, before: str, after: str, where: str
) -> None:
    changed = EXPORT.replace(before, after, 1)
    assert changed != EXPORT
    assert where in findings(tmp_path, changed)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("loinc: 30525-0", "quantity, unit: a"),
        ("loinc: [8302-2, 29553-5]", "quantity, unit: a"),
        ("loinc: 35659-2", "integer"),
        ("loinc: 21112-8", "date"),
        ("snomed: '424144002'", "quantity, unit: a"),
        ("code: {system: 'http://loinc.org', code: 63900-5}", "quantity, unit: a"),
    ],
)
def test_an_age_or_a_birth_as_a_value_is_refused(tmp_path: Path, where: str, value: str) -> None:
    """As `age_years` it would be top-coded, as `birth_date` cut: as a value it would be neither."""
    column = f"    columns: {{x: {{resource: Observation, where: {{{where}}}, value: {value}}}}}\n"
    declared = EXPORT.replace("    consent: required\n", f"    consent: required\n{column}", 1)
    told = findings(tmp_path, declared)
    assert "use age_years, which is top-coded" in told["input.mii.columns.x.where"]
    assert "input.mii.columns.x.where" in findings(tmp_path, declared.replace(where, ""))


def test_counting_encounters_as_people_is_refused(tmp_path: Path) -> None:
    by_encounter = EXPORT.replace("row: patient\n", "row: encounter\n").replace(
        "    index_encounter: first\n", ""
    )

    assert loaded(tmp_path, by_encounter).person_column == "patient_id"
    assert "subject" in findings(tmp_path, by_encounter.replace("subject: patient_id", "subject: row"))


def test_the_person_column_must_be_dropped(tmp_path: Path) -> None:
    found = findings(tmp_path, TABLE.replace("id: {role: identifier}", "id: {role: insensitive}"))

    assert found == {"columns.id.role": "the column that names the person must be an identifier"}


def test_something_must_be_asked_of_the_release(tmp_path: Path) -> None:
    no_criterion = TABLE.replace("  k_anonymity: 2\n", "").replace(
        "  l_diversity", "  suppression_limit: 0 #"
    )

    assert list(findings(tmp_path, no_criterion)) == ["privacy"]


def test_a_key_of_a_later_version_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ComponentMissing) as caught:
        loaded(tmp_path, EXPORT.replace("output: {", "output: {link_rows: true, "))

    assert caught.value.exit_code == 69
    assert "line 27: output.link_rows: this version does not have this yet" in str(caught.value)


def test_a_wrong_config_stays_wrong_whatever_it_asks_of_later_versions(tmp_path: Path) -> None:
    found = findings(
        tmp_path,
        EXPORT.replace("row: patient\n", "row: patiens\n").replace("output: {", "output: {link_rows: true, "),
    )

    assert list(found) == ["input.mii.row", "output.link_rows"]


def test_relative_paths_start_at_the_config_and_absolute_ones_are_taken_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    config = loaded(here, TABLE.replace("directory: releases", f"directory: {elsewhere}"))

    assert config.input.source.path == (here / "patients.csv").resolve()
    assert config.output.directory == elsewhere.resolve()


def test_a_relative_config_path_is_found_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, TABLE)
    monkeypatch.chdir(tmp_path)

    assert load(Path("config.yaml")).input.source.path == (tmp_path / "patients.csv").resolve()


def test_no_config_is_an_input_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputMissing):
        load(tmp_path / "nothing.yaml")


def test_a_bound_is_told_in_the_words_of_the_config(tmp_path: Path) -> None:
    text = TABLE.replace("top: 90", "top: 1000000001").replace("l: 2", "l: 0").replace("y: 2", "y: 1")
    text = text.replace("hierarchy: suppression", "hierarchy: suppression, weight: 0")

    assert list(findings(tmp_path, text).values()) == [
        "must be at most 1,000,000,000",
        "must be more than 0",
        "must be at least 2",
        "must be at least 1",
    ]


def test_the_rule_of_names_shows_the_placeholder_as_it_is_written(tmp_path: Path) -> None:
    found = findings(tmp_path, TABLE.replace("name: patients", "name: a/b"))

    assert found["name"].endswith("(and {run_date})")


@pytest.mark.parametrize("refused", [PermissionError(13, "denied"), OSError(36, "too long")])
def test_a_config_that_cannot_be_read_is_an_input_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: OSError
) -> None:
    with pytest.raises(InputMissing):
        load(tmp_path)

    def fail(*_: object) -> None:
        raise refused

    path = write(tmp_path, TABLE)
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(InputMissing):
        load(path)


def test_later_findings_know_their_line(tmp_path: Path) -> None:
    config = loaded(tmp_path, TABLE)

    assert config.problem(("columns", "age", "hierarchy", "bands", 1), "…").line == 7
    assert config.problem(("columns", "sex", "max_level"), "…").line == 8
    assert str(config.problem(("columns", "none"), "…")) == "line 5: columns.none: …"


def test_messages_never_show_what_counts_as_missing(tmp_path: Path) -> None:
    # the list may hold what stands in cells
    text = TABLE.replace('delimiter: ";"', 'missing: ["CANARY", 4711]')

    assert "CANARY" not in str(refusal(tmp_path, text))
    assert "4711" not in str(refusal(tmp_path, text))


def test_the_schema_describes_every_key() -> None:
    definitions = [schema(), *schema()["$defs"].values()]
    bare = [
        name
        for each in definitions
        for name, key in each.get("properties", {}).items()
        if not key.get("description")
    ]

    assert bare == []
    assert schema()["additionalProperties"] is False


def test_models_are_strict_frozen_and_hide_input() -> None:
    def models(model: type[Strict]) -> list[type[Strict]]:
        children: list[type[Strict]] = model.__subclasses__()
        return [model, *(inner for child in children for inner in models(child))]

    assert Config in models(Strict)
    for model in models(Strict):
        settings = model.model_config
        assert settings["strict"], model
        assert settings["frozen"], model
        assert settings["hide_input_in_errors"], model
        assert settings["extra"] == "forbid", model


def test_importing_the_config_loads_nothing_heavy() -> None:
    heavy = "{'polars', 'numpy', 'numba', 'pyarrow', 'ruamel.yaml', 'matplotlib', 'jinja2'}"
    probe = f"import sys, release.config; sys.exit(' '.join({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, env=os.environ)

    assert done.stderr.strip() == ""
