"""``anon risk``: the reports and figures of a table made elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from anonymizer.errors import BadConfig, OutputExists, OutputFailed
from release import gate
from release.foreign import Asked, Foreign, foreign
from risk import Assessment, ClassSizes, Figure, RunContext, finding, risk_report, utility_report
from risk.facts import Language
from risk.figures import not_estimated
from risk.finding import Search, find
from risk.reidentification.class_sizes import measures
from risk.reidentification.population import with_population
from risk.results import Findings
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
    if population is None and given.config is not None and given.config.risk.population is not None:
        population = given.config.risk.population.size
    after = _classes(given.released, given, None)
    before = NOBODY
    found = Findings()
    if (made_from := given.comparison) is not None:
        before = _classes(made_from.base, given, pl.Series(made_from.people))
        if population is not None and population < len(np.unique(made_from.people)):
            raise BadConfig("the population is smaller than the people in the data")
        search = (
            Search(attacks, population)
            if given.config is None
            else Search(attacks, population, given.config.utility.asked)
        )
        found = find(made_from, before, after, search)
    people = None if made_from is None else len(np.unique(made_from.people))
    told = _risks(after, population, people)
    unknown = dict.fromkeys(told, not_estimated("the original was not given"))
    original = unknown if made_from is None else _risks(before, population, people)
    figures = _named("original", original) | _named(asked.kind, told)
    figures |= finding.figures(found, asked.kind)
    figures[f"{asked.kind}.suppressed_share"] = not_estimated("a table does not tell what is missing in it")
    assessment = Assessment(figures, before, after, None, before.records, table=asked.kind)
    thresholds = {} if given.config is None else given.config.risk.thresholds
    context = RunContext(name=asked.table.stem, run={}, thresholds=thresholds, language=language)
    pages = {
        "risk_report.html": risk_report(assessment, context, found),
        "risk.json": assessment.to_json(),
    }
    if found.utility is not None:
        pages["utility_report.html"] = utility_report(found.utility, context)
        flat = as_dict({asked.kind: found.utility})
        pages["utility.json"] = json.dumps(flat, indent=1, allow_nan=False) + "\n"
    _write(output, pages)
    gate.check(thresholds, assessment.as_dict())
    return "\n".join(f"{'wrote':<10} {output / name}" for name in pages)


def _risks(sizes: ClassSizes, population: int | None, people: int | None) -> Mapping[str, Figure]:
    """The risks; ``people`` are those of the original, None where it was not given."""
    told = measures(sizes)
    return told | (with_population(sizes, population, people=people) if population is not None else {})


def _classes(frame: pl.DataFrame, given: Foreign, people: pl.Series | None) -> ClassSizes:
    """The equivalence classes; without ``people`` every row is one."""
    names = [each.name for each in given.attributes if each.is_quasi_identifier]
    rows = frame.select(*names, (pl.int_range(pl.len()) if people is None else people).alias("#person"))
    counted = rows.group_by(names).agg(pl.col("#person").n_unique().alias("#people"), pl.len().alias("#rows"))
    if not names:
        counted = rows.select(pl.col("#person").n_unique().alias("#people"), pl.len().alias("#rows"))
    counted = counted.sort("#people", "#rows")
    return ClassSizes(
        counted["#people"].to_numpy().astype(np.int64), counted["#rows"].to_numpy().astype(np.int64)
    )


def _named(table: str, figures: Mapping[str, Figure]) -> dict[str, Figure]:
    return {f"{table}.{name}": figure for name, figure in figures.items()}


def _write(folder: Path, pages: Mapping[str, str]) -> None:
    try:
        folder.mkdir(mode=0o700)
        for name, text in pages.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError:
        raise OutputFailed("the reports cannot be written") from None
