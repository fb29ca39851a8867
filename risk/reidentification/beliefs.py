"""What the classes of an anonymised table say about a sensitive value: the l, t, beta and delta that they
reach, and the largest belief in a value of somebody whose class and m other facts are known.

Values are those of the input (``Comparison.base``), people are counted once per class and value. A missing
value is none that anybody could believe in and does not count towards l; it is a category for t, beta and
delta. All comparisons are of whole numbers; floats are made of the results alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import exp, fsum, log
from typing import TYPE_CHECKING

import numpy as np

from risk.comparison import Comparison
from risk.figures import NO_RECORDS, Figure, exact
from risk.reidentification.subsets import Codes, codes, combined

if TYPE_CHECKING:
    import polars as pl

LARGEST_M = 3
"""How many values an attacker is taken to rule out at most."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The people of each value of ``column`` in each class: int64 arrays of shape (cells,), sorted by class,
    then value.

    Values are numbered in the order of ``totals`` (shape (values,)), which counts the people of the whole
    input by value; ``missing`` is the number of the missing value, None where the input has none.

    Raises:
        ValueError: the arrays differ in shape.
    """

    group: Codes
    value: Codes
    people: Codes
    totals: Codes
    missing: int | None
    column: str
    is_number: bool

    def __post_init__(self) -> None:
        for array in (self.group, self.value, self.people, self.totals):
            array.setflags(write=False)
        if not self.group.shape == self.value.shape == self.people.shape:
            raise ValueError("group, value and people must be of equal length")

    @property
    def classes(self) -> int:
        return len(np.unique(self.group))

    @property
    def whole(self) -> Codes:
        """The sum of all values' people by class, repeated for each cell."""
        return np.bincount(self.group, weights=self.people).astype(np.int64)[self.group]


def sensitive_figures(comparison: Comparison, *, most: int = LARGEST_M) -> dict[str, Figure]:
    """Return ``reached`` and ``beliefs`` of every sensitive column of an anonymised table."""
    classes = classes_of(comparison)
    found = (cells(comparison, column, classes) for column in comparison.sensitive)
    return {name: figure for each in found for name, figure in (reached(each) | beliefs(each, most)).items()}


def classes_of(comparison: Comparison) -> Codes:
    """Return the class of each row by a number, int64 of shape (rows of original,)."""
    classes = combined([codes(comparison.original[name]) for name in comparison.quasi_identifiers])
    return np.zeros(len(comparison.people), dtype=np.int64) if classes is None else classes


