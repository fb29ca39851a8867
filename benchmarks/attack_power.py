"""How much must be memorised before an attack sees it: power curves on generators made for it.

    python -m benchmarks.attack_power [--draw]

Writes `results/attack_power.json` and `docs/attack_power.svg`; with ``--draw`` the picture alone, from the
figures as they are. A curve is a function that returns its points; a point says how much was planted, and
what was found (``value``, ``low``, ``high``) on which ``line`` of which ``panel``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import RESULTS, write
from risk.attacks.membership import AUC, ISOLATED, TPR, membership
from risk.attacks.minimality import Recoded, minimality, no_finer
from risk.attacks.scores import isolation
from risk.attacks.shadows import Refit
from risk.figures import Figure
from risk.results import Attack
from tests.attacks.membership_scenes import attributes, memorised, patients, synthetic

DOCS = Path(__file__).resolve().parent.parent / "docs"
PEOPLE = 4_000
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
NOISES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
GROUPS = (3, 5, 10, 20, 40)
PANELS = {
    "share": "share of people memorised",
    "noise": "noise on memorised numbers (standard deviations)",
    "isolated": "share of the most isolated 5 % memorised",
    "minimality": "people under one label, of whom one differs",
}
LINES = {
    TPR: ("true positives at 1 % false positives", "#1f5f8b"),
    "with shadow refits": ("the same, with shadow refits", "#b5502b"),
    ISOLATED: ("the same, on the most isolated 5 %", "#3f7d4e"),
    AUC: ("area under the ROC curve", "#8a8a8a"),
    "minimality": ("mean gain in probability", "#1f5f8b"),
    "largest": ("gain of the cell that gains most", "#b5502b"),
}
Point = Mapping[str, Any]


def people() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Those a generator is fitted to, and those who are held out."""
    everybody = patients(2 * PEOPLE, np.random.default_rng(20261122))
    return everybody[:PEOPLE], everybody[PEOPLE:]


def by_share() -> Iterator[Point]:
    """A random share of people is released as they are, the rest in independent columns."""
    for share in SHARES:
        generator = partial(_memorising, share=share, noise=0.0)
        yield from _points("share", share, _attacked(generator), (TPR, ISOLATED, AUC))


def by_noise() -> Iterator[Point]:
    """Everybody is released, their numbers moved."""
    for noise in NOISES:
        generator = partial(_memorising, share=1.0, noise=noise)
        yield from _points("noise", noise, _attacked(generator), (TPR, ISOLATED, AUC))
        yield from _points("noise", noise, _attacked(generator, generator), (TPR,), line="with shadow refits")


def by_isolated() -> Iterator[Point]:
    """Some of those who are far from everybody are released, and nobody else."""
    trained, _ = people()
    numbers = np.arange(PEOPLE)
    away = isolation(trained, numbers, among=trained, others=numbers, attributes=attributes(trained))
    lonely = np.argsort(-away, kind="stable")[: PEOPLE // 20]
    for share in SHARES:
        rows = np.random.default_rng(1).permutation(lonely)[: round(share * len(lonely))]
        generator = partial(_memorising_these, rows=rows)
        yield from _points("isolated", share, _attacked(generator), (TPR, ISOLATED))


def by_group() -> Iterator[Point]:
    """All of a group but one are of one age; k is as large as the group, so the ages were joined."""
    for group in GROUPS:
        truth = pl.DataFrame({"age": ["0"] * (group - 1) + ["1"]})
        labels = pl.DataFrame({"age": ["[0, 1]"] * group})
        rule = no_finer([lambda world: world], _all_alike)
        recoded = Recoded(labels, truth, {"age": {"[0, 1]": ["0", "1"]}})
        found = minimality(recoded, rule, np.random.default_rng(2), worlds=4_000)
        yield _point("minimality", group, "minimality", found.headline.figure)
        yield _point("minimality", group, "largest", found.parts["largest"].figure)


def _all_alike(world: pl.DataFrame) -> bool:
    return world["age"].n_unique() == 1


def _memorising(rows: pl.DataFrame, rng: np.random.Generator, *, share: float, noise: float) -> pl.DataFrame:
    return memorised(rows, rng.permutation(rows.height)[: round(share * rows.height)], rng, noise=noise)


def _memorising_these(trained: pl.DataFrame, rng: np.random.Generator, *, rows: np.ndarray) -> pl.DataFrame:
    return memorised(trained, rows, rng)


def _attacked(generator: Refit, refit: Refit | None = None) -> Attack:
    trained, held_out = people()
    released = generator(trained, np.random.default_rng(3))
    return membership(synthetic(released, trained, held_out), np.random.default_rng(4), refit=refit)


def _points(
    panel: str, planted: float, attack: Attack, names: tuple[str, ...], *, line: str | None = None
) -> Iterator[Point]:
    for name in names:
        marked = attack.headline if name == TPR else attack.parts[name]
        yield _point(panel, planted, line or name, marked.figure)


def _point(panel: str, planted: float, line: str, figure: Figure) -> Point:
    found = {name: getattr(figure, name) for name in ("value", "low", "high")}
    return {"panel": panel, "planted": planted, "line": line, **found, "method": figure.method}


CURVES: tuple[Callable[[], Iterator[Point]], ...] = (by_share, by_noise, by_isolated, by_group)


def draw(points: list[Point], path: Path) -> None:
    """Write the picture; the same figures give the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Drawing

    style: dict[Any, Any] = {"svg.hashsalt": "power", "svg.fonttype": "none", "font.size": 9}
    with mpl.rc_context(style):
        drawing = Drawing(figsize=(9.5, 6.4), layout="constrained")
        panels = dict(zip(PANELS, drawing.subplots(2, 2).flat, strict=True))
        for panel, axes in panels.items():
            _panel(axes, [point for point in points if point["panel"] == panel], PANELS[panel])
        handles, words = panels["noise"].get_legend_handles_labels()
        drawing.legend(handles, words, loc="outside upper center", ncols=2, frameon=False)
        panels["minimality"].legend(frameon=False)
        drawing.savefig(path, format="svg", metadata={"Date": None})


def _panel(axes: Any, points: list[Point], label: str) -> None:
    for line, (words, colour) in LINES.items():
        own = [point for point in points if point["line"] == line and point["value"] is not None]
        if not own:
            continue
        at = [point["planted"] for point in own]
        axes.plot(at, [point["value"] for point in own], color=colour, marker=".", label=words)
        low, high = ([point[end] for point in own] for end in ("low", "high"))
        axes.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel(label)
    if max(point["planted"] for point in points) <= 1:
        axes.set_xscale("symlog", linthresh=0.01)
        axes.set_xticks([0, 0.01, 0.1, 1], ["0", "0.01", "0.1", "1"])
        axes.axhline(0.01, color="#000000", linewidth=0.6, linestyle=":")
        axes.set_ylim(0, 1.02)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draw", action="store_true", help="draw the figures there are")
    if not parser.parse_args().draw:
        write("attack_power", {"people": PEOPLE, "points": [point for curve in CURVES for point in curve()]})
    figures = json.loads((RESULTS / "attack_power.json").read_text(encoding="utf-8"))
    draw(figures["points"], DOCS / "attack_power.svg")


if __name__ == "__main__":
    main()
