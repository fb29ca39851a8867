"""``anon verify`` on a changed release of linked tables whose digests were made to fit again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anonymizer.criteria import DistinctLDiversity
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import suppression
from release import gate
from release.describing import manifest
from release.files import tables
from release.publish import publish
from release.recheck import verify_release
from tests import linked_changes as changes
from tests.linked_release import CRITERIA, STATEMENT, Change, published, staged
from tests.runs import anon

Paper = dict[str, Any]
NAMES = ("patients", "diagnoses", "labs")


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return published(tmp_path / "out") / "release"


def reseal(release: Path, edit: Callable[[Paper], object] = lambda _: None) -> None:
    """A manifest with the right digests, as a forger or a bug would give it."""
    content = json.loads((release / "manifest.json").read_text())
    edit(content)
    files = manifest.describe_files(release)
    content["files"] = {name: {"sha256": e.sha256, "bytes": e.bytes} for name, e in files.items()}
    (release / "manifest.json").write_text(json.dumps(content))


def rewrite(release: Path, change: Change, formats: tuple[str, ...] = ("csv", "parquet")) -> None:
    """Every data file of these formats again, and the rows counted again in the manifest."""
    frames = {name: pl.read_parquet(release / "data" / f"{name}.parquet") for name in NAMES}
    changed = change(frames)
    for name, frame in changed.items():
        for format_ in formats:
            (release / "data" / f"{name}.{format_}").unlink(missing_ok=True)
            tables.write(frame, release / "data", name, [format_])

    def count(content: Paper) -> None:
        for table in content["tables"]:
            table["rows"] = changed[table["name"]].height

    reseal(release, count)


def fails(release: Path, found: str) -> None:
    with pytest.raises(VerificationFailed, match=found) as failure:
        verify_release(release)
    assert failure.value.exit_code == 11


def test_a_release_of_linked_tables_is_intact(release: Path) -> None:
    result = verify_release(release)
    assert [(table.name, table.rows > 50) for table in result.tables] == [(name, True) for name in NAMES]
    k, known = result.tables[0].criteria
    assert (k.how, known.how, known.column) == ("recounted", "recounted", "events")
    assert known.reached is not None
    assert 3 <= known.reached < (k.reached or 0)
    assert [(c.name, c.how) for c in result.tables[2].criteria] == [("relative time", "attested")]
    assert "(k, k^m)-anonymity of events (k = 3, m = 2" in anon("verify", release).out


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (changes.duplicate_a_key, "share a key"),
        (changes.change_a_key_in_one_table, "people who are not released"),
        (changes.add_an_event_of_nobody, "people who are not released"),
        (changes.keep_a_suppressed_persons_event, "people who are not released"),
        (changes.lose_a_key, "people who are not released"),
        (changes.write_keys_in_capitals, "not 16 hexadecimal digits"),
        (changes.reorder_events, "not sorted"),
        (changes.reorder_patients, "not sorted"),
        (changes.add_an_identifier, "header|columns that the schema does not name"),
        (changes.ungeneralise_an_event, r"breaks \(k, k\^m\)-anonymity"),
        (changes.restore_a_rare_event, r"breaks \(k, k\^m\)-anonymity"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_changed_table_fails(release: Path, change: Change, found: str) -> None:
    rewrite(release, change)
    fails(release, found)


@pytest.mark.parametrize("name", NAMES)
def test_formats_must_agree_in_every_table(release: Path, name: str) -> None:
    rewrite(release, lambda frames: {**frames, name: frames[name].slice(1)}, ("csv",))
    fails(release, "formats")


def test_rows_must_be_as_many_as_declared(release: Path) -> None:
    rewrite(release, changes.drop_an_event)
    reseal(release, lambda content: content["tables"][2].update(rows=content["tables"][2]["rows"] + 1))
    fails(release, "number of rows")


def criterion(position: int, **changed: Any) -> Callable[[Paper], object]:
    return lambda content: content["tables"][0]["criteria"][position].update(**changed)


def table(position: int, **changed: Any) -> Callable[[Paper], object]:
    return lambda content: content["tables"][position].update(**changed)


def not_linked(content: Paper) -> None:
    for each in content["tables"]:
        each["linked_by"] = None


def without_keys(content: Paper) -> None:
    for each in content["tables"]:
        each["columns"][0]["role"], each["linked_by"] = "insensitive", None


def people_alone(content: Paper) -> None:
    content["tables"] = content["tables"][:1]


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (criterion(1, parameters={"k": 6, "m": 2, "repair": True}), r"breaks \(k, k\^m\)-anonymity"),
        (criterion(1, parameters={"k": 2, "m": 10**9, "repair": True}), "knowledge of codes that no config"),
        (criterion(1, parameters={"k": 2, "m": 0, "repair": True}), "knowledge of codes that no config"),
        (criterion(1, status="attested"), "called attested"),
        (criterion(1, column="notes"), "what is known of events"),
        (lambda content: content["tables"][0]["criteria"].pop(1), "what is known of events"),
        (
            lambda content: content["tables"][0]["criteria"].append(content["tables"][0]["criteria"][1]),
            "known of",
        ),
        (not_linked, "not linked by people's keys"),
        (without_keys, "not linked by people's keys"),
        (people_alone, "exactly the data files"),
        (table(1, linked_by=None), "not linked by people's keys"),
        (table(1, linked_by="icd"), "not linked by people's keys"),
        (table(1, row_is_person=True), "one table of people"),
        (table(0, row_is_person=False), "one table of people"),
        (
            lambda content: content["tables"][1]["criteria"].append(content["tables"][0]["criteria"][0]),
            "one table",
        ),
        (lambda content: content["tables"][1]["columns"][0].update(role="insensitive"), "not linked"),
        (lambda content: content["tables"][1]["columns"][2].update(role="identifier"), "direct identifier"),
        (lambda content: content["tables"][2]["columns"][3].update(role="quasi-identifier"), "not text"),
    ],
)
def test_a_manifest_that_contradicts_the_data_fails(
    release: Path, edit: Callable[[Paper], object], found: str
) -> None:
    reseal(release, edit)
    fails(release, found)


def test_more_known_events_are_counted_by_their_number(release: Path) -> None:
    """At m = 3 some three events are shared by fewer people than any two."""
    two = verify_release(release).tables[0].criteria[1].reached
    reseal(release, criterion(1, parameters={"k": 2, "m": 3, "repair": True}))
    with pytest.raises(VerificationFailed, match=r"breaks \(k, k\^m\)-anonymity"):
        verify_release(release)
    reseal(release, criterion(1, parameters={"k": 3, "m": 1, "repair": True}))
    one = verify_release(release).tables[0].criteria[1].reached
    assert one is not None
    assert two is not None
    assert one > two


def edit_package(release: Path, edit: Callable[[Paper], object]) -> None:
    package = json.loads((release / "datapackage.json").read_text())
    edit({resource["name"]: resource["schema"] for resource in package["resources"]})
    (release / "datapackage.json").write_text(json.dumps(package))
    reseal(release)


@pytest.mark.parametrize(
    "edit",
    [
        lambda schemas: schemas["patients-csv"].pop("primaryKey"),
        lambda schemas: schemas["labs-csv"].pop("foreignKeys"),
        lambda schemas: schemas["labs-csv"].update(primaryKey=["person"]),
        lambda schemas: schemas["labs-csv"]["foreignKeys"][0]["reference"].update(
            resource="patients-parquet"
        ),
        lambda schemas: schemas["labs-csv"]["foreignKeys"][0].update(fields=["loinc"]),
    ],
)
def test_a_package_that_links_other_columns_fails(release: Path, edit: Callable[[Paper], object]) -> None:
    edit_package(release, edit)
    fails(release, "does not link the tables")


def test_values_are_counted_among_people_who_share_events(tmp_path: Path) -> None:
    diverse = (*CRITERIA, DistinctLDiversity("stage", 2))
    release = published(tmp_path / "out", diverse) / "release"
    found = verify_release(release).tables[0].criteria[2]
    assert (found.how, found.reached) == ("recounted", 2)
    reseal(release, criterion(2, parameters={"l": 3}))
    fails(release, "'stage'.*breaks distinct l-diversity")


@pytest.fixture
def attested(tmp_path: Path) -> Path:
    """A folder whose diversity is of a column at a level, which is not what criteria count."""
    criteria = (*CRITERIA, DistinctLDiversity("stage", 2))
    with staged(tmp_path / "out", criteria) as stage:
        table = stage.promise.table
        levelled = tuple(
            replace(c, hierarchy=suppression(), release_level=0) if c.name == "stage" else c for c in table
        )
        made = replace(stage.promise, table=replace(table, columns=levelled))
        return publish(replace(stage, promise=made).verify(), gate.check({}, {}), STATEMENT)


def test_what_is_attested_is_counted_among_those_who_share_events_too(attested: Path) -> None:
    assert [c.how for c in verify_release(attested).tables[0].criteria] == ["recounted"] * 2 + ["attested"]
    found = verify_release(attested, internal=True).tables[0].criteria[2]
    assert (found.how, found.reached) == ("recounted from internal/", 2)
    path = attested / "internal" / "evidence_patients.parquet"
    evidence = pl.read_parquet(path)
    keys = pl.read_parquet(attested / "release" / "data" / "patients.parquet")["person"]
    assert not set(evidence["person"].cast(pl.String)) & set(keys)
    evidence.drop("b1").write_parquet(path)
    with pytest.raises(VerificationFailed, match="lacks a column"):
        verify_release(attested, internal=True)
