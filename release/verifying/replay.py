"""The recorded transformation once more, by a literal join of every value with its label.

Nothing of the search, its encoding or its transformation is used here, only the hierarchies themselves: an
error in any of them must not be able to repeat itself in the check.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from anonymizer.criteria import KMAnonymity
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.tables.table import Role
from release.verifying.cells import every_row, released_cells
from release.verifying.code_set_counts import without_codes
from release.verifying.linked import Events, known_in, known_of, released_events, remaining
from release.verifying.population_counts import counts_population, matched, with_stars
from release.verifying.promise import Promise
from release.verifying.recoding_map import recode
from release.verifying.recount import EVENTS, PERSON, Classed, base, classed, countable, key, keys_of
from release.verifying.references import references
from release.verifying.regroup import regrouped
from release.verifying.retime import retimed
from release.verifying.verdicts import References, column_of, holding, kept, rests_on, together


@dataclass(frozen=True, slots=True)
class Replay:
    """What the promise makes of the input: the rows to expect, in no particular order.

    ``counted`` holds the same rows as ``recount.countable`` makes them, in the same order; ``before`` the
    input's classes by their base values; ``suppressed`` the rows dropped or starred; ``references`` what the
    criteria compare with; ``events`` the rows of further tables, whose people are those of ``counted``.
    ``everyone`` has the input's rows in their order, each as it is released or would be, and ``shown`` says
    which are.
    """

    frame: pl.DataFrame
    counted: pl.DataFrame
    before: pl.DataFrame
    suppressed: int
    references: References
    everyone: pl.DataFrame
    shown: pl.Series
    events: Events = field(default_factory=dict)

    @property
    def row_is_person(self) -> bool:
        """Whether no person has two released rows; of suppressed rows nobody may learn even that."""
        return self.counted[PERSON].n_unique() == self.counted.height


def replay(promise: Promise) -> Replay:
    """The rows the release must hold; raises ``VerificationFailed`` for levels that are none."""
    table = promise.table
    recoded = None if promise.recoding is None else recode(promise.recoding, table)
    given = retimed(table, promise.own_timing)
    everyone = released = every_row(promise, given if recoded is None else {**recoded.columns, **given})
    events: Events = released_events(promise)
    if events:
        released = pl.DataFrame([*released, known_of(table.people, events, known_in(promise))])
    names = [column.name for column in table.quasi_identifiers]
    before = countable([table.frame[name] for name in names], table.people, {})
    generalised = _countable(released, names, promise)
    data = classed(generalised)
    compared = {**references(promise.criteria, table), **_populations(promise, data)}
    keeps = kept(data, promise.criteria, compared) if recoded is None else recoded.shown
    shown, hidden = generalised.filter(keeps), generalised.filter(~keeps)
    starred, starred_counted = released.clear(), generalised.clear()
    if promise.suppressed == "star" and hidden.height:
        compared = _with_stars(compared, promise, shown, hidden)
        starred, starred_counted = _starred(released.filter(~keeps), hidden, shown, promise, compared)
    is_shown = keeps if not starred.height else pl.repeat(value=True, n=len(keeps), eager=True)
    if starred.height:
        everyone = _with_stars_for(~keeps, everyone, promise)
    positions = pl.int_range(table.frame.height, eager=True)
    rows = pl.concat([positions.filter(keeps), positions.filter(~keeps).head(starred.height)])
    shown = pl.concat([shown, starred_counted])
    if events:
        events = _left(events, shown, promise)
    frame, counted = _repaired(pl.concat([released.filter(keeps), starred]), shown, promise, events)
    return Replay(
        regrouped(frame, rows, table, promise.groupings),
        counted,
        before,
        int((~keeps).sum()),
        compared,
        everyone,
        is_shown,
        events,
    )


def _with_stars_for(hidden: pl.Series, everyone: pl.DataFrame, promise: Promise) -> pl.DataFrame:
    """``everyone`` with the cells that the ``hidden`` rows have when they are starred."""
    return everyone.with_columns(
        pl.when(hidden).then(cell).otherwise(pl.col(name)).alias(name)
        for name, cell in _star_cells(everyone, promise).items()
    )


def _star_cells(frame: pl.DataFrame, promise: Promise) -> dict[str, pl.Expr]:
    """What a starred row has instead of its own cells, by the columns of ``frame``."""
    by_role = {Role.QUASI_IDENTIFIER: pl.lit(SUPPRESSED), Role.INSENSITIVE: pl.lit(None)}
    return {
        column.name: by_role[column.role].cast(frame.schema[column.name])
        for column in promise.table.released
        if column.role in by_role
    }


def _left(events: Events, shown: pl.DataFrame, promise: Promise) -> Events:
    """The events of the people who are shown, less those that their classes had to lose."""
    classes = shown.select(PERSON, *keys_of(shown))
    nothing = classes.select(keys_of(shown)).clear().with_columns(code=pl.lit(""))
    return remaining(events, classes, promise.removed_codes.get(EVENTS, nothing), known_in(promise))


def _countable(frame: pl.DataFrame, names: list[str], promise: Promise) -> pl.DataFrame:
    table = promise.table
    base_values = {
        position: (frame if rests_on(criterion) == "cells" else table.frame)[name]
        for position, criterion in enumerate(promise.criteria)
        if (name := column_of(criterion)) is not None
    }
    return countable([frame[name] for name in names], table.people, base_values)


def _populations(promise: Promise, data: Classed) -> dict[int, pl.DataFrame]:
    """By its criterion's position, the classes of the population at the promised levels."""
    positions = [i for i, criterion in enumerate(promise.criteria) if counts_population(criterion)]
    people = promise.table.population
    if not positions:
        return {}
    if people is None or promise.recoding is not None:
        raise VerificationFailed("there is no population to count, or it has no levels")
    labels = [
        released_cells(people[column.name], column, promise).alias(key(j))
        for j, column in enumerate(promise.table.quasi_identifiers)
    ]
    return dict.fromkeys(positions, matched(pl.DataFrame(labels), data))


