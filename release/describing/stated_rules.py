"""What was asked of a synthetic table's rows, as its release report states it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from risk.facts import Rule
from synth.recipe import Between, Combinations, Determines, Never, Order, Range, Recipe, Wanted


def stated_rules(recipe: Recipe) -> tuple[Rule, ...]:
    """The conditions and constraints of a recipe, in their order, as the config says them."""
    return (*_given(recipe.given), *(_rule(each) for each in recipe.constraints))


def _given(given: Mapping[str, Wanted]) -> Iterator[Rule]:
    for column, wanted in given.items():
        yield Rule("given", _stated(column, wanted))


def _rule(constraint: Order | Range | Determines | Combinations | Never) -> Rule:
    match constraint:
        case Order(columns):
            return Rule("order", " ≤ ".join(columns))
        case Range(column, span):
            return Rule("range", _stated(column, span))
        case Determines(column, other):
            return Rule("determines", f"{column} → {other}")
        case Combinations(columns):
            return Rule("combinations", ", ".join(columns))
        case Never(where, never):
            return Rule("never", _all(never), where=_all(where))


def _all(wanted: Mapping[str, Wanted]) -> str:
    return "; ".join(_stated(column, each) for column, each in wanted.items())


def _stated(column: str, wanted: Wanted) -> str:
    """What a column may hold, in signs."""
    match wanted:
        case None:
            return f"{column} is missing"
        case Between(None, high):
            return f"{column} ≤ {_value(high)}"
        case Between(low, None):
            return f"{column} ≥ {_value(low)}"
        case Between(low, high):
            return f"{_value(low)} ≤ {column} ≤ {_value(high)}"
        case bool() | int() | float() | str() | date():
            return f"{column} = {_value(wanted)}"
        case several:
            return f"{column} ∈ {{{', '.join(several)}}}"


def _value(value: bool | float | str | date | None) -> str:
    """A value of the config as it is written there."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case date():
            return value.isoformat()
    return str(value)
