"""The instants of a whole column are those of its texts one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from mii.dates import moment, moments

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=5, minutes=30))])
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=ZONES)
WRITTEN = st.one_of(
    INSTANTS.map(lambda time: time.isoformat()),
    INSTANTS.map(lambda time: time.astimezone(UTC).isoformat().replace("+00:00", "Z")),
    st.sampled_from(
        ["2026", "2026-03", "2026-03-01", "2026-03-01T00:30:00", "2026-02-30T00:00:00Z", "gestern"]
    ),
    st.none(),
)


@settings(max_examples=60)
@given(st.lists(WRITTEN, max_size=8))
def test_a_column_of_times_is_read_as_each_of_them_is(texts: list[str | None]) -> None:
    found = moments(pl.Series(texts, dtype=pl.String))
    told = [moment(text) for text in texts]
    assert found.to_list() == [None if time is None else round(time * 1e6) for time in told]


@given(INSTANTS)
def test_an_instant_is_the_same_in_any_zone(time: datetime) -> None:
    assert moment(time.isoformat()) == moment(time.astimezone(UTC).isoformat())
