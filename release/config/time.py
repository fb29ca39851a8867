"""The part of the config that says how dates are told, shifted or as the time since an event; its rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from pydantic import Field

from release.config.columns import (
    CODE_SYSTEMS,
    ColumnRule,
    DatesSpec,
    HierarchySpec,
    IcdSpec,
    PrefixSpec,
    Rules,
    matching_keys,
)
from release.config.keys import ColumnName, FilePath, Finding, Findings, Strict
from release.config.sections import Input
from release.config.tables import EventColumn, Tables, event_dates

EVENTS = frozenset(
    "death_date admission_date discharge_date main_diagnosis_onset main_diagnosis_recorded performed_first "
    "performed_last".split()
)
"""The dates of an export that may be shifted or counted from; a date of birth would tell an age over 89."""
DAYS: Set[str] = EVENTS | {"birth_date"}
"""All dates of an export."""
_WITHOUT_EFFECT = ("hierarchy", "release_level", "clip")
_COLUMNS = "sensitive or insensitive dates; one of an event as <table>.<column>, e.g. labs.effective_date"


class DateShift(Strict):
    """Dates moved by a secret number of days, one for all dates of a person."""

    columns: tuple[ColumnName, ...] = Field(min_length=1, description=_COLUMNS)
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

    columns: tuple[ColumnName, ...] = Field(min_length=1, description=_COLUMNS)
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
        if not _is_of_an_event(source, name):
            for finding in _dates_of_a_kept_column(columns, source, name):
                yield Finding(("time", *at), f"{name} {finding}")
    if time.relative is not None:
        yield from _days_are_counted_from(columns, source, time.relative)


def event_dates_can_be_told_otherwise(tables: Tables, source: Input, time: Time | None) -> Findings:
    """Dates of events that are shifted or counted are released ones too."""
    known = event_dates(tables)
    for at, name in () if time is None else time.named:
        if name in known:
            table, _, column = name.partition(".")
            for finding in _of_a_kept_date(tables[table][column]):
                yield Finding(("time", *at), f"{name} {finding}")
        elif _is_of_an_event(source, name):
            yield Finding(("time", *at), f"{name} is no date of `tables`", _near(name, known))


def _is_of_an_event(source: Input, name: str) -> bool:
    """Whether a name is that of an event's column; no column of patients has a dot in its name."""
    return source.mii is not None and "." in name


def _near(word: str, known: Iterable[str]) -> str | None:
    from release.config.problems import closest

    return closest(word, known)


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
        yield from _of_a_kept_date(rule)
        if rule.type not in (None, "text", "date"):
            yield "must be of the type date"
    if source.mii is not None and name not in EVENTS:
        yield f"is not one of {', '.join(sorted(EVENTS))}" + (
            ": a date of birth tells ages over 89" if name == "birth_date" else ""
        )


def _of_a_kept_date(rule: ColumnRule | EventColumn) -> Iterator[str]:
    if rule.role not in ("sensitive", "insensitive"):
        # the attacker compares a quasi-identifier with what is known, and nothing known is shifted
        yield "must be sensitive or insensitive: a date that is changed so is no generalisation"
    for key in rule.given(*_WITHOUT_EFFECT):
        yield f"cannot have {key} beside `time`"


def _days_are_counted_from(columns: Rules, source: Input, relative: RelativeTime) -> Findings:
    at = ("time", "relative", "to")
    if _is_of_an_event(source, relative.to):
        yield Finding(at, "must be a date of the patient, not of an event, of which there can be several")
        return
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
    return is_for_codes(rule.hierarchy) and (
        rule.role == "quasi-identifier" or rule.release_level is not None
    )


def is_for_codes(hierarchy: HierarchySpec | None) -> bool:
    """Whether a hierarchy is one of codes, which has a shape that codes can break."""
    return isinstance(hierarchy, PrefixSpec | IcdSpec) or hierarchy in CODE_SYSTEMS
