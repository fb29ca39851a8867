"""What `search.recoding` can be combined with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anonymizer.errors import BadConfig, ComponentMissing
from tests.configs import TABLE, loaded

KINDS = ("local", "multidimensional", "cell-suppression")


def with_search(search: str, privacy: str = "") -> str:
    text = TABLE.replace("  k_anonymity: 2\n", f"  k_anonymity: 2\n{privacy}")
    return f"{text}search: {search}\n"


def test_recoding_is_global_unless_something_else_is_asked_for(tmp_path: Path) -> None:
    assert loaded(tmp_path, TABLE).search.recoding == "global"


@pytest.mark.parametrize("kind", KINDS)
def test_criteria_about_classes_can_be_recoded_for(tmp_path: Path, kind: str) -> None:
    others = "  max_risk: 0.2\n  t_closeness: [{column: diagnosis, distance: equal, t: 0.2}]\n"
    others += "  k_map: {k: 5, sampling_fraction: 0.5}\n  average_risk: 0.1\n  sample_uniqueness: 0.1\n"
    others += "  population_uniqueness: {limit: 0.1, sampling_fraction: 0.1}\n"
    others += "  km_anonymity: {column: diagnosis, k: 2, m: 2}\n"
    text = with_search(f"{{recoding: {kind}}}", others)
    text = text.replace("diagnosis: {role: sensitive}", "diagnosis: {role: sensitive, type: codes}")
    assert loaded(tmp_path, text).search.recoding == kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("privacy", "name"),
    [
        ("  k_map: {k: 5, population: people.csv}\n", "k-map"),
        ("  delta_presence: {lower: 0.1, upper: 0.9, population: people.csv}\n", "delta-presence"),
    ],
)
def test_criteria_about_a_population_are_refused(tmp_path: Path, kind: str, privacy: str, name: str) -> None:
    with pytest.raises(ComponentMissing, match=f"search.recoding.*cannot keep {name}"):
        loaded(tmp_path, with_search(f"{{recoding: {kind}}}", privacy))


@pytest.mark.parametrize(
    ("key", "value"),
    [("metric", "entropy"), ("strategy", "optimal"), ("max_nodes", "9"), ("time_limit_s", "1.5")],
)
def test_multidimensional_recoding_searches_no_lattice(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(BadConfig, match=f"search.{key}.*has no effect"):
        loaded(tmp_path, with_search(f"{{recoding: multidimensional, {key}: {value}}}"))
    options: Any = loaded(tmp_path, with_search(f"{{recoding: local, {key}: {value}}}")).search
    assert options.recoding == "local"
