"""What the section `utility` may say, and what of it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from anonymizer.errors import BadConfig, ComponentMissing
from release.config.root import Config, schema
from risk.utility.asked import Asked, Followed, Model
from tests import schema_cases
from tests.configs import TABLE, loaded, parsed
from tests.event_scenes import all_told

MODEL = "{name: m1, kind: linear, outcome: lab_a, terms: [age, sex]}"


def config(folder: Path, utility: str) -> Config:
    return loaded(folder, f"{TABLE}utility: {utility}\n")


def test_without_a_word_nothing_is_analysed(tmp_path: Path) -> None:
    assert loaded(tmp_path, TABLE).utility.asked == Asked()


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("{target: diagnosis}", Asked(targets=("diagnosis",))),
        ("{target: [diagnosis, lab_a]}", Asked(targets=("diagnosis", "lab_a"))),
        (f"{{models: [{MODEL}]}}", Asked(models=(Model("m1", "linear", "lab_a", ("age", "sex")),))),
        (
            "{models: [{name: m, kind: logistic, outcome: diagnosis, positive: I50, terms: [age]}]}",
            Asked(models=(Model("m", "logistic", "diagnosis", ("age",), positive="I50"),)),
        ),
        (
            "{models: [{name: m, kind: cox, time: lab_a, outcome: diagnosis, terms: [age]}]}",
            Asked(models=(Model("m", "cox", "diagnosis", ("age",), time="lab_a"),)),
        ),
        (
            "{survival: [{time: lab_a, event: diagnosis, by: sex, positive: I50}]}",
            Asked(survival=(Followed("lab_a", "diagnosis", "sex", "I50"),)),
        ),
    ],
)
def test_what_is_written_is_what_is_asked(tmp_path: Path, written: str, asked: Asked) -> None:
    assert config(tmp_path, written).utility.asked == asked


@pytest.mark.parametrize(
    ("written", "key", "says"),
    [
        ("{}", "utility", "asks for nothing"),
        ("{target: []}", "utility", "asks for nothing"),
        ("{target: diagnoses}", "utility.target[0]", "names a column that has no rule"),
        ("{target: id}", "utility.target[0]", "names an identifier"),
        ("{target: [age, age]}", "utility.target[1]", "is named twice"),
        ("{models: [{name: m, kind: linear, outcome: id, terms: [age]}]}", "outcome", "names an identifier"),
        ("{models: [{name: m, kind: linear, outcome: age, terms: [ago]}]}", "terms[0]", "has no rule"),
        ("{models: [{name: m, kind: linear, outcome: age, terms: [age]}]}", "terms[0]", "is what the model"),
        ("{models: [{name: m, kind: linear, outcome: age, terms: [sex, sex]}]}", "terms[1]", "named twice"),
        ("{models: [{name: m, kind: linear, outcome: age, terms: []}]}", "terms", "must not be empty"),
        (
            "{models: [{name: m, kind: linear, outcome: age, time: lab_a, terms: [sex]}]}",
            "time",
            "no effect on a linear model",
        ),
        (
            "{models: [{name: m, kind: linear, outcome: age, positive: x, terms: [sex]}]}",
            "positive",
            "no effect on a linear model",
        ),
        (
            "{models: [{name: m, kind: cox, outcome: age, terms: [sex]}]}",
            "time",
            "is required for a Cox model",
        ),
        (
            "{models: [{name: M 1, kind: linear, outcome: age, terms: [sex]}]}",
            "name",
            "not written as it must",
        ),
        ("{models: [{name: m, kind: poisson, outcome: age, terms: [sex]}]}", "kind", "must be"),
        (f"{{models: [{MODEL}, {MODEL}]}}", "models[1].name", "is the name of another model"),
        ("{survival: [{time: lab_a, event: lab_a}]}", "event", "names the column of the time"),
        ("{survival: [{time: lab_a, event: sex, by: sex}]}", "by", "or of the event"),
        (
            "{survival: [{time: lab_a, event: sex}, {time: lab_a, event: sex}]}",
            "survival[1]",
            "asked for twice",
        ),
        ("{survival: [{time: lab_a, event: gone}]}", "survival[0].event", "names a column that has no rule"),
        ("{tarket: age}", "utility.tarket", "is no key here"),
    ],
)
def test_what_cannot_be_analysed_is_refused(tmp_path: Path, written: str, key: str, says: str) -> None:
    with pytest.raises(BadConfig) as caught:
        config(tmp_path, written)
    assert key in str(caught.value)
    assert says in str(caught.value)


def test_a_release_of_linked_tables_is_not_analysed_yet(tmp_path: Path) -> None:
    data = all_told(schema_cases.EXPORT)
    assert parsed(tmp_path, data).tables
    with pytest.raises(ComponentMissing, match="utility"):
        parsed(tmp_path, data | {"utility": {"target": "gender"}})


def test_the_schema_admits_a_target_and_a_list_of_targets() -> None:
    target = schema()["$defs"]["Utility"]["properties"]["target"]
    assert [each["type"] for each in target["anyOf"]] == ["string", "array"]
