"""The verifier: it believes nothing but the staged bytes, the input and the hierarchies.

It shares no code with the search. A release that gets past it holds exactly the rows that the recorded
transformation makes of the input, in an order that says nothing, and meets every criterion when counted anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, replace
from pathlib import Path

import polars as pl

from anonymizer.criteria import Criterion
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from release.files import fhir, tables
from release.files.staging import Staging
from release.verifying.cells import check_levels
from release.verifying.code_set_counts import fewest_sharing
from release.verifying.criterion_entries import parameters_of
from release.verifying.labels import labels_at, labels_between
from release.verifying.linked import Events, check_linked, known_in, known_of
from release.verifying.people import check_drawn, check_keys, check_whole
from release.verifying.promise import Promise
from release.verifying.recount import EVENTS, PERSON, Verdict, classed, countable, sizes
from release.verifying.redraw import check_private
from release.verifying.replay import Replay, replay
from release.verifying.retime import recorded
from release.verifying.rows import check_rows, is_sorted
from release.verifying.verdicts import References, column_of, known_events, verdict
from risk.facts import CriterionResult, Status
from risk.reidentification.class_sizes import ClassSizes

_PROOF = object()


@dataclass(frozen=True, slots=True)
class VerifiedRelease:
    """Staged data that are what was promised. Only ``verify`` constructs one.

    ``frame`` is what the staged bytes hold, ``digests`` their SHA-256 by path below ``release/``; ``events``
    are further tables by name. ``fewest`` tells of each row of ``frame`` how few people share its class and
    some events that may be known of it; None where there are none. ``before`` are the classes of the input's
    base values, ``after`` those of the release. ``suppressed`` rows, ``before``, ``evidence`` (the released
    rows with their people and base values), ``references`` (what criteria compare with), and ``everyone``
    (the input's rows as they are released or would be, of which some are ``shown``) stay in the house.
    """

    staging: Staging
    promise: Promise
    frame: pl.DataFrame
    digests: Mapping[str, str]
    before: ClassSizes
    after: ClassSizes
    criteria: tuple[CriterionResult, ...]
    suppressed: int
    row_is_person: bool
    evidence: pl.DataFrame
    references: References
    events: Mapping[str, pl.DataFrame]
    fewest: pl.Series | None
    everyone: pl.DataFrame
    shown: pl.Series
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("only verify() constructs a VerifiedRelease")


def verify(staging: Staging, promise: Promise) -> VerifiedRelease:
    """The verified release, from re-reading what ``staging`` holds on disk.

    Raises:
        VerificationFailed: the staged bytes are not what was promised (rule, column and count).
    """
    check_private(promise)
    check_levels(promise)
    check_linked(promise)
    promise = replace(promise, timing=recorded(promise.timing, staging))
    expected = replay(promise)
    if expected.suppressed > promise.most_suppressed:
        raise VerificationFailed("more rows are suppressed than the limit allows", count=expected.suppressed)
    found, digests = _compared(staging, promise, expected)
    frame, events = found[promise.table_name], {name: found[name] for name in promise.events}
    countable_ = with_known(frame, events, promise)
    return VerifiedRelease(
        staging=staging,
        promise=promise,
        frame=tables.canonical(frame),
        digests=digests,
        before=_sizes(expected.before),
        after=_sizes(expected.counted),
        criteria=recount(countable_, expected, promise),
        suppressed=expected.suppressed,
        row_is_person=expected.row_is_person,
        evidence=expected.counted,
        references=expected.references,
        events={name: tables.canonical(each) for name, each in events.items()},
        fewest=_fewest(countable_, promise),
        everyone=expected.everyone,
        shown=expected.shown,
        proof=_PROOF,
    )


def check_labels(frame: pl.DataFrame, promise: Promise) -> None:
    """Raise ``VerificationFailed`` where a quasi-identifier holds what is no label of its level."""
    for position, column in enumerate(promise.table.quasi_identifiers):
        values = promise.table.frame[column.name]
        if promise.recoding is None:
            level = promise.transformation[column.name]
            promised, labels = f"level {level}", labels_at(column, values, level)["label"]
        else:
            span = promise.recoding.span(position)
            promised, labels = f"levels {span[0]} to {span[1]}", labels_between(column, values, span)["label"]
        allowed = {*labels, *([SUPPRESSED] if promise.suppressed == "star" else [])}
        cells = frame[column.name]
        foreign = [label for label in cells.unique() if label not in allowed]
        if foreign:
            count = int(cells.is_in(foreign, nulls_equal=True).sum())
            raise VerificationFailed(
                f"cells are no labels of {promised}, which was promised", column=column.name, count=count
            )


def recount(frame: pl.DataFrame, expected: Replay, promise: Promise) -> tuple[CriterionResult, ...]:
    """Every criterion and what the release reaches.

    Counted on the staged rows where each row is a person and the values are released, and always through the
    recomputed way from the input; both must agree. Raises ``VerificationFailed``.
    """
    through_input = classed(expected.counted)
    known = known_events(promise.criteria) if promise.events else None
    results = []
    for position, criterion in enumerate(promise.criteria):
        found = verdict(through_input, criterion, position, expected.references.get(position), known=known)
        is_open = promise.is_recountable(criterion, row_is_person=expected.row_is_person)
        if is_open and recount_released(frame, promise, criterion).reached != found.reached:
            raise VerificationFailed(
                f"{criterion.name} counted on the staged rows is another than in the run"
            )
        if not found.holds.all():
            raise VerificationFailed(
                f"an equivalence class breaks {criterion.name}", count=int((~found.holds).sum())
            )
        results.append(_result(criterion, found, "recounted" if is_open else "attested"))
    return tuple(results)


def recount_released(frame: pl.DataFrame, promise: Promise, criterion: Criterion) -> Verdict:
    """What counting the criterion on the released rows finds, each row taken as one person.

    What is known of events stands in a column of lists, as ``with_known`` makes it.
    """
    column = column_of(criterion)
    values = {} if column is None else {0: frame[column]}
    known = known_events(promise.criteria) if promise.events else None
    if known is not None:
        values[1], known = frame[EVENTS], (1, known[1])
    return verdict(classed(_rows(frame, promise, values)), criterion, 0, known=known)


def with_known(frame: pl.DataFrame, events: Events, promise: Promise) -> pl.DataFrame:
    """The released rows and, of several tables, the lists of what may be known of each person's events."""
    if not events:
        return frame
    return frame.with_columns(known_of(frame[PERSON], events, known_in(promise)))


def _fewest(frame: pl.DataFrame, promise: Promise) -> pl.Series | None:
    """For each released row how few people share its class and some events, as ``with_known`` tells them."""
    if not promise.events:
        return None
    rows = classed(_rows(frame, promise, {0: frame[EVENTS]}))
    return fewest_sharing(rows, 0, known_in(promise).m)


def _rows(frame: pl.DataFrame, promise: Promise, values: Mapping[int, pl.Series]) -> pl.DataFrame:
    keys = [frame[column.name] for column in promise.table.quasi_identifiers]
    return countable(keys, pl.int_range(frame.height, eager=True), values)


def _compared(
    staging: Staging, promise: Promise, expected: Replay
) -> tuple[dict[str, pl.DataFrame], dict[str, str]]:
    """Every table as it was staged, and the files' digests, once they are what is expected.

    Raises:
        VerificationFailed: they are not.
    """
    key = {PERSON: "string"} if promise.events else {}
    rows = {promise.table_name: expected.frame, **{n: f.drop(PERSON) for n, f in expected.events.items()}}
    clean = {name: tables.compact(frame) for name, frame in rows.items()}
    schemas = {name: {**key, **tables.types(frame)} for name, frame in clean.items()}
    found, digests = _reread(staging.data, promise.formats, schemas)
    for name, frame in found.items():
        check_labels(frame, promise.of_events(name) if name in promise.events else promise)
        check_rows(tables.compact(frame.drop(key)), clean[name])
    if promise.events:
        _check_people(found, clean, expected, promise)
    if not all(map(is_sorted, found.values())):
        raise VerificationFailed("the released rows are not sorted")
    return found, digests | _resources(staging.data / fhir.FOLDER, found, promise)


def _check_people(
    found: Mapping[str, pl.DataFrame], clean: Mapping[str, pl.DataFrame], expected: Replay, promise: Promise
) -> None:
    """Raise ``VerificationFailed`` unless whole people are what is expected, under keys that tell nothing."""
    table = promise.table
    people = found[promise.table_name][PERSON]
    check_keys(people, {name: found[name] for name in promise.events})
    if table.subject is not None:
        check_drawn(people, table.frame[table.subject])
    whose = {promise.table_name: expected.counted, **expected.events}
    theirs = {name: pl.DataFrame([whose[name][PERSON], *frame]) for name, frame in clean.items()}
    check_whole(found, theirs, promise.table_name)


def _resources(folder: Path, found: Mapping[str, pl.DataFrame], promise: Promise) -> dict[str, str]:
    """The digests of the FHIR files, which hold the same tables; none where none are promised."""
    if folder.exists() != (promise.fhir is not None):
        raise VerificationFailed("FHIR files are staged and not promised, or promised and not staged")
    if promise.fhir is None:
        return {}
    fhir.require_same(folder, found, promise.fhir)
    paths = sorted(folder.iterdir())
    return {f"data/{fhir.FOLDER}/{path.name}": hashlib.sha256(_bytes(path)).hexdigest() for path in paths}


def _reread(
    directory: Path, formats: Sequence[str], schemas: Mapping[str, tables.Types]
) -> tuple[dict[str, pl.DataFrame], dict[str, str]]:
    """What the staged files hold by table, which must be the same in every format, and their digests."""
    promised = [f"{name}.{format_}" for name in schemas for format_ in formats]
    if sorted(path.name for path in directory.iterdir() if path.name != fhir.FOLDER) != sorted(promised):
        raise VerificationFailed("the staged data files are not exactly the promised ones")
    found, digests = {}, {}
    for name, schema in schemas.items():
        frames = []
        for format_ in formats:
            content = _bytes(directory / f"{name}.{format_}")
            digests[f"data/{name}.{format_}"] = hashlib.sha256(content).hexdigest()
            frames.append(tables.compact(tables.decode(content, format_, schema)))
        if not all(frame.equals(frames[0]) for frame in frames):
            raise VerificationFailed("the formats do not hold the same rows")
        found[name] = frames[0]
    return found, digests


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise VerificationFailed("a staged data file cannot be read back") from None


def _result(criterion: Criterion, found: Verdict, status: Status) -> CriterionResult:
    return CriterionResult(
        name=criterion.name,
        column=column_of(criterion),
        parameters=parameters_of(criterion),
        reached=found.reached,
        status=status,
    )


def _sizes(rows: pl.DataFrame) -> ClassSizes:
    ordered = sizes(rows).sort(PERSON, "rows")
    return ClassSizes(ordered[PERSON].to_numpy(), ordered["rows"].to_numpy())
