"""Inference: what a release tells about a sensitive value of a person whose other values are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from risk.attacks.code_sets import code_sets
from risk.attacks.guessing import Outcome, outcomes
from risk.attacks.intervals import clustered_share
from risk.attacks.marks import marked_parts
from risk.attacks.matching import Groups, coded, groups, own_rows
from risk.comparison import Comparison
from risk.figures import Figure, exact, not_estimated
from risk.results import Attack, Marked

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

NOBODY_HELD_OUT = "needs people who were held out"
NOBODY_SHOWN = "nobody's row is in the release"
NOTHING_TO_GUESS = "there is no sensitive column that the attacker does not know"

_ACCURACY = ".accuracy"
_EVERYTHING_ELSE = ".all_else"


def disclosive_and_correct(comparison: Comparison, rng: np.random.Generator) -> Attack:
    """Return DiSCO: the share of people of whose sensitive value the release leaves no doubt, rightly.

    Raab, Nowok and Dibben, "Practical privacy metrics for synthetic data" (arXiv 2406.16826, 2024), as
    synthpop 1.9 has it: records whose quasi-identifiers occur in the release, there with one value of the
    target only, and it is the record's; of all records shown or trained on. In an anonymised table these are
    the people in classes with one sensitive value. The parts are by sensitive column, the headline is the
    column with the most above its control: held-out people, or the person's rows taken out (exactly). Of a
    column of code sets it is enough that one code, which the person has, is in every such row's set. It does
    not count near certainty.
    """
    if not _guessed(comparison):
        return Attack("disco", "inference", Marked(not_estimated(NOTHING_TO_GUESS)))
    parts = marked_parts(comparison, _discos, rng, control=_discos_without)
    return Attack("disco", "inference", max(parts.values(), key=_above), parts)


def _guessed(comparison: Comparison) -> tuple[str, ...]:
    """The sensitive columns that the attacker does not know already."""
    return tuple(column for column in comparison.sensitive if column not in comparison.quasi_identifiers)


def _above(marks: Marked) -> float:
    control = marks.control.value if marks.control is not None else None
    return (marks.figure.value or 0.0) - (control or 0.0)


def _discos(comparison: Comparison, _: np.random.Generator) -> Mapping[str, Figure]:
    what = "share of people for whom the release shows one value, and it is theirs"
    return {column: _disco(comparison, column, what) for column in _guessed(comparison)}


def _disco(comparison: Comparison, column: str, what: str, *, without: bool = False) -> Figure:
    shown = comparison.shown
    if not shown.any():
        return not_estimated(NOBODY_SHOWN)
    people = comparison.people[shown]
    hits = _certain(comparison, column, people if without else None)
    if comparison.table == "anonymised":
        return exact(float(hits.mean()), len(hits), what)
    return clustered_share(hits, people, what)


def _certain(comparison: Comparison, column: str, without: Numbers | None) -> Floats:
    """For which shown rows the release is certain and right; ``without`` the rows of these people."""
    known = comparison.quasi_identifiers
    alike = groups(coded(comparison, known), known)
    if column in _code_columns(comparison):
        return _certain_of_a_code(comparison, column, alike, without)
    same = groups(coded(comparison, (*known, column)), (*known, column))
    quasi, both = alike.original[comparison.shown], same.original[comparison.shown]
    rows, agreeing = alike.released_sizes()[quasi], same.released_sizes()[both]
    if without is not None:
        rows, agreeing = rows - own_rows(quasi, without), agreeing - own_rows(both, without)
    return np.asarray((agreeing > 0) & (agreeing == rows), dtype=np.float64)


def _code_columns(comparison: Comparison) -> set[str]:
    return {each.name for each in comparison.attributes if each.kind == "codes"}


def _certain_of_a_code(comparison: Comparison, column: str, alike: Groups, without: Numbers | None) -> Floats:
    """The same of sets: some code, which is the person's, is that of every row."""
    released, original, _ = code_sets(comparison, column)
    rows, members = alike.released_sizes()[alike.original], original.spread(alike.original)
    keys = released.spread(alike.released) * released.domain + released.codes
    agreeing = _counted(keys, members * original.domain + original.codes)
    if without is not None:
        # Rows that are not shown are nobody's to take out: each gets a person of its own.
        people = np.arange(len(original)) + int(without.max(initial=0)) + 1
        people[comparison.shown] = without
        rows = rows - own_rows(alike.original, people)
        agreeing = agreeing - own_rows(members * original.domain + original.codes, original.spread(people))
    certain = (agreeing > 0) & (agreeing == original.spread(rows))
    return np.logical_or.reduceat(certain, original.starts[:-1])[comparison.shown].astype(np.float64)


