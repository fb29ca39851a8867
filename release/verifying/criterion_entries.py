"""A criterion as a manifest's plain name, column and parameters, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from fractions import Fraction
from typing import Any, get_args, get_type_hints

from anonymizer.criteria import MOST_CODES_KNOWN, Criterion, KMAnonymity
from anonymizer.errors import VerificationFailed

Parameter = bool | int | float | str
_KNOWN: Mapping[str, Any] = {kind.name: kind for kind in get_args(Criterion)}


def parameters_of(criterion: Criterion) -> dict[str, Parameter]:
    """What the criterion asks, by the literature's names; a limit as the decimal that the config gave."""
    values = {field.name: getattr(criterion, field.name) for field in fields(criterion)}
    return {name: _plain(value) for name, value in values.items() if name != "column" and value is not None}


def criterion_of(name: str, column: str | None, parameters: Mapping[str, Parameter]) -> Criterion:
    """The criterion that a manifest's entry names; raises ``VerificationFailed`` where it names none."""
    kind = _KNOWN.get(name)
    told: dict[str, Parameter] = {**parameters, **({} if column is None else {"column": column})}
    if kind is None or not _required(kind) <= told.keys() <= {field.name for field in fields(kind)}:
        raise VerificationFailed("the manifest holds a criterion that this version does not know")
    types = get_type_hints(kind)
    made: Criterion = kind(**{key: _value(types[key], value) for key, value in told.items()})
    if isinstance(made, KMAnonymity) and not 1 <= made.m <= MOST_CODES_KNOWN:
        raise VerificationFailed("the manifest holds knowledge of codes that no config can ask for")
    return made


def _required(kind: Any) -> set[str]:
    return {field.name for field in fields(kind) if field.default is MISSING}


def _plain(value: Any) -> Parameter:
    if not isinstance(value, Fraction):
        return value  # type: ignore[no-any-return]
    return value.numerator if value.denominator == 1 else float(value)


def _value(kind: Any, told: Parameter) -> object:
    """``told`` as the field's type wants it."""
    if Fraction in (kind, *get_args(kind)) and type(told) in (int, float):
        return Fraction(str(told))
    if told in get_args(kind) or (isinstance(kind, type) and type(told) is kind):
        return told
    raise VerificationFailed("the manifest holds a parameter of a criterion that is none")
