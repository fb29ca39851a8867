"""Membership inference: can it be told from a release who was in the data?

Several attackers try. Whose attack is reported is decided on some people, and how well it does is measured on
others, so that the best of several is no luckier than one. Each person is attacked by one record drawn of
theirs, which makes the people independent of one another.

Whether records can be said to be of one person is what WP216 calls linkability; that membership inference
measures it for synthetic data: Stadler, Oprisanu and Troncoso (USENIX Security 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.attacks import marks
from risk.attacks.claims import FEWEST, Judged, area, claims, right_claims, separated, wrong_claims
from risk.attacks.matches import with_and_without
from risk.attacks.scores import scores
from risk.attacks.shadows import Refit, shadow_scores
from risk.attacks.targets import AMONG, Targets, split, targets_of
from risk.comparison import Comparison
from risk.figures import Figure, exact, not_estimated, wilson
from risk.results import Attack, Marked

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

RATE = 0.01
"""The share of others that the attacker wrongly claims."""
_TAKEN_OUT = "times the same people with their rows taken out"
ALL_KNOWN = "all_columns_known"
TPR, ISOLATED, AUC = "membership_tpr_1", "membership_tpr_1_isolated", "membership_auc"


@dataclass(frozen=True, slots=True)
class Trial:
    """What the attackers found: scores by attacker and who was attacked; all arrays have shape (targets,).

    ``others`` says in words who those are that are no members.
    """

    scores: Mapping[str, Floats]
    people: Ints
    members: Bools
    reported: Bools
    drawn: Bools
    isolated: Bools
    others: str = "held-out people"


Found = Mapping[str, Figure]
Objective = Callable[[Floats, Trial, Bools], float]


def membership(comparison: Comparison, rng: np.random.Generator, *, refit: Refit | None = None) -> Attack:
    """Return how many members an attacker claims rightly who claims 1 % of others wrongly.

    Parts are the same on the most isolated records (5 % of people, by the distance to their 5th nearest
    record of others; the threshold is that of all), and the area under the ROC curve. A synthetic table is
    tried on people who were held out, and with ``refit`` by shadow models too; there is no figure without.
    An anonymised one is tried on its own people with their rows subtracted from the release: what their rows
    add to it, not what would have been decided without them. Its attacker knows the quasi-identifiers, and in
    parts named ``…all_columns_known`` every value of a person. Marks come from as many as 20,000 records.

    A low figure is no proof: it is that of these attackers.
    """
    if comparison.table == "synthetic" and not _held_out(comparison):
        return _none("needs people who were held out")
    if not comparison.released.height or not comparison.shown.any():
        return _none("the release shows nobody")
    first, again = rng.spawn(2)
    if comparison.table == "anonymised":
        return _of_anonymised(comparison, first, again)
    return _attack(_on_synthetic(comparison, first, again, refit))


def _attack(found: dict[str, Marked]) -> Attack:
    return Attack(TPR, "linkability", found[TPR], {name: found[name] for name in (ISOLATED, AUC)})


def _of_anonymised(comparison: Comparison, first: np.random.Generator, again: np.random.Generator) -> Attack:
    """The headline is for whoever knows the quasi-identifiers; beside it, for whoever knows all there is."""
    everything = _on_anonymised(comparison, *first.spawn(1), *again.spawn(1))
    if not comparison.quasi_identifiers:
        return _attack(everything)
    quasi = comparison.narrowed(comparison.quasi_identifiers)
    attack = _attack(_on_anonymised(quasi, first, again))
    parts = {f"{name}.{ALL_KNOWN}": marked for name, marked in everything.items()}
    return replace(attack, parts={**attack.parts, **parts})


def _none(why: str) -> Attack:
    return _attack({name: Marked(not_estimated(why)) for name in (TPR, ISOLATED, AUC)})


def _held_out(comparison: Comparison) -> bool:
    """Whether enough people were held out to be an attacker's reference and controls."""
    return comparison.holdout_people is not None and len(np.unique(comparison.holdout_people)) >= FEWEST


