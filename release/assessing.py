"""Risk and utility of a verified release, and the reports that show them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from anonymizer.errors import BadConfig
from release.config.root import Config
from release.deciding.private_release import guarantees
from release.describing.comparing import compared, lost
from release.describing.linking import accounts, knowledge, known_events, linked_tables
from release.describing.manifest import Leaving
from release.describing.minimality import minimality_attack
from release.describing.synthetic import synthetic_table
from release.describing.treatment import released_columns
from release.files import tables
from release.gate import Figures
from release.intake.source import Source
from release.synthesising.synthesised import Synthesised
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
from risk.assessment import ATTACK_FIGURES
from risk.comparison import Comparison, TableKind
from risk.facts import SyntheticFacts
from risk.figures import SEED
from risk.finding import Search, find
from risk.results import Findings, Utility
from risk.synthetic import assess_synthetic, classes, of_twin, with_figures_of
from risk.synthetic import compared as two_models
from risk.utility.assess import as_dict
from risk.utility.longitudinal import longitudinal

_KINDS: tuple[TableKind, TableKind] = ("anonymised", "synthetic")
Attacks = Literal["none", "quick", "full"]
_IN_REPORT = ("rows_in", "differential_privacy", "rows_out", "search", "recoding")


@dataclass(frozen=True, slots=True)
class Assessed:
    """What is known of one table's risk, and of what is left of its value."""

    assessment: Assessment
    findings: Findings


@dataclass(frozen=True, slots=True)
class ToTell:
    """What reports tell beside the figures: the run's ``summary``, what leaves, how a table was made."""

    summary: Mapping[str, object]
    leaving: Leaving
    synthesis: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AllAssessed:
    """What is known of the anonymised table, and of the synthetic one where there is one."""

    anonymised: Assessed
    synthetic: Assessed | None = None

    @property
    def figures(self) -> Figures:
        """The content of ``risk.json``."""
        return self._assessment.as_dict()

    def to_json(self) -> str:
        """The same as text."""
        return self._assessment.to_json()

    @property
    def _assessment(self) -> Assessment:
        own = self.anonymised.assessment
        return own if self.synthetic is None else with_figures_of(own, self.synthetic.assessment)

    def reported(self, leaving: Leaving) -> dict[str, Assessed]:
        """The tables that have reports, by what is added to the reports' names."""
        if leaving.synthetic is None or self.synthetic is None:
            return {"": self.anonymised}
        own = {"": self.anonymised} if leaving.anonymised else {}
        return {**own, "_synthetic" if own else "": self.synthetic}

    @property
    def utility(self) -> Figures:
        """The content of ``utility.json``."""
        found: dict[TableKind, Utility] = {}
        for kind, assessed in zip(_KINDS, (self.anonymised, self.synthetic), strict=True):
            if assessed is not None and assessed.findings.utility is not None:
                found[kind] = assessed.findings.utility
        return as_dict(found)


def assess_run(config: Config, verified: VerifiedRelease, synthesised: Synthesised | None) -> AllAssessed:
    """What is known of every table of a run; raises ``BadConfig`` as ``assess_release``."""
    if synthesised is None:
        return AllAssessed(assess_release(config, verified))
    # Attacks take long: an anonymised table that stays in the house is attacked only for a threshold.
    leaves = config.output.published(config.synthesis) != "synthetic"
    is_limited = any(name.startswith(tuple(ATTACK_FIGURES)) for name in config.risk.thresholds)
    attacks = config.risk.attacks if leaves or is_limited else "none"
    anonymised = assess_release(config, verified, attacks=attacks)
    return AllAssessed(anonymised, _assess_synthetic(config, synthesised))


def _assess_synthetic(config: Config, synthesised: Synthesised) -> Assessed:
    """The risk and utility of the table, or of its twin."""
    population = None if config.risk.population is None else config.risk.population.size
    search = Search(config.risk.attacks, population, config.utility.asked)
    comparison = synthesised.comparison()
    found = _found(comparison, search, synthesised)
    if synthesised.twin is not None:
        found = of_twin(found)
    if config.synthesis is not None and config.synthesis.distil and search.attacks != "none":
        first = _found(synthesised.comparison(first=True), replace(search, attacks="quick"), synthesised)
        found = replace(found, compared=two_models(first, found))
    found = _with_courses(found, synthesised)
    return Assessed(assess_synthetic(comparison, found, population=population), found)


def _with_courses(found: Findings, synthesised: Synthesised) -> Findings:
    """What was found, with how well the events of people were kept where there are any."""
    original, released, times = synthesised.courses
    if not original or found.utility is None:
        return found
    told = longitudinal(original, released, np.random.default_rng(SEED), times=times)
    return replace(found, utility=replace(found.utility, figures={**found.utility.figures, **told}))


def _found(comparison: Comparison, search: Search, synthesised: Synthesised) -> Findings:
    return find(comparison, *classes(comparison), search, refit=synthesised.refit)


def assess_release(config: Config, verified: VerifiedRelease, *, attacks: Attacks | None = None) -> Assessed:
    """Risk before and after, attacks and utility, from what the staged bytes hold.

    ``attacks`` are those of the config, unless told otherwise.

    Raises:
        BadConfig: the population is smaller than the data.
    """
    effort = attacks or config.risk.attacks
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
    search = Search(effort, population, config.utility.asked)
    found = find(compared(verified), verified.before, verified.after, search, losses=lost(verified))
    if effort == "full":
        found = replace(found, attacks=(*found.attacks, minimality_attack(verified, config.metric.name)))
    figures = {**assessment.figures, **finding.figures(found, "anonymised")}
    return Assessed(replace(assessment, figures=figures), found)


def write_reports(
    config: Config,
    source: Source,
    verified: VerifiedRelease,
    assessed: AllAssessed,
    told: ToTell,
) -> None:
    """Stages the reports and their figures: for what leaves the house, and where both tables do, for each."""
    staging, leaving = verified.staging, told.leaving
    staging.write("release/release_report.html", release_report(_facts(config, source, verified, leaving)))
    staging.write("internal/risk.json", assessed.to_json())
    if assessed.utility:
        staging.write("internal/utility.json", json.dumps(assessed.utility, indent=1, allow_nan=False) + "\n")
    for name, table in assessed.reported(leaving).items():
        context = _context(config, source, verified, told)
        staging.write(
            f"internal/risk_report{name}.html", risk_report(table.assessment, context, table.findings)
        )
        if (utility := table.findings.utility) is not None:
            page = utility_report(utility, context, is_twin=table.findings.is_twin)
            staging.write(f"internal/utility_report{name}.html", page)


def _facts(
    config: Config, source: Source, verified: VerifiedRelease, leaving: Leaving
) -> ReleaseFacts | SyntheticFacts:
    drawn = None if leaving.synthetic is None else synthetic_table(verified, leaving.synthetic)
    if drawn is not None and not leaving.anonymised:
        return SyntheticFacts(
            name=config.name,
            table=drawn,
            consent=source.consent,
            reference_date=config.reference_date,
            reviewed=config.reviewed,
            language=config.report.language,
        )
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
        synthetic=drawn,
        language=config.report.language,
    )


def _context(config: Config, source: Source, verified: VerifiedRelease, told: ToTell) -> RunContext:
    return RunContext(
        name=config.name,
        run={key: told.summary[key] for key in _IN_REPORT if key in told.summary},
        consent={"statement": source.consent, **source.audit},
        thresholds=config.risk.thresholds,
        criteria=verified.criteria,
        reviewed=config.reviewed,
        events=accounts(verified),
        synthesis=told.synthesis,
        language=config.report.language,
    )
