"""Re-identification risk, attacks, utility, and the reports that show them.

A room imports only what stands above it; `tests/spec/test_rooms.py` keeps that so.

    figures, facts, comparison   a number with its interval; what reports and attacks are told
    results                      what attacks and measures of utility found
    baselines                    tables that mark the floor and the ceiling of every figure
    reidentification             risk counted or estimated from classes
    attacks, utility             what an attacker gains from a table; what is left of its value
    finding                      all of that for one release
    assessment                   all figures of a run, and the thresholds they are held against
    synthetic                    the same of a synthetic table, of its twin, and of two models
    reports, inspection          the HTML pages
"""

from risk.assessment import FIGURES, LINKED_FIGURES, Assessment, Judgement, assess, judge
from risk.facts import (
    CriterionResult,
    EventAccount,
    LinkedTable,
    ReleasedColumn,
    ReleaseFacts,
    RunContext,
    SyntheticFacts,
)
from risk.figures import Figure
from risk.reidentification.class_sizes import ClassSizes
from risk.reidentification.known_events import Knowledge, KnownEvents
from risk.reports.release_report import release_report
from risk.reports.risk_report import risk_report
from risk.reports.utility_report import utility_report

__all__ = [
    "FIGURES",
    "LINKED_FIGURES",
    "Assessment",
    "ClassSizes",
    "CriterionResult",
    "EventAccount",
    "Figure",
    "Judgement",
    "Knowledge",
    "KnownEvents",
    "LinkedTable",
    "ReleaseFacts",
    "ReleasedColumn",
    "RunContext",
    "SyntheticFacts",
    "assess",
    "judge",
    "release_report",
    "risk_report",
    "utility_report",
]
