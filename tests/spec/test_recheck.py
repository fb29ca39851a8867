"""``anon verify`` and ``anon export``: what anybody can do with a release folder."""

from __future__ import annotations

import json
import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from anonymizer.criteria import DistinctLDiversity, KAnonymity
from anonymizer.errors import InputMissing, OutputExists, OutputFailed, UsageError, VerificationFailed
from release import gate
from release.describing import manifest
from release.export import export
from release.files import tables
from release.publish import publish
from release.recheck import verify_release
from tests.runs import anon
from tests.small_release import STATEMENT, promise, published, staged, ward


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return published(tmp_path / "out") / "release"


def reseal(release: Path, edit: Callable[[dict[str, object]], object] = lambda _: None) -> None:
    """Give a changed folder a manifest with the right digests, as a forger or a bug would."""
    content = json.loads((release / "manifest.json").read_text())
    edit(content)
    files = manifest.describe_files(release)
    content["files"] = {name: {"sha256": e.sha256, "bytes": e.bytes} for name, e in files.items()}
    (release / "manifest.json").write_text(json.dumps(content))


def rewrite(release: Path, change: Callable[[pl.DataFrame], pl.DataFrame], formats: tuple[str, ...]) -> None:
    schema = dict.fromkeys(("sex", "age", "plz", "diagnosis", "crp", "ward"), "string") | {"crp": "number"}
    for format_ in formats:
        path = release / "data" / f"ward.{format_}"
        frame = tables.read(path, schema)
        path.unlink()
        tables.write(change(frame), path.parent, "ward", [format_])
    reseal(release)


def test_a_release_is_intact(release: Path) -> None:
    for path in (release, release.parent):
        result = verify_release(path)
        assert (result.name, result.files, result.release) == ("small-ward", 3, release)
        (table,) = result.tables
        assert (table.kind, table.rows) == ("anonymised", 60)
        assert [(c.name, c.how, c.reached) for c in table.criteria] == [
            ("k-anonymity", "recounted", 6),
            ("distinct l-diversity", "recounted", 3),
        ]


def test_it_needs_nothing_but_the_release_folder(release: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(release, elsewhere)
    shutil.rmtree(tmp_path / "out")
    assert verify_release(elsewhere).files == 3


def test_a_changed_byte_fails(release: Path) -> None:
    for path in [path for path in release.rglob("*.*") if path.name != "manifest.json"]:
        before = path.read_bytes()
        path.write_bytes(before[:-3] + bytes([before[-3] ^ 1]) + before[-2:])
        with pytest.raises(VerificationFailed, match=r"changed.*SHA-256") as failure:
            verify_release(release)
        assert failure.value.exit_code == 11
        path.write_bytes(before)
    verify_release(release)


@pytest.mark.parametrize("extra", ["data/patients.csv", ".hidden", "data/sub/x"])
def test_an_extra_file_fails(release: Path, extra: str) -> None:
    path = release / extra
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    with pytest.raises(VerificationFailed, match="does not name"):
        verify_release(release)


def test_a_missing_file_fails(release: Path) -> None:
    (release / "data" / "ward.csv").unlink()
    with pytest.raises(VerificationFailed, match="missing"):
        verify_release(release)


def test_a_link_fails(release: Path, tmp_path: Path) -> None:
    path = release / "data" / "ward.csv"
    path.rename(tmp_path / "moved.csv")
    path.symlink_to(tmp_path / "moved.csv")
    with pytest.raises(VerificationFailed, match="no plain file"):
        verify_release(release)


def test_no_release_is_missing_input(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputMissing) as failure:
            verify_release(path)
        assert failure.value.exit_code == 66


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"verified": true}'])
def test_a_manifest_that_is_none_fails(release: Path, content: str) -> None:
    (release / "manifest.json").write_text(content)
    with pytest.raises(VerificationFailed, match="no manifest"):
        verify_release(release)


