"""CSV cells that a spreadsheet neither executes nor converts, and the way back to the exact values.

A text gets a leading apostrophe where a spreadsheet would run it as a formula, read it as a number, date,
time or truth value and so change it, or where it is empty or starts with an apostrophe itself. Reading
takes one leading apostrophe off every text; an empty cell is missing. Numbers, dates and truth values stand
as they are. Sources: OWASP, "CSV Injection"; Ziemann, Eren and El-Osta, Genome Biology 17:177, 2016.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from anonymizer.errors import BadInput, VerificationFailed

ESCAPE = "'"
RULE = (
    "In CSV, a text has one leading apostrophe (') where a spreadsheet would execute it (it starts with "
    "= + - @, their full-width forms, or a control character), would convert it (it looks like a date, a "
    "time, a truth value or a number other than a plain integer of up to 15 digits), where it is empty, or "
    "where it starts with an apostrophe. Remove one leading apostrophe from every text, header included. "
    "An empty cell is missing."
)
_MONTHS = (
    "jan|januar|january|feb|februar|february|mar|mär|mrz|march|märz|apr|april|may|mai|jun|juni|june|jul|juli|"
    "july|aug|august|sep|sept|september|oct|okt|october|oktober|nov|november|dec|dez|december|dezember"
)
_EXECUTED = r"^\s*[=+\-@＝＋－＠]|^[\x00-\x1f\x7f\u{feff}]"
_CONVERTED = "|".join(
    (
        r"^[\s(]*[€$£]?[.,]?[0-9][0-9\s.,:;/%€$£)–-]*$",
        r"(?i)^[0-9.,]+e[+-]?[0-9]+$",
        r"(?i)^[0-9][0-9\s.:]*[ap]m?$",
        rf"(?i)^[0-9]{{1,4}}[\s./-]*({_MONTHS})\.?[\s,./-]*[0-9]{{0,4}}$",
        rf"(?i)^({_MONTHS})\.?[\s./-]*[0-9]{{1,4}}([\s,./-]+[0-9]{{1,4}})?$",
        r"(?i)^(true|false|wahr|falsch)$",
    )
)
_ESCAPED = f"^$|^{ESCAPE}|{_EXECUTED}|{_CONVERTED}"
_UNCHANGED = r"^(0|[1-9][0-9]{0,14})$"
_SEPARATOR = " "


def encode(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every text and list as an escaped string, names included.

    Raises:
        BadInput: codes of a list that a space cannot separate (column and count).
    """
    encoded = pl.DataFrame([_encode(frame[name]) for name in frame.columns])
    return encoded.rename(dict(zip(frame.columns, _escape(pl.Series(frame.columns)), strict=True)))


def decode(cells: pl.DataFrame, dtypes: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The values behind raw cells, in the given types; the first row is the header.

    Raises:
        VerificationFailed: the header is another one, or cells are no values of their column's type.
    """
    header = [(name or "").removeprefix(ESCAPE) for name in cells.row(0)]
    if header != list(dtypes):
        raise VerificationFailed("the csv file's header is not the schema's")
    columns = zip(cells.slice(1).get_columns(), dtypes.items(), strict=True)
    return pl.DataFrame([_decode(raw.alias(name), dtype).alias(name) for raw, (name, dtype) in columns])


def unescaped(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame as somebody else may have written it, without the apostrophes that ``encode`` would have set.

    Another apostrophe, as of a name that starts with one, stays where it is.
    """
    names = dict(zip(frame.columns, _without_escapes(pl.Series(frame.columns)), strict=True))
    return frame.with_columns(_without_escapes(each) for each in frame if each.dtype == pl.String).rename(
        names
    )


def _without_escapes(series: pl.Series) -> pl.Series:
    rest = series.str.strip_prefix(ESCAPE)
    needy = rest.str.contains(_ESCAPED) & ~rest.str.contains(_UNCHANGED)
    found = series.str.starts_with(ESCAPE) & needy
    return rest.zip_with(found.fill_null(value=False), series).alias(series.name)


def _encode(series: pl.Series) -> pl.Series:
    if isinstance(series.dtype, pl.Enum):
        escaped = _escape(series.dtype.categories)
        return escaped.cast(pl.Enum(escaped)).gather(series.to_physical()).alias(series.name)
    if series.dtype == pl.String:
        return _escape(series)
    if isinstance(series.dtype, pl.List):
        _refuse_inseparable(series)
        return _escape(series.list.join(_SEPARATOR))
    if series.dtype == pl.Float64:
        return _spell_infinity(series)
    return series


def _refuse_inseparable(series: pl.Series) -> None:
    codes = series.drop_nulls().explode(empty_as_null=False)
    bad = codes.null_count() + int(codes.str.contains(r"^$|\s").sum())
    if bad:
        raise BadInput(
            "codes that are missing, empty or hold a space cannot stand in a CSV list",
            column=series.name,
            count=bad,
            hint="write this table with `formats: [parquet]`",
        )


def _escape(series: pl.Series) -> pl.Series:
    distinct = series.unique().drop_nulls()
    hit = distinct.str.contains(_ESCAPED) & ~distinct.str.contains(_UNCHANGED)
    if not hit.any():
        return series
    needy = distinct.filter(hit)
    name = series.name
    escaped = pl.when(pl.col(name).is_in(needy.implode())).then(ESCAPE + pl.col(name)).otherwise(pl.col(name))
    return series.to_frame().select(escaped.alias(name)).to_series()


def _spell_infinity(series: pl.Series) -> pl.Series:
    """Table Schema spells infinity INF; only a column that holds one becomes text for it."""
    if not series.is_infinite().any():
        return series
    text = series.to_frame().write_csv(include_header=False, quote_style="never").split("\n")[: len(series)]
    return pl.Series(series.name, text).replace({"inf": "INF", "-inf": "-INF", "": None})


def _decode(raw: pl.Series, dtype: pl.DataType) -> pl.Series:
    cells = raw.replace({"": None}) if (raw == "").any() else raw
    decoded = _parse(cells, dtype)
    lost = decoded.null_count() - cells.null_count()
    if lost:
        raise VerificationFailed("csv cells are no values of the column's type", column=raw.name, count=lost)
    return decoded


def _parse(cells: pl.Series, dtype: pl.DataType) -> pl.Series:
    if dtype == pl.String:
        return _unescape(cells)
    if isinstance(dtype, pl.List):
        return _split(_unescape(cells))
    if dtype == pl.Boolean:
        return cells.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    if dtype == pl.Date:
        return cells.str.to_date("%Y-%m-%d", strict=False)
    if dtype == pl.Datetime:
        return cells.str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f", time_unit="us", strict=False)
    return cells.cast(dtype, strict=False)


def _unescape(cells: pl.Series) -> pl.Series:
    return cells.str.strip_prefix(ESCAPE) if cells.str.starts_with(ESCAPE).any() else cells


def _split(joined: pl.Series) -> pl.Series:
    split = joined.str.split(_SEPARATOR)
    frame = pl.DataFrame({"joined": joined, "split": split})
    empty = pl.lit([], dtype=pl.List(pl.String))
    return frame.select(pl.when(pl.col("joined") == "").then(empty).otherwise(pl.col("split"))).to_series()
