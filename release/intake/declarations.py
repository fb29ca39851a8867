"""Columns of an export by declaration: read from the config and its views, checked against the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec

import mii
from anonymizer.errors import BadConfig, InputMissing, Problem
from mii.views.declaring import SYSTEMS, Declared
from mii.views.definition import View, definition
from mii.views.families import families
from mii.views.keyed import Keyed, keyed, refusals
from release.config.columns import matching_keys
from release.config.declared import DeclaredColumn
from release.config.root import Config
from release.config.sections import MiiInput

_NUMBERS = {"quantity": "number"}


@dataclass(frozen=True, slots=True)
class Declarations:
    """The columns declared one by one, and the views with theirs."""

    columns: tuple[Declared, ...]
    views: tuple[Keyed, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """What each column is: code, date, number, integer, boolean or text."""
        own = {each.name: _NUMBERS.get(each.value, each.value) for each in self.columns}
        return own | {name: kind for view in self.views for name, _, kind in view.released}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, a name that is given twice standing twice."""
        own = [each.name for each in self.columns]
        return (*own, *(name for view in self.views for name, *_ in view.released))

    def families(self, observations: Mapping[str, mii.Observation]) -> tuple[frozenset[str], ...]:
        """Each column with those that are made of the same source element."""
        loincs = {name: observation.loinc for name, observation in observations.items()}
        return families(self.columns, self.views, loincs)


def declarations(config: Config, source: MiiInput) -> Declarations:
    """What the config's export declares.

    Raises:
        InputMissing: a view's file does not exist.
        BadConfig: a view is none, or its rows belong to no patient; a column without a rule, one whose name
            is taken, and one that can only be an identifier and is none.
    """
    columns = tuple(_declared(name, column) for name, column in source.columns.items())
    views = tuple(keyed(path.name, _view(path)) for path in source.views)
    found = Declarations(columns, views)
    problems = [
        *_taken(config, source, found),
        *_unruled(config, found),
        *_exposed(config, found),
        *_beside_shifted(config, found),
    ]
    if problems:
        raise BadConfig("the config does not fit what it declares", problems=problems)
    return found


def _declared(name: str, column: DeclaredColumn) -> Declared:
    system, codes = column.where.chosen
    return Declared(
        name=name,
        resource=column.resource,
        systems=SYSTEMS.get(system, (system,)),
        codes=codes,
        value=column.value,
        system=column.system,
        unit=column.unit,
    )


def _view(path: Path) -> View:
    try:
        data = msgspec.json.Decoder(float_hook=Decimal).decode(path.read_bytes())
    except OSError:
        raise InputMissing(f"the view {path.name} cannot be read") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadConfig(f"{path.name}: the view is not valid JSON") from None
    try:
        return definition(data)
    except BadConfig as error:
        raise BadConfig(f"{path.name}: {error.rule}", column=error.column) from None


def _taken(config: Config, source: MiiInput, found: Declarations) -> Iterator[Problem]:
    taken = {*mii.COLUMNS, *mii.OPTIONAL, *mii.lab_columns(source.observations)}
    for name, times in Counter(found.names).items():
        if times > 1 or name in taken:
            yield config.problem(_place(name, found), f"the name {name!r} is that of another column")


def _unruled(config: Config, found: Declarations) -> Iterator[Problem]:
    for name in dict.fromkeys(found.names):
        if not matching_keys(config.columns, name):
            yield config.problem(("columns", name), "this declared column has no rule; give it a role")


def _exposed(config: Config, found: Declarations) -> Iterator[Problem]:
    for view in found.views:
        for name, reason in refusals(view).items():
            keys = matching_keys(config.columns, name)
            if keys and config.columns[keys[0]].role != "identifier":
                yield config.problem(
                    ("columns", keys[0], "role"), f"{name} of {view.name} can only be an identifier: {reason}"
                )


def _beside_shifted(config: Config, found: Declarations) -> Iterator[Problem]:
    """A date by the calendar near a shifted one tells the shift, which undoes all of a person's."""
    shift = None if config.time is None else config.time.shift
    for name, kind in found.kinds.items() if shift is not None else ():
        for key in matching_keys(config.columns, name)[:1]:
            if kind == "date" and config.columns[key].role != "identifier":
                yield config.problem(
                    ("columns", key, "role"),
                    f"{name} is a date by the calendar and tells the shift of others: drop it (identifier)",
                )


def _place(name: str, found: Declarations) -> tuple[str | int, ...]:
    at = next((n for n, view in enumerate(found.views) if name in _released(view)), 0)
    own = any(each.name == name for each in found.columns)
    return ("input", "mii", "columns", name) if own else ("input", "mii", "views", at)


def _released(view: Keyed) -> Iterable[str]:
    return [name for name, *_ in view.released]
