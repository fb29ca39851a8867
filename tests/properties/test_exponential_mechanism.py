"""The exponential mechanism's exact law, by following every way its coins can fall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.private.exponential_mechanism import SystemChance, choose

NEGLIGIBLE = Fraction(1, 10**30)
CLOSE = Fraction(1, 10**20)


class _Again(Exception):
    """A second candidate is asked for: the first one was turned down."""


class _Unlikely(Exception):
    """What would follow has next to no probability."""


@dataclass
class Scripted:
    """Follows the choices in ``script`` and then the first branch of each; remembers the branches it left."""

    script: Sequence[int]
    taken: list[int] = field(default_factory=list)
    ways: list[int] = field(default_factory=list)
    probability: Fraction = Fraction(1)
    rounds: int = 0

    def below(self, count: int) -> int:
        self.rounds += 1
        if self.rounds > 1:
            raise _Again
        return self._branch([Fraction(1, count)] * count)

    def coin(self, probability: Fraction) -> bool:
        return self._branch([1 - probability, probability]) == 1

    def _branch(self, probabilities: Sequence[Fraction]) -> int:
        way = self.script[len(self.taken)] if len(self.taken) < len(self.script) else 0
        self.taken.append(way)
        self.ways.append(len(probabilities))
        self.probability *= probabilities[way]
        if self.probability < NEGLIGIBLE:
            raise _Unlikely
        return way


def first_round(decide: Callable[[Scripted], int]) -> dict[int, Fraction]:
    """The probability that each position is chosen in the first round."""
    law: dict[int, Fraction] = {}
    waiting: list[tuple[int, ...]] = [()]
    while waiting:
        chance = Scripted(waiting.pop())
        try:
            chosen = decide(chance)
            law[chosen] = law.get(chosen, Fraction(0)) + chance.probability
        except (_Again, _Unlikely):
            pass
        for at in range(len(chance.script), len(chance.taken)):
            waiting += [(*chance.taken[:at], way) for way in range(1, chance.ways[at])]
    return law


def law(scores: Sequence[int], epsilon: Fraction, sensitivity: int) -> list[Fraction]:
    """The probability of each position: what a round gives, given that it gives something."""
    found = first_round(
        lambda chance: choose(scores, epsilon=epsilon, sensitivity=sensitivity, chance=chance)
    )
    kept = sum(found.values())
    return [found.get(position, Fraction(0)) / kept for position in range(len(scores))]


def exponential(scores: Sequence[int], epsilon: Fraction, sensitivity: int) -> list[Fraction]:
    """exp(epsilon score / (2 sensitivity)), over the sum, to sixty digits."""
    rate = epsilon / (2 * sensitivity)
    with localcontext(prec=60):
        weights = [Decimal((rate * s).numerator) / Decimal((rate * s).denominator) for s in scores]
        powers = [Fraction(weight.exp()) for weight in weights]
    return [power / sum(powers) for power in powers]


SCORES = st.lists(st.integers(-4, 4), min_size=1, max_size=4)
EPSILON = st.fractions(min_value=Fraction(1, 10), max_value=2, max_denominator=10)


@settings(max_examples=25, deadline=None)
@given(SCORES, EPSILON, st.integers(1, 3))
def test_the_probabilities_are_exponential_in_the_scores(
    scores: list[int], epsilon: Fraction, sensitivity: int
) -> None:
    ours, exact = law(scores, epsilon, sensitivity), exponential(scores, epsilon, sensitivity)
    assert all(abs(p - q) < CLOSE for p, q in zip(ours, exact, strict=True))


@settings(max_examples=25, deadline=None)
@given(SCORES, st.data(), EPSILON)
def test_scores_that_move_by_the_sensitivity_change_no_probability_by_more_than_epsilon(
    scores: list[int], data: st.DataObject, epsilon: Fraction
) -> None:
    moved = [score + data.draw(st.integers(-2, 2)) for score in scores]
    with localcontext(prec=60):
        growth = Fraction((Decimal(epsilon.numerator) / Decimal(epsilon.denominator)).exp())
    pairs = zip(law(scores, epsilon, 2), law(moved, epsilon, 2), strict=True)
    assert all(p <= growth * q * (1 + CLOSE) for p, q in pairs)


def test_the_operating_systems_chance_stays_in_its_bounds() -> None:
    chance = SystemChance()
    assert {chance.below(3) for _ in range(200)} == {0, 1, 2}
    assert not any(chance.coin(Fraction(0)) for _ in range(50))
    assert all(chance.coin(Fraction(1)) for _ in range(50))
    assert {chance.coin(Fraction(1, 2)) for _ in range(200)} == {True, False}


def test_a_score_far_below_the_best_is_never_seen() -> None:
    scores = [0, 10**9, 10**9 - 1]
    chosen = {choose(scores, epsilon=Fraction(1), sensitivity=1, chance=SystemChance()) for _ in range(100)}
    assert chosen == {1, 2}
