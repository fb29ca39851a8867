"""A release of several linked tables in its reports: what they are, what is covered, what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from risk.facts import EventAccount, LinkedTable, ReleasedColumn, ReleaseFacts
from risk.figures import Figure
from risk.reidentification.class_sizes import ClassSizes, IntArray
from risk.reidentification.known_events import WITHOUT_EVENTS, KnownEvents
from risk.reports import charts, wording
from risk.reports.charts import Caption
from risk.reports.page import drawing
from risk.reports.report_rows import band_rows, column_row, size_chart

if TYPE_CHECKING:
    import polars as pl

COUNT_BANDS = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 9), (10, 19), (20, 49), (50, 99), (100, 199))
COUNT_BANDS_OPEN = 200
BELONG_TOGETHER = (
    "All rows of a person belong together: whoever recognises somebody by anything else learns all of them. "
    "What everybody who matches has in common is learnt without finding the person."
)


class Means(NamedTuple):
    """What the largest risk, the average risk and the sizes of classes mean, in sentences."""

    largest: str
    average: str
    sizes: str


class Inside(NamedTuple):
    """What a template shows of the events in the internal report."""

    known_of: str
    fewest: int
    diverse: bool
    accounts: list[dict[str, Any]]
    total: EventAccount
    repaired: str
    matches: list[dict[str, Any]]


class Shown(NamedTuple):
    """What a template shows of a release report's linked tables."""

    events: int
    tables: list[dict[str, Any]]
    purpose: str
    guarantee: str
    not_covered: str
    within: str
    events_chart: Any
    sizes_chart: Any
    matches: list[dict[str, Any]]


def shown(facts: ReleaseFacts, known: KnownEvents, sizes: ClassSizes) -> Shown:
    """Return what the release report shows of its linked tables, from the released tables alone."""
    counts = events_per_person(facts)
    return Shown(
        events=sum(table.rows for table in facts.tables),
        tables=[_table_row(table, facts.frame.height) for table in facts.tables],
        purpose=_purpose(facts),
        guarantee=guarantee(known, facts.quasi_identifiers),
        not_covered=not_covered(facts, known.m),
        within=_within(counts, known.m),
        events_chart=_events_chart(counts, facts.name),
        sizes_chart=size_chart(
            {
                "who knows the quasi-identifiers alone": sizes,
                f"who knows {_at_most_events(known.m)} too": known,
            },
            "people",
            title=f"{facts.name}: people by class size and by how many match",
            axis="people who match",
        ),
        matches=band_rows(known),
    )


def guarantee(known: KnownEvents, quasi_identifiers: Sequence[str]) -> str:
    """Return what is promised of whoever knows some events, as a claim."""
    names = f" ({', '.join(quasi_identifiers)})" if quasi_identifiers else ""
    often = f"; even who knows of {known.m} kinds of events that each happened up to {known.m} times"
    return (
        f"Whoever knows a person’s quasi-identifiers{names} and any {_plain_events(known.m)} of that person, "
        f"each by the quasi-identifiers of its table, finds at least {known.k} people who match"
        f"{often if known.m > 1 else ''}."
    )


def not_covered(facts: ReleaseFacts, m: int) -> str:
    """Return what somebody may know that the promise does not cover."""
    others = [
        *(column.name for column in facts.columns if not column.is_quasi_identifier),
        *(f"{table.name}.{column.name}" for table in facts.tables for column in _others(table)),
    ]
    exact = f"the exact value of {_either(others)}, " if others else ""
    more = "more than one event" if m == 1 else f"more than {m} kinds of events"
    return (
        f"Somebody who knows {more} of a person, {exact}that the person did not have some event, or how many "
        f"events of a kind, beyond {m}, the person had."
    )


def means(known: KnownEvents, figures: Mapping[str, Figure]) -> Means:
    """Return what the figures mean, beside those of whoever knows no events."""
    largest = figures["prosecutor_max"]
    if largest.value is None:
        return Means("The tables hold no people.", "", "")
    alone = figures[f"prosecutor_max{WITHOUT_EVENTS}"].value or 0.0
    telling = "most telling event" if known.m == 1 else f"{known.m} most telling kinds of events"
    return Means(
        "Somebody who knows that a person is in these tables, the person’s quasi-identifiers and "
        f"{_at_most_events(known.m)} picks the right person with a chance of at most "
        f"{wording.one_in(largest.value)} (by the quasi-identifiers alone: {wording.one_in(alone)}).",
        "The share of people that somebody who tries to name all of them gets right, on average, knowing the "
        f"{telling} of each (by the quasi-identifiers alone: "
        f"{wording.share_of(figures[f'prosecutor_average{WITHOUT_EVENTS}'])}).",
        "A person’s class is everybody with the same quasi-identifiers; without knowing any events, the risk "
        f"is 1 divided by its size. Who else in the class has the {telling} of that person, each as "
        "often, matches too, and the risk is 1 divided by their number.",
    )


def sensitive_columns(facts: ReleaseFacts) -> list[str]:
    """Return the sensitive columns of the linked tables; no criterion is about them."""
    return [f"{table.name}.{c.name}" for table in facts.tables for c in table.columns if c.is_sensitive]


def events_per_person(facts: ReleaseFacts) -> IntArray:
    """Return each released person's events in all tables together; int64 of shape (people,), ascending."""
    import numpy as np
    import polars as pl

    keys = [table.frame.select(pl.col(table.key).alias("key")) for table in facts.tables]
    counts = _counts(pl.concat(keys), "key") if keys else np.empty(0, dtype=np.int64)
    nobodys = np.zeros(facts.frame.height - len(counts), dtype=np.int64)
    return np.concatenate([nobodys, counts])


