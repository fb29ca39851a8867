"""The log: codes, column names and counts, and nothing a patient could be found by."""

from __future__ import annotations

import io
import json
import warnings
from datetime import UTC, datetime

import pytest

from release.journal import Journal


def clock() -> datetime:
    return datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_an_event_is_one_json_line() -> None:
    journal = Journal(5, clock=clock)
    journal.event("read", count=30162, seconds=0.12345)
    journal.event("column.clipped", level="warning", column="lab_crp_last")
    one, two = map(json.loads, journal.text().splitlines())
    time = "2026-11-22T03:00:00.000+00:00"
    assert one == {"time": time, "level": "info", "code": "read", "count": 30162, "seconds": 0.123}
    assert two == {"time": time, "level": "warning", "code": "column.clipped", "column": "lab_crp_last"}


@pytest.mark.parametrize(("count", "written"), [(0, "<5"), (1, "<5"), (4, "<5"), (5, 5), (6, 6)])
def test_counts_below_k_are_hidden(count: int, written: object) -> None:
    journal = Journal(5)
    journal.event("suppressed", count=count)
    assert json.loads(journal.text())["count"] == written


@pytest.mark.parametrize("text", ["Patient Müller was suppressed", "", "x\ny", "Zacharias", "a" * 65])
def test_free_text_is_no_event(text: str) -> None:
    with pytest.raises(ValueError, match="by a code"):
        Journal(5).event(text)


def test_a_warning_leaves_only_its_category() -> None:
    """Libraries quote cells in their warnings."""
    sink = io.StringIO()
    journal = Journal(5, sink=sink)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with journal.capture_warnings():
            warnings.warn("could not parse 'Zacharias-Canary'", RuntimeWarning, stacklevel=1)
    assert json.loads(journal.text())["code"] == "warning.runtimewarning"
    assert "Zacharias" not in journal.text() + sink.getvalue()


def test_the_mirror_shows_the_same_as_text_or_json() -> None:
    text, lines = io.StringIO(), io.StringIO()
    for sink, form in ((text, "text"), (lines, "json")):
        journal = Journal(5, sink=sink, form=form, clock=clock)  # type: ignore[arg-type]
        journal.event("suppressed", column="a\nb", count=3)
    assert text.getvalue() == 'suppressed column="a\\nb" count="<5"\n'
    assert lines.getvalue() == journal.text()
