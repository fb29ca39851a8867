"""Dates and codes that cannot be: counted, and refused or, with `invalid: missing`, made missing.

A date is impossible that is none of the calendar (2024-02-30), or lies before its domain or after it: the
hierarchy's, otherwise 1900-01-01 to the reference date. Of an export, a discharge before the admission and a
death before the birth are contradictions, where partial dates leave no doubt. Codes are malformed that their
hierarchy refuses.

Without `invalid: missing` such a cell ends the run (65) in a quasi-identifier, and in a date that `time`
changes; a kept date that nothing depends on is released as it is, and counted. In a dropped column it becomes
missing: it can only date others. The reader of exports makes dates missing that are none of the calendar, and
counts them itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from anonymizer.errors import BadConfig, BadInput
from anonymizer.hierarchies.dates import Dates
from anonymizer.hierarchies.hierarchy import Hierarchy
from anonymizer.tables import values
from anonymizer.tables.table import Column
from anonymizer.transforming.timing import last_day, read_date
from release.config.columns import DatesSpec
from release.config.root import Config
from release.config.tables import DATES
from release.config.time import DAYS
from release.intake.columns import rule_of
from release.intake.hierarchies import FIRST_DAY

Found = dict[str, dict[str, int]]
"""By column, how many cells broke which rule, and how many became missing for it."""
CONTRADICTIONS = (
    ("admission_date", "discharge_date", "discharge_before_admission"),
    ("birth_date", "death_date", "death_before_birth"),
)
MISSING, MALFORMED = "set_to_missing", "malformed"


def partners(names: Iterable[str]) -> frozenset[str]:
    """The columns of an export that must be read as well to see what contradicts ``names``."""
    asked = frozenset(names)
    pairs = ((early, late) for early, late, _ in CONTRADICTIONS)
    return frozenset(name for pair in pairs if not asked.isdisjoint(pair) for name in pair)


def in_iso_form(config: Config, cells: pl.Series) -> pl.Series:
    """A plain table's cells, German dates as ISO ones where the rule or `time` says that they are dates.

    Raises ``BadInput`` where both forms stand in one column.
    """
    rule = rule_of(config, cells.name)
    is_of_dates = rule is not None and (rule.type == "date" or isinstance(rule.hierarchy, DatesSpec))
    return values.iso_dates(cells) if is_of_dates or _is_changed(config, cells.name) else cells


def days_of_text(config: Config, cells: pl.Series, found: Found) -> pl.Series:
    """CSV cells of the type date, before they are parsed: without those that are none, if so asked."""
    rule = rule_of(config, cells.name)
    if rule is None or rule.invalid == "refuse" or cells.dtype != pl.String:
        return cells
    texts = [text for text in cells.unique().drop_nulls() if not _is_a_day(text)]
    return _without(cells, texts, MALFORMED, found)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the config says about the dates and codes of one table.

    In ``lenient`` columns what cannot be becomes missing. ``changed`` are those whose dates `time` changes or
    counts others from. ``dates`` are the dates of an export, whose names tell them; ``None`` for a plain
    table. No date lies after ``last``.
    """

    last: date
    lenient: frozenset[str]
    changed: frozenset[str]
    dates: frozenset[str] | None


def terms_of(config: Config, names: Iterable[str]) -> Terms:
    """The terms of the config's own table, which has the columns ``names``; a dropped column is lenient.

    What cannot be in a dropped column becomes missing: it only dates others.
    """
    rules = {name: rule_of(config, name) for name in names}
    return Terms(
        config.reference_date,
        frozenset(
            name
            for name, rule in rules.items()
            if rule is not None and (rule.role == "identifier" or rule.invalid == "missing")
        ),
        frozenset(name for name in rules if _is_changed(config, name)),
        None if config.input.mii is None else frozenset(DAYS),
    )


def terms_of_events(config: Config, table: str) -> Terms:
    """The terms of a table of events."""
    rules = config.tables[table]
    changed = frozenset() if config.time is None else config.time.columns
    return Terms(
        config.reference_date,
        frozenset(name for name, rule in rules.items() if rule.invalid == "missing"),
        frozenset(name for name in rules if f"{table}.{name}" in changed),
        DATES,
    )


def valid(
    terms: Terms, frame: pl.DataFrame, columns: Sequence[Column], whole: pl.DataFrame
) -> tuple[pl.DataFrame, Found]:
    """The frame's columns in canonical form, without what cannot be where that is asked for, and counts.

    ``whole`` holds the columns that others are compared with.

    Raises:
        BadInput: what cannot be, in a date that `time` changes (column and count).
        BadConfig: such a date is no column of dates.
    """
    found: Found = defaultdict(dict)
    cells = {column.name: _judged(terms, frame[column.name], column, found) for column in columns}
    if terms.dates is not None:
        for early, late, rule in CONTRADICTIONS:
            if early in whole.columns and late in whole.columns:
                _compared(terms, cells, (whole[early], whole[late]), (rule, found))
    return frame.with_columns(cells.values()), {name: dict(each) for name, each in found.items() if each}


def _judged(terms: Terms, cells: pl.Series, column: Column, found: Found) -> pl.Series:
    is_strict = cells.name in terms.changed
    if is_strict and cells.dtype not in (pl.String, pl.Date, pl.Null):
        raise BadConfig("time is for dates (text or dates without a time of day)", column=cells.name)
    if cells.dtype == pl.Null and is_strict:
        cells = cells.cast(pl.String)
    if _is_of_days(terms, cells, column):
        return _dates(terms, cells, column, found)
    if column.hierarchy is not None and column.name in terms.lenient:
        refused = [text for text in _texts(cells) if not _belongs(column.hierarchy, text)]
        return _without(cells, refused, MALFORMED, found)
    return cells