def _counted(keys: Numbers, asked: Numbers) -> Numbers:
    """How often each number that is asked for is among ``keys``."""
    values, counts = np.unique(keys, return_counts=True)
    place = np.minimum(np.searchsorted(values, asked), max(0, len(values) - 1))
    return np.where(values[place] == asked, counts[place], 0) if len(values) else np.zeros_like(asked)


def _discos_without(comparison: Comparison, _: np.random.Generator) -> Mapping[str, Figure]:
    if comparison.table == "anonymised":
        what = "the same with the person's rows taken out of the release"
        return {column: _disco(comparison, column, what, without=True) for column in _guessed(comparison)}
    if comparison.holdout is None or comparison.holdout_people is None or not len(comparison.holdout_people):
        return dict.fromkeys(_guessed(comparison), not_estimated(NOBODY_HELD_OUT))
    held = _as_original(comparison)
    what = "the same for held-out people"
    return {column: _disco(held, column, what) for column in _guessed(comparison)}


def _as_original(comparison: Comparison) -> Comparison:
    """Return the held-out people in the place of the data; there are some."""
    assert comparison.holdout is not None
    assert comparison.holdout_people is not None
    return replace(
        comparison,
        original=comparison.holdout,
        base=comparison.holdout,
        people=comparison.holdout_people,
        shown=np.ones(comparison.holdout.height, dtype=np.bool_),
    )


def attribute_inference(comparison: Comparison, rng: np.random.Generator) -> Attack:
    """Return how much better a sensitive value is guessed because the person is in the data.

    The attacker knows the quasi-identifiers and guesses the most frequent value among the released rows that
    have them; where no row has, among those that agree with the nearest row (Gower's distance). Numbers with
    many values are guessed by tenths of the release; of sets of codes the most frequent code is, which the
    person has or has not. The figure is a *gain*: the share guessed right, less the share guessed right by
    the same attack where the person cannot matter: with the person's rows taken out of an anonymised table
    (exactly, person by person), of held-out people for a synthetic one. The control is in the gain already,
    which is why it has none of its own; both shares are the part ``<column>.accuracy``. What everybody could
    learn from the data, that smoking harms, is no gain.

    Parts: the gain by column; ``<column>.accuracy``; ``<column>.all_else``, the gain of one who knows every
    other column. The headline is the column with the largest gain, so it leans upwards. Independent columns
    have nobody's row, so the floor of an anonymised table is exactly 0. It does not measure rarer attacks: a
    gain of 1 % may be all of one small group.
    """
    if not _guessed(comparison):
        return Attack("attribute_inference", "inference", Marked(not_estimated(NOTHING_TO_GUESS)))
    known, here, draws, widest = comparison.quasi_identifiers, *rng.spawn(3)
    found = outcomes(comparison, _guessed(comparison), known, here)

    def guess(scene: Comparison, luck: np.random.Generator) -> Mapping[str, Figure]:
        return _figures(found if scene is comparison else outcomes(scene, _guessed(scene), known, luck))

    parts = marked_parts(comparison, guess, draws, control=lambda _, __: _controls(found))
    if comparison.table == "anonymised":
        nobodys = exact(0.0, comparison.released.height, "no row of independent columns is anybody's")
        parts |= {column: replace(parts[column], floor=nobodys) for column in _guessed(comparison)}
    headline = max((parts[column] for column in _guessed(comparison)), key=_above)
    everything = {
        f"{column}{_EVERYTHING_ELSE}": Marked(_gain_of_all_else(comparison, column, widest))
        for column in _guessed(comparison)
    }
    return Attack("attribute_inference", "inference", headline, {**parts, **everything})


def _figures(found: Mapping[str, Outcome]) -> dict[str, Figure]:
    gains = {column: outcome.gain() for column, outcome in found.items()}
    return gains | {f"{column}{_ACCURACY}": outcome.accuracy() for column, outcome in found.items()}


def _controls(found: Mapping[str, Outcome]) -> dict[str, Figure]:
    return {f"{column}{_ACCURACY}": outcome.control() for column, outcome in found.items()}


def _gain_of_all_else(comparison: Comparison, column: str, rng: np.random.Generator) -> Figure:
    known = tuple(each.name for each in comparison.attributes if each.name != column)
    return outcomes(comparison, (column,), known, rng)[column].gain()
