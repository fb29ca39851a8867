"""Records that few columns already make unique: minimal sample uniques, SUDA and DIS-SUDA scores.

A set of columns is a *minimal sample unique* (MSU) of a record if nobody else has its values there, while
somebody has those of every smaller set (Manning, Haglin and Keane, "A recursive search algorithm for
statistical disclosure assessment", Data Mining and Knowledge Discovery 16, 2008). Records with small MSUs, or
many, are *special uniques*, which are in the population alone more often than others (Elliot, Manning, Mayes,
Gurd and Bane, "SUDA: A program for detecting special uniques", UNECE 2005). Sets are counted one by one
here, each once, instead of searched for: up to three of a dozen columns that is what takes least time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, prod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from risk.figures import NO_RECORDS, Figure, exact, not_estimated
from risk.reidentification.subsets import CELLS_AT_MOST, LARGEST, Codes, codes, combined, counted, of_size

if TYPE_CHECKING:
    import polars as pl

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SpecialUniques:
    """The MSUs of up to ``largest`` columns of each record of a table.

    ``by_size`` (int64, shape (records, largest)) counts a record's MSUs of 1, 2, … columns. ``contributions``
    (shape (columns,)) are the shares of all scores that come from MSUs with each column. ``alone`` and
    ``in_pairs`` are the records that nobody, and exactly one other, shares all columns with.
    """

    columns: tuple[str, ...]
    largest: int
    by_size: Codes
    contributions: FloatArray
    alone: int
    in_pairs: int

    def __post_init__(self) -> None:
        for array in (self.by_size, self.contributions):
            array.setflags(write=False)

    @property
    def records(self) -> int:
        return len(self.by_size)

    @property
    def scores(self) -> Codes:
        """SUDA scores, shape (records,): the sum of ``weights`` over a record's MSUs, 0 without any."""
        return np.asarray(self.by_size @ weights(len(self.columns), self.largest), dtype=np.int64)


def weights(columns: int, largest: int) -> Codes:
    """Return the weight of an MSU by its size, shape (largest,): (columns - k) … (columns - largest).

    Elliot et al. 2005. An MSU of all columns weighs 1.
    """
    last = min(largest, columns - 1)
    sizes = range(1, largest + 1)
    return np.array([prod(columns - i for i in range(k, last + 1)) for k in sizes], dtype=np.int64)


def special_uniques(
    frame: pl.DataFrame,
    columns: Sequence[str],
    *,
    largest: int = LARGEST,
    people: npt.NDArray[np.int64] | None = None,
) -> SpecialUniques:
    """Return the MSUs of up to ``largest`` of ``columns``, fewer where the table is too large for that.

    ``people`` (shape (records,)) tells by numbers who each record is about, so that somebody's other records
    make none less unique. Missing is a value like any other.
    """
    coded = {name: codes(frame[name]) for name in columns}
    largest = min(largest, len(columns))
    while largest > 1 and frame.height * comb(len(columns), largest) > CELLS_AT_MOST:
        largest -= 1
    by_size = np.zeros((frame.height, largest), dtype=np.int64)
    if not frame.height or not columns:
        return SpecialUniques(tuple(columns), largest, by_size, np.zeros(len(columns)), 0, 0)
    owners = None if people is None or len(np.unique(people)) == len(people) else people
    scored = dict.fromkeys(columns, 0)
    weight = weights(len(columns), largest)
    for names, minimal in _minimal(coded, largest, owners):
        by_size[:, len(names) - 1] += minimal
        for name in names:
            scored[name] += int(minimal.sum()) * int(weight[len(names) - 1])
    total = int((by_size @ weight).sum())
    contributions = np.array([scored[name] / total if total else 0.0 for name in columns])
    return SpecialUniques(tuple(columns), largest, by_size, contributions, *_full_classes(coded, owners))


def dis(found: SpecialUniques, fraction: Fraction) -> float:
    """Return the probability that a unique match with the table is right, by data intrusion simulation.

    Skinner and Elliot, "A measure of disclosure risk for microdata", JRSS B 64(4), 2002: with s_1 records
    alone and s_2 pairs in a simple random sample of ``fraction`` pi, pi s_1 / (pi s_1 + 2 (1 - pi) s_2).
    """
    right = float(fraction) * found.alone
    wrong = (1 - float(fraction)) * found.in_pairs
    return right / (right + wrong) if right else 0.0


