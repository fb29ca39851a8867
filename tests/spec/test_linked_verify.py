"""What the verifier finds in a release of several linked tables, beside what plain loops find."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity, KMAnonymity, MaxRisk
from anonymizer.hierarchies.hierarchy import suppression
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.timing import Shift, Timing, days_of, timed
from release.describing import manifest
from release.describing.treatment import KEY, released_columns
from release.files import tables
from release.files.lock import hold_lock
from release.files.staging import Staging
from release.verifying.linked import Known, known_of, released_events, remaining
from release.verifying.promise import Promise
from release.verifying.replay import replay
from release.verifying.verify import VerifiedRelease, verify
from tests.linked_release import (
    CANARY,
    CRITERIA,
    KNOWN,
    TIMING,
    Frames,
    promise,
    published,
    released,
    staged,
    world,
)

NAMES = ("patients", "diagnoses", "labs")


def known_by_person(frames: Frames, m: int) -> dict[str, set[tuple[Any, ...]]]:
    """Of each released person the class and the numbered events, from the released cells alone."""
    found: dict[str, set[tuple[Any, ...]]] = {person: set() for person in frames["patients"]["person"]}
    for name, labelled in (("diagnoses", "icd"), ("labs", "loinc")):
        for person, code in frames[name].select("person", labelled).iter_rows():
            number = next(i for i in range(1, 99) if (name, code, i) not in found[person] or i == m)
            found[person].add((name, code, number))
    return found


def fewest(frames: Frames, m: int) -> list[int]:
    """For each patient the fewest of the class who have some up to ``m`` of the events as well."""
    known = known_by_person(frames, m)
    quasi = {row[0]: row[1:3] for row in frames["patients"].iter_rows()}
    found = []
    for person, events in known.items():
        alike = [known[other] for other in known if quasi[other] == quasi[person]]
        sizes = [
            sum(set(combined) <= others for others in alike)
            for size in range(1, m + 1)
            for combined in combinations(sorted(events, key=str), size)
        ]
        found.append(min([len(alike), *sizes]))
    return found


def verified(folder: Path, criteria: tuple[Criterion, ...], **drawn: Any) -> tuple[VerifiedRelease, Frames]:
    """The verified release of a world that is drawn otherwise."""
    frames, removed = released(*world(**drawn), criteria)
    with hold_lock(folder) as lock, Staging(lock, "world") as staging:
        for name, frame in frames.items():
            tables.write(frame, staging.data, name, ["parquet"])
        promised = replace(promise(removed, criteria, **drawn), formats=("parquet",))
        return verify(staging, promised), frames


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("m", [1, 2, 3])
def test_what_plain_loops_release_is_verified(tmp_path: Path, seed: int, m: int) -> None:
    known = KMAnonymity("events", 2 + seed, m, repair=True)
    made, frames = verified(tmp_path, (KAnonymity(3), known), people=30, seed=seed)
    assert made.fewest is not None
    assert made.fewest.to_list() == fewest(frames, m)
    assert made.criteria[1].reached == min(fewest(frames, m)) >= known.k
    assert made.frame.equals(frames["patients"])
    assert {name: frame.equals(frames[name]) for name, frame in made.events.items()} == {
        "diagnoses": True,
        "labs": True,
    }


@pytest.mark.parametrize("seed", range(3))
def test_values_differ_among_all_who_share_events(tmp_path: Path, seed: int) -> None:
    criteria = (KAnonymity(3), KMAnonymity("events", 3, 2, repair=True), DistinctLDiversity("stage", 2))
    made, frames = verified(tmp_path, criteria, seed=seed)
    known = known_by_person(frames, 2)
    people = frames["patients"].rows(named=True)
    least = min(
        len(
            {
                row["stage"]
                for row in people
                if row["sex"] == one["sex"] and set(combined) <= known[row["person"]]
            }
            - {None}
        )
        for one in people
        for size in (0, 1, 2)
        for combined in combinations(sorted(known[one["person"]], key=str), size)
    )
    assert made.criteria[2].reached == least == 2


def test_every_file_has_its_digest(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        made = stage.verify()
    assert set(made.digests) == {f"data/{name}.{format_}" for name in NAMES for format_ in ("csv", "parquet")}
    assert made.row_is_person
    assert made.suppressed == 2
    assert made.evidence["person"].dtype.is_integer()


def test_suppressed_people_leave_with_their_events(tmp_path: Path) -> None:
    folder = published(tmp_path)
    assert CANARY in world()[1]["diagnoses"].frame["note"].to_list()
    assert not [path for path in folder.rglob("*.*") if CANARY.encode() in path.read_bytes()]


def test_the_papers_name_the_key_and_whose_rows_there_are(tmp_path: Path) -> None:
    folder = published(tmp_path) / "release"
    people, diagnoses, labs = json.loads((folder / "manifest.json").read_text())["tables"]
    assert [table["linked_by"] for table in (people, diagnoses, labs)] == ["person"] * 3
    assert [table["row_is_person"] for table in (people, diagnoses, labs)] == [True, False, False]
    assert [column["name"] for column in diagnoses["columns"]] == ["person", "patient_id", "icd", "note"]
    assert [column["released"] for column in diagnoses["columns"]] == [True, False, True, True]
    assert diagnoses["columns"][0]["role"] == "key"
    assert diagnoses["columns"][2]["level"] == 1
    assert diagnoses["files"] == ["data/diagnoses.csv", "data/diagnoses.parquet"]
    assert (diagnoses["criteria"], labs["criteria"]) == ([], [])
    assert diagnoses["guarantee"] == "none of its own: the criteria hold for people, in patients"
    assert people["criteria"][1] == {
        "name": "(k, k^m)-anonymity",
        "column": "events",
        "parameters": {"k": 3, "m": 2, "repair": True},
        "status": "recounted",
    }
    assert (people["relative_time"], labs["relative_time"]) == (None, {"columns": ["seen"], "to": "admitted"})
    package = json.loads((folder / "datapackage.json").read_text())
    schemas = {resource["name"]: resource["schema"] for resource in package["resources"]}
    assert sorted(schemas) == sorted(f"{name}-{form}" for name in NAMES for form in ("csv", "parquet"))
    assert schemas["patients-csv"]["primaryKey"] == ["person"]
    assert schemas["labs-parquet"]["foreignKeys"] == [
        {"fields": ["person"], "reference": {"resource": "patients-parquet", "fields": ["person"]}}
    ]
    assert schemas["labs-csv"]["fields"][0]["treatment"] == KEY.treatment
    assert {"primaryKey", "foreignKeys"} & set(schemas["patients-csv"]) == {"primaryKey"}


def test_columns_of_events_are_told_as_those_of_patients(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        made = stage.verify()
    (code, note), (_, value, seen) = (
        released_columns(made.promise.of_events(name), tables.types(made.events[name]))
        for name in made.events
    )
    assert (code.level, code.treatment) == (1, "generalised to level 1 of 3 (3 characters)")
    assert (note.treatment, value.treatment) == ("unchanged", "clipped to 0 … 300")
    assert seen.treatment == "told as days since the person's first admitted"


def test_a_manifest_of_before_still_reads(tmp_path: Path) -> None:
    content = json.loads((published(tmp_path) / "release" / "manifest.json").read_text())
    content["tables"] = content["tables"][:1]
    del content["tables"][0]["linked_by"]
    assert manifest.decode(json.dumps(content).encode()).tables[0].linked_by is None


def test_events_are_shifted_with_their_person() -> None:
    shift = Shift(("labs.seen",), 40, False, b"s" * 64)
    _, removed = released(*world())
    promised = replace(promise(removed), timing=Timing(shift))
    labs = promised.events["labs"]
    shown = released_events(promised)["labs"]
    assert (
        shown["seen"].to_list()
        == timed(labs, Timing(replace(shift, columns=("seen",)))).table.frame["seen"].to_list()
    )
    assert days_of(shift, "P001") != 0
    assert promised.own_timing == Timing()


def test_the_timing_of_each_table_is_its_own() -> None:
    _, removed = released(*world())
    both = replace(TIMING, shift=Shift(("stage", "diagnoses.note"), 3, False, b""))
    promised = replace(promise(removed), timing=both)
    assert promised.own_timing.columns == {"stage"}
    assert promised.of_events("diagnoses").timing.columns == {"note"}
    assert promised.of_events("labs").timing.columns == {"seen"}


def test_alike_events_are_numbered_up_to_m() -> None:
    """Whoever knows two may know that there are two, or that there is one; never that there are three."""
    rows = {"person": ["a", "a", "a", "b", "b"], "code": ["X", "X", "X", "X", None]}
    told = known_of(pl.Series(["b", "a", "c"]), {"labs": pl.DataFrame(rows)}, Known({"labs": ["code"]}, 2))
    assert told.to_list() == [
        ['["labs","X",1]', '["labs",null,1]'],
        ['["labs","X",1]', '["labs","X",2]'],
        None,
    ]


def test_without_quasi_identifiers_events_are_only_counted() -> None:
    rows = pl.DataFrame({"person": [1, 1, 2], "value": [0.5, 1.5, 2.5]})
    assert known_of(pl.Series([1, 2]), {"labs": rows}, Known({"labs": []}, 2)).to_list() == [
        ['["labs",1]', '["labs",2]'],
        ['["labs",1]'],
    ]
    classes = pl.DataFrame({"person": [1, 2], "q0": ["*", "*"]})
    removed = pl.DataFrame({"code": ['["labs",2]']})
    left = remaining({"labs": rows}, classes, removed, Known({"labs": []}, 2))["labs"]
    # SHA-256 of [0.5] begins with 04, of [1.5] with f6.
    assert left.rows() == [(1, 0.5), (2, 2.5)]


def test_who_loses_the_second_keeps_the_first_in_the_order_of_digests() -> None:
    rows = pl.DataFrame({"person": [7] * 4, "code": ["X", "X", "X", "Y"], "note": ["a", "b", "c", "a"]})
    classes = pl.DataFrame({"person": [7, 8], "q0": [None, "f"]}, schema_overrides={"q0": pl.String})
    known = Known({"labs": ["code"]}, 3)

    def left(label: str | None, *codes: str) -> list[str]:
        schema = {"q0": pl.String, "code": pl.String}
        removed = pl.DataFrame([(label, code) for code in codes], schema=schema, orient="row")
        told = remaining({"labs": rows}, classes, removed, known)["labs"]
        return sorted(code + note for _, code, note in told.rows())

    assert left(None) == ["Xa", "Xb", "Xc", "Ya"]
    assert left("f", '["labs","X",1]') == ["Xa", "Xb", "Xc", "Ya"]
    assert left(None, '["labs","X",1]') == ["Ya"]
    # SHA-256 of ["X","a"] begins with 4c, of ["X","b"] with 67, of ["X","c"] with d9.
    assert left(None, '["labs","X",3]') == ["Xa", "Xb", "Ya"]
    assert left(None, '["labs","X",2]') == ["Xa", "Ya"]
    assert left(None, '["labs","X",3]', '["labs","X",2]', '["labs","Y",2]') == ["Xa", "Ya"]


def test_people_without_quasi_identifiers_are_one_class() -> None:
    patients = Table(pl.DataFrame({"id": ["a", "b", "c"]}), (Column("id", Role.IDENTIFIER),), "id")
    code = Column("code", Role.QUASI_IDENTIFIER, suppression(), min_level=0, max_level=0)
    frame = pl.DataFrame({"id": ["a", "b", "b", "c", "z"], "code": ["X", "X", "Y", "X", "X"]})
    promised = Promise(
        table=patients,
        table_name="patients",
        formats=("csv",),
        transformation={},
        criteria=(KAnonymity(3), MaxRisk(1), replace(KNOWN, m=1)),  # type: ignore[arg-type]
        suppression_limit=0.0,
        removed_codes={"events": pl.DataFrame({"code": ['["labs","Y",1]']})},
        events={"labs": Table(frame, (Column("id", Role.IDENTIFIER), code), "id")},
    )
    assert replay(promised).events["labs"].cast(pl.String).rows() == [("0", "X"), ("1", "X"), ("2", "X")]


def test_criteria_are_the_promised_ones(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        assert [found.name for found in stage.verify().criteria] == [each.name for each in CRITERIA]