def kept_inside(events: Sequence[EventAccount], known: KnownEvents, *, diverse: bool) -> Inside:
    """Return what the internal report says of the events: read, left out and released, by table."""
    rows = [_account(each, people=(each.people_in, each.people_out)) for each in events]
    counts = {
        name: sum(getattr(each, name) for each in events) for name in ("rows_in", "rows_out", "removed")
    }
    total = EventAccount("All tables", **counts, people_in=0, people_out=0)
    if len(rows) > 1:
        # Somebody may have events in several tables: people do not add up.
        rows.append(_account(total, people=None))
    return Inside(
        known_of=f"{_at_most_events(known.m)} of anybody known too",
        fewest=known.k,
        diverse=diverse,
        accounts=rows,
        total=total,
        repaired=_repaired(total),
        matches=band_rows(known),
    )


def _account(each: EventAccount, *, people: tuple[int, int] | None) -> dict[str, Any]:
    kept = wording.percent(each.rows_out / each.rows_in) if each.rows_in else "—"
    return {"account": each, "people": people, "kept": kept}


def _repaired(total: EventAccount) -> str:
    """Return how many events the people who are released had to lose."""
    theirs = total.removed + total.rows_out
    if not total.removed:
        return "Nobody who is released lost an event."
    return (
        f"Of the {theirs:,} events of the people who are released, {total.removed:,} "
        f"({wording.percent(total.removed / theirs)}) are left out."
    )


def _purpose(facts: ReleaseFacts) -> str:
    names = wording.enumerated([table.name for table in facts.tables])
    each = "a row of" if len(facts.tables) == 1 else "each row of"
    return (
        f"A row of {facts.table_name} is a person; {each} {names} is one event of a person. Their column "
        f"{facts.tables[0].key} says whose: a key drawn at random, new in every release, which cannot be "
        "derived from anything else and leads back to nobody."
    )


def _within(counts: IntArray, m: int) -> str:
    """Return how many people have no more events than may be known."""
    if not len(counts):
        return ""
    share = int((counts <= m).sum()) / len(counts)
    within = f"{wording.percent(share)} of the people have no more than {_plain_events(m)} in the release."
    return within if share == 1 else f"{within} Of the others somebody may know more than is covered."


def _table_row(table: LinkedTable, people: int) -> dict[str, Any]:
    counts = _counts(table.frame, table.key)
    return {
        "name": table.name,
        "rows": table.rows,
        "people": len(counts),
        "share": wording.percent(len(counts) / people) if people else "—",
        "known_by": ", ".join(table.quasi_identifiers) or "having happened",
        "quantiles": [_quantile(counts, share) for share in (0.5, 0.75, 1.0)],
    }


def _quantile(counts: IntArray, share: float) -> int | None:
    import numpy as np

    return int(np.quantile(counts, share, method="inverted_cdf")) if len(counts) else None


def _counts(frame: pl.DataFrame, key: str) -> IntArray:
    """Return how many rows each key has, ascending."""
    import numpy as np

    return np.sort(frame.group_by(key).len()["len"].to_numpy().astype(np.int64))


def columns(facts: ReleaseFacts) -> list[dict[str, Any]]:
    """Return by table its columns, the key first, with their counts in the release."""
    people = LinkedTable(facts.table_name, facts.frame, facts.columns, facts.tables[0].key)
    return [
        _described(people, "one row per person", "drawn at random for this release, anew in every release"),
        *(_described(each, "one row per event", f"the person’s in {people.name}") for each in facts.tables),
    ]


def _described(table: LinkedTable, rows: str, treatment: str) -> dict[str, Any]:
    key = ReleasedColumn(table.key, "key", "string", None, None, None, treatment)
    others = (column for column in table.columns if column.name != table.key)
    told = [column_row(table.frame, column) for column in (key, *others)]
    return {"name": f"{table.name}: {rows}", "rows": told}


def _others(table: LinkedTable) -> Iterable[ReleasedColumn]:
    return (column for column in table.columns if not column.is_quasi_identifier)


def _events_chart(counts: IntArray, name: str) -> Any:
    bands = [*COUNT_BANDS, (COUNT_BANDS_OPEN, None)]
    labels = [_band_label(low, high) for low, high in bands]
    shares = [_share_between(counts, low, high) for low, high in bands]
    some = [(label, share) for label, share in zip(labels, shares, strict=True) if share]
    told = ", ".join(f"{label} events {wording.percent(share)}" for label, share in some)
    caption = Caption("events-per-person", f"{name}: events per person", told or "no people")
    return drawing(charts.bar_chart(labels, {"people": shares}, axis="events of a person", caption=caption))


def _share_between(counts: IntArray, low: int, high: int | None) -> float:
    inside = counts >= low
    if high is not None:
        inside &= counts <= high
    return int(inside.sum()) / max(len(counts), 1)


def _band_label(low: int, high: int | None) -> str:
    if high is None:
        return f"{low}+"
    return f"{low}" if low == high else f"{low}–{high}"


def _plain_events(m: int) -> str:
    return "one event" if m == 1 else f"{m} events"


def _at_most_events(m: int) -> str:
    return "one event" if m == 1 else f"up to {m} kinds of events"


def _either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
