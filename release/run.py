"""One run: config → table → anonymised → staged → verified → assessed → published, or nothing."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from anonymizer.tables.fingerprint import fingerprints, require_unchanged
from anonymizer.tables.table import Table
from release import gate
from release.assessing import ToTell, assess_run, write_reports
from release.check import admitted
from release.config.root import Config
from release.deciding.averaging import keep_groups
from release.deciding.decision import Decision, decide
from release.deciding.private_release import (
    keep_sample,
    summarised,
)
from release.deciding.recodings import Found, keep_map
from release.deciding.timing import whereabouts
from release.deciding.writing import write
from release.describing.manifest import Leaving, Statement
from release.files.lock import hold_lock
from release.files.staging import Staging, refuse_existing
from release.gate import Figures, PassedGate
from release.intake.source import Source, read
from release.journal import Journal
from release.progress import NOWHERE, Screen
from release.publish import publish
from release.synthesising.foreseeing import foresee
from release.synthesising.holding_out import split
from release.synthesising.synthesised import Synthesised, synthesise
from release.verifying.promise import Promise
from release.verifying.verify import VerifiedRelease, verify

SMALLEST_COUNT_LOGGED = 5
"""Where no k is asked for, counts below this one are logged as ``<5``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the release lies, what the run's summary says, and the figures of risk and utility."""

    summary: Mapping[str, object]
    release: Path
    internal: Path
    figures: Figures

    def told(self, *, dry_run: bool) -> str:
        """What a person is told of it."""
        if dry_run:
            return "dry run: everything holds; nothing was published"
        return "\n".join(
            [
                f"published  {self.release}",
                f"report     {self.release / 'release_report.html'}",
                f"internal   {self.internal / 'risk_report.html'}",
            ]
        )


