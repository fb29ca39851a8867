"""Criteria about the population, about code lists and about the release as a whole."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.runs import anon

CONFIG = """\
name: demo
input: {{table: {{path: people.csv}}}}
subject: row
columns:
  sex: {{role: quasi-identifier, hierarchy: suppression, max_level: 0}}
  age: {{role: quasi-identifier, hierarchy: {{bands: [10], top: 90}}, max_level: {level}}}
{more}privacy: {{{privacy}, suppression_limit: {limit}}}
output: {{directory: out, formats: [csv]{suppressed}}}
"""
CODES = "  codes: {role: sensitive, type: codes, accept_dependency: true}\n"
Row = tuple[str, ...]


def table(path: Path, header: Row, rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def released(
    folder: Path,
    privacy: str,
    rows: Iterable[Row],
    *,
    population: Iterable[Row] = (),
    more: str = "",
    suppressed: str = "drop",
    level: int = 0,
) -> list[Row]:
    """The released rows of a table of sex and age (and codes), where everything may be suppressed but all."""
    header = ("sex", "age", "codes") if more else ("sex", "age")
    table(folder / "people.csv", header, rows)
    table(folder / "population.csv", ("sex", "age"), population)
    config = folder / "config.yaml"
    text = CONFIG.format(
        privacy=privacy, more=more, level=level, limit=1.0, suppressed=f", suppressed: {suppressed}"
    )
    config.write_text(text, encoding="utf-8")
    result = anon("run", config, "--quiet")
    assert result.code == 0, result.err
    assert anon("verify", folder / "out" / "demo").code == 0
    with (folder / "out/demo/release/data/table.csv").open(encoding="utf-8", newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def refused(
    folder: Path, privacy: str, rows: Iterable[Row], population: Iterable[Row] = ()
) -> tuple[int, str]:
    table(folder / "people.csv", ("sex", "age"), rows)
    table(folder / "population.csv", ("sex", "age"), population)
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(privacy=privacy, more="", level=0, limit=0.5, suppressed=""), "utf-8")
    result = anon("run", config, "--quiet")
    assert not (folder / "out" / "demo").exists()
    return result.code, result.err


def test_the_risk_of_a_class_of_eleven_is_above_nine_percent(tmp_path: Path) -> None:
    """EMA Policy 0070: 1 / 11 > 0.09 and 1 / 12 < 0.09."""
    rows = [*[("f", "40")] * 12, *[("m", "40")] * 11]
    assert released(tmp_path, "max_risk: 0.09", rows) == [("f", "40")] * 12


def test_a_limit_that_a_class_meets_exactly_is_met(tmp_path: Path) -> None:
    """1 / 10 is 0.1 in the config's decimals, though not in floats."""
    rows = [*[("f", "40")] * 10, *[("m", "40")] * 9]
    assert released(tmp_path, "max_risk: 0.1", rows) == [("f", "40")] * 10


def test_k_map_counts_the_population_and_not_the_data(tmp_path: Path) -> None:
    """One woman of 40 is released: five people of the population are women of 40."""
    rows = [("f", "40"), ("m", "40"), ("m", "40"), ("m", "40")]
    population = [*[("f", "40")] * 5, *[("m", "40")] * 4, *[("f", "50")] * 9]
    shown = released(tmp_path, "k_map: {k: 5, population: population.csv}", rows, population=population)
    assert shown == [("f", "40")]


def test_a_population_may_hold_values_that_the_data_do_not(tmp_path: Path) -> None:
    """At the level of decades, women of 41 and 43 are five people of the population."""
    rows = [("f", "40"), ("f", "40")]
    population = [*[("f", "40")] * 2, ("f", "41"), ("f", "43"), ("f", "43"), ("m", "12")]
    shown = released(
        tmp_path, "k_map: {k: 5, population: population.csv}", rows, population=population, level=1
    )
    assert shown == [("f", "[40, 49]")] * 2


def test_people_who_are_not_in_the_population_are_refused(tmp_path: Path) -> None:
    code, message = refused(
        tmp_path,
        "k_map: {k: 2, population: population.csv}",
        [("f", "40")] * 3,
        [*[("f", "40")] * 2, *[("m", "40")] * 9],
    )
    assert code == 65
    assert "not in the population (1 time)" in message


