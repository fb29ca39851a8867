"""Small facts that reports are made of, the reports, and a parsed page of them."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import polars as pl

from risk import (
    Assessment,
    ClassSizes,
    CriterionResult,
    ReleasedColumn,
    ReleaseFacts,
    RunContext,
    assess,
    release_report,
    risk_report,
    utility_report,
)
from risk.reports.words import LANGUAGES
from tests.linked_report import linked_assessment, linked_context, linked_facts
from tests.report_findings import small_findings, small_utility

HOSTILE = "<script>alert('x')</script>\"' onload=\"y"


class Page(HTMLParser):
    """A parsed page: its elements with attributes, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._hidden = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text = " ".join(f"{self.text} {data}".split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


SMALL = pl.DataFrame(
    {
        "sex": ["F"] * 3 + ["M"] * 2 + ["*"] * 2,
        "age": ["[40, 44]"] * 3 + [None] * 2 + ["*"] * 2,
        "diagnosis": ["I50", "I21", "I50", "E11", "E11", "J44", None],
        "crp": [1.5, 2.5, None, 4.0, 120.25, 7.0, 9.0],
    },
    schema_overrides={"crp": pl.Float64},
)
K2 = CriterionResult("k-anonymity", None, {"k": 2}, 2, "recounted")
L1 = CriterionResult("distinct l-diversity", "diagnosis", {"l": 1}, 1, "recounted")


def small_facts() -> ReleaseFacts:
    columns = (
        ReleasedColumn("sex", "quasi-identifier", "string", 0, 1, "value", "unchanged"),
        ReleasedColumn("age", "quasi-identifier", "string", 1, 3, "5 years", "generalised"),
        ReleasedColumn("diagnosis", "sensitive", "string", None, None, None, "unchanged"),
        ReleasedColumn("crp", "sensitive", "number", None, None, None, "clipped to 0…300"),
    )
    return ReleaseFacts("small", SMALL, columns, (K2, L1), True, "Every consent was checked.", "2026-11-22")


def small_context(**changed: object) -> RunContext:
    stated = {
        "name": "small",
        "run": {"rows_in": 8, "search": {"metric": "loss", "score": 0.25, "optimal": True, "gap": None}},
        "consent": {"patients": {"in": 8, "excluded": {"withdrawn": 1_200}}},
        "thresholds": {"anonymised.prosecutor_max": 0.5, "anonymised.marketer": 0.1},
    }
    return RunContext(**{**stated, **changed})


def small_assessment() -> Assessment:
    before, after = (ClassSizes(np.array(c), np.array(c)) for c in ([1, 2, 2, 3], [2, 2, 3]))
    return assess(before, after, suppressed=1, rows_in=8)


def every_report() -> list[str]:
    """Every report: of one table, of several, and with all findings, in either language."""
    return [
        *(
            risk_report(small_assessment(), small_context(language=each), small_findings())
            for each in LANGUAGES
        ),
        *(utility_report(small_utility(), small_context(language=each)) for each in LANGUAGES),
        release_report(small_facts()),
        risk_report(small_assessment(), small_context()),
        release_report(linked_facts()),
        risk_report(linked_assessment(), linked_context()),
    ]