def cells(comparison: Comparison, column: str, classes: Codes) -> Cells:
    """Return the people of each value of ``column`` in each of the ``classes`` of released rows.

    Numbers are ordered as numbers, everything else as text.
    """
    number = any(each.name == column and each.kind == "number" for each in comparison.attributes)
    value, missing = _values(comparison.base[column])
    width = int(value.max()) + 1 if len(value) else 0
    _, totals = _people(value, comparison.people)
    shown = comparison.shown
    keys, people = _people(classes[shown] * width + value[shown], comparison.people[shown])
    width = max(width, 1)
    return Cells(keys // width, keys % width, people, totals, missing, column, number)


def reached(found: Cells) -> dict[str, Figure]:
    """Return by ``<figure>.<column>`` the l, t, beta and delta that the released classes reach.

    ``l_distinct`` and ``l_entropy`` (Machanavajjhala et al. 2007): the fewest values of a class, and the
    number of equally frequent values with the least entropy of any. ``t_equal``, and ``t_ordered`` of a
    number: the largest distance from the input (Li et al. 2007). ``beta``: the largest (p - q) / q (Cao and
    Karras 2012). ``delta``: the largest |ln(p / q)| (Brickell and Shmatikov 2008), without an upper bound
    where a class lacks a value of the input.
    """
    classes, column = found.classes, found.column
    distances = ("t_equal", "t_ordered") if found.is_number else ("t_equal",)
    names = ("l_distinct", "l_entropy", *distances, "beta", "delta")
    if not classes:
        return {f"{name}.{column}": Figure(None, None, None, 0, NO_RECORDS) for name in names}
    values, entropy = _diversity(found)
    figures = {
        "l_distinct": exact(values, classes, "fewest values of a class, missing not counted"),
        "l_entropy": exact(entropy, classes, "equally frequent values with the least entropy of a class"),
        "t_equal": exact(_equal_distance(found), classes, "largest half sum of |p - q| of a class"),
        "beta": exact(_gain(found), classes, "largest (p - q) / q of a value in a class"),
        "delta": _disclosure(found, classes),
    }
    if found.is_number:
        told = "largest earth mover's distance of a class, values in their order"
        figures["t_ordered"] = exact(_ordered_distance(found), classes, told)
    return {f"{name}.{column}": figures[name] for name in names}


def beliefs(found: Cells, most: int = LARGEST_M) -> dict[str, Figure]:
    """Return by ``belief_<m>.<column>`` the largest belief after ruling out m = 0 … ``most`` values.

    The attacker knows somebody's class, takes its people for equally likely, and knows m values that the
    person does not have: the belief in another value is its people over those of all values left. This is
    the instance-level knowledge of Machanavajjhala et al. (ACM TKDD 1(1), 2007, section 4) and the negations
    of Martin, Kifer, Machanavajjhala, Gehrke and Halpern (ICDE 2007); l-diversity with l <= m + 1 allows 1.
    """
    classes, column = found.classes, found.column
    names = [f"belief_{m}.{column}" for m in range(most + 1)]
    if not classes:
        return {name: Figure(None, None, None, 0, NO_RECORDS) for name in names}
    return {
        name: exact(float(largest_belief(found, m)), classes, f"largest belief after ruling out {m} values")
        for m, name in enumerate(names)
    }


def largest_belief(found: Cells, m: int) -> Fraction:
    """Return the largest share, over classes, of a value among what remains without ``m`` other values.

    The most frequent value v is the one to believe in, and the next ones are those to rule out: any other
    choice exchanges a frequent value for a rarer one.
    """
    order = np.lexsort((-found.people, _is_missing(found), found.group))
    group, people = found.group[order], found.people[order]
    first = np.concatenate([[True], group[1:] != group[:-1]])
    believed = first & ~_is_missing(found)[order]
    others = np.where(believed, 0, people)
    rest = _without_largest(group, others, m)
    pairs = np.unique(np.stack([people[believed], rest[group[believed]]]), axis=1)
    return max((Fraction(v, v + left) for v, left in pairs.T.tolist()), default=Fraction(0))


def _without_largest(group: Codes, people: Codes, m: int) -> Codes:
    """The sum of each class's ``people`` without its ``m`` largest, by the class's number."""
    order = np.lexsort((-people, group))
    sorted_group = group[order]
    starts = np.searchsorted(sorted_group, sorted_group)
    rank = np.arange(len(order)) - starts
    left = np.where(rank < m, 0, people[order])
    return np.bincount(sorted_group, weights=left).astype(np.int64)


def _is_missing(found: Cells) -> Codes:
    return np.asarray(found.value == (-1 if found.missing is None else found.missing), dtype=np.bool_)


def _diversity(found: Cells) -> tuple[int, float]:
    """The fewest values of any class, and the least exponential of the entropy of any."""
    present = ~_is_missing(found)
    group, people = found.group[present], found.people[present].astype(np.float64)
    count = int(found.group.max()) + 1
    held = np.unique(found.group)
    values = np.bincount(group, minlength=count)[held]
    total = np.bincount(group, weights=people, minlength=count)[held]
    mass = np.bincount(group, weights=people * np.log(people), minlength=count)[held]
    if not values.min():
        return 0, 0.0
    least = int(np.argmin(np.log(total) - mass / total))
    own = people[group == held[least]].tolist()
    entropy = log(sum(own)) - fsum(n * log(n) for n in own) / sum(own)
    return int(values.min()), exp(entropy)


def _equal_distance(found: Cells) -> float:
    """The largest sum of what p exceeds q by, of any class."""
    size, whole = found.whole, int(found.totals.sum())
    surplus = np.maximum(found.people * whole - found.totals[found.value] * size, 0)
    return _largest(found.group, surplus, size * whole)


def _ordered_distance(found: Cells) -> float:
    """The largest sum of |P_i - Q_i|, over the number of values less one, P and Q summed in order.

    From one of its values to the next a class's P stands still while Q rises past it, at ``turn``.
    """
    values = len(found.totals)
    if values < 2:
        return 0.0
    upto = np.cumsum(found.totals) / found.totals.sum()
    sums = np.concatenate([[0.0], np.cumsum(upto)])
    held, starts, place = np.unique(found.group, return_index=True, return_inverse=True)
    before = np.cumsum(found.people) - found.people
    level = (before - before[starts][place] + found.people) / found.whole
    last = np.append(found.group[1:] != found.group[:-1], True)
    end = np.where(last, values, np.append(found.value[1:], values))
    turn = np.clip(np.searchsorted(upto, level, side="right"), found.value, end)
    below = (turn - found.value) * level - (sums[turn] - sums[found.value])
    above = (sums[end] - sums[turn]) - (end - turn) * level
    distance = np.bincount(place, weights=below + above, minlength=len(held)) + sums[found.value[starts]]
    return float(distance.max()) / (values - 1)


def _largest(group: Codes, parts: Codes, scale: Codes) -> float:
    """The largest sum of ``parts`` over ``scale`` of any class, exactly where floats are too near."""
    _, starts = np.unique(group, return_index=True)
    sums, wholes = np.add.reduceat(parts, starts), scale[starts]
    shares = sums / wholes
    near = shares >= shares.max() * (1 - 1e-9)
    pairs = np.unique(np.stack([sums[near], wholes[near]]), axis=1).T.tolist()
    return float(max(Fraction(part, whole) for part, whole in pairs))


def _gain(found: Cells) -> float:
    """The largest (p - q) / q of a value that a class has more often than the input; 0 without any."""
    largest = float(_ratio(found).max()) - 1
    return max(0.0, largest)


def _disclosure(found: Cells, classes: int) -> Figure:
    """The largest |ln(p / q)|; without an upper bound where a class lacks a value."""
    largest = float(np.abs(np.log(_ratio(found))).max())
    fewest = int(np.bincount(found.group)[np.unique(found.group)].min())
    if fewest == len(found.totals):
        return exact(largest, classes, "largest |ln(p / q)| of a value in a class")
    told = "unbounded: a class lacks a value of the input; the low end is the largest of those that are there"
    return Figure(None, largest, None, classes, told)


def _ratio(found: Cells) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """p / q of each cell."""
    whole = int(found.totals.sum())
    return (found.people * whole) / (found.totals[found.value] * found.whole)


def _values(series: pl.Series) -> tuple[Codes, int | None]:
    """The values numbered in their order, the missing one last, and its number."""
    import polars as pl

    texts = series.list.join("\x1f") if isinstance(series.dtype, pl.List) else series
    rank = texts.rank("dense").cast(pl.Int64) - 1
    missing = int(rank.null_count())
    last = int(rank.max() + 1) if missing < len(rank) else 0  # type: ignore[operator]
    return rank.fill_null(last).to_numpy().astype(np.int64), last if missing else None


def _people(keys: Codes, people: Codes) -> tuple[Codes, Codes]:
    """The distinct ``keys``, rising, and the distinct people with each."""
    width = int(people.max()) + 1 if len(people) else 1
    pairs = np.unique(keys * width + people)
    distinct, count = np.unique(pairs // width, return_counts=True)
    return distinct, count.astype(np.int64)
