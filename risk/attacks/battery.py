"""All attacks on one table."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from risk.attacks.closest import closest_records
from risk.attacks.copies import copies
from risk.attacks.extremes import copied_extremes, copied_rare
from risk.attacks.inference import attribute_inference, disclosive_and_correct
from risk.attacks.linkage import linkage
from risk.attacks.membership import membership
from risk.attacks.shadows import Refit
from risk.attacks.singling_out import predicates, replicated_uniques
from risk.comparison import Comparison
from risk.figures import SEED, not_estimated
from risk.results import Attack, Marked

Effort = Literal["quick", "full"]
_OF_QUASI_IDENTIFIERS = frozenset({"singling_out", "rep_u", "linkage"})
"""The attacks that look at nothing else, but for the parts named below."""
_OF_EVERYTHING = frozenset({("singling_out", "all_attributes")})


def attack(comparison: Comparison, effort: Effort, *, refit: Refit | None = None) -> tuple[Attack, ...]:
    """Return what each attack gains.

    ``quick`` asks for combinations of up to three attributes and refits nothing; ``full`` asks for four, and
    for attacks with models fitted again by ``refit``, where there is one. A figure that needs a column in
    which nobody can be found is not estimated.
    """
    found = _attacks(comparison, effort, refit)
    return tuple(_understood(comparison, each) for each in found) if comparison.unaligned else found


def _attacks(comparison: Comparison, effort: Effort, refit: Refit | None) -> tuple[Attack, ...]:
    rng = np.random.default_rng(SEED)
    largest = 3 if effort == "quick" else 4
    diagnostic = (closest_records(comparison, rng),) if comparison.table == "synthetic" else ()
    return (
        predicates(comparison, rng, largest=largest),
        replicated_uniques(comparison, rng),
        *copies(comparison, rng),
        copied_extremes(comparison, rng),
        copied_rare(comparison, rng),
        linkage(comparison, rng),
        membership(comparison, rng, refit=refit if effort == "full" else None),
        attribute_inference(comparison, rng),
        disclosive_and_correct(comparison, rng),
        *diagnostic,
    )


def _understood(comparison: Comparison, attack: Attack) -> Attack:
    """The attack without what rests on columns that are unaligned: nobody found in them is not 0."""
    parts = {name: _checked(comparison, attack.name, name, marks) for name, marks in attack.parts.items()}
    return replace(attack, headline=_checked(comparison, attack.name, "", attack.headline), parts=parts)


def _checked(comparison: Comparison, attack: str, part: str, marks: Marked) -> Marked:
    known = set(comparison.quasi_identifiers)
    if not known or attack not in _OF_QUASI_IDENTIFIERS or (attack, part) in _OF_EVERYTHING:
        known = {each.name for each in comparison.attributes}
    lost = len(known & set(comparison.unaligned))
    if not lost:
        return marks
    shown = "column shows" if lost == 1 else "columns show"
    return Marked(not_estimated(f"what {lost} {shown} was not found in the original", marks.figure.n))
