"""Privacy criteria in the words of a report (English): what each asks, what was found, what stays open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import ceil, exp, inf
from typing import Literal, NamedTuple

from anonymizer.criteria import (
    AverageRisk,
    BetaLikeness,
    DeltaDisclosure,
    DeltaPresence,
    DistinctLDiversity,
    EntropyLDiversity,
    KAnonymity,
    KMAnonymity,
    KMap,
    MaxRisk,
    PopulationUniqueness,
    RecursiveCLDiversity,
    SampleUniqueness,
    TCloseness,
)
from anonymizer.private.differential_privacy import DifferentialPrivacy
from anonymizer.tables.table import EVENTS
from risk.facts import CriterionResult
from risk.reports.wording import plain


class Words(NamedTuple):
    """A criterion's name, its demand as a claim, and the figure found, as formats.

    The formats may name a parameter, ``column``, ``found`` and whatever ``_more`` adds. ``limit`` names the
    parameter that the figure is held against, and ``rule`` says how.
    """

    title: str
    asked: str
    found: str
    limit: str
    rule: Literal[">=", "<=", "<"]


_OF_EVENTS = f"{KMAnonymity.name} of events"
_AMONG_EVENTS = f"{DistinctLDiversity.name} of events"
"""Criteria where linked tables' events are known: said in other words."""

_WORDS: Mapping[str, Words] = {
    KAnonymity.name: Words(
        "{k}-anonymity",
        "every class holds at least {k} people",
        "the smallest class holds {found}",
        "k",
        ">=",
    ),
    DifferentialPrivacy.name: Words(
        "({epsilon}, {delta})-differential privacy",
        "with or without any one person, any result is at most {times} times as likely (e to the power of "
        "{epsilon}), but for a probability of {delta}",
        "",
        "",
        ">=",
    ),
    MaxRisk.name: Words(
        "risk of at most {limit} for anybody",
        "nobody’s re-identification risk, one over the people of the class, is above {limit}",
        "the highest risk is {found}",
        "limit",
        "<=",
    ),
    KMap.name: Words(
        "{k}-map",
        "every class matches at least {k} people of the population{estimated}",
        "the smallest class holds {found} of the release",
        "",
        ">=",
    ),
    KMAnonymity.name: Words(
        "({k}, {k}^{m})-anonymity of {column}",
        "whoever knows somebody’s quasi-identifiers and up to {m} codes in the {column} of one row finds at "
        "least {k} people who share them{repaired}",
        "the fewest people who share them are {found}",
        "k",
        ">=",
    ),
    _OF_EVENTS: Words(
        "({k}, {k}^{m})-anonymity of events",
        "whoever knows a person’s quasi-identifiers and {known} finds at least {k} people who match"
        "{repaired}",
        "the fewest who match are {found}",
        "k",
        ">=",
    ),
    _AMONG_EVENTS: Words(
        "distinct {l}-diversity of {column}",
        "whoever knows a person’s quasi-identifiers and {known} finds at least {l} different values of "
        "{column} among the people who match",
        "the fewest values among those who match are {found}",
        "l",
        ">=",
    ),
    DeltaPresence.name: Words(
        "({lower}, {upper})-presence",
        "of the people of the population who fit a class, a share from {lower} to {upper} is in the input",
        "the largest share is {found}",
        "upper",
        "<=",
    ),
    AverageRisk.name: Words(
        "mean risk of at most {limit}",
        "the mean re-identification risk of the people released, classes over people, is at most {limit}",
        "it is {found}",
        "limit",
        "<=",
    ),
    SampleUniqueness.name: Words(
        "at most the share {limit} alone in their class",
        "at most the share {limit} of the people released are alone in their class",
        "the share is {found}",
        "limit",
        "<=",
    ),
    PopulationUniqueness.name: Words(
        "at most the share {limit} unique in the population",
        "at most the share {limit} of the people released are estimated to be unique in the population, "
        "taking them for a random sample of the share {sampling_fraction} of it (a model’s estimate)",
        "the share is {found}",
        "limit",
        "<=",
    ),
    DistinctLDiversity.name: Words(
        "distinct {l}-diversity of {column}",
        "every class holds at least {l} different values of {column}",
        "the least diverse class holds {found}",
        "l",
        ">=",
    ),
    EntropyLDiversity.name: Words(
        "entropy {l}-diversity of {column}",
        "every class is at least as diverse in {column} as {l} equally frequent values would be (its entropy "
        "is at least ln {l})",
        "the least diverse class is as diverse as {found} equally frequent values",
        "l",
        ">=",
    ),
    RecursiveCLDiversity.name: Words(
        "recursive ({c}, {l})-diversity of {column}",
        "in every class the most frequent value of {column} is rarer than {c} times {others} together",
        "where it is most frequent, it is {found} times as frequent as those together",
        "c",
        "<",
    ),
    TCloseness.name: Words(
        "{t}-closeness of {column}, {distance} distance",
        "to turn the values of {column} in any class into those of the whole input, at most the share {t} "
        "has to move{apart} (earth mover’s distance)",
        "the farthest class lies {found} away",
        "t",
        "<=",
    ),
    DeltaDisclosure.name: Words(
        "{delta}-disclosure privacy of {column}",
        "in every class each value of {column} that the input holds has less than {times} times, and more "
        "than 1/{times} of, its share in the whole input (|ln(p / q)| < {delta})",
        "the largest |ln(p / q)| is {found}",
        "delta",
        "<",
    ),
    BetaLikeness.name: Words(
        "{kind} {beta}-likeness of {column}",
        "no class makes a value of {column} more than {times} times as frequent as it is in the whole input"
        "{cap}",
        "the largest gain is {found}",
        "beta",
        "<=",
    ),
}
_APART = {
    "equal": "",
    "ordered": " from one end of the order to the other, shorter moves counting in proportion",
    "hierarchical": ", moves counting the more, the higher up in the hierarchy the two values meet",
}
_SLACK = 1e-9
"""What floats may be off: the verifier has decided exactly, this is a second look."""


