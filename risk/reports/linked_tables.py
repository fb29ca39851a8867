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
from risk.reports.words import Words

if TYPE_CHECKING:
    import polars as pl

COUNT_BANDS = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 9), (10, 19), (20, 49), (50, 99), (100, 199))
COUNT_BANDS_OPEN = 200


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


def shown(facts: ReleaseFacts, known: KnownEvents, sizes: ClassSizes, words: Words) -> Shown:
    """Return what the release report shows of its linked tables, from the released tables alone."""
    counts = events_per_person(facts)
    up_to = words.counted("linked.promise.up_to", known.m)
    return Shown(
        events=sum(table.rows for table in facts.tables),
        tables=[_table_row(table, facts.frame.height, words) for table in facts.tables],
        purpose=_purpose(facts, words),
        guarantee=guarantee(known, facts.quasi_identifiers, words),
        not_covered=not_covered(facts, known.m, words),
        within=_within(counts, known.m, words),
        events_chart=_events_chart(counts, facts.name, words),
        sizes_chart=size_chart(
            {
                words.say("linked.matches.knows_alone"): sizes,
                words.say("linked.matches.knows_events", events=up_to): known,
            },
            words.say("linked.matches.people"),
            title=words.say("parts.chart.matches_title", name=facts.name),
            axis=words.say("parts.chart.axis_matches"),
            words=words,
        ),
        matches=band_rows(known, words),
    )


def guarantee(known: KnownEvents, quasi_identifiers: Sequence[str], words: Words) -> str:
    """Return what is promised of whoever knows some events, as a claim."""
    return words.say(
        "linked.promise.guarantee",
        names=f" ({', '.join(quasi_identifiers)})" if quasi_identifiers else "",
        events=words.counted("linked.promise.plain_events", known.m),
        k=known.k,
        often=words.say("linked.promise.often", m=known.m) if known.m > 1 else "",
    )


def not_covered(facts: ReleaseFacts, m: int, words: Words) -> str:
    """Return what somebody may know that the promise does not cover."""
    others = [
        *(column.name for column in facts.columns if not column.is_quasi_identifier),
        *(f"{table.name}.{column.name}" for table in facts.tables for column in _others(table)),
    ]
    columns = wording.either(others, words)
    return words.say(
        "linked.promise.open",
        more=words.counted("linked.promise.more", m),
        exact=words.say("linked.promise.exact", columns=columns) if others else "",
        m=m,
    )


