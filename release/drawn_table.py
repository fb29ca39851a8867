"""``anon synth``: a synthetic table alone, of a config or of any table; for the house, and no release."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from anonymizer.errors import BadInput, OutputExists, OutputFailed, UsageError
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.seeds import spawned
from anonymizer.tables.row_order import in_order
from release.check import fit as admitted
from release.config.document import read_document
from release.files import tables
from release.files.permissions import owner_only
from release.files.staging import sync
from release.progress import NOWHERE, Screen
from release.run import tables_of
from release.sweeping import changed, parsed
from release.synthesising.holding_out import numbers
from release.table_findings import UNTOLD, TableHints, read_found
from synth.recipe import Method, Recipe, Wanted
from synth.synthesis import fit
from synth.variables import Training, Variable

CONFIGS = {".yaml", ".yml"}
FORMATS = {".csv", ".parquet"}
_NAME = "synth"
_NOT_A_RELEASE = "no release: nothing was attacked or measured; keep it in the house"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be drawn of a table: by which ``method``, how many ``rows``, under which conditions.

    ``k`` people must have what is learned; ``table`` tells how a CSV is written, and the column that names
    the person, who may have several rows. Of a config only ``rows`` and ``seed`` count.
    """

    method: Method | None = None
    rows: int | None = None
    seed: int | None = None
    k: int = 5
    given: Mapping[str, Wanted] = field(default_factory=dict)
    table: TableHints = field(default_factory=TableHints)


def draw(source: Path, output: Path, asked: Asked, screen: Screen = NOWHERE) -> str:
    """What was written into the new file ``output``, CSV or Parquet by its name, in a line.

    Raises:
        UsageError: the file's name is of another format, or options have no effect on this source.
        OutputExists: the file is already there.
        AnonError: nothing could be drawn.
    """
    if output.suffix.lower() not in FORMATS:
        raise UsageError("--output must end in .csv or .parquet")
    if os.path.lexists(output):
        raise OutputExists("the file is already there", hint="name another one with --output")
    if not output.parent.is_dir():
        raise UsageError("the folder that --output names is not there")
    is_config = source.suffix.lower() in CONFIGS
    frame = _of_config(source, asked, screen) if is_config else _of_table(source, asked)
    _write(frame, output)
    lost = [name for name in frame.columns if _is_hidden(frame[name])]
    hidden = f"\nnothing but * or missing, as too few people share a value: {', '.join(lost)}" if lost else ""
    return f"wrote {output}: {frame.height:,} synthetic rows; {_NOT_A_RELEASE}{hidden}"


def _is_hidden(cells: pl.Series) -> bool:
    """Whether a column shows nothing: every value was merged with all others."""
    if cells.null_count() == len(cells):
        return True
    return cells.dtype == pl.String and set(cells.drop_nulls().unique()) <= {SUPPRESSED}


def _of_config(path: Path, asked: Asked, screen: Screen) -> pl.DataFrame:
    """The synthetic table of a config's run, without its attacks and reports."""
    if asked.method is not None or asked.given or asked.table != UNTOLD:
        raise UsageError("method, conditions and people of a config stand in the config")
    document = read_document(path)
    data: Mapping[str, object] = document.data
    for key, value in (("seed",), asked.seed), (("synthesis", "rows"), asked.rows):
        data = data if value is None else changed(data, key, value)
    if parsed(path, data, document).synthesis is None:
        raise UsageError("the config has no `synthesis`")
    # Under its own name: a release of the config that is there already is neither read nor touched.
    config = admitted(parsed(path, changed(data, ("name",), _NAME), document), path)
    with tables_of(config, screen) as done:
        assert done.synthesised is not None
        return done.synthesised.verified.frame


def _of_table(path: Path, asked: Asked) -> pl.DataFrame:
    """Rows of a model of the whole table, whose columns are all taken for what they look like."""
    if asked.method == "dp-marginals":
        raise UsageError("dp-marginals needs a config, which declares what columns can hold")
    cells, subject = read_found(path, asked.table), asked.table.subject
    if subject is not None and subject not in cells.columns:
        raise UsageError("the table has no such column as --subject names")
    if not cells.height:
        raise BadInput("the table has no rows")
    people = _people(cells, subject)
    frame = pl.DataFrame([typed(cells[name]) for name in cells.columns if name != subject])
    types = tables.types(frame)
    variables = tuple(Variable(name, type_) for name, type_ in types.items())  # type: ignore[arg-type]
    training = Training(tables.canonical(frame), variables, people, asked.k)
    rng = spawned(asked.seed, "synthesis")
    model = fit(training, Recipe(asked.method or "cart", given=asked.given), rng)
    return in_order(model.sample(asked.rows or frame.height, rng))


def _people(cells: pl.DataFrame, subject: str | None) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if subject is None:
        return np.arange(cells.height)
    if nobody := cells[subject].null_count():
        raise BadInput("rows name no person", column=subject, count=nobody)
    return numbers(cells[subject])


def typed(cells: pl.Series) -> pl.Series:
    """A column of text as numbers or days, if every cell is one; codes with leading zeros stay text."""
    if cells.dtype != pl.String:
        return cells
    told = cells.drop_nulls()
    if told.len() and told.str.contains(r"^-?[0-9]+(,[0-9]+)?$").all() and told.str.contains(",").any():
        return typed(cells.str.replace(",", "."))
    if told.is_empty() or told.str.contains(r"^-?0[0-9]").any():
        return cells
    for dtype in (pl.Int64, pl.Float64):
        if told.str.contains(r"^-?[0-9]+(\.[0-9]+)?$").all() and _casts(told, dtype):
            return cells.cast(dtype)
    days = told.str.to_date("%Y-%m-%d", strict=False)
    return cells if days.null_count() else cells.str.to_date("%Y-%m-%d")


def _casts(cells: pl.Series, dtype: type[pl.DataType]) -> bool:
    return cells.cast(dtype, strict=False).null_count() == 0


def _write(frame: pl.DataFrame, output: Path) -> None:
    """The file appears whole, readable by its owner alone, or not at all."""
    format_ = output.suffix.lower()[1:]
    partial = output.with_name(f".{output.stem}-partial.{format_}")
    try:
        with owner_only():
            tables.write(frame, output.parent, partial.stem, [format_])
            sync(partial)
            partial.rename(output)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "I/O error"
        raise OutputFailed(f"writing the table failed: {reason}") from None
    finally:
        partial.unlink(missing_ok=True)
