"""Plots of the reports: the Cone's frontier, heat maps, coefficients, survival. Readable in greyscale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from risk.reports.charts import INK, MUTED, RULE, SERIES, Caption, drawn
from risk.reports.page import drawing
from risk.reports.wording import numeral, percent, short
from risk.reports.words import Words
from risk.results import Associations, Coefficient, Curve, Frontier, Survival

LINES = ("-", "--", ":", "-.")
MOST_LABELS = 30
"""Columns whose names are written beside a heat map; of more only the pairs that changed most are told."""

LONGEST_LABEL = 15


def frontier(found: Frontier, words: Words) -> Any:
    """Return the share of altered copies that the Cone flags, by how much they were altered."""
    told = "; ".join(
        words.say(
            "risk.cone.told", strength=short(float(strength), words), share=percent(float(share), words)
        )
        for strength, share in zip(found.strengths, found.flagged, strict=True)
    )

    def draw(canvas: Any) -> None:
        axes = canvas.add_axes((0.09, 0.2, 0.62, 0.75))
        axes.plot(found.strengths, found.flagged, color=SERIES[1], marker="o", markersize=4, linewidth=1.6)
        lines = ((found.released.value, "--", INK, "released"), (found.allowed, ":", MUTED, "allowed"))
        for place, style, colour, key in lines:
            if place is not None:
                label = f"{words.say(f'risk.cone.{key}')}: {percent(place, words)}"
                axes.axhline(place, linestyle=style, color=colour, linewidth=1.2, label=label)
        axes.set_ylim(-0.03, 1.05)
        axes.set_xlabel(words.say("risk.cone.strength"))
        axes.set_ylabel(words.say("risk.cone.flagged"))
        axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
        _numbers(axes, words, x=short, y=percent)

    return _plot(draw, Caption("cone-frontier", words.say("risk.cone.chart_title"), told), height=2.6)


def associations(found: Associations, words: Words) -> Any:
    """Return three heat maps side by side: the original, the release and their absolute difference."""
    names = [_short(name) for name in found.columns] if len(found.columns) <= MOST_LABELS else []
    maps = {
        "original": found.original,
        "released": found.released,
        "difference": np.abs(found.released - found.original),
    }
    size = 6 if len(found.columns) > 14 else 7

    def draw(canvas: Any) -> None:
        for place, (name, values) in enumerate(maps.items()):
            axes = canvas.add_axes((0.16 + 0.285 * place, 0.31, 0.26, 0.62))
            _heat(axes, values, words)
            axes.set_title(words.say(f"utility.associations.{name}"), fontsize=8.4, color=INK)
            axes.set_xticks(np.arange(len(names)) + 0.5, names, rotation=90, fontsize=size)
            shown: list[str] = [] if place else names
            axes.set_yticks(np.arange(len(shown)) + 0.5, shown, fontsize=size)

    title = words.say("utility.associations.chart")
    return _plot(draw, Caption("associations", title, words.say("utility.associations.told")), height=3.4)


def _short(name: str) -> str:
    """Return a column's name as far as there is room for it beside a map."""
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"


def _heat(axes: Any, values: Any, words: Words) -> None:
    """Draw one map; numbers in its cells where there is room for them."""
    axes.pcolormesh(np.clip(values, 0, 1), cmap="Greys", vmin=0, vmax=1, edgecolors="white", linewidth=0.4)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(values) <= 8:
        for (row, column), value in np.ndenumerate(values):
            text = numeral(f"{value:.2f}"[0 if value >= 1 else 1 :], words)
            colour = "#ffffff" if value > 0.5 else INK
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=6, color=colour)


