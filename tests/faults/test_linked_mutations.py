"""Each change to a staged release of several linked tables, however small, ends in exit code 11."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anonymizer.criteria import (
    DistinctLDiversity,
    KAnonymity,
    KMAnonymity,
    KMap,
    TCloseness,
)
from anonymizer.errors import VerificationFailed
from anonymizer.tables.table import Column, Role
from anonymizer.transforming.timing import Relative, Shift, Timing
from release.files import tables
from release.verifying.promise import Promise
from release.verifying.replay import replay
from release.verifying.verify import recount, with_known
from tests.linked_changes import EVERY_CHANGE, restore_a_rare_event, ungeneralise_an_event
from tests.linked_release import (
    CRITERIA,
    KNOWN,
    Change,
    Keys,
    Staged,
    promise,
    random_keys,
    released,
    staged,
    world,
)


def fails(stage: Staged, found: str) -> None:
    with pytest.raises(VerificationFailed, match=found) as failure:
        stage.verify()
    assert failure.value.exit_code == 11


@pytest.mark.parametrize(("change", "found"), EVERY_CHANGE, ids=lambda value: getattr(value, "__name__", ""))
def test_a_changed_release_fails(tmp_path: Path, change: Change, found: str) -> None:
    with staged(tmp_path, change=change) as stage:
        fails(stage, found)


@pytest.mark.parametrize("name", ["patients", "diagnoses", "labs"])
def test_every_format_of_every_table_is_read(tmp_path: Path, name: str) -> None:
    with staged(tmp_path) as stage:
        stage.verify()
        (stage.staging.data / f"{name}.csv").unlink()
        fails(stage, "not exactly the promised ones")
        tables.write(stage.frames[name].slice(1), stage.staging.data, name, ["csv"])
        fails(stage, "formats do not hold the same rows")


def test_a_table_nobody_promised_fails(tmp_path: Path) -> None:
    with staged(tmp_path, change=lambda frames: {**frames, "procedures": frames["labs"]}) as stage:
        fails(stage, "not exactly the promised ones")


@pytest.mark.parametrize(
    ("weaker", "stricter"),
    [
        (KMAnonymity("events", 4, 2, repair=True), KMAnonymity("events", 5, 2, repair=True)),
        (KMAnonymity("events", 3, 1, repair=True), KMAnonymity("events", 3, 2, repair=True)),
    ],
    ids=["k", "m"],
)
def test_a_release_for_less_than_is_promised_fails(
    tmp_path: Path, weaker: KMAnonymity, stricter: KMAnonymity
) -> None:
    with staged(tmp_path, (KAnonymity(3), weaker)) as stage:
        stage.verify()
        fails(with_promise(stage, criteria=(KAnonymity(3), stricter)), r"breaks \(k, k\^m\)-anonymity")


def test_events_that_tell_a_value_break_diversity(tmp_path: Path) -> None:
    """Every class has two stages or more, and some who share two events have not."""
    diverse = DistinctLDiversity("stage", 3)
    with staged(tmp_path) as stage:
        asked = replace(stage, promise=replace(stage.promise, criteria=(*CRITERIA, diverse)))
        fails(asked, "breaks distinct l-diversity")
    with staged(tmp_path, (*CRITERIA, diverse)) as stage:
        assert stage.verify().criteria[2].reached == 3


def test_a_record_that_does_not_repair_fails(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        fewer = stage.promise.removed_codes["events"].slice(1)
        fails(with_promise(stage, removed_codes={"events": fewer}), "released rows|breaks")
        fails(with_promise(stage, removed_codes={}), "other columns than those to be repaired")


@pytest.mark.parametrize(
    "code",
    [
        "C50",
        "[]",
        '["labs"]',
        '["labs","718-7",0]',
        '["labs","718-7","2"]',
        '["labs","718-7",true]',
        '["labs","718-7","x",1]',
        '["wards","718-7",1]',
        '{"labs":1}',
    ],
)
def test_a_removed_code_that_stands_for_no_event_fails(tmp_path: Path, code: str) -> None:
    with staged(tmp_path) as stage:
        record = stage.promise.removed_codes["events"]
        strange = pl.concat([record, record.head(1).with_columns(code=pl.lit(code))])
        fails(with_promise(stage, removed_codes={"events": strange}), "stands for no event")


def with_promise(stage: Staged, **changes: Any) -> Staged:
    return replace(stage, promise=replace(stage.promise, **changes))


def counted(names: Any) -> list[str]:
    return [f"{2**60 + i * 7919:016x}" for i in range(len(names))][::-1]


def shuffled_counter(names: Any) -> list[str]:
    return [f"{i * 37 % 64:016x}" for i in range(len(names))]


def in_the_inputs_order(names: Any) -> list[str]:
    return sorted(random_keys(names))


def against_the_inputs_order(names: Any) -> list[str]:
    return sorted(random_keys(names), reverse=True)


def digest(kind: str, *, end: bool = False) -> Keys:
    def keys(names: Any) -> list[str]:
        whole = [hashlib.new(kind, name.encode()).hexdigest() for name in names]
        return [each[-16:] if end else each[:16] for each in whole]

    return keys


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (list, "not 16 hexadecimal digits"),
        (lambda names: [f"{i:x}" for i in range(len(names))], "not 16 hexadecimal digits"),
        (lambda names: [name.encode().hex().ljust(16, "0") for name in names], "ids or made of them"),
        (digest("sha256"), "ids or made of them"),
        (digest("md5", end=True), "ids or made of them"),
        (counted, "agree in a digit"),
        (shuffled_counter, "agree in a digit"),
        (in_the_inputs_order, "order of the input"),
        (against_the_inputs_order, "order of the input"),
    ],
)
def test_keys_that_tell_something_fail(tmp_path: Path, keys: Keys, found: str) -> None:
    with staged(tmp_path, keys=keys) as stage:
        fails(stage, found)


SHIFT = Shift(("labs.seen",), 30, False, b"x" * 64)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda p: replace(p, criteria=(KAnonymity(3),)), "what is known of events"),
        (lambda p: replace(p, criteria=(*CRITERIA, KNOWN)), "what is known of events"),
        (
            lambda p: replace(p, criteria=(*CRITERIA, TCloseness("stage", 1, "equal"))),
            "says nothing of people",
        ),
        (lambda p: replace(p, criteria=(*CRITERIA, KMap(3))), "says nothing of people"),
        (lambda p: replace(p, suppressed="star"), "changes people's rows"),
        (lambda p: replace(p, table=replace(p.table, subject=None)), "several rows, or none"),
        (lambda p: of_labs(p, subject=None), "does not name people"),
        (lambda p: with_columns(p, icd=Column("icd", Role.QUASI_IDENTIFIER, max_level=1)), "no fixed level"),
        (lambda p: replace(p, events={**p.events, "patients": p.table}), "a name that linked tables need"),
        (lambda p: replace(p, suppression_limit=0.01), "more rows are suppressed"),
        (
            lambda p: replace(p, timing=Timing(relative=Relative(("labs.loinc",), "admitted"))),
            "quasi-identifier",
        ),
        (lambda p: replace(p, timing=Timing(SHIFT, p.timing.relative)), "cannot be read back|changed twice"),
        (lambda p: replace(p, timing=Timing()), "seen"),
    ],
)
def test_a_promise_that_cannot_be_kept_fails(
    tmp_path: Path, change: Callable[[Promise], Promise], found: str
) -> None:
    with staged(tmp_path) as stage:
        fails(replace(stage, promise=change(stage.promise)), found)


def of_labs(promise: Promise, **changes: Any) -> Promise:
    return replace(promise, events={**promise.events, "labs": replace(promise.events["labs"], **changes)})


def with_columns(promise: Promise, **changed: Column) -> Promise:
    table = promise.events["diagnoses"]
    columns = tuple(
        replace(column, min_level=0, max_level=1) if column.name in changed else column for column in table
    )
    return replace(promise, events={**promise.events, "diagnoses": replace(table, columns=columns)})


def test_the_recount_does_not_believe_the_replay() -> None:
    """Events that only the staged tables hold, or lack, are seen where they change who shares what."""
    frames, removed = released(*world())
    made = promise(removed)
    for change in (restore_a_rare_event, ungeneralise_an_event):
        changed = change(frames)
        events = {name: changed[name] for name in made.events}
        with pytest.raises(VerificationFailed, match="counted on the staged rows"):
            recount(with_known(changed["patients"], events, made), replay(made), made)


def test_the_recount_alone_sees_a_broken_criterion() -> None:
    """Were what is removed itself wrong in the replay, counting the released events would still tell."""
    frames, removed = released(*world())
    made = promise(removed)
    told = with_known(frames["patients"], {name: frames[name] for name in made.events}, made)
    reached = recount(told, replay(made), made)[1].reached
    assert isinstance(reached, int)
    stricter = KMAnonymity("events", reached + 1, 2, repair=True)
    with pytest.raises(VerificationFailed, match=r"an equivalence class breaks \(k, k\^m\)-anonymity"):
        recount(told, replay(made), replace(made, criteria=(KAnonymity(3), stricter)))


def test_no_message_holds_a_cell(tmp_path: Path) -> None:
    """Neither a key, nor an id, nor a code, whatever is found."""
    for number, (change, _) in enumerate(EVERY_CHANGE):
        with staged(tmp_path / str(number), change=change) as stage:
            with pytest.raises(VerificationFailed) as failure:
                stage.verify()
            cells = {str(cell) for frame in stage.frames.values() for row in frame.rows() for cell in row}
            told = set(re.findall(r"[\w.-]+", str(failure.value)))
        assert not {cell for cell in cells if len(cell) > 2} & told
