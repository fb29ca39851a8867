"""Re-identification risk and the reports that show it."""

from risk.assessment import FIGURES, LINKED_FIGURES, Assessment, Judgement, assess, judge
from risk.facts import CriterionResult, EventAccount, LinkedTable, ReleasedColumn, ReleaseFacts, RunContext
from risk.known_events import Knowledge, KnownEvents
from risk.reidentification import ClassSizes, Figure
from risk.report import release_report, risk_report

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
    "assess",
    "judge",
    "release_report",
    "risk_report",
]