def _on_synthetic(
    comparison: Comparison, first: np.random.Generator, again: np.random.Generator, refit: Refit | None
) -> dict[str, Marked]:
    known, others = split(comparison, first)
    targets = targets_of(comparison, others, first)
    trial = _tried(comparison, targets, known)
    if refit is not None:
        shadows = _shadows(comparison, targets, refit, first)
        trial = replace(trial, scores={**trial.scores, **shadows})
    small, same = _smaller(comparison, targets, again)
    scenes = {
        "floor": marks.floor(small, again),
        "ceiling": marks.ceiling(small),
        "bootstrap": marks.bootstrap(small, again),
    }
    return _marked(trial, {name: _tried(scene, same, known) for name, scene in scenes.items()})


def _on_anonymised(
    comparison: Comparison, first: np.random.Generator, again: np.random.Generator
) -> dict[str, Marked]:
    """Independent columns hold no row of anybody's, so the floor needs no attack: a claim is a guess."""
    nobody = np.zeros(0, np.int64)
    trial = _left_out(comparison, targets_of(comparison, nobody, first))
    copies = {"ceiling": marks.ceiling(comparison), "bootstrap": marks.bootstrap(comparison, again)}
    scenes = {name: _left_out(copy, targets_of(copy, nobody, again)) for name, copy in copies.items()}
    guess = "independent columns: nobody's row adds to them"
    return {
        name: replace(each, floor=exact(0.5 if name == AUC else RATE, each.figure.n, guess))
        for name, each in _marked(trial, scenes).items()
    }


def _tried(comparison: Comparison, targets: Targets, known: Ints) -> Trial:
    """The attackers on a synthetic table, who hold some rows of the holdout."""
    assert comparison.holdout is not None
    frame = pl.concat(
        [
            comparison.original[targets.rows[targets.members]],
            comparison.holdout[targets.rows[~targets.members]],
        ]
    )
    found = scores(comparison.released, comparison.holdout[known], frame, comparison.attributes)
    people = np.arange(len(targets.rows))
    return Trial(found, people, targets.members, targets.reported, targets.drawn, targets.isolated)


def _shadows(
    comparison: Comparison, targets: Targets, refit: Refit, rng: np.random.Generator
) -> dict[str, Floats]:
    assert comparison.holdout is not None
    frame = pl.concat([comparison.original, comparison.holdout])
    numbers = np.where(targets.members, targets.rows, targets.rows + comparison.original.height)
    return shadow_scores(comparison, frame[numbers], numbers, refit=refit, rng=rng)


def _left_out(comparison: Comparison, targets: Targets) -> Trial:
    """The attackers on an anonymised table, with each person's rows and without."""
    found = with_and_without(comparison, targets.rows)
    count = len(targets.rows)
    return Trial(
        {name: np.concatenate(pair) for name, pair in found.items()},
        people=np.tile(np.arange(count), 2),
        members=np.arange(2 * count) < count,
        reported=np.tile(targets.reported, 2),
        drawn=np.tile(targets.drawn, 2),
        isolated=np.tile(targets.isolated, 2),
        others=_TAKEN_OUT,
    )


def _smaller(
    comparison: Comparison, targets: Targets, rng: np.random.Generator
) -> tuple[Comparison, Targets]:
    """The comparison with up to 20,000 of the people's rows, the targets' first, and the targets in it."""
    aims = targets.rows[targets.members]
    others = np.setdiff1d(np.flatnonzero(comparison.shown), aims)
    kept = np.concatenate([aims, rng.permutation(others)[: max(0, AMONG - len(aims))]])
    rows = targets.rows.copy()
    rows[targets.members] = np.arange(len(aims))
    released = rng.permutation(comparison.released.height)[: len(kept)]
    small = replace(
        comparison,
        released=comparison.released[released],
        original=comparison.original[kept],
        base=comparison.base[kept],
        people=comparison.people[kept],
        shown=comparison.shown[kept],
    )
    return small, replace(targets, rows=rows)


