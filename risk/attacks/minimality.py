"""What a generalised table tells about the values under its labels, because no finer table would have done.

A search returns the finest table that keeps the criteria, so worlds in which a finer one would have kept them
are ruled out: minimality (Wong, Fu, Wang and Pei, VLDB 2007), and downcoding where single values follow
(Cohen, USENIX Security 2022). All worlds of a few people can be listed (`tests/attacks/test_minimality.py`);
of many, some are drawn here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.figures import Figure, bootstrapped, exact, not_estimated, wilson
from risk.results import Attack, Marked

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Leaves = Mapping[str, Mapping[str, Sequence[str]]]
"""Column → label → the values it may stand for; a label that is not listed stands for itself."""
WouldRelease = Callable[[pl.DataFrame], bool]
"""Whether the run would have released this transformation of a world, given with its true values."""

WORLDS = 400
"""As many worlds are drawn."""
FEWEST = 50
"""Fewer worlds than these that fit tell nothing."""


@dataclass(frozen=True, slots=True)
class Recoded:
    """The rows that were released: ``labels`` as they are written, ``truth`` as they were; equal shape, text.

    Missing values may stand under any label. Columns of ``truth`` that ``leaves`` does not name are known.

    Raises:
        ValueError: the shapes contradict one another, or a true value is not among its label's.
    """

    labels: pl.DataFrame
    truth: pl.DataFrame
    leaves: Leaves

    def __post_init__(self) -> None:
        if self.labels.height != self.truth.height:
            raise ValueError("labels and truth must have equally many rows")
        if missing := set(self.leaves) - set(self.labels.columns) | set(self.leaves) - set(
            self.truth.columns
        ):
            raise ValueError(
                f"labels and truth must have all columns of the leaves; {len(missing)} are not there"
            )


@dataclass(frozen=True, slots=True)
class _Choice:
    """What may stand in one column: ``values``, label after label.

    ``ends`` float64 are cumulative shares, counted on from label to label. Of each row, ``labels`` int64 is
    the label, ``last`` the last value of it, ``true`` the true value, and ``prior`` float64 its share.
    """

    values: pl.Series
    ends: Floats
    labels: Ints
    last: Ints
    true: Ints
    prior: Floats


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The worlds: which are ``accepted`` and which share of open cells each has right, both (worlds,);
    ``right`` int64 (2, open cells) counts the accepted worlds, even and odd ones, that have a cell right."""

    accepted: Bools
    share: Floats
    right: Ints


def minimality(
    recoded: Recoded, would_release: WouldRelease, rng: np.random.Generator, *, worlds: int = WORLDS
) -> Attack:
    """Return by how much the probability of a cell's true value rises for whoever knows how it was chosen.

    The mean over all cells whose label may stand for several values. Worlds are drawn from the margins of the
    true values, cell by cell, which the attacker is taken to know, and kept if ``would_release``. The
    interval is that of drawing worlds. The part ``largest`` is the gain of the cell that gains most, picked
    on half of the worlds kept and measured on the others. The ceiling is to know every cell.
    """
    choices = {name: _choice(recoded, name) for name in recoded.leaves}
    prior = np.concatenate([np.zeros(0), *(each.prior for each in choices.values())])
    open_cells = prior < 1
    if not open_cells.any():
        return _attack(not_estimated("no label stands for several values"))
    drawn = _drawn(recoded, choices, would_release, open_cells=open_cells, rngs=rng.spawn(worlds))
    kept = int(drawn.accepted.sum())
    if kept < FEWEST:
        return _attack(
            not_estimated(
                f"needs {FEWEST} worlds in which the same would have been released; {kept} of {worlds} are"
            )
        )
    cells = int(open_cells.sum())
    return _attack(
        _mean_gain(drawn, cells),
        largest=_largest_gain(drawn.right, prior[open_cells], kept),
        ceiling=exact(float(1 - prior[open_cells].mean()), cells, "every cell is known"),
    )


def no_finer(
    finer: Sequence[Callable[[pl.DataFrame], pl.DataFrame]], holds: Callable[[pl.DataFrame], bool]
) -> WouldRelease:
    """Return the rule that no next finer table would have done.

    Each of ``finer`` writes a world with one column a level finer; ``holds`` says whether such a table keeps
    the criteria, the limit of suppression with them.
    """
    return lambda world: not any(holds(write(world)) for write in finer)


def _attack(figure: Figure, *, largest: Figure | None = None, ceiling: Figure | None = None) -> Attack:
    floor = None if figure.value is None else exact(0.0, figure.n, "the levels were set beforehand")
    most = Marked(figure if largest is None else largest, control=floor)
    return Attack("minimality", "inference", Marked(figure, floor, floor, ceiling), {"largest": most})


