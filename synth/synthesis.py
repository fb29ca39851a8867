"""Synthesis as a recipe says: fitted, sampled, distilled and filtered.

Whatever is drawn keeps every constraint and condition in all of its rows: those that hold by construction
hold in all that is drawn, rows that break another are drawn anew, and the finished table is counted through
once more. Nothing is returned that breaks one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from anonymizer.errors import BadConfig, SynthesisFailed
from synth.asking import Coding, Learned, asked_codes
from synth.axes import Allowed, Bools, Coded, Model
from synth.dispatch import Report, check_options, fitted
from synth.methods.drawing import Patience, until
from synth.recipe import Combinations, Constraint, Determines, Range, Recipe
from synth.rewriting import checking
from synth.rewriting.cells import canonical, empty
from synth.rewriting.rewriting import Rewriting, rewritten, spans_cut
from synth.rewriting.rewriting import check as check_constraints
from synth.rewriting.rules import Rules, rules
from synth.rewriting.spans import refuse_emptied
from synth.variables import Training, Variable

Keep = Callable[[pl.DataFrame], Bools]
"""Says which drawn rows may stay, shape (rows,)."""
_PRIVATE = "dp-marginals"
_FILTER_MOST = 20
_DISTIL_LEAST = 0.1


@dataclass(slots=True)
class Tally:
    """What was counted while drawing: internal, for it follows from the data."""

    drawn: int = 0
    redrawn: int = 0


@dataclass(frozen=True, slots=True)
class Synthesiser:
    """A fitted method, and what its rows must keep; never written to a file, for models remember."""

    learned: Learned = field(repr=False)
    model: Model = field(repr=False)
    allowed: Allowed = field(repr=False)
    rules: Rules = field(repr=False)
    promise: checking.Promise = field(repr=False)
    facts: Mapping[str, object] = field(default_factory=dict, repr=False)
    tally: Tally = field(default_factory=Tally, repr=False)

    def sample(self, n: int, rng: np.random.Generator) -> pl.DataFrame:
        """Return ``n`` drawn rows in canonical types; every constraint and condition holds in each.

        Raises:
            SynthesisFailed: rows that keep all of them are too rare: after 100,000 drawn rows fewer than one
                in 1,000 does; or the finished table breaks one.
        """
        variables = self.promise.variables
        found = until(n, lambda size: self._kept(size, rng), rule="rows as asked for are too rare")
        frame = pl.concat([empty(variables), *found.batches]).head(n)
        self.tally.drawn += found.rows
        checking.check(frame, self.promise)
        return frame

    @property
    def told(self) -> dict[str, object]:
        """What is told of the fit and of all drawing so far: internal figures."""
        drawing = {"rows_drawn": self.tally.drawn, "rows_redrawn": self.tally.redrawn}
        return {**getattr(self.model, "told", {}), **self.facts, **drawing}

    def _kept(self, size: int, rng: np.random.Generator) -> pl.DataFrame:
        codes = self.model.sample(size, rng, self.allowed or None)
        frame = self.learned.rewriting.undone(self.learned.coding.decode(codes, rng))
        keep = self.rules.hold(frame)
        self.tally.redrawn += int((~keep).sum())
        return frame.filter(pl.Series(keep))


@dataclass(frozen=True, slots=True)
class Filtered:
    """Rows that passed; how many were ``drawn`` and how many of those ``kept`` are internal figures."""

    frame: pl.DataFrame = field(repr=False)
    drawn: int
    kept: int


def fit(
    training: Training, recipe: Recipe, rng: np.random.Generator, *, report: Report | None = None
) -> Synthesiser:
    """Return a synthesiser fitted to a table as the recipe says.

    Values outside a range, and values that fall where an order lets them rise, are not learned from; both are
    counted in ``told``.

    Raises:
        BadConfig: constraints, conditions or options that the table or the method cannot have.
        BadInput: the data break a dependency, or cells are not of their column's type.
        SynthesisFailed: there are fewer than k people, or no columns, or a range leaves out most of one, or
            the method cannot be fitted.
    """
    check_options(recipe)
    told = training.variables
    training = _publicly(training, recipe)
    asked = rules(training.variables, recipe.given, recipe.constraints)
    check_constraints(training.variables, recipe.constraints)
    _check_learnable(training, recipe)
    table, outside = spans_cut(canonical(training), recipe.constraints)
    if recipe.method != _PRIVATE:
        refuse_emptied(training, table, (each for each in recipe.constraints if isinstance(each, Range)))
    promise = checking.promise(table, recipe.given, recipe.constraints)
    if recipe.method == _PRIVATE:
        rewriting = Rewriting(table.variables)
        coding, rewritten_table = _declared(told, recipe), table
    else:
        rewritten_table, rewriting = rewritten(table, recipe.constraints, recipe.given)
        coding = _coding(rewritten_table)
    learned = Learned(coding, rewritten_table.variables, rewriting)
    coded = Coded(coding.encode(rewritten_table.frame), coding.axes, rewritten_table.people)
    return Synthesiser(
        learned,
        fitted(recipe, coded, rng, report=report),
        _asked(learned, recipe),
        replace(asked, ranges=(*asked.ranges, *rewriting.bounds)),
        promise,
        _facts(learned, outside),
    )


def distilled(
    training: Training, recipe: Recipe, keep: Keep, rng: np.random.Generator, *, report: Report | None = None
) -> Synthesiser:
    """Return a synthesiser fitted to what another one drew, less the rows that ``keep`` refuses.

    The first draws as many rows as it learned from, without conditions. The second learns those rows alone,
    each as a person's own: what the first remembered and ``keep`` refused is in none of them. ``told`` is the
    second's, with the rows drawn and kept in between.

    Raises:
        BadConfig: the method is differentially private: what ``keep`` says depends on the data.
        SynthesisFailed: fewer than k rows, or a tenth of them, are left.
    """
    if recipe.method == _PRIVATE:
        raise BadConfig("a differentially private method cannot be distilled")
    first = fit(training, replace(recipe, given={}), rng, report=report)
    drawn = first.sample(training.frame.height, rng)
    left = drawn.filter(pl.Series(keep(drawn)))
    if left.height < max(training.k, _DISTIL_LEAST * drawn.height):
        raise SynthesisFailed("too few of the drawn rows may stay to be learned from again")
    again = Training(left, training.variables, np.arange(left.height), training.k)
    second = fit(again, recipe, rng, report=report)
    between = {"distilling_rows_drawn": drawn.height, "distilling_rows_kept": left.height}
    return replace(second, facts={**second.facts, **between})


def filtered(synthesiser: Synthesiser, n: int, keep: Keep, rng: np.random.Generator) -> Filtered:
    """Return the first ``n`` drawn rows that ``keep`` lets pass.

    Raises:
        SynthesisFailed: of 20 n drawn rows (at least 5,120) fewer than one in twenty passed. The message has
            no figure: how many pass tells of the data (arXiv 2312.05114).
    """
    kept = 0

    def passing(size: int) -> pl.DataFrame:
        nonlocal kept
        frame = synthesiser.sample(size, rng)
        frame = frame.filter(pl.Series(keep(frame)))
        kept += frame.height
        return frame

    patience = Patience(max(_FILTER_MOST * n, 5_120), 1 / _FILTER_MOST)
    found = until(n, passing, rule="too few of the drawn rows pass the filter", patience=patience)
    frame = pl.concat([empty(synthesiser.promise.variables), *found.batches]).head(n)
    return Filtered(frame, found.rows, kept)


def _asked(learned: Learned, recipe: Recipe) -> Allowed:
    """The codes that are asked for; what a range has left nothing of contradicts that range."""
    try:
        return asked_codes(learned, recipe.given)
    except BadConfig as refused:
        bounded = [each.column for each in recipe.constraints if isinstance(each, Range)]
        if refused.column not in bounded:
            raise
        raise SynthesisFailed("nothing within its range is as given", column=refused.column) from None


def _check_learnable(training: Training, recipe: Recipe) -> None:
    if not training.variables:
        raise SynthesisFailed("there is no column to learn from")
    if recipe.method == _PRIVATE:
        _check_private(recipe.constraints)
    elif len(np.unique(training.people)) < training.k:
        raise SynthesisFailed("fewer than k people cannot be learned from")


def _check_private(constraints: Sequence[Constraint]) -> None:
    """A constraint that the data complete would tell of them beyond epsilon."""
    if any(isinstance(each, Combinations | Determines) for each in constraints):
        raise BadConfig(
            "constraints that read the data are not differentially private",
            hint="leave out combinations and dependencies",
        )


def _coding(training: Training) -> Coding:
    from synth.coding.codec import Codec

    return Codec.of(training)


def _publicly(training: Training, recipe: Recipe) -> Training:
    """For a private method: the table with nothing told of its values but by declaration.

    What conditions match, and so what is drawn, would otherwise depend on which values are in the data.
    """
    if recipe.method != _PRIVATE:
        return training
    from synth.coding import declared

    return replace(training, variables=declared.public(training.variables, recipe.domain))


def _declared(variables: Sequence[Variable], recipe: Recipe) -> Coding:
    from synth.coding import declared

    return declared.codec(variables, recipe.domain)


def _facts(learned: Learned, outside: int) -> dict[str, object]:
    return {
        "cells_merged": dict(learned.coding.merged),
        "cells_outside_range": outside,
        "cells_breaking_order": learned.rewriting.falling,
        "rows_learned_as_another_combination": learned.rewriting.rare,
    }
