"""``anon init``: a config that a run accepts as it is, written once and never over anything."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from anonymizer.counting.counts import count
from anonymizer.errors import BadConfig, BadInput, InputMissing, OutputExists, OutputFailed
from mii.forms import Kind, first_row, is_header, kind, sources
from mii.streaming import Limits
from release.config.document import MOST_BYTES, parse_document
from release.config.keys import Setting
from release.config.root import Config, parse
from release.drafting.export_draft import export_sections
from release.drafting.table_draft import table_sections, without_measurements
from release.drafting.wording import Sections, draft_text
from release.files.staging import refuse_overlap
from release.intake.source import read


@dataclass(frozen=True, slots=True)
class Drafted:
    """How many columns the draft names, and how many of them ask for a person's eye."""

    columns: int
    to_check: int


def draft(source: Path, output: Path, *, today: date | None = None) -> Drafted:
    """What was drafted for the export or table ``source`` into the new file ``output`` (0600).

    The draft is loaded and, for a table, read with before it is written: a run gets at least to its search.

    Raises:
        InputMissing, BadInput: the source cannot be read, or nothing in it is recognised.
        OutputExists: ``output`` is there already.
        BadConfig: ``output`` lies inside the export, or would be larger than 1 MiB.
        OutputFailed: writing failed.
    """
    today = today or date.today()
    source, output = Path(os.path.abspath(source)), Path(os.path.abspath(output))  # noqa: PTH100 - links stay
    if os.path.lexists(output):
        raise OutputExists(
            "the config is already there", hint="choose another --output, or remove it yourself"
        )
    if not source.exists():
        raise InputMissing("there is no such export or table")
    if not output.parent.is_dir():
        raise OutputFailed("the config's folder does not exist")
    folder = Path(os.path.realpath(output.parent))
    setting = Setting(folder, today)
    sections = _sections(source, _written(source, folder), setting)
    text = draft_text(sections, reference_date=today.isoformat())
    if len(text.encode()) > MOST_BYTES:
        raise BadConfig("a config that names every column would be larger than a config may be")
    refuse_overlap(_config(text, setting).output.directory, "draft", [source])
    _write(output, text)
    checks = sum(proposal.check for proposal in sections.proposals)
    return Drafted(len(sections.proposals), checks)


def _sections(source: Path, written: str, setting: Setting) -> Sections:
    is_export = _is_export(source)
    sections = (export_sections if is_export else table_sections)(source, written, today=setting.run_date)
    if all(proposal.rule["role"] != "quasi-identifier" for proposal in sections.proposals):
        raise BadInput(
            "no column was recognised as a quasi-identifier, so a draft would release nothing",
            hint="give the columns telling names, or write the config by hand",
        )
    if is_export:
        return sections
    try:
        _try(sections, setting)
    except BadConfig:
        sections = without_measurements(sections)
        _try(sections, setting)
    return sections


def _try(sections: Sections, setting: Setting) -> None:
    """Everything that a run does before it searches."""
    config = _config(draft_text(sections, reference_date=setting.run_date.isoformat()), setting)
    count(read(config).table, config.criteria)


def _config(text: str, setting: Setting) -> Config:
    document = parse_document(text)
    return parse(document.data, Setting(setting.folder, setting.run_date, document.lines))


def _is_export(path: Path) -> bool:
    """Whether this is FHIR, or tables flattened from it; anything else is a plain table."""
    if path.is_dir():
        return True
    if path.suffix.lower() == ".parquet":
        return False
    found = sources(path, Limits())
    if len(found) != 1:
        return True
    what = kind(found[0])
    if what is Kind.TABLE:
        header, _ = first_row(found[0])
        return is_header(header) and any(map(_FLATTENED.match, header))
    return what in (Kind.LINES, Kind.DOCUMENT)


_FLATTENED = re.compile(
    "(Patient|Encounter|Condition|Observation|Procedure|Medication[A-Z]*[a-z]*|Consent)_"
    "(id|meta|identifier|gender|birthDate|address|deceased|period|code|status|class|type|serviceType|diagnosis"
    "|subject|encounter|onset|recordedDate|effective|value|performed|category|medication|provision|extension)"
)
"""A header that no plain table has: a resource and one of its elements."""


def _written(source: Path, folder: Path) -> str:
    """How the config names the input: from its own folder where it lies below, else in full."""
    real = Path(os.path.realpath(source))
    return real.relative_to(folder).as_posix() if real.is_relative_to(folder) else str(real)


def _write(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise OutputExists("the config has appeared meanwhile") from None
    except OSError as error:
        raise _unwritten(error) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        # Also where a signal ends it: half a config may be a valid one.
        with suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise _unwritten(error) from None
        raise


def _unwritten(error: OSError) -> OutputFailed:
    return OutputFailed(f"the config cannot be written: {os.strerror(error.errno or 0)}")
