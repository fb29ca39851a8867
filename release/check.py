"""``anon check``: the config, the input's columns and the hierarchies, without writing anything."""

from __future__ import annotations

from pathlib import Path

from anonymizer.counting.counts import Counts, count
from anonymizer.tables.table import Role, Table
from release.config.root import Config, load
from release.deciding.linking import beside, histories_of
from release.deciding.timing import refuse_unfit_secret
from release.files.staging import refuse_overlap
from release.intake.source import Source, read
from release.synthesising.foreseeing import foresee


def admitted(path: Path) -> Config:
    """The config in ``path``, with everything refused that can be before any data are read.

    Raises:
        AnonError: as `load` does; ``BadConfig`` for an output that is an input.
    """
    return fit(load(path), path)


def fit(config: Config, path: Path) -> Config:
    """``config``, which ``path`` holds, where nothing else speaks against it before data are read.

    Raises:
        BadConfig: an output is an input.
    """
    refuse_overlap(config.output.directory, config.name, [*config.inputs, path])
    refuse_unfit_secret(config)
    return config


def check(path: Path) -> str:
    """What a run of the config in ``path`` would start with, in a few lines.

    The input is read and every value looked up in its hierarchy, so a run gets at least as far as the search.

    Raises:
        AnonError: as the run would, but for what the search and everything after it may find.
    """
    config = admitted(path)
    source = read(config)
    everyone = beside(source.table, histories_of(config, source))
    counts = count(everyone, config.criteria)
    foresee(config, source.table)
    return _told(source, counts, config)


def _told(source: Source, counts: Counts, config: Config) -> str:
    target = config.output.directory / config.name
    table = source.table
    lattice = f"{counts.lattice_size:,} transformations over {counts.n_tuples:,} distinct tuples"
    there = " is already there: a run would end with 73" if target.exists() else ""
    return "\n".join(
        [
            f"ok: {table.frame.height:,} rows, {len(table.columns)} columns",
            *(f"{role:<17}{', '.join(names)}" for role, names in _roles(table).items()),
            *(f"{name:<17}{_events_told(events)}" for name, events in source.events.items()),
            *([f"{'not in the export':<17} {', '.join(source.untold)}"] if source.untold else []),
            f"{'lattice':<17}{lattice}",
            f"{'consent':<17}{source.consent}",
            *([f"{'files ignored':<17}{ignored:,}"] if (ignored := source.files_ignored) else []),
            *([f"{'synthesis':<17}{_synthesis_told(config)}"] if config.synthesis else []),
            f"{'output':<17}{target}{there}",
        ]
    )


def _synthesis_told(config: Config) -> str:
    """What synthesis will do: by which method, from which table, and what is left out or drawn again."""
    asked = config.synthesis
    assert asked is not None
    holdout = config.risk.holdout
    told = {
        "fit_on": asked.fit_on,
        "rows": "as many as are learned from" if asked.rows is None else f"{asked.rows:,}",
        "publish": config.output.published(asked),
        "filter": "cone" if asked.filters else "none",
        "distil": "yes" if asked.distil else "no",
        "holdout": "none" if holdout is None else holdout if isinstance(holdout, str) else f"{holdout:.0%}",
    }
    return "; ".join([asked.method, *(f"{key}: {value}" for key, value in told.items())])


def _roles(table: Table) -> dict[Role, list[str]]:
    """The columns of each role that any has."""
    names = {role: [column.name for column in table if column.role is role] for role in Role}
    return {role: own for role, own in names.items() if own}


def _events_told(table: Table) -> str:
    """The rows of a table of events, its columns by role, and the fixed levels of quasi-identifiers."""
    levels = {column.name: f" (level {column.min_level})" for column in table.quasi_identifiers}
    told = [
        f"{role}: {', '.join(name + levels.get(name, '') for name in names)}"
        for role, names in _roles(table).items()
        if role is not Role.IDENTIFIER
    ]
    return "; ".join([f"{table.frame.height:,} rows", *told])
