"""What a user names for the utility report: targets to predict, models to fit, times to an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModelKind = Literal["linear", "logistic", "cox"]


@dataclass(frozen=True, slots=True)
class Model:
    """A regression of ``outcome`` on ``terms``; of a Cox model the outcome is the event, after ``time``.

    ``positive`` is the outcome's value that counts as yes; None where that is `1` or `true`.
    """

    name: str
    kind: ModelKind
    outcome: str
    terms: tuple[str, ...]
    time: str | None = None
    positive: str | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """People followed for ``time`` until an ``event`` (whose value ``positive`` means that it came about)."""

    time: str
    event: str
    by: str | None = None
    positive: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything the config's section `utility` asks for."""

    targets: tuple[str, ...] = ()
    models: tuple[Model, ...] = ()
    survival: tuple[Followed, ...] = ()