def test_a_population_without_a_quasi_identifier_is_refused(tmp_path: Path) -> None:
    table(tmp_path / "other.csv", ("sex", "size"), [("f", "1")])
    code, message = refused(tmp_path, "k_map: {k: 2, population: other.csv}", [("f", "40")] * 3)
    assert code == 65
    assert "the population lacks quasi-identifiers: age" in message


def test_a_value_of_the_population_outside_the_hierarchy_is_refused(tmp_path: Path) -> None:
    code, message = refused(
        tmp_path, "k_map: {k: 2, population: population.csv}", [("f", "40")], [("f", "40"), ("f", "forty")]
    )
    assert (code, "'age'" in message, "forty" in message) == (65, True, False)


def test_k_map_without_a_population_asks_for_significance(tmp_path: Path) -> None:
    """k = 10, a tenth sampled: of ten people four or more are drawn with a probability below 0.05."""
    rows = [*[("f", "40")] * 4, *[("m", "40")] * 3]
    assert released(tmp_path, "k_map: {k: 10, sampling_fraction: 0.1}", rows) == [("f", "40")] * 4


def test_presence_bounds_the_share_of_a_class_that_is_in_the_data(tmp_path: Path) -> None:
    """Two of four women may be in the data, three of five men may not; both shares count exactly."""
    rows = [*[("f", "40")] * 2, *[("m", "40")] * 3]
    population = [*[("f", "40")] * 4, *[("m", "40")] * 5]
    privacy = "delta_presence: {lower: 0, upper: 0.5, population: population.csv}"
    assert released(tmp_path, privacy, rows, population=population) == [("f", "40")] * 2


def test_a_class_of_the_population_with_nobody_in_the_data_tells_of_absence(tmp_path: Path) -> None:
    """Whoever is 50 is surely not in the data: with a lower bound above 0 only a coarser level helps."""
    rows = [("f", "40"), ("f", "60")]
    population = [*[("f", "40")] * 2, *[("f", "50")] * 2, *[("f", "60")] * 2]
    privacy = "delta_presence: {{lower: {}, upper: 0.5, population: population.csv}}"
    anywhere = released(tmp_path, privacy.format("0"), rows, population=population, level=2)
    assert anywhere == [("f", "40"), ("f", "60")]
    (tmp_path / "second").mkdir()
    told = released(tmp_path / "second", privacy.format("0.2"), rows, population=population, level=2)
    assert told == [("f", "*"), ("f", "*")]


DIAGNOSES = [
    ("f", "40", "A B"),
    ("f", "40", "A B"),
    ("f", "40", "A C"),
    ("f", "40", "C"),
    ("f", "40", "D"),
    ("m", "40", "A"),
    ("m", "40", "A"),
    ("m", "40", ""),
]


def test_rare_codes_leave_the_lists_of_their_class(tmp_path: Path) -> None:
    """k = 2, m = 1: only one woman has D; a list that loses every code is missing."""
    shown = released(tmp_path, "km_anonymity: {column: codes, k: 2, m: 1}", DIAGNOSES, more=CODES)
    assert shown == [
        ("f", "40", ""),
        ("f", "40", "A B"),
        ("f", "40", "A B"),
        ("f", "40", "A C"),
        ("f", "40", "C"),
        ("m", "40", ""),
        ("m", "40", "A"),
        ("m", "40", "A"),
    ]


def test_of_a_rare_pair_the_code_goes_that_costs_least(tmp_path: Path) -> None:
    """m = 2: one woman has A and C together; C has two holders, A has three."""
    shown = released(tmp_path, "km_anonymity: {column: codes, k: 2, m: 2}", DIAGNOSES, more=CODES)
    assert [row for row in shown if row[0] == "f"] == [
        ("f", "40", ""),
        ("f", "40", ""),
        ("f", "40", "A"),
        ("f", "40", "A B"),
        ("f", "40", "A B"),
    ]


def test_a_class_with_a_rare_combination_may_be_suppressed_instead(tmp_path: Path) -> None:
    privacy = "km_anonymity: {column: codes, k: 2, m: 2, repair: suppress-class}"
    assert {row[0] for row in released(tmp_path, privacy, DIAGNOSES, more=CODES)} == {"m"}


def test_the_empty_combination_counts_too(tmp_path: Path) -> None:
    """(k, k^m)-anonymity is k-anonymity at least."""
    shown = released(tmp_path, "km_anonymity: {column: codes, k: 4, m: 1}", DIAGNOSES, more=CODES)
    assert {row[0] for row in shown} == {"f"}


