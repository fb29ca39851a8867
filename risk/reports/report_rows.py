"""Rows and charts of the reports' tables: what is counted of a column, and of people by how many match."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from risk.facts import ReleasedColumn
from risk.figures import Figure
from risk.reidentification.class_sizes import RISK_LEVELS, Matches
from risk.reidentification.known_events import WITHOUT_EVENTS
from risk.reports import charts, group_rows, wording
from risk.reports.charts import Band, Caption
from risk.reports.page import drawing
from risk.reports.words import Words

if TYPE_CHECKING:
    import polars as pl

RISK_NAMES = (
    *("prosecutor_max", "prosecutor_average", "prosecutor_lowest"),
    *(f"records_at_risk_above_{level}" for level in RISK_LEVELS),
    *("unique_records", "journalist_max", "journalist_average", "marketer"),
)
OF_POPULATION = tuple(f"journalist_records_above_{level}" for level in RISK_LEVELS)
"""Risks that are known where the size of the population is."""

_OF_PEOPLE = {"unique_records": "unique_people", "marketer": "marketer_people"}


def column_row(frame: pl.DataFrame, column: ReleasedColumn) -> dict[str, Any]:
    """Return one column's counts in the release; no value, and no extreme, of any cell."""
    import polars as pl

    from anonymizer.hierarchies.hierarchy import SUPPRESSED

    values = frame[column.name]
    starred = int((values == SUPPRESSED).sum() or 0) if values.dtype == pl.String else 0
    missing = values.null_count()
    distinct = values.n_unique() - (missing > 0) - (starred > 0)
    return {"column": column, "distinct": int(distinct), "missing": missing, "starred": starred}


def band_rows(sizes: Matches, words: Words) -> list[dict[str, Any]]:
    """Return the bands of class size that hold records, with their risk."""
    return [
        {
            "label": wording.numeral(band.label, words),
            "classes": band.classes,
            "rows": band.rows,
            "share": band.rows / sizes.records,
            "risk": _band_risk(band, words),
        }
        for band in charts.size_bands(sizes)
        if band.classes
    ]


def paired_bands(before: Matches, after: Matches, words: Words) -> list[dict[str, Any]]:
    """Return the bands in which one of two tables has records, with both tables' counts."""
    pairs = zip(charts.size_bands(before), charts.size_bands(after), strict=True)
    return [
        {
            "label": wording.numeral(one.label, words),
            "before": one,
            "after": other,
            "risk": _band_risk(one, words),
        }
        for one, other in pairs
        if one.classes or other.classes
    ]


def _band_risk(band: Band, words: Words) -> str:
    most = wording.percent(1 / band.low, words)
    if band.high is None:
        return words.say("numbers.or_less", number=most)
    return most if band.high == band.low else f"{wording.percent(1 / band.high, words)}–{most}"


def size_chart(tables: Mapping[str, Matches], unit: str, *, title: str, axis: str, words: Words) -> Any:
    """Return a chart of the share of records by how many people match, with its figures told in words."""
    bands = {label: charts.size_bands(sizes) for label, sizes in tables.items()}
    shares = {
        label: [band.rows / max(tables[label].records, 1) for band in row] for label, row in bands.items()
    }
    categories = [wording.numeral(band.label, words) for band in next(iter(bands.values()))]
    told = "; ".join(
        f"{label}: "
        + ", ".join(
            f"{category} {unit} {wording.percent(share, words)}"
            for category, share in zip(categories, row, strict=True)
            if share
        )
        for label, row in shares.items()
    )
    caption = Caption("class-sizes", title, told or words.say("parts.chart.no_records"))
    return drawing(
        charts.bar_chart(categories, shares, axis=axis, caption=caption, sign=words.say("numbers.sign"))
    )


def risk_rows(words: Words, *, linked: bool, **tables: Mapping[str, Figure]) -> list[dict[str, object]]:
    """Return the risks with each table's figures; of linked tables those without events beside them."""
    has_population = not linked and all(set(OF_POPULATION) <= set(figures) for figures in tables.values())
    names = (*RISK_NAMES, *OF_POPULATION) if has_population else RISK_NAMES
    return [_risk_row(name, words, tables, linked=linked) for name in names]


def _risk_row(
    name: str, words: Words, tables: Mapping[str, Mapping[str, Figure]], *, linked: bool
) -> dict[str, object]:
    known = {table: figures[name] for table, figures in tables.items()}
    equal = not any(_has_population(figure) for figure in known.values())
    row: dict[str, object] = {"label": risk_label(name, words, of_people=linked, equal=equal), **known}
    if linked:
        row |= {f"{table}_alone": figures[name + WITHOUT_EVENTS] for table, figures in tables.items()}
    return row


def _has_population(figure: Figure) -> bool:
    return "population" in figure.method and "no population given" not in figure.method


def risk_label(name: str, words: Words, *, of_people: bool = False, equal: bool = False) -> str:
    """Return the words for one of ``RISK_NAMES``; ``of_people`` where records may be events as well.

    ``equal`` says of a journalist's risk that no population is given, so that it is the prosecutor's.
    """
    if name in OF_POPULATION:
        return group_rows.label(name, words)
    above = name.removeprefix("records_at_risk_above_")
    if above != name:
        key = "parts.risks.people_above" if of_people else "parts.risks.above"
        return words.say(key, level=wording.percent(float(above), words))
    if of_people and name in _OF_PEOPLE:
        return words.say(f"parts.risks.{_OF_PEOPLE[name]}")
    label = words.say(f"parts.risks.{name}")
    if equal and name.startswith("journalist"):
        return words.say("parts.risks.no_population", label=label)
    return label
