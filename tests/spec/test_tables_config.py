"""The section `tables`: what a config may say of events, and what is told to whoever wrote a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from anonymizer.criteria import KAnonymity, KMAnonymity
from anonymizer.errors import AnonError, BadConfig, ComponentMissing
from anonymizer.hierarchies.hierarchy import Bands
from anonymizer.tables.table import Column, Role
from release.intake.event_columns import event_tables
from release.intake.source import read
from tests.configs import TABLE, loaded

SEVERAL = """\
name: several
reference_date: 2026-11-22
input:
  mii:
    path: export/
    consent: {ignore: "a law"}
    row: patient
    observations:
      crp: {loinc: 1988-5, unit: mg/L}
subject: patient_id
columns:
  patient_id: {role: identifier}
  gender: {role: quasi-identifier, hierarchy: suppression}
  # more
tables:
  encounters:
    admission_date: {role: quasi-identifier, hierarchy: {date: [month, year]}, release_level: 2}
    length_of_stay_days: {role: quasi-identifier, hierarchy: {bands: [5], top: 90}, release_level: 1}
  diagnoses:
    icd10gm: {role: quasi-identifier, hierarchy: icd-10-gm, release_level: 2}
    recorded_date: {role: quasi-identifier, hierarchy: {date: [year]}, release_level: 1}
  labs:
    loinc: {role: quasi-identifier, hierarchy: suppression, release_level: 0}
    value: {role: sensitive, clip: [0, 300]}
    unit: {role: insensitive}
privacy:
  k_anonymity: 5
  km_anonymity: {column: events, k: 5, m: 2}
