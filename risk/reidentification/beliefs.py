"""What the classes of an anonymised table say about a sensitive value: the l, t, beta and delta that they
reach, and the largest belief in a value of somebody whose class and m other facts are known.

Values are those of the input (``Comparison.base``), of a list each of its codes; people are counted once per
class and value. A missing value is none that anybody could believe in and does not count towards l; it is a
category for t, beta and delta. All comparisons are of whole numbers; floats are made of the results alone.

Where somebody has several values (several rows, a list of codes), a belief in one of them is the share of
the class's *people* who have it. Entropy, t, beta and delta compare distributions of one value per person:
they are not defined then, and there is no figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import exp, fsum, log
from typing import TYPE_CHECKING

import numpy as np

from risk.comparison import Comparison
from risk.figures import NO_RECORDS, Figure, exact, not_estimated
from risk.reidentification.subsets import Codes, codes, combined

if TYPE_CHECKING:
    import polars as pl

LARGEST_M = 3
"""How many values an attacker is taken to rule out at most."""
_SEVERAL = "defined for one value per person, and people here have several (rows or codes)"


@dataclass(frozen=True, slots=True)
class Cells:
    """The people of each value of ``column`` in each class: int64 arrays of shape (cells,), sorted by class,
    then value.

    Values are numbered in the order of ``totals`` (shape (values,)), which counts the people of the whole
    input by value; ``missing`` is the number of the missing value, None where the input has none. ``sizes``
    (shape (cells,)) are the distinct people of each cell's class, ``everybody`` those of the whole input:
    fewer than the values' people together where somebody has several.

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
    sizes: Codes
    everybody: int

    def __post_init__(self) -> None:
        for array in (self.group, self.value, self.people, self.totals, self.sizes):
            array.setflags(write=False)
        if not self.group.shape == self.value.shape == self.people.shape == self.sizes.shape:
            raise ValueError("group, value, people and sizes must be of equal length")

    @property
    def classes(self) -> int:
        return len(np.unique(self.group))

    @property
    def whole(self) -> Codes:
        """The sum of all values' people by class, repeated for each cell."""
        return np.bincount(self.group, weights=self.people).astype(np.int64)[self.group]

    @property
    def is_single_in_classes(self) -> bool:
        """Whether everybody has one value in each of their classes."""
        return bool((self.sizes == self.whole).all())

    @property
    def is_single(self) -> bool:
        """Whether everybody has one value, in their classes and in the whole input."""
        return self.is_single_in_classes and int(self.totals.sum()) == self.everybody


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
    row, value, missing = _mentions(comparison.base[column])
    width = int(value.max(initial=0)) + 1
    persons = comparison.people[row]
    _, totals = _people(value, persons)
    shown = comparison.shown[row]
    keys, people = _people(classes[row][shown] * width + value[shown], persons[shown])
    held, sizes = _people(classes[row][shown], persons[shown])
    group = keys // width
    sizes = sizes[np.searchsorted(held, group)]
    everybody = len(np.unique(persons))
    return Cells(group, keys % width, people, totals, missing, column, number, sizes, everybody)


def reached(found: Cells) -> dict[str, Figure]:
    """Return by ``<figure>.<column>`` the l, t, beta and delta that the released classes reach.

    ``l_distinct`` and ``l_entropy`` (Machanavajjhala et al. 2007): the fewest values of a class, and the
    number of equally frequent values with the least entropy of any. ``t_equal``, and ``t_ordered`` of a
    number: the largest distance from the input (Li et al. 2007). ``beta``: the largest (p - q) / q (Cao and
    Karras 2012). ``delta``: the largest |ln(p / q)| (Brickell and Shmatikov 2008), without an upper bound
    where a class lacks a value of the input. Where people have several values only ``l_distinct`` is defined.
    """
    classes, column = found.classes, found.column
    distances = ("t_equal", "t_ordered") if found.is_number else ("t_equal",)
    names = ("l_distinct", "l_entropy", *distances, "beta", "delta")
    if not classes:
        return {f"{name}.{column}": Figure(None, None, None, 0, NO_RECORDS) for name in names}
    values, entropy = _diversity(found)
    lacking = not_estimated(_SEVERAL, classes)
    figures = dict.fromkeys(names, lacking) | {
        "l_distinct": exact(values, classes, "fewest values of a class, missing not counted"),
    }
    if found.is_single_in_classes:
        told = "equally frequent values with the least entropy of a class"
        figures["l_entropy"] = exact(entropy, classes, told)
    if found.is_single:
        figures |= _distances(found, classes)
    return {f"{name}.{column}": figures[name] for name in names}


