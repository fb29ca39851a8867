"""The command line, and the only place where an error becomes an exit code.

Commands import what they need when they run, so that ``anon --help`` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from anonymizer.errors import AnonError, OutputFailed, UsageError
from release import console

if TYPE_CHECKING:
    from release.run import Outcome

OUT_OF_MEMORY, INTERNAL, IO_FAILED = 71, 70, 74

app = typer.Typer(
    name="anon",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class LogFormat(StrEnum):
    """How progress is written to standard error."""

    JSON = "json"
    TEXT = "text"


class TableKind(StrEnum):
    """How a table was made that is assessed."""

    ANONYMISED = "anonymised"
    SYNTHETIC = "synthetic"


class Effort(StrEnum):
    """How hard a table is attacked."""

    NONE = "none"
    QUICK = "quick"
    FULL = "full"


class SynthesisMethod(StrEnum):
    """How a synthetic table is made."""

    CART = "cart"
    GAUSSIAN_COPULA = "gaussian-copula"
    CTGAN = "ctgan"
    TVAE = "tvae"
    COPULAGAN = "copulagan"
    SDV_GAUSSIAN_COPULA = "sdv-gaussian-copula"
    DP_MARGINALS = "dp-marginals"


class Language(StrEnum):
    """Of reports."""

    ENGLISH = "en"
    GERMAN = "de"


@dataclass(slots=True)
class _Failure:
    """How a failure is told besides the exit code: the options of ``run`` may ask for JSON."""

    as_summary: bool = False
    as_event: bool = False

    def tell(self, code: int, message: str) -> int:
        """Tell it, in a text without any cell's value; ``code``."""
        if self.as_summary:
            with suppress(OutputFailed):
                console.say(json.dumps({"exit_code": code, "error": message}, ensure_ascii=False))
        event = {"level": "error", "code": "refused", "exit_code": code, "message": message}
        console.complain(json.dumps(event, ensure_ascii=False) if self.as_event else f"anon: {message}")
        return code


_failure = _Failure()


ConfigPath = Annotated[Path, typer.Argument(help="the run's config, a YAML file", show_default=False)]
ReleasePath = Annotated[Path, typer.Argument(help="a release/ folder or the folder around it")]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        console.say(f"anon {version('clinical-anon')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Turn a hospital's core-dataset export into data that may be shared, or publish nothing."""


@app.command()
def run(
    config: ConfigPath,
    as_json: Annotated[bool, typer.Option("--json", help="print a JSON summary on standard output")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="print nothing but errors")] = False,
    log_format: Annotated[LogFormat, typer.Option(help="how progress is written")] = LogFormat.TEXT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="do everything, then publish nothing")] = False,
) -> None:
    """Anonymise, verify, assess and publish, in one step or not at all."""
    from release.progress import Screen
    from release.run import run as run_release

    def announce(outcome: Outcome) -> None:
        console.end_if_asked()
        if as_json:
            console.say(json.dumps(outcome.summary, ensure_ascii=False))
        elif not quiet:
            console.say(outcome.told(dry_run=dry_run))

    _failure.as_summary, _failure.as_event = as_json, log_format is LogFormat.JSON
    follows_search = not as_json and log_format is LogFormat.TEXT
    screen = Screen(None if quiet else sys.stderr, log_format.value, follows_search)
    run_release(config, dry_run=dry_run, screen=screen, announce=announce)