def _dates(terms: Terms, cells: pl.Series, column: Column, found: Found) -> pl.Series:
    first, last = FIRST_DAY, terms.last
    if isinstance(column.hierarchy, Dates):
        first, last = column.hierarchy.first, column.hierarchy.last
    rules: dict[str, Callable[[str], bool]] = {
        MALFORMED: lambda text: not _is_a_date(text),
        "before_the_first_possible_day": lambda text: _is_a_date(text) and last_day(text) < first,
        "after_the_last_possible_day": lambda text: _is_a_date(text) and read_date(text)[0] > last,
    }
    texts = _texts(cells)
    for rule, breaks in rules.items():
        broken = [text for text in texts if breaks(text)]
        if column.name in terms.lenient:
            cells = _without(cells, broken, rule, found)
        elif broken:
            count = int(values.canonical(cells).is_in(broken).sum())
            if column.name in terms.changed:
                raise _impossible(column.name, count)
            found[cells.name][rule] = count
    return cells


def _compared(
    terms: Terms,
    cells: dict[str, pl.Series],
    pair: tuple[pl.Series, pl.Series],
    rule: tuple[str, Found],
) -> None:
    """Makes missing, in ``cells``, what contradicts one another in a ``pair``, or refuses or counts it."""
    name, found = rule
    broken = _is_before(*(cells.get(each.name, each) for each in reversed(pair)))
    count = int(broken.sum())
    own = [each.name for each in pair if each.name in cells]
    if not count or not own:
        return
    lenient = [each for each in own if each in terms.lenient]
    for each in own:
        found[each][name] = count
    for each in lenient:
        cells[each] = pl.select(pl.when(~broken).then(cells[each]).alias(each)).to_series()
        found[each][MISSING] = found[each].get(MISSING, 0) + count
    changed = [each for each in own if each in terms.changed]
    if changed and not lenient:
        raise _impossible(changed[0], count)


def _is_before(late: pl.Series, early: pl.Series) -> pl.Series:
    """Whether each ``late`` date, whatever day it means, lies before each ``early`` one; bool (rows).

    ISO dates compare as text, as far as both are told.
    """
    both = pl.DataFrame({"late": late, "early": early})
    length = pl.min_horizontal(pl.col("late").str.len_chars(), pl.col("early").str.len_chars())
    told = (pl.col(name).str.slice(0, length) for name in ("late", "early"))
    return both.select((next(told) < next(told)).fill_null(value=False)).to_series()


def _is_of_days(terms: Terms, cells: pl.Series, column: Column) -> bool:
    is_text = cells.dtype == pl.String
    if terms.dates is not None:
        return is_text and cells.name in terms.dates
    is_named = is_text and (isinstance(column.hierarchy, Dates) or cells.name in terms.changed)
    return cells.dtype == pl.Date or is_named


def _is_changed(config: Config, name: str) -> bool:
    """Whether the column's dates are shifted or told since an event, or are what others are told since."""
    if config.time is None:
        return False
    relative = config.time.relative
    return name in config.time.columns or (relative is not None and name == relative.to)


def _belongs(hierarchy: Hierarchy, text: str) -> bool:
    try:
        hierarchy.generalise([text])
    except BadInput:
        return False
    return True


def _is_a_date(text: str) -> bool:
    try:
        read_date(text)
    except ValueError:
        return False
    return True


def _is_a_day(text: str) -> bool:
    return len(text) == len("2026-11-22") and _is_a_date(text)


def _texts(cells: pl.Series) -> list[str]:
    """The distinct values as text; of lists, the distinct codes."""
    flat = cells.explode() if isinstance(cells.dtype, pl.List) else cells
    return values.canonical(flat.unique()).drop_nulls().to_list()


def _without(cells: pl.Series, broken: Sequence[str], rule: str, found: Found) -> pl.Series:
    """The cells without those that are ``broken``; a list loses the codes and stays a list."""
    if not broken:
        return cells
    if isinstance(cells.dtype, pl.List):
        kept = cells.list.eval(pl.element().filter(~pl.element().is_in(list(broken))))
        count = int((cells.list.len() - kept.list.len()).sum())
    else:
        is_broken = values.canonical(cells).is_in(list(broken)).fill_null(value=False)
        kept = pl.select(pl.when(~is_broken).then(cells)).to_series().alias(cells.name)
        count = int(is_broken.sum())
    found[cells.name][rule] = count
    found[cells.name][MISSING] = found[cells.name].get(MISSING, 0) + count
    return kept


def _impossible(column: str, count: int) -> BadInput:
    return BadInput(
        "impossible dates: none of the calendar, outside the possible days, or in the wrong order",
        column=column,
        count=count,
        hint="correct them, or write invalid: missing",
    )


def together(*found: Found) -> Found:
    """The counts of several passes, by column; those of one rule add up."""
    sums: Found = {}
    for name, counts in ((name, counts) for each in found for name, counts in each.items() if counts):
        own = sums.setdefault(name, {})
        for rule, count in counts.items():
            own[rule] = own.get(rule, 0) + count
    return sums
