"""The part of the config that says how dates are told, shifted or as the time since an event; its rules."""

from __future__ import annotations

from collections.abc import Iterator, Set

from pydantic import Field

from release.config.columns import CODE_SYSTEMS, DatesSpec, IcdSpec, PrefixSpec, Rules, matching_keys
from release.config.keys import ColumnName, FilePath, Finding, Findings, Strict
from release.config.sections import Input

EVENTS = frozenset(
    "death_date admission_date discharge_date main_diagnosis_onset main_diagnosis_recorded performed_first "
    "performed_last".split()
)
"""The dates of an export that may be shifted or counted from; a date of birth would tell an age over 89."""
DAYS: Set[str] = EVENTS | {"birth_date"}
"""All dates of an export."""
_WITHOUT_EFFECT = ("hierarchy", "release_level", "clip")


class DateShift(Strict):
    """Dates moved by a secret number of days, one for all dates of a person."""

    columns: tuple[ColumnName, ...] = Field(min_length=1, description="sensitive or insensitive dates")
    days: int = Field(
        default=365,
        ge=30,
        le=3650,
        description="the most days by which a person's dates move, forwards or backwards, but never by 0",
    )
    keep_weekday: bool = Field(default=False, description="move by whole weeks, so that a Monday stays one")
    secret_file: FilePath | None = Field(
        default=None,
        description="a file of 256 random bits that decides the moves, readable by its owner alone: the "
        "same file moves a person alike in every release; default: new bits for this run, kept in internal/",
    )


class RelativeTime(Strict):
    """Dates told as days since a person's first day in a column."""

    columns: tuple[ColumnName, ...] = Field(min_length=1, description="sensitive or insensitive dates")
    to: ColumnName = Field(
        description="the date that days are counted from: of several rows of a person the first, e.g. "
        "admission_date; it need not be released"
    )


class Time(Strict):
    """How dates are told that are not released as they are."""

    shift: DateShift | None = Field(default=None, description="dates moved by each person's own days")
    relative: RelativeTime | None = Field(default=None, description="days since an event")

    @property
    def columns(self) -> frozenset[str]:
        """Every column whose dates are changed."""
        return frozenset(name for _, name in self.named)

    @property
    def named(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Where each changed column is named below `time`, and its name."""
        for part, entry in (("shift", self.shift), ("relative", self.relative)):
            for index, name in enumerate(() if entry is None else entry.columns):
                yield (part, "columns", index), name

    def broken_rules(self) -> Findings:
        if self.shift is None and self.relative is None:
            yield Finding((), "needs `shift` or `relative`")
        seen: set[str] = set()
        for at, name in self.named:
            if name in seen:
                yield Finding(at, f"names {name} twice")
            seen.add(name)


def dates_can_be_told_otherwise(columns: Rules, subject: str, source: Input, time: Time | None) -> Findings:
    """What is shifted or counted are released dates, of people who are named."""
    if time is None:
        return
    if time.shift is not None and subject == "row":
        yield Finding(("time", "shift"), "needs `subject`: all dates of a person move by the same days")
    for at, name in time.named:
        for finding in _dates_of_a_kept_column(columns, source, name):
            yield Finding(("time", *at), f"{name} {finding}")
    if time.relative is not None:
        yield from _days_are_counted_from(columns, source, time.relative)


def times_are_no_numbers_to_average(time: Time | None, microaggregation: tuple[object, ...]) -> Findings:
    """A mean of dates would be made of those that are not released."""
    if time is None:
        return
    for index, entry in enumerate(microaggregation):
        for name in sorted(time.columns & set(getattr(entry, "columns", ()))):
            yield Finding(("microaggregation", index, "columns"), f"{name} is a date that `time` changes")


def _dates_of_a_kept_column(columns: Rules, source: Input, name: str) -> Iterator[str]:
    keys = matching_keys(columns, name)
    if not keys:
        yield "is a column that has no rule"
    for rule in (columns[key] for key in keys):
        if rule.role not in ("sensitive", "insensitive"):
            # the attacker compares a quasi-identifier with what is known, and nothing known is shifted
            yield "must be sensitive or insensitive: a date that is changed so is no generalisation"
        for key in rule.given(*_WITHOUT_EFFECT):
            yield f"cannot have {key} beside `time`"
        if rule.type not in (None, "text", "date"):
            yield "must be of the type date"
    if source.mii is not None and name not in EVENTS:
        yield f"is not one of {', '.join(sorted(EVENTS))}" + (
            ": a date of birth tells ages over 89" if name == "birth_date" else ""
        )


def _days_are_counted_from(columns: Rules, source: Input, relative: RelativeTime) -> Findings:
    at = ("time", "relative", "to")
    if not matching_keys(columns, relative.to):
        yield Finding(at, "names a column that has no rule; the role identifier drops it")
    if source.mii is None:
        return
    if relative.to not in EVENTS:
        yield Finding(at, f"must be one of {', '.join(sorted(EVENTS))}")
    if relative.to in relative.columns and source.mii.row == "patient":
        yield Finding(at, f"{relative.to} since itself is 0 where a row is a patient")


def invalid_has_an_effect(columns: Rules, source: Input, time: Time | None) -> Findings:
    """`invalid` is for dates and codes, on whose shape something depends."""
    for key, rule in columns.items():
        if rule.given("invalid") and not _is_judged(key, columns, source, time):
            yield Finding(
                ("columns", key, "invalid"), "is for dates, and for codes with a hierarchy that is released"
            )


def _is_judged(key: str, columns: Rules, source: Input, time: Time | None) -> bool:
    rule = columns[key]
    if rule.role == "identifier":
        return False
    if isinstance(rule.hierarchy, DatesSpec) or rule.type == "date":
        return True
    dates = (DAYS if source.mii is not None else frozenset()) | (
        frozenset() if time is None else time.columns
    )
    if any(matching_keys({key: rule}, name) for name in dates):
        return True
    is_code = isinstance(rule.hierarchy, PrefixSpec | IcdSpec) or rule.hierarchy in CODE_SYSTEMS
    return is_code and (rule.role == "quasi-identifier" or rule.release_level is not None)
