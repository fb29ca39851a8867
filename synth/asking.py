"""What is asked of every drawn row, in the codes that a method draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

import numpy as np
import polars as pl

from anonymizer.errors import BadConfig, SynthesisFailed
from synth.axes import Allowed, Axis, Bools, Codes
from synth.conditions import condition, matching
from synth.recipe import Between, Wanted
from synth.rewriting.joints import Joint
from synth.rewriting.rare import LABEL
from synth.rewriting.rewriting import Rewriting
from synth.variables import Variable


class Coding(Protocol):
    """A table's way to codes and back (``synth.coding``), learned or declared."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """All axes."""
        ...

    @property
    def merged(self) -> Mapping[str, int]:
        """How many cells of each column do not come back as they were: internal."""
        ...

    def encode(self, frame: pl.DataFrame) -> Codes:
        """Return the codes of a table."""
        ...

    def decode(self, codes: Codes, rng: np.random.Generator) -> pl.DataFrame:
        """Return drawn cells for codes."""
        ...

    def matching(self, variable_name: str, wanted: Wanted) -> Allowed:
        """Return which codes decode to what is wanted alone; raises ``BadConfig`` where none does."""
        ...


@dataclass(frozen=True, slots=True)
class Learned:
    """What was coded: the coding, the columns it codes, and how they become the table's own."""

    coding: Coding
    variables: tuple[Variable, ...]
    rewriting: Rewriting


def asked_codes(learned: Learned, given: Mapping[str, Wanted]) -> Allowed:
    """Return the codes that rows as ``given`` may have: no fewer, perhaps more, which are drawn and dropped.

    Raises:
        BadConfig: nothing that can be drawn is as asked.
        SynthesisFailed: it contradicts what is asked of another column, or a constraint on this one.
    """
    allowed: dict[int, Bools] = {}
    for name, wanted in given.items():
        for axis, mask in _codes(learned, name, wanted).items():
            allowed[axis] = allowed[axis] & mask if axis in allowed else mask
            if not allowed[axis].any():
                raise SynthesisFailed("nothing that can be drawn is as the conditions together ask")
    return allowed


def _codes(learned: Learned, name: str, wanted: Wanted) -> Allowed:
    for variable in learned.variables:
        if variable.name == name:
            return _of_column(learned.coding, variable, wanted)
    for joint in learned.rewriting.joints:
        for variable in joint.columns:
            if variable.name == name:
                return _of_joint(learned.coding, joint, variable, wanted)
    return {}


def _of_joint(coding: Coding, joint: Joint, variable: Variable, wanted: Wanted) -> Allowed:
    found = matching(
        condition((variable,), variable.name, wanted), joint.combinations[variable.name], certain=True
    )
    labels = joint.combinations.filter(pl.Series(found))[LABEL].to_list()
    if not labels:
        raise SynthesisFailed(
            "no combination that k people have is as the condition asks", column=variable.name
        )
    return coding.matching(joint.variable.name, labels)


def _of_column(coding: Coding, variable: Variable, wanted: Wanted) -> Allowed:
    if not isinstance(wanted, Between):
        return coding.matching(variable.name, wanted)
    if variable.type == "string":
        return _or_none(coding, variable.name, wanted)
    return _of_span(coding, variable, wanted)


def _of_span(coding: Coding, variable: Variable, span: Between) -> Allowed:
    """All codes but missing and the bands that lie outside: of one across a bound, a part is asked for."""
    low, high = _below(variable, span.low), _above(variable, span.high)
    outside: list[Wanted] = [None]
    outside += [Between(None, low)] if low is not None else []
    outside += [Between(high, None)] if high is not None else []
    excluded: dict[int, Bools] = {}
    for each in outside:
        for axis, mask in _or_none(coding, variable.name, each).items():
            excluded[axis] = excluded[axis] | mask if axis in excluded else mask
    allowed = {axis: ~mask for axis, mask in excluded.items()}
    if any(not mask.any() for mask in allowed.values()):
        raise BadConfig("no value that can be drawn lies in the span", column=variable.name)
    return allowed


def _or_none(coding: Coding, name: str, wanted: Wanted) -> Allowed:
    try:
        return coding.matching(name, wanted)
    except BadConfig:
        return {}


def _below(variable: Variable, bound: float | date | None) -> float | date | None:
    """The largest value less than a bound."""
    if bound is None:
        return None
    if isinstance(bound, date):
        is_moment = variable.type == "datetime"
        return _midnight(bound) - timedelta(microseconds=1) if is_moment else bound - timedelta(days=1)
    return math.ceil(bound) - 1 if variable.type == "integer" else math.nextafter(bound, -math.inf)


def _above(variable: Variable, bound: float | date | None) -> float | date | None:
    """The least value greater than a bound; of a day as the bound of moments, the next day's first."""
    if bound is None:
        return None
    if isinstance(bound, datetime):
        return bound + timedelta(microseconds=1)
    if isinstance(bound, date):
        return (
            _midnight(bound + timedelta(days=1)) if variable.type == "datetime" else bound + timedelta(days=1)
        )
    return math.floor(bound) + 1 if variable.type == "integer" else math.nextafter(bound, math.inf)


def _midnight(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)
