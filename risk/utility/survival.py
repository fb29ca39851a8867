"""Kaplan–Meier curves of the original and of the release, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.baselines import independent
from risk.comparison import Comparison
from risk.figures import Figure, exact, not_estimated
from risk.results import Curve, Marked, Survival
from risk.utility.asked import Followed
from risk.utility.formula import Unfit, binary, halves, numeric, worded

Floats = NDArray[np.float64]
Side = Literal["original", "released"]

FEWEST_PEOPLE = 5
"""A curve of fewer people is not shown."""
MOST_GROUPS = 8
MOST_STEPS = 400
"""A curve with more steps is drawn with as many of them, evenly chosen; the gap is that of all steps."""
_Z = 1.959963984540054
"""The standard normal distribution's quantile at 0.975."""
FEWEST_AT_RISK = 10
"""Where fewer rows are still at risk, a curve jumps by a tenth and more: its distances say little."""
WHAT = (
    "largest vertical distance between the Kaplan–Meier curves of original and release, over all groups, "
    f"as long as {FEWEST_AT_RISK} rows are at risk in both; rows are taken for independent"
)


@dataclass(frozen=True, slots=True)
class ProductLimit:
    """A Kaplan–Meier estimate at the times of events (shape (n,) each), followed until ``last``.

    Until ``firm`` at least ``FEWEST_AT_RISK`` rows are at risk; None where there never were so many.
    """

    times: Floats
    survival: Floats
    low: Floats
    high: Floats
    last: float
    firm: float | None

    def at(self, times: Floats) -> Floats:
        """Return the share that survives beyond each of ``times``."""
        steps = np.concatenate([[1.0], self.survival])
        return np.asarray(steps[np.searchsorted(self.times, times, side="right")])


def product_limit(times: Floats, events: NDArray[np.bool_]) -> ProductLimit:
    """Return the Kaplan–Meier estimate with its 95 % band.

    ``times`` are those at which a row has its event or, where ``events`` is False, is seen for the last time;
    censored rows are at risk at their own time. The band is Greenwood's on the log(−log) scale; where nobody
    survives it is not defined and reaches from 0 to the band's last upper end. Kaplan and Meier, JASA 53
    (1958), p. 457; Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data (2002), 1.4.

    Raises:
        ValueError: there is no row.
    """
    if not len(times):
        raise ValueError("nobody is followed")
    distinct, place = np.unique(times, return_inverse=True)
    leaving = np.bincount(place, minlength=len(distinct))
    died: Floats = np.bincount(place, weights=events, minlength=len(distinct)).astype(np.float64)
    at_risk: Floats = (len(times) - np.cumsum(leaving) + leaving).astype(np.float64)
    steps, firm = died > 0, distinct[at_risk >= FEWEST_AT_RISK]
    died, at_risk = died[steps], at_risk[steps]
    survival = np.asarray(np.cumprod(1 - died / at_risk), dtype=np.float64)
    low, high = _band(survival, died, at_risk)
    last, until = float(distinct[-1]), float(firm[-1]) if len(firm) else None
    return ProductLimit(distinct[steps], survival, low, high, last, until)


def _band(survival: Floats, died: Floats, at_risk: Floats) -> tuple[Floats, Floats]:
    low, high = np.zeros(len(survival)), np.ones(len(survival))
    some = survival > 0
    greenwood = np.cumsum(died[some] / (at_risk[some] * (at_risk[some] - died[some])))
    spread = np.exp(_Z * np.sqrt(greenwood) / np.abs(np.log(survival[some])))
    low[some], high[some] = survival[some] ** spread, survival[some] ** (1 / spread)
    if some.any():
        high[~some] = high[some][-1]
    return low, high


def survival(comparison: Comparison, followed: Followed) -> Survival:
    """Return the curves of both tables by group, with the largest gap between original and release.

    Groups are the most frequent ones of the original; curves of fewer than ``FEWEST_PEOPLE`` are left out.
    """
    try:
        original, released = _followed(comparison, followed)
    except Unfit as reason:
        return Survival(followed.time, followed.event, (), not_estimated(str(reason)))
    return _beside(followed, original, released)


