"""Every key of the schema changes what a run does, or is refused: none is read and then ignored.

``CASES`` must hold each key of the schema and no other, so that a new key cannot come without a case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from anonymizer.errors import BadConfig, ComponentMissing
from mii import codesystems
from mii.request import COLUMNS, FAMILIES, lab_columns
from release.config.root import Config, schema
from release.intake.columns import accepted_dependencies, column_types, resolve
from release.intake.event_columns import event_tables
from tests import schema_cases
from tests.configs import parsed
from tests.schema_cases import NEEDED, REFUSED, TABLE, with_value
from tests.synthesis_cases import SYNTHESIS_CASES

CASES = {**schema_cases.CASES, **SYNTHESIS_CASES}


def schema_keys(node: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, bool]]:
    """Every key of a JSON Schema as ``a.b``, with ``*`` where names are free, and whether it is for later."""
    if "$ref" in node:
        yield from schema_keys(schema()["$defs"][node["$ref"].rpartition("/")[2]], before)
    for inner in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from schema_keys(inner, before)
    if isinstance(node.get("items"), dict):
        yield from schema_keys(node["items"], before)
    for inner in (node.get("additionalProperties"), *node.get("patternProperties", {}).values()):
        if isinstance(inner, dict):
            yield from schema_keys(inner, f"{before}*.")
    for key, inner in node.get("properties", {}).items():
        yield f"{before}{key}", "x-later" in inner
        yield from schema_keys(inner, f"{before}{key}.")


def plan(config: Config) -> tuple[object, ...]:
    """Everything that a run takes from its config; equal plans are the same run."""
    source, output = config.input.source, config.output
    export = config.input.mii
    available = (*COLUMNS, *lab_columns(export.observations)) if export else tuple(config.columns)
    events = event_tables(config)
    columns = resolve(config, available, families=FAMILIES, events=events)
    return (
        events,
        (config.reviewed_by, config.reviewed, config.require_review),
        (config.name, config.reference_date, config.person_column, source, columns, config.criteria),
        (config.privacy.differential_privacy, config.privacy.population, config.microaggregation),
        (config.privacy.suppression_share, config.search, config.risk, config.report, config.utility.asked),
        (output, column_types(config, available), accepted_dependencies(config, available)),
        (config.time, invalid_cells(config)),
        (config.seed, config.synthesis),
    )


def invalid_cells(config: Config) -> dict[str, str]:
    """What becomes of cells that cannot be, by the column's key."""
    events = {f"{table}.{name}": rule for table, own in config.tables.items() for name, rule in own.items()}
    return {key: rule.invalid for key, rule in (*config.columns.items(), *events.items())}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hierarchy files, each in two editions."""
    blocks = codesystems.BLOCKS.read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "ward.csv").write_text("a|x;b|y;*\nc|x;b|y;*\n", encoding="utf-8")
    (tmp_path / "ward2.csv").write_text("a;*\nc;*\n", encoding="utf-8")
    (tmp_path / "icd.csv").write_text("".join(blocks), encoding="utf-8")
    (tmp_path / "icd2.csv").write_text("".join(blocks[:-1]), encoding="utf-8")
    return tmp_path


def test_there_is_a_case_for_every_key_of_the_schema_and_no_other() -> None:
    assert sorted(CASES) == sorted({key for key, _ in schema_keys(schema())})


@pytest.mark.parametrize("key", CASES)
def test_another_value_is_another_run_or_is_refused(folder: Path, key: str) -> None:
    case = CASES[key]
    at = case.at or key
    data = with_value(case.base, at.split("."), case.value)

    if case.expected is REFUSED:
        with pytest.raises(ComponentMissing, match=at.rpartition(".")[2]):
            parsed(folder, data)
    elif case.expected is NEEDED:
        assert parsed(folder, data)
        with pytest.raises(BadConfig, match=at.rpartition(".")[2]):
            parsed(folder, case.base)
    else:
        assert plan(parsed(folder, data)) != plan(parsed(folder, case.base))


def test_a_later_key_is_refused_whatever_its_value() -> None:
    later = {key for key, is_later in schema_keys(schema()) if is_later}

    unexpected = {key for key in later if CASES[key].expected is not REFUSED}
    # dates have a domain in this version already
    unexpected -= {"columns.*.hierarchy.domain", "tables.*.*.hierarchy.domain"}
    assert len(later) > 4
    assert unexpected == set()


@pytest.mark.parametrize("column", ["age", "zip", "born", "ward"])
def test_a_domain_taken_from_the_data_is_refused_in_every_hierarchy(folder: Path, column: str) -> None:
    data = with_value(TABLE, ["columns", column, "hierarchy", "domain"], "observed")

    with pytest.raises(ComponentMissing, match=rf"columns\.{column}\.hierarchy\.domain"):
        parsed(folder, data)