def _with_stars(
    compared: References, promise: Promise, shown: pl.DataFrame, hidden: pl.DataFrame
) -> dict[int, pl.DataFrame]:
    """What is compared with, where the ``hidden`` rows are starred and the ``shown`` ones are not."""
    starred, classes = hidden[PERSON].n_unique(), classed(shown)
    return {
        position: with_stars(each, classes, starred)
        if counts_population(promise.criteria[position])
        else each
        for position, each in compared.items()
    }


def _repaired(
    frame: pl.DataFrame, counted: pl.DataFrame, promise: Promise, events: Events
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows, in both forms, without the codes that are recorded as removed from their classes."""
    named = {i: c for i, c in enumerate(promise.criteria) if rests_on(c) == "cells"}
    repaired = {c.column for c in named.values() if isinstance(c, KMAnonymity) and c.repair}
    if repaired != set(promise.removed_codes):
        raise VerificationFailed("codes were removed from other columns than those to be repaired")
    for column, removed in promise.removed_codes.items():
        if events and column == EVENTS:
            lists = known_of(counted[PERSON], events, known_in(promise))
        else:
            lists = without_codes(frame[column], counted.select(keys_of(counted)), removed)
        frame = frame.with_columns(lists)
    counted = counted.with_columns(
        frame[name].alias(base(i)) for i, c in named.items() if (name := column_of(c)) is not None
    )
    return (frame.drop(EVENTS) if events else frame), counted


def _starred(
    released: pl.DataFrame,
    counted: pl.DataFrame,
    shown: pl.DataFrame,
    promise: Promise,
    compared: References,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The suppressed rows starred, in both forms; none where their class would break a criterion itself, or
    the release would with them, whose other rows are ``shown``.
    """
    stars = {name: pl.lit(SUPPRESSED, dtype=counted.schema[name]) for name in keys_of(counted)}
    rows = counted.with_columns(**stars)
    if not (
        holding(classed(rows), promise.criteria, compared).all()
        and together(classed(pl.concat([shown, rows])), promise.criteria)
    ):
        return released.clear(), counted.clear()
    return released.with_columns(**_star_cells(released, promise)), rows
