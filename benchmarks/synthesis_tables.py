"""Tables to synthesise: Adult, Diabetes and a million rows, with what is public about their columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from risk.comparison import Attribute
from synth.recipe import Between, Declared
from synth.variables import Training, Variable

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
SEED = 20261123
LEARNED = 0.8
"""The share of people that methods learn from; Adult's others are 6,033 of 30,162."""
MILLION = 1_000_000
_NUMBERS = {"adult": ("age",), "diabetes": ("time_in_hospital",)}
_SENSITIVE = {"adult": ("salary-class",), "diabetes": ("diag_1", "readmitted")}
_FREE = {"diabetes": ("diag_1_chapter",)}
_READMITTED = ("<30", ">30", "NO")


@dataclass(frozen=True, slots=True)
class Case:
    """A table by person, what is told of its columns, and which of them others are to predict."""

    frame: pl.DataFrame
    variables: tuple[Variable, ...]
    domain: Mapping[str, Declared]
    attributes: tuple[Attribute, ...]
    target: str

    def parts(self, cut: int | None) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return who is learned from and who is held out, of the first ``cut`` people in random order."""
        order = np.random.default_rng(SEED).permutation(self.frame.height)[:cut]
        ends = int(LEARNED * len(order))
        return self.frame[order[:ends]], self.frame[order[ends:]]

    def training(self, frame: pl.DataFrame) -> Training:
        return Training(frame, self.variables, np.arange(frame.height))


def adult() -> Case:
    return _case("adult", "salary-class", {"age": Declared(span=Between(17, 90), bands=37)})


def diabetes() -> Case:
    chapters = tuple(sorted(set(_hierarchy("diabetes", "diag_1").to_series(2))))
    return _case(
        "diabetes",
        "readmitted",
        {
            "time_in_hospital": Declared(values=tuple(str(days) for days in range(1, 15))),
            "diag_1_chapter": Declared(values=chapters),
            "readmitted": Declared(values=_READMITTED),
        },
    )


def million() -> Case:
    """Diabetes' columns and eight of Adult's, rows of each drawn with replacement."""
    rng = np.random.default_rng(SEED)
    parts = [diabetes(), adult()]
    frames = [part.frame[rng.integers(0, part.frame.height, MILLION)] for part in parts]
    kept = [name for name in frames[1].columns if name not in frames[0].columns][:8]
    frame = frames[0].hstack(frames[1].select(kept))
    told = {each.name: each for part in reversed(parts) for each in part.variables}
    variables = tuple(told[name] for name in frame.columns)
    return Case(frame, variables, {}, _attributes("diabetes", frame), "readmitted")


CASES: Mapping[str, Callable[[], Case]] = {"adult": adult, "diabetes": diabetes, "million": million}


def _case(name: str, target: str, domain: Mapping[str, Declared]) -> Case:
    read = pl.read_csv(DATA / name / f"{name}.csv", separator=";", infer_schema=False)
    frame = read.with_columns(pl.col(_NUMBERS[name]).cast(pl.Float64))
    declared = {
        column: Declared(values=tuple(sorted(set(_hierarchy(name, column).to_series(0)))))
        for column in frame.columns
        if column not in domain
    }
    variables = tuple(_variable(name, column) for column in frame.columns)
    return Case(frame, variables, {**declared, **domain}, _attributes(name, frame), target)


def _hierarchy(name: str, column: str) -> pl.DataFrame:
    path = DATA / name / f"{name}_hierarchy_{column}.csv"
    return pl.read_csv(path, separator=";", has_header=False, infer_schema=False)


def _variable(name: str, column: str) -> Variable:
    if column in _NUMBERS[name]:
        return Variable(column, "integer", low=0, high=120)
    if not (DATA / name / f"{name}_hierarchy_{column}.csv").exists():
        return Variable(column, "string")
    rows = _hierarchy(name, column).rows()
    coarser = {row[0]: row[1:-1] for row in rows}
    is_banded = (name, column) == ("diabetes", "age")
    order = {row[0]: float(row[0].strip("[").split("-")[0]) for row in rows} if is_banded else {}
    return Variable(column, "string", coarser=coarser, order=order)


def _attributes(name: str, frame: pl.DataFrame) -> tuple[Attribute, ...]:
    sensitive = _SENSITIVE[name]
    return tuple(
        Attribute(
            column,
            "number" if dtype.is_float() else "category",
            column not in (*sensitive, *_FREE.get(name, ())),
            column in sensitive,
        )
        for column, dtype in frame.schema.items()
    )
