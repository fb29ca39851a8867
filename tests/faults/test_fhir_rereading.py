"""Lines of FHIR that are not what was released: refused, or read as something else, and never quoted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from anonymizer.errors import VerificationFailed
from mii.writing import read_back, resources

Lines = dict[str, list[bytes]]
SECRET = "CANARY"
TABLES = {
    "patients": pl.DataFrame(
        {"person": ["a1", "b2"], "gender": ["male", "*"], "age_years": ["44", "[90, *)"], "plz": ["793", "7"]}
    ),
    "diagnoses": pl.DataFrame({"person": ["a1", "b2"], "icd10gm": ["I21", "I20-I25"]}),
    "labs": pl.DataFrame({"person": ["a1", "b2"], "value": [5.0, 0.1], "unit": ["mg/L", None]}),
}
SCHEMAS = {table: frame.schema for table, frame in TABLES.items()}


def written() -> Lines:
    return {kind: list(lines) for kind, lines in resources(TABLES).items()}


def changed(kind: str, number: int, change: Callable[[dict[str, Any]], Any]) -> Lines:
    """The lines with one resource changed."""
    lines = written()
    resource = json.loads(lines[kind][number])
    change(resource)
    lines[kind][number] = json.dumps(resource).encode()
    return lines


def with_line(kind: str, line: bytes) -> Lines:
    lines = written()
    return {**lines, kind: [*lines.get(kind, []), line]}


AGE = written()["Observation"][0]
REFUSED: dict[str, Lines] = {
    "no JSON": with_line("Patient", b'{"resourceType":"Patient","id":"CANARY"'),
    "no UTF-8": with_line("Patient", b'{"resourceType":"Patient","id":"CANARY\xff"}'),
    "no object": with_line("Patient", b'["CANARY"]'),
    "a name twice": with_line("Patient", b'{"resourceType":"Patient","id":"c3","id":"CANARY"}'),
    "no number of JSON": with_line("Patient", b'{"resourceType":"Patient","id":"c3","x":NaN}'),
    "nested without end": with_line("Patient", b"[" * 100_000),
    "another type": with_line("Patient", b'{"resourceType":"CANARY","id":"c3"}'),
    "a type of no table": with_line(
        "Goal", b'{"resourceType":"Goal","id":"a1-g1","subject":{"reference":"Patient/a1"}}'
    ),
    "a Patient twice": with_line("Patient", written()["Patient"][0]),
    "no id": with_line("Patient", b'{"resourceType":"Patient"}'),
    "an age twice": with_line("Observation", AGE),
    "a stranger": changed("Condition", 0, lambda r: r["subject"].update(reference="Patient/CANARY")),
    "nobody": changed("Condition", 0, lambda r: r.pop("subject")),
    "another's id": changed("Condition", 0, lambda r: r.update(id="b2-d1")),
    "an element missing": changed("Condition", 0, lambda r: r.pop("code")),
    "another form": changed("Condition", 0, lambda r: r.update(code="CANARY")),
    "no number": changed("Observation", 2, lambda r: r["valueQuantity"].update(value="CANARY")),
}


@pytest.mark.parametrize("lines", REFUSED.values(), ids=REFUSED)
def test_what_is_no_release_is_refused_without_a_value(lines: Lines) -> None:
    with pytest.raises(VerificationFailed) as refused:
        read_back(lines, SCHEMAS)
    assert SECRET not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__cause__ is None


CHANGED: dict[str, Lines] = {
    "another code": changed("Condition", 0, lambda r: r["code"]["coding"][0].update(code="I22")),
    "another system": changed("Condition", 0, lambda r: r["code"]["coding"][0].update(system="x")),
    "another label": changed(
        "Condition", 1, lambda r: r["code"]["coding"][0]["_code"]["extension"][1].update(valueString="I21")
    ),
    "no label": changed("Condition", 1, lambda r: r["code"]["coding"][0]["_code"]["extension"].pop()),
    "another reason": changed(
        "Patient", 1, lambda r: r["_gender"]["extension"][0].update(valueCode="unknown")
    ),
    "another bound": changed("Observation", 1, lambda r: r["valueRange"]["low"].update(value=85)),
    "another number": changed("Observation", 3, lambda r: r["valueQuantity"].update(value=0.2)),
    "a line more": with_line("Condition", written()["Condition"][0]),
    "a line less": {**written(), "Condition": written()["Condition"][1:]},
}


@pytest.mark.parametrize("lines", CHANGED.values(), ids=CHANGED)
def test_what_was_changed_is_read_as_something_else(lines: Lines) -> None:
    read = read_back(lines, SCHEMAS)
    assert not all(read[table].equals(frame.sort(frame.columns)) for table, frame in TABLES.items())


def test_what_was_not_changed_is_read_as_it_was() -> None:
    read = read_back(written(), SCHEMAS)
    assert all(read[table].equals(frame.sort(frame.columns)) for table, frame in TABLES.items())


def test_what_no_column_tells_is_found_by_writing_again() -> None:
    """An element that no column has is not read, so a verifier compares the bytes as well."""
    lines = changed("Patient", 0, lambda r: r.update(name=[{"family": SECRET}]))
    read = read_back(lines, SCHEMAS)
    again = {kind: list(found) for kind, found in resources(read).items()}
    assert again == written()
    assert again != lines
