"""``anon inspect``: what is in an export or a table, before anybody decides about it.

The findings are one mapping of plain types, which is what ``--json`` prints: counts, shares, months of time
spans, names of columns and of known code systems. No cell's value is in it. It is for the house alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import mii
import mii.inspecting
from anonymizer.errors import BadInput, OutputExists, OutputFailed, UsageError
from mii import element_table as elements
from mii.element_table import Element
from mii.forms import NO_TABLE, Kind, Source, first_row, is_header, kind, layout, sources
from mii.inspecting import Inspection
from mii.streaming import Limits
from mii.tallies import DateTally, KindTally, LabTally, SystemTally
from release.files.permissions import owner_only
from release.files.staging import sync
from release.progress import NOWHERE, Screen
from release.table_findings import UNTOLD, TableHints, of_table
from risk.reidentification.subsets import Uniqueness, uniqueness

Findings = Mapping[str, Any]


def findings(
    path: Path,
    *,
    today: date,
    consent_date: date | None = None,
    table: TableHints = UNTOLD,
    screen: Screen = NOWHERE,
) -> Findings:
    """What is in the export or the table at ``path``; ``today`` is the reference date.

    A folder, an archive, FHIR and flattened tables are an export; any other file is a table. ``consent_date``
    is the day of a run, on which consent must hold as well.

    Raises:
        InputMissing: there is nothing to read.
        BadInput: it breaks a rule.
        UsageError: what is told of a table is told of an export, or names no column.
    """
    is_export = _is_export(path)
    if is_export and table.subject is not None:
        raise UsageError("--subject is for tables: an export's people are its patients")
    if is_export:
        with screen.words() as tell:
            effort = mii.Effort(
                report=lambda done, total: tell(f"read   {done >> 20:,} of {total >> 20:,} MB")
            )
            inspected = mii.inspecting.inspect(
                path,
                today=today,
                consent_date=consent_date,
                effort=effort,
                count=lambda n: tell(f"count  {n:,} resources"),
            )
        return _of_export(inspected, today)
    return _of_table(path, table, today)


def _of_table(path: Path, table: TableHints, today: date) -> Findings:
    told, frame, candidates = of_table(path, table, today=today)
    if table.subject is None:
        return told | {"uniqueness": _of_uniqueness(uniqueness(frame, candidates), "rows")}
    others = [name for name in candidates if name != table.subject]
    found = uniqueness(frame, others, people=frame[table.subject])
    return told | {"uniqueness": _of_uniqueness(found, "people")}


def day(text: str) -> date:
    """The day that ``text`` names, ``today`` or an ISO date; raises ``UsageError`` where it names none."""
    try:
        return date.today() if text == "today" else date.fromisoformat(text)
    except ValueError:
        raise UsageError("a date is no day such as 2026-11-22") from None


def write_page(path: Path, page: str) -> None:
    """Write ``page`` to a new file for its owner alone, in one step.

    Raises:
        OutputExists: there is a file of this name.
        OutputFailed: writing failed; nothing is left.
    """
    refuse_existing(path)
    partial = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with owner_only():
            partial.write_text(page, encoding="utf-8")
            sync(partial)
            path.hardlink_to(partial)
            sync(path.parent)
    except FileExistsError:
        raise OutputExists("the page has appeared meanwhile") from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "I/O error"
        raise OutputFailed(f"writing the page failed: {reason}") from None
    finally:
        partial.unlink(missing_ok=True)


def refuse_existing(path: Path) -> None:
    """Raise ``OutputExists`` where something stands at ``path``: nothing is overwritten."""
    if os.path.lexists(path):
        raise OutputExists("the page is already there", hint="name a new file")


def _is_export(path: Path) -> bool:
    """Whether ``path`` holds an export, and no table."""
    if path.is_dir():
        return True
    found = sources(path, Limits())
    if len(found) != 1 or found[0].name != path.name:
        return True
    return _looks_like(found[0])


def _looks_like(source: Source) -> bool:
    """Whether a file is of an export by its first bytes."""
    what = kind(source)
    if what is Kind.OTHER and source.plain_name.lower().endswith(NO_TABLE):
        return True
    if what in (Kind.LINES, Kind.DOCUMENT) or layout(source) != "csv":
        return what is not Kind.OTHER
    try:
        row, _ = first_row(source)
    except BadInput:
        # No line of a table can be made of it, which reading it as one says in better words.
        return False
    return is_header(row)


def _of_export(found: Inspection, today: date) -> Findings:
    of_kinds = found.of_kinds
    tell = uniqueness(found.people, found.people.columns, found.families)
    counts = found.read_as_a_run
    return {
        "kind": "export",
        "reference_date": today.isoformat(),
        "form": found.form,
        "files": dict(found.files),
        "files_ignored": counts["files_ignored"],
        "patients": found.unique.get("Patient", 0),
        "patients_merged": counts["patients_merged"],
        "patients_linked_as_same_person": counts["patients_linked_as_same_person"],
        "encounters": found.unique.get("Encounter", 0),
        "encounters_of_facility_level": counts.get("encounters_of_facility_level", 0),
        "patients_with_several_encounters": counts.get("patients_with_several_encounters", 0),
        "resources": [
            {"type": name, "read": read, "unique": (once := found.unique[name]), "duplicate": read - once}
            for name, read in found.read.items()
        ],
        "resources_of_unknown_type": found.unknown_types,
        "keys_repeated": found.repeated_keys,
        "elements": [
            _element(element, tally, found) for tally in of_kinds.values() for element in tally.elements
        ],
        "dates": _all(of_kinds, "dates", found, _of_dates),
        "code_systems": _all(of_kinds, "systems", found, _of_systems),
        "codes": _all(
            of_kinds, "codes", found, lambda t: {"codes": t.codes, "odd": dict(sorted(t.odd.items()))}
        ),
        "laboratory": _of_labs(found),
        "consent": None if found.consent is None else dict(found.consent),
        "set_to_missing": dict(counts.get("set_to_missing", {})),
        "uniqueness": _of_uniqueness(tell, "patients"),
    }


def _element(element: Element, tally: KindTally, found: Inspection) -> dict[str, Any]:
    counted = tally.elements[element]
    return {
        **_named(element, found),
        "class": element.role,
        "present": counted.present,
        "of": tally.resources,
        "share": counted.present / tally.resources if tally.resources else None,
        "absent_with_reason": counted.absent_with_reason,
    }


def _named(element: Element, found: Inspection) -> dict[str, Any]:
    return {
        "type": element.kind,
        "element": element.name,
        "in_form": found.held is None or element in found.held,
    }


def _all(of_kinds: Mapping[str, KindTally], which: str, found: Inspection, tell: Any) -> list[dict[str, Any]]:
    """One tally of every type, named and told."""
    return [
        {**_named(element, found), **tell(tally)}
        for of_kind in of_kinds.values()
        for element, tally in getattr(of_kind, which).items()
    ]


def _of_dates(tally: DateTally) -> dict[str, Any]:
    return {
        "dates": tally.dates,
        "first_month": tally.first.isoformat()[:7] if tally.first else None,
        "last_month": tally.last.isoformat()[:7] if tally.last else None,
        "year_only": tally.year_only,
        "year_month": tally.year_month,
        "future": tally.future,
        "before_1900": tally.before_1900,
        "invalid": tally.invalid,
    }


def _of_systems(tally: SystemTally) -> dict[str, Any]:
    return {
        "codings": tally.codings,
        "known": dict(tally.known.most_common()),
        "unknown": tally.unknown,
        "unknown_systems": len(tally.unknown_systems),
        "without_system": tally.without_system,
    }


_OF_LABS = {
    "observations": (),
    "quantities": (elements.QUANTITY,),
    "comparators": (elements.COMPARATOR,),
    "without_unit": (elements.QUANTITY, elements.UNIT),
    "coded": (elements.CODED_VALUE,),
    "absent_with_reason": (elements.REASON,),
    "neither_value_nor_reason": (elements.QUANTITY, elements.REASON),
}
"""The elements that the form must have a place for before a count of Observations means something."""


def _of_labs(found: Inspection) -> dict[str, Any]:
    held, (everything, laboratory) = found.held, found.labs
    in_form = held is None or any(element.kind == "Observation" for element in held)
    return {"in_form": in_form, "all": _told(everything, found), "laboratory": _told(laboratory, found)}


def _told(tally: LabTally | None, found: Inspection) -> dict[str, int | None]:
    """The counts of a tally; ``None`` for what the form cannot tell."""
    return {
        name: getattr(tally, name)
        if tally is not None and (found.held is None or found.held.issuperset(needed))
        else None
        for name, needed in _OF_LABS.items()
    }


def _of_uniqueness(found: Uniqueness, unit: str) -> dict[str, Any]:
    return {
        "unit": unit,
        "people": found.people,
        "columns": list(found.columns),
        "constant": list(found.constant),
        "columns_by_size": list(found.columns_by_size),
        "subsets_counted": len(found.subsets),
        "subsets": [_of_subset(subset.columns, subset.unique, subset.share) for subset in found.subsets],
    }


def _of_subset(columns: Sequence[str], unique: int, share: float) -> dict[str, Any]:
    return {"columns": list(columns), "unique": unique, "share": share}
