"""Columns that belong together: drawn as one column, whose values are combinations that k people have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from anonymizer.errors import BadConfig, BadInput
from synth.conditions import NOTHING_TOLD, named
from synth.recipe import Combinations, Determines
from synth.rewriting.rare import LABEL, is_told, labels
from synth.variables import Training, Variable

_IS_TOLD = "\0told"
_MOST_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Joint:
    """A text column that stands for several: ``combinations`` has its labels and the columns' values."""

    variable: Variable
    columns: tuple[Variable, ...]
    combinations: pl.DataFrame = field(repr=False)

    def undone(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with the columns put back; where nothing is told, ``*`` or missing."""
        drawn = frame.select(pl.col(self.variable.name).alias(LABEL))
        found = drawn.join(
            self.combinations.with_columns(pl.lit(value=True).alias(_IS_TOLD)),
            on=LABEL,
            how="left",
            maintain_order="left",
        )
        is_told = found[_IS_TOLD].is_not_null()
        put_back = [
            _or_nothing(found[each.name], is_told) if each.type == "string" else found[each.name]
            for each in self.columns
        ]
        return frame.drop(self.variable.name).with_columns(put_back)


def joined(
    training: Training, names: Sequence[str], *, may_suppress: bool = False
) -> tuple[Training, Joint, int]:
    """Return the table with one column instead of ``names``, how to undo it, and in how many rows it lost.

    Rows whose combination fewer than k people have are learned as another one, or as nothing (``rare``).
    """
    columns = tuple(named(training.variables, name) for name in names)
    found = labels(training, names, may_suppress=may_suppress)
    name = " and ".join(names)
    while name in training.frame.columns:
        name += "_"
    joint = Joint(Variable(name, "string"), columns, found.known)
    cells = training.frame.select(names)
    learned = cells.join(found.learned, on=list(names), how="left", nulls_equal=True, maintain_order="left")
    rare = cells.join(found.known, on=list(names), how="anti", nulls_equal=True).height
    return _replaced(training, joint, learned[LABEL]), joint, rare


def check_determines(variables: tuple[Variable, ...], constraint: Determines) -> None:
    """Raise ``BadConfig`` for columns that do not exist, are lists or are the same."""
    check_combinations(variables, Combinations((constraint.column, constraint.other)))


def check_combinations(variables: tuple[Variable, ...], constraint: Combinations) -> None:
    """Raise ``BadConfig`` for columns that do not exist or are lists, and for fewer than two or too many."""
    if not 2 <= len(set(constraint.columns)) == len(constraint.columns) <= _MOST_COLUMNS:
        raise BadConfig(f"two to {_MOST_COLUMNS} columns, each once, can be kept together")
    for name in constraint.columns:
        if named(variables, name).type == "list":
            raise BadConfig("a column of lists cannot be kept together with others", column=name)


def check_dependency(training: Training, constraint: Determines) -> None:
    """Raise ``BadInput`` where the data break the dependency (column; how many of its values do)."""
    pair = training.frame.select(constraint.column, constraint.other)
    partners = (
        pair.filter(is_told(pair, name) for name in pair.columns)
        .group_by(constraint.column)
        .agg(pl.col(constraint.other).n_unique())
    )
    broken = partners.filter(pl.col(constraint.other) > 1).height
    if broken:
        raise BadInput(
            "values of this column have several of the one that they are to determine",
            column=constraint.column,
            count=broken,
        )


def groups(constraints: Sequence[Determines | Combinations]) -> tuple[tuple[str, ...], ...]:
    """Return the columns that belong together, those connected by a common column in one group."""
    found: list[list[str]] = []
    for each in constraints:
        columns = [each.column, each.other] if isinstance(each, Determines) else list(each.columns)
        touching = [group for group in found if set(group) & set(columns)]
        found = [group for group in found if group not in touching]
        merged = [name for group in touching for name in group] + columns
        found.append(list(dict.fromkeys(merged)))
    return tuple(map(tuple, found))


def _replaced(training: Training, joint: Joint, labels: pl.Series) -> Training:
    """The table with the joint column in the place of the first of its columns."""
    gone = {each.name for each in joint.columns}
    variables: list[Variable] = []
    for each in training.variables:
        if each.name == joint.columns[0].name:
            variables.append(joint.variable)
        elif each.name not in gone:
            variables.append(each)
    frame = training.frame.with_columns(labels.alias(joint.variable.name))
    return replace(
        training, frame=frame.select([each.name for each in variables]), variables=tuple(variables)
    )


def _or_nothing(cells: pl.Series, is_told: pl.Series) -> pl.Series:
    return cells.zip_with(is_told, pl.Series([NOTHING_TOLD], dtype=pl.String))
