"""Everything that is found about a release beside the counts of its classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np
import polars as pl

from risk.attacks.battery import attack
from risk.attacks.cone import frontier
from risk.attacks.shadows import Refit
from risk.comparison import Comparison
from risk.figures import SEED, Figure, exact, named
from risk.reidentification import copula, special_uniques
from risk.reidentification.beliefs import sensitive_figures
from risk.reidentification.class_sizes import ClassSizes
from risk.reidentification.separation import separations
from risk.reidentification.uniqueness import population_uniqueness
from risk.results import Attack, Findings, Group
from risk.utility.asked import Asked
from risk.utility.assess import utility

MOST_SUBSETS = 20
"""The subsets of quasi-identifiers that are shown, the most distinctive first."""

ORIGINAL = "original"


@dataclass(frozen=True, slots=True)
class Search:
    """How hard to look, and what for: ``population`` is its size, ``asked`` the analyses to compare."""

    attacks: Literal["none", "quick", "full"] = "quick"
    population: int | None = None
    asked: Asked = field(default_factory=Asked)


def find(
    comparison: Comparison,
    before: ClassSizes,
    after: ClassSizes,
    search: Search,
    *,
    losses: Mapping[str, Figure] | None = None,
    refit: Refit | None = None,
) -> Findings:
    """Return what is found; ``before`` and ``after`` are the classes of the original and of the release.

    ``losses`` are those of an anonymised table, by the metrics of the search; ``refit`` fits a synthetic
    table's model anew, for ``full`` attacks.
    """
    if search.attacks == "none":
        return Findings()
    rng = np.random.default_rng(SEED)
    return Findings(
        attacks=attack(comparison, search.attacks, refit=refit),
        # A generalised copy of a record lies where the record lies: the cone has nothing to say of it.
        frontier=frontier(comparison, rng) if comparison.table == "synthetic" else None,
        groups=tuple(_groups(comparison, before, after, search.population)),
        utility=utility(comparison, asked=search.asked, losses=losses, rng=rng),
    )


def figures(found: Findings, table: str) -> dict[str, Figure]:
    """Return the figures of ``risk.json`` that ``found`` adds, by their full names."""
    named = {name: figure for group in found.groups for name, figure in group.figures.items()}
    for each in found.attacks:
        named |= {f"{table}.{name}": figure for name, figure in _of_attack(each)}
    if found.frontier is not None:
        named[f"{table}.cone_flagged"] = found.frontier.released
    return named


def _of_attack(found: Attack) -> Iterator[tuple[str, Figure]]:
    """Parts are named behind their attack, but those of membership have names of their own."""
    yield found.name, found.headline.figure
    for name, part in found.parts.items():
        yield name if name.startswith("membership_") else f"{found.name}.{name}", part.figure


def _groups(
    comparison: Comparison, before: ClassSizes, after: ClassSizes, population: int | None
) -> Iterator[Group]:
    names = comparison.quasi_identifiers
    # Somebody in several classes, or with several rows, was sampled once.
    people = len(np.unique(comparison.people))
    fraction = None if population is None else Fraction(people, population)
    yield Group(
        "uniqueness",
        named(ORIGINAL, population_uniqueness(before, population=population, people=people))
        # Whoever is suppressed was sampled all the same.
        | named(comparison.table, population_uniqueness(after, population=population, people=people)),
    )
    if names and comparison.base.height:
        base = comparison.base
        yield Group("correctness", named(ORIGINAL, _correctness(comparison, names, population)))
        special = special_uniques.special_uniques(base, names, people=comparison.people)
        yield Group("special_uniques", named(ORIGINAL, special_uniques.figures(special, fraction)))
        yield Group("subsets", named(ORIGINAL, _subsets(base, names)))
    if comparison.table == "anonymised" and comparison.sensitive:
        yield Group("beliefs", named(comparison.table, sensitive_figures(comparison)))


def _correctness(comparison: Comparison, names: tuple[str, ...], population: int | None) -> dict[str, Figure]:
    if population is None:
        return copula.figures(None)
    rng = np.random.default_rng(SEED)
    base, people = comparison.base, comparison.people
    return copula.figures(copula.correctness(base, names, population, rng=rng, people=people))


def _subsets(base: pl.DataFrame, names: tuple[str, ...]) -> dict[str, Figure]:
    told = {}
    for found in separations(base, names)[:MOST_SUBSETS]:
        columns = "+".join(found.columns)
        told[f"distinction.{columns}"] = exact(float(found.distinction), found.records, "distinct / records")
        told[f"separation.{columns}"] = exact(
            float(found.separation), found.records, "pairs told apart / pairs"
        )
    return told
