"""Runs or releases side by side: what each leaves to an attacker, and what to an analyst.

The map of risk against utility is that of Duncan, Keller-McNulty and Stokes, "Disclosure risk vs. data
utility: the R-U confidentiality map" (NISS technical report 121, 2001). A run on the frontier is one that no
other beats in both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from risk.facts import Language
from risk.figures import Figure
from risk.reports import wording
from risk.reports.charts import INK, SERIES, Caption, drawn
from risk.reports.page import drawing, render
from risk.reports.words import Words, speak
from risk.results import Point

RISKS = (
    *("prosecutor_max", "prosecutor_average", "singling_out", "linkage", "membership_tpr_1"),
    *("attribute_inference", "membership_auc", "copies_exact"),
)
COSTS = (
    *("suppressed_share", "loss.loss", "total_variation", "association_difference", "pmse_ratio"),
    "two_sample",
)
"""Figures of which more is worse, by their names without the table's; what no point has is left out."""

_GUESSING = 0.5
_OF_PEOPLE = frozenset({"prosecutor_max", "prosecutor_average", "suppressed_share", "loss.loss"})
"""Figures that a synthetic table has not: no row of it is a person."""
_ON_AXES = (
    ("prosecutor_average", "linkage", "membership_tpr_1", "membership_auc", "copies_exact"),
    ("loss.loss", "association_difference", "total_variation"),
)
"""What the map shows: the first of each that all points have."""


@dataclass(frozen=True, slots=True)
class Row:
    """One point as the page shows it; ``on_frontier`` where no other has less of both."""

    number: int
    settings: str
    cells: Mapping[str, str]
    broken: tuple[str, ...]
    refusal: str
    on_frontier: bool


def risk_utility_page(points: Sequence[Point], language: Language = "en") -> str:
    """Return the page on which points are compared; it stays in the house."""
    words = speak(language)
    names = _shown(points)
    axes = _axes(points)
    best = _undominated(points, axes)
    rows = [
        Row(
            number,
            _told(point.settings),
            {name: _cell(name, _figure(point, name), words) for name in names},
            point.broken,
            point.refusal,
            number in best,
        )
        for number, point in enumerate(points, 1)
    ]
    chart = None if axes is None else _chart(points, axes, words)
    return render("risk_utility.html", words, rows=rows, names=names, axes=axes, chart=chart)


def risk_utility_json(points: Sequence[Point]) -> str:
    """Return all points with all their figures."""
    return json.dumps([asdict(point) for point in points], ensure_ascii=False, allow_nan=False)


def risk_utility_text(points: Sequence[Point]) -> str:
    """Return a line for each point and each of its figures that the page shows."""
    lines = []
    for number, point in enumerate(points, 1):
        lines.append(f"{number}  {_told(point.settings)}")
        if point.refusal:
            lines.append(f"   {point.refusal}")
        named = ((name, _figure(point, name)) for name in _shown(points))
        lines += [f"   {name:<24}{_short(figure)}" for name, figure in named if figure is not None]
        lines += [f"   {broken}" for broken in point.broken]
    return "\n".join(lines)


def _cell(name: str, figure: Figure | None, words: Words) -> str:
    """A share as a percentage; a ratio is none."""
    if figure is None or figure.value is None:
        return "—"
    if name == "pmse_ratio":
        return wording.short(figure.value, words)
    return wording.percent(figure.value, words)


def _short(figure: Figure) -> str:
    if figure.value is None:
        return figure.method
    if figure.is_exact or figure.low is None or figure.high is None:
        return f"{figure.value:.4g}"
    return f"{figure.value:.4g}  ({figure.low:.4g} to {figure.high:.4g})"


def _told(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in settings.items())


def _figure(point: Point, name: str) -> Figure | None:
    """The figure of the synthetic table where there is one: the anonymised one is then a step on the way."""
    if not any(each.startswith("synthetic.") for each in point.figures):
        return point.figures.get(f"anonymised.{name}")
    return None if name in _OF_PEOPLE else point.figures.get(f"synthetic.{name}")


def _shown(points: Sequence[Point]) -> list[str]:
    return [name for name in (*RISKS, *COSTS) if any(_figure(point, name) is not None for point in points)]


def _axes(points: Sequence[Point]) -> tuple[str, str] | None:
    released = [point for point in points if point.figures]
    chosen = [
        next((name for name in names if all(_value(point, name) is not None for point in released)), None)
        for names in _ON_AXES
    ]
    risk, cost = chosen
    return None if not released or risk is None or cost is None else (risk, cost)


def _value(point: Point, name: str) -> float | None:
    """The figure's value; an attacker who does worse than guessing is no safer than one who guesses."""
    figure = _figure(point, name)
    if figure is None or figure.value is None:
        return None
    return max(figure.value, _GUESSING) if name == "membership_auc" else figure.value


def _undominated(points: Sequence[Point], axes: tuple[str, str] | None) -> set[int]:
    """The numbers of the points that none other beats in one of the two without losing in the other.

    A point that breaks a threshold may not be released, and is no choice.
    """
    if axes is None:
        return set()
    places = {
        n: tuple(_value(p, name) or 0.0 for name in axes)
        for n, p in enumerate(points, 1)
        if p.figures and not p.broken
    }
    return {
        number
        for number, place in places.items()
        if not any(other != place and all(map(float.__le__, other, place)) for other in places.values())
    }


def _chart(points: Sequence[Point], axes: tuple[str, str], words: Words) -> Any:
    """The map: risk to the right, loss upwards, each point with its number."""
    places = [
        (n, _value(p, axes[0]) or 0.0, _value(p, axes[1]) or 0.0)
        for n, p in enumerate(points, 1)
        if p.figures
    ]
    told = "; ".join(
        words.say(
            "risk_utility.point",
            number=number,
            risk=wording.percent(risk, words),
            cost=wording.percent(cost, words),
        )
        for number, risk, cost in places
    )

    def draw(canvas: Any) -> None:
        plot = canvas.add_axes((0.09, 0.18, 0.88, 0.78))
        plot.scatter([x for _, x, _ in places], [y for *_, y in places], color=SERIES[1], s=28)
        for number, x, y in places:
            plot.annotate(str(number), (x, y), (5, 5), textcoords="offset points", color=INK)
        plot.set_xlim(0, 1.12 * max(x for _, x, _ in places) or 1)
        plot.set_ylim(0, 1.15 * max(y for *_, y in places) or 1)
        for axis in (plot.xaxis, plot.yaxis):
            axis.set_major_formatter(lambda share, _: wording.percent(max(0.0, float(share)), words))
        plot.set_xlabel(words.say(f"risk_utility.names.{axes[0]}"))
        plot.set_ylabel(words.say(f"risk_utility.names.{axes[1]}"))

    return drawing(drawn(draw, Caption("risk-utility", words.say("risk_utility.chart"), told), height=3.2))
