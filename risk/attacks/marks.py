"""The scenes that give an attack's figure its meaning: a floor, a ceiling and a bootstrap copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import inf

import numpy as np
import polars as pl

from risk.baselines import bootstrap as drawn_again
from risk.baselines import independent, verbatim
from risk.comparison import Attribute, Comparison, Kind
from risk.figures import Figure
from risk.results import Marked

Measured = Callable[[Comparison, np.random.Generator], Figure]
"""An attack as a function: how well it does on a comparison; what it draws, it draws from the generator."""

MeasuredParts = Callable[[Comparison, np.random.Generator], Mapping[str, Figure]]
"""An attack that gives several figures by name: by column, by what the attacker knows."""

NOBODY_HELD_OUT = "needs people who were held out"
NOBODY_SHOWN = "nobody's row is in the release"
"""Why there is no figure."""

_ROW = "row"
_ONLY = ""


def marked(
    comparison: Comparison, attack: Measured, rng: np.random.Generator, *, control: Measured | None = None
) -> Marked:
    """Return the figure of ``attack`` on the release between its marks.

    ``control`` measures the same attack where it cannot rest on the release's people. Every scene has a
    generator of its own, so that a figure does not depend on which marks were made.
    """
    return marked_parts(comparison, _single(attack), rng, control=control and _single(control))[_ONLY]


def marked_parts(
    comparison: Comparison, attack: MeasuredParts, rng: np.random.Generator, *, control: MeasuredParts | None
) -> dict[str, Marked]:
    """Return several figures of one attack, by name, each between its marks: every scene is made once.

    A name that a scene's attack does not give has no mark there; those of the release are the ones returned.
    """
    scenes, figure, again, low, high, drawn = rng.spawn(6)
    here = attack(comparison, figure)
    there = {} if control is None else control(comparison, again)
    floors = attack(floor(comparison, scenes), low)
    ceilings = attack(ceiling(comparison), high)
    copies = attack(bootstrap(comparison, scenes), drawn)
    return {
        name: Marked(found, there.get(name), floors.get(name), ceilings.get(name), copies.get(name))
        for name, found in here.items()
    }


def largest(columns: Iterable[Marked]) -> Marked:
    """Return the figure with the largest upper end: whoever limits it has limited all of them.

    One that nothing bounds from above is larger than any other. It is the first of equal ones.
    """
    return max(columns, key=lambda marks: _upper_end(marks.figure))


def _upper_end(figure: Figure) -> tuple[float, float]:
    return inf if figure.high is None else figure.high, -inf if figure.value is None else figure.value


def floor(comparison: Comparison, rng: np.random.Generator) -> Comparison:
    """Return the same people beside a table of independent columns: no row of it is anybody's."""
    return replace(comparison, released=independent(comparison.released, rng))


def ceiling(comparison: Comparison) -> Comparison:
    """Return the people beside a verbatim copy of their true values.

    An anonymised table's words are those of ``base`` then, and nobody is left out of it. A synthetic table is
    taken to copy those whom its model was trained on; who was held out still is.
    """
    if comparison.table == "synthetic":
        return replace(comparison, released=verbatim(comparison.original.filter(comparison.shown)))
    unchanged = _unchanged(comparison)
    return replace(unchanged, released=verbatim(unchanged.base))


def bootstrap(comparison: Comparison, rng: np.random.Generator) -> Comparison:
    """Return the people beside as many rows of their true values, drawn with replacement.

    In the scene of an anonymised table the original has a row as often as it was drawn, which is ``shown``;
    rows that were not drawn follow, not shown: what belongs to a person can be taken out of the release. In
    that of a synthetic table the draws are a model's, and ``shown`` still says whom it was trained on.
    """
    if comparison.table == "synthetic":
        return replace(comparison, released=drawn_again(comparison.original.filter(comparison.shown), rng))
    unchanged = _unchanged(comparison)
    rows = unchanged.base.height
    drawn = drawn_again(pl.DataFrame({_ROW: np.arange(rows)}), rng)[_ROW].to_numpy()
    everybody = np.concatenate([drawn, np.setdiff1d(np.arange(rows), drawn)])
    words = unchanged.base[everybody]
    return replace(
        unchanged,
        released=unchanged.base[drawn],
        original=words,
        base=words,
        people=unchanged.people[everybody],
        shown=np.arange(len(everybody)) < rows,
    )


def _unchanged(comparison: Comparison) -> Comparison:
    """An anonymised table's people in their true values, as if nothing had been generalised or suppressed."""
    base = comparison.base.select(each.name for each in comparison.attributes)
    attributes = tuple(
        Attribute(each.name, _kind(base.schema[each.name]), each.is_quasi_identifier, each.is_sensitive)
        for each in comparison.attributes
    )
    everybody = np.ones(base.height, dtype=np.bool_)
    return Comparison(comparison.table, attributes, base, base, base, comparison.people, everybody)


def _kind(dtype: pl.DataType) -> Kind:
    if dtype.is_numeric():
        return "number"
    return "codes" if isinstance(dtype, pl.List) else "category"


def _single(attack: Measured) -> MeasuredParts:
    return lambda comparison, rng: {_ONLY: attack(comparison, rng)}
