"""From the config's rules and a table's column names to columns with roles.

A name wins over a pattern. Every column of a plain table has a role: a column that nobody thought of is the
one that gives people away. Of an export, only the columns that the config names are built at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from anonymizer.errors import BadConfig, BadInput, Problem
from anonymizer.hierarchies.hierarchy import Hierarchy
from anonymizer.tables.table import Column, Role
from mii.request import OPTIONAL
from release.config.columns import ColumnRule, Rules, bounds, matching_keys
from release.config.document import Location
from release.config.problems import closest
from release.config.root import Config
from release.config.tables import event_dates
from release.intake.births import birth_problems, without_oldest
from release.intake.event_columns import NO_EVENTS, EventTables, beside_patients
from release.intake.event_dates import event_date_problems
from release.intake.export_columns import NO_KINDS, export_problems, lab_families
from release.intake.families import Families, finer
from release.intake.hierarchies import build
from release.intake.time_columns import changed_dates, export_time_problems

AGE, OLDEST = "age_years", 90.0
"""An export's age is top-coded here where no rule says else: few people are older, and they are known."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """A column of the table, the config's key that speaks of it, and its rule."""

    name: str
    key: str
    rule: ColumnRule


def resolve(
    config: Config,
    available: Sequence[str],
    *,
    families: Families = (),
    kinds: Mapping[str, str] = NO_KINDS,
    events: EventTables = NO_EVENTS,
) -> tuple[Column, ...]:
    """The columns of the table with their roles and hierarchies, in the order of ``available``.

    ``available`` are the names of a plain table's columns, or of all columns that the export can give;
    ``families`` are sets of columns made of one source element, ``kinds`` tells what declared columns are;
    ``events`` are the tables beside this one, whose own problems are told with the others.

    Raises:
        BadInput: the plain table lacks columns that the config names (its header may be a row of data, so
            its own names are not told).
        BadConfig: a column without a role, contradicting patterns, levels beyond a hierarchy, a column
            released finer than a quasi-identifier of its family, and the like; every finding at once.
        InputMissing: a hierarchy's file does not exist.
    """
    if config.input.table is not None:
        _refuse_missing(config, available)
    assigned = _assigned(config, available)
    problems = [
        *_unruled(config, available),
        *_unmatched(config, available),
        *_contradictions(config, available),
        *_unavailable(config, available),
    ]
    if config.input.mii is not None:
        problems += export_problems(config, {each.name: (each.key, each.rule) for each in assigned}, kinds)
        families = (*families, *lab_families(config.input.mii.observations))
    hierarchies, broken = _hierarchies(config, assigned)
    is_export = config.input.mii is not None
    columns = tuple(_column(each, hierarchies.get(each.key), is_export=is_export) for each in assigned)
    problems += [*broken, *_levels_beyond(config, assigned, hierarchies)]
    problems += _finer_in_family(config, columns, families)
    problems += export_time_problems(config, columns, families, events.qualified)
    told_twice = tuple(beside_patients(config, columns, families, kinds))
    problems += (*events.problems, *told_twice)
    if is_export and not told_twice:
        problems += event_date_problems(config, columns, events.qualified, families, kinds)
    if is_export:
        columns = without_oldest(config, columns, families, kinds)
        problems += birth_problems(config, columns, families, kinds)
    if problems:
        raise BadConfig("the config does not fit the table", problems=problems)
    return columns


def rule_of(config: Config, name: str) -> ColumnRule | None:
    """The rule for the column ``name``, or ``None`` where no key speaks of it."""
    keys = matching_keys(config.columns, name)
    return config.columns[keys[0]] if keys else None


def column_types(config: Config, names: Iterable[str]) -> dict[str, str]:
    """What the cells of CSV columns are: integer, number, date or boolean, by name; all others are text.

    Quasi-identifiers and identifiers are always text.
    """
    rules = {name: rule for name in names if (rule := rule_of(config, name)) is not None}
    types = {name: rule.type or ("number" if rule.clip else "text") for name, rule in rules.items()}
    return {name: kind for name, kind in types.items() if kind != "text"}


def accepted_dependencies(config: Config, names: Iterable[str]) -> frozenset[str]:
    """The columns that may be released although they determine a quasi-identifier."""
    rules = {name: rule_of(config, name) for name in names}
    return frozenset(name for name, rule in rules.items() if rule is not None and rule.accept_dependency)


def _refuse_missing(config: Config, available: Sequence[str]) -> None:
    lacking = [key for key in config.columns if not _speaks_of_any(key, config.columns, available)]
    if not lacking:
        return
    others = sum(not matching_keys(config.columns, name) for name in available)
    raise BadInput(
        f"the table lacks columns that the config names: {', '.join(lacking)}"
        f" ({others:,} of its {len(available):,} columns have no rule)",
        hint="are the delimiter and the encoding right, and has the file a header?",
    )


def _speaks_of_any(key: str, rules: Rules, available: Sequence[str]) -> bool:
    return key in available or any(matching_keys({key: rules[key]}, name) for name in available)


def _assigned(config: Config, available: Sequence[str]) -> tuple[Assigned, ...]:
    keys = {name: matching_keys(config.columns, name) for name in available}
    return tuple(Assigned(name, key[0], config.columns[key[0]]) for name, key in keys.items() if key)


def _unruled(config: Config, available: Sequence[str]) -> Iterator[Problem]:
    if config.input.table is None:
        return
    for name in available:
        if not matching_keys(config.columns, name):
            yield config.problem(("columns", name), "this column of the table has no rule; give it a role")


def _unmatched(config: Config, available: Sequence[str]) -> Iterator[Problem]:
    for key in config.columns:
        if not _speaks_of_any(key, config.columns, available):
            rule = "matches no column" if "*" in key else "is no column of the export"
            # A table has an optional column only where its name is written out: a misspelt one is not there.
            yield config.problem(("columns", key), rule, closest(key, {*available, *OPTIONAL}))


def _contradictions(config: Config, available: Sequence[str]) -> Iterator[Problem]:
    for name in available:
        first, *others = matching_keys(config.columns, name) or ("",)
        for key in others:
            if config.columns[key] != config.columns[first]:
                yield config.problem(
                    ("columns", key), f"contradicts the pattern {first!r} about the column {name!r}"
                )


def _unavailable(config: Config, available: Sequence[str]) -> Iterator[Problem]:
    """Columns that other sections name; a pattern may speak of them and they still do not exist."""
    named: dict[Location, str] = {
        ("privacy", name, index, "column"): demand.column for name, index, demand in config.privacy.demands
    }
    for index, demand in enumerate(() if config.tables else config.privacy.km_anonymity):
        named["privacy", "km_anonymity", index, "column"] = demand.column
    for name in config.predicted:
        named["search", "metric", "target"] = name
    for index, entry in enumerate(config.microaggregation):
        named |= {("microaggregation", index, "columns", i): name for i, name in enumerate(entry.columns)}
    if config.time is not None:
        events = event_dates(config.tables)
        named |= {("time", *at): name for at, name in config.time.named if name not in events}
        if config.time.relative is not None:
            named["time", "relative", "to"] = config.time.relative.to
    if config.person_column is not None:
        named = {("subject",): config.person_column, **named}
    for at, name in named.items():
        if name not in available:
            yield config.problem(at, "is no column of the table")


def _hierarchies(
    config: Config, assigned: Iterable[Assigned]
) -> tuple[dict[str, Hierarchy], tuple[Problem, ...]]:
    """The hierarchies by the key of their rule, and what is wrong with the others."""
    built: dict[str, Hierarchy] = {}
    problems = []
    for key, rule in {each.key: each.rule for each in assigned}.items():
        if rule.hierarchy is None:
            continue
        try:
            built[key] = build(rule.hierarchy, reference_date=config.reference_date)
        except BadConfig as error:
            problems.append(config.problem(("columns", key, "hierarchy"), str(error)))
    return built, tuple(problems)


def _column(each: Assigned, hierarchy: Hierarchy | None, *, is_export: bool) -> Column:
    rule = each.rule
    clip = bounds(rule.clip)
    if is_export and each.name == AGE and _is_kept_as_it_is(rule):
        clip = (None, OLDEST)
    return Column(
        name=each.name,
        role=Role(rule.role),
        hierarchy=hierarchy,
        sensitive=rule.is_sensitive,
        weight=float(rule.weight),
        min_level=rule.min_level,
        max_level=rule.max_level,
        release_level=rule.release_level,
        clip=clip,
    )


def _is_kept_as_it_is(rule: ColumnRule) -> bool:
    return rule.role in ("sensitive", "insensitive") and rule.clip is None and rule.release_level is None


def _levels_beyond(
    config: Config, assigned: Iterable[Assigned], hierarchies: Mapping[str, Hierarchy]
) -> Iterator[Problem]:
    for key, rule in {each.key: each.rule for each in assigned}.items():
        if key not in hierarchies:
            continue
        top = len(hierarchies[key].level_names) - 1
        for name in ("min_level", "max_level", "release_level"):
            if (getattr(rule, name) or 0) > top:
                yield config.problem(("columns", key, name), f"the hierarchy has the levels 0 to {top}")


def _finer_in_family(config: Config, columns: Sequence[Column], families: Families) -> Iterator[Problem]:
    told = [column for column in columns if column.name not in changed_dates(config)]
    for column, coarser in finer(told, families):
        key = matching_keys(config.columns, column.name)[0]
        yield config.problem(("columns", key), _FINER.format(column.name, coarser.name))


_FINER = (
    "{!r} comes from the same source element as the quasi-identifier {!r} and may be released finer; "
    "drop it (identifier), give it the same hierarchy and a release_level no lower than the other's "
    "max_level, or make it a quasi-identifier too (a list of codes cannot be one)"
)
