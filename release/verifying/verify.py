"""The verifier: it believes nothing but the staged bytes, the input and the hierarchies.

It shares no code with the search. A release that gets past it holds exactly the rows that the recorded
transformation makes of the input, in an order that says nothing, and meets every criterion when counted anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, replace
from pathlib import Path

import polars as pl

from anonymizer.criteria import Criterion
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from release.files import tables
from release.files.staging import Staging
from release.verifying.criterion_entries import parameters_of
from release.verifying.labels import labels_at, labels_between
from release.verifying.promise import Promise
from release.verifying.recount import PERSON, Verdict, classed, countable, sizes
from release.verifying.redraw import check_private
from release.verifying.replay import Replay, check_levels, replay
from release.verifying.retime import recorded
from release.verifying.verdicts import References, column_of, verdict
from risk.facts import CriterionResult, Status
from risk.reidentification import ClassSizes

_PROOF = object()


@dataclass(frozen=True, slots=True)
class VerifiedRelease:
    """Staged data that are what was promised. Only ``verify`` constructs one.

    ``frame`` is what the staged bytes hold, ``digests`` their SHA-256 by path below ``release/``. ``before``
    are the classes of the input's base values, ``after`` those of the release. ``suppressed`` rows,
    ``before``, ``evidence`` (the released rows with their people and base values) and ``references`` (what
    criteria compare with) stay in the house.
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
    promise = replace(promise, timing=recorded(promise.timing, staging))
    expected = replay(promise)
    if expected.suppressed > promise.most_suppressed:
        raise VerificationFailed("more rows are suppressed than the limit allows", count=expected.suppressed)
    clean = tables.compact(expected.frame)
    frame, digests = _reread(staging.data, promise, tables.types(clean))
    check_labels(frame, promise)
    check_rows(frame, clean)
    return VerifiedRelease(
        staging=staging,
        promise=promise,
        frame=tables.canonical(frame),
        digests=digests,
        before=_sizes(expected.before),
        after=_sizes(expected.counted),
        criteria=recount(frame, expected, promise),
        suppressed=expected.suppressed,
        row_is_person=expected.row_is_person,
        evidence=expected.counted,
        references=expected.references,
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


def check_rows(frame: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Raise ``VerificationFailed`` unless the frame holds the expected multiset of rows, in sorted order."""
    if not _same_rows(frame, expected):
        ours, theirs = tables.canonical(frame), tables.canonical(expected)
        raise VerificationFailed(
            "released rows are not those that the recorded transformation gives",
            column=_culprit(frame, expected),
            count=_surplus(ours, theirs) or _surplus(theirs, ours),
        )
    if not is_sorted(frame):
        raise VerificationFailed("the released rows are not sorted")


def is_sorted(frame: pl.DataFrame) -> bool:
    """Whether rows stand in the order of all columns, lists by their joined text.

    Otherwise a row's position could tell where in the input it stood, and where rows were suppressed.
    """
    # Of two neighbours the second is not the lesser, column by column from the last to the first.
    sorted_ = pl.repeat(value=True, n=max(frame.height - 1, 0), eager=True)
    for cells in reversed(_comparable(frame).get_columns()):
        above, below = cells.head(-1), cells.tail(-1)
        less = (above < below).fill_null(value=False) | (above.is_null() & below.is_not_null())
        sorted_ = less | (above.eq_missing(below) & sorted_)
    return sorted_.all()


def recount(frame: pl.DataFrame, expected: Replay, promise: Promise) -> tuple[CriterionResult, ...]:
    """Every criterion and what the release reaches.

    Counted on the staged rows where each row is a person and the values are released, and always through the
    recomputed way from the input; both must agree. Raises ``VerificationFailed``.
    """
    through_input = classed(expected.counted)
    results = []
    for position, criterion in enumerate(promise.criteria):
        found = verdict(through_input, criterion, position, expected.references.get(position))
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
    """What counting the criterion on the released rows finds, each row taken as one person."""
    keys = [frame[column.name] for column in promise.table.quasi_identifiers]
    column = column_of(criterion)
    values = {} if column is None else {0: frame[column]}
    return verdict(classed(countable(keys, pl.int_range(frame.height, eager=True), values)), criterion, 0)


def _reread(directory: Path, promise: Promise, schema: tables.Types) -> tuple[pl.DataFrame, dict[str, str]]:
    """What the staged files hold, which must be the same in every format, and their digests."""
    names = {format_: f"{promise.table_name}.{format_}" for format_ in promise.formats}
    if {path.name for path in directory.iterdir()} != set(names.values()):
        raise VerificationFailed("the staged data files are not exactly the promised ones")
    frames, digests = [], {}
    for format_, name in names.items():
        content = _bytes(directory / name)
        digests[f"data/{name}"] = hashlib.sha256(content).hexdigest()
        frames.append(tables.compact(tables.decode(content, format_, schema)))
    if not all(frame.equals(frames[0]) for frame in frames):
        raise VerificationFailed("the formats do not hold the same rows")
    return frames[0], digests


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


def _comparable(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists as text, by which released rows are ordered."""
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(name).list.join(" ") for name in lists)


def _same_rows(ours: pl.DataFrame, theirs: pl.DataFrame) -> bool:
    """Whether two compact frames hold the same rows, each as often; the same cells have the same schema."""
    same_shape = ours.schema == theirs.schema and ours.height == theirs.height
    return same_shape and _surplus(ours, theirs) == 0


def _surplus(ours: pl.DataFrame, theirs: pl.DataFrame) -> int:
    """How many rows of ``ours`` are not in ``theirs``, duplicates counted."""
    names = ours.columns
    counts = ours.group_by(names).len("ours")
    others = theirs.group_by(names).len("theirs")
    both = counts.join(others, on=names, how="left", nulls_equal=True)
    excess = pl.col("ours").cast(pl.Int64) - pl.col("theirs").fill_null(0)
    return int(both.select(excess.clip(0).sum()).item())


def _culprit(frame: pl.DataFrame, expected: pl.DataFrame) -> str | None:
    """The column without which the rows would be right, where it is one column's fault."""
    if frame.height != expected.height or frame.width < 2:
        return None
    for name in frame.columns:
        if _same_rows(frame.drop(name), expected.drop(name)):
            return name
    return None
