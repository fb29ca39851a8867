"""Rows under conditions, by drawing and dropping: exact, and bounded."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from anonymizer.errors import SynthesisFailed
from synth.axes import Allowed, Bools, Codes

Batch = TypeVar("Batch", bound=Sized)
_LEAST_BATCH, _MOST_BATCH = 256, 1 << 17


@dataclass(frozen=True, slots=True)
class Patience:
    """When drawing is given up: after ``rows`` or more were drawn, if fewer than ``share`` of them passed."""

    rows: int = 100_000
    share: float = 0.001

    def ends(self, drawn: int, passed: int) -> bool:
        """Whether so few of the drawn rows passed that it is given up."""
        return drawn >= self.rows and passed < self.share * drawn


PATIENCE = Patience()
"""No more than 1,000 rows are drawn for each that is asked for, and 100,000 and one batch in any case."""


@dataclass(frozen=True, slots=True)
class Drawn(Generic[Batch]):
    """The batches that passed, together ``n`` rows or more, and how many rows were drawn for them."""

    batches: tuple[Batch, ...] = field(repr=False)
    rows: int


def until(n: int, draw: Callable[[int], Batch], *, rule: str, patience: Patience = PATIENCE) -> Drawn[Batch]:
    """Return batches of ``n`` or more rows in all; ``draw(m)`` draws m rows and gives those that pass.

    The first ``n`` of their rows are distributed as one that passes: a row's place depends on nothing else.

    Raises:
        SynthesisFailed: so few pass that ``patience`` ends; the message is ``rule``, without a figure.
    """
    batches: list[Batch] = []
    passed = rows = 0
    while passed < n:
        if patience.ends(rows, passed):
            raise SynthesisFailed(rule)
        size = _next_size(n - passed, rows=rows, passed=passed)
        batches.append(draw(size))
        passed, rows = passed + len(batches[-1]), rows + size
    return Drawn(tuple(batches), rows)


def rejected(
    draw: Callable[[int, np.random.Generator], Codes],
    n: int,
    rng: np.random.Generator,
    allowed: Allowed | None,
) -> Codes:
    """Return ``n`` of the rows that ``draw(m, rng)`` gives, shape (n, axes): the first that are ``allowed``.

    Exact: rows are distributed as those that ``draw`` gives, less those that are not allowed.

    Raises:
        SynthesisFailed: after 100,000 drawn rows fewer than one in 1,000 is allowed.
    """
    if not allowed:
        return draw(n, rng)

    def passing(size: int) -> Codes:
        codes = draw(size, rng)
        return codes[permitted(codes, allowed)]

    found = until(n, passing, rule="what is asked for is too rare to be drawn")
    return np.concatenate(found.batches)[:n] if found.batches else draw(0, rng)


def permitted(codes: Codes, allowed: Allowed) -> Bools:
    """Return which rows have only ``allowed`` codes, shape (rows,)."""
    keep = np.ones(len(codes), dtype=np.bool_)
    for axis, mask in allowed.items():
        keep &= mask[codes[:, axis]]
    return keep


def _next_size(missing: int, *, rows: int, passed: int) -> int:
    """As many rows as probably suffice, a tenth more; at most eight times as many as were drawn so far."""
    if not rows:
        return min(max(missing, _LEAST_BATCH), _MOST_BATCH)
    wanted = int(1.1 * missing * rows / passed) + 16 if passed else 8 * rows
    return min(max(wanted, _LEAST_BATCH), 8 * rows, _MOST_BATCH)
