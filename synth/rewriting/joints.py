"""Columns that belong together: drawn as one column, whose values are combinations that k people have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import polars as pl

from anonymizer.errors import BadConfig, BadInput
from synth.conditions import NOTHING_TOLD, named
from synth.recipe import Combinations, Determines
from synth.variables import Training, Variable

LABEL = "\0label"
"""The name of the column of labels; no table has one like it."""
_PEOPLE, _SHARED = "\0people", "\0shared"
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
            self.combinations.with_columns(pl.lit(value=True).alias(_PEOPLE)),
            on=LABEL,
            how="left",
            maintain_order="left",
        )
        is_told = found[_PEOPLE].is_not_null()
        put_back = [
            _or_nothing(found[each.name], is_told) if each.type == "string" else found[each.name]
            for each in self.columns
        ]
        return frame.drop(self.variable.name).with_columns(put_back)


def joined(training: Training, names: Sequence[str]) -> tuple[Training, Joint, int]:
    """Return the table with one column instead of ``names``, how to undo it, and in how many rows it lost.

    Rows whose combination fewer than k people have are learned as the combination that shares the most of
    their values, and of those the one that most people have; as nothing where none shares any.
    """
    columns = tuple(named(training.variables, name) for name in names)
    counts = _counts(training, names)
    valid = counts.filter(pl.col(_PEOPLE) >= training.k)
    valid = valid.with_columns(pl.format("c{}", pl.int_range(pl.len())).alias(LABEL))
    labels = pl.concat([_labels(valid, names), _fallbacks(counts, valid, names, training.k)])
    name = " and ".join(names)
    while name in training.frame.columns:
        name += "_"
    cells = training.frame.select(names).join(
        labels, on=list(names), how="left", nulls_equal=True, maintain_order="left"
    )
    rare = training.frame.join(_labels(valid, names), on=list(names), how="anti", nulls_equal=True).height
    joint = Joint(Variable(name, "string"), columns, _labels(valid, names))
    return _replaced(training, joint, cells[LABEL]), joint, rare


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
        pair.filter(_is_told(pair, name) for name in pair.columns)
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


def _counts(training: Training, names: Sequence[str]) -> pl.DataFrame:
    """Every combination, how many people have it, in an order that the values alone decide."""
    people = pl.Series(_PEOPLE, training.people)
    counts = training.frame.select(names).with_columns(people).group_by(names).agg(pl.col(_PEOPLE).n_unique())
    return counts.sort(names, nulls_last=True)


def _labels(combined: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    return combined.select(LABEL, *names)


def _fallbacks(counts: pl.DataFrame, valid: pl.DataFrame, names: Sequence[str], k: int) -> pl.DataFrame:
    """The labels of the combinations that the rare ones are learned as; those without one are left out."""
    rare = counts.filter(pl.col(_PEOPLE) < k).select(names)
    found: list[pl.DataFrame] = []
    best = valid.sort([_PEOPLE, LABEL], descending=[True, False], maintain_order=True)
    for size in range(len(names) - 1, 0, -1):
        for shared in combinations(names, size):
            choice = best.unique(shared, keep="first", maintain_order=True).select(LABEL, _PEOPLE, *shared)
            choice = choice.filter(pl.all_horizontal(_is_told(choice, name) for name in shared))
            found.append(
                rare.join(choice, on=list(shared), how="inner").with_columns(pl.lit(size).alias(_SHARED))
            )
    if not found:
        return _labels(valid.clear(), names)
    ranked = pl.concat([each.select(LABEL, *names, _PEOPLE, _SHARED) for each in found])
    ranked = ranked.sort([_SHARED, _PEOPLE, LABEL], descending=[True, True, False], maintain_order=True)
    return _labels(ranked.unique(names, keep="first", maintain_order=True), names)


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


def _is_told(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Whether a cell is neither missing nor ``*``."""
    is_text = frame.schema[name] == pl.String
    return pl.col(name) != NOTHING_TOLD if is_text else pl.col(name).is_not_null()


def _or_nothing(cells: pl.Series, is_told: pl.Series) -> pl.Series:
    return cells.zip_with(is_told, pl.Series([NOTHING_TOLD], dtype=pl.String))
