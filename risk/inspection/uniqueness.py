"""The sections of an inspection about how unique people are on a few columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from risk.inspection.rows import Group, Row, Section
from risk.reports.wording import percent, plain

Findings = Mapping[str, Any]
SUBSETS_SHOWN = 25


def uniqueness_sections(findings: Findings) -> Iterator[Section]:
    """Yield the columns by what they reveal, and the most revealing sets of them."""
    found = findings["uniqueness"]
    subsets, unit = found["subsets"], found["unit"]
    shown = telling(subsets)[:SUBSETS_SHOWN]
    yield Section(
        "facts",
        f"How unique {unit} are",
        f"The share of {unit} whose values nobody else in the {findings['kind']} has: on one column alone, "
        f"and on the most revealing pair and triple that contains it.{_several_rows(unit)}{_left_out(found)}",
        ("Known to an attacker", "Alone", "With one more", "With two more"),
        (Group("", tuple(_per_column(found))),),
        has_bars=True,
        bar_note=" In the bars: alone dark, with one more grey, with two more light.",
    )
    yield Section(
        "subsets",
        "The most revealing sets of columns",
        f"The {len(shown)} most revealing of {found['subsets_counted']:,} sets of up to three columns, "
        f"without those that single out no more {unit} than a smaller set inside them.{_fewer(found)}",
        ("Columns", f"Unique {unit}", "Share"),
        (
            Group(
                "",
                tuple(
                    Row((", ".join(s["columns"]), plain(s["unique"]), percent(s["share"])), (s["share"],))
                    for s in shown
                ),
            ),
        ),
        has_bars=True,
    )


def telling(subsets: Sequence[Findings]) -> list[Findings]:
    """Return the sets that single out more people than every set inside them does, in their order."""
    unique = {frozenset(subset["columns"]): subset["unique"] for subset in subsets}
    return [
        subset
        for subset in subsets
        if subset["unique"]
        and all(
            unique.get(frozenset(inside), 0) < subset["unique"]
            for size in range(1, len(subset["columns"]))
            for inside in combinations(subset["columns"], size)
        )
    ]


def _per_column(found: Findings) -> Iterator[Row]:
    worst = worst_by_size(found)
    for name in sorted(
        found["columns"], key=lambda name: [-worst[name].get(size, 0.0) for size in (1, 2, 3)]
    ):
        shares = [worst[name].get(size) for size in (1, 2, 3)]
        cells = tuple("—" if share is None else percent(share) for share in shares)
        yield Row((name, *cells), tuple(share for share in shares if share is not None))


def worst_by_size(found: Findings) -> dict[str, dict[int, float]]:
    """Return for each column the largest share unique on a set of each size that contains it."""
    worst: dict[str, dict[int, float]] = {name: {} for name in found["columns"]}
    for subset in found["subsets"]:
        size = len(subset["columns"])
        for name in subset["columns"]:
            worst[name][size] = max(worst[name].get(size, 0.0), subset["share"])
    return worst


def _several_rows(unit: str) -> str:
    return " Whoever has several rows is unique where one of them is." if unit == "people" else ""


def _left_out(found: Findings) -> str:
    constant = found["constant"]
    return (
        f" One value throughout or none at all, and so in no set: {', '.join(constant)}." if constant else ""
    )


def _fewer(found: Findings) -> str:
    fewest = min(found["columns_by_size"], default=0)
    if fewest == len(found["columns"]):
        return ""
    return (
        f" The table is large: sets of several columns are made of the {fewest} columns that reveal most, of "
        f"{len(found['columns'])}."
    )
