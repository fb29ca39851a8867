"""Risk from an attacker who knows only that somebody of a population is sought, estimated from class sizes.

A class of f sampled people stands for F people of the population, whom such a *journalist* cannot tell apart;
the *marketer* links to the population's register. The model is that of Benedetti and Franconi (NTTS '98), as
mu-Argus and sdcMicro use it: of F people each came into the sample with the probability p = n / N, so that
F - f has a negative binomial distribution: classes of F people are taken to be as frequent as 1 / F, and
where small ones are rarer than that the risk comes out too high. It takes the data for a simple random
sample, which a clinic's patients are not: whoever knows that a person was treated here is the prosecutor,
whatever N is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from risk.figures import NO_RECORDS, Figure
from risk.reidentification.class_sizes import RISK_LEVELS, ClassSizes, IntArray

FloatArray = npt.NDArray[np.float64]

MODEL = "model: negative binomial (Benedetti and Franconi 1998)"
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


def with_population(sizes: ClassSizes, population: int, *, people: int | None = None) -> dict[str, Figure]:
    """Return the journalist's and the marketer's figures by name, for a population of so many people.

    ``people`` are the distinct people of the table; without it they are taken to stand in one class each,
    which can only make the sample, and so the risk, larger than it is. The figures are a model's answers for
    a given N: they have no interval, and none would tell how wrong the model is.

    Raises:
        ValueError: the population is smaller than the sample.
    """
    sampled = int(sizes.people.sum()) if people is None else people
    if population < sampled:
        raise ValueError("a population has at least as many people as the table")
    if not sizes.records:
        return {name: Figure(None, None, None, 0, NO_RECORDS) for name in POPULATION_RISKS}
    risk = expected_risk(sizes.people, sampled / population)
    shares = {level: float(sizes.rows[risk > float(level)].sum()) / sizes.records for level in RISK_LEVELS}
    average = float(np.sort(sizes.rows * risk).sum()) / sizes.records
    given = f"{sampled} of {population} people sampled"
    values = {
        "journalist_max": (float(risk.max()), "E(1 / people of the population) of the smallest class"),
        "journalist_average": (average, "mean over records of E(1 / people of the population)"),
        "marketer": (average, "expected share of records linked to the right person of the population"),
        **{
            f"journalist_records_above_{level}": (
                share,
                f"share of records whose expected risk is above {level}",
            )
            for level, share in shares.items()
        },
    }
    return {
        name: Figure(value, value, value, sizes.records, f"{MODEL}; {given}; {what}")
        for name, (value, what) in values.items()
    }


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
