"""How many people who are alone in their class are alone in the population too, estimated by four models.

The estimators are those of the criterion on population uniqueness (``anonymizer.judging.uniqueness``, from
Dankar, El Emam, Neisa and Roffey, BMC Medical Informatics and Decision Making 12:66, 2012).
docs/risk.md shows how far they were off on samples of known populations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from anonymizer.judging.uniqueness import Sample, estimate, pitman, slide_negative_binomial, zayatz
from risk.figures import NO_RECORDS, Figure, exact, not_estimated
from risk.reidentification.class_sizes import ClassSizes

_PREFIX = "population_uniqueness_"
_NO_POPULATION = "needs the population's size (risk.population)"
_NO_SOLUTION = "the model has no solution for these class sizes"
_WHAT = "share of people estimated to be unique in the population"


def _zayatz(sample: Sample) -> tuple[float | None, str]:
    return zayatz(sample), "Zayatz 1991"


def _pitman(sample: Sample) -> tuple[float | None, str]:
    return pitman(sample), "Pitman's sampling formula (Hoshino 2001)"


def _snb(sample: Sample) -> tuple[float | None, str]:
    return slide_negative_binomial(sample), "slide negative binomial (Chen and Keller-McNulty 1998)"


def _dankar(sample: Sample) -> tuple[float | None, str]:
    chosen = estimate(sample)
    return chosen.uniques, f"the rule of Dankar et al. 2012, which takes {chosen.model}"


MODELS: Mapping[str, Callable[[Sample], tuple[float | None, str]]] = {
    "zayatz": _zayatz,
    "pitman": _pitman,
    "snb": _snb,
    "dankar": _dankar,
}
"""The people unique in the population by model, None where it has no solution, and the model's name."""


def population_uniqueness(
    sizes: ClassSizes,
    *,
    population: int | None = None,
    fraction: Fraction | None = None,
    people: int | None = None,
) -> dict[str, Figure]:
    """Return ``sample_uniqueness`` and ``population_uniqueness_<model>``, shares of the table's people.

    The population is told by its size or by the sampling fraction; ``people`` are those who were sampled, by
    default everybody in a class. An estimate lies between nobody and everybody who is alone in the table,
    which is all that is certain about it: that is its interval. Where a model says more than that (its
    estimate is of a table that another draw may give) the estimate is the upper bound itself, and it is told.

    Raises:
        ValueError: the population is smaller than the table.
    """
    counted = int(sizes.people.sum())
    people = counted if people is None else people
    if not counted:
        return {name: Figure(None, None, None, 0, NO_RECORDS) for name in ("sample_uniqueness", *_names())}
    alone = int((sizes.people == 1).sum()) / counted
    found = {"sample_uniqueness": exact(alone, counted, "share of people who are alone in their class")}
    if population is not None:
        fraction = Fraction(people, population)
    if fraction is None:
        return found | {name: not_estimated(_NO_POPULATION, people) for name in _names()}
    sample = Sample.of(sizes.people, fraction)
    return found | {f"{_PREFIX}{name}": _figure(sample, alone, name) for name in MODELS}


def _names() -> tuple[str, ...]:
    return tuple(f"{_PREFIX}{name}" for name in MODELS)


def _figure(sample: Sample, alone: float, model: str) -> Figure:
    if not alone:
        return exact(0.0, sample.people, "nobody is alone in a class of the table")
    uniques, told = MODELS[model](sample)
    if uniques is None:
        return not_estimated(f"{_NO_SOLUTION}; {told}", sample.people)
    share = uniques / sample.population
    upper = "all who are alone in the table"
    if share > alone:
        upper = f"the estimate itself, which exceeds {upper}"
    method = f"model: {told}; {_WHAT}; its bounds: none, and {upper}"
    return Figure(share, 0.0, max(alone, share), sample.people, method)