def coefficients(rows: Sequence[Coefficient], identifier: str, title: str, words: Words) -> Any:
    """Return a forest plot: each coefficient's interval on the original and on the release."""
    pairs = (("original", -0.14, SERIES[0], "o"), ("released", 0.14, SERIES[1], "s"))

    def draw(canvas: Any) -> None:
        height = 0.3 * len(rows) + 0.75
        axes = canvas.add_axes((0.28, 0.42 / height, 0.68, 1 - 0.72 / height))
        axes.axvline(0, color=MUTED, linewidth=0.8)
        for source, shift, colour, marker in pairs:
            for place, row in enumerate(rows):
                if (estimate := getattr(row, source)) is not None:
                    axes.plot([estimate.low, estimate.high], [place + shift] * 2, color=colour, linewidth=2)
                    label = words.say(f"utility.models.{source}") if not place else None
                    axes.plot(estimate.value, place + shift, marker, color=colour, markersize=5, label=label)
        axes.set_yticks(range(len(rows)), [row.term for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(words.say("utility.models.axis"))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
        _numbers(axes, words, x=short)
        axes.tick_params(axis="y", length=0)

    told = "; ".join(f"{row.term}: {_both(row, words)}" for row in rows)
    return _plot(draw, Caption(identifier, title, told), height=0.3 * len(rows) + 0.75)


def _both(row: Coefficient, words: Words) -> str:
    pairs = (("original", row.original), ("released", row.released))
    return ", ".join(
        f"{words.say(f'utility.models.{source}')} {short(estimate.value, words)}"
        for source, estimate in pairs
        if estimate is not None
    )


def survival(found: Survival, identifier: str, words: Words) -> Any:
    """Return the Kaplan–Meier curves of the original and of the release side by side, with their bands."""
    groups = list(dict.fromkeys(curve.group for curve in found.curves))
    end = max((float(curve.times[-1]) for curve in found.curves if len(curve.times)), default=1.0)

    def draw(canvas: Any) -> None:
        for place, source in enumerate(("original", "released")):
            axes = canvas.add_axes((0.07 + 0.48 * place, 0.2, 0.43, 0.62))
            for curve in found.curves:
                if curve.source == source:
                    _step(axes, curve, groups.index(curve.group), end)
            axes.set_title(words.say(f"utility.survival.{source}"), fontsize=8.4, color=INK, loc="left")
            axes.set_xlim(0, end * 1.02)
            axes.set_ylim(0, 1.03)
            axes.set_xlabel(found.time)
            _numbers(axes, words, x=short, y=percent)
            if not place and len(groups) > 1:
                axes.legend(loc="lower left", bbox_to_anchor=(0, 1.1), ncols=len(groups), frameon=False)

    gap = percent(found.largest_gap.value, words) if found.largest_gap.value is not None else "—"
    title = words.say("utility.survival.chart", time=found.time, event=found.event)
    return _plot(draw, Caption(identifier, title, words.say("utility.survival.told", gap=gap)), height=2.9)


def _step(axes: Any, curve: Curve, place: int, end: float) -> None:
    colour = (SERIES[1], INK, SERIES[0], MUTED)[place % 4]
    times = np.concatenate([[0.0], curve.times, [end * 1.02]])
    values, low, high = (
        np.concatenate([[1.0], part, part[-1:] if len(part) else [1.0]])
        for part in (curve.survival, curve.low, curve.high)
    )
    axes.fill_between(times, low, high, step="post", color=colour, alpha=0.18, linewidth=0)
    axes.step(
        times,
        values,
        where="post",
        color=colour,
        linestyle=LINES[place % 4],
        linewidth=1.5,
        label=curve.group,
    )


def _numbers(axes: Any, words: Words, **tell: Callable[[float, Words], str]) -> None:
    """Write the axes' numbers in a language, and draw no frame."""
    for name, words_of in tell.items():
        axis = getattr(axes, f"{name}axis")
        axis.set_major_formatter(lambda value, _, words_of=words_of: words_of(float(f"{value:.10g}"), words))
    axes.spines[["right", "top"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(RULE)


def _plot(draw: Callable[[Any], None], caption: Caption, *, height: float) -> Any:
    return drawing(drawn(draw, caption, height=height))
