"""What the synthesiser is told of each column: its type, its order, and what is coarser than its values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from statistics import median

import polars as pl

from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.tables.table import Column
from mii.codesystems import Icd10Gm, canonical_icd_10_gm
from release.files.tables import Types
from release.synthesising.leaves import leaves
from synth.recipe import Constraint, Never
from synth.variables import Type, Variable

Named = Mapping[str, Sequence[str]]
NOTHING_NAMED: Named = {}


def variables(
    columns: Sequence[Column],
    base: pl.DataFrame,
    types: Types,
    shown: pl.DataFrame | None = None,
    named: Named = NOTHING_NAMED,
) -> tuple[Variable, ...]:
    """The released columns as variables; ``base`` has their values before any was generalised.

    What is coarser than a value, and in what order values stand, is read from the hierarchies: no cut is made
    from the data. Where only the rows ``shown`` are learned from, a label stands for all values that it can
    have, not for those in the data: which these are would tell what was generalised. That takes values that
    can be counted up, or codes of ICD-10-GM: its categories, and what constraints have ``named`` by column.
    """
    told = [_variable(column, base[column.name], types[column.name]) for column in columns]
    if shown is None:
        return tuple(told)
    pairs = zip(columns, told, strict=True)
    return tuple(
        _as_shown(column, each, shown[column.name], named.get(column.name, ())) for column, each in pairs
    )


def named_by(constraints: Iterable[Constraint]) -> Named:
    """The texts that constraints forbid, by column."""
    found: dict[str, list[str]] = {}
    for never in (each for each in constraints if isinstance(each, Never)):
        for name, wanted in (*never.where.items(), *never.never.items()):
            texts = (
                [wanted] if isinstance(wanted, str) else wanted if isinstance(wanted, list | tuple) else ()
            )
            found.setdefault(name, []).extend(texts)
    return found


def _as_shown(column: Column, variable: Variable, shown: pl.Series, named: Sequence[str]) -> Variable:
    """The variable with what the labels that are shown say, and nothing of what they were."""
    every = leaves(column, 0)
    if not every and isinstance(column.hierarchy, Icd10Gm):
        # Of a beginning such as I48.* one code that begins so speaks for all.
        codes = (text for each in named for text in (each, each.rstrip("*"), each.rstrip("*") + "0"))
        every = (*leaves(column, 2), *filter(canonical_icd_10_gm, codes))
    if variable.type != "string" or not every:
        return variable
    cells = {*shown.drop_nulls().unique()} - {SUPPRESSED}
    kept = cells.union(*(variable.coarser.get(each, ()) for each in cells))
    coarser, order = above(column, every)
    below = kept.union(value for value, labels in coarser.items() if cells.intersection(labels))
    return replace(
        variable,
        coarser={k: v for k, v in {**variable.coarser, **coarser}.items() if k in below},
        order={k: v for k, v in {**variable.order, **order}.items() if k in below} if order else {},
    )


def _variable(column: Column, base: pl.Series, type_: str) -> Variable:
    kind: Type = type_  # type: ignore[assignment]
    low, high = column.clip or (None, None)
    if type_ not in ("string", "list"):
        return Variable(column.name, kind, low=low, high=high)
    told = base.drop_nulls()
    cells = told.explode(empty_as_null=False) if isinstance(told.dtype, pl.List) else told
    coarser, order = above(column, cells.cast(pl.String).unique().sort().to_list())
    return Variable(column.name, kind, coarser, {} if type_ == "list" else order)


def above(column: Column, values: Sequence[str]) -> tuple[dict[str, tuple[str, ...]], dict[str, float]]:
    """What is coarser than the values and their labels, and in what order all of them stand."""
    ladders = _ladders(column, values)
    coarser = {
        label: tuple(dict.fromkeys(ladder[level + 1 :]))
        for level in reversed(range(_levels(column)))
        for ladder in ladders
        if (label := ladder[level]) != SUPPRESSED
    }
    return coarser, _places(values, ladders)


def _levels(column: Column) -> int:
    return 1 if column.hierarchy is None else len(column.hierarchy.level_names)


def _ladders(column: Column, values: Sequence[str]) -> list[tuple[str, ...]]:
    """Every value's labels from the value itself to the top."""
    if column.hierarchy is None:
        return [(value,) for value in values]
    return list(zip(*column.hierarchy.generalise(values).labels, strict=True))


def _places(values: Sequence[str], ladders: Sequence[tuple[str, ...]]) -> dict[str, float]:
    """The place of every label whose values are all numbers or all days; nothing where they are not."""
    for place in (_number, _day):
        places = [place(value) for value in values]
        if values and None not in places:
            return _medians(ladders, [each for each in places if each is not None])
    return {}


def _medians(ladders: Sequence[tuple[str, ...]], places: Sequence[float]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for ladder, place in zip(ladders, places, strict=True):
        for label in {*ladder} - {SUPPRESSED}:
            found.setdefault(label, []).append(place)
    return {label: median(own) for label, own in sorted(found.items())}


def _number(value: str) -> float | None:
    try:
        return float(int(value))
    except ValueError:
        return None


def _day(value: str) -> float | None:
    """Of a partial date its first day."""
    try:
        return float(date.fromisoformat(value + "0001-01-01"[len(value) :]).toordinal())
    except ValueError:
        return None