def marked_gap(comparison: Comparison, followed: Followed, rng: np.random.Generator) -> Marked:
    """Return the largest gap; its floor is of independent columns, its ceiling of two halves of people."""
    try:
        original, released = _followed(comparison, followed)
    except Unfit as reason:
        return Marked(not_estimated(str(reason)))
    return Marked(
        _beside(followed, original, released).largest_gap,
        floor=_beside(followed, original, independent(released, rng)).largest_gap,
        ceiling=_beside(followed, *halves(original, original["person"].to_numpy(), rng)).largest_gap,
    )


def gap(one: ProductLimit, other: ProductLimit) -> float | None:
    """Return the largest vertical distance of two curves while both are firm; None where one never is."""
    if one.firm is None or other.firm is None:
        return None
    times = np.concatenate([one.times, other.times])
    times = times[times <= min(one.firm, other.firm)]
    return float(np.abs(one.at(times) - other.at(times)).max(initial=0.0))


def _followed(comparison: Comparison, followed: Followed) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of both tables that tell time and event: columns time, event (0, 1), person, group."""
    times = numeric(comparison, followed.time)
    events = binary(comparison, followed.event, followed.positive)
    words = None if followed.by is None else worded(comparison, followed.by)
    original = _frame(times.original, events.original, None if words is None else words.original)
    released = _frame(times.released, events.released, None if words is None else words.released)
    is_told = pl.all_horizontal(
        pl.col("time").is_not_nan(), pl.col("time") >= 0, pl.col("event").is_not_nan()
    )
    people = pl.Series("person", comparison.people)
    return (
        original.with_columns(people).filter(is_told),
        released.with_row_index("person").filter(is_told),
    )


def _frame(times: Floats, events: Floats, words: pl.Series | None) -> pl.DataFrame:
    group = pl.Series([""]).new_from_index(0, len(times)) if words is None else words
    return pl.DataFrame({"time": times, "event": events, "group": group})


def _beside(followed: Followed, original: pl.DataFrame, released: pl.DataFrame) -> Survival:
    """The curves of rows that are followed, as ``_followed`` returns them."""
    counts = original["group"].drop_nulls().value_counts(name="rows")
    groups = counts.sort(["rows", "group"], descending=[True, False])["group"].head(MOST_GROUPS).to_list()
    curves: list[Curve] = []
    distances: list[float] = []
    for group in groups:
        one, one_curve = _curve(group, "original", original)
        other, other_curve = _curve(group, "released", released)
        curves += [curve for curve in (one_curve, other_curve) if curve is not None]
        if one is not None and other is not None and (distance := gap(one, other)) is not None:
            distances.append(distance)
    return Survival(
        followed.time,
        followed.event,
        tuple(curves),
        _largest(distances, left_out=len(groups) - len(distances), n=original.height),
    )


def _largest(distances: list[float], *, left_out: int, n: int) -> Figure:
    if not distances:
        return not_estimated(f"no group has {FEWEST_AT_RISK} people in both tables")
    told = f"; {left_out} groups have fewer and are left out" if left_out else ""
    return exact(max(distances), n, WHAT + told)


def _curve(group: str, side: Side, rows: pl.DataFrame) -> tuple[ProductLimit, Curve] | tuple[None, None]:
    """A group's estimate and how it is drawn: from the start until its last row is seen."""
    rows = rows.filter(pl.col("group") == group)
    people = rows["person"].n_unique()
    if people < FEWEST_PEOPLE:
        return None, None
    found = product_limit(rows["time"].to_numpy(), rows["event"].to_numpy() == 1)
    steps = len(found.times)
    chosen = np.unique(np.linspace(0, steps, min(steps, MOST_STEPS) + 1).astype(np.int64))
    times, survival, low, high = (
        np.append(np.append(start, line)[chosen], end)
        for start, line, end in (
            (0.0, found.times, found.last),
            (1.0, found.survival, np.append(1.0, found.survival)[-1]),
            (1.0, found.low, np.append(1.0, found.low)[-1]),
            (1.0, found.high, np.append(1.0, found.high)[-1]),
        )
    )
    events = int(rows["event"].sum())
    curve = Curve(group, side, times, survival, low, high, people=people, events=events)
    return found, curve
