"""Inference: what a release tells about a sensitive value of a person whose other values are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from risk.attacks.code_sets import code_sets
from risk.attacks.guessing import Outcome, outcomes
from risk.attacks.intervals import clustered_share
from risk.attacks.marks import NOBODY_HELD_OUT, NOBODY_SHOWN, largest, marked_parts
from risk.attacks.matching import Groups, coded, groups, own_rows
from risk.attacks.votes import votes
from risk.comparison import Comparison
from risk.figures import Figure, exact, not_estimated
from risk.results import Attack, Marked

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

NOTHING_TO_GUESS = "there is no sensitive column that the attacker does not know"

_ACCURACY = ".accuracy"
_EVERYTHING_ELSE = ".all_else"


def disclosive_and_correct(comparison: Comparison, rng: np.random.Generator) -> Attack:
    """Return DiSCO: the share of people of whose sensitive value the release leaves no doubt, rightly.

    Raab, Nowok and Dibben, "Practical privacy metrics for synthetic data" (arXiv 2406.16826, 2024), as
    synthpop 1.9 has it: records whose quasi-identifiers occur in the release, there with one value of the
    target only, and it is the record's; of all records shown or trained on. In an anonymised table these are
    the people in classes with one sensitive value. The parts are by sensitive column, the headline is the
    column with the largest figure, by its upper end, with that column's control: held-out people, or the
    person's rows taken out (exactly). Of a column of code sets it is enough that one code, which the person
    has, is in every such row's set. It does not count near certainty.
    """
    if not _guessed(comparison):
        return Attack("disco", "inference", Marked(not_estimated(NOTHING_TO_GUESS)))
    parts = marked_parts(comparison, _discos, rng, control=_discos_without)
    return Attack("disco", "inference", largest(parts.values()), parts)


def _guessed(comparison: Comparison) -> tuple[str, ...]:
    """The sensitive columns that the attacker does not know already."""
    return tuple(column for column in comparison.sensitive if column not in comparison.quasi_identifiers)


def _discos(comparison: Comparison, _: np.random.Generator) -> dict[str, Figure]:
    what = "share of the data's records for which the release shows one value, and it is theirs"
    return _shares(comparison, what, without=False)


def _shares(comparison: Comparison, what: str, *, without: bool) -> dict[str, Figure]:
    shown, columns = comparison.shown, _guessed(comparison)
    if not shown.any():
        return dict.fromkeys(columns, not_estimated(NOBODY_SHOWN))
    people = comparison.people[shown]
    alike = groups(coded(comparison, comparison.quasi_identifiers), comparison.quasi_identifiers)
    hits = {column: _certain(comparison, column, alike, people if without else None) for column in columns}
    if comparison.table == "anonymised":
        return {column: exact(float(hit.mean()), len(hit), what) for column, hit in hits.items()}
    return {column: clustered_share(hit, people, what) for column, hit in hits.items()}


def _certain(comparison: Comparison, column: str, alike: Groups, without: Numbers | None) -> Floats:
    """For which shown rows the release is certain and right; ``without`` the rows of these people."""
    if column in _code_columns(comparison):
        return _certain_of_a_code(comparison, column, alike, without)
    cells = coded(comparison, (column,))
    released, original, _ = np.split(cells.cells[:, 0], np.cumsum(cells.sizes)[:2])
    cast = votes(alike.released, released, alike.count, cells.domain[0])
    quasi, values = alike.original[comparison.shown], original[comparison.shown]
    rows, agreeing = alike.released_sizes()[quasi], cast.of(quasi, values)
    if without is not None:
        both = quasi * cast.domain + values
        rows, agreeing = rows - own_rows(quasi, without), agreeing - own_rows(both, without)
    return np.asarray((agreeing > 0) & (agreeing == rows), dtype=np.float64)


def _code_columns(comparison: Comparison) -> set[str]:
    return {each.name for each in comparison.attributes if each.kind == "codes"}


def _certain_of_a_code(comparison: Comparison, column: str, alike: Groups, without: Numbers | None) -> Floats:
    """The same of sets: some code, which is the person's, is that of every row."""
    released, everybody, _ = code_sets(comparison, column)
    original = everybody.take(np.flatnonzero(comparison.shown))
    members = alike.original[comparison.shown]
    rows, of = alike.released_sizes()[members], original.spread(members)
    cast = votes(released.spread(alike.released), released.codes, alike.count, released.domain)
    agreeing = cast.of(of, original.codes)
    if without is not None:
        rows = rows - own_rows(members, without)
        agreeing = agreeing - own_rows(of * original.domain + original.codes, original.spread(without))
    certain = (agreeing > 0) & (agreeing == original.spread(rows))
    return np.logical_or.reduceat(certain, original.starts[:-1]).astype(np.float64)


def _discos_without(comparison: Comparison, _: np.random.Generator) -> dict[str, Figure]:
    if comparison.table == "anonymised":
        return _shares(comparison, "the same with the person's rows taken out of the release", without=True)
    if comparison.holdout is None or comparison.holdout_people is None or not len(comparison.holdout_people):
        return dict.fromkeys(_guessed(comparison), not_estimated(NOBODY_HELD_OUT))
    return _shares(_as_original(comparison), "the same for held-out people", without=False)


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
    other column. The headline is the column whose gain's upper end is the largest, so it leans upwards.
    Independent columns have nobody's row, so the floor of an anonymised table is exactly 0. It does not
    measure rarer attacks: a gain of 1 % may be all of one small group.
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
    headline = largest(parts[column] for column in _guessed(comparison))
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
