"""How many people are unique on every set of up to three columns: what a few known facts give away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl

LARGEST = 3
CELLS_AT_MOST = 400_000_000
"""Rows times sets that are counted; beyond it larger sets are made of fewer columns, which is told."""

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Subset:
    """A set of columns, and the people whose values in them nobody else has."""

    columns: tuple[str, ...]
    unique: int
    share: float


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """All sets counted, the most revealing first. ``constant`` are columns with one value, in no set.

    ``columns_by_size`` says how many columns the sets of each size are made of: fewer than all where the
    table is too large.
    """

    people: int
    columns: tuple[str, ...]
    constant: tuple[str, ...]
    columns_by_size: tuple[int, ...]
    subsets: tuple[Subset, ...]


def uniqueness(
    frame: pl.DataFrame,
    columns: Sequence[str],
    alternatives: Iterable[Collection[str]] = (),
    *,
    people: pl.Series | None = None,
    cells_at_most: int = CELLS_AT_MOST,
) -> Uniqueness:
    """Return the people unique on every set of one to three of ``columns``.

    ``people`` tells who each row is about; without it a row is a person. Somebody with several rows is unique
    where one of them has values that are in nobody else's.

    Missing is a value like any other. No set holds two columns of one of the ``alternatives``, which tell the
    same fact. A set's figure is exact for the table; it does not tell how many of the unique are unique in
    the population as well.
    """
    coded = {name: codes(frame[name]) for name in columns}
    owners = None if people is None or people.n_unique() == len(people) else codes(people)
    count = frame.height if owners is None else int(owners.max()) + 1
    telling = [name for name in columns if len(coded[name]) and coded[name].max() > 0]
    apart = {frozenset(pair) for group in alternatives for pair in combinations(sorted(group), 2)}
    found: list[Subset] = []
    chosen, sizes = telling, []
    for size in range(1, LARGEST + 1):
        if len(chosen) < size:
            break
        chosen = _affordable(chosen, size, frame.height, found, cells_at_most)
        sizes.append(len(chosen))
        for names, unique in _of_size(size, {name: coded[name] for name in chosen}, apart, owners):
            found.append(Subset(names, unique, unique / count))
    found.sort(key=lambda subset: (-subset.unique, len(subset.columns), subset.columns))
    constant = tuple(name for name in columns if name not in telling)
    return Uniqueness(count, tuple(telling), constant, tuple(sizes), tuple(found))


def _affordable(
    columns: list[str], size: int, rows: int, found: Sequence[Subset], cells_at_most: int
) -> list[str]:
    """The columns that sets of ``size`` are made of: those in the most revealing sets so far."""
    most = len(columns)
    while most > size and rows * comb(most, size) > cells_at_most:
        most -= 1
    worst: dict[str, int] = dict.fromkeys(columns, 0)
    for subset in found:
        worst |= {name: max(worst.get(name, 0), subset.unique) for name in subset.columns if name in worst}
    ranked = sorted(columns, key=lambda name: -worst[name])[:most]
    return [name for name in columns if name in ranked]


def _of_size(
    size: int, coded: Mapping[str, Codes], apart: Collection[frozenset[str]], owners: Codes | None
) -> Iterator[tuple[tuple[str, ...], int]]:
    """The sets of ``size`` and the people unique on each."""
    for names, found, bound in of_size(size, coded, apart):
        yield names, _singles(found, bound) if owners is None else _people_alone(found, owners)


def of_size(
    size: int, coded: Mapping[str, Codes], apart: Collection[frozenset[str]] = ()
) -> Iterator[tuple[tuple[str, ...], Codes, int]]:
    """Yield each set of ``size`` columns, a number for each row's values in it, and what bounds the numbers.

    No set holds two columns that are ``apart``. All but the last column are combined once.
    """
    names = list(coded)
    for first in combinations(range(len(names)), size - 1):
        head = [names[place] for place in first]
        if any(frozenset(pair) in apart for pair in combinations(head, 2)):
            continue
        beginning = combined([coded[name] for name in head])
        for last in range(first[-1] + 1 if first else 0, len(names)):
            if any(frozenset((name, names[last])) in apart for name in head):
                continue
            yield (*head, names[last]), *_keys(beginning, coded[names[last]])


def codes(series: pl.Series) -> Codes:
    """Return the values of a column as numbers 0…distinct − 1; shape (rows,)."""
    import polars as pl

    texts = series.list.join("\x1f") if isinstance(series.dtype, pl.List) else series
    ranked = texts.cast(pl.String).rank("dense").cast(pl.Int64).fill_null(0).to_numpy()
    return _dense(ranked)


def _dense(values: Codes) -> Codes:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def combined(columns: Sequence[Codes]) -> Codes | None:
    """Return one number for each combination of values; ``None`` for no columns."""
    if not columns:
        return None
    first, *others = columns
    for other in others:
        first = _dense(first * (other.max() + 1) + other)
    return first


def _keys(beginning: Codes | None, last: Codes) -> tuple[Codes, int]:
    """A number below the second value for each combination of values, ``beginning`` and ``last``."""
    width = int(last.max()) + 1
    if beginning is None:
        return last, width
    return beginning * width + last, width * (int(beginning.max()) + 1)


def counted(found: Codes, bound: int) -> tuple[Codes, Codes]:
    """Return the rows' combinations as numbers from 0, shape (rows,), and how many rows have each."""
    if bound > 4 * len(found) + 1024:
        found = _dense(found)
    return found, np.bincount(found)


def _singles(keys: Codes, bound: int) -> int:
    """How many rows have a combination that no other row has."""
    if bound <= 4 * len(keys) + 1024:
        return int((np.bincount(keys, minlength=1) == 1).sum())
    ordered = np.sort(keys)
    differs = np.concatenate([[True], ordered[1:] != ordered[:-1], [True]])
    return int((differs[1:] & differs[:-1]).sum())


def _people_alone(keys: Codes, owners: Codes) -> int:
    """How many ``owners`` of rows have a combination that nobody else has, in however many rows."""
    several = int(owners.max()) + 1
    pairs = np.unique(_dense(keys) * several + owners)
    having = np.bincount(pairs // several)
    return len(np.unique((pairs % several)[having[pairs // several] == 1]))