@app.command()
def inspect(
    source: Annotated[Path, typer.Argument(help="an export or a table", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="also write an HTML page, for the house alone")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print everything counted as JSON")] = False,
    reference_date: Annotated[
        str, typer.Option(help="today for ages, consent and the future, as 2026-11-22")
    ] = "today",
    consent_date: Annotated[
        str, typer.Option(help="the day of a run, on which consent must hold as well")
    ] = "today",
    delimiter: Annotated[str | None, typer.Option(help="of a CSV table; found where not given")] = None,
    encoding: Annotated[str | None, typer.Option(help="of a CSV table; found where not given")] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="the column of a table that names the person, who may have several rows"),
    ] = None,
) -> None:
    """Show what is in an export or a table in counts: dates, codes, consent, how unique people are."""
    from release.inspecting import day, findings, refuse_existing, write_page
    from release.progress import Screen
    from release.table_findings import TableHints
    from risk.inspection.pages import inspection_page, inspection_text

    if output is not None:
        refuse_existing(output)
    screen = Screen(sys.stderr, follows_search=not as_json)
    found = findings(
        source,
        today=day(reference_date),
        consent_date=day(consent_date),
        table=TableHints(delimiter, encoding, subject),
        screen=screen,
    )
    if output is not None:
        write_page(output, inspection_page(found))
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    told = json.dumps(found, ensure_ascii=False) if as_json else inspection_text(found, terminal=is_terminal)
    console.say(told)


@app.command()
def init(
    source: Annotated[Path, typer.Argument(help="an export or a table", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="the config to write")] = Path("config.yaml"),
) -> None:
    """Write a first config for an export or a table, which drops every column that is not certain."""
    from release.drafting.draft import draft

    drafted = draft(source, output)
    console.say(f"wrote {output}: {drafted.columns:,} columns, {drafted.to_check:,} to check by hand")


@app.command()
def risk(
    table: Annotated[Path, typer.Argument(help="the table to assess, CSV or Parquet", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="the new folder for the reports, which stay in the house")
    ] = Path("risk"),
    original: Annotated[
        Path | None, typer.Option(help="the table that it was made from; default: the config's input")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option(help="other people like those in the original, none of whom is in it")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="a run's config: roles, hierarchies, thresholds, and the original; exit 13 where "
            "a threshold is not kept"
        ),
    ] = None,
    kind: Annotated[TableKind, typer.Option(help="what kind of table it is")] = TableKind.ANONYMISED,
    quasi_identifiers: Annotated[
        str,
        typer.Option(help="columns an attacker knows, with commas between; default: all but the sensitive"),
    ] = "",
    sensitive: Annotated[str, typer.Option(help="columns an attacker would learn, with commas between")] = "",
    subject: Annotated[
        str | None,
        typer.Option(help="the original's column that names the person; default: every row is a person"),
    ] = None,
    population: Annotated[
        int | None,
        typer.Option(help="how many people those in it come from, no fewer than are in it", min=1),
    ] = None,
    attacks: Annotated[Effort, typer.Option(help="how hard it is attacked")] = Effort.QUICK,
    language: Annotated[Language, typer.Option(help="of the reports")] = Language.ENGLISH,
) -> None:
    """Attack any table made elsewhere, and measure what is left of the data's value."""
    from release.assessed_table import assess_table
    from release.foreign import Asked

    asked = Asked(
        table,
        kind=kind.value,
        original=original,
        holdout=holdout,
        config=config,
        quasi_identifiers=_names(quasi_identifiers),
        sensitive=_names(sensitive),
        subject=subject,
    )
    console.say(
        assess_table(asked, output, population=population, attacks=attacks.value, language=language.value)
    )