search: {metric: loss}
output: {directory: releases}
"""
SHIFTED = "time: {shift: {columns: [diagnoses.recorded_date]}}\noutput"
RELATIVE = "time: {relative: {columns: [diagnoses.recorded_date], to: admission_date}}\noutput"
ADMISSION, LENGTH, RECORDED = (
    next(line for line in SEVERAL.splitlines(keepends=True) if line.startswith(f"    {name}: "))
    for name in ("admission_date", "length_of_stay_days", "recorded_date")
)
NO_STAYS = f"  encounters:\n{ADMISSION}{LENGTH}"
KEPT = (RECORDED, "    recorded_date: {role: sensitive}\n")
BY_YEAR = (RECORDED, RECORDED.replace("quasi-identifier", "sensitive"))
MORE = "  # more\n"
Edits = tuple[tuple[str, str], ...]


def edited(*changes: tuple[str, str]) -> str:
    text = SEVERAL
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def told(folder: Path, text: str, kind: type[AnonError]) -> list[str]:
    """The findings of a refusal of the given ``kind``, before any export is read: there is none."""
    with pytest.raises(kind) as caught:
        read(loaded(folder, text))
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def line_of(text: str, marker: str) -> int:
    found = [number for number, line in enumerate(text.splitlines(), start=1) if marker in line]
    assert len(found) == 1, marker
    return found[0]


def test_the_rules_of_events_become_columns_in_the_order_of_the_core_dataset(tmp_path: Path) -> None:
    found = event_tables(loaded(tmp_path, SEVERAL))

    assert found.problems == ()
    assert {table: [c.name for c in columns] for table, columns in found.columns.items()} == {
        "encounters": ["admission_date", "length_of_stay_days"],
        "diagnoses": ["icd10gm", "recorded_date"],
        "labs": ["loinc", "value", "unit"],
    }
    stay = found.columns["encounters"][1]
    assert stay == Column(
        "length_of_stay_days", Role.QUASI_IDENTIFIER, Bands((5,), 90), min_level=1, max_level=1
    )
    assert found.columns["labs"][1] == Column("value", Role.SENSITIVE, sensitive=True, clip=(0.0, 300.0))


def test_a_coarsened_column_has_its_level_and_a_bound_no_sign_of_zero(tmp_path: Path) -> None:
    text = edited(
        BY_YEAR,
        ("clip: [0, 300]", "clip: [-0.0, 300]"),
    )
    found = event_tables(loaded(tmp_path, text)).columns

    recorded, value = found["diagnoses"][1], found["labs"][1]
    assert (recorded.release_level, recorded.min_level, recorded.max_level) == (1, 0, None)
    assert str(value.clip) == "(0.0, 300.0)"


def test_the_criterion_is_about_all_events_together_and_repairs(tmp_path: Path) -> None:
    assert loaded(tmp_path, SEVERAL).criteria == (KAnonymity(5), KMAnonymity("events", 5, 2, repair=True))


def test_a_release_of_one_table_has_no_events(tmp_path: Path) -> None:
    config = loaded(tmp_path, TABLE)

    assert config.tables == {}
    assert event_tables(config).columns == {}


RULE_CASES: tuple[tuple[Edits, str, str, str], ...] = (
    ((("labs:", "lab:"),), "lab:", "tables.lab", "is none of the tables encounters, diagnoses, procedures"),
    ((("labs:", "lab:"),), "lab:", "tables.lab", "did you mean 'labs'?"),
    (
        (("    loinc:", "    lonic:"),),
        "lonic:",
        "tables.labs.lonic",
        "which has loinc, value, unit, effective_date",
    ),
    ((("    loinc:", "    lonic:"),), "lonic:", "tables.labs.lonic", "did you mean 'loinc'?"),
    (
        (("unit: {role: insensitive}", "unit: {role: identifier}"),),
        "unit: {role",
        "tables.labs.unit.role",
        "leave it out",
    ),
    (
        (("unit: {role: insensitive}", "unit: {role: insensitiv}"),),
        "unit: {role",
        "tables.labs.unit.role",
        "did you mean 'insensitive'?",
    ),
    (
        (("unit: {role: insensitive}", "unit: {role: insensitive, weight: 2}"),),
        "unit: {role",
        "tables.labs.unit.weight",
        "is no key here",
    ),
    (
        (("hierarchy: icd-10-gm, release_level: 2", "hierarchy: icd-10-gm"),),
        "icd10gm:",
        "tables.diagnoses.icd10gm.release_level",
        "is required for a quasi-identifier of an event",
    ),
    (
        (("hierarchy: icd-10-gm, release_level: 2", "release_level: 2"),),
        "icd10gm:",
        "tables.diagnoses.icd10gm.hierarchy",
        "a quasi-identifier needs a hierarchy",
    ),
    (
        (("icd-10-gm, release_level: 2", "icd-10-gm, release_level: 6"),),
        "icd10gm:",
        "tables.diagnoses.icd10gm.release_level",
        "the hierarchy has the levels 0 to 5",
    ),
    (
        (("unit: {role: insensitive}", "unit: {role: insensitive, hierarchy: suppression}"),),
        "unit: {role",
        "tables.labs.unit.hierarchy",
        "without release_level",
    ),
    (
        (("unit: {role: insensitive}", "unit: {role: insensitive, release_level: 1}"),),
        "unit: {role",
        "tables.labs.unit.release_level",
        "needs a hierarchy",
    ),
    (
        (("clip: [0, 300]", "clip: [300, 0]"),),
        "value:",
        "tables.labs.value.clip",
        "the lower bound lies above the upper one",
    ),
    (
        (("clip: [0, 300]", "clip: [0, 300], hierarchy: suppression, release_level: 0"),),
        "value:",
        "tables.labs.value.clip",
        "has no effect beside release_level",
    ),
    (
        (("top: 90}, release_level: 1", "top: 90}, release_level: 1, clip: [0, 9]"),),
        "length_of_stay_days:",
        "tables.encounters.length_of_stay_days.clip",
        "has no effect on the role quasi-identifier",
    ),
    (
        (("unit: {role: insensitive}", "unit: {role: insensitive, clip: [0, 9]}"),),
        "unit: {role",
        "tables.labs.unit.clip",
        "only numbers can be clipped",
    ),
    (
        (("icd-10-gm, release", "{bands: [5], top: 9}, release"),),
        "icd10gm:",
        "tables.diagnoses.icd10gm.hierarchy",
        "bands are for whole numbers",
    ),
    (
        (("icd-10-gm, release", "{date: [year]}, release"),),
        "icd10gm:",
        "tables.diagnoses.icd10gm.hierarchy",
        "date units are for dates",
    ),
    (
        (("unit: {role: insensitive}", "unit: {role: insensitive, invalid: missing}"),),
        "unit: {role",
        "tables.labs.unit.invalid",
        "is for dates, and for codes with a hierarchy",
    ),
)


@pytest.mark.parametrize(("changes", "marker", "path", "says"), RULE_CASES)
def test_a_rule_that_cannot_be_is_told_with_its_line(
    tmp_path: Path, changes: Edits, marker: str, path: str, says: str
) -> None:
    text = edited(*changes)
    found = told(tmp_path, text, BadConfig)

    start = f"line {line_of(text, marker)}: {path}: "
    assert [line for line in found if line.startswith(start) and says in line] == found


TABLES_SECTION = SEVERAL[SEVERAL.index("tables:") : SEVERAL.index("privacy:")]
TOGETHER: tuple[tuple[Edits, str, str, str], ...] = (
    ((("row: patient\n", "row: encounter\n"),), "row:", "input.mii.row", "must be patient beside `tables`"),
    ((("subject: patient_id", "subject: row"),), "subject:", "subject", "must be patient_id beside `tables`"),
    (
        (("    observations:\n      crp: {loinc: 1988-5, unit: mg/L}\n", ""),),
        "  labs:",
        "tables.labs",
        "needs `input.mii.observations`",
    ),
    (
        ((MORE, ""), ("unit: mg/L}\n", "unit: mg/L}\n      again: {loinc: 1988-5, unit: g/L}\n")),
        "again:",
        "input.mii.observations.again.unit",
        "must be the unit that tables.labs already has",
    ),
    (
        (("  km_anonymity: {column: events, k: 5, m: 2}\n", ""),),
        "tables:",
        "tables",
        "needs `privacy: {km_anonymity: {column: events, k: 5, m: 2}}`",
    ),
    (
        (("{column: events, k: 5, m: 2}", "[{column: events, k: 5, m: 2}, {column: gender, k: 5, m: 1}]"),),
        "km_anonymity:",
        "privacy.km_anonymity[1].column",
        "must be events, and that once",
    ),
    (
        (("{column: events, k: 5, m: 2}", "{column: events, k: 4, m: 2}"),),
        "km_anonymity:",
        "privacy.km_anonymity[0].k",
        "must be 5 or more",
    ),
    (
        (("  k_anonymity: 5\n", "  k_anonymity: 5\n  max_risk: 0.09\n"),),
        "km_anonymity:",
        "privacy.km_anonymity[0].k",
        "must be 12 or more",
    ),
    (
        (("{column: events, k: 5, m: 2}", "{column: events, k: 5, m: 2, repair: suppress-class}"),),
        "km_anonymity:",
        "privacy.km_anonymity[0].repair",
        "must be suppress-codes for events",
    ),
    (
        (("releases}", "releases, suppressed: star}"),),
        "output:",
        "output.suppressed",
        "must be drop beside `tables`",
    ),
)


@pytest.mark.parametrize(("changes", "marker", "path", "says"), TOGETHER)
def test_what_cannot_stand_beside_tables_is_told_with_its_line(
    tmp_path: Path, changes: Edits, marker: str, path: str, says: str
) -> None:
    text = edited(*changes)
    found = told(tmp_path, text, BadConfig)

    start = f"line {line_of(text, marker)}: {path}: "
    assert [line for line in found if line.startswith(start) and says in line] == found


def test_a_plain_table_has_no_events(tmp_path: Path) -> None:
    found = told(tmp_path, TABLE + "tables: {labs: {loinc: {role: sensitive}}}\n", BadConfig)

    assert len(found) == 2
    assert found[0].startswith("line 15: tables: needs `input.mii`")
    assert "km_anonymity: {column: events" in found[1]


@pytest.mark.parametrize("empty", ["tables: {}\n", "tables: {labs: {}}\n"])
def test_a_section_without_a_column_is_refused(tmp_path: Path, empty: str) -> None:
    found = told(tmp_path, SEVERAL.replace(TABLES_SECTION, empty), BadConfig)

    assert any("must not be empty" in line for line in found)


def test_the_demand_on_events_needs_tables(tmp_path: Path) -> None:
    found = told(tmp_path, edited((TABLES_SECTION, "")), BadConfig)

    assert found == [
        "line 17: privacy.km_anonymity[0].column: is about the events of `tables`: add that section, or name "
        "a list of codes"
    ]


@pytest.mark.parametrize(
    ("criterion", "path"),
    [
        ("t_closeness: [{column: gender, distance: equal, t: 0.2}]", "privacy.t_closeness"),
        ("average_risk: 0.1", "privacy.average_risk"),
        ("sample_uniqueness: 0.0", "privacy.sample_uniqueness"),
        ("population_uniqueness: {limit: 0.1, sampling_fraction: 0.1}", "privacy.population_uniqueness"),
        ("k_map: {k: 5, sampling_fraction: 0.1}", "privacy.k_map"),
        ("delta_disclosure: {column: gender, delta: 1}", "privacy.delta_disclosure"),
        ("beta_likeness: {column: gender, beta: 1}", "privacy.beta_likeness"),
        ("delta_presence: {lower: 0, upper: 0.5, population: p.csv}", "privacy.delta_presence"),
        ("l_diversity: [{column: gender, kind: entropy, l: 2}]", "privacy.l_diversity[0].kind"),
        ("l_diversity: [{column: gender, kind: recursive, l: 2, c: 2}]", "privacy.l_diversity[0].kind"),
    ],
)
def test_a_criterion_that_is_not_built_for_several_tables_ends_with_69(
    tmp_path: Path, criterion: str, path: str
) -> None:
    text = edited(
        ("gender: {role", "gender: {sensitive: true, role"),
        ("  k_anonymity: 5", f"  k_anonymity: 5\n  {criterion}"),
    )
    found = told(tmp_path, text, ComponentMissing)

    assert len(found) == 1
    assert found[0].startswith(f"line {line_of(text, criterion)}: {path}: ")
    assert "is not possible with `tables` in this version; leave it out" in found[0]


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("{metric: loss}", "{recoding: local}", "search.recoding"),
        ("{metric: loss}", "{recoding: multidimensional}", "search.recoding"),
        ("{metric: loss}", "{recoding: cell-suppression}", "search.recoding"),
        (
            MORE,
            "  lab_crp_last: {role: insensitive}\nmicroaggregation: [{columns: [lab_crp_last], k: 3}]\n",
            "microaggregation",
        ),
    ],
)
def test_a_recoding_or_averages_beside_tables_end_with_69(
    tmp_path: Path, before: str, after: str, path: str
) -> None:
    found = told(tmp_path, edited((before, after)), ComponentMissing)

    assert len(found) == 1
    assert f": {path}: " in found[0]


def test_differential_privacy_beside_tables_ends_with_69(tmp_path: Path) -> None:
    before = SEVERAL[SEVERAL.index("  k_anonymity: 5") : SEVERAL.index("output")]
    text = edited(
        (before, "  differential_privacy: {epsilon: 1, delta: 1.0e-6}\n"),
        ("hierarchy: suppression}\n", "hierarchy: suppression, min_level: 1, max_level: 1}\n"),
    )
    found = told(tmp_path, text, ComponentMissing)

    assert len(found) == 1
    assert "privacy.differential_privacy: is not possible with `tables`" in found[0]


@pytest.mark.parametrize(
    "criterion", ["max_risk: 0.2", "l_diversity: [{column: gender, kind: distinct, l: 2}]"]
)
def test_criteria_that_are_built_for_several_tables_are_taken(tmp_path: Path, criterion: str) -> None:
    text = edited(
        ("gender: {role", "gender: {sensitive: true, role"),
        ("  k_anonymity: 5", f"  k_anonymity: 5\n  {criterion}"),
    )
    assert len(loaded(tmp_path, text).criteria) == 3
