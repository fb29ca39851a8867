"""Draws what `benchmarks.growth` measured.

    python -m benchmarks.growth_plots [--name growth] [--into docs/growth.svg]

Above seconds, below memory; one column of panels per thing that grows. Open circles are searches that a time
limit ended before the proof.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS

DOCS = Path(__file__).resolve().parent.parent / "docs"
GROWS = {
    "rows": "rows (9 quasi-identifiers)",
    "quasi-identifiers": "quasi-identifiers (70,000 rows)",
    "levels": "levels of each of 9 quasi-identifiers",
}
MEGABYTES = (200, 500, 1000, 2000, 5000)
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "growth",
    "svg.fonttype": "none",
    "font.size": 9,
    "font.family": "sans-serif",
}

Points = Sequence[Mapping[str, Any]]


def draw(points: Points, path: Path) -> None:
    """Write the picture; the same figures give the same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 5.2), layout="constrained")
        panels = figure.subplots(2, len(GROWS), sharex="col", sharey="row")
        for column, (grows, label) in enumerate(GROWS.items()):
            own = [point for point in points if point["grows"] == grows]
            _seconds(panels[0][column], own)
            _memory(panels[1][column], own)
            panels[1][column].set_xlabel(label)
            if grows == "rows":
                panels[0][column].set_xscale("log")
        panels[0][0].set_ylabel("seconds")
        panels[1][0].set_ylabel("peak memory, MB")
        panels[0][0].legend(frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _seconds(panel: Any, points: Points) -> None:
    to = [point["to"] for point in points]
    panel.plot(to, [point["group_s"] for point in points], color="#8a8a8a", marker=".", label="grouping")
    panel.plot(to, [point["search_s"] for point in points], color="#1f5f8b", marker=".", label="search")
    open_ends = [point for point in points if not point["optimal"]]
    style = {"linestyle": "none", "marker": "o", "markerfacecolor": "white", "color": "#1f5f8b"}
    panel.plot([point["to"] for point in open_ends], [point["search_s"] for point in open_ends], **style)
    panel.set_yscale("log")
    panel.minorticks_off()
    panel.grid(alpha=0.3)


def _memory(panel: Any, points: Points) -> None:
    to = [point["to"] for point in points]
    panel.plot(to, [point["memory_mb"] for point in points], color="#1f5f8b", marker=".")
    panel.set_yscale("log")
    panel.set_yticks(MEGABYTES, [f"{size:,}" for size in MEGABYTES])
    panel.minorticks_off()
    panel.grid(alpha=0.3)


def main() -> None:
    """Draw one result file."""
    parser = argparse.ArgumentParser(description="Pictures of growth")
    parser.add_argument("--name", default="growth")
    parser.add_argument("--into", type=Path, default=DOCS / "growth.svg")
    asked = parser.parse_args()
    content = json.loads((RESULTS / f"{asked.name}.json").read_text("utf-8"))
    draw(content["points"], asked.into)
    print(asked.into)


if __name__ == "__main__":
    main()
