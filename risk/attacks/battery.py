"""All attacks on one table."""

from __future__ import annotations

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
from risk.results import Attack

Effort = Literal["quick", "full"]
_SEED = 20261122
"""Of the attacker's dice: the same release is attacked in the same way each time."""


def attack(comparison: Comparison, effort: Effort, *, refit: Refit | None = None) -> tuple[Attack, ...]:
    """Return what each attack gains.

    ``quick`` asks for combinations of up to three attributes and refits nothing; ``full`` asks for four, and
    for attacks with models fitted again by ``refit``, where there is one.
    """
    rng = np.random.default_rng(_SEED)
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
