"""`anon init EXPORT` proposes tables of events, commented out; taken in as the draft says, they publish."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from release.config.root import load
from tests import tiny_export
from tests.cli.test_init import drafted, planted_export, published, written
from tests.runs import anon

TABLES = ("encounters", "diagnoses", "procedures", "medications", "labs")
_TABLE = re.compile(r"^#   (\w+):$")


def taken_in(draft: str, *wanted: str) -> str:
    """The draft with the tables ``wanted``, by what it says about them and nothing else."""
    before, after = draft.split("# tables:\n")
    block, rest = after.split("\n\n", 1)
    tables: dict[str, list[str]] = {}
    for line in block.splitlines():
        name = _TABLE.match(line)
        tables.setdefault(name[1] if name else [*tables][-1], []).append(line)
    chosen = [line for name in wanted for line in tables[name]]
    remarks = " ".join(line.lstrip("# ") for line in chosen if line.startswith("#     #"))
    replaced = {
        name for told in re.findall(r"instead of ([\w, ]+)", remarks) for name in re.split(r",? ", told)
    }
    for name in replaced:
        before = re.sub(rf"(?m)^  {name}:\n((?:    .*\n)+)", f"  {name}:\n    role: identifier\n", before)
    dropped = [name for name in replaced if f"column: {name}," in rest]
    if dropped:
        rest = re.sub(r"(?m)^  l_diversity: .*\n", "", rest)
    rest = rest.replace("  # km_anonymity", "  km_anonymity")
    return "\n".join([before + "tables:", *(line.removeprefix("# ") for line in chosen), "", rest])


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The draft of the tiny export."""
    folder = tmp_path_factory.mktemp("draft")
    export = tiny_export.ndjson(folder / "export", tiny_export.resources())
    text = drafted(folder, export).read_text(encoding="utf-8")
    return text.replace("path: export", f'path: "{export}"')


def test_the_draft_itself_has_no_tables(draft: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(draft, encoding="utf-8")
    assert not load(tmp_path / "config.yaml").tables
    assert [line for line in draft.splitlines() if _TABLE.match(line)] == [f"#   {name}:" for name in TABLES]


@pytest.mark.parametrize("table", TABLES)
def test_each_table_can_be_taken_in_alone(draft: str, table: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(taken_in(draft, table), encoding="utf-8")
    assert [*load(config).tables] == [table]
    result = anon("check", config)
    assert result.code == 0, result.err


def test_all_tables_publish_and_name_nobody(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    config = drafted(tmp_path / "out", planted_export(tmp_path / "export"))
    config.write_text(taken_in(config.read_text(encoding="utf-8"), *TABLES), encoding="utf-8")
    release = published(tmp_path / "out", config)

    data = release / "release" / "data"
    assert {path.stem for path in data.iterdir()} == {"patients", *TABLES}
    people = pl.read_parquet(data / "patients.parquet")
    assert people.height > 4000
    for table in TABLES:
        frame = pl.read_parquet(data / f"{table}.parquet")
        assert frame.height > 0
        assert set(frame["person"]) <= set(people["person"])
    # two letters alone stand in compressed files by chance
    found = written(tmp_path / "out")
    assert {name for name, content in found.items() if re.search(rb"Zq(?:id-|[a-z]{3})", content)} == set()


def test_a_table_without_events_is_not_proposed(tmp_path: Path) -> None:
    everything = [each for each in tiny_export.resources() if each["resourceType"] != "Procedure"]
    draft = drafted(tmp_path, tiny_export.ndjson(tmp_path / "export", everything)).read_text(encoding="utf-8")
    assert "#   procedures:" not in draft
    assert "#   medications:" in draft


def test_what_would_end_the_run_is_made_missing(tmp_path: Path) -> None:
    everything = tiny_export.resources()
    for each in everything:
        if each["id"] == "p1-e1":
            each["period"] = {"start": "2062-05-01", "end": "2062-05-02"}
    config = drafted(tmp_path, tiny_export.ndjson(tmp_path / "export", everything))
    draft = config.read_text(encoding="utf-8")
    assert "release_level: 3, invalid: missing}" in draft
    assert "2062" not in draft
    config.write_text(taken_in(draft, "encounters"), encoding="utf-8")
    assert anon("check", config).code == 0
    config.write_text(taken_in(draft.replace(", invalid: missing", ""), "encounters"), encoding="utf-8")
    assert anon("check", config).code == 65


def test_without_consent_nothing_is_looked_at_and_no_table_proposed(tmp_path: Path) -> None:
    everything = [each for each in tiny_export.resources() if each["resourceType"] != "Consent"]
    draft = drafted(tmp_path, tiny_export.ndjson(tmp_path / "export", everything)).read_text(encoding="utf-8")
    assert "tables:" not in draft
    assert "column: events" not in draft
