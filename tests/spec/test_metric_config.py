"""What `search.metric` may say, and which metric the run then uses."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from anonymizer.errors import BadConfig
from anonymizer.metrics import (
    Ambiguity,
    AverageClassSize,
    Discernibility,
    Entropy,
    Height,
    KullbackLeibler,
    Loss,
    Metric,
    NormalisedEntropy,
    Precision,
    Predictive,
)
from release.config.root import Config
from release.intake.columns import resolve
from tests.configs import TABLE, TABLE_COLUMNS, loaded


def config(folder: Path, metric: str, table: str = TABLE) -> Config:
    return loaded(folder, f"{table}search: {{metric: {metric}}}\n")


@pytest.mark.parametrize(
    ("written", "metric"),
    [
        ("loss", Loss()),
        ("entropy", Entropy()),
        ("discernibility", Discernibility()),
        ("average-class-size", AverageClassSize()),
        ("precision", Precision()),
        ("height", Height()),
        ("ambiguity", Ambiguity()),
        ("kl", KullbackLeibler()),
        ("normalised-entropy", NormalisedEntropy()),
        ("{name: loss, aggregate: arithmetic}", Loss("arithmetic")),
        ("{name: loss, aggregate: sum, gs: 0.1}", Loss("sum", Fraction(1, 10))),
        ("{name: loss, aggregate: max, gs: 1}", Loss("max", Fraction(1))),
        ("{name: entropy, monotonic: true}", Entropy(monotonic=True)),
        ("{name: discernibility, monotonic: true}", Discernibility(monotonic=True)),
        ("{name: predictive, target: diagnosis}", Predictive("diagnosis")),
        ("{name: predictive, target: lab_a}", Predictive("lab_a")),
    ],
)
def test_every_metric_is_chosen_by_name(tmp_path: Path, written: str, metric: Metric) -> None:
    assert config(tmp_path, written).metric == metric


def test_without_a_word_it_is_loss(tmp_path: Path) -> None:
    assert loaded(tmp_path, TABLE).metric == Loss()
    assert loaded(tmp_path, TABLE).predicted == ()


def test_the_target_is_counted_beside_the_quasi_identifiers(tmp_path: Path) -> None:
    assert config(tmp_path, "{name: predictive, target: diagnosis}").predicted == ("diagnosis",)


@pytest.mark.parametrize(
    ("written", "where", "says"),
    [
        ("{name: entropy, aggregate: sum}", "search.metric.aggregate", "only on loss"),
        ("{name: precision, gs: 0.5}", "search.metric.gs", "has no effect on precision, only on loss"),
        ("{name: loss, monotonic: true}", "search.metric.monotonic", "only on entropy and discernibility"),
        ("{name: normalised-entropy, monotonic: true}", "search.metric.monotonic", "has no effect"),
        ("{name: kl, target: diagnosis}", "search.metric.target", "only on predictive"),
        ("{name: predictive}", "search.metric.target", "is required"),
        ("predictive", "search.metric", "needs a target"),
        ("{name: predictive, target: diagnose}", "search.metric.target", "names a column that has no rule"),
        ("{name: predictive, target: id}", "search.metric.target", "not an identifier"),
        ("{name: predictive, target: sex}", "search.metric.target", "predicts itself"),
        ("{name: loss, gs: 1.5}", "search.metric.gs", ""),
        ("{name: loss, gs: -0.1}", "search.metric.gs", ""),
        ("{name: loss, aggregate: mean}", "search.metric.aggregate", ""),
        ("{name: entropi}", "search.metric.name", ""),
        ("entropi", "search.metric", ""),
    ],
)
def test_a_key_without_effect_or_sense_is_refused(
    tmp_path: Path, written: str, where: str, says: str
) -> None:
    with pytest.raises(BadConfig) as caught:
        config(tmp_path, written)
    assert caught.value.exit_code == 78
    assert [problem.path for problem in caught.value.problems] == [where]
    assert says in caught.value.problems[0].message


@pytest.mark.parametrize("name", ["discernibility", "average-class-size", "ambiguity", "kl"])
def test_a_columns_weight_has_no_effect_on_a_metric_of_whole_rows(tmp_path: Path, name: str) -> None:
    weighted = TABLE.replace("hierarchy: suppression}", "hierarchy: suppression, weight: 2}")
    with pytest.raises(BadConfig) as caught:
        config(tmp_path, name, weighted)
    assert [problem.path for problem in caught.value.problems] == ["columns.sex.weight"]
    assert config(tmp_path, "entropy", weighted).metric == Entropy()


def test_a_pattern_speaks_of_a_target_that_the_table_lacks(tmp_path: Path) -> None:
    asked = config(tmp_path, "{name: predictive, target: lab_c}")
    with pytest.raises(BadConfig) as caught:
        resolve(asked, TABLE_COLUMNS)
    assert [problem.path for problem in caught.value.problems] == ["search.metric.target"]