def _marked(trial: Trial, scenes: Mapping[str, Trial]) -> dict[str, Marked]:
    figures, controls = measured(trial), _controls(trial)
    found = {scene: measured(each) for scene, each in scenes.items()}
    return {
        name: Marked(figure, controls[name], **{scene: each[name] for scene, each in found.items()})
        for name, figure in figures.items()
    }


def measured(trial: Trial) -> dict[str, Figure]:
    """Return the figures by name: the attack is chosen on those not reported, and measured on the others."""
    members, controls = (trial.reported & trial.drawn & each for each in (trial.members, ~trial.members))
    lonely = trial.reported & trial.isolated & trial.members
    best, for_isolated, parting = (chosen(trial, by) for by in (_claimed, _claimed_isolated, _parted))
    rate = f"true positives at {RATE:.0%} false positives"
    against = f"{controls.sum():,} {trial.others}"
    of_isolated = f"{rate}, on the most isolated 5 % of people"

    def judged(attack: str, members: Bools) -> Judged:
        return Judged(trial.scores[attack], members, controls, trial.people)

    return {
        TPR: right_claims(judged(best, members), rate=RATE, what=_words(rate, best, against)),
        ISOLATED: right_claims(
            judged(for_isolated, lonely), rate=RATE, what=_words(of_isolated, for_isolated, against)
        ),
        AUC: separated(judged(parting, members), what=_words("area under the ROC curve", parting, against)),
    }


def _words(what: str, attack: str, against: str) -> str:
    chosen_so = f"by the attack '{attack}', chosen on other people"
    return f"{what} {chosen_so}; against {against}, equal scores decided by a coin"


def chosen(trial: Trial, objective: Objective) -> str:
    """Return the attack that does best by ``objective`` on the people who are not reported; of equal ones the
    first by the area under the ROC curve."""
    part = ~trial.reported

    def worth(name: str) -> tuple[float, float]:
        return objective(trial.scores[name], trial, part), _parted(trial.scores[name], trial, part)

    return max(trial.scores, key=worth)


def _claimed(found: Floats, trial: Trial, part: Bools) -> float:
    return _mean_claims(found, part & trial.drawn & trial.members, part & trial.drawn & ~trial.members)


def _claimed_isolated(found: Floats, trial: Trial, part: Bools) -> float:
    """How much oftener isolated members are claimed than isolated others: some scores favour the lonely."""
    controls = part & trial.drawn & ~trial.members
    wrong = wrong_claims(found[controls & trial.isolated], found[controls], RATE)
    others = float(wrong.mean()) if len(wrong) else 0.0
    return _mean_claims(found, part & trial.isolated & trial.members, controls) - others


def _parted(found: Floats, trial: Trial, part: Bools) -> float:
    members, controls = (part & trial.drawn & each for each in (trial.members, ~trial.members))
    return area(found[members], found[controls]) if members.any() and controls.any() else 0.5


def _mean_claims(found: Floats, members: Bools, controls: Bools) -> float:
    if not members.any() or not controls.any():
        return 0.0
    return float(claims(found[members], found[controls], RATE).mean())


def _controls(trial: Trial) -> dict[str, Figure]:
    """How often others are claimed: by the threshold's making, but for the isolated ones, who are counted."""
    judged = trial.reported & trial.drawn & ~trial.members
    lonely = judged & trial.isolated
    found = trial.scores[chosen(trial, _claimed_isolated)]
    n = int(judged.sum())
    wrong = wrong_claims(found[lonely], found[judged], RATE)
    return {
        TPR: exact(RATE, n, "the rate of wrong claims that the attacker allows"),
        ISOLATED: _rate(wrong, "wrong claims among isolated others, at that threshold"),
        AUC: exact(0.5, n, "an attacker who guesses"),
    }


def _rate(wrong: Floats, what: str) -> Figure:
    if not len(wrong):
        return not_estimated("none of the others is isolated")
    low, high = wilson(float(wrong.sum()), len(wrong))
    return Figure(float(wrong.mean()), low, high, len(wrong), f"{what}; Wilson interval, 95 %")
