"""Tables of events beside the table of people: who had what, how much of it may be shown, and a common key.

To an attacker an event is its table and its generalised quasi-identifiers: its *kind*. A person's events of
one kind are numbered, and the first, the second, … up to the m-th are codes of their own in the person's code
set. So (k, k^m)-anonymity of code sets (Poulis et al., ECML PKDD 2013) holds for up to m events with their
multiplicities. What a class may not show leaves all its people: the i-th event of a kind and all after it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from anonymizer.criteria import Criterion, DistinctLDiversity, KMAnonymity
from anonymizer.hierarchies.encoding import encode
from anonymizer.tables.coarsening import coarsen
from anonymizer.tables.row_order import in_order
from anonymizer.tables.table import EVENTS, PERSON, Column, Role, Table
from anonymizer.transforming.code_removal import codes_to_remove, without

KEY_BYTES = 8
_OWNER, _KIND, _PLACE, _CODE = "\0owner", "\0kind", "\0place", "\0code"

Histories = Mapping[str, pl.DataFrame]
"""By table its events as they are released if nobody has to lose any, with their owner and code."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The released tables, each with the key ``person`` first and its rows in order.

    ``removed`` tells which codes left the people of which class (see ``code_removal.codes_to_remove``).
    """

    people: pl.DataFrame
    events: Mapping[str, pl.DataFrame]
    removed: pl.DataFrame


def histories(events: Mapping[str, Table], m: int) -> Histories:
    """The events of every table as they would be released, numbered within their person and kind.

    Raises ``BadInput`` for values outside a hierarchy (column and count).
    """
    return {name: _numbered(name, table, m) for name, table in events.items()}


def with_events(people: Table, told: Histories) -> Table:
    """The table of people with the code set of each, ``EVENTS``, and with whom its rows are about."""
    codes = pl.concat([rows.select(_OWNER, _CODE) for rows in told.values()]).unique()
    sets = codes.group_by(_OWNER).agg(pl.col(_CODE).sort().alias(EVENTS))
    owners = people.frame[_subject(people)].alias(_OWNER)
    frame = people.frame.with_columns(owners).join(sets, on=_OWNER, how="left", maintain_order="left")
    hidden = (Column(_OWNER, Role.SENSITIVE, sensitive=True), Column(EVENTS, Role.SENSITIVE, sensitive=True))
    return replace(people, frame=frame, columns=(*people.columns, *hidden))


def linked(
    people: Table, shown: pl.DataFrame, told: Histories, removed: pl.DataFrame, criteria: Sequence[Criterion]
) -> Linked:
    """The released tables. ``shown`` is what is released of the table that ``with_events`` makes, without the
    codes ``removed`` for (k, k^m); what distinct l-diversity of those who share known events asks goes too.
    """
    more = [removed]
    quasi = shown.select(column.name for column in people.quasi_identifiers)
    for values, asked in _diverse(people, shown[_OWNER], criteria):
        codes = codes_to_remove(quasi, values, shown[EVENTS], asked)
        shown = shown.with_columns(without(quasi, shown[EVENTS], codes))
        more.append(codes)
    keys = _keys(shown[_OWNER])
    kept = shown.select(_OWNER, pl.col(EVENTS).alias(_CODE)).explode(_CODE).drop_nulls()
    released = shown.drop(_OWNER, EVENTS).insert_column(0, keys)
    owners = pl.DataFrame([shown[_OWNER], keys])
    events = {name: _released(rows, kept, owners) for name, rows in told.items()}
    return Linked(in_order(released), events, pl.concat(more).unique().sort(pl.all()))


def _numbered(name: str, table: Table, m: int) -> pl.DataFrame:
    """The events as they are released, with owner, kind, place within the person's of that kind, and code."""
    cells = [_generalised(table.frame[c.name], c) for c in table.released]
    quasi = [c.name for c in table.quasi_identifiers]
    rows = pl.DataFrame([table.frame[_subject(table)].alias(_OWNER), *cells])
    rows = rows.with_columns(_kinds(name, rows, quasi))
    rows = rows.with_columns(_places(rows, [c.name for c in table.released]))
    code = pl.col(_KIND) + pl.min_horizontal(_PLACE, pl.lit(m)).cast(pl.String) + "]"
    return rows.with_columns(code.alias(_CODE))


