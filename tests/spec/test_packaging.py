"""What the project promises about itself: names, direction of imports, locks, licences, the two commands."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from anonymizer import errors
from tests.conftest import ROOT

FLOORS = {"anonymizer": 0, "mii": 1, "synth": 1, "risk": 1, "release": 2, "cli": 3}
ROOMS = [room for room in FLOORS if (ROOT / room / "__init__.py").exists()]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
SLOW = set("sdv torch sklearn statsmodels matplotlib numba polars pyarrow pandas scipy pydantic".split())


def files() -> list[str]:
    """The files of the project: tracked, or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [name for name in listed if name and (ROOT / name).is_file()]


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def pins(name: str) -> dict[str, str]:
    """Package to version in a requirements file (a package with a version per Python keeps the last one)."""
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pinned}


def test_no_other_distribution_owns_our_import_names() -> None:
    owners = importlib.metadata.packages_distributions()
    assert {name: set(owners[name]) for name in [*ROOMS, "cli"]} == {
        name: {"clinical-anon"} for name in [*ROOMS, "cli"]
    }


def test_help_answers_without_loading_a_heavy_library() -> None:
    program = """
import json, sys
sys.argv = ["anon", "--help"]
import cli
code = cli.execute()
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *told, last = done.stdout.splitlines()
    code, loaded = json.loads(last)
    assert code == 0
    assert any("verify" in line for line in told)
    assert SLOW & set(loaded) == set()


@pytest.mark.parametrize("room", [*ROOMS, "cli"])
def test_imports_run_one_way(room: str) -> None:
    paths = [ROOT / "cli.py"] if room == "cli" else sorted((ROOT / room).rglob("*.py"))
    against = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imports(path.read_text())
        if ((top := name.split(".")[0]) != room and FLOORS.get(top, -1) >= FLOORS[room]) or name[0] == "."
    ]
    assert paths
    assert against == []


def test_every_library_that_is_imported_is_asked_for() -> None:
    owners = importlib.metadata.packages_distributions()
    extras = PROJECT["optional-dependencies"]
    ours = {*FLOORS, "tests", "benchmarks", "sample_data", *sys.stdlib_module_names}
    inside = [*PROJECT["dependencies"], *extras["sdv"], *extras["dp"]]
    unasked = []
    for name in files():
        room = name.split("/")[0].removesuffix(".py")
        if not name.endswith(".py"):
            continue
        wishes = inside if room in FLOORS else [*inside, *extras["dev"]]
        asked = {canonicalize_name(Requirement(wish).name) for wish in wishes}
        tops = {imported.split(".")[0] for imported in imports((ROOT / name).read_text())} - ours
        tops = {top for top in tops if not (ROOT / name).with_name(f"{top}.py").exists()}
        unasked += [
            (name, top)
            for top in sorted(tops)
            if not {canonicalize_name(owner) for owner in owners.get(top, [top])} & asked
        ]
    assert unasked == []


def test_no_file_names_a_registry_or_a_place_on_one_machine() -> None:
    hosts = [host + ".org" for host in ("pypi", "pythonhosted", "anaconda")]
    places = ["file:" + "//", *(f"/{top}/" for top in ("root", "home", "work", "opt")), "-index" + "-url"]
    found = [
        (name, needle)
        for name in files()
        if Path(name).suffix not in {".gz", ".png", ".parquet", ".zip", ".zst"}
        for needle in [*hosts, *places]
        if needle in (ROOT / name).read_text(encoding="utf-8", errors="replace")
        if name != "tests/spec/test_packaging.py"
    ]
    assert found == []


def test_the_licence_is_the_whole_apache_2() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2
    assert PROJECT["license"] == "Apache-2.0"
    assert importlib.metadata.metadata("clinical-anon")["License-Expression"] == "Apache-2.0"


@pytest.mark.parametrize("name", ["requirements-core.lock", "requirements.lock"])
def test_a_lock_holds_nothing_but_pins_with_hashes(name: str) -> None:
    text = re.sub(r"\s*\\\n\s*", " ", (ROOT / name).read_text())
    entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    broken = [
        line
        for line in entries
        if not re.fullmatch(r"[a-z0-9-]+==\S+( ; [^#]*?)?( --hash=sha256:\w{64})+", line)
    ]
    assert len(entries) > 30
    assert broken == []


def test_the_locks_hold_what_the_project_asks_for() -> None:
    core, every = pins("requirements-core.lock"), pins("requirements.lock")
    asked = {"requirements-core.lock": PROJECT["dependencies"], "requirements.lock": PROJECT["dependencies"]}
    asked["requirements.lock"] = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    unmet = [
        (name, wanted)
        for name, wishes in asked.items()
        for wanted in map(Requirement, [*wishes, "setuptools>=77"])
        if not wanted.specifier.contains(pins(name).get(canonicalize_name(wanted.name), "0"))
    ]
    assert unmet == []
    assert core.items() <= every.items()
    assert not {"torch", "sdv", "pytest", "ruff", "mypy", "selenium"} & core.keys()


def test_the_synthesisers_fit_into_the_same_environment() -> None:
    core, synthesisers = pins("requirements-core.lock"), pins("requirements-sdv.txt")
    shared = core.keys() & synthesisers.keys()
    assert {name: core[name] for name in shared} == {name: synthesisers[name] for name in shared}
    asked = {wanted.name: wanted for wanted in map(Requirement, PROJECT["optional-dependencies"]["sdv"])}
    assert {
        name for name, wanted in asked.items() if not wanted.specifier.contains(synthesisers[name])
    } == set()
    assert str(asked["torch"].specifier) == f"=={synthesisers['torch']}" == "==2.13.0"


def test_every_locked_package_has_its_licence_stated() -> None:
    table = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", (ROOT / "docs/licences.md").read_text(), re.MULTILINE)
    stated = {canonicalize_name(name): licence.strip() for name, licence in table}
    locked = pins("requirements.lock") | pins("requirements-sdv.txt") | {"opendp": ""}
    assert sorted(locked.keys() - stated.keys()) == []
    assert sorted(stated.keys() - locked.keys()) == []
    business = {name for name, licence in stated.items() if "Business Source" in licence}
    assert business == {"sdv", "copulas", "ctgan", "deepecho", "rdt"}


def test_the_wheel_holds_every_file_of_the_rooms_and_nothing_else(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    rooms = [name for name in files() if name.split("/")[0] in FLOORS or name == "cli.py"]
    for name in [*rooms, "pyproject.toml", "LICENSE", "README.md"]:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes((ROOT / name).read_bytes())
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(tree)], check=True)
    [wheel] = tmp_path.glob("clinical_anon-*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == set(rooms)


def dry_run(*target: str) -> str:
    done = subprocess.run(
        ["make", "--dry-run", *target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_demo_clears_away_its_own_earlier_release_and_no_other() -> None:
    from release.config.root import load

    output = load(ROOT / "sample_data/config.yaml")
    release = (output.output.directory / output.name).relative_to(ROOT)
    told = dry_run("demo")
    assert "anon run sample_data/config.yaml" in told
    assert f'if [ -f "{release}/release/manifest.json" ]; then rm -rf "{release}"; fi' in told


def test_the_tests_of_the_project_are_format_lint_types_and_pytest() -> None:
    told = dry_run("test")
    assert all(tool in told for tool in ("ruff format --check", "ruff check", "bin/mypy", "bin/pytest"))


def test_the_readme_states_the_commands_and_every_exit_code() -> None:
    text = (ROOT / "README.md").read_text()
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.AnonError)}
    [line] = [line for line in text.splitlines() if line.startswith("**Exit codes**")]
    assert codes | {0, 71, 130, 143} <= set(map(int, re.findall(r"\d+", line)))
    assert "make demo" in text
    assert "make test" in text
    assert "Business Source License" in text


def test_the_demo_needs_neither_torch_nor_the_synthesisers_of_sdv() -> None:
    assert "requirements-sdv.txt" not in dry_run("demo", "--always-make")
    assert "requirements-sdv.txt" in dry_run("test", "--always-make")
