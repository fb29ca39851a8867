"""Whatever is released: FHIR tells it again cell by cell, in valid resources, and nothing beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.tables.row_order import in_order
from mii.writing import read_back, resources
from tests.fhir_tables import Tables, released_tables

Json = dict[str, Any]
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
DATES = {"birthDate", "deceasedDateTime", "start", "end", "recordedDate", "onsetDateTime", "authoredOn"}
DATES |= {"performedDateTime", "effectiveDateTime"}
DEMANDED = {"identifier": {"type", "value", "_system", "_value", "assigner"}}
EXAMPLES = settings(max_examples=150, deadline=None)


def written(tables: Tables, **told: Any) -> dict[str, list[bytes]]:
    return {kind: list(lines) for kind, lines in resources(tables, **told).items()}


def parsed(tables: Tables) -> list[Json]:
    return [json.loads(line) for lines in written(tables).values() for line in lines]


def objects(value: Any) -> Iterator[Json]:
    """Every object within a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


@EXAMPLES
@given(released_tables())
def test_what_is_written_and_read_back_is_the_release(tables: Tables) -> None:
    read = read_back(written(tables), {table: frame.schema for table, frame in tables.items()})
    assert read.keys() == tables.keys()
    for table, frame in tables.items():
        assert read[table].schema == frame.schema
        assert read[table].equals(in_order(frame))


@EXAMPLES
@given(released_tables(), st.integers(0, 2**32))
def test_the_order_of_rows_and_columns_leaves_no_trace(tables: Tables, seed: int) -> None:
    shuffled = {}
    for table, frame in tables.items():
        columns = Random(seed).sample(frame.columns, len(frame.columns))
        shuffled[table] = frame.sample(fraction=1.0, shuffle=True, seed=seed).select(columns)
    backwards = dict(reversed(shuffled.items()))
    assert written(backwards) == written(tables)


@EXAMPLES
@given(released_tables())
def test_ids_are_valid_and_single_and_references_lead_to_a_patient(tables: Tables) -> None:
    every = parsed(tables)
    names = [(resource["resourceType"], resource["id"]) for resource in every]
    assert len(set(names)) == len(names)
    assert all(ID.fullmatch(identity) for _, identity in names)
    patients = {identity for kind, identity in names if kind == "Patient"}
    for resource in every:
        if resource["resourceType"] != "Patient":
            person = resource["subject"]["reference"].removeprefix("Patient/")
            assert person in patients
            assert resource["id"].startswith(f"{person}-")


@EXAMPLES
@given(released_tables())
def test_every_line_is_one_resource_of_its_type_in_utf_8(tables: Tables) -> None:
    for kind, lines in written(tables).items():
        for line in lines:
            assert line.count(b"\n") == 1
            assert line.endswith(b"}\n")
            assert json.loads(line.decode("utf-8"))["resourceType"] == kind


@EXAMPLES
@given(released_tables())
def test_no_element_is_empty_and_dates_are_dates(tables: Tables) -> None:
    for each in objects(parsed(tables)):
        assert each
        for name, value in each.items():
            assert value not in (None, "", [], {})
            assert name not in DATES or DATE.fullmatch(value)
            assert f"_{name}" not in each or name == "gender"
        if "url" in each:
            values = [name for name in each if name.startswith("value")]
            assert len(values) + ("extension" in each) == 1


@EXAMPLES
@given(released_tables())
def test_no_identifier_is_told_but_the_persons_key(tables: Tables) -> None:
    keys = set(tables["patients"]["person"])
    for resource in parsed(tables):
        for identifier in resource.get("identifier", []):
            assert identifier.keys() <= DEMANDED["identifier"]
            assert identifier.get("value") in ({resource["id"]} & keys or {None})
        assert resource.keys().isdisjoint({"name", "telecom", "text", "note", "photo", "contact"})
        texts = {each["text"] for each in objects(resource) if "text" in each}
        assert texts <= {"Hauptdiagnose"}


@EXAMPLES
@given(released_tables())
def test_the_lines_are_a_function_of_what_is_read_back(tables: Tables) -> None:
    """So a verifier who writes again what he read finds any byte that no column told."""
    lines = written(tables, reference_date=date(2026, 11, 22))
    read = read_back(lines, {table: frame.schema for table, frame in tables.items()})
    assert written(read, reference_date=date(2026, 11, 22)) == lines


def test_many_rows_are_read_in_parts() -> None:
    rows = 70_000
    values = pl.Series("value", range(rows), dtype=pl.Float64)
    people = pl.Series("person", ["a1", "b2"] * (rows // 2))
    tables = {"patients": pl.DataFrame({"person": ["a1", "b2"]}), "labs": pl.DataFrame([people, values])}
    read = read_back(written(tables), {table: frame.schema for table, frame in tables.items()})
    assert read["labs"].equals(in_order(tables["labs"]))
