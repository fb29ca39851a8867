"""The columns of tables of events with their roles, and what they allow of one another and of patients'."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from anonymizer.errors import BadConfig, Problem
from anonymizer.hierarchies.hierarchy import Hierarchy
from anonymizer.tables.table import EVENTS, PERSON, Column, Role
from mii import TABLES, lab_columns
from mii.request import (
    CONDITION_COLUMNS,
    MAIN_DIAGNOSIS_COLUMNS,
    MEDICATION_COLUMNS,
    PROCEDURE_COLUMNS,
    STAY_COLUMNS,
)
from mii.views.families import mark
from release.config.columns import bounds, matching_keys
from release.config.root import Config
from release.config.tables import EventColumn
from release.intake.export_columns import LISTS
from release.intake.families import Families, finer, is_suppressed
from release.intake.hierarchies import build

DISCHARGED = "discharge_reason"
FAMILIES = (
    frozenset({"encounters.admission_date", "encounters.discharge_date", "encounters.length_of_stay_days"}),
    frozenset(
        {"encounters.main_diagnosis"}
        | {"diagnoses.icd10gm", "diagnoses.alpha_id", "diagnoses.orpha", "diagnoses.snomed"}
    ),
    frozenset({"procedures.ops", "procedures.snomed"}),
    frozenset({"medications.atc", "medications.pzn"}),
)
"""Columns of events made of one source element; a main diagnosis is one of the diagnoses."""


@dataclass(frozen=True, slots=True)
class EventTables:
    """By table its columns but for the person's, in their order; and what is wrong with their rules."""

    columns: Mapping[str, tuple[Column, ...]]
    problems: tuple[Problem, ...] = ()

    @property
    def qualified(self) -> tuple[Column, ...]:
        """All columns, each called ``<table>.<column>``."""
        return tuple(
            replace(column, name=f"{table}.{column.name}")
            for table, columns in self.columns.items()
            for column in columns
        )


NO_EVENTS = EventTables(MappingProxyType({}))


def event_tables(config: Config) -> EventTables:
    """The tables of events that the config asks for, in the order of `mii.TABLES`.

    Raises ``InputMissing`` where a hierarchy's file does not exist.
    """
    found: dict[str, tuple[Column, ...]] = {}
    problems: list[Problem] = []
    for table in (name for name in TABLES if name in config.tables):
        rules = config.tables[table]
        hierarchies = dict(_hierarchies(config, table, problems))
        found[table] = tuple(
            _column(name, rules[name], hierarchies.get(name)) for name in TABLES[table] if name in rules
        )
    problems += _finer_in_family(config, EventTables(found))
    problems += _units_tell_codes(config, found.get("labs", ()))
    return EventTables(found, tuple(problems))


def beside_patients(
    config: Config, columns: Sequence[Column], families: Families, declared: Container[str]
) -> Iterator[Problem]:
    """The columns of patients that tell what a table of events tells too, or have a name that it needs.

    What columns that are ``declared`` tell, their ``families`` say; the names of all others do.
    """
    if not config.tables:
        return
    told = {table: ELEMENTS[table] | {mark(table)} for table in config.tables}
    if "labs" in told and config.input.mii is not None:
        told["labs"] = frozenset(lab_columns(config.input.mii.observations))
    if "main_diagnosis" in config.tables.get("encounters", {}):
        told["encounters"] |= ELEMENTS["diagnoses"] | {mark("diagnoses")}
    for column in columns:
        at = ("columns", matching_keys(config.columns, column.name)[0])
        own = _elements(column.name, families if column.name in declared else ())
        tables = [table for table, elements in told.items() if own & elements]
        if column.name in (PERSON, EVENTS):
            yield config.problem(at, _TAKEN.format(column.name))
        elif column.role is Role.IDENTIFIER:
            continue
        elif tables:
            yield config.problem(at, _TWICE.format(column.name, tables[0]))
        elif column.name in LISTS:
            yield config.problem(at, _LIST.format(column.name))


def _elements(name: str, families: Families) -> frozenset[str]:
    """The columns that are made of what the column ``name`` is made of, itself among them.

    Whatever tells of a death is of a family with the reason of a discharge and the cause, but by itself it
    tells no stay and no diagnosis.
    """
    made = frozenset[str]().union(*(family for family in families if name in family))
    return made - {DISCHARGED, "cause_of_death"} | {name}