def _distances(found: Cells, classes: int) -> dict[str, Figure]:
    """How far classes are from the input, of people with one value each."""
    figures = {
        "t_equal": exact(_equal_distance(found), classes, "largest half sum of |p - q| of a class"),
        "beta": exact(_gain(found), classes, "largest (p - q) / q of a value in a class"),
        "delta": _disclosure(found, classes),
    }
    if found.is_number:
        told = "largest earth mover's distance of a class, values in their order"
        figures["t_ordered"] = exact(_ordered_distance(found), classes, told)
    return figures


def beliefs(found: Cells, most: int = LARGEST_M) -> dict[str, Figure]:
    """Return by ``belief_<m>.<column>`` the largest belief after ruling out m = 0 … ``most`` values.

    The attacker knows somebody's class, takes its people for equally likely, and knows m values that the
    person does not have: the belief in another value is its people over those of all values left. This is
    the instance-level knowledge of Machanavajjhala et al. (ACM TKDD 1(1), 2007, section 4) and the negations
    of Martin, Kifer, Machanavajjhala, Gehrke and Halpern (ICDE 2007); l-diversity with l <= m + 1 allows 1.
    Where people have several values, which of them to rule out is a question of its own: beyond m = 0 there
    are bounds alone, from the belief without any up to 1.
    """
    classes, column = found.classes, found.column
    names = [f"belief_{m}.{column}" for m in range(most + 1)]
    if not classes:
        return {name: Figure(None, None, None, 0, NO_RECORDS) for name in names}
    return {name: _belief(found, m) for m, name in enumerate(names)}


def _belief(found: Cells, m: int) -> Figure:
    if found.is_single_in_classes or not m:
        told = f"largest belief after ruling out {m} values"
        return exact(float(largest_belief(found, m)), found.classes, told)
    least = float(largest_belief(found, 0))
    if least == 1:
        return exact(1.0, found.classes, "largest belief, with no value ruled out already")
    told = f"bounds, as people have several values; largest belief after ruling out up to {m} values"
    return Figure(None, least, 1.0, found.classes, told)


def largest_belief(found: Cells, m: int) -> Fraction:
    """Return the largest share, over classes, of a value among what remains without ``m`` other values.

    The most frequent value v is the one to believe in, and the next ones are those to rule out: any other
    choice exchanges a frequent value for a rarer one. That is so of people with one value each; without any
    value ruled out (``m`` 0) they may have several.
    """
    if not m:
        present = ~_is_missing(found)
        held = np.unique(np.stack([found.people[present], found.sizes[present]]), axis=1)
        return max((Fraction(v, size) for v, size in held.T.tolist()), default=Fraction(0))
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


def _mentions(series: pl.Series) -> tuple[Codes, Codes, int | None]:
    """Rows and values, numbered in their order, the missing one last, and its number.

    A list mentions each of its codes; one without any is missing.
    """
    import polars as pl

    told = pl.DataFrame({"row": pl.int_range(len(series), eager=True), "value": series})
    if isinstance(series.dtype, pl.List):
        told = told.with_columns(pl.col("value").list.drop_nulls()).explode("value", empty_as_null=True)
    rank = told["value"].rank("dense").cast(pl.Int64) - 1
    missing = int(rank.null_count())
    last = int(rank.max() + 1) if missing < len(rank) else 0  # type: ignore[operator]
    values = rank.fill_null(last).to_numpy().astype(np.int64)
    return told["row"].to_numpy().astype(np.int64), values, last if missing else None


def _people(keys: Codes, people: Codes) -> tuple[Codes, Codes]:
    """The distinct ``keys``, rising, and the distinct people with each."""
    width = int(people.max()) + 1 if len(people) else 1
    pairs = np.unique(keys * width + people)
    distinct, count = np.unique(pairs // width, return_counts=True)
    return distinct, count.astype(np.int64)
