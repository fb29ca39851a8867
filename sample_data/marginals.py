"""The tables beside this module: who lives where, what they suffer from, what is measured and given."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sample_data.draw import Weighted, weighted, zipf

FOLDER = Path(__file__).with_name("marginals")
RANK_EXPONENT = 1.0


@dataclass(frozen=True, slots=True)
class Region:
    """A city, its postal codes, and the ages (with the sex) of those who come to its hospital."""

    city: str
    ags: str
    plz: tuple[str, ...]
    patients: Weighted[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Disease:
    """A diagnosis with what follows from it; ``labs`` are shifts in standard deviations."""

    codes: Weighted[str]
    age: float
    spread: float
    women: float
    weight: float
    department: str
    days: float
    labs: Mapping[str, float]
    drugs: Mapping[str, float]
    procedures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Comorbidity:
    """A secondary diagnosis; ``probability`` at age 75, growing by ``per_decade``."""

    codes: Weighted[str]
    probability: float
    per_decade: float
    labs: Mapping[str, float]
    drugs: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Lab:
    """A laboratory value: its codes, its distribution in healthy adults and its normal range."""

    name: str
    loinc: str
    unit: str
    median: float
    spread: float
    digits: int
    low: float
    high: float
    measured: float
    detects: float


@dataclass(frozen=True, slots=True)
class Marginals:
    """All tables; ``diseases`` are drawn by ten years of age and sex."""

    regions: Weighted[Region]
    diseases: Mapping[tuple[int, str], Weighted[Disease]]
    comorbidities: tuple[Comorbidity, ...]
    labs: tuple[Lab, ...]
    names: Mapping[str, tuple[str, ...]]

    @property
    def drugs(self) -> frozenset[str]:
        """The ATC codes of every drug that can be given."""
        diseases = (disease for choice in self.diseases.values() for disease in choice.items)
        acute = frozenset(drug for disease in diseases for drug in disease.drugs)
        return acute.union(*(illness.drugs for illness in self.comorbidities))


@lru_cache(maxsize=1)
def marginals() -> Marginals:
    """The tables of this folder."""
    diseases = [_disease(row, rank) for rank, row in enumerate(_rows("diagnoses"), start=1)]
    return Marginals(
        _regions(),
        {(age, sex): _likely(diseases, age, sex) for age in range(0, 100, 10) for sex in ("female", "male")},
        tuple(_comorbidity(row) for row in _rows("comorbidities")),
        tuple(_lab(row) for row in _rows("labs")),
        {row["kind"]: tuple(row["words"].split()) for row in _rows("names")},
    )


def _regions() -> Weighted[Region]:
    rows, population = _rows("regions"), _rows("population")
    regions = [
        Region(row["city"], row["ags"], tuple(row["plz"].split()), _patients(population, row["state"]))
        for row in rows
    ]
    return weighted(regions, [float(row["weight"]) for row in rows])


def _patients(population: list[dict[str, str]], state: str) -> Weighted[tuple[int, str]]:
    items, weights = [], []
    for row in population:
        stays = float(row[state]) * float(row["stays"])
        for sex, share in (("female", float(row["women"])), ("male", 1 - float(row["women"]))):
            items.append((int(row["age"]), sex))
            weights.append(stays * share)
    return weighted(items, weights)


def _likely(diseases: list[Disease], age: int, sex: str) -> Weighted[Disease]:
    return weighted(diseases, [disease.weight * _fit(disease, age + 5, sex) for disease in diseases])


def _fit(disease: Disease, age: int, sex: str) -> float:
    share = disease.women if sex == "female" else 1 - disease.women
    distance = (age - disease.age) / disease.spread
    return share * math.exp(-distance * distance / 2)


def _disease(row: dict[str, str], rank: int) -> Disease:
    return Disease(
        zipf(row["codes"].split()),
        float(row["age"]),
        float(row["spread"]),
        float(row["women"]),
        1 / rank**RANK_EXPONENT,
        row["department"],
        float(row["days"]),
        _figures(row["labs"]),
        _figures(row["drugs"]),
        _figures(row["procedures"]),
    )


def _comorbidity(row: dict[str, str]) -> Comorbidity:
    return Comorbidity(
        zipf(row["codes"].split()),
        float(row["probability"]),
        float(row["per_decade"]),
        _figures(row["labs"]),
        _figures(row["drugs"]),
    )


def _lab(row: dict[str, str]) -> Lab:
    figures = (float(row[name]) for name in ("low", "high", "measured", "detects"))
    distribution = (float(row["median"]), float(row["spread"]), int(row["digits"]))
    return Lab(row["name"], row["loinc"], row["unit"], *distribution, *figures)


def _figures(text: str) -> dict[str, float]:
    pairs = (part.rsplit(":", 1) for part in text.split())
    return {name: float(figure) for name, figure in pairs}


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))
