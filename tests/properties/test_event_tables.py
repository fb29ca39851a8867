"""What event tables tell of a patient is what the table of patients tells in lists and statistics."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mii
from tests.event_exports import ALL, Json, drug, procedure
from tests.fhir_export import CRP, LOINC, concept, condition, lab, patient, request, write

LABS = {**CRP, "other": mii.Observation("718-7", "g/L")}
LISTS = {
    "icd10gm_all": ("diagnoses", "icd10gm"),
    "ops_all": ("procedures", "ops"),
    "atc_all": ("medications", "atc"),
}
KINDS = ["Administration", "Statement", "Request"]


def measured(identity: str, names: list[str], value: float, unit: str | None, bound: str | None) -> Json:
    told = {"value": value, "code": unit, "comparator": bound}
    quantity = {name: each for name, each in told.items() if each is not None}
    return lab(identity, None, "2024-02-17", code=concept(LOINC, *names), valueQuantity=quantity)


def owned(event: Json, owner: str, state: str) -> Json:
    own = {"subject": {"reference": f"Patient/{owner}"}, "verificationStatus": concept("state", state)}
    return {**event, **own, "status": state}


ids, values = st.sampled_from("abcdef"), st.sampled_from([1.0, 2.5, 30.0])
codes = st.sampled_from(["I50.13", "J12.8 U07.1!", "B05.3† H67.1*", "Zephyrine Quarles", "C34.1"])
loincs = st.lists(st.sampled_from(["1988-5", "718-7", "48421-2"]), min_size=1, max_size=3)
units, bounds = st.sampled_from(["mg/L", "g/L", "mg/dL", None]), st.sampled_from([None, None, "<"])
events = st.one_of(
    st.builds(condition, ids, codes),
    st.builds(procedure, ids, codes, codes),
    st.builds(drug, ids, codes, st.sampled_from(KINDS)),
    st.builds(measured, ids, loincs, values, units, bounds),
)
states = st.sampled_from(["completed", "completed", "entered-in-error"])
exports = st.lists(st.builds(owned, events, st.sampled_from(["p", "q", "nobody"]), states), max_size=25)


@settings(max_examples=60, deadline=None)
@given(told=exports)
def test_lists_and_statistics_are_those_of_the_events(
    tmp_path_factory: pytest.TempPathFactory, told: list[Json]
) -> None:
    export = write(tmp_path_factory.mktemp("drawn"), [patient("p"), patient("q"), *told])
    columns = ("patient_id", *LISTS, *mii.lab_columns(LABS))
    found = mii.read(export, request(*columns, observations=LABS, tables=ALL))
    missing = set(found.audit["columns_without_source"])  # type: ignore[call-overload]
    for row in found.frame.iter_rows(named=True):
        own = {name: frame.filter(patient_id=row["patient_id"]) for name, frame in found.tables.items()}
        for column in {*LISTS} - missing:
            table, name = LISTS[column]
            assert row[column] == sorted(own[table][name].drop_nulls().unique())
        for name, asked in LABS.items():
            if f"lab_{name}_count" not in missing:
                assert statistics(row, name) == of_events(own["labs"].filter(loinc=asked.loinc))
    malformed = sum(counts["codes"].get("malformed", 0) for counts in audit(found).values())
    assert found.audit["codes"] == ({"malformed": malformed} if malformed else {})


def statistics(row: Json, name: str) -> tuple[Any, ...]:
    return tuple(row[f"lab_{name}_{statistic}"] for statistic in ("count", "min", "max"))


def of_events(labs: pl.DataFrame) -> tuple[Any, ...]:
    return labs.height, labs["value"].min(), labs["value"].max()


def audit(found: mii.Export) -> dict[str, Any]:
    counts: Any = found.audit["tables"]
    return dict(counts)
