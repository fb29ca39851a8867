"""What a longitudinal synthesiser learns from: patients, and their events in several tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synth.axes import Ints
from synth.variables import Training, Variable

PATIENTS = "patients"
PERSON = "person"
"""The column of the drawn tables that links them."""
TIMES = frozenset({"integer", "number", "date", "datetime"})


@dataclass(frozen=True, slots=True, repr=False)
class Events:
    """One table of events; its ``people`` are the numbers of the patients.

    ``time`` is the column that says when an event was: days since whatever, a date, or date and time. Without
    one a person's events have no order. ``beside`` are further columns of times, as the end of a stay, of the
    same type: they are learned as what lies between them and ``time``, and so keep their order to it.

    Raises:
        ValueError: a column of times is not there, has another type or is named twice, or a column is called
            ``person``.
    """

    training: Training
    time: str | None = None
    beside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        types = {each.name: each.type for each in self.training.variables}
        named = [name for name in (self.time, *self.beside) if name is not None]
        if PERSON in types:
            raise ValueError("a column called person would be taken for the key")
        if self.time is None and self.beside:
            raise ValueError("times beside no time")
        if len(set(named)) < len(named) or any(name not in types for name in named):
            raise ValueError("a column of times is not there, or named twice")
        if not {types[name] for name in named} <= TIMES or len({types[name] for name in named}) > 1:
            raise ValueError("times are numbers, or days, all of one type")

    @property
    def clock(self) -> Variable | None:
        """The column of ``time``."""
        return next((each for each in self.training.variables if each.name == self.time), None)


@dataclass(frozen=True, slots=True, repr=False)
class Histories:
    """Patients, one row each, and their ``events`` by table; those of a table may depend on tables before it.

    Raises:
        ValueError: there are none, a patient has two rows, an event is nobody's, or a table is called as the
            patients' is.
    """

    patients: Training
    events: Mapping[str, Events]

    def __post_init__(self) -> None:
        people = self.patients.people
        if len(np.unique(people)) < len(people):
            raise ValueError("every patient has one row")
        if not self.events or not len(people):
            raise ValueError("there are no patients or no tables of events")
        if PATIENTS in self.events or PERSON in self.patients.frame.columns:
            raise ValueError("a table or a column has the name of the patients' table or of the key")
        for table in self.events.values():
            if not np.isin(table.training.people, people).all():
                raise ValueError("every event belongs to a patient")

    def rows(self, name: str) -> Ints:
        """Return the number of the patient's row for every event of a table."""
        people = self.patients.people
        order = np.argsort(people)
        return order[np.searchsorted(people[order], self.events[name].training.people)].astype(np.int64)

    def counts(self, name: str) -> Ints:
        """Return how many events of a table every patient has, in the order of their rows."""
        return np.bincount(self.rows(name), minlength=len(self.patients.people)).astype(np.int64)
