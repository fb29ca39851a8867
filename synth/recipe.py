"""How a table is to be synthesised: data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Method = Literal[
    "cart", "gaussian-copula", "ctgan", "tvae", "copulagan", "sdv-gaussian-copula", "dp-marginals"
]
SDV_METHODS = frozenset({"ctgan", "tvae", "copulagan", "sdv-gaussian-copula"})
Bound = float | date


@dataclass(frozen=True, slots=True)
class Between:
    """Numbers or days from ``low`` to ``high``, both included; None: an open side."""

    low: Bound | None = None
    high: Bound | None = None


Wanted = None | bool | int | float | str | date | Between | Sequence[str]
"""What a column may hold: a value, a beginning (``"I48.*"``), several of those, a span; None: missing."""


@dataclass(frozen=True, slots=True)
class Order:
    """In every row each column's value is no larger than the next one's; what is missing is passed over."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A column's values lie between two bounds."""

    column: str
    span: Between


@dataclass(frozen=True, slots=True)
class Determines:
    """Rows with one value in ``column`` have one value in ``other``: a functional dependency."""

    column: str
    other: str


@dataclass(frozen=True, slots=True)
class Combinations:
    """The columns have only such combinations of values as k people have in the data."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Never:
    """No row is as ``where`` says and has what ``never`` says."""

    where: Mapping[str, Wanted]
    never: Mapping[str, Wanted]


Constraint = Order | Range | Determines | Combinations | Never


@dataclass(frozen=True, slots=True)
class Declared:
    """The values a column can have, by declaration: categories, or ``bands`` of equal width of a span.

    What lies outside becomes missing. ``coarser`` and ``order`` are as a ``Variable`` has them, but of every
    value that can be and not only of those in the data. Nothing of it comes from the data.
    """

    values: tuple[str, ...] = ()
    span: Between | None = None
    bands: int = 20
    coarser: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A method and what it is asked for.

    ``options`` are the method's own: ``leaf``, ``epochs``, ``batch_size``, ``device``, ``epsilon``,
    ``delta``, ``rows_per_person``. ``given`` says what all drawn rows have; ``domain`` what columns can hold,
    for a differentially private method.
    """

    method: Method
    options: Mapping[str, int | float | str] = field(default_factory=dict)
    given: Mapping[str, Wanted] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    domain: Mapping[str, Declared] = field(default_factory=dict)