def of_linked_tables(criteria: Iterable[CriterionResult], m: int) -> tuple[CriterionResult, ...]:
    """Return the criteria of a release of linked tables, in whose words ``m`` kinds of events are known."""
    return tuple(_of_events(each, m) for each in criteria)


def _of_events(criterion: CriterionResult, m: int) -> CriterionResult:
    if (criterion.name, criterion.column) == (KMAnonymity.name, EVENTS):
        return replace(criterion, name=_OF_EVENTS, column=None)
    if criterion.name == DistinctLDiversity.name:
        return replace(criterion, name=_AMONG_EVENTS, parameters={**criterion.parameters, "m": m})
    return criterion


def asked(criterion: CriterionResult) -> str:
    """Return what a criterion demands, as a claim about every class."""
    words = _WORDS.get(criterion.name)
    if words is not None:
        return words.asked.format(**_fields(criterion))
    stated = ", ".join(f"{key} = {plain(value)}" for key, value in criterion.parameters.items())
    return f"{criterion.column}: {stated}" if criterion.column else stated


def title_of(criterion: CriterionResult) -> str:
    """Return a criterion's short name with its parameter, e.g. ``5-anonymity``."""
    words = _WORDS.get(criterion.name)
    return criterion.name if words is None else words.title.format(**_fields(criterion))


def reached(criterion: CriterionResult) -> str:
    """Return what the released file shows; an attested criterion's finding is not the release's to tell.

    A distance to the input's distribution says something about that distribution, which is not released: with
    the classes' own distributions, which are, it would confirm guesses about suppressed rows.
    """
    if criterion.status == "attested" or criterion.reached is None:
        return "checked in the run; not countable from the released file"
    return found(criterion)


def found(criterion: CriterionResult) -> str:
    """Return what the verifier found, whatever it took: for the house alone where it is attested."""
    words = _WORDS.get(criterion.name)
    if criterion.reached is None:
        return "there is no class"
    if words is None:
        return f"reached {plain(criterion.reached)}"
    return words.found.format(**_fields(criterion), found=_number(criterion.reached))


def is_met(criterion: CriterionResult) -> bool:
    """Return whether what the verifier recounted is what the criterion asked.

    Only a verified release is reported, so this is a second look; an attested criterion has none here.
    """
    words = _WORDS.get(criterion.name)
    limit = criterion.parameters.get(words.limit) if words is not None else None
    if criterion.status == "attested" or criterion.reached is None or not isinstance(limit, int | float):
        return True
    assert words is not None
    slack = _SLACK * max(1.0, abs(limit)) if isinstance(criterion.reached, float) else 0
    if words.rule == ">=":
        return criterion.reached >= limit - slack
    return criterion.reached <= limit + slack if words.rule == "<=" else criterion.reached < limit + slack


