"""``anon risk``: the reports and figures of a table made elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import BadConfig, OutputExists, OutputFailed, ThresholdExceeded
from release import gate
from release.aligning import is_certain
from release.foreign import Asked, Foreign, foreign
from risk import Assessment, ClassSizes, Figure, RunContext, finding, risk_report, utility_report
from risk.comparison import TableKind
from risk.facts import Language
from risk.figures import exact, named, not_estimated
from risk.finding import Search, find
from risk.reidentification.class_sizes import bounded_measures, class_sizes, measures
from risk.results import Findings, Group
from risk.synthetic import assess_synthetic, of_population
from risk.utility.asked import Asked as Analyses
from risk.utility.assess import as_dict

NOBODY = ClassSizes(np.zeros(0, np.int64), np.zeros(0, np.int64))
"""The classes of an original that is not known."""


def assess_table(
    asked: Asked,
    output: Path,
    *,
    population: int | None = None,
    attacks: Literal["none", "quick", "full"] = "quick",
    language: Language = "en",
) -> str:
    """What was written into the new folder ``output``, in a few lines.

    Raises:
        AnonError: as `release.foreign.foreign`; ``OutputExists``, ``OutputFailed``.
        ThresholdExceeded: the config has a threshold that is not kept; the reports are written all the same.
    """
    if os.path.lexists(output):
        raise OutputExists("the folder is already there", hint="name another one with --output")
    given = foreign(asked)
    population = _population(population, given)
    before, after = _before(given), _after(given)
    found = Findings()
    if given.comparison is not None:
        analyses = Analyses() if given.config is None else given.config.utility.asked
        found = find(given.comparison, before, after.sizes, Search(attacks, population, analyses))
        found = _heeded(found, given, after)
    assessment = _assessment(asked.kind, given, (before, after), found, population)
    thresholds = {} if given.config is None else given.config.risk.thresholds
    context = RunContext(asked.table.stem, _facts(given, after), thresholds=thresholds, language=language)
    pages = {
        "risk_report.html": risk_report(assessment, context, found),
        "risk.json": assessment.to_json(),
    }
    if found.utility is not None:
        pages["utility_report.html"] = utility_report(found.utility, context)
        flat = as_dict({asked.kind: found.utility})
        pages["utility.json"] = json.dumps(flat, indent=1, allow_nan=False) + "\n"
    _write(output, pages)
    notes = [f"{name}: {told}" for name, told in given.facts.items()]
    try:
        gate.check(thresholds, assessment.as_dict())
    except ThresholdExceeded as broken:
        noted = "; ".join([f"the reports are in {output}", *notes])
        raise ThresholdExceeded(broken.rule, hint=noted) from None
    told = (f"{'note':<10} {each}" for each in notes)
    return "\n".join([*told, *(f"{'wrote':<10} {output / name}" for name in pages)])


@dataclass(frozen=True, slots=True)
class _After:
    """The released classes; ``is_counted`` is false where rows are known, and people are not."""

    sizes: ClassSizes
    is_counted: bool

    def risks(self, population: int | None, sampled: int | None) -> dict[str, Figure]:
        """The figures of the release, ``sampled`` people of the ``population`` being in the data."""
        if not self.is_counted:
            return bounded_measures(self.sizes.rows, 1)
        return measures(self.sizes) | of_population(self.sizes, population, sampled)


def _heeded(found: Findings, given: Foreign, after: _After) -> Findings:
    """``found`` without figures of classes that rest on what could not be read or counted."""
    return replace(found, groups=tuple(_checked(group, given, after) for group in found.groups))


def _checked(group: Group, given: Foreign, after: _After) -> Group:
    made_from = given.comparison
    if made_from is None:
        return group
    if group.name == "uniqueness" and not after.is_counted:
        unknown = not_estimated("a person may have several released rows")
        lost = {name for name in group.figures if name.startswith(f"{made_from.table}.")}
    else:
        unknown = not_estimated("released rows could not be found in the original")
        told = {name: name.removeprefix(f"{made_from.table}.").partition(".")[2] for name in group.figures}
        lost = {name for name, column in told.items() if column in made_from.unaligned}
        lost = lost if group.name == "beliefs" else set()
    return replace(group, figures={n: unknown if n in lost else f for n, f in group.figures.items()})


def _population(told: int | None, given: Foreign) -> int | None:
    """The size of the population, as told or as the config has it.

    Raises:
        BadConfig: there are more people in the table, or in the one it was made from.
    """
    if told is None and given.config is not None and given.config.risk.population is not None:
        told = given.config.risk.population.size
    made_from = given.comparison
    people = given.released.height if made_from is None else len(np.unique(made_from.people))
    if told is not None and told < people:
        raise BadConfig("the population is smaller than the people in the data", hint="see --population")
    return told


def _before(given: Foreign) -> ClassSizes:
    made_from = given.comparison
    return NOBODY if made_from is None else _classes(made_from.base, given, made_from.people)


def _after(given: Foreign) -> _After:
    """The classes of the released people; of their rows, as one person each, where people are not known."""
    made_from = given.comparison
    rows = _classes(given.released, given, None)
    if made_from is None or made_from.table == "synthetic":
        return _After(rows, is_counted=True)
    people, shown = made_from.people, made_from.shown
    if len(np.unique(people)) == len(people) >= given.released.height:
        return _After(rows, is_counted=True)
    read = [name for name in made_from.original.columns if name not in made_from.unaligned]
    if given.is_placed and is_certain(made_from.original.select(read), people, shown):
        released = made_from.original.filter(pl.Series(shown))
        return _After(_classes(released, given, people[shown]), is_counted=True)
    return _After(ClassSizes(np.ones_like(rows.rows), rows.rows), is_counted=False)


def _assessment(
    kind: TableKind,
    given: Foreign,
    classes: tuple[ClassSizes, _After],
    found: Findings,
    population: int | None,
) -> Assessment:
    made_from, (before, after) = given.comparison, classes
    if kind == "synthetic" and made_from is not None:
        return assess_synthetic(made_from, found, population=population)
    people = None if made_from is None else len(np.unique(made_from.people))
    told = after.risks(population, None if kind == "synthetic" else people)
    original = dict.fromkeys(told, not_estimated("the original was not given"))
    if made_from is not None:
        original = measures(before) | of_population(before, population, people)
    figures = named("original", original) | named(kind, told)
    share = not_estimated("a table does not tell what is missing in it")
    suppressed = None
    if made_from is not None and given.is_placed:
        suppressed = int((~made_from.shown).sum())
        share = exact(suppressed / before.records, before.records, "suppressed rows / rows in")
    figures |= finding.figures(found, kind) | {f"{kind}.suppressed_share": share}
    return Assessment(figures, before, after.sizes, suppressed, before.records, table=kind)


def _facts(given: Foreign, after: _After) -> Mapping[str, object]:
    """What the report says of the table: how its columns were taken, and what could not be read."""
    quasi = ", ".join(each.name for each in given.attributes if each.is_quasi_identifier)
    sensitive = ", ".join(each.name for each in given.attributes if each.is_sensitive)
    people = {} if after.is_counted else {"people": "not counted: one person may have several rows"}
    return {
        "table": "made elsewhere",
        "quasi-identifiers": quasi or None,
        "sensitive": sensitive or None,
        **people,
        **given.facts,
    }


def _classes(frame: pl.DataFrame, given: Foreign, people: NDArray[np.int64] | None) -> ClassSizes:
    """The equivalence classes by the quasi-identifiers; without ``people`` every row is one."""
    return class_sizes(frame, [each.name for each in given.attributes if each.is_quasi_identifier], people)


def _write(folder: Path, pages: Mapping[str, str]) -> None:
    try:
        folder.mkdir(mode=0o700)
        for name, text in pages.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError:
        raise OutputFailed("the reports cannot be written") from None
