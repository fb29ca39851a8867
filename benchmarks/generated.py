"""Tables like those of a health survey, drawn anew from a seed: CSV, hierarchies in ARX's layout, config.

    python -m benchmarks.generated FOLDER [--case survey] [--rows 1200000] [--seed 20261122]

Columns are categories with skewed shares, correlated through hidden factors (a Gaussian copula), so that
some tuples are common and most are rare. ``survey`` has the shape of the IHIS extract that ARX is measured
on: nine quasi-identifiers, 25,920 transformations and, at 1.2 million rows, more than 500,000 distinct
tuples. The other cases have larger lattices. Hierarchies merge neighbouring values.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from statistics import NormalDist

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.counting.counts import Encoded
from anonymizer.hierarchies.encoding import build_ladder
from anonymizer.hierarchies.hierarchy_file import FromFile
from anonymizer.tables.table import Column, Role

SEED = 20261122
K = 5
SUPPRESSION_LIMIT = "0.02"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One quasi-identifier: its values, how common each is, and how many neighbours a level merges.

    ``loading`` in [-1, 1] is the correlation with the hidden factor of that number. The levels are the
    value, one per entry of ``widths`` (each a multiple of the one before), and ``*``.
    """

    name: str
    values: tuple[str, ...]
    shares: tuple[float, ...]
    loading: float
    widths: tuple[int, ...]
    factor: int = 0

    @property
    def levels(self) -> int:
        return len(self.widths) + 2

    def draw(self, hidden: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int32]:
        """The codes of as many rows as ``hidden`` has; int32."""
        own = rng.standard_normal(len(hidden))
        score = self.loading * hidden + np.sqrt(1 - self.loading**2) * own
        cumulated = np.cumsum(self.shares)[:-1] / np.sum(self.shares)
        normal = NormalDist()
        limits = [normal.inv_cdf(share) for share in cumulated]
        codes: NDArray[np.int32] = np.searchsorted(limits, score).astype(np.int32)
        return codes

    def labels(self) -> list[tuple[str, ...]]:
        """The hierarchy's rows, from the value to the top."""
        return [
            (value, *(f"{self.name} {i // width * width}+{width}" for width in self.widths), "*")
            for i, value in enumerate(self.values)
        ]

    @property
    def column(self) -> Column:
        names = ("value", *(f"{width} values" for width in self.widths), "*")
        return Column(
            self.name,
            Role.QUASI_IDENTIFIER,
            FromFile({row[0]: row for row in self.labels()}, names),
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A table to draw: its attributes and usual number of rows."""

    attributes: tuple[Attribute, ...]
    rows: int

    @property
    def lattice_size(self) -> int:
        return prod(attribute.levels for attribute in self.attributes)

    def codes(self, rows: int, seed: int = SEED) -> list[NDArray[np.int32]]:
        """Each attribute's codes; a larger table does not start with a smaller one."""
        rng = np.random.default_rng(seed)
        factors = 1 + max(attribute.factor for attribute in self.attributes)
        hidden = rng.standard_normal((factors, rows))
        return [attribute.draw(hidden[attribute.factor], rng) for attribute in self.attributes]

    def encoded(self, rows: int, seed: int = SEED) -> Encoded:
        """The table in integers, without its text ever being made."""
        ladders = tuple(
            build_ladder(attribute.column, attribute.values, missing=False) for attribute in self.attributes
        )
        return Encoded(ladders, tuple(self.codes(rows, seed)), None, {})

    def frame(self, rows: int, seed: int = SEED) -> pl.DataFrame:
        """The table as text."""
        return pl.DataFrame(
            [
                pl.Series(attribute.name, attribute.values).gather(codes)
                for attribute, codes in zip(self.attributes, self.codes(rows, seed), strict=True)
            ]
        )


def _years(first: int, last: int) -> tuple[str, ...]:
    return tuple(map(str, range(first, last + 1)))


def _named(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name} {i:02}" for i in range(count))


def _falling(count: int, by: float) -> tuple[float, ...]:
    """Shares that fall by a constant factor."""
    return tuple(by**i for i in range(count))


def _zipf(count: int, exponent: float) -> tuple[float, ...]:
    """Shares with a long tail of rare values."""
    return tuple((i + 1) ** -exponent for i in range(count))


def survey() -> Case:
    """Nine columns with the sizes and levels of IHIS; 25,920 transformations."""
    ages = tuple(1.0 if age < 55 else 1.0 - (age - 54) / 40 for age in range(91))
    return Case(
        (
            Attribute("year", _years(1997, 2009), _falling(13, 0.8), 0.0, (2, 6, 12)),
            Attribute(
                "quarter", ("Jan to Mar", "Apr to Jun", "Jul to Sep", "Oct to Dec"), (1.0,) * 4, 0.0, ()
            ),
            Attribute("region", ("Northeast", "Midwest", "South", "West"), (18, 24, 36, 22), 0.1, (2,)),
            Attribute("person", _years(1, 25), _zipf(25, 2.5), -0.8, (5, 10)),
            Attribute("age", _years(0, 90), ages, 0.9, (5, 10, 20, 40)),
            Attribute("marital-status", _named("marital status", 10), _zipf(10, 2.0), 0.8, (3,)),
            Attribute("sex", ("female", "male"), (52, 48), 0.05, ()),
            Attribute("race", _named("race", 16), _zipf(16, 2.5), 0.1, ()),
            Attribute("education", _named("education", 26), _zipf(26, 2.0), 0.8, (4,)),
        ),
        1_200_000,
    )


def even(levels: Sequence[int], rows: int) -> Case:
    """A case whose columns have the given numbers of levels: n of them over 2^(n-1) values."""
    attributes = []
    for j, n_levels in enumerate(levels):
        name, count = f"column-{j:02}", 2 ** max(n_levels - 1, 1)
        widths = tuple(2 ** (level + 1) for level in range(n_levels - 2))
        loading = (0.2, 0.5, 0.8, -0.6)[j % 4]
        attributes.append(Attribute(name, _named(name, count), _falling(count, 0.5), loading, widths))
    return Case(tuple(attributes), rows)


def kinds(levels: Sequence[int], rows: int) -> Case:
    """Four kinds of columns, each kind close to a hidden factor of its own; n levels over 3^(n-1) values.

    Which columns of a kind to generalise depends on the other kinds, so that a search that refines one column
    after the other goes astray.
    """
    attributes = []
    for j, n_levels in enumerate(levels):
        name, count = f"column-{j:02}", 3 ** (n_levels - 1)
        widths = tuple(2 ** (level + 1) for level in range(n_levels - 2))
        attributes.append(Attribute(name, _named(name, count), _zipf(count, 1.0), 0.9, widths, j % 4))
    return Case(tuple(attributes), rows)


CASES = {
    "survey": survey(),
    # 85,030,560 transformations, as many as the sixteen columns of ../shared/search.md have.
    "sixteen": kinds((3,) * 12 + (5, 4, 4, 2), 73_000),
    "ten-million": even((5,) * 7 + (4, 4, 4, 2), 70_000),
    "ten-trillion": even((5,) * 13 + (4,) * 6 + (2,), 70_000),
}


def write(case: Case, folder: Path, *, rows: int | None = None, seed: int = SEED) -> Path:
    """The path of ``config.yaml``; beside it ``table.csv`` and ``hierarchies/``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hierarchies").mkdir(exist_ok=True)
    case.frame(case.rows if rows is None else rows, seed).write_csv(folder / "table.csv")
    for attribute in case.attributes:
        lines = [";".join(row) for row in attribute.labels()]
        path = folder / "hierarchies" / f"{attribute.name}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(_config(case), encoding="utf-8")
    return config


def _config(case: Case) -> str:
    columns = "".join(
        f"  {each.name}: {{role: quasi-identifier, hierarchy: {{file: hierarchies/{each.name}.csv}}}}\n"
        for each in case.attributes
    )
    return (
        "name: generated\nreference_date: 2026-11-22\nsubject: row\n"
        f"input: {{table: {{path: table.csv}}}}\ncolumns:\n{columns}"
        f"privacy: {{k_anonymity: {K}, suppression_limit: {SUPPRESSION_LIMIT}}}\n"
        "output: {directory: out, formats: [csv, parquet]}\n"
    )


def main() -> None:
    """Write one case into a folder."""
    parser = argparse.ArgumentParser(description="Draw a table from a seed")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--case", choices=sorted(CASES), default="survey")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    print(write(CASES[asked.case], asked.folder, rows=asked.rows, seed=asked.seed))


if __name__ == "__main__":
    main()
