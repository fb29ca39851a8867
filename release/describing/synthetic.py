"""A synthetic table for its reports: how it was made, as the config states it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from anonymizer.errors import BadConfig
from release.describing.treatment import synthetic_columns
from release.verifying.synthetic import VerifiedSynthetic
from release.verifying.verify import VerifiedRelease
from risk.facts import Privacy, Rule, Synthesis, SyntheticTable
from synth.recipe import Between, Combinations, Constraint, Determines, Never, Order, Range, Wanted


def synthetic_table(verified: VerifiedRelease, synthetic: VerifiedSynthetic) -> SyntheticTable:
    """The table and its settings; of the anonymised one only which criteria it keeps."""
    promise = synthetic.promise
    loss = promise.privacy_loss
    is_anonymised = promise.fit_on == "anonymised"
    told = Synthesis(
        method=promise.recipe.method,
        fit_on=promise.fit_on,
        privacy=None
        if loss is None
        else Privacy(loss["epsilon"], loss["delta"], int(loss["rows_per_person"])),
        rules=tuple(_rules(synthetic)),
        criteria=verified.criteria if is_anonymised else (),
        filtered=promise.fit_on if promise.is_filtered else None,
        distilled=promise.is_distilled,
        fewest=promise.training.k if loss is None else None,
    )
    return SyntheticTable(promise.name, synthetic.frame, synthetic_columns(synthetic), told)


def _rules(synthetic: VerifiedSynthetic) -> Iterator[Rule]:
    recipe = synthetic.promise.recipe
    if recipe.given:
        yield Rule("given", _conditions(recipe.given))
    yield from map(_rule, recipe.constraints)


def _rule(constraint: Constraint) -> Rule:
    match constraint:
        case Order(columns):
            return Rule("order", " ≤ ".join(columns))
        case Range(column, span):
            return Rule("range", _condition(column, span))
        case Determines(column, other):
            return Rule("determines", f"{column} → {other}")
        case Combinations(columns):
            return Rule("combinations", " × ".join(columns))
        case Never(where, never):
            return Rule("never", _conditions(never), _conditions(where))
        case _:
            raise BadConfig("a constraint that has no words")


def _conditions(conditions: Mapping[str, Wanted]) -> str:
    return ", ".join(_condition(name, wanted) for name, wanted in conditions.items())


def _condition(name: str, wanted: Wanted) -> str:
    match wanted:
        case Between(low, high):
            return " ≤ ".join((*_bound(low), name, *_bound(high)))
        case None:
            return f"{name} = –"
        case str() | bool() | int() | float() | date():
            return f"{name} = {wanted}"
        case several:
            return f"{name} = {' | '.join(several)}"


def _bound(bound: float | date | None) -> tuple[str, ...]:
    if bound is None:
        return ()
    return (bound.isoformat() if isinstance(bound, date) else f"{bound:g}",)
