"""An inspection as a page for the house, and as text for a terminal or a pipe."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping
from typing import Any

from risk.inspection.notices import keys, notices
from risk.inspection.rows import Section
from risk.inspection.sections import sections
from risk.reports.page import render

INTERNAL = "internal: stays in the house"
_PIPE_WIDTH, _FIRST_COLUMN = 160, 72


def inspection_page(findings: Mapping[str, Any]) -> str:
    """Return the static HTML page of what `release.inspecting` found; it quotes no cell."""
    return render(
        "inspection.html",
        findings=findings,
        keys=keys(findings),
        notices=notices(findings),
        sections=sections(findings),
    )


def inspection_text(findings: Mapping[str, Any], *, terminal: bool) -> str:
    """Return what was found as text: with lines and colours for a terminal, plain for a pipe."""
    from rich.console import Console
    from rich.text import Text

    sink = io.StringIO()
    console = Console(
        file=sink,
        width=None if terminal else _PIPE_WIDTH,
        color_system="standard" if terminal else None,
        force_terminal=terminal,
    )
    kind = findings["kind"]
    console.print(
        Text(f"Inspection of {'an export' if kind == 'export' else 'a table'} · {INTERNAL}", "bold")
    )
    for key in keys(findings):
        console.print(Text(_printable(f"{key.name:20} {key.figure}  {key.means}")))
    console.print()
    for notice in notices(findings):
        mark = ("ok   ", "green") if notice.is_calm else ("check", "yellow")
        console.print(Text.assemble(mark, _printable(f"  {notice.topic:12} {notice.text}")))
    for section in sections(findings):
        console.print()
        console.print(Text(_printable(section.title), "bold"))
        console.print(Text(_printable(section.note), "dim"))
        if section.groups:
            console.print(_table(section, terminal=terminal))
    return sink.getvalue().rstrip()


def _table(section: Section, *, terminal: bool) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD if terminal else None, pad_edge=False)
    for place, head in enumerate(section.heads):
        table.add_column(
            Text(head),
            justify="left" if place < section.words else "right",
            overflow="fold",
            max_width=None if place else _FIRST_COLUMN,
        )
    for group in section.groups:
        if group.label:
            table.add_row(Text(_printable(group.label), "bold"))
        for row in group.rows:
            table.add_row(*(Text(_printable(cell)) for cell in row.cells))
    return table


def _printable(text: str) -> str:
    """The text without control characters: a column's name must not steer a terminal."""
    return "".join("�" if unicodedata.category(sign) in ("Cc", "Cf") else sign for sign in text)
