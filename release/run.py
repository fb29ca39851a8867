"""One run: config → table → anonymised → staged → verified → assessed → published, or nothing."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TextIO

from anonymizer.counts import Counts, count
from anonymizer.fingerprint import Fingerprint, fingerprints, require_unchanged
from anonymizer.search import search
from anonymizer.solution import Solution
from anonymizer.transformation import transform
from release import gate, tables
from release.check import admitted
from release.config import Config
from release.gate import PassedGate
from release.journal import Journal
from release.lock import hold_lock
from release.manifest import Statement
from release.promise import Promise
from release.publish import publish
from release.source import Source, read
from release.staging import Staging, refuse_existing
from release.treatment import released_columns
from release.verify import VerifiedRelease, verify
from risk import Assessment, ReleaseFacts, RunContext, assess, release_report, risk_report

SMALLEST_COUNT_LOGGED = 5
"""Where no k is asked for, counts below this one are logged as ``<5``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the release lies and what the run's summary says."""

    summary: Mapping[str, object]
    release: Path
    internal: Path


@dataclass(slots=True)
class _Watch:
    """Wall-clock seconds per stage."""

    started: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, journal: Journal) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 4)
        journal.event(name, seconds=self.seconds[name])

    def told(self) -> dict[str, float]:
        return {**self.seconds, "total": round(time.perf_counter() - self.started, 4)}


def run(
    path: Path,
    *,
    dry_run: bool = False,
    sink: TextIO | None = None,
    form: Literal["json", "text"] = "text",
    announce: Callable[[Outcome], None] = lambda _: None,
) -> Outcome:
    """The outcome of the run that the config in ``path`` describes; progress is mirrored to ``sink``.

    ``announce`` is told the outcome just before it becomes true: if that fails, nothing is published.

    Raises:
        AnonError: nothing was released; its ``exit_code`` says why.
    """
    watch = _Watch()
    config = admitted(path)
    config_digest = hashlib.sha256(path.read_bytes()).hexdigest()
    refuse_existing(config.output.directory, config.name)
    journal = Journal(config.privacy.k_anonymity or SMALLEST_COUNT_LOGGED, sink=sink, form=form)
    with (
        journal.capture_warnings(),
        hold_lock(config.output.directory) as lock,
        Staging(lock, config.name, group=config.output.group) as staging,
    ):
        source, verified, passed, outcome = _staged_run(config, config_digest, staging, journal, watch)
        if dry_run:
            announce(outcome)
        else:
            _publish(config, source, verified, passed, partial(announce, outcome))
        return outcome


def _staged_run(
    config: Config, config_digest: str, staging: Staging, journal: Journal, watch: _Watch
) -> tuple[Source, VerifiedRelease, PassedGate, Outcome]:
    """Everything up to the rename."""
    with watch.stage("read", journal):
        before = fingerprints(config.input.source.path)
        source = read(config)
    journal.event("rows.in", count=source.table.frame.height)
    with watch.stage("search", journal):
        counts = count(source.table, config.criteria)
        solution = search(counts, config.criteria, config.privacy.suppression_share)
    journal.event("rows.suppressed", count=solution.suppressed)
    with watch.stage("write", journal):
        promise = _stage(config, source, counts, solution, staging)
    with watch.stage("verify", journal):
        verified = verify(staging, promise)
        require_unchanged(config.input.source.path, before)
    journal.event("rows.out", count=verified.frame.height)
    with watch.stage("report", journal):
        assessment = _assess(verified)
        summary = _summary(config, staging, verified, solution)
        _write_reports(config, source, verified, assessment, summary)
        passed = gate.check(config.risk.thresholds, assessment.as_dict())
    summary |= {"seconds": watch.told()}
    told = {"summary": summary, "search_trace": solution.trace, "config_sha256": config_digest}
    _write_audit(config, source, verified, before, told)
    staging.write("internal/log.jsonl", journal.text())
    outcome = Outcome(summary, staging.target / "release", staging.target / "internal")
    return source, verified, passed, outcome


def _stage(config: Config, source: Source, counts: Counts, solution: Solution, staging: Staging) -> Promise:
    frame = transform(source.table, counts, solution, config.criteria, suppressed=config.output.suppressed)
    tables.write(frame, staging.data, source.name, config.output.formats)
    return Promise(
        table=source.table,
        table_name=source.name,
        formats=config.output.formats,
        transformation=solution.transformation,
        criteria=config.criteria,
        suppression_limit=config.privacy.suppression_share,
        suppressed=config.output.suppressed,
    )


def _assess(verified: VerifiedRelease) -> Assessment:
    """Risk before and after, from what the staged bytes hold."""
    return assess(
        verified.before,
        verified.after,
        suppressed=verified.suppressed,
        rows_in=verified.promise.table.frame.height,
    )


def _summary(
    config: Config, staging: Staging, verified: VerifiedRelease, solution: Solution
) -> dict[str, object]:
    told = {name: value for name, value in asdict(solution).items() if name != "trace"}
    return {
        "name": config.name,
        "exit_code": 0,
        "output": str(staging.target),
        "rows_in": verified.promise.table.frame.height,
        "rows_out": verified.frame.height,
        "search": told,
    }


def _write_reports(
    config: Config,
    source: Source,
    verified: VerifiedRelease,
    assessment: Assessment,
    summary: Mapping[str, object],
) -> None:
    facts = ReleaseFacts(
        name=config.name,
        frame=verified.frame,
        columns=released_columns(verified.promise, tables.types(verified.frame)),
        criteria=verified.criteria,
        row_is_person=verified.row_is_person,
        consent=source.consent,
        reference_date=config.reference_date,
    )
    context = RunContext(
        name=config.name,
        run={key: summary[key] for key in ("rows_in", "rows_out", "search")},
        consent={"statement": source.consent, **source.audit},
        thresholds=config.risk.thresholds,
    )
    staging = verified.staging
    staging.write("release/release_report.html", release_report(facts))
    staging.write("internal/risk_report.html", risk_report(assessment, context))
    staging.write("internal/risk.json", assessment.to_json())


def _write_audit(
    config: Config,
    source: Source,
    verified: VerifiedRelease,
    inputs: Mapping[str, Fingerprint],
    told: Mapping[str, object],
) -> None:
    audit = {
        **told,
        "consent": source.consent,
        "reading": source.audit,
        "inputs": inputs,
        # This version makes none: nothing in a release is drawn at random.
        "secrets": {},
        "config": config.model_dump(mode="json", by_alias=True),
    }
    content = json.dumps(audit, indent=2, ensure_ascii=False, default=asdict) + "\n"
    verified.staging.write("internal/audit.json", content)


def _publish(
    config: Config,
    source: Source,
    verified: VerifiedRelease,
    passed: PassedGate,
    announce: Callable[[], None],
) -> None:
    publish(
        verified,
        passed,
        Statement(
            name=config.name,
            consent=source.consent,
            reference_date=config.reference_date.isoformat(),
        ),
        announce=announce,
    )
