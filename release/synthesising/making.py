"""Rows drawn as the config asks: fitted, distilled, filtered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import BadConfig
from anonymizer.tables.row_order import in_order
from anonymizer.tables.table import Column
from release.config.root import Config
from release.config.synthesis import Synthesis, wanted
from release.describing.comparing import DAY_US, attribute, in_words
from release.files import tables
from release.synthesising.domains import domains
from risk.attacks import cone
from risk.attacks.shadows import Refit
from risk.comparison import Attribute
from synth.dispatch import Report
from synth.longitudinal import linked as longitudinal
from synth.longitudinal.histories import PATIENTS, Histories
from synth.recipe import Recipe
from synth.synthesis import Synthesiser, distilled, filtered, fit
from synth.variables import Training

Bools = NDArray[np.bool_]
Keep = Callable[[pl.DataFrame], Bools]


@dataclass(frozen=True, slots=True)
class Maker:
    """How rows are made of any table with these ``columns``; ``report`` is told how training goes on."""

    synthesis: Synthesis
    recipe: Recipe
    columns: tuple[Column, ...]
    report: Report | None = None

    def rows(self, training: Training) -> int:
        """How many rows are drawn: as many as are learned from, unless the config says otherwise."""
        return self.synthesis.rows or training.frame.height

    def attributes(self, words: pl.DataFrame) -> tuple[Attribute, ...]:
        """The columns as attacks and distances see them."""
        return tuple(attribute(column, words.schema[column.name]) for column in self.columns)


@dataclass(frozen=True, slots=True)
class Made:
    """Drawn rows, sorted by all columns, and what is told of their making inside the house.

    ``first`` has as many rows of the first model where the table was distilled; None where it was not.
    ``events`` are the drawn people's events by table; they and ``frame`` then have the column ``person``.
    """

    frame: pl.DataFrame
    told: Mapping[str, object] = field(default_factory=dict)
    first: pl.DataFrame | None = None
    events: Mapping[str, pl.DataFrame] = field(default_factory=dict)


@dataclass(slots=True)
class Drawer:
    """A fitted model, and which of its rows may ``keep``; what is ``told`` of it grows as rows are drawn."""

    model: Synthesiser
    keep: Keep | None
    told: dict[str, object]
    first: pl.DataFrame | None = None

    def sample(self, n: int, rng: np.random.Generator) -> pl.DataFrame:
        """``n`` rows; raises ``SynthesisFailed`` where too few of those drawn may be kept."""
        if self.keep is None:
            frame = self.model.sample(n, rng)
        else:
            passed = filtered(self.model, n, self.keep, rng)
            self.told |= {"rows_filtered": passed.drawn, "rows_that_passed": passed.kept}
            frame = passed.frame
        self.told |= self.model.told
        return frame


def maker(
    config: Config, columns: Sequence[Column], types: tables.Types, report: Report | None = None
) -> Maker:
    """How the config says that rows are made of columns of these ``types``.

    Raises:
        BadConfig: a differentially private method that is not told what a column can hold.
    """
    synthesis = config.synthesis
    assert synthesis is not None
    recipe = Recipe(
        synthesis.method,
        synthesis.options | (_target(config) if synthesis.is_private else {}),
        wanted(synthesis.conditions),
        tuple(each.constraint for each in synthesis.constraints),
        domains(columns, synthesis, types) if synthesis.is_private else {},
    )
    return Maker(synthesis, recipe, tuple(columns), report)


def _target(config: Config) -> dict[str, str]:
    """The column that is to be predicted: what goes with it is measured first. The data have no say in it."""
    targets = config.utility.asked.targets
    return {"target": targets[0]} if targets else {}


def made(how: Maker, training: Training, rng: np.random.Generator) -> Made:
    """Rows drawn from a model of ``training``.

    Raises:
        SynthesisFailed: no model could be fitted, or too few of its rows pass.
        BadConfig: the cone cannot be made, or a constraint that fits no column.
        ComponentMissing: the method needs what is not installed.
    """
    source = drawer(how, training, rng)
    frame = in_order(source.sample(how.rows(training), rng))
    return Made(frame, source.told, source.first)


def made_with_events(how: Maker, histories: Histories, rng: np.random.Generator) -> Made:
    """Drawn people with their events, in tables that a key links; raises as ``made``."""
    source = drawer(how, histories.patients, rng)
    asked = {"leaf": leaf} if (leaf := how.synthesis.leaf) is not None else {}
    found = longitudinal.fit(histories, source, rng, **asked).sample(how.rows(histories.patients), rng)
    people = found.pop(PATIENTS)
    return Made(people, source.told, source.first, found)


def drawer(how: Maker, training: Training, rng: np.random.Generator) -> Drawer:
    """The model that rows are drawn from, fitted, distilled where asked for; raises as ``made``."""
    asked = how.synthesis
    cones = _cones(how, training) if asked.filters or asked.distil else None
    keep = None if cones is None else _outside(cones)
    told: dict[str, object] = {} if cones is None else {"cone_width": round(cones.alpha, 4)}
    model, first = fit(training, how.recipe, rng, report=how.report), None
    if asked.distil and keep is not None:
        first = in_order(model.sample(how.rows(training), rng))
        model = distilled(training, how.recipe, keep, rng, report=how.report)
    return Drawer(model, keep if asked.filters else None, told, first)


def refitted(how: Maker, training: Training) -> Refit:
    """What makes rows of other people's rows, in words, as the release was made: for shadow models."""

    def again(rows: pl.DataFrame, people: NDArray[np.int64], rng: np.random.Generator) -> pl.DataFrame:
        own = replace(training, frame=_dated(rows, training), people=people)
        return in_words(made(how, own, rng).frame, days=True)

    return again


def _dated(rows: pl.DataFrame, training: Training) -> pl.DataFrame:
    """Rows in words with their days as dates again."""
    days = {each.name: each.type for each in training.variables if each.type in ("date", "datetime")}
    return rows.with_columns(
        (pl.col(name) * DAY_US).round().cast(pl.Int64).cast(pl.Datetime("us")).cast(tables.DTYPES[type_])
        for name, type_ in days.items()
    )


def _outside(cones: cone.Cone) -> Keep:
    """Says which rows lie in nobody's Cone of Privacy; where it has no width, all do."""
    return lambda frame: ~cones.flags(in_words(frame, days=True))


def _cones(how: Maker, training: Training) -> cone.Cone:
    """The Cones of Privacy of those who are learned from, as wide as they themselves allow.

    Whoever is held out has no part in it: attacks are compared with them.
    """
    real = in_words(training.frame, days=True)
    try:
        return cone.fit(real, _numbered(training.people), how.attributes(real))
    except ValueError:
        raise BadConfig(
            "synthesis.filter: distances cannot be measured between so many or so few cells",
            hint="use `filter: none`, and limit the risk by thresholds",
        ) from None


def _numbered(people: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers from 0 without gaps."""
    return np.asarray(np.unique(people, return_inverse=True)[1], np.int64)
