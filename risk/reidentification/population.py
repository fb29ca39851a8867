"""Risk from an attacker who knows only that somebody of a population is sought, estimated from class sizes.

A class of f sampled people stands for F people of the population, whom such a *journalist* cannot tell apart;
the *marketer* links to the population's register. The model is that of Benedetti and Franconi (NTTS '98), as
mu-Argus and sdcMicro use it: of F people each came into the sample with the probability p = n / N, so that
F - f has a negative binomial distribution.

That takes classes of F people to be as frequent as 1 / F. Where most people are alone in the population, as
on many quasi-identifiers, those who are alone in the table have many times the risk that the model gives
them; of classes of five and more the data themselves tell (docs/risk.md has measurements). And it takes the
data for a simple random sample, which a clinic's patients are not: whoever knows that a person was treated
here is the prosecutor, whatever N is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from risk.figures import CONFIDENCE, NO_RECORDS, Figure
from risk.reidentification.class_sizes import RISK_LEVELS, ClassSizes, IntArray

FloatArray = npt.NDArray[np.float64]

MODEL = "model: negative binomial (Benedetti and Franconi 1998)"
BORNE_OUT = 5
"""Classes of so many people tell of their population, whatever was taken for granted about it."""
_INTERVAL = f"interval: the model's 95 %, up to the prosecutor's risk for classes below {BORNE_OUT} people"
_BY_RECURRENCE = 64
"""Classes up to this size are computed one from the other; beyond it a series converges in few terms."""
_TERMS = 64


def expected_risk(people: IntArray, fraction: float) -> FloatArray:
    """Return E(1 / F | f) for each class of ``people`` f, shape (classes,), sampled with ``fraction`` p.

    That is (p / f) 2F1(1, 1; f + 1; 1 - p), by Euler's transformation of the form which Polettini (Some
    remarks on the individual risk methodology, 2003) has: every term is positive. It is 1 / f where everybody
    was sampled.

    Raises:
        ValueError: the fraction does not lie above 0 and up to 1, or a class is empty.
    """
    if not 0 < fraction <= 1 or np.any(people < 1):
        raise ValueError("a sampling fraction lies above 0 and up to 1, and a class holds somebody")
    sizes, places = np.unique(people, return_inverse=True)
    if fraction >= 0.5:
        return _by_series(sizes, fraction)[places]
    small = sizes[sizes <= _BY_RECURRENCE]
    found = [_by_recurrence(fraction)[small - 1], _by_series(sizes[len(small) :], fraction)]
    return np.concatenate(found)[places]


def risk_interval(people: IntArray, fraction: float, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Return between which values 1 / F lies for each class, shape (classes,) each.

    The ends are quantiles of the model, which are Clopper and Pearson's bounds as well: of fewer people the
    class would hardly have had f sampled. For classes below ``BORNE_OUT`` people the upper end is the
    prosecutor's 1 / f, since there the answer is what the model took for granted, not what the data say.
    """
    from scipy.stats import nbinom

    sizes, places = np.unique(people, return_inverse=True)
    if fraction == 1:
        return 1 / people, 1 / people
    fewest = sizes + nbinom.ppf((1 - confidence) / 2, sizes, fraction)
    most = sizes + nbinom.ppf((1 + confidence) / 2, sizes, fraction)
    high = np.where(sizes < BORNE_OUT, 1 / sizes, 1 / fewest)
    return (1 / most)[places], high[places]


def with_population(sizes: ClassSizes, population: int, *, people: int | None = None) -> dict[str, Figure]:
    """Return the journalist's and the marketer's figures by name, for a population of so many people.

    ``people`` are those who were sampled, in suppressed classes too; without it everybody in a class of the
    table, and somebody in several classes counts in each, which can only make the risk larger. The ends of
    an interval are those of all classes together; of the largest risk it holds for all of them at once.

    Raises:
        ValueError: the population is smaller than the sample.
    """
    sampled = int(sizes.people.sum()) if people is None else people
    if population < sampled:
        raise ValueError("a population has at least as many people as the table")
    if not sizes.records:
        return {name: Figure(None, None, None, 0, NO_RECORDS) for name in POPULATION_RISKS}
    fraction = sampled / population
    low, high = risk_interval(sizes.people, fraction, CONFIDENCE)
    risk = expected_risk(sizes.people, fraction)
    # where next to everybody was sampled, both quantiles may be f, and the mean is none of them
    low, high = np.minimum(low, risk), np.maximum(high, risk)
    at_once = risk_interval(sizes.people, fraction, 1 - (1 - CONFIDENCE) / sizes.classes)[1]
    average = _Ends(*(float(np.sort(sizes.rows * each).sum()) / sizes.records for each in (risk, low, high)))
    told = f"{MODEL}; {sampled} of {population} people sampled"
    figures = {
        "journalist_max": (
            _Ends(float(risk.max()), float(low.max()), float(at_once.max())),
            "E(1 / people of the population) of the smallest class",
        ),
        "journalist_average": (average, "mean over records of E(1 / people of the population)"),
        "marketer": (average, "expected share of records linked to the right person of the population"),
        **{
            f"journalist_records_above_{level}": (
                _Ends(*(_above(sizes, each, level) for each in (risk, low, high))),
                f"share of records whose expected risk is above {level}",
            )
            for level in RISK_LEVELS
        },
    }
    return {
        name: Figure(ends.value, ends.low, ends.high, sizes.records, f"{told}; {what}; {_INTERVAL}")
        for name, (ends, what) in figures.items()
    }


class _Ends(NamedTuple):
    value: float
    low: float
    high: float


def _above(sizes: ClassSizes, risk: FloatArray, level: str) -> float:
    return float(sizes.rows[risk > float(level)].sum()) / sizes.records


POPULATION_RISKS = (
    *("journalist_max", "journalist_average", "marketer"),
    *(f"journalist_records_above_{level}" for level in RISK_LEVELS),
)
"""The figures that a population's size changes or adds."""


def _by_recurrence(p: float) -> FloatArray:
    """The risks of classes of 1, 2, … people, for ``p`` below a half.

    With I_f the integral of p u^(f-1) / (p + (1-p) u) over 0 < u < 1, which is the risk, I_(f+1) is
    (1 / f - I_f) p / (1 - p): an error shrinks from step to step, and nothing cancels out.
    """
    odds = p / (1 - p)
    risks = [-odds * float(np.log(p))]
    for size in range(1, _BY_RECURRENCE):
        risks.append(odds * (1 / size - risks[-1]))
    return np.array(risks)


def _by_series(sizes: IntArray, p: float) -> FloatArray:
    """The risks of classes of ``sizes``: the sum of k! (1-p)^k / ((f+1) … (f+k)), times p / f."""
    term = np.ones(len(sizes))
    total = term.copy()
    for k in range(_TERMS):
        term = term * (k + 1) * (1 - p) / (sizes + k + 1)
        total += term
    return np.asarray(total * p / sizes, dtype=np.float64)