@dataclass(frozen=True, slots=True)
class Staged:
    """A run that may be published."""

    source: Source
    verified: VerifiedRelease
    leaving: Leaving
    passed: PassedGate
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a run, staged and verified, before anything is measured on them.

    ``before`` are the fingerprints of the inputs, ``held_out`` the rows of people who have no part in them.
    """

    before: Mapping[Path, Collection[object]]
    decided: Decision
    verified: VerifiedRelease
    synthesised: Synthesised | None = None
    held_out: Table | None = None


@dataclass(slots=True)
class _Watch:
    """A run as it goes on: who is told, when it ``started`` and the wall-clock ``seconds`` of each stage."""

    journal: Journal
    screen: Screen
    started: float
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 4)
        self.journal.event(name, seconds=self.seconds[name])

    def told(self) -> dict[str, float]:
        return {**self.seconds, "total": round(time.perf_counter() - self.started, 4)}


def run(
    path: Path,
    *,
    dry_run: bool = False,
    screen: Screen = NOWHERE,
    announce: Callable[[Outcome], None] = lambda _: None,
) -> Outcome:
    """The outcome of the run that the config in ``path`` describes; ``screen`` shows how it goes on.

    ``announce`` is told the outcome just before it becomes true: if that fails, nothing is published.

    Raises:
        AnonError: nothing was released; its ``exit_code`` says why.
    """
    config = admitted(path)
    with staged(config, hashlib.sha256(path.read_bytes()).hexdigest(), screen) as done:
        if dry_run:
            announce(done.outcome)
        else:
            _publish(config, done, partial(announce, done.outcome))
        return done.outcome


@contextmanager
def staged(config: Config, config_digest: str, screen: Screen = NOWHERE) -> Iterator[Staged]:
    """The run of a config up to the rename; what is not published inside the context is removed after it.

    Raises:
        AnonError: nothing may be released; its ``exit_code`` says why.
    """
    with _staging(config, screen) as (staging, watch):
        yield _assessed(config, config_digest, _tables(config, staging, watch), watch)


@contextmanager
def tables_of(config: Config, screen: Screen = NOWHERE) -> Iterator[Tables]:
    """The verified tables of a config's run, not measured; they are removed after the context.

    Raises:
        AnonError: as ``staged``.
    """
    with _staging(config, screen) as (staging, watch):
        yield _tables(config, staging, watch)


@contextmanager
def _staging(config: Config, screen: Screen) -> Iterator[tuple[Staging, _Watch]]:
    started = time.perf_counter()
    refuse_existing(config.output.directory, config.name)
    smallest = config.privacy.k_anonymity or SMALLEST_COUNT_LOGGED
    watch = _Watch(Journal(smallest, sink=screen.sink, form=screen.form), screen, started)
    with (
        watch.journal.capture_warnings(),
        hold_lock(config.output.directory) as lock,
        Staging(lock, config.name, group=config.output.group) as staging,
    ):
        yield staging, watch


def _tables(config: Config, staging: Staging, watch: _Watch) -> Tables:
    with watch.stage("read"):
        before = {path: fingerprints(path) for path in config.inputs}
        with watch.screen.reading() as bytes_read:
            source = read(config, bytes_read)
    if source.files_ignored:
        watch.journal.event("files.ignored", level="warning", files=source.files_ignored)
    watch.journal.event("rows.in", count=source.table.frame.height)
    if source.untold:
        watch.journal.event("columns.not.in.the.export", count=len(source.untold))
    foresee(config, source.table)
    source, held_out = split(config, source)
    if held_out is not None:
        watch.journal.event("rows.held.out", count=held_out.frame.height)
    with watch.stage("search"), watch.screen.search() as report:
        decided = decide(config, source, report)
    watch.journal.event("rows.suppressed", count=decided.found.suppressed)
    with watch.stage("write"):
        promise = write(config, decided, staging)
    with watch.stage("verify"):
        verified = verify(staging, promise)
        for path, seen in before.items():
            require_unchanged(path, seen)
    watch.journal.event("rows.out", count=verified.frame.height)
    synthesised = None
    if config.synthesis is not None:
        with watch.stage("synthesise"), watch.screen.training() as report:
            synthesised = synthesise(config, verified, held_out, report)
    return Tables(before, decided, verified, synthesised, held_out)


def _assessed(config: Config, config_digest: str, done: Tables, watch: _Watch) -> Staged:
    decided, verified, synthesised = done.decided, done.verified, done.synthesised
    staging = verified.staging
    leaving = _leaving(config, synthesised)
    with watch.stage("assess"):
        assessed = assess_run(config, verified, synthesised)
    with watch.stage("report"):
        summary = _summary(config, staging, verified, decided.found) | _drawn(synthesised, done.held_out)
        making = {} if synthesised is None else synthesised.told
        write_reports(config, decided.source, verified, assessed, ToTell(summary, leaving, making))
        passed = gate.check(config.risk.thresholds, assessed.figures)
    summary |= {"seconds": watch.told()}
    trace = decided.found.solution.trace
    told = {"summary": summary, "search_trace": trace, "config_sha256": config_digest}
    told |= dict(zip(("inputs", "population"), done.before.values(), strict=False))
    told |= {"dates_changed": decided.dates_changed} if decided.dates_changed else {}
    _write_audit(config, decided.source, verified, told)
    staging.write("internal/log.jsonl", watch.journal.text())
    figures = {**assessed.figures, **assessed.utility}
    outcome = Outcome(summary, staging.target / "release", staging.target / "internal", figures)
    return Staged(decided.source, verified, leaving, passed, outcome)


def _summary(config: Config, staging: Staging, verified: VerifiedRelease, found: Found) -> dict[str, object]:
    told = {name: value for name, value in asdict(found.solution).items() if name != "trace"}
    return {
        "name": config.name,
        "exit_code": 0,
        "output": str(staging.target),
        "rows_in": verified.promise.rows_in,
        **summarised(verified.promise.private),
        "rows_out": verified.frame.height,
        **_events(verified),
        "search": told,
        **({} if found.told is None else {"recoding": found.told}),
    }


def _leaving(config: Config, synthesised: Synthesised | None) -> Leaving:
    """The tables that the config lets leave the house."""
    published = config.output.published(config.synthesis)
    leaves = synthesised is not None and published in ("synthetic", "both")
    return Leaving(published != "synthetic", synthesised.verified if leaves and synthesised else None)


def _drawn(synthesised: Synthesised | None, held_out: Table | None) -> dict[str, object]:
    """What the summary says of a synthetic table and of people who were held out."""
    told: dict[str, object] = {}
    if held_out is not None:
        told["rows_held_out"] = held_out.frame.height
    if synthesised is not None:
        told["synthesis"] = synthesised.told
    return told


def _events(verified: VerifiedRelease) -> dict[str, object]:
    """How many events of each further table were read and are released; nothing where there is none."""
    read = verified.promise.events
    told = {
        name: {"rows_in": read[name].frame.height, "rows_out": frame.height}
        for name, frame in verified.events.items()
    }
    return {"tables": told} if told else {}


def _write_audit(
    config: Config,
    source: Source,
    verified: VerifiedRelease,
    told: Mapping[str, object],
) -> None:
    audit = {
        **told,
        "consent": source.consent,
        "reading": source.audit,
        **_codes_removed(verified.promise),
        "secrets": {
            **keep_sample(verified.staging, source.name, verified.promise.private),
            **keep_groups(verified.staging, source.name, verified.promise.groupings),
            **keep_map(verified.staging, verified.promise),
            **whereabouts(verified.promise.timing),
        },
        "config": config.model_dump(mode="json", by_alias=True),
    }
    content = json.dumps(audit, indent=2, ensure_ascii=False, default=asdict) + "\n"
    verified.staging.write("internal/audit.json", content)


def _codes_removed(promise: Promise) -> dict[str, object]:
    """How many codes left the lists of a class, by column; nothing where none had to."""
    told = {name: removed.height for name, removed in promise.removed_codes.items()}
    return {"codes_removed_from_classes": told} if told else {}


def _publish(config: Config, done: Staged, announce: Callable[[], None]) -> None:
    publish(
        done.verified,
        done.passed,
        Statement(
            name=config.name,
            consent=done.source.consent,
            reference_date=config.reference_date.isoformat(),
            reviewed=config.reviewed,
        ),
        leaving=done.leaving,
        announce=announce,
    )
