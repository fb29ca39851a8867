"""How much must be copied before the attacks on quasi-identifiers see it: their figures above their controls.

    python -m benchmarks.attack_gains [--draw]

Writes `results/attack_gains.json` and `docs/attack_gains.svg`; with ``--draw`` the picture alone, from the
figures as they are. A generator repeats a share of the people it was fitted to, or all of them with noise on
their numbers; its other rows have independent columns.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import RESULTS, write
from risk.attacks.inference import attribute_inference, disclosive_and_correct
from risk.attacks.linkage import linkage
from risk.attacks.singling_out import predicates, replicated_uniques
from risk.comparison import Comparison
from risk.results import Attack
from tests.attacks.membership_scenes import memorised, patients, synthetic

DOCS = Path(__file__).resolve().parent.parent / "docs"
PEOPLE = 4_000
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
NOISES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
PANELS = {"share": "share of people copied", "noise": "noise on the numbers of copies (standard deviations)"}
ATTACKS: dict[str, tuple[Callable[[Comparison, np.random.Generator], Attack], str]] = {
    "rep_u": (replicated_uniques, "#1f5f8b"),
    "singling_out": (predicates, "#3f7d4e"),
    "linkage": (linkage, "#b5502b"),
    "disco": (disclosive_and_correct, "#7a4f9a"),
    "attribute_inference": (attribute_inference, "#8a8a8a"),
}
Point = Mapping[str, Any]


def points() -> Iterator[Point]:
    for share in SHARES:
        yield from _attacked("share", share, _released(share, 0.0))
    for noise in NOISES:
        yield from _attacked("noise", noise, _released(1.0, noise))


def _released(share: float, noise: float) -> Comparison:
    everybody = patients(2 * PEOPLE, np.random.default_rng(20261122))
    trained, held_out = everybody[:PEOPLE], everybody[PEOPLE:]
    rng = np.random.default_rng(3)
    copied = rng.permutation(PEOPLE)[: round(share * PEOPLE)]
    return synthetic(memorised(trained, copied, rng, noise=noise), trained, held_out)


def _attacked(panel: str, planted: float, scene: Comparison) -> Iterator[Point]:
    for name, (attack, _) in ATTACKS.items():
        found = attack(scene, np.random.default_rng(4)).headline
        ends = {end: getattr(found.figure, end) for end in ("value", "low", "high")}
        control = found.control.value if found.control is not None else 0.0
        yield {"panel": panel, "planted": planted, "attack": name, **ends, "control": control}


def draw(found: list[Point], path: Path) -> None:
    """Write the picture; the same figures give the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Drawing

    style: dict[Any, Any] = {"svg.hashsalt": "gains", "svg.fonttype": "none", "font.size": 9}
    with mpl.rc_context(style):
        drawing = Drawing(figsize=(9.5, 3.6), layout="constrained")
        for axes, (panel, label) in zip(drawing.subplots(1, 2), PANELS.items(), strict=True):
            _panel(axes, [point for point in found if point["panel"] == panel], label)
        drawing.savefig(path, format="svg", metadata={"Date": None})


def _panel(axes: Any, found: list[Point], label: str) -> None:
    for name, (_, colour) in ATTACKS.items():
        own = [point for point in found if point["attack"] == name]
        at = [point["planted"] for point in own]
        axes.plot(at, [point["value"] - point["control"] for point in own], ".-", color=colour, label=name)
        low, high = ([point[end] - point["control"] for point in own] for end in ("low", "high"))
        axes.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel(label)
    axes.set_ylabel("figure less control")
    axes.set_xscale("symlog", linthresh=0.01)
    axes.axhline(0.0, color="#000000", linewidth=0.6, linestyle=":")
    axes.set_ylim(-0.1, 1.02)
    axes.legend(frameon=False, fontsize=8, loc="best")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draw", action="store_true", help="draw the figures there are")
    if not parser.parse_args().draw:
        write("attack_gains", {"people": PEOPLE, "points": list(points())})
    found = json.loads((RESULTS / "attack_gains.json").read_text(encoding="utf-8"))
    draw(found["points"], DOCS / "attack_gains.svg")


if __name__ == "__main__":
    main()
