"""What a hierarchy says of the codes of a text column: where they lie, and which belong together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anonymizer.hierarchies.hierarchy import SUPPRESSED
from synth.axes import Floats, Ints
from synth.coding.merging import Coarser, path
from synth.variables import Variable


def positions(labels: Sequence[str], variable: Variable) -> Floats:
    """Each label's place by ``order``: of a coarser label the mean of its values'; NaN: it has none."""
    sums: dict[str, tuple[float, int]] = {}
    for value, place in variable.order.items():
        for label in path(value, variable.coarser)[1:]:
            total, count = sums.get(label, (0.0, 0))
            sums[label] = total + place, count + 1
    means = {label: total / count for label, (total, count) in sums.items()}
    return np.array([variable.order.get(label, means.get(label, np.nan)) for label in labels], np.float64)


def groups(labels: Sequence[str], coarser: Coarser, specials: int) -> tuple[Ints, ...]:
    """Coarser and coarser partitions of the codes of ``labels`` and, behind them, of ``specials`` more.

    Each of shape (labels + specials,); a special code and ``*`` are groups of their own. Only partitions
    that have fewer groups than the one before and two or more of labels.
    """
    ladders = _ladders(labels, coarser)
    own = len(labels) + specials - sum(label != SUPPRESSED for label in labels)
    group = np.arange(len(labels) + specials)
    found: list[Ints] = []
    for height in range(1, max(map(len, ladders), default=0)):
        coarse = _joined(group, ladders, height)
        size = coarse.max() + 1
        if own + 1 < size < group.max() + 1:
            found.append(coarse)
        group = coarse
    return tuple(found)


def _ladders(labels: Sequence[str], coarser: Coarser) -> list[tuple[str, ...]]:
    """Each label at every height: a coarser label stays what it is up to the height it stands at."""
    wanted = set(labels)
    ladders = {label: path(label, coarser) for label in labels}
    for value in sorted(coarser):
        steps = path(value, coarser)
        for height, label in enumerate(steps):
            if height and label in wanted and len(steps) > len(ladders[label]):
                ladders[label] = (label,) * height + steps[height:]
    return [ladders[label] for label in labels]


def _joined(group: Ints, ladders: Sequence[tuple[str, ...]], height: int) -> Ints:
    """The groups, joined where their first codes have one label at a height."""
    _, first = np.unique(group, return_index=True)
    numbers: dict[tuple[str, int], int] = {}
    names = []
    for code in first:
        ladder = ladders[code] if code < len(ladders) else ()
        label = ladder[min(height, len(ladder) - 1)] if ladder else SUPPRESSED
        names.append((label, -1) if ladder else (label, int(code)))
    for name in names:
        numbers.setdefault(name, len(numbers))
    return np.array([numbers[name] for name in names])[group]
