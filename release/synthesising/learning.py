"""The table that a synthesiser learns from, and the people in it, held out or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import BadConfig
from anonymizer.tables.row_order import in_order
from anonymizer.tables.table import Table
from release.config.root import Config
from release.describing.comparing import base_values
from release.files import tables
from release.synthesising.columns import Named, named_by, variables
from release.synthesising.holding_out import numbers
from release.verifying.cells import every_row
from release.verifying.promise import Promise
from release.verifying.retime import retimed
from release.verifying.rows import surplus
from release.verifying.verify import VerifiedRelease
from synth.variables import Training

FEWEST_PEOPLE = 5
"""What fewer people have is not learned, where no k is asked for."""
_ROW = "\0row"


@dataclass(frozen=True, slots=True)
class Learned:
    """Everybody's rows in the words of the table that is learned from.

    ``training`` holds the rows that are learned from, in an order of their own; ``everyone`` those of all
    people who are not held out, of which ``shown`` (bool) are learned from, ``base`` the same rows with the
    values as they were and ``people`` (int64) whose they are. ``held_out`` and ``held_out_people`` are the
    rows and people who are held out; None: nobody is.
    """

    training: Training
    everyone: pl.DataFrame
    base: pl.DataFrame
    people: NDArray[np.int64]
    shown: NDArray[np.bool_]
    held_out: pl.DataFrame | None = None
    held_out_people: NDArray[np.int64] | None = None


def learned(config: Config, verified: VerifiedRelease, held_out: Table | None) -> Learned:
    """What the config says is to be learned from.

    Raises:
        BadConfig: people have several rows, and what was averaged over them cannot be told by person.
    """
    promise = verified.promise
    is_original = config.synthesis is not None and config.synthesis.fit_on == "original"
    words = _as_they_were(promise) if is_original else promise
    everyone = _told(words) if is_original else tables.canonical(verified.everyone)
    shown = np.ones(everyone.height, np.bool_) if is_original else verified.shown.to_numpy().astype(np.bool_)
    people = numbers(promise.table.people)
    rows, whose = everyone.filter(pl.Series(shown)), people[shown]
    if not is_original and surplus(rows, verified.frame):
        rows, whose = _averaged(verified)
    frame, order = _in_order(rows)
    types, own = tables.types(everyone), None if is_original else rows
    told = variables(promise.table.released, promise.table.frame, types, own, named_in(config))
    k = config.privacy.k_anonymity or FEWEST_PEOPLE
    outside = None if held_out is None else _told(replace(words, table=held_out))
    return Learned(
        Training(frame, told, whose[order], k),
        everyone,
        base_values(promise.table, days=True),
        people,
        shown,
        outside,
        None if held_out is None else numbers(held_out.people),
    )


def named_in(config: Config) -> Named:
    """What the config's constraints name, by column."""
    return named_by(each.constraint for each in (config.synthesis.constraints if config.synthesis else ()))


def _told(promise: Promise) -> pl.DataFrame:
    """The rows of a promise's table as they would be released."""
    return tables.canonical(every_row(promise, retimed(promise.table, promise.own_timing)))


def _as_they_were(promise: Promise) -> Promise:
    """The promise that nothing is generalised beyond what the config asks for at least."""
    levels: Mapping[str, int] = {column.name: column.min_level for column in promise.table.quasi_identifiers}
    return replace(promise, transformation=levels, recoding=None, groupings=(), removed_codes={})


def _averaged(verified: VerifiedRelease) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """The released rows, where they are not those of ``everyone``: means, or lists that had to lose codes."""
    if not verified.row_is_person:
        raise BadConfig(
            "synthesis: cannot be fitted on averages or shortened lists of people with several rows",
            hint="leave out microaggregation and km_anonymity, or use `row: patient`",
        )
    return verified.frame, np.arange(verified.frame.height)


def _in_order(rows: pl.DataFrame) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """The rows sorted by all columns, and the order: what is drawn must not depend on the input's order."""
    ordered = in_order(rows.with_columns(pl.int_range(rows.height).alias(_ROW)))
    return ordered.drop(_ROW), ordered[_ROW].cast(pl.Int64).to_numpy()
