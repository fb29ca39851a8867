"""The gate of thresholds: a release whose measured risk is too high is not published."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import InitVar, dataclass

from anonymizer.errors import ThresholdExceeded

Figures = Mapping[str, Mapping[str, object]]
"""``{"<table>.<figure>": {"value", "low", "high", "n", "method"}}``, as in ``risk.json``."""

_PROOF = object()


@dataclass(frozen=True, slots=True)
class PassedGate:
    """Every threshold is kept. Only ``check`` constructs one."""

    thresholds: Mapping[str, float]
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("only gate.check() constructs a PassedGate")


def check(thresholds: Mapping[str, float], figures: Figures) -> PassedGate:
    """The passed gate; a threshold compares the figure's upper bound, or its value where it is exact.

    Raises:
        ThresholdExceeded: a figure lies above its threshold, or was not computed.
    """
    for broken in exceeded(thresholds, figures):
        raise ThresholdExceeded(broken)
    return PassedGate(dict(thresholds), _PROOF)


def exceeded(thresholds: Mapping[str, float], figures: Figures) -> Iterator[str]:
    """What is wrong with each threshold that is not kept, by the figures' names."""
    for name, limit in sorted(thresholds.items()):
        figure = figures.get(name, {})
        bound = _upper_bound(figure)
        if bound is None:
            # The method of a figure that was not estimated says why; it has counts at most.
            why = f" ({method})" if (method := figure.get("method")) else ""
            yield f"threshold {name}: the figure was not computed{why}"
        elif bound > limit:
            yield f"threshold {name}: {_above(bound, limit)} exceeds the limit of {limit:g}"


def _upper_bound(figure: Mapping[str, object]) -> float | None:
    high = figure.get("high")
    bound = figure.get("value") if high is None else high
    if not isinstance(bound, int | float) or isinstance(bound, bool) or math.isnan(bound):
        return None
    return float(bound)


def _above(bound: float, limit: float) -> str:
    """Four digits, or all of them where four would print the limit itself."""
    short = f"{bound:.4g}"
    return short if float(short) > limit else repr(bound)
