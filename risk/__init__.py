"""Re-identification risk and the reports that show it."""

from risk.assessment import FIGURES, Assessment, Judgement, assess, judge
from risk.facts import CriterionResult, ReleasedColumn, ReleaseFacts, RunContext
from risk.reidentification import ClassSizes, Figure
from risk.report import release_report, risk_report

__all__ = [
    "FIGURES",
    "Assessment",
    "ClassSizes",
    "CriterionResult",
    "Figure",
    "Judgement",
    "ReleaseFacts",
    "ReleasedColumn",
    "RunContext",
    "assess",
    "judge",
    "release_report",
    "risk_report",
]
