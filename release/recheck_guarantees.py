"""What anybody can check of differential privacy and microaggregation on a release folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from anonymizer.criteria import KAnonymity
from anonymizer.errors import VerificationFailed
from anonymizer.private.differential_privacy import DifferentialPrivacy
from anonymizer.transforming.microaggregation import Microaggregation
from release.describing.manifest import AveragedEntry, TableEntry
from release.verifying.redraw import keeps
from release.verifying.synthetic import NO_GUARANTEE, PRIVATE, in_words
from risk.facts import Status


@dataclass(frozen=True, slots=True)
class Stated:
    """A guarantee beside the criteria, and whether anybody can count it again."""

    name: str
    column: str | None
    parameters: dict[str, bool | int | float | str]
    status: Status


def guarantees(frame: pl.DataFrame, table: TableEntry) -> Iterator[Stated]:
    """What the manifest states of the table beside its criteria; raises ``VerificationFailed``.

    That a sample was drawn at random nobody can see from outside; that k is enough for epsilon and delta, and
    that the classes have k people, everybody can.
    """
    if table.differential_privacy is not None:
        _check_private(table, table.differential_privacy)
        yield Stated(DifferentialPrivacy.name, None, dict(table.differential_privacy), "attested")
    if table.synthesis is not None and table.synthesis.privacy is not None:
        yield Stated("differential privacy", None, dict(table.synthesis.privacy), "attested")
    for entry in table.microaggregation:
        if table.row_is_person:
            _check_averages(frame, entry)
        status: Status = "recounted" if table.row_is_person else "attested"
        yield Stated(Microaggregation.name, ", ".join(entry.columns), {"k": entry.k}, status)
    yield from _dates(frame, table)


def is_as_proven(table: TableEntry) -> bool:
    """Whether a synthetic table is said to be as private as its method proves, and nothing more."""
    if (made := table.synthesis) is None:
        return True
    if table.criteria or table.row_is_person or (made.privacy is None) is (made.method == PRIVATE):
        return False
    if made.privacy is None:
        return table.guarantee == NO_GUARANTEE
    return {"epsilon", "delta"} <= made.privacy.keys() and table.guarantee == in_words(made.privacy)


def changed_dates(table: TableEntry) -> set[str]:
    """The columns that are stated to be shifted or told since an event."""
    parts = (table.date_shift, table.relative_time)
    return {name for part in parts if part is not None for name in part.columns}


def _dates(frame: pl.DataFrame, table: TableEntry) -> Iterator[Stated]:
    """What is stated of changed dates: only who has the secret or the input can see whether it is so."""
    roles = {column.name: column.role for column in table.columns if column.released}
    if not all(roles.get(name) in ("sensitive", "insensitive") for name in changed_dates(table)):
        raise VerificationFailed("a date is stated to be changed that is a quasi-identifier or not released")
    if (shift := table.date_shift) is not None:
        if any(frame.schema[name] not in (pl.String, pl.Date) for name in shift.columns):
            raise VerificationFailed("a column that is stated to be shifted holds no dates")
        parameters: dict[str, bool | int | float | str] = {
            "days": shift.days,
            "keep_weekday": shift.keep_weekday,
        }
        yield Stated("date shift", ", ".join(shift.columns), parameters, "attested")
    if (relative := table.relative_time) is not None:
        if any(not frame.schema[name].is_integer() for name in relative.columns):
            raise VerificationFailed("a column that is stated to be relative time holds no whole numbers")
        yield Stated("relative time", ", ".join(relative.columns), {"to": relative.to}, "attested")


def _check_private(table: TableEntry, told: dict[str, int | float]) -> None:
    try:
        k, epsilon = int(told["k"]), told["epsilon"] - told["epsilon_search"]
        is_enough = keeps(k, told["beta"], epsilon, told["delta"])
    except (KeyError, ValueError, ZeroDivisionError, OverflowError):
        raise VerificationFailed("the manifest's differential privacy lacks a parameter") from None
    if not is_enough:
        raise VerificationFailed("k is too small for the epsilon and delta that are stated")
    least = [entry.parameters.get("k") for entry in table.criteria if entry.name == KAnonymity.name]
    if least != [k] or not table.row_is_person:
        raise VerificationFailed("the classes are not those of the differential privacy that is stated")
    if any(column.released and "quasi-identifier" not in column.role for column in table.columns):
        raise VerificationFailed("a column is released that differential privacy does not cover")


def _check_averages(frame: pl.DataFrame, entry: AveragedEntry) -> None:
    """Every group's people have one combination of means, so a combination stands for k people or more."""
    if not set(entry.columns) <= set(frame.columns):
        raise VerificationFailed("averaged columns are not released")
    told = frame.select(entry.columns).filter(~pl.all_horizontal(pl.all().is_null()))
    rare = told.group_by(entry.columns).len().filter(pl.col("len") < entry.k).height
    if rare:
        raise VerificationFailed("averages stand for fewer than k people", count=rare)