def means(known: KnownEvents, figures: Mapping[str, Figure], words: Words) -> Means:
    """Return what the figures mean, beside those of whoever knows no events."""
    largest = figures["prosecutor_max"]
    if largest.value is None:
        return Means(words.say("linked.means.nobody"), "", "")
    alone = figures[f"prosecutor_max{WITHOUT_EVENTS}"].value or 0.0
    average_alone = wording.share_of(figures[f"prosecutor_average{WITHOUT_EVENTS}"], words)
    telling = words.counted("linked.promise.telling", known.m)
    return Means(
        words.say(
            "linked.means.largest",
            events=words.counted("linked.promise.up_to", known.m),
            chance=wording.one_in(largest.value, words),
            alone=wording.one_in(alone, words),
        ),
        words.say("linked.means.average", telling=telling, alone=average_alone),
        words.say("linked.means.sizes", telling=telling),
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


def kept_inside(events: Sequence[EventAccount], known: KnownEvents, words: Words, *, diverse: bool) -> Inside:
    """Return what the internal report says of the events: read, left out and released, by table."""
    rows = [_account(each, words, people=(each.people_in, each.people_out)) for each in events]
    counts = {
        name: sum(getattr(each, name) for each in events) for name in ("rows_in", "rows_out", "removed")
    }
    total = EventAccount(words.say("linked.accounts.all_tables"), **counts, people_in=0, people_out=0)
    if len(rows) > 1:
        # Somebody may have events in several tables: people do not add up.
        rows.append(_account(total, words, people=None))
    up_to = words.counted("linked.promise.up_to", known.m)
    return Inside(
        known_of=words.say("linked.accounts.known_of", events=up_to),
        fewest=known.k,
        diverse=diverse,
        accounts=rows,
        total=total,
        repaired=_repaired(total, words),
        matches=band_rows(known, words),
    )


def _account(each: EventAccount, words: Words, *, people: tuple[int, int] | None) -> dict[str, Any]:
    kept = wording.percent(each.rows_out / each.rows_in, words) if each.rows_in else "—"
    return {"account": each, "people": people, "kept": kept}


def _repaired(total: EventAccount, words: Words) -> str:
    """Return how many events the people who are released had to lose."""
    theirs = total.removed + total.rows_out
    if not total.removed:
        return words.say("linked.accounts.nobody")
    return words.say(
        "linked.accounts.repaired",
        theirs=wording.plain(theirs, words),
        removed=wording.plain(total.removed, words),
        share=wording.percent(total.removed / theirs, words),
    )


def _purpose(facts: ReleaseFacts, words: Words) -> str:
    return words.counted(
        "linked.promise.purpose",
        len(facts.tables),
        people=facts.table_name,
        tables=wording.enumerated([table.name for table in facts.tables], words),
        key=facts.tables[0].key,
    )


def _within(counts: IntArray, m: int, words: Words) -> str:
    """Return how many people have no more events than may be known."""
    if not len(counts):
        return ""
    share = int((counts <= m).sum()) / len(counts)
    events = words.counted("linked.promise.plain_events", m)
    within = words.say("linked.histories.within", share=wording.percent(share, words), events=events)
    return within if share == 1 else f"{within} {words.say('linked.histories.beyond')}"


def _table_row(table: LinkedTable, people: int, words: Words) -> dict[str, Any]:
    counts = _counts(table.frame, table.key)
    return {
        "name": table.name,
        "rows": table.rows,
        "people": len(counts),
        "share": wording.percent(len(counts) / people, words) if people else "—",
        "known_by": ", ".join(table.quasi_identifiers) or words.say("linked.tables.having_happened"),
        "quantiles": [_quantile(counts, share) for share in (0.5, 0.75, 1.0)],
    }


def _quantile(counts: IntArray, share: float) -> int | None:
    import numpy as np

    return int(np.quantile(counts, share, method="inverted_cdf")) if len(counts) else None


def _counts(frame: pl.DataFrame, key: str) -> IntArray:
    """Return how many rows each key has, ascending."""
    import numpy as np

    return np.sort(frame.group_by(key).len()["len"].to_numpy().astype(np.int64))


def columns(facts: ReleaseFacts, words: Words) -> list[dict[str, Any]]:
    """Return by table its columns, the key first, with their counts in the release."""
    people = LinkedTable(facts.table_name, facts.frame, facts.columns, facts.tables[0].key)
    told = words.say("linked.columns.people", name=people.name)
    key = words.say("linked.columns.key_of", name=people.name)
    return [
        _described(people, told, words.say("linked.columns.key_drawn"), words),
        *(
            _described(each, words.say("linked.columns.events", name=each.name), key, words)
            for each in facts.tables
        ),
    ]


def _described(table: LinkedTable, told: str, treatment: str, words: Words) -> dict[str, Any]:
    role = words.say("linked.columns.key")
    key = ReleasedColumn(table.key, role, "string", None, None, None, treatment)
    others = (column for column in table.columns if column.name != table.key)
    return {"name": told, "rows": [column_row(table.frame, column) for column in (key, *others)]}


def _others(table: LinkedTable) -> Iterable[ReleasedColumn]:
    return (column for column in table.columns if not column.is_quasi_identifier)


def _events_chart(counts: IntArray, name: str, words: Words) -> Any:
    bands = [*COUNT_BANDS, (COUNT_BANDS_OPEN, None)]
    labels = [_band_label(low, high) for low, high in bands]
    shares = [_share_between(counts, low, high) for low, high in bands]
    some = [(label, share) for label, share in zip(labels, shares, strict=True) if share]
    told = ", ".join(
        words.say("linked.histories.told", label=label, share=wording.percent(share, words))
        for label, share in some
    )
    title = words.say("linked.histories.chart", name=name)
    caption = Caption("events-per-person", title, told or words.say("linked.histories.nobody"))
    people, axis = words.say("linked.histories.people"), words.say("linked.histories.axis")
    return drawing(
        charts.bar_chart(labels, {people: shares}, axis=axis, caption=caption, sign=words.say("numbers.sign"))
    )


def _share_between(counts: IntArray, low: int, high: int | None) -> float:
    inside = counts >= low
    if high is not None:
        inside &= counts <= high
    return int(inside.sum()) / max(len(counts), 1)


def _band_label(low: int, high: int | None) -> str:
    if high is None:
        return f"{low}+"
    return f"{low}" if low == high else f"{low}–{high}"
