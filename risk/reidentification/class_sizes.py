"""Re-identification risk of a table whose rows fall into equivalence classes, counted exactly.

The attackers are those of El Emam, "Guide to the De-Identification of Personal Health Information" (CRC
Press, 2013), chapters 12 and 13: the *prosecutor* knows that one person is in the table, the *journalist*
only that somebody of a population is, the *marketer* links as many records as possible. All of them know
every quasi-identifier and nothing else: knowledge of other columns is not covered by any figure here
(``known_events`` has the figures of attackers who know events of linked tables).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from risk.figures import NO_RECORDS, Figure, exact

IntArray = npt.NDArray[np.int64]

RISK_LEVELS = ("0.05", "0.09", "0.1", "0.2")
"""Risks above which records are counted; 0.09 is EMA policy 0070's limit, the others are customary."""

SIZE_QUANTILES = {"min": 0.0, "q25": 0.25, "median": 0.5, "q75": 0.75, "max": 1.0}


class Matches(Protocol):
    """How many people match: ``rows`` records have ``people`` people each among whom nobody finds them."""

    @property
    def people(self) -> IntArray: ...

    @property
    def rows(self) -> IntArray: ...

    @property
    def records(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ClassSizes:
    """The distinct people and the rows of each equivalence class: two int64 arrays of shape (classes,).

    Raises:
        ValueError: the arrays differ in shape, or a class holds no person or fewer rows than people.
    """

    people: IntArray
    rows: IntArray

    def __post_init__(self) -> None:
        for name in ("people", "rows"):
            counts = np.array(getattr(self, name), dtype=np.int64)
            counts.setflags(write=False)
            object.__setattr__(self, name, counts)
        if self.people.ndim != 1 or self.people.shape != self.rows.shape:
            raise ValueError("people and rows must be one-dimensional and of equal length")
        if np.any(self.people < 1) or np.any(self.rows < self.people):
            raise ValueError("a class must hold at least one person and no fewer rows than people")

    @property
    def classes(self) -> int:
        return len(self.people)

    @property
    def records(self) -> int:
        return int(self.rows.sum())


def class_sizes(frame: pl.DataFrame, names: Sequence[str], people: IntArray | None = None) -> ClassSizes:
    """Return the classes of a table by its columns ``names``, the smallest first; one class without any.

    ``people`` (int64, shape (rows,)) numbers whose rows they are; without it every row is one person.
    Missing is a value like any other.
    """
    whose = pl.int_range(pl.len()) if people is None else pl.Series(people)
    rows = frame.select(*names, whose.alias("#person"))
    sizes = pl.col("#person").n_unique().alias("#people"), pl.len().alias("#rows")
    counted = rows.group_by(names).agg(sizes) if names else rows.select(sizes)
    counted = counted.filter(pl.col("#rows") > 0).sort("#people", "#rows")
    return ClassSizes(*(counted[name].to_numpy().astype(np.int64) for name in ("#people", "#rows")))


def measures(sizes: ClassSizes) -> dict[str, Figure]:
    """Return every re-identification figure of a table by its name.

    A record's risk is 1 / (people in its class); averages and shares are over records. Without a population
    the journalist's risk is the prosecutor's. With one row per person ``prosecutor_average`` is
    classes / records, ARX's average risk and the share a marketer links correctly on average.
    """
    return {**risks(sizes), **_sizes(sizes, "people")}


def bounded_measures(rows: IntArray, least_people: int) -> dict[str, Figure]:
    """Return the figures of a table whose people cannot be counted, as bounds without a value.

    ``rows`` has shape (classes,). A class holds between ``least_people`` people (attested elsewhere) and one
    person per row; every risk falls as people rise, so these two ends bound it.
    """
    few = measures(ClassSizes(np.minimum(rows, least_people), rows))
    many = measures(ClassSizes(rows, rows))
    method = f"bounds: one person may have several rows, a class holds at least {least_people} people"
    bounded = {
        name: Figure(None, many[name].value, few[name].value, many[name].n, method) for name in _risks_names()
    }
    return {**bounded, **_sizes(ClassSizes(rows, rows), "records")}


def records_above(sizes: Matches, level: str) -> int:
    """Return the number of rows whose risk, 1 / people, is strictly above ``level`` (decided exactly)."""
    limit = Fraction(level)
    return int(sizes.rows[sizes.people * limit.numerator < limit.denominator].sum())


def risks(sizes: Matches) -> dict[str, Figure]:
    """Return the figures of which more is worse, by name: those a threshold can limit."""
    if not sizes.records:
        return {name: Figure(None, None, None, 0, NO_RECORDS) for name in _risks_names()}
    n = sizes.records
    # Sorted, so that the order in which classes were grouped cannot move the last digit of a float sum.
    average = float(np.sort(sizes.rows / sizes.people).sum()) / n
    shares = {level: records_above(sizes, level) / n for level in RISK_LEVELS}
    unique = int(sizes.rows[sizes.people == 1].sum()) / n
    highest = 1.0 / int(sizes.people.min())
    journalist = "; no population given, so equal to the prosecutor's"
    return {
        "prosecutor_max": exact(highest, n, "1 / people in the smallest class"),
        "prosecutor_average": exact(average, n, "mean over records of 1 / people in the class"),
        "prosecutor_lowest": exact(1.0 / int(sizes.people.max()), n, "1 / people in the largest class"),
        **{
            f"records_at_risk_above_{level}": exact(share, n, f"share of records with a risk above {level}")
            for level, share in shares.items()
        },
        "unique_records": exact(unique, n, "share of records whose class holds one person"),
        "journalist_max": exact(highest, n, "1 / people in the smallest class" + journalist),
        "journalist_average": exact(average, n, "mean over records of 1 / people" + journalist),
        "marketer": exact(average, n, "expected share of records linked to the right person"),
    }


def _risks_names() -> tuple[str, ...]:
    """Return the names of the figures for which more is worse: those a threshold can limit."""
    return (
        *("prosecutor_max", "prosecutor_average", "prosecutor_lowest"),
        *(f"records_at_risk_above_{level}" for level in RISK_LEVELS),
        *("unique_records", "journalist_max", "journalist_average", "marketer"),
    )


RISKS = frozenset(_risks_names())


def _sizes(sizes: ClassSizes, unit: str) -> dict[str, Figure]:
    counts = {
        "classes": exact(sizes.classes, sizes.classes, "number of equivalence classes"),
        "records": exact(sizes.records, sizes.records, "number of records"),
    }
    for name, share in SIZE_QUANTILES.items():
        method = f"{name} of the {unit} per class, over classes"
        counts[f"class_size_{name}"] = _size_quantile(sizes, share, method)
    return counts


def _size_quantile(sizes: ClassSizes, share: float, method: str) -> Figure:
    if not sizes.classes:
        return Figure(None, None, None, 0, NO_RECORDS)
    size = int(np.quantile(sizes.people, share, method="inverted_cdf"))
    return exact(size, sizes.classes, method)