def _choice(recoded: Recoded, name: str) -> _Choice:
    """What may stand in a column, with the margins of its true values as shares."""
    labels, truth = (frame[name].cast(pl.String) for frame in (recoded.labels, recoded.truth))
    margin = dict(truth.value_counts(name="count").iter_rows())
    numbers = {label: number for number, label in enumerate(labels.unique(maintain_order=True))}
    pairs = list(zip(labels, truth, strict=True))
    missing = {label for label, value in pairs if value is None}
    leaves = {label: _leaves_of(label, recoded.leaves[name], label in missing) for label in numbers}
    options = {label: _shares(values, margin) for label, values in leaves.items()}
    flat = [(label, value) for label, shares in options.items() for value in shares]
    places = {pair: place for place, pair in enumerate(flat)}
    if lost := sum(pair not in places for pair in pairs):
        raise ValueError(f"column {name!r}: {lost} true values are not among those of their label")
    last = np.cumsum([len(shares) for shares in options.values()], dtype=np.int64) - 1
    number = np.array([numbers[label] for label in labels], np.int64)
    ends = [n + _ends(list(options[label].values())) for label, n in numbers.items()]
    return _Choice(
        pl.Series(name, [value for _, value in flat], pl.String),
        np.concatenate([np.zeros(0), *ends]),
        number,
        last[number],
        np.array([places[pair] for pair in pairs], np.int64),
        np.array([options[label][value] for label, value in pairs], np.float64),
    )


def _leaves_of(
    label: str | None, leaves: Mapping[str, Sequence[str]], may_be_missing: bool
) -> list[str | None]:
    """The values a label may stand for, the missing one with them where it does."""
    listed: Sequence[str] = () if label is None else leaves.get(label, (label,))
    return [*dict.fromkeys(listed), *([None] if may_be_missing else [])]


def _shares(values: Sequence[str | None], margin: Mapping[str | None, int]) -> dict[str | None, float]:
    """How frequent each value is among them; values that nobody has are all alike."""
    counts = [margin.get(value, 0) for value in values]
    whole = sum(counts)
    return {v: count / whole if whole else 1 / len(values) for v, count in zip(values, counts, strict=True)}


def _ends(shares: Sequence[float]) -> Floats:
    """Cumulative shares that end at 1 exactly."""
    ends = np.cumsum(shares)
    ends[-1] = 1.0
    return ends


def _world(choice: _Choice, rng: np.random.Generator) -> Ints:
    """A value of each row's label, by its shares: a number among the column's values."""
    found = np.searchsorted(choice.ends, choice.labels + rng.random(len(choice.labels)), side="right")
    return np.minimum(found, choice.last)


def _drawn(
    recoded: Recoded,
    choices: Mapping[str, _Choice],
    would_release: WouldRelease,
    *,
    open_cells: Bools,
    rngs: Sequence[np.random.Generator],
) -> _Drawn:
    accepted, share = np.zeros(len(rngs), np.bool_), np.zeros(len(rngs))
    right = np.zeros((2, int(open_cells.sum())), np.int64)
    for number, rng in enumerate(rngs):
        cells = {name: _world(choice, rng) for name, choice in choices.items()}
        world = recoded.truth.with_columns(choices[name].values[drawn] for name, drawn in cells.items())
        hits = np.concatenate([choices[name].true == drawn for name, drawn in cells.items()])[open_cells]
        share[number] = hits.mean()
        accepted[number] = would_release(world)
        if accepted[number]:
            right[int(accepted[:number].sum()) % 2] += hits
    return _Drawn(accepted, share, right)


def _mean_gain(drawn: _Drawn, cells: int) -> Figure:
    """The share of cells right in the worlds kept, above that in all: exactly 0 where all are kept."""

    def gain(rows: Ints) -> float:
        kept = rows[drawn.accepted[rows]]
        return float(drawn.share[kept].mean() - drawn.share[rows].mean()) if len(kept) else 0.0

    worlds = len(drawn.share)
    what = f"mean gain over {cells:,} cells; {int(drawn.accepted.sum())} of {worlds} worlds drawn fit"
    figure = bootstrapped(gain, np.arange(worlds), what=what)
    return Figure(figure.value, figure.low, figure.high, cells, figure.method)


def _largest_gain(right: Ints, prior: Floats, kept: int) -> Figure:
    first, second = (kept + 1) // 2, kept // 2
    best = int(np.argmax(right[0] / first - prior))
    low, high = wilson(int(right[1, best]), second)
    before = float(prior[best])
    what = f"the cell that gains most in {first} worlds, measured in {second} others; Wilson interval, 95 %"
    return Figure(float(right[1, best]) / second - before, low - before, high - before, 1, what)