def test_an_unverified_manifest_is_none(release: Path) -> None:
    reseal(release, lambda content: content.update(verified=False))
    with pytest.raises(VerificationFailed, match="no manifest"):
        verify_release(release)


def test_criteria_are_recounted_and_not_believed(release: Path) -> None:
    """Digests that fit do not help: the smallest class of six no longer reaches k."""
    reseal(release, lambda content: content["tables"][0]["criteria"][0]["parameters"].update(k=7))  # type: ignore[index]
    with pytest.raises(VerificationFailed, match="breaks k-anonymity"):
        verify_release(release)
    reseal(release, lambda content: content["tables"][0]["criteria"][0]["parameters"].update(k=6))  # type: ignore[index]
    verify_release(release)
    reseal(release, lambda content: content["tables"][0]["criteria"][1]["parameters"].update(l=4))  # type: ignore[index]
    with pytest.raises(VerificationFailed, match=r"'diagnosis'.*breaks distinct l-diversity"):
        verify_release(release)


def test_formats_must_agree(release: Path) -> None:
    rewrite(release, lambda frame: frame.with_columns(ward=pl.lit("x")), ("csv",))
    with pytest.raises(VerificationFailed, match="formats"):
        verify_release(release)


def test_the_schema_must_fit_the_data(release: Path) -> None:
    rewrite(release, lambda frame: frame.with_columns(crp=pl.lit("x")), ("csv", "parquet"))
    with pytest.raises(VerificationFailed, match="type"):
        verify_release(release)


def test_rows_must_be_as_many_as_declared(release: Path) -> None:
    rewrite(release, lambda frame: frame.slice(1), ("csv", "parquet"))
    with pytest.raises(VerificationFailed, match="number of rows"):
        verify_release(release)


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (lambda t: t["columns"][1].update(released=False), "not those of the manifest"),
        (lambda t: t["columns"][1].update(role="identifier"), "direct identifier"),
        (lambda t: t["columns"][5].update(role="quasi-identifier"), "not text"),
        (lambda t: t.update(row_is_person=False), "rows are not people"),
        (lambda t: t.update(files=["data/ward.csv"]), "exactly the data files"),
        (lambda t: t["criteria"][0].update(name="z-anonymity"), "does not know"),
        (lambda t: t["criteria"][1].update(column="patient_id"), "not released"),
        (lambda t: t["criteria"][0].update(status="attested"), "called attested"),
        (lambda t: t["criteria"][1].update(status="attested"), "'diagnosis'.*called attested"),
        (lambda t: t["files"].append(t["files"][0]), "each once"),
    ],
)
def test_a_manifest_that_contradicts_the_data_fails(
    release: Path, edit: Callable[[dict[str, object]], object], found: str
) -> None:
    reseal(release, lambda content: edit(content["tables"][0]))  # type: ignore[index]
    with pytest.raises(VerificationFailed, match=found):
        verify_release(release)


def test_a_table_named_twice_fails(release: Path) -> None:
    def split(content: dict[str, object]) -> None:
        (table,) = content["tables"]  # type: ignore[misc]
        content["tables"] = [{**table, "files": [file]} for file in table["files"]]  # type: ignore[has-type]

    reseal(release, split)
    with pytest.raises(VerificationFailed, match="names a table twice"):
        verify_release(release)


def test_rows_in_another_order_fail(release: Path) -> None:
    """Their positions could tell where in the input they stood."""
    rewrite(release, lambda frame: frame.reverse(), ("csv", "parquet"))
    with pytest.raises(VerificationFailed, match="not sorted"):
        verify_release(release)


def test_what_was_checked_is_told_in_a_few_lines(release: Path, attested: Path) -> None:
    told = anon("verify", release).out.splitlines()
    assert told[:4] == [
        "small-ward: intact, 3 files checked",
        "ward (anonymised): 60 rows",
        "  k-anonymity (k = 3): recounted, smallest class 6",
        "  distinct l-diversity of diagnosis (l = 2): recounted, fewest values in a class 3",
    ]
    assert "does not prove who" in told[4]
    assert "  k-anonymity (k = 3): attested" in anon("verify", attested).out.splitlines()
    assert "(k = 3): recounted from internal/, smallest" in anon("verify", attested, "--internal").out


