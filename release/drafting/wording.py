"""A draft as YAML with comments: fixed words and counts of k and more, never a cell's value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LEAST_TOLD = 5
"""Counts below it are told as "fewer than 5"."""
_WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NOT_TEXT = frozenset("null true false yes no on off y n nan inf".split())


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a column is proposed to be, as the config writes it, and why; ``check``: it is not certain."""

    column: str
    rule: Mapping[str, object]
    why: str
    check: bool = False


@dataclass(frozen=True, slots=True)
class EventTable:
    """A table of events that may be released as well: its columns, and the patients' that tell the same."""

    name: str
    why: str
    columns: Mapping[str, Mapping[str, object]]
    instead_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sections:
    """The parts of a draft that differ: each a mapping as the config has it, and remarks above it."""

    input: Mapping[str, object]
    input_remarks: tuple[str, ...]
    subject: str
    subject_remarks: tuple[str, ...]
    proposals: tuple[Proposal, ...]
    privacy: Mapping[str, object]
    privacy_remarks: tuple[str, ...] = ()
    tables: tuple[EventTable, ...] = ()


def draft_text(sections: Sections, *, reference_date: str) -> str:
    """The whole config."""
    return "\n".join(_lines(sections, reference_date)) + "\n"


def dropped(column: str, why: str, *, check: bool = False) -> Proposal:
    """A column that is left out."""
    return Proposal(column, {"role": "identifier"}, why, check)


def counted(number: int, things: str) -> str:
    """A number of things, unless it is small enough to speak of single people."""
    return f"{number:,} {things}" if number >= LEAST_TOLD else f"fewer than {LEAST_TOLD} {things}"


def people_remarks(people: int, k: int) -> tuple[str, ...]:
    """Why k is what it is, and what follows where there are fewer people than k."""
    told = f"why: k = {LEAST_TOLD} is what MII projects use; {counted(people, 'people')}"
    enough = () if people >= k else (f"CHECK: fewer people than k = {k}, so a run ends with 10.",)
    return (told, *enough)


def flow(value: object) -> str:
    """A value in YAML's one-line form."""
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "null"
        case str():
            return _text(value)
        case Mapping():
            return "{" + ", ".join(f"{_text(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(map(flow, value)) + "]"
    return str(value)


def _lines(sections: Sections, reference_date: str) -> Iterator[str]:
    yield from _remarks(_PREFACE, 0)
    yield "reviewed_by: null"
    yield ""
    yield 'name: "draft-{run_date}"'
    yield f"reference_date: {reference_date}"
    yield ""
    yield "input:"
    yield from _remarks(sections.input_remarks, 2)
    yield from _block(sections.input, 2)
    yield ""
    yield from _remarks(sections.subject_remarks, 0)
    yield f"subject: {_text(sections.subject)}"
    yield ""
    yield "columns:"
    for proposal in sections.proposals:
        yield from _column(proposal)
    yield ""
    yield from _tables(sections.tables)
    yield "privacy:"
    yield from _remarks(sections.privacy_remarks, 2)
    yield from (f"  {key}: {flow(value)}" for key, value in sections.privacy.items())
    if sections.tables:
        yield f"  # km_anonymity: {flow(_KNOWN_EVENTS)}  # with tables"
    yield ""
    yield from ("output:", "  directory: releases")


def _block(mapping: Mapping[str, object], indent: int) -> Iterator[str]:
    """A mapping line by line, down to the mappings that hold plain values alone."""
    for key, value in mapping.items():
        here = f"{' ' * indent}{_text(key)}:"
        if isinstance(value, Mapping) and (indent < 4 or any(isinstance(v, Mapping) for v in value.values())):
            yield here
            yield from _block(value, indent + 2)
        else:
            yield f"{here} {flow(value)}"


def _column(proposal: Proposal) -> Iterator[str]:
    yield f"  {_text(proposal.column)}:"
    yield from _remarks((f"why: {proposal.why}",), 4)
    for key, value in proposal.rule.items():
        mark = "  # CHECK" if key == "role" and proposal.check else ""
        yield f"    {_text(key)}: {flow(value)}{mark}"


def _tables(tables: Sequence[EventTable]) -> Iterator[str]:
    """The tables of events, each line behind the mark of a comment."""
    if not tables:
        return
    yield from _remarks(_TABLES, 0)
    yield "# tables:"
    for table in tables:
        yield f"#   {table.name}:"
        instead = f"; instead of {', '.join(table.instead_of)}" if table.instead_of else ""
        yield from (f"#     {line}" for line in _remarks((f"why: {table.why}{instead}",), 0))
        for name, rule in table.columns.items():
            yield f"#     {name}: {flow(rule)}"
    yield ""


def _remarks(remarks: Sequence[str], indent: int) -> Iterator[str]:
    import textwrap

    before = f"{' ' * indent}# "
    for remark in remarks:
        yield from textwrap.wrap(remark, _WIDTH, initial_indent=before, subsequent_indent=before)


def _text(text: str) -> str:
    """A text as YAML reads it back: bare where nothing else could be meant, else in quotes and escaped."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _NOT_TEXT:
        return text
    return '"' + "".join(map(_character, text)) + '"'


def _character(character: str) -> str:
    if character in '"\\\t':
        return "\\t" if character == "\t" else f"\\{character}"
    # A byte order mark is printable to Python, and no character of YAML.
    return character if character.isprintable() and character != "\ufeff" else f"\\U{ord(character):08x}"


_PREFACE = (
    "A draft by `anon init`. No person has looked at it: the roles below are guessed from names, types and "
    "values. What was not recognised with certainty says CHECK and is left out of the release.",
    "Go through the columns, change what is wrong, then write your name in the place of null. Until then the "
    "release and its reports say that nobody has reviewed the roles, nor who a row is about.",
)
_TABLES = (
    "Events can be released as tables of their own, a row per event, linked to the patients by a random key "
    "(docs/linked_tables.md). To have them, take the mark of a comment away from the tables you want, from "
    "`tables:` and, below, from km_anonymity; give each column that a table stands instead of the role "
    "identifier and nothing else; and take it out of the demands below. Larger classes keep more events: "
    "raise min_level, or leave quasi-identifiers out.",
)
_KNOWN_EVENTS = {"column": "events", "k": LEAST_TOLD, "m": 2}