ELEMENTS: Mapping[str, frozenset[str]] = {
    "encounters": STAY_COLUMNS - {"encounter_id"},
    "diagnoses": MAIN_DIAGNOSIS_COLUMNS | CONDITION_COLUMNS,
    "procedures": PROCEDURE_COLUMNS,
    "labs": frozenset(),
    "medications": MEDICATION_COLUMNS,
}
"""The columns of patients that are made of what each table tells row by row."""


def _hierarchies(config: Config, table: str, problems: list[Problem]) -> Iterator[tuple[str, Hierarchy]]:
    """The hierarchies by column; what is wrong with them, or beyond their levels, goes to ``problems``."""
    for name, rule in config.tables[table].items():
        if rule.hierarchy is None:
            continue
        at = ("tables", table, name)
        try:
            hierarchy = build(rule.hierarchy, reference_date=config.reference_date)
        except BadConfig as error:
            problems.append(config.problem((*at, "hierarchy"), str(error)))
            continue
        top = len(hierarchy.level_names) - 1
        if (rule.release_level or 0) > top:
            message = f"the hierarchy has the levels 0 to {top}"
            problems.append(config.problem((*at, "release_level"), message))
        yield name, hierarchy


def _column(name: str, rule: EventColumn, hierarchy: Hierarchy | None) -> Column:
    """A quasi-identifier has one level; whatever else is coarsened has a release level."""
    column = Column(
        name, Role(rule.role), hierarchy, sensitive=rule.role == "sensitive", clip=bounds(rule.clip)
    )
    if column.role is Role.QUASI_IDENTIFIER:
        return replace(column, min_level=rule.release_level or 0, max_level=rule.release_level)
    return replace(column, release_level=rule.release_level)


def _finer_in_family(config: Config, tables: EventTables) -> Iterator[Problem]:
    changed = frozenset() if config.time is None else config.time.columns
    columns = [column for column in tables.qualified if column.name not in changed]
    for table in tables.columns:
        for column, coarser in finer([_beside(table, each) for each in columns], FAMILIES):
            own, _, name = column.name.partition(".")
            if own == table:
                message = _FINER if _is_of(table, coarser) else _RARE
                yield config.problem(("tables", table, name), message.format(column.name, coarser.name))


def _beside(table: str, column: Column) -> Column:
    """A column as ``table`` must take it: rare events of others leave alone, so no level is coarse enough."""
    return column if _is_of(table, column) else replace(column, max_level=None)


def _is_of(table: str, column: Column) -> bool:
    return column.name.startswith(f"{table}.")


def _units_tell_codes(config: Config, columns: Sequence[Column]) -> Iterator[Problem]:
    """Every LOINC code has one unit, so different units tell apart what a coarser code has in common."""
    observations = () if config.input.mii is None else config.input.mii.observations.values()
    roles = {column.name: column for column in columns}
    code, unit = roles.get("loinc"), roles.get("unit")
    if code is None or unit is None or len({each.unit for each in observations}) < 2:
        return
    is_coarse = code.role is Role.QUASI_IDENTIFIER and code.min_level > 0
    if is_coarse and unit.role is not Role.QUASI_IDENTIFIER and not is_suppressed(unit):
        yield config.problem(("tables", "labs", "unit"), _UNIT)


_UNIT = (
    "tells which LOINC codes a value can have, and the quasi-identifier labs.loinc is released coarser; "
    "leave it out, make it a quasi-identifier too, or release labs.loinc at level 0"
)
_FINER = (
    "{} comes from the same source element as the quasi-identifier {} and would be released finer; leave it "
    "out, give it the same hierarchy and a release_level no lower than the other's, or make it a "
    "quasi-identifier too"
)
_RARE = (
    "{} tells what the quasi-identifier {} of another table tells, whose rare events leave a class alone; "
    "leave it out, release it at the top level (*), or make it a quasi-identifier too"
)
_TWICE = (
    "{} tells what the table {} tells event by event, and the two together more than either; drop it "
    "(identifier), or leave that table out"
)
_LIST = (
    "{} is a list of codes, which cannot be released beside `tables` in this version; drop it (identifier), "
    "and release its events as a table"
)
_TAKEN = "{} is the name of a column that `tables` need themselves; declare this one by another name"
