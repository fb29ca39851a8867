"""Histories whose law is known: visits that follow a chain of codes, and a drug for who had one of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from synth.longitudinal.histories import Events, Histories
from synth.longitudinal.linked import Linked, fit
from synth.variables import Training, Variable

CODES = ("E11", "I10", "I21", "J44")
CHAINS = {
    "female": np.array(
        [[0.1, 0.7, 0.1, 0.1], [0.1, 0.1, 0.7, 0.1], [0.1, 0.1, 0.1, 0.7], [0.7, 0.1, 0.1, 0.1]]
    ),
    "male": np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.4, 0.4, 0.1, 0.1], [0.25] * 4]),
}
"""From code to code, by gender."""
GAPS = {0: 0.2, 7: 0.5, 30: 0.3}
"""Days from one visit to the next, and how often."""
MORE = {"female": 2.0, "male": 4.0}
"""How many visits on average."""
PEOPLE = 1500


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Patients who are rows drawn again."""

    frame: pl.DataFrame

    def sample(self, n: int, rng: np.random.Generator) -> pl.DataFrame:
        return self.frame[rng.integers(0, self.frame.height, n)]


@cache
def known() -> Histories:
    """The visits of all patients in a mixed order, and their drugs; half of the people have a drug."""
    rng = np.random.default_rng(11)
    gender = rng.choice(["female", "male"], PEOPLE)
    visits = [(i, *visit) for i in range(PEOPLE) for visit in _visits(gender[i], rng)]
    diabetic = {i for i, code, _ in visits if code == "E11"}
    drugs = [(i, "A10" if i in diabetic else "C09") for i in range(PEOPLE) if rng.random() < 0.5]
    patients = pl.DataFrame({"gender": gender, "age": rng.integers(20, 90, PEOPLE)})
    mixed = [visits[i] for i in rng.permutation(len(visits))]
    return Histories(
        Training(patients, (Variable("gender", "string"), Variable("age", "integer")), np.arange(PEOPLE)),
        {
            "visits": Events(_training(mixed, Variable("icd", "string"), Variable("day", "integer")), "day"),
            "drugs": Events(_training(drugs, Variable("atc", "string"))),
        },
    )


def _visits(gender: str, rng: np.random.Generator) -> list[tuple[str, int]]:
    found, code, day = [], int(rng.integers(4)), int(rng.integers(0, 300))
    for _ in range(rng.poisson(MORE[gender])):
        found.append((CODES[code], day))
        code = int(rng.choice(4, p=CHAINS[gender][code]))
        day += int(rng.choice(list(GAPS), p=list(GAPS.values())))
    return found


def _training(rows: list[tuple[int, ...]], *variables: Variable) -> Training:
    frame = pl.DataFrame(rows, schema=["person", *(each.name for each in variables)], orient="row")
    return Training(frame.drop("person"), variables, frame["person"].to_numpy())


@cache
def drawn(n: int = PEOPLE) -> dict[str, pl.DataFrame]:
    """Tables drawn of what is learned from ``known``."""
    return learned().sample(n, np.random.default_rng(6))


@cache
def learned() -> Linked:
    return fit(known(), Redrawn(known().patients.frame), np.random.default_rng(5))


def tables(histories: Histories) -> dict[str, pl.DataFrame]:
    """The histories as linked tables, people's numbers as keys."""
    parts = {"patients": histories.patients, **{n: e.training for n, e in histories.events.items()}}
    return {
        name: part.frame.with_columns(pl.Series("person", part.people).cast(pl.String))
        for name, part in parts.items()
    }
