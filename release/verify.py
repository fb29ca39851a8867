"""The verifier: it believes nothing but the staged bytes, the input and the hierarchies.

It shares no code with the search. A release that gets past it holds exactly the rows that the recorded
transformation makes of the input, in an order that says nothing, and meets every criterion when counted anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from pathlib import Path

import polars as pl

from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchy import SUPPRESSED
from release import tables
from release.promise import Promise
from release.recount import count_classes, countable, least, required
from release.replay import Replay, check_levels, labels_at, replay
from release.staging import Staging
from risk.facts import CriterionResult, Status
from risk.reidentification import ClassSizes

_PROOF = object()


@dataclass(frozen=True, slots=True)
class VerifiedRelease:
    """Staged data that are what was promised. Only ``verify`` constructs one.

    ``frame`` is what the staged bytes hold, ``digests`` their SHA-256 by path below ``release/``. ``before``
    are the classes of the input's base values, ``after`` those of the release. ``suppressed`` rows,
    ``before`` and ``evidence`` (the released rows with their people and base values) stay in the house.
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
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("only verify() constructs a VerifiedRelease")


def verify(staging: Staging, promise: Promise) -> VerifiedRelease:
    """The verified release, from re-reading what ``staging`` holds on disk.

    Raises:
        VerificationFailed: the staged bytes are not what was promised (rule, column and count).
    """
    check_levels(promise)
    expected = replay(promise)
    if expected.suppressed > promise.most_suppressed:
        raise VerificationFailed("more rows are suppressed than the limit allows", count=expected.suppressed)
    clean = tables.canonical(expected.frame)
    frame, digests = _reread(staging.data, promise, tables.types(clean))
    check_labels(frame, promise)
    check_rows(frame, clean)
    after = count_classes(expected.counted)
    return VerifiedRelease(
        staging=staging,
        promise=promise,
        frame=frame,
        digests=digests,
        before=_sizes(count_classes(expected.before)),
        after=_sizes(after),
        criteria=recount(frame, expected, promise),
        suppressed=expected.suppressed,
        row_is_person=expected.row_is_person,
        evidence=expected.counted,
        proof=_PROOF,
    )


def check_labels(frame: pl.DataFrame, promise: Promise) -> None:
    """Raise ``VerificationFailed`` where a quasi-identifier holds what is no label of its level."""
    for column in promise.table.quasi_identifiers:
        assert column.hierarchy is not None
        level = promise.transformation[column.name]
        labels = labels_at(column.hierarchy, promise.table.frame[column.name], level)["label"]
        allowed = {*labels, *([SUPPRESSED] if promise.suppressed == "star" else [])}
        cells = frame[column.name]
        foreign = [label for label in cells.unique() if label not in allowed]
        if foreign:
            count = int(cells.is_in(foreign, nulls_equal=True).sum())
            raise VerificationFailed(
                f"cells are no labels of level {level}, which was promised", column=column.name, count=count
            )


