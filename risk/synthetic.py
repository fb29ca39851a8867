"""The assessment of a synthetic table: classes, attacks on it or on its twin, and two models side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from risk import finding
from risk.assessment import Assessment
from risk.comparison import Comparison
from risk.figures import Figure, named, not_estimated
from risk.reidentification.class_sizes import ClassSizes, class_sizes, measures
from risk.reidentification.population import with_population
from risk.results import Attack, Compared, Findings, Group, Marked, Utility

TWIN = "of a twin: a model of the same method, fitted without the people held out"
"""How the figures of a twin say so in ``risk.json``, ``utility.json`` and the reports."""
_OF_OTHERS = (".real", ".floor", ".ceiling")
"""Figures of utility, by the end of their name, that are of no released or synthetic table."""
_PREDICTED = "released"


def classes(comparison: Comparison) -> tuple[ClassSizes, ClassSizes]:
    """Return the classes of the original's people and of the synthetic rows, which are nobody's."""
    names = comparison.quasi_identifiers
    return class_sizes(comparison.base, names, comparison.people), class_sizes(comparison.released, names)


def assess_synthetic(comparison: Comparison, found: Findings, *, population: int | None = None) -> Assessment:
    """Return every figure of a synthetic table, ``found`` ones included, and of the people it tells about.

    The figures of its classes count rows that look alike: they are the probability of nothing, as no row is a
    person. How many people were left out of it nobody can say. Of a twin (``of_twin``) they are marked as the
    others are: ``comparison`` then holds the twin's rows.
    """
    before, after = classes(comparison)
    people = len(np.unique(comparison.people))
    drawn = measures(after) | of_population(after, population, None)
    told = {
        "original": measures(before) | of_population(before, population, people),
        "synthetic": {name: _figure(each) for name, each in drawn.items()} if found.is_twin else drawn,
    }
    share = not_estimated("a table does not tell what is missing in it")
    figures = {name: each for table, part in told.items() for name, each in named(table, part).items()}
    figures |= finding.figures(found, "synthetic") | {"synthetic.suppressed_share": share}
    return Assessment(figures, before, after, None, before.records, table="synthetic")


def of_population(sizes: ClassSizes, population: int | None, people: int | None) -> dict[str, Figure]:
    """Return the figures that refer to a population, none where its size is not known."""
    return {} if population is None else with_population(sizes, population, people=people)


def with_figures_of(own: Assessment, other: Assessment) -> Assessment:
    """Return ``own`` with the figures of the ``other``'s table beside its own: for one ``risk.json``.

    What both say of the original is as ``own`` says it. Thresholds then find the figures of either table.
    """
    theirs = {name: each for name, each in other.figures.items() if name.startswith(f"{other.table}.")}
    return replace(own, figures={**theirs, **own.figures})


def of_twin(found: Findings) -> Findings:
    """Return what was found on a twin, each figure of which says so in its method."""
    return replace(
        found,
        attacks=tuple(_attack(each) for each in found.attacks),
        frontier=found.frontier and replace(found.frontier, released=_figure(found.frontier.released)),
        groups=tuple(_group(each) for each in found.groups),
        utility=found.utility and _utility(found.utility),
        is_twin=True,
    )


def _figure(figure: Figure) -> Figure:
    """The figure as a twin's; where there is none, the reason stays as it is."""
    has_figure = figure.low is not None or figure.value is not None
    return replace(figure, method=f"{figure.method}; {TWIN}") if has_figure else figure


def _marked(marked: Marked) -> Marked:
    control = None if marked.control is None else _figure(marked.control)
    return replace(marked, figure=_figure(marked.figure), control=control)


def _attack(attack: Attack) -> Attack:
    parts = {name: _marked(part) for name, part in attack.parts.items()}
    return replace(attack, headline=_marked(attack.headline), parts=parts)


def _group(group: Group) -> Group:
    figures = {
        name: _figure(each) if name.startswith("synthetic.") else each for name, each in group.figures.items()
    }
    return replace(group, figures=figures)


def _utility(utility: Utility) -> Utility:
    return replace(
        utility,
        figures={name: _of_utility(name, each) for name, each in utility.figures.items()},
        propensity=utility.propensity and _marked(utility.propensity),
        two_sample=utility.two_sample and _marked(utility.two_sample),
        predictions=tuple(replace(each, released=_figure(each.released)) for each in utility.predictions),
        marks={name: _marked(each) for name, each in utility.marks.items()},
    )


def _of_utility(name: str, figure: Figure) -> Figure:
    return figure if name.endswith(_OF_OTHERS) else _figure(figure)


def compared(first: Findings, second: Findings) -> Compared:
    """Return the headlines of two models' attacks and utility side by side, as far as both have them."""
    one, other = dict(_headlines(first)), dict(_headlines(second))
    names = [name for name in one if name in other]
    return Compared({name: one[name] for name in names}, {name: other[name] for name in names})


def _headlines(found: Findings) -> Iterator[tuple[str, Figure]]:
    for attack in (each for each in found.attacks if not each.is_diagnostic):
        yield attack.name, attack.headline.figure
    if found.frontier is not None:
        yield "cone_flagged", found.frontier.released
    if found.utility is not None:
        yield from _of_table(found.utility.figures)


def _of_table(figures: Mapping[str, Figure]) -> Iterator[tuple[str, Figure]]:
    """The figures of utility that are of the whole table, or of what was asked of it by name."""
    for name, figure in figures.items():
        head, _, rest = name.partition(".")
        is_asked = rest.endswith(f".{_PREDICTED}") if head == "predict" else head == "overlap"
        if not rest or (is_asked and not name.endswith(_OF_OTHERS)):
            yield name, figure