def dis_scores(scores: npt.ArrayLike, dis: float, *, columns: int, alone: int) -> FloatArray:
    """Return each record's probability that a unique match with it is right, shape (records,).

    DIS-SUDA (Elliot and Manning, "Using DIS to modify the classification of special uniques", UNECE 2003; in
    the form that sdcMicro computes): the file's ``dis`` is shared out so that a record's odds are in
    proportion to a power of its SUDA score. 0 for records without a score; ``alone`` records are unique.
    """
    suda = np.asarray(scores, dtype=np.float64)
    scored = suda > 0
    if dis in (0.0, 1.0) or not scored.any():
        return np.where(scored, dis, 0.0)
    power = np.where(scored, suda, 1.0) ** max(0.0, 1 + (8 - columns) / 20)
    odds = power * float((1 / power[scored]).sum()) * dis / (alone * (1 - dis))
    return np.where(scored, odds / (1 + odds), 0.0)


def figures(found: SpecialUniques, fraction: Fraction | None = None) -> dict[str, Figure]:
    """Return by name the shares of records unique on few columns and, with a sampling ``fraction``, DIS."""
    n = found.records
    if not n:
        return {"special_uniques_share": Figure(None, None, None, 0, NO_RECORDS)}
    within = [
        int((found.by_size[:, :size] > 0).any(axis=1).sum()) / n for size in range(1, found.largest + 1)
    ]
    names = (*(f"special_uniques_of_{size}" for size in range(1, found.largest)), "special_uniques_share")
    shares = {
        name: exact(share, n, _up_to("share of records with a minimal sample unique of at most", size))
        for size, (name, share) in enumerate(zip(names, within, strict=True), start=1)
    }
    return {**shares, **_intrusion(found, fraction)}


def _up_to(told: str, size: int) -> str:
    return f"{told} {size} {'column' if size == 1 else 'columns'}"


def _intrusion(found: SpecialUniques, fraction: Fraction | None) -> dict[str, Figure]:
    names = ("dis", "dis_suda_max", "dis_suda_average")
    if fraction is None:
        lacking = not_estimated("needs the population's size (risk.population)", found.records)
        return dict.fromkeys(names, lacking)
    file = dis(found, fraction)
    scores = dis_scores(found.scores, file, columns=len(found.columns), alone=found.alone)
    model = f"model: data intrusion simulation (Skinner and Elliot 2002) with {float(fraction):.4g} sampled"
    told = (
        "probability that a unique match is right",
        "of the record with the highest SUDA score (Elliot and Manning 2003)",
        "mean over records (Elliot and Manning 2003)",
    )
    values = (file, float(scores.max()), float(scores.mean()))
    return {
        name: Figure(value, value, value, found.records, f"{model}: {what}")
        for name, value, what in zip(names, values, told, strict=True)
    }


def _minimal(
    coded: Mapping[str, Codes], largest: int, owners: Codes | None
) -> Iterator[tuple[tuple[str, ...], BoolArray]]:
    """Each set of columns and the records whose MSU it is, as far as there are any."""
    smaller: dict[tuple[str, ...], BoolArray] = {}
    for size in range(1, largest + 1):
        current = {}
        for names, found, bound in of_size(size, coded):
            alone = _alone(*counted(found, bound), owners)
            if size < largest:
                current[names] = alone
            parts = [smaller[names[:i] + names[i + 1 :]] for i in range(size)] if size > 1 else []
            minimal = alone & ~np.logical_or.reduce(parts) if parts else alone
            if minimal.any():
                yield names, minimal
        smaller = current


def _alone(found: Codes, count: Codes, owners: Codes | None) -> BoolArray:
    """The records whose combination nobody else has."""
    if owners is None:
        return np.asarray((count == 1)[found])
    somebody = np.zeros(len(count), dtype=np.int64)
    somebody[found] = owners
    shared = np.zeros(len(count), dtype=np.bool_)
    shared[found[owners != somebody[found]]] = True
    return np.asarray(~shared[found])


def _full_classes(coded: Mapping[str, Codes], owners: Codes | None) -> tuple[int, int]:
    """The records alone on all columns, and those that exactly one other person shares them with."""
    full = combined(list(coded.values()))
    assert full is not None
    if owners is None:
        people = np.bincount(full)
    else:
        width = int(owners.max()) + 1
        people = np.bincount(np.unique(full * width + owners) // width)
    return int((people[full] == 1).sum()), int((people[full] == 2).sum())
