"""Risk and utility of a verified release, and the reports that show them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from anonymizer.errors import BadConfig
from release.config.root import Config
from release.deciding.private_release import guarantees
from release.describing.comparing import compared, lost
from release.describing.linking import accounts, knowledge, known_events, linked_tables
from release.describing.minimality import minimality_attack
from release.describing.treatment import released_columns
from release.files import tables
from release.gate import Figures
from release.intake.source import Source
from release.verifying.verify import VerifiedRelease
from risk import (
    Assessment,
    ReleaseFacts,
    RunContext,
    assess,
    finding,
    release_report,
    risk_report,
    utility_report,
)
from risk.finding import Search, find
from risk.results import Findings
from risk.utility.assess import as_dict

_IN_REPORT = ("rows_in", "differential_privacy", "rows_out", "search", "recoding")


@dataclass(frozen=True, slots=True)
class Assessed:
    """What is known of the risk, and of what is left of the data's value."""

    assessment: Assessment
    findings: Findings

    @property
    def figures(self) -> Figures:
        """The content of ``risk.json``."""
        return self.assessment.as_dict()

    @property
    def utility(self) -> Figures:
        """The content of ``utility.json``."""
        return as_dict({} if self.findings.utility is None else {"anonymised": self.findings.utility})


def assess_release(config: Config, verified: VerifiedRelease) -> Assessed:
    """Risk before and after, attacks and utility, from what the staged bytes hold.

    Raises:
        BadConfig: the population is smaller than the data.
    """
    population = None if config.risk.population is None else config.risk.population.size
    people = verified.promise.table.people.n_unique()
    if population is not None and population < people:
        raise BadConfig("risk.population.size: the population is smaller than the people in the data")
    assessment = assess(
        verified.before,
        verified.after,
        suppressed=verified.suppressed,
        rows_in=verified.promise.table.frame.height,
        known=knowledge(verified),
        population=population,
        people=people,
    )
    search = Search(config.risk.attacks, population, config.utility.asked)
    found = find(compared(verified), verified.before, verified.after, search, losses=lost(verified))
    if config.risk.attacks == "full":
        found = replace(found, attacks=(*found.attacks, minimality_attack(verified, config.metric.name)))
    figures = {**assessment.figures, **finding.figures(found, "anonymised")}
    return Assessed(replace(assessment, figures=figures), found)


def write_reports(
    config: Config,
    source: Source,
    verified: VerifiedRelease,
    assessed: Assessed,
    summary: Mapping[str, object],
) -> None:
    """Stages the reports and their figures."""
    staging = verified.staging
    staging.write("release/release_report.html", release_report(_facts(config, source, verified)))
    context = _context(config, source, verified, summary)
    staging.write("internal/risk_report.html", risk_report(assessed.assessment, context, assessed.findings))
    staging.write("internal/risk.json", assessed.assessment.to_json())
    if (utility := assessed.findings.utility) is not None:
        staging.write("internal/utility_report.html", utility_report(utility, context))
        staging.write("internal/utility.json", json.dumps(assessed.utility, indent=1, allow_nan=False) + "\n")


def _facts(config: Config, source: Source, verified: VerifiedRelease) -> ReleaseFacts:
    return ReleaseFacts(
        name=config.name,
        frame=verified.frame,
        columns=released_columns(verified.promise, tables.types(verified.frame)),
        criteria=(*guarantees(verified.promise.private), *verified.criteria),
        row_is_person=verified.row_is_person,
        consent=source.consent,
        reference_date=config.reference_date,
        reviewed=config.reviewed,
        tables=linked_tables(verified),
        known=known_events(verified),
        table_name=verified.promise.table_name,
        language=config.report.language,
    )


def _context(
    config: Config, source: Source, verified: VerifiedRelease, summary: Mapping[str, object]
) -> RunContext:
    return RunContext(
        name=config.name,
        run={key: summary[key] for key in _IN_REPORT if key in summary},
        consent={"statement": source.consent, **source.audit},
        thresholds=config.risk.thresholds,
        criteria=verified.criteria,
        reviewed=config.reviewed,
        events=accounts(verified),
        language=config.report.language,
    )
