"""Laboratory values of a row: last, first, min, max, mean and count of what was measured.

A value counts where it is a number in the requested unit or one that UCUM converts to it. One with a
comparator (``<5``) is a bound and no number, so it is left out and counted; so is one without a value (a
``dataAbsentReason``) or without a unit. One in a unit that does not convert refuses the export.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum

import polars as pl

from anonymizer.errors import BadInput
from mii.dates import moment
from mii.request import Observation
from mii.units import conversion

_ABSENT = pl.col("value").is_null()
_BOUND = _ABSENT.not_() & pl.col("comparator").is_not_null()
_BARE = _ABSENT.not_() & pl.col("comparator").is_null() & pl.col("unit").is_null()
_USABLE = _ABSENT.not_() & pl.col("comparator").is_null() & pl.col("unit").is_not_null()
_ZONED = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$"


def laboratory(
    values: pl.DataFrame, observations: Mapping[str, Observation]
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The statistics by row and laboratory name, and counts of values used, converted and left out.

    ``values`` is as `measurements` takes it, with the columns id and moment. The result has row, lab, and a
    column per statistic.
    """
    converted, counts = measurements(values, observations)
    return _statistics(converted), counts


def measurements(
    values: pl.DataFrame, observations: Mapping[str, Observation]
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The values that count, told in the unit asked for, and counts of values used, converted and left out.

    ``values`` has the columns row, codes (with blanks between), value, comparator, unit; those of no row are
    not told of. The result has a line per value and laboratory name, with all columns of ``values`` and lab
    and wanted, the unit. Raises ``BadInput`` where a unit does not convert, naming the first column it
    was asked for.
    """
    asked = (
        values.filter(pl.col("row").is_not_null())
        .with_columns(pl.col("codes").str.split(" ").list.unique())
        .explode("codes")
        .join(_asked(observations), on="codes")
    )
    usable = asked.filter(_USABLE).join(_rules(asked.filter(_USABLE)), on=("unit", "wanted"))
    _refuse_unconverted(usable)
    converted = usable.with_columns(pl.col("value") * pl.col("scale") + pl.col("offset"))
    counts = {
        "values_absent": asked.filter(_ABSENT).height,
        "values_converted": usable.filter(pl.col("unit") != pl.col("wanted")).height,
        "values_used": usable.height,
        "values_with_comparator": asked.filter(_BOUND).height,
        "values_without_unit": asked.filter(_BARE).height,
    }
    return converted, {name: count for name, count in counts.items() if count}


def _asked(observations: Mapping[str, Observation]) -> pl.DataFrame:
    rows = [(asked.loinc, name, asked.unit) for name, asked in observations.items()]
    return pl.DataFrame(rows, schema=dict.fromkeys(("codes", "lab", "wanted"), pl.String), orient="row")


def _rules(usable: pl.DataFrame) -> pl.DataFrame:
    """Scale and offset for each pair of units that occurs; null where there is no conversion."""
    pairs = usable.select("unit", "wanted").unique().rows()
    rules = [(found, wanted, *(conversion(found, wanted) or (None, None))) for found, wanted in pairs]
    schema = {"unit": pl.String, "wanted": pl.String, "scale": pl.Float64, "offset": pl.Float64}
    return pl.DataFrame(rules, schema=schema, orient="row")


def _refuse_unconverted(usable: pl.DataFrame) -> None:
    refused = usable.filter(pl.col("scale").is_null())
    if refused.height:
        name = str(refused["lab"].min())
        raise BadInput(
            "values are in a unit that UCUM does not convert to the one asked for",
            column=f"lab_{name}",
            count=refused.filter(pl.col("lab") == name).height,
            hint="ask for the unit the export has",
        )


def _statistics(values: pl.DataFrame) -> pl.DataFrame:
    """A tie in time is broken by the id, and the mean's exact sum is rounded once: order leaves no trace."""
    timed = values.with_columns(_instant(values["moment"]))
    dated = pl.col("value").filter(pl.col("instant").is_not_null())
    grouped = (
        timed.sort("instant", "id", nulls_last=True)
        .group_by("row", "lab", maintain_order=True)
        .agg(
            dated.last().alias("last"),
            dated.first().alias("first"),
            pl.col("value").min().alias("min"),
            pl.col("value").max().alias("max"),
            pl.col("value").alias("all"),
            pl.len().cast(pl.Int64).alias("count"),
        )
    )
    means = [fsum(all_values) / len(all_values) for all_values in grouped["all"].to_list()]
    return grouped.drop("all").with_columns(pl.Series("mean", means, dtype=pl.Float64))


def _instant(moments: pl.Series) -> pl.Series:
    """Seconds since 1970; each distinct time is read once."""
    distinct = moments.drop_nulls().unique()
    return moments.replace_strict(distinct, _instants(distinct), default=None).alias("instant")


def _instants(moments: pl.Series) -> pl.Series:
    """Seconds since 1970: complete times all at once, anything else one by one."""
    complete = moments.str.contains(_ZONED)
    times = moments.set(~complete.fill_null(value=False), None).str.to_datetime(
        "%+", time_unit="us", time_zone="UTC", strict=False
    )
    rest = moments.filter(times.is_null()).drop_nulls().unique()
    told = pl.Series([moment(text) for text in rest], dtype=pl.Float64)
    others = moments.replace_strict(rest, told, default=None, return_dtype=pl.Float64)
    return (times.dt.timestamp("us") / 1e6).fill_null(others)