def check_rows(frame: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Raise ``VerificationFailed`` unless the frame holds the expected multiset of rows, in sorted order."""
    if _in_order(expected).equals(frame):
        return
    if not _multiset(expected).equals(_multiset(frame)):
        raise VerificationFailed(
            "released rows are not those that the recorded transformation gives",
            column=_culprit(frame, expected),
            count=_surplus(frame, expected) or _surplus(expected, frame),
        )
    if not is_sorted(frame):
        raise VerificationFailed("the released rows are not sorted")


def is_sorted(frame: pl.DataFrame) -> bool:
    """Whether rows stand in the order of all columns, lists by their joined text.

    Otherwise a row's position could tell where in the input it stood, and where rows were suppressed.
    """
    text = _comparable(frame)
    return text.equals(text.sort(text.columns))


def recount(frame: pl.DataFrame, expected: Replay, promise: Promise) -> tuple[CriterionResult, ...]:
    """Every criterion and what the release reaches.

    Counted on the staged rows where each row is a person and the values are released, and always through the
    recomputed way from the input; both must agree. Raises ``VerificationFailed``.
    """
    through_input = count_classes(expected.counted)
    results = []
    for position, criterion in enumerate(promise.criteria):
        reached = least(through_input, criterion, position)
        is_open = promise.is_recountable(criterion, row_is_person=expected.row_is_person)
        if is_open and recount_released(frame, promise, criterion) != reached:
            raise VerificationFailed(
                f"{criterion.name} counted on the staged rows is another than in the run"
            )
        if reached is not None and reached < required(criterion):
            raise VerificationFailed(f"an equivalence class breaks {criterion.name}", count=reached)
        results.append(_result(criterion, reached, "recounted" if is_open else "attested"))
    return tuple(results)


def recount_released(frame: pl.DataFrame, promise: Promise, criterion: Criterion) -> int | None:
    """The smallest count any class of the released rows reaches, each row taken as one person."""
    keys = [frame[column.name] for column in promise.table.quasi_identifiers]
    values = {0: frame[criterion.column]} if isinstance(criterion, DistinctLDiversity) else {}
    rows = countable(keys, pl.int_range(frame.height, eager=True), values)
    return least(count_classes(rows), criterion, 0)


def _reread(directory: Path, promise: Promise, schema: tables.Types) -> tuple[pl.DataFrame, dict[str, str]]:
    """What the staged files hold, which must be the same in every format, and their digests."""
    names = {format_: f"{promise.table_name}.{format_}" for format_ in promise.formats}
    if {path.name for path in directory.iterdir()} != set(names.values()):
        raise VerificationFailed("the staged data files are not exactly the promised ones")
    contents = {format_: _bytes(directory / name) for format_, name in names.items()}
    frames = [tables.decode(content, format_, schema) for format_, content in contents.items()]
    if not all(frame.equals(frames[0]) for frame in frames):
        raise VerificationFailed("the formats do not hold the same rows")
    digests = {f"data/{names[f]}": hashlib.sha256(content).hexdigest() for f, content in contents.items()}
    return frames[0], digests


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise VerificationFailed("a staged data file cannot be read back") from None


def _result(criterion: Criterion, reached: int | None, status: Status) -> CriterionResult:
    is_k = isinstance(criterion, KAnonymity)
    return CriterionResult(
        name=criterion.name,
        column=None if isinstance(criterion, KAnonymity) else criterion.column,
        parameters={"k" if is_k else "l": required(criterion)},
        reached=reached,
        status=status,
    )


def _sizes(classes: pl.DataFrame) -> ClassSizes:
    ordered = classes.sort("person", "rows")
    return ClassSizes(ordered["person"].cast(pl.Int64).to_numpy(), ordered["rows"].to_numpy())


def _comparable(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists as text, by which released rows are ordered."""
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(name).list.join(" ") for name in lists)


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    keys = _comparable(frame)
    return frame.sort([keys[name] for name in keys.columns])


def _multiset(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(frame.columns)


def _surplus(ours: pl.DataFrame, theirs: pl.DataFrame) -> int:
    """How many rows of ``ours`` are not in ``theirs``, duplicates counted."""
    names = ours.columns
    counts = _comparable(ours).group_by(names).len("ours")
    others = _comparable(theirs).group_by(names).len("theirs")
    both = counts.join(others, on=names, how="left", nulls_equal=True)
    excess = pl.col("ours").cast(pl.Int64) - pl.col("theirs").fill_null(0)
    return int(both.select(excess.clip(0).sum()).item())


def _culprit(frame: pl.DataFrame, expected: pl.DataFrame) -> str | None:
    """The column without which the rows would be right, where it is one column's fault."""
    if frame.height != expected.height or frame.width < 2:
        return None
    for name in frame.columns:
        if _multiset(frame.drop(name)).equals(_multiset(expected.drop(name))):
            return name
    return None
