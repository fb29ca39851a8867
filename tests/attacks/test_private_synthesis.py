"""Whoever sees all that the private method learns of a table tries to tell whether one person was in it.

Two tables that differ by one person are measured again and again, by the method as it is released and by
broken ones. The attacker knows both tables, every scale of noise and the Gaussian likelihood ratio of all the
noisy counts, which is the best test there is. From how often the attack is right, with exact confidence
bounds (Clopper and Pearson), follows how large epsilon must be at least: by the definition alone, and more
tightly along the trade-off curve of Gaussian noise (Nasr et al., "Tight auditing of differentially private
machine learning", USENIX Security 2023). What is as private as it says must stay below its epsilon; each of
the broken ones must be found out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import beta, norm

from anonymizer.private.exponential_mechanism import SystemChance
from synth.axes import Axis, Coded, Floats, Ints
from synth.methods.dp_accounting import Demand, Ledger, choice_epsilon
from synth.methods.dp_measuring import Measurements, measure
from synth.methods.dp_noise import Noise, system_noise

pytest.importorskip("opendp", reason="OpenDP, of the extra [dp], draws the noise")

RUNS = 800
CLAIM = Demand(epsilon=3.0, delta=0.01, rows_per_person=2)
RHO = CLAIM.rho
WRONG = 1e-6
"""How often a bound may be wrong: a test that fails without a fault would be a nuisance."""
AXES = tuple(Axis(name, 2, np.full(2, np.nan)) for name in ("smoker", "infarct"))
TARGET = (0, 1)
OTHERS = np.repeat([[0, 0], [1, 1], [1, 0]], [40, 40, 10], axis=0)
Method = Callable[[], Noise]


def table(*, with_target: bool) -> Coded:
    """Ninety people with a row each; the target has six, all in a cell where nobody else is."""
    rows = [TARGET] * 6 if with_target else []
    codes = np.array([*OTHERS.tolist(), *rows], np.int32)
    return Coded(codes, AXES, np.array([*range(len(OTHERS)), *[10_000] * len(rows)]))


def sound() -> Noise:
    return system_noise(Ledger(RHO), CLAIM.rows_per_person)


def halved() -> Noise:
    """Noise of half the scale, under the same claim."""
    noise = sound()

    def half(counts: Ints, *, scale: float, rows: int, rho: float) -> Ints:
        return noise.gaussian(counts, scale=scale / 2, rows=rows, rho=4.01 * rho)

    return replace(noise, gaussian=half)


def log_ratio(found: Measurements, moved: int) -> float:
    """The log likelihood ratio of the noisy counts, with ``moved`` rows of the target against without."""
    binned = np.stack([bins.of_code[OTHERS[:, at]] for at, bins in enumerate(found.bins)], axis=1)
    own = [bins.of_code[TARGET[at]] for at, bins in enumerate(found.bins)]
    total = 0.0
    for each in found.measured:
        clique = found.tree[each.clique]
        members = [clique.child] if each.is_child else list(clique.members)
        cell = tuple(own[member] for member in members)
        before = int((binned[:, members] == np.array(cell)).all(axis=1).sum())
        total += (moved * (each.counts[cell] - before) - moved**2 / 2) / each.variance[cell]
    return float(total)


def attacked(method: Method, *, moved: int = 2, runs: int = RUNS) -> tuple[Floats, Floats]:
    """The attacker's log likelihood ratios without and with the target, shape (runs,) each."""
    return tuple(  # type: ignore[return-value]
        np.array([log_ratio(measure(coded, method()), moved) for _ in range(runs)])
        for coded in (table(with_target=False), table(with_target=True))
    )


def bounds(hits: int, runs: int) -> tuple[float, float]:
    """Lower and upper confidence bound of a probability (Clopper and Pearson 1934)."""
    low = float(beta.ppf(WRONG, hits, runs - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - WRONG, hits + 1, runs - hits)) if hits < runs else 1.0
    return low, high


def epsilon_by_definition(without: Floats, given: Floats, delta: float) -> float:
    """A lower bound of epsilon, from P(S | with) <= e^epsilon P(S | without) + delta for a fixed set S."""
    right, _ = bounds(int((given > 0).sum()), len(given))
    _, wrong = bounds(int((without > 0).sum()), len(without))
    return log((right - delta) / wrong) if right > delta else 0.0


def epsilon_by_gauss(without: Floats, given: Floats, delta: float) -> float:
    """A lower bound of epsilon for noise that is Gaussian: of the shift mu, and what it is worth at delta."""
    right, _ = bounds(int((given > 0).sum()), len(given))
    _, wrong = bounds(int((without > 0).sum()), len(without))
    shift = float(norm.ppf(right) - norm.ppf(wrong))
    return _epsilon_of(shift, delta) if shift > 0 else 0.0


def _epsilon_of(shift: float, delta: float) -> float:
    """Dong, Roth and Su, "Gaussian differential privacy", 2022: mu-GDP as (epsilon, delta)."""

    def excess(epsilon: float) -> float:
        upper = norm.cdf(-epsilon / shift + shift / 2)
        return float(upper - exp(epsilon) * norm.cdf(-epsilon / shift - shift / 2) - delta)

    return float(brentq(excess, 0, 50)) if excess(0) > 0 else 0.0


def test_the_released_method_is_as_private_as_it_says() -> None:
    without, given = attacked(sound, runs=1_000)
    assert epsilon_by_definition(without, given, CLAIM.delta) <= CLAIM.epsilon
    assert 0.1 < epsilon_by_gauss(without, given, CLAIM.delta) <= CLAIM.epsilon


def test_the_same_attack_finds_half_the_noise_out() -> None:
    without, given = attacked(halved, runs=1_500)
    assert epsilon_by_gauss(without, given, CLAIM.delta) > CLAIM.epsilon


def test_the_same_attack_finds_out_who_takes_part_with_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_rows(people: Ints, most: int) -> Ints:
        return np.arange(len(people))

    monkeypatch.setattr("synth.methods.dp_measuring.rows_kept", all_rows)
    without, given = attacked(sound, moved=6, runs=400)
    assert epsilon_by_gauss(without, given, CLAIM.delta) > CLAIM.epsilon


def test_counts_without_noise_are_found_out_by_the_definition_alone() -> None:
    def silent(counts: Ints, *, scale: float, rows: int, rho: float) -> Ints:
        return counts.copy()

    without, given = attacked(lambda: Noise(Ledger(RHO), 2, silent, SystemChance()))
    assert epsilon_by_definition(without, given, CLAIM.delta) > CLAIM.epsilon


@pytest.mark.parametrize(("moved", "is_found_out"), [(1, False), (4, True)])
def test_choices_are_as_private_as_they_say(moved: int, is_found_out: bool) -> None:
    """The target's rows move one score up and the other down; ``moved`` times as far as the claim says."""
    rho, runs, rows = 0.3, 4_000, 2
    scores = {False: [10, 10], True: [10 + rows * moved, 10 - rows * moved]}

    def chosen(is_in: bool) -> int:
        noise = system_noise(Ledger(rho * runs), rows)
        found = [noise.choice(scores[is_in], moved=1, rho=rho, purpose="choice") for _ in range(runs)]
        return found.count(0)

    right, _ = bounds(chosen(True), runs)
    _, wrong = bounds(chosen(False), runs)
    # The other choice is told apart as well: with the target it becomes rarer.
    least = max(log(right / wrong), log((1 - wrong) / max(1e-9, 1 - right)))
    assert (least > choice_epsilon(rho)) is is_found_out
