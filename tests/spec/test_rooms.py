"""Which room may import which: inside the anonymizer one way only, and the verifier nothing of the search."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import ROOT

FLOORS = {
    "errors": 0,
    "seeds": 0,
    "compiled": 0,
    "criteria": 0,
    "metrics": 0,
    "distances": 1,
    "hierarchies": 1,
    "tables": 2,
    "counting": 3,
    "private": 3,
    "judging": 4,
    "measuring": 4,
    "search": 5,
    "recoding": 5,
    "transforming": 6,
}
"""The anonymizer's rooms and modules; those of one floor never import one another."""

RELEASE_FLOORS = {
    "files": 0,
    "config": 1,
    "intake": 2,
    "verifying": 2,
    "deciding": 3,
    "describing": 4,
    "drafting": 5,
    "synthesising": 5,
}
"""The rooms of the release; its commands, which lie beside them, may import any."""

RISK_FLOORS = {
    "figures": 0,
    "facts": 0,
    "comparison": 0,
    "results": 1,
    "baselines": 1,
    "reidentification": 1,
    "attacks": 2,
    "utility": 2,
    "assessment": 3,
    "finding": 3,
    "synthetic": 4,
    "reports": 5,
    "inspection": 6,
}
"""The rooms and modules of the risk assessment."""

VERIFIER = sorted(
    str(path.relative_to(ROOT))
    for path in (*(ROOT / "release" / "verifying").glob("*.py"), *(ROOT / "release").glob("recheck*.py"))
    if path.stem not in ("__init__", "promise")
)
"""The files that count a release again; a promise holds what the search decided."""

SEEN_BY_THE_VERIFIER = {
    "errors",
    "criteria",
    "hierarchies.hierarchy",
    "tables.table",
    "tables.values",
}
DECISIONS = {
    "private.sample.PrivateSample",
    "private.differential_privacy.DifferentialPrivacy",
    "transforming.microaggregation.Grouping",
    "transforming.microaggregation.Microaggregation",
    "transforming.timing.Relative",
    "transforming.timing.Shift",
    "transforming.timing.Timing",
}
"""Records of what was decided: they hold data and count nothing."""
ESTIMATORS = {"judging.uniqueness.Sample", "judging.uniqueness.estimate"}
"""An estimate is a formula of the literature; what it estimates from is counted apart."""


def imported(path: Path) -> Iterator[str]:
    """Every name that a file imports, with its module."""
    yield from _names(ast.parse(path.read_text()))


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _at_run_time(path: Path) -> Iterator[str]:
    """The names that a file imports but not for its annotations alone."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    yield from _names(tree)


def from_anonymizer(path: Path) -> list[str]:
    """What a file imports of the anonymizer, by its name there."""
    prefix = "anonymizer."
    return [name.removeprefix(prefix) for name in imported(path) if name.startswith(prefix)]


def test_every_room_of_the_anonymizer_has_a_floor() -> None:
    found = {path.stem for path in (ROOT / "anonymizer").iterdir() if (path / "__init__.py").exists()}
    found |= {path.stem for path in (ROOT / "anonymizer").glob("*.py")} - {"__init__"}
    assert found == FLOORS.keys()


def test_every_room_of_the_release_has_a_floor() -> None:
    found = {path.stem for path in (ROOT / "release").iterdir() if (path / "__init__.py").exists()}
    assert found == RELEASE_FLOORS.keys()


@pytest.mark.parametrize(
    "room",
    [
        *("anonymizer", "release", "risk"),
        *(f"release/{name}" for name in sorted(RELEASE_FLOORS.keys() - {"drafting"})),
        *(f"risk/{name}" for name in sorted(RISK_FLOORS) if (ROOT / "risk" / name).is_dir()),
    ],
)
def test_the_first_words_of_a_room_name_everything_in_it(room: str) -> None:
    folder = ROOT / room
    words = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    patterns = re.findall(r"[a-z_*]+", words)
    names = {
        path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    unnamed = {
        name for name in names - {"__init__"} if not any(fnmatchcase(name, pattern) for pattern in patterns)
    }
    assert unnamed == set()


@pytest.mark.parametrize("room", FLOORS)
def test_imports_between_the_rooms_of_the_anonymizer_run_one_way(room: str) -> None:
    folder = ROOT / "anonymizer" / room
    paths = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    against = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in from_anonymizer(path)
        if (other := name.split(".")[0]) != room and FLOORS[other] >= FLOORS[room]
    ]
    assert against == []


@pytest.mark.parametrize("room", RELEASE_FLOORS)
def test_imports_between_the_rooms_of_the_release_run_one_way(room: str) -> None:
    against = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / "release" / room).rglob("*.py"))
        for name in imported(path)
        if name.startswith("release.")
        and (other := name.split(".")[1]) != room
        and RELEASE_FLOORS.get(other, 9) >= RELEASE_FLOORS[room]
    ]
    assert against == []


@pytest.mark.parametrize("room", RISK_FLOORS)
def test_imports_between_the_rooms_of_the_risk_assessment_run_one_way(room: str) -> None:
    folder = ROOT / "risk" / room
    paths = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    against = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in _at_run_time(path)
        if name.startswith("risk.")
        and (other := name.split(".")[1]) != room
        and RISK_FLOORS.get(other, 9) >= RISK_FLOORS[room]
    ]
    assert against == []


@pytest.mark.parametrize("room", ["anonymizer", "mii", "risk", "release"])
def test_no_files_import_one_another_in_a_circle(room: str) -> None:
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in (ROOT / room).rglob("*.py")
        if path.stem != "__init__"
    }
    needs = {
        module: {
            other
            for name in imported(path)
            for other in (name, name.rpartition(".")[0])
            if other in names and other != module
        }
        for module, path in names.items()
    }
    assert len(list(TopologicalSorter(needs).static_order())) == len(names)


@pytest.mark.parametrize("file", VERIFIER)
def test_the_verifier_shares_no_code_with_the_search(file: str) -> None:
    shared = [
        name
        for name in from_anonymizer(ROOT / file)
        if name not in DECISIONS | ESTIMATORS
        and not any(name.startswith(f"{seen}.") for seen in SEEN_BY_THE_VERIFIER)
    ]
    assert shared == []
