"""A FHIRPath expression as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from mii.views.temporal import Temporal


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the expression; ``None`` is ``{}``, the empty collection."""

    value: str | bool | int | Decimal | Temporal | None


@dataclass(frozen=True, slots=True)
class This:
    """``$this``: what the expression is asked of."""


@dataclass(frozen=True, slots=True)
class Constant:
    """``%name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """``base.name``; without a base, ``name`` of what the expression is asked of."""

    base: Expression | None
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """``base[position]``."""

    base: Expression
    position: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """``base.name(arguments)``."""

    base: Expression | None
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """``+`` or ``-`` before a number."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what stands between them."""

    operator: str
    left: Expression
    right: Expression


Expression = Literal | This | Constant | Member | Index | Call | Unary | Binary


def parts(expression: Expression) -> Iterator[Expression]:
    """``expression`` and everything it is made of."""
    yield expression
    for part in _inside(expression):
        yield from parts(part)


def _inside(expression: Expression) -> tuple[Expression, ...]:
    match expression:
        case Member(base):
            return () if base is None else (base,)
        case Index(base, position):
            return base, position
        case Call(base, _, arguments):
            return arguments if base is None else (base, *arguments)
        case Unary(_, operand):
            return (operand,)
        case Binary(_, left, right):
            return left, right
        case _:
            return ()


def steps(expression: Expression) -> tuple[Expression, ...] | None:
    """The members and calls of a path from its beginning on, indexes left out; ``None`` where it is none."""
    found: list[Expression] = []
    current: Expression | None = expression
    while current is not None:
        match current:
            case Index(base, _):
                current = base
            case Member(base) | Call(base):
                found.append(current)
                current = base
            case This():
                break
            case _:
                return None
    return tuple(reversed(found))
