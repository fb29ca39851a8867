"""The official conformance tests of SQL on FHIR v2 (HL7, ../shared/data/sql-on-fhir), every one of them.

Required of a runner are those with the tag ``shareable``. None is left out: ``LEFT_OUT`` would hold each that
is, with its reason, and then stands in the test's report as skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from anonymizer.errors import BadConfig, BadInput
from mii.views.definition import definition
from mii.views.running import Runner, frame
from tests.conftest import SHARED, needs_shared

FOLDER = SHARED / "data/sql-on-fhir/tests"
LEFT_OUT: dict[tuple[str, str], str] = {}
"""By file and title, why a test is not run."""
FILES, TESTS, REQUIRED = 22, 134, 123
"""How many there are, so that an empty folder passes nothing."""

pytestmark = needs_shared


@dataclass(frozen=True)
class Case:
    """One test, with the resources of its file."""

    file: str
    told: dict[str, Any]
    resources: list[dict[str, Any]]

    @property
    def name(self) -> tuple[str, str]:
        return self.file, self.told["title"]


def cases() -> Iterator[Case]:
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    for path in sorted(FOLDER.glob("*.json")):
        document = decode(path.read_bytes())
        yield from (Case(path.stem, told, document["resources"]) for told in document["tests"])


CASES = list(cases())


def unordered(rows: list[dict[str, Any]]) -> list[str]:
    """Rows as texts that can be compared: SQL promises no order, and 5 is 5.0."""
    return sorted(
        json.dumps({name: _plain(cell) for name, cell in row.items()}, sort_keys=True) for row in rows
    )


def _plain(cell: Any) -> Any:
    return float(cell) if isinstance(cell, int | Decimal) and not isinstance(cell, bool) else cell


@pytest.mark.parametrize("case", CASES, ids=["-".join(case.name) for case in CASES])
def test_the_view_gives_what_the_specification_says(case: Case) -> None:
    if case.name in LEFT_OUT:
        pytest.skip(LEFT_OUT[case.name])
    if case.told.get("expectError"):
        with pytest.raises((BadConfig, BadInput)):
            frame(Runner(definition(case.told["view"])), case.resources)
        return

    made = frame(Runner(definition(case.told["view"])), case.resources)

    if "expectCount" in case.told:
        assert made.height == case.told["expectCount"]
    else:
        assert unordered(made.to_dicts()) == unordered(case.told["expect"])
    assert made.columns == case.told.get("expectColumns", made.columns)


def test_all_the_official_tests_are_here_and_none_that_is_required_is_left_out() -> None:
    required = {case.name for case in CASES if "shareable" in case.told["tags"]}

    assert (len(list(FOLDER.glob("*.json"))), len(CASES), len(required)) == (FILES, TESTS, REQUIRED)
    assert LEFT_OUT.keys() <= {case.name for case in CASES}
    assert not LEFT_OUT.keys() & required
