"""What can be said of a synthesis before a run: what it will do, and what it would be refused for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from anonymizer.errors import BadConfig
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.tables.table import Column, Role, Table
from release.config.root import Config
from release.config.synthesis import wanted
from release.files import tables
from release.synthesising.columns import variables
from release.synthesising.domains import domains
from release.synthesising.leaves import leaves
from release.verifying.cells import kept_cells
from synth.coding.declared import public
from synth.conditions import condition, matching
from synth.recipe import Declared, Never, Wanted
from synth.rewriting.rewriting import check
from synth.rewriting.rules import rules
from synth.variables import Variable

_CODES = re.compile(r"[A-Z]\d[\dA-Z]?(\.\d+)?\s*[-\u2013\u2014]\s*[A-Z]?\d[\dA-Z]?(\.\d+)?")
"""From a code to a code, in words."""


def foresee(config: Config, table: Table) -> None:
    """Refuse a synthesis that cannot be of the columns of this ``table``.

    Raises:
        BadConfig: constraints or conditions that a column cannot have, rules about what no row has, a code
            range in place of a pattern; or, for a private method, columns whose values are not declared.
    """
    synthesis = config.synthesis
    if synthesis is None:
        return
    types = _types(table.released, table)
    told = variables(table.released, table.frame, types)
    declared: dict[str, Declared] = {}
    if synthesis.is_private:
        declared = domains(table.released, synthesis, types)
        told = public(told, declared)
    constraints = [each.constraint for each in synthesis.constraints]
    if config.time is None:  # which may make numbers of days
        rules(told, wanted(synthesis.conditions), constraints)
        check(told, constraints)
    for each in constraints:
        if isinstance(each, Never):
            _refuse_unmet(each, told, declared)
            _refuse_spans_of_codes(each, told, {column.name: column for column in table.released})


def _types(columns: Sequence[Column], table: Table) -> dict[str, str]:
    """The types in which columns are learned from: labels are text."""
    empty = table.frame.head(0)
    return tables.types(
        pl.DataFrame(
            pl.Series(each.name, [], pl.String)
            if each.role is Role.QUASI_IDENTIFIER
            else kept_cells(empty[each.name], each)
            for each in columns
        )
    )


def _refuse_unmet(never: Never, told: Sequence[Variable], declared: Mapping[str, Declared]) -> None:
    for name, asked in never.where.items():
        if not _can_match(name, asked, told, declared):
            raise BadConfig("`where` says what no row can have", column=name, hint="see how it is written")


def _refuse_spans_of_codes(never: Never, told: Sequence[Variable], columns: Mapping[str, Column]) -> None:
    for name, asked in never.never.items():
        texts = [asked] if isinstance(asked, str) else asked if isinstance(asked, Sequence) else ()
        for text in filter(_CODES.fullmatch, texts):
            if not _can_match(name, text, told, {}) and not _is_label(columns[name], text):
                raise BadConfig(
                    "`never` names a range of codes that is no label of its hierarchy",
                    column=name,
                    hint='name beginnings, such as "O*", or several of them',
                )


def _is_label(column: Column, text: str) -> bool:
    """Whether a hierarchy has such a label, of a block of codes for one, that nobody may have."""
    every = leaves(column, 2)
    if column.hierarchy is None or not every:
        return False
    return any(text in labels for labels in column.hierarchy.generalise(every).labels)


def _can_match(name: str, asked: Wanted, told: Sequence[Variable], declared: Mapping[str, Declared]) -> bool:
    """Whether any known value, or what is coarser than it, is as asked; also where no value is known."""
    asked_of = condition(told, name, asked)
    variable = asked_of.variable
    known = {*declared.get(name, Declared()).values, *variable.coarser}.union(*variable.coarser.values())
    if asked is None or variable.type not in ("string", "list") or not known - {SUPPRESSED}:
        return True
    cells = pl.Series(sorted(known), dtype=pl.String)
    if variable.type == "list":
        cells = cells.reshape((-1, 1)).arr.to_list()
    return bool(matching(asked_of, cells, certain=False).any())