@app.command()
def compare(
    releases: Annotated[list[Path], typer.Argument(help="folders of releases", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="also write an HTML page")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print all figures as JSON")] = False,
    language: Annotated[Language, typer.Option(help="of the page")] = Language.ENGLISH,
) -> None:
    """Show the risk and the utility of several releases side by side, from their internal figures."""
    from release.comparing import compare as compared
    from release.comparing import told

    console.say(told(compared(releases), output, as_json=as_json, language=language.value))


@app.command()
def sweep(
    config: ConfigPath,
    vary: Annotated[
        list[str], typer.Option(help="a key and its values, such as privacy.k_anonymity=2,5,10,20")
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="also write an HTML page")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print all figures as JSON")] = False,
    language: Annotated[Language, typer.Option(help="of the page")] = Language.ENGLISH,
) -> None:
    """Run a config with other values of some keys and compare risk and utility; nothing is published."""
    from release.comparing import told
    from release.sweeping import sweep as swept

    console.say(told(swept(config, vary), output, as_json=as_json, language=language.value))


@app.command()
def synth(
    source: Annotated[Path, typer.Argument(help="a config with `synthesis`, or a table", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="the new file: .csv or .parquet")],
    method: Annotated[SynthesisMethod | None, typer.Option(help="of a table; default: cart")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="rows to draw; default: as many")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="the same seed draws the same rows")] = None,
    k: Annotated[int, typer.Option(min=2, help="what fewer people of a table have is not learned")] = 5,
    given: Annotated[
        list[str], typer.Option(help="what all rows of a table's model have, such as gender=female")
    ] = [],  # noqa: B006 - typer reads it once
    subject: Annotated[str | None, typer.Option(help="the column of a table that names the person")] = None,
    delimiter: Annotated[str | None, typer.Option(help="of a CSV table; found where not given")] = None,
    encoding: Annotated[str | None, typer.Option(help="of a CSV table; found where not given")] = None,
) -> None:
    """Draw a synthetic table, for the house alone: nothing is attacked, measured or released.

    Of a config, people whom risk.holdout leaves out of a release are left out here, too.
    """
    from release.drawn_table import Asked, draw
    from release.progress import Screen
    from release.table_findings import TableHints

    asked = Asked(
        None if method is None else method.value,
        rows,
        seed,
        k,
        dict(map(_condition, given)),
        TableHints(delimiter, encoding, subject),
    )
    console.say(draw(source, output, asked, Screen(sys.stderr, follows_search=True)))


def _condition(written: str) -> tuple[str, str]:
    name, _, value = written.partition("=")
    if not name or not value:
        raise UsageError("--given takes a column and what it has, such as gender=female")
    return name, value


def _names(written: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in written.split(",") if name.strip())


@app.command()
def check(config: ConfigPath) -> None:
    """Validate the config, the input's columns and the hierarchies; nothing is written."""
    from release.check import check as check_config

    console.say(check_config(config))


@app.command()
def schema() -> None:
    """Print the config's JSON Schema, for editors."""
    from release.config.root import schema as config_schema

    console.say(json.dumps(config_schema(), indent=2, ensure_ascii=False))


@app.command()
def verify(
    path: ReleasePath,
    internal: Annotated[
        bool, typer.Option("--internal", help="also recheck what needs the internal/ folder")
    ] = False,
) -> None:
    """Check a release on any machine: every hash, the schema, each criterion that can be recounted."""
    from release.recheck import verify_release

    console.say(str(verify_release(path, internal=internal)))


@app.command()
def export(
    release: ReleasePath, archive: Annotated[Path, typer.Argument(help="the ZIP file to write")]
) -> None:
    """Verify a release and pack its release/ folder alone into a ZIP file."""
    from release.export import export as export_release

    export_release(release, archive)
    console.say(f"packed {archive}")


def main() -> NoReturn:
    """Run the command and end the process: with 0 only if it did what it says."""
    console.occupy_standard_streams()
    console.end_on_signals()
    code = execute()
    if not console.is_all_said():
        code = code or IO_FAILED
    # Everything is written and closed. Taking the interpreter down in order (LLVM, thread pools) would
    # only cost a third of a second.
    os._exit(code)


def execute() -> int:
    """Run the command that ``sys.argv`` holds; its exit code."""
    os.umask(0o077)
    console.report_without_texts()
    _failure.as_summary = _failure.as_event = False
    try:
        app()
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else INTERNAL
    except AnonError as error:
        return _failure.tell(error.exit_code, str(error))
    except MemoryError:
        return _failure.tell(OUT_OF_MEMORY, "out of memory; nothing was released")
    except OSError as error:
        # Its text may hold a path that someone else chose; the number says enough.
        return _failure.tell(
            IO_FAILED, f"input or output failed ({type(error).__name__}, errno {error.errno})"
        )
    except BaseException as error:
        # Also what is no Exception: a panic of a library carries a text, too.
        return _failure.tell(INTERNAL, console.crash(type(error), error.__traceback__))
    return 0
