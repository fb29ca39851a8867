"""Rows and charts of the reports' tables: what is counted of a column, and of people by how many match."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from risk.facts import ReleasedColumn
from risk.reidentification.class_sizes import Matches
from risk.reports import charts, wording
from risk.reports.charts import Band, Caption
from risk.reports.page import drawing

if TYPE_CHECKING:
    import polars as pl


def column_row(frame: pl.DataFrame, column: ReleasedColumn) -> dict[str, Any]:
    """Return one column's counts in the release; no value, and no extreme, of any cell."""
    import polars as pl

    from anonymizer.hierarchies.hierarchy import SUPPRESSED

    values = frame[column.name]
    starred = int((values == SUPPRESSED).sum() or 0) if values.dtype == pl.String else 0
    missing = values.null_count()
    distinct = values.n_unique() - (missing > 0) - (starred > 0)
    return {"column": column, "distinct": int(distinct), "missing": missing, "starred": starred}


def band_rows(sizes: Matches) -> list[dict[str, Any]]:
    """Return the bands of class size that hold records, with their risk."""
    return [
        {
            "label": band.label,
            "classes": band.classes,
            "rows": band.rows,
            "share": band.rows / sizes.records,
            "risk": _band_risk(band),
        }
        for band in charts.size_bands(sizes)
        if band.classes
    ]


def paired_bands(before: Matches, after: Matches) -> list[dict[str, Any]]:
    """Return the bands in which one of two tables has records, with both tables' counts."""
    pairs = zip(charts.size_bands(before), charts.size_bands(after), strict=True)
    return [
        {"label": one.label, "before": one, "after": other, "risk": _band_risk(one)}
        for one, other in pairs
        if one.classes or other.classes
    ]


def _band_risk(band: Band) -> str:
    most = wording.percent(1 / band.low)
    if band.high is None:
        return f"{most} or less"
    return most if band.high == band.low else f"{wording.percent(1 / band.high)}–{most}"


def size_chart(
    tables: Mapping[str, Matches], unit: str, *, title: str, axis: str = "{unit} in the record's class"
) -> Any:
    """Return a chart of the share of records by how many people match, with its figures told in words."""
    bands = {label: charts.size_bands(sizes) for label, sizes in tables.items()}
    shares = {
        label: [band.rows / max(tables[label].records, 1) for band in row] for label, row in bands.items()
    }
    told = "; ".join(
        f"{label}: "
        + ", ".join(
            f"{band.label} {unit} {wording.percent(s)}"
            for band, s in zip(bands[label], row, strict=True)
            if s
        )
        for label, row in shares.items()
    )
    caption = Caption("class-sizes", title, told or "no records")
    categories = [band.label for band in next(iter(bands.values()))]
    return drawing(charts.bar_chart(categories, shares, axis=axis.format(unit=unit), caption=caption))
