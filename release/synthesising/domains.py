"""What a column can hold, by its hierarchy or by declaration: never by the data."""

from __future__ import annotations

from collections.abc import Sequence

from anonymizer.errors import BadConfig, BadInput, Problem
from anonymizer.tables.table import Column, Role
from release.config.synthesis import Bands as DeclaredBands
from release.config.synthesis import Synthesis
from release.files.tables import Types
from release.synthesising.columns import above
from release.synthesising.leaves import leaves
from synth.recipe import Between, Declared

_NOTHING = "the column's values are not declared, as dp-marginals needs them"
_AS_TEXT = "the column is learned as text, which has values and no {from, to, bands}"
_SPANS = ("integer", "number", "date", "datetime")


def domains(columns: Sequence[Column], synthesis: Synthesis, types: Types) -> dict[str, Declared]:
    """The domain of every released column.

    Raises:
        BadConfig: neither the config nor a hierarchy says what some columns can hold; names all of them.
    """
    found: dict[str, Declared] = {}
    refused: list[BadConfig] = []
    for column in columns:
        try:
            found[column.name] = _domain(column, synthesis, types[column.name])
        except BadConfig as error:
            refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    if refused:
        raise BadConfig("dp-marginals needs to be told what columns can hold", problems=_problems(refused))
    return found


def _problems(refused: Sequence[BadConfig]) -> list[Problem]:
    return [Problem(f"synthesis.domain.{each.column}", f"{each.rule}; {each.hint}") for each in refused]


def _domain(column: Column, synthesis: Synthesis, type_: str) -> Declared:
    told = synthesis.domain.get(column.name)
    if isinstance(told, DeclaredBands):
        if type_ not in _SPANS:
            raise BadConfig(_AS_TEXT, column=column.name, hint=_instead_of_a_span(column))
        return told.declared
    if told is not None:
        return _with_above(column, told, type_)
    if type_ == "boolean":
        return Declared(values=("false", "true"))
    if type_ in ("integer", "number") and column.clip is not None and None not in column.clip:
        return Declared(span=Between(*column.clip))
    values = _labels(column)
    if not values:
        raise BadConfig(_NOTHING, column=column.name, hint=_how_to_declare(column, type_))
    return _with_above(column, values, type_)


def _instead_of_a_span(column: Column) -> str:
    """What to write for a column that is learned as labels."""
    if _labels(column):
        return "its hierarchy declares it: leave it out of synthesis.domain"
    return _how_to_declare(column, "string")


def _how_to_declare(column: Column, type_: str) -> str:
    if type_ in _SPANS:
        or_clip = "" if type_ in ("date", "datetime") else ", or give a clip"
        return f"say {{from, to, bands}} under synthesis.domain{or_clip}"
    if column.hierarchy is None:
        return "name its values under synthesis.domain"
    return "name its labels under synthesis.domain, or give it a higher min_level"


def _with_above(column: Column, values: tuple[str, ...], type_: str) -> Declared:
    """The values with all that is above and beside them, whether the data have them or not."""
    if type_ not in ("string", "list"):
        return Declared(values=values)
    try:
        coarser, order = above(column, leaves(column, _level(column) or 0) or values)
    except BadInput:
        # Declared labels that are no values of the hierarchy: nothing is known above them.
        return Declared(values=values)
    return Declared(values=values, coarser=coarser, order={} if type_ == "list" else order)


def _level(column: Column) -> int | None:
    """The level at which a column is learned from."""
    return column.min_level if column.role is Role.QUASI_IDENTIFIER else column.release_level


def _labels(column: Column) -> tuple[str, ...]:
    """Every label of the level at which the column is learned from; none where they are too many."""
    level = _level(column)
    if column.hierarchy is None or level is None:
        return ()
    every = leaves(column, level)
    if not every:
        return ()
    return tuple(dict.fromkeys(column.hierarchy.generalise(every).labels[level]))