@pytest.fixture
def attested(tmp_path: Path) -> Path:
    """A release with two rows per person and a criterion on a clipped column."""
    criteria = (KAnonymity(3), DistinctLDiversity("crp", 2))
    with staged(tmp_path / "two", promise(ward(2), criteria)) as stage:
        return publish(stage.verify(), gate.check({}, {}), STATEMENT)


def test_what_needs_the_input_stays_attested(attested: Path) -> None:
    assert [(c.how, c.reached) for c in verify_release(attested).tables[0].criteria] == [
        ("attested", None)
    ] * 2


def test_internal_evidence_recounts_what_was_attested(attested: Path) -> None:
    k, diversity = verify_release(attested, internal=True).tables[0].criteria
    assert k.how == diversity.how == "recounted from internal/"
    assert k.reached is not None
    assert 3 <= k.reached < 7


def test_internal_evidence_must_be_there_and_about_these_rows(attested: Path) -> None:
    path = attested / "internal" / "evidence_ward.parquet"
    evidence = pl.read_parquet(path)
    evidence.with_columns(person=pl.lit(0)).write_parquet(path)
    with pytest.raises(VerificationFailed, match="breaks k-anonymity"):
        verify_release(attested, internal=True)
    evidence.with_columns(q1=pl.lit("[0, 19]")).write_parquet(path)
    with pytest.raises(VerificationFailed, match="not about the released rows"):
        verify_release(attested, internal=True)
    path.write_bytes(b"PAR1")
    with pytest.raises(VerificationFailed, match="cannot be read"):
        verify_release(attested, internal=True)
    path.unlink()
    with pytest.raises(InputMissing):
        verify_release(attested, internal=True)
    verify_release(attested)


def test_an_export_unpacks_to_a_release(release: Path, tmp_path: Path) -> None:
    packed = export(release.parent, tmp_path / "ward.zip")
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unpacked")
    assert [path.name for path in (tmp_path / "unpacked").iterdir()] == ["release"]
    assert verify_release(tmp_path / "unpacked").files == 3
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600


def test_an_export_has_the_same_bytes_every_time(release: Path, tmp_path: Path) -> None:
    one = export(release, tmp_path / "1.zip").read_bytes()
    os.utime(release / "datapackage.json", (0, 0))
    assert export(release, tmp_path / "2.zip").read_bytes() == one


def test_an_export_holds_nothing_internal(attested: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(export(attested, tmp_path / "x.zip")) as archive:
        assert all(name.startswith("release/") for name in archive.namelist())
        assert not [name for name in archive.namelist() if "evidence" in name]


def test_an_export_never_overwrites(release: Path, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("mine")
    with pytest.raises(OutputExists):
        export(release, tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_text() == "mine"


@pytest.mark.parametrize("inside", ["x.zip", "data/x.zip"])
def test_an_export_into_the_release_is_refused(release: Path, inside: str) -> None:
    """It would be an extra file there: the release would verify no more."""
    for path in (release, release.parent):
        with pytest.raises(UsageError):
            export(path, release / "data" / ".." / inside)
    verify_release(release)
    assert anon("export", release, release / inside).code == 2


def test_a_broken_release_is_not_exported(release: Path, tmp_path: Path) -> None:
    (release / "data" / "ward.csv").write_text("x")
    with pytest.raises(VerificationFailed):
        export(release, tmp_path / "x.zip")
    assert not list(tmp_path.glob("*.zip*"))


def test_a_failed_export_leaves_nothing(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (tmp_path / "there").mkdir()
    with pytest.raises(OutputFailed, match="No space left"):
        export(release, tmp_path / "there" / "x.zip")
    assert not list((tmp_path / "there").iterdir())