def _places(rows: pl.DataFrame, names: list[str]) -> pl.Series:
    """Each row's number, from 1, among the events of its owner that are of its kind."""
    alike = rows.select(pl.len().over(_OWNER, _KIND) > 1).to_series()
    several = rows.filter(alike)
    digests = [_digest(cells) for cells in several.select(names).iter_rows()]
    numbered = several.select(_OWNER, _KIND, pl.Series(_PLACE, digests, dtype=pl.String))
    places = numbered.select(pl.col(_PLACE).rank("ordinal").over(_OWNER, _KIND).cast(pl.Int64)).to_series()
    return (
        pl.repeat(1, rows.height, dtype=pl.Int64, eager=True).scatter(alike.arg_true(), places).alias(_PLACE)
    )


def _generalised(cells: pl.Series, column: Column) -> pl.Series:
    if column.role is not Role.QUASI_IDENTIFIER:
        return coarsen(cells, column)
    codes, ladder = encode(cells, column)
    labels = pl.Series(column.name, ladder.labels[ladder.lowest], dtype=pl.String)
    return labels.gather(codes)


def _kinds(name: str, rows: pl.DataFrame, quasi: list[str]) -> pl.Series:
    """Each row's code as far as its number."""
    if not quasi:
        return pl.repeat(_start(name, ()), rows.height, eager=True).alias(_KIND)
    distinct = rows.select(quasi).unique()
    texts = pl.Series(_KIND, [_start(name, labels) for labels in distinct.iter_rows()], dtype=pl.String)
    known = distinct.with_columns(texts)
    return rows.join(known, on=quasi, how="left", nulls_equal=True, maintain_order="left")[_KIND]


def _start(name: str, labels: Iterable[str | None]) -> str:
    return json.dumps([name, *labels], ensure_ascii=False, separators=(",", ":"))[:-1] + ","


def _digest(cells: tuple[object, ...]) -> str:
    """What decides which of several events alike are the first: no value is preferred to another."""
    text = json.dumps(cells, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _diverse(
    people: Table, owners: pl.Series, criteria: Sequence[Criterion]
) -> Iterator[tuple[pl.Series, KMAnonymity]]:
    """By demand for distinct values: each owner's value in place of the person, how many must share events.

    Missing is no value: where there is any, it is counted as one and one more is asked for.
    """
    m = next(c.m for c in criteria if isinstance(c, KMAnonymity) and c.column == EVENTS)
    subjects = people.frame[_subject(people)].alias(_OWNER)
    for criterion in criteria:
        if isinstance(criterion, DistinctLDiversity):
            base = pl.DataFrame([subjects, people.frame[criterion.column].rank("dense").alias("value")])
            of_owner = owners.to_frame().join(base, on=_OWNER, how="left", maintain_order="left")["value"]
            asked = criterion.l + (1 if of_owner.null_count() else 0)
            yield of_owner.cast(pl.Int64).fill_null(0), KMAnonymity(EVENTS, asked, m, repair=True)


def _released(rows: pl.DataFrame, kept: pl.DataFrame, owners: pl.DataFrame) -> pl.DataFrame:
    """The events that are left of the people shown: of a kind the first ones, till a code is missing."""
    marked = kept.with_columns(pl.lit(value=True).alias("left"))
    left = rows.join(owners, on=_OWNER, how="inner").join(marked, on=[_OWNER, _CODE], how="left")
    whole = pl.col("left").fill_null(value=False).cum_min().over(_OWNER, _KIND, order_by=_PLACE)
    names = [PERSON, *(n for n in rows.columns if n not in (_OWNER, _KIND, _PLACE, _CODE))]
    return in_order(left.filter(whole).select(names))


def _keys(owners: pl.Series) -> pl.Series:
    """A key for each row, of the operating system's generator; all different."""
    drawn: dict[str, None] = {}
    while len(drawn) < len(owners):
        drawn[secrets.token_hex(KEY_BYTES)] = None
    return pl.Series(PERSON, list(drawn), dtype=pl.String)


def _subject(table: Table) -> str:
    if table.subject is None:
        raise ValueError("linked tables need the column that names the person")
    return table.subject