MIXED = [*[("f", "40")] * 3, ("f", "50"), ("m", "20"), ("m", "30")]


def test_for_the_mean_risk_the_smallest_classes_go_as_few_as_needed(tmp_path: Path) -> None:
    """Six people in four classes; 5 / 3 is not enough for 0.55 and 4 / 2 is. Ties go by the labels."""
    assert released(tmp_path, "average_risk: 0.55", MIXED) == [*[("f", "40")] * 3, ("m", "30")]


def test_for_sample_uniqueness_those_alone_go_as_few_as_needed(tmp_path: Path) -> None:
    """Three of six are alone; two of five are more than 0.3, one of four is not."""
    assert released(tmp_path, "sample_uniqueness: 0.3", MIXED) == [*[("f", "40")] * 3, ("m", "30")]


def test_for_population_uniqueness_those_alone_go_until_the_estimate_is_low(tmp_path: Path) -> None:
    """In a sample that is the whole population the estimate is the count: two of five may stay at 0.4."""
    privacy = "population_uniqueness: {limit: 0.4, sampling_fraction: 1}"
    assert released(tmp_path, privacy, MIXED) == [*[("f", "40")] * 3, ("m", "20"), ("m", "30")]


def test_starred_rows_count_in_the_release_as_a_whole(tmp_path: Path) -> None:
    """Two people alone are starred: they form a class of two, and the mean risk is 3 / 6."""
    shown = released(tmp_path, "average_risk: 0.55", MIXED, suppressed="star")
    assert shown == [("*", "*"), ("*", "*"), *[("f", "40")] * 3, ("m", "30")]


def test_one_starred_person_would_be_alone(tmp_path: Path) -> None:
    """Four are alone among seven; without one it is half of six. Starred, that one is alone again."""
    rows = [*[("f", "40")] * 3, ("f", "50"), ("m", "20"), ("m", "30"), ("m", "50")]
    shown = released(tmp_path, "sample_uniqueness: 0.5", rows, suppressed="star")
    assert shown == [*[("f", "40")] * 3, ("m", "20"), ("m", "30"), ("m", "50")]


@pytest.mark.parametrize(
    ("privacy", "key"),
    [
        ("k_map: {k: 5}", "privacy.k_map"),
        ("k_map: {k: 5, population: population.csv, sampling_fraction: 0.1}", "privacy.k_map"),
        ("k_map: {k: 1, sampling_fraction: 0.1}", "privacy.k_map.k"),
        (
            "delta_presence: {lower: 0.5, upper: 0.2, population: population.csv}",
            "privacy.delta_presence.lower",
        ),
        (
            "delta_presence: {lower: 0, upper: 1, population: population.csv}",
            "privacy.delta_presence: protects nobody",
        ),
        ("max_risk: 1.0", "privacy.max_risk"),
        ("average_risk: 0", "privacy.average_risk"),
        ("sample_uniqueness: 1.0", "privacy.sample_uniqueness"),
        ("population_uniqueness: {limit: 0.1, sampling_fraction: 1.5}", "sampling_fraction"),
        ("km_anonymity: {column: age, k: 2, m: 1}", "privacy.km_anonymity"),
        ("km_anonymity: {column: other, k: 2, m: 1}", "privacy.km_anonymity"),
        (
            "k_map: {k: 2, population: population.csv}, "
            "delta_presence: {lower: 0, upper: 0.5, population: people.csv}",
            "privacy.delta_presence.population",
        ),
    ],
)
def test_demands_that_cannot_be_meant_are_refused(tmp_path: Path, privacy: str, key: str) -> None:
    code, message = refused(tmp_path, privacy, [("f", "40")] * 3, [("f", "40")] * 3)
    assert (code, key in message) == (78, True), message


def test_a_column_of_single_values_is_no_list_of_codes(tmp_path: Path) -> None:
    table(tmp_path / "people.csv", ("sex", "age", "codes"), [("f", "40", "A")] * 3)
    more = "  codes: {role: sensitive, accept_dependency: true}\n"
    privacy = "km_anonymity: {column: codes, k: 2, m: 1}"
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(privacy=privacy, more=more, level=0, limit=0.5, suppressed=""), "utf-8")
    result = anon("run", config, "--quiet")
    assert result.code == 78
    assert "km_anonymity[0].column: holds no lists of codes: give the column `type: codes`" in result.err
