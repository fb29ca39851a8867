"""How much must be copied, and how exactly, before it is seen: power curves of copies and of the cone.

    python -m benchmarks.copy_power [--draw]

Writes `results/copy_power.json` and `docs/copy_power.svg`; with ``--draw`` the picture alone, from the
figures as they are. The generators are made for it: they draw fresh patients of the same hospital, except
for what they copy.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import RESULTS, write
from risk.attacks.cone import altered, fit, frontier
from risk.attacks.copies import AS_IT_STANDS, REALIGNED, exact_copies, near_copies
from risk.figures import Figure, not_estimated, share
from tests.copy_scenes import ATTRIBUTES, patients, shifted, synthetic

DOCS = Path(__file__).resolve().parent.parent / "docs"
PEOPLE = 2_000
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SHIFTS = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
PANELS = {
    "share": "share of rows that are copies",
    "shift": "units that every number of a copy is moved by",
    "strength": "share of a copy's cells replaced",
}
LINES = {
    "exact": ("exact copies", "#1f5f8b"),
    "near": ("near copies", "#b5502b"),
    "realigned": ("near copies, medians realigned", "#3f7d4e"),
    "cone": ("in a Cone of Privacy", "#7a4b94"),
    "control": ("near copies among held-out people", "#8a8a8a"),
}
Point = Mapping[str, Any]

TRAINED, HELD_OUT, FRESH = patients(PEOPLE, 1), patients(PEOPLE, 2), patients(PEOPLE, 3)


def by_share() -> Iterator[Point]:
    """A share of rows is copied as it is, the others are fresh."""
    for copied in SHARES:
        rows = round(copied * PEOPLE)
        yield from _points("share", copied, pl.concat([TRAINED.head(rows), FRESH.head(PEOPLE - rows)]))


def by_shift() -> Iterator[Point]:
    """Everybody is copied, every number moved by a constant."""
    for by in SHIFTS:
        yield from _points("shift", by, shifted(TRAINED, by))


def by_strength() -> Iterator[Point]:
    """Everybody is copied, cells replaced at random; the frontier of the report."""
    scene = synthetic(FRESH, TRAINED, HELD_OUT)
    found = frontier(scene, np.random.default_rng(1))
    for strength, flagged in zip(found.strengths.tolist(), found.flagged.tolist(), strict=True):
        yield _point("strength", strength, "cone", share(round(flagged * PEOPLE), PEOPLE, "flagged copies"))
        copy = altered(TRAINED, strength, np.random.default_rng(2))
        near = near_copies(synthetic(copy, TRAINED, HELD_OUT), np.random.default_rng(3))
        yield _point("strength", strength, "near", near.parts[AS_IT_STANDS].figure)


def _points(panel: str, planted: float, released: pl.DataFrame) -> Iterator[Point]:
    scene = synthetic(released, TRAINED, HELD_OUT)
    exact = exact_copies(scene, np.random.default_rng(2))
    near = near_copies(scene, np.random.default_rng(3))
    flagged = int(CONE.flags(released).sum())
    found = {
        "exact": exact.headline.figure,
        "near": near.parts[AS_IT_STANDS].figure,
        "realigned": near.parts[REALIGNED].figure,
        "cone": share(flagged, PEOPLE, "released rows in a cone"),
        "control": near.parts[AS_IT_STANDS].control or not_estimated("nobody was held out"),
    }
    for line, figure in found.items():
        yield _point(panel, planted, line, figure)


CONE = fit(TRAINED, np.arange(PEOPLE), ATTRIBUTES, holdout=HELD_OUT)


def _point(panel: str, planted: float, line: str, figure: Figure) -> Point:
    ends = {name: getattr(figure, name) for name in ("value", "low", "high")}
    return {"panel": panel, "planted": planted, "line": line, **ends}


def draw(points: list[Point], path: Path) -> None:
    """Write the picture; the same figures give the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Drawing

    style: dict[Any, Any] = {"svg.hashsalt": "copies", "svg.fonttype": "none", "font.size": 9}
    with mpl.rc_context(style):
        drawing = Drawing(figsize=(11, 3.8), layout="constrained")
        plots = drawing.subplots(1, 3)
        for axes, (panel, label) in zip(plots.flat, PANELS.items(), strict=True):
            _panel(axes, [point for point in points if point["panel"] == panel], label)
        lines, words = plots[0].get_legend_handles_labels()
        drawing.legend(lines, words, loc="outside lower center", ncols=len(LINES), frameon=False)
        drawing.savefig(path, format="svg", metadata={"Date": None})


def _panel(axes: Any, points: list[Point], label: str) -> None:
    for line, (words, colour) in LINES.items():
        own = [point for point in points if point["line"] == line]
        if own:
            at = [point["planted"] for point in own]
            axes.plot(at, [point["value"] for point in own], color=colour, marker=".", label=words)
            axes.fill_between(
                at,
                *([point[end] for point in own] for end in ("low", "high")),
                color=colour,
                alpha=0.15,
                lw=0,
            )
    if label == PANELS["shift"]:
        axes.set_xscale("symlog", linthresh=0.1)
    axes.set_xlabel(label)
    axes.set_ylim(-0.02, 1.02)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draw", action="store_true", help="draw the figures there are")
    if not parser.parse_args().draw:
        points = [*by_share(), *by_shift(), *by_strength()]
        write("copy_power", {"people": PEOPLE, "alpha": CONE.alpha, "points": points})
    figures = json.loads((RESULTS / "copy_power.json").read_text(encoding="utf-8"))
    draw(figures["points"], DOCS / "copy_power.svg")


if __name__ == "__main__":
    main()
