"""Privacy criteria in the words of a report: what each asks, what was found, what stays open."""

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
from risk.reports.wording import numeral, plain
from risk.reports.words import Words, speak


class Rule(NamedTuple):
    """Where a criterion's words stand in the catalogue, and which parameter limits its figure, and how."""

    key: str
    limit: str = ""
    sign: Literal[">=", "<=", "<"] = ">="


_OF_EVENTS = f"{KMAnonymity.name} of events"
_AMONG_EVENTS = f"{DistinctLDiversity.name} of events"
"""Criteria where linked tables' events are known: said in other words."""

_RULES: Mapping[str, Rule] = {
    KAnonymity.name: Rule("k_anonymity", "k"),
    DifferentialPrivacy.name: Rule("differential_privacy"),
    MaxRisk.name: Rule("max_risk", "limit", "<="),
    KMap.name: Rule("k_map"),
    KMAnonymity.name: Rule("km_anonymity", "k"),
    _OF_EVENTS: Rule("of_events", "k"),
    _AMONG_EVENTS: Rule("among_events", "l"),
    DeltaPresence.name: Rule("delta_presence", "upper", "<="),
    AverageRisk.name: Rule("average_risk", "limit", "<="),
    SampleUniqueness.name: Rule("sample_uniqueness", "limit", "<="),
    PopulationUniqueness.name: Rule("population_uniqueness", "limit", "<="),
    DistinctLDiversity.name: Rule("distinct", "l"),
    EntropyLDiversity.name: Rule("entropy", "l"),
    RecursiveCLDiversity.name: Rule("recursive", "c", "<"),
    TCloseness.name: Rule("t_closeness", "t", "<="),
    DeltaDisclosure.name: Rule("delta_disclosure", "delta", "<"),
    BetaLikeness.name: Rule("beta_likeness", "beta", "<="),
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


def asked(criterion: CriterionResult, words: Words | None = None) -> str:
    """Return what a criterion demands, as a claim about every class."""
    words = words or speak("en")
    rule = _RULES.get(criterion.name)
    if rule is not None:
        return words.say(f"criteria.{rule.key}.asked", **_fields(criterion, words))
    stated = ", ".join(f"{key} = {plain(value, words)}" for key, value in criterion.parameters.items())
    return f"{criterion.column}: {stated}" if criterion.column else stated


def title_of(criterion: CriterionResult, words: Words | None = None) -> str:
    """Return a criterion's short name with its parameter, e.g. ``5-anonymity``."""
    words = words or speak("en")
    rule = _RULES.get(criterion.name)
    if rule is None:
        return criterion.name
    return words.say(f"criteria.{rule.key}.title", **_fields(criterion, words))


def reached(criterion: CriterionResult, words: Words | None = None) -> str:
    """Return what the released file shows; an attested criterion's finding is not the release's to tell.

    A distance to the input's distribution says something about that distribution, which is not released: with
    the classes' own distributions, which are, it would confirm guesses about suppressed rows.
    """
    if criterion.status == "attested" or criterion.reached is None:
        return (words or speak("en")).say("criteria.status.not_countable")
    return found(criterion, words)


def found(criterion: CriterionResult, words: Words | None = None) -> str:
    """Return what the verifier found, whatever it took: for the house alone where it is attested."""
    words = words or speak("en")
    rule = _RULES.get(criterion.name)
    if criterion.reached is None:
        return words.say("criteria.status.no_class")
    if rule is None:
        return words.say("criteria.status.reached", found=plain(criterion.reached, words))
    figure = _number(criterion.reached, words)
    return words.say(f"criteria.{rule.key}.found", **_fields(criterion, words) | {"found": figure})


def is_met(criterion: CriterionResult) -> bool:
    """Return whether what the verifier recounted is what the criterion asked.

    Only a verified release is reported, so this is a second look; an attested criterion has none here.
    """
    rule = _RULES.get(criterion.name)
    limit = criterion.parameters.get(rule.limit) if rule is not None else None
    if criterion.status == "attested" or criterion.reached is None or not isinstance(limit, int | float):
        return True
    assert rule is not None
    slack = _SLACK * max(1.0, abs(limit)) if isinstance(criterion.reached, float) else 0
    if rule.sign == ">=":
        return criterion.reached >= limit - slack
    return criterion.reached <= limit + slack if rule.sign == "<=" else criterion.reached < limit + slack


def left_open(criteria: Iterable[CriterionResult], words: Words) -> str:
    """Return what the criteria about sensitive columns do not promise, by the strongest kind among them."""
    names = {criterion.name for criterion in criteria if criterion.column}
    if names & {TCloseness.name, DeltaDisclosure.name, BetaLikeness.name}:
        return words.say("criteria.open.closeness")
    if names & {EntropyLDiversity.name, RecursiveCLDiversity.name}:
        return words.say("criteria.open.frequency")
    return words.say("criteria.open.distinct")


def left_open_by_privacy(
    criteria: Iterable[CriterionResult], quasi_identifiers: str, words: Words
) -> tuple[str, ...] | None:
    """Return what differential privacy leaves open, and what the figures beside it tell; None without it."""
    private = next((each for each in criteria if each.name == DifferentialPrivacy.name), None)
    if private is None:
        return None
    beta = private.parameters.get("beta")
    chance = "" if beta is None else words.say("criteria.open.private_chance", beta=_number(beta, words))
    return (
        words.say("criteria.open.private_person"),
        words.say("criteria.open.private_sample", chance=chance),
        words.say("criteria.open.private_risks", quasi_identifiers=quasi_identifiers),
        words.say("criteria.open.private_again"),
    )


def _fields(criterion: CriterionResult, words: Words) -> dict[str, str]:
    stated = {key: _number(value, words) for key, value in criterion.parameters.items()}
    return {"column": criterion.column or "", **stated, **_more(criterion, words)}


def _more(criterion: CriterionResult, words: Words) -> dict[str, str]:
    """What a format may name beside the parameters."""
    match criterion:
        case CriterionResult(name=DifferentialPrivacy.name, parameters={"epsilon": float(epsilon)}):
            return {"times": numeral(f"{ceil(exp(epsilon) * 100) / 100:g}", words)}
        case CriterionResult(name=KMap.name, parameters={"sampling_fraction": float(share) | int(share)}):
            fraction = _number(share, words)
            return {"estimated": words.say("criteria.k_map.by_test", sampling_fraction=fraction)}
        case CriterionResult(name=KMap.name):
            return {"estimated": words.say("criteria.k_map.by_table")}
        case CriterionResult(name=name, parameters={"m": int(m)}) if name in (_OF_EVENTS, _AMONG_EVENTS):
            return {
                "known": words.counted("criteria.of_events.known", m),
                "repaired": _repaired(criterion, "criteria.of_events.repaired", words),
            }
        case CriterionResult(name=KMAnonymity.name):
            return {"repaired": _repaired(criterion, "criteria.km_anonymity.repaired", words)}
        case CriterionResult(name=RecursiveCLDiversity.name, parameters={"l": int(least)}):
            key = "criteria.recursive.all_others" if least == 2 else "criteria.recursive.but_first"
            return {"others": words.say(key, number=plain(least - 1, words))}
        case CriterionResult(name=TCloseness.name, parameters={"distance": str(distance)}):
            return {
                "apart": words.say(f"criteria.t_closeness.apart.{distance}"),
                "kind": words.say(f"criteria.t_closeness.kind.{distance}"),
            }
        case CriterionResult(name=DeltaDisclosure.name, parameters={"delta": float(delta) | int(delta)}):
            return {"times": numeral(f"{exp(delta):.3g}", words)}
        case CriterionResult(
            name=BetaLikeness.name, parameters={"beta": float(beta) | int(beta), "enhanced": bool(enhanced)}
        ):
            kind = "criteria.beta_likeness.kind.enhanced" if enhanced else "criteria.beta_likeness.kind.basic"
            cap = words.say("criteria.beta_likeness.cap") if enhanced else ""
            return {"kind": words.say(kind), "times": _number(1 + beta, words), "cap": cap}
    return {}


def _repaired(criterion: CriterionResult, key: str, words: Words) -> str:
    return words.say(key) if criterion.parameters.get("repair") else ""


def _number(value: object, words: Words) -> str:
    if value == inf:
        return "∞"
    whole = not isinstance(value, float) or value.is_integer()
    return plain(value, words) if whole else numeral(f"{value:.4g}", words)
