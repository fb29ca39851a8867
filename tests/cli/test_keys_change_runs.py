"""Every key of the schema, end to end: another value is another release, or a refusal that names the key.

`tests/spec/test_schema_keys.py` shows that no key is lost on the way into the plan of a run; this shows that
the run heeds the plan. ``tests.key_scenes.CHANGES`` must hold each key that is not refused and no other.
"""

from __future__ import annotations

import io
import json
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests import key_scenes, schema_cases
from tests.event_changes import EVENT_CHANGES, write_departments
from tests.key_scenes import Data, table, write_inputs
from tests.risk_scenes import RISK_CHANGES
from tests.runs import anon, files
from tests.schema_cases import REFUSED, with_value
from tests.synthesis_cases import SYNTHESIS_CASES
from tests.synthesis_scenes import SYNTHESIS_CHANGES
from tests.utility_scenes import UTILITY_CHANGES
from tests.view_scenes import VIEW_CHANGES, write_coded

CASES = {**schema_cases.CASES, **SYNTHESIS_CASES}
CHANGES = {
    **key_scenes.CHANGES,
    **SYNTHESIS_CHANGES,
    **VIEW_CHANGES,
    **RISK_CHANGES,
    **EVENT_CHANGES,
    **UTILITY_CHANGES,
}
REFUSED_KEYS = sorted(key for key, case in CASES.items() if case.expected is REFUSED)
PUBLISHED = {".anon.lock"}


@dataclass(frozen=True)
class Seen:
    """What a run left for others to see; the aspects of `Change` are among its names.

    ``data`` are the released tables by format, or the people of linked ones: that a table is called otherwise
    is no other table.
    """

    code: int
    message: str
    data: Mapping[str, bytes]
    statement: str | None
    place: frozenset[str]
    modes: Mapping[str, str]
    analysis: bytes | None
    figures: bytes | None
    report: bytes | None


class Runs:
    """Runs over fresh copies of the same inputs; the same config is run once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "inputs").mkdir()
        self._inputs = write_departments(write_coded(write_inputs(folder / "inputs")))
        self._count = 0
        self.of = cache(self.fresh)

    def fresh(self, config: str) -> Seen:
        """What a run of ``config`` leaves."""
        self._count += 1
        folder = self._folder / str(self._count)
        shutil.copytree(self._inputs, folder)
        before = {*files(folder), "config.yaml"}
        (folder / "config.yaml").write_text(config, encoding="utf-8")
        result = anon("run", folder / "config.yaml", "--quiet")
        message = (result.out + result.err).replace(str(folder), "")
        return _seen(folder, frozenset(files(folder)) - before, result.code, message)


def _seen(folder: Path, written: frozenset[str], code: int, message: str) -> Seen:
    data = {Path(name): (folder / name).read_bytes() for name in written if "/release/data/" in name}
    manifest = [name for name in written if name.endswith("/manifest.json")]
    told = json.loads((folder / manifest[0]).read_bytes()) if manifest else {}
    return Seen(
        code,
        message,
        data={name.suffix: content for name, content in data.items()}
        if len(tables(data)) < 2
        else people(data),
        statement=f"{told['consent']}, reviewed: {told['reviewed']}" if told else None,
        place=written,
        modes={name: stat.filemode((folder / name).stat().st_mode) for name in written},
        analysis=_content(folder, written, "/utility.json"),
        figures=_content(folder, written, "/risk.json"),
        report=_content(folder, written, "/release_report.html"),
    )


def _content(folder: Path, written: frozenset[str], ending: str) -> bytes | None:
    return next(((folder / name).read_bytes() for name in written if name.endswith(ending)), None)


def tables(data: Mapping[Path, bytes]) -> set[str]:
    """The names of the released tables."""
    return {name.stem for name in data}


def people(data: Mapping[Path, bytes]) -> dict[str, bytes]:
    """What is told of each person in all linked tables, without the keys that every run draws anew."""
    told: dict[str, list[tuple[str, str]]] = {}
    for name, content in data.items():
        if name.suffix == ".csv":
            for row in content.decode().splitlines()[1:]:
                key, _, rest = row.partition(",")
                told.setdefault(key, []).append((name.stem, rest))
    return {"people": json.dumps(sorted(sorted(rows) for rows in told.values())).encode()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("keys"))


def as_yaml(data: Data) -> str:
    """A config file's text."""
    text, yaml = io.StringIO(), YAML(typ="safe")
    yaml.representer.ignore_aliases = lambda *_: True
    yaml.dump(data, text)
    return text.getvalue()


def changed(data: Data, at: str, value: Any) -> str:
    """The text of ``data`` with another value for the key ``at``."""
    return as_yaml(with_value(data, at.split("."), value))


def test_every_key_that_is_not_refused_has_a_change() -> None:
    assert sorted(CHANGES) == sorted(CASES.keys() - set(REFUSED_KEYS))


ATTACKED = [
    pytest.param(key, marks=pytest.mark.attacked) if change.aspect in ("analysis", "figures") else key
    for key, change in CHANGES.items()
]


@pytest.mark.parametrize("key", ATTACKED)
def test_another_value_is_another_release_or_a_refusal(runs: Runs, key: str) -> None:
    change = CHANGES[key]
    first = runs.of(as_yaml(change.base))
    second = runs.of(changed(change.base, change.at or key, change.value))

    assert (first.code, second.code) == change.codes, (first.message, second.message)
    if change.codes == (0, 0):
        is_changed = getattr(first, change.aspect) != getattr(second, change.aspect)
        assert is_changed, f"{change.aspect} is the same"
    else:
        assert change.says in first.message + second.message
        assert [bool(run.data) for run in (first, second)] == [code == 0 for code in change.codes]


def test_the_same_config_again_differs_in_nothing(runs: Runs) -> None:
    """Otherwise a difference would show nothing about the key."""
    attacked = {as_yaml(each.base) for each in CHANGES.values() if each.aspect in ("analysis", "figures")}
    for base in {as_yaml(change.base) for change in CHANGES.values()} - attacked:
        assert runs.fresh(base) == runs.of(base)


@pytest.mark.parametrize("key", REFUSED_KEYS)
def test_a_key_of_a_later_version_ends_with_69_and_writes_nothing(runs: Runs, key: str) -> None:
    case = CASES[key]
    at = case.at or key
    seen = runs.of(changed(case.base, at, case.value))

    assert seen.code == 69
    assert at.rpartition(".")[2] in seen.message
    assert seen.place == frozenset()


def test_a_run_without_any_change_is_published(runs: Runs) -> None:
    seen = runs.of(as_yaml(table()))
    assert seen.code == 0, seen.message