def left_open(criteria: Iterable[CriterionResult]) -> str:
    """Return what the criteria about sensitive columns do not promise, by the strongest kind among them."""
    names = {criterion.name for criterion in criteria if criterion.column}
    if names & {TCloseness.name, DeltaDisclosure.name, BetaLikeness.name}:
        return (
            "A class may still tell something about its people’s sensitive values: the criteria bound how "
            "far it departs from the whole input, not what the whole input itself tells about everybody."
        )
    if names & {EntropyLDiversity.name, RecursiveCLDiversity.name}:
        return (
            "Diversity bounds how frequent one value may be in a class, not how alike the values are, nor "
            "how rare they are elsewhere: a likely value may still be guessed."
        )
    return (
        "Diversity counts different values, not how alike or how frequent they are: a likely value may "
        "still be guessed."
    )


def left_open_by_privacy(
    criteria: Iterable[CriterionResult], quasi_identifiers: str
) -> tuple[str, ...] | None:
    """Return what differential privacy leaves open, and what the figures beside it tell; None without it."""
    private = next((each for each in criteria if each.name == DifferentialPrivacy.name), None)
    if private is None:
        return None
    beta = private.parameters.get("beta")
    chance = "" if beta is None else f", each with the probability {_number(beta)}"
    return (
        "It bounds how much one person’s data can change the release, whatever somebody knows beside; what "
        "the release tells about groups of people, it tells about their members.",
        f"These are the records of people drawn at random{chance}, without the small classes: counts are no "
        "totals.",
        f"The risks on this page are about attackers who know the quasi-identifiers ({quasi_identifiers}) "
        "and that a person is in this table.",
        "It is about this release alone: another one of the same people costs its own epsilon and delta on "
        "top.",
    )


def _fields(criterion: CriterionResult) -> dict[str, str]:
    stated = {key: _number(value) for key, value in criterion.parameters.items()}
    return {"column": criterion.column or "", **stated, **_more(criterion)}


def _more(criterion: CriterionResult) -> dict[str, str]:
    """What a format may name beside the parameters."""
    match criterion:
        case CriterionResult(name=DifferentialPrivacy.name, parameters={"epsilon": float(epsilon)}):
            return {"times": f"{ceil(exp(epsilon) * 100) / 100:g}"}
        case CriterionResult(name=KMap.name, parameters={"sampling_fraction": float(share) | int(share)}):
            test = ", by a test of significance that takes the people for a random sample of the share "
            return {"estimated": f"{test}{_number(share)} of it"}
        case CriterionResult(name=KMap.name):
            return {"estimated": ", counted in a table of it"}
        case CriterionResult(name=name, parameters={"m": int(m)}) if name in (_OF_EVENTS, _AMONG_EVENTS):
            repaired = criterion.parameters.get("repair")
            told = "by the quasi-identifiers of its table"
            several = f"up to {m} kinds of their events (each {told}, and how often up to {m} times)"
            return {
                "known": f"one of their events ({told})" if m == 1 else several,
                "repaired": "; rare events were left out" if repaired else "",
            }
        case CriterionResult(name=KMAnonymity.name, parameters={"repair": bool(repaired)}):
            return {"repaired": "; rare codes were left out of the lists" if repaired else ""}
        case CriterionResult(name=RecursiveCLDiversity.name, parameters={"l": int(least)}):
            but_first = f"all values but the {plain(least - 1)} most frequent"
            return {"others": "all other values" if least == 2 else but_first}
        case CriterionResult(name=TCloseness.name, parameters={"distance": str(distance)}):
            return {"apart": _APART.get(distance, "")}
        case CriterionResult(name=DeltaDisclosure.name, parameters={"delta": float(delta) | int(delta)}):
            return {"times": f"{exp(delta):.3g}"}
        case CriterionResult(
            name=BetaLikeness.name, parameters={"beta": float(beta) | int(beta), "enhanced": bool(enhanced)}
        ):
            cap = ", and less for values that are frequent there (a gain of at most -ln of their share)"
            return {
                "kind": "enhanced" if enhanced else "basic",
                "times": _number(1 + beta),
                "cap": cap if enhanced else "",
            }
    return {}


def _number(value: object) -> str:
    if value == inf:
        return "∞"
    return f"{value:.4g}" if isinstance(value, float) and not value.is_integer() else plain(value)
