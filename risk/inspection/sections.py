"""The findings of an inspection as sections of rows of text, the same for a page and for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from risk.inspection.rows import Group, Row, Section
from risk.inspection.uniqueness import uniqueness_sections
from risk.reports.wording import percent, plain

Findings = Mapping[str, Any]
NOT_IN_FORM = "not in this form"


def sections(findings: Findings) -> tuple[Section, ...]:
    """Return what an export's or a table's findings are told in, the most asked for first."""
    if findings["kind"] == "table":
        return (*uniqueness_sections(findings), *_columns(findings))
    return (
        *uniqueness_sections(findings),
        *_consent(findings),
        _completeness(findings),
        _dates(findings),
        *_codes(findings),
        _systems(findings),
        _laboratory(findings),
        *_as_a_run(findings),
        _resources(findings),
    )


def _consent(findings: Findings) -> Iterator[Section]:
    consent = findings["consent"]
    if not consent or "patients_by_reason" not in consent:
        return
    reasons = sorted(consent["patients_by_reason"].items(), key=lambda entry: -entry[1])
    patients = sum(count for _, count in reasons) or 1
    yield Section(
        "consent",
        "Consent",
        f"Patients by what their Consents say on {findings['reference_date']}, as a run decides it; "
        f"{consent['consents']:,} Consents in all, {consent.get('consents_without_expected_category', 0):,} "
        "of the active without the expected category.",
        ("Outcome", "Patients", "Share"),
        (Group("", tuple(Row((r, plain(n), percent(n / patients)), (n / patients,)) for r, n in reasons)),),
        has_bars=True,
    )
    if kept := consent.get("resources_kept"):
        yield _window(consent, kept)


def _window(consent: Findings, kept: Mapping[str, int]) -> Section:
    outside, others = (
        consent["resources_dropped_outside_window"],
        consent["resources_dropped_patient_not_accepted"],
    )
    rows = [
        Row((name, plain(count), plain(outside.get(name, 0)), plain(others.get(name, 0))))
        for name, count in kept.items()
        if count or outside.get(name) or others.get(name)
    ]
    return Section(
        "window",
        "Resources inside the consents’ windows",
        "What a run would keep of each type, and what lies outside the window or belongs to a patient "
        "without a consent that holds.",
        ("Type", "Inside", "Outside the window", "Patient without consent"),
        (Group("", tuple(rows)),),
    )


def _completeness(findings: Findings) -> Section:
    return Section(
        "elements",
        "Completeness",
        "How many resources of a type hold an element. Class D is a direct identifier (always dropped), Q a "
        "quasi-identifier, S sensitive, I insensitive. “Reason” counts the extension data-absent-reason.",
        ("Element", "Class", "Present", "Of", "Reason", "Share"),
        tuple(Group(name, tuple(_of_type(rows))) for name, rows in _by_type(findings["elements"])),
        words=2,
        has_bars=True,
    )


def _of_type(rows: Sequence[Findings]) -> Iterator[Row]:
    """The elements that are there, one by one, and the others in a line."""
    held = [row for row in rows if row["in_form"]]
    yield from (_element(row) for row in held if row["present"] or row["absent_with_reason"])
    absent = [row["element"] for row in held if not row["present"] and not row["absent_with_reason"]]
    if absent:
        nothing = not held[0]["of"]
        yield Row(("no resource in the export" if nothing else f"in none: {', '.join(absent)}",))
    if not held:
        yield Row((NOT_IN_FORM,))
    elif beyond := [row["element"] for row in rows if not row["in_form"]]:
        yield Row((f"{NOT_IN_FORM}: {', '.join(beyond)}",))


def _element(row: Findings) -> Row:
    reason = plain(row["absent_with_reason"]) if row["absent_with_reason"] else ""
    counts = (plain(row["present"]), plain(row["of"]), reason, percent(row["share"]))
    return Row((row["element"], row["class"], *counts), (row["share"],))


def _dates(findings: Findings) -> Section:
    return Section(
        "dates",
        "Dates",
        f"First and last month between 1900 and {findings['reference_date']}; what lies outside, and what is "
        "no date, is counted apart. Partial dates have a year only, or a year and a month.",
        DATE_HEADS,
        tuple(
            Group(name, tuple(Row((row["element"], plain(row["dates"]), *_span(row))) for row in told))
            for name, rows in _by_type(findings["dates"])
            if (told := [row for row in rows if row["dates"]])
        ),
    )


DATE_HEADS = (
    "Element",
    "Dates",
    "First",
    "Last",
    "Year only",
    "Year, month",
    "Future",
    "Before 1900",
    "No date",
)


def _span(row: Findings) -> tuple[str, ...]:
    counts = ("year_only", "year_month", "future", "before_1900", "invalid")
    return (plain(row["first_month"]), plain(row["last_month"]), *(plain(row[name]) for name in counts))


def _codes(findings: Findings) -> Iterator[Section]:
    groups = tuple(
        Group(name, tuple(Row((row["element"], plain(row["codes"]), odd_words(row["odd"]))) for row in told))
        for name, rows in _by_type(findings["codes"])
        if (told := [row for row in rows if row["codes"]])
    )
    if groups:
        yield Section(
            "codes",
            "Codes outside their hierarchies",
            "Codes by element, and those that no hierarchy takes in (malformed), or only as a block of its "
            "own (outside every block).",
            ("Element", "Codes", "Odd"),
            groups,
        )


def odd_words(odd: Mapping[str, int]) -> str:
    """Return what is odd about codes with its counts, or that nothing is."""
    return ", ".join(f"{plain(count)} {what}" for what, count in odd.items()) or "none"


def _systems(findings: Findings) -> Section:
    return Section(
        "systems",
        "Code systems",
        "Codings by element and code system. Only well-known systems are named; of all others the codings "
        "and the number of systems are counted.",
        ("Element and system", "Codings"),
        tuple(
            Group(f"{row['type']} {row['element']}", tuple(_of_element(row)))
            for row in findings["code_systems"]
            if row["codings"]
        ),
    )


def _of_element(row: Findings) -> Iterator[Row]:
    for system, count in row["known"].items():
        yield Row((system, plain(count)))
    if row["unknown"]:
        yield Row((f"unknown systems: {row['unknown_systems']:,}", plain(row["unknown"])))
    if row["without_system"]:
        yield Row(("without a system", plain(row["without_system"])))


_LABS = {
    "observations": "Observations",
    "quantities": "with a quantity",
    "comparators": "with a comparator (such as “less than”)",
    "without_unit": "with a quantity but no unit code",
    "coded": "with a coded value",
    "absent_with_reason": "with a data-absent-reason",
    "neither_value_nor_reason": "with neither a value nor a reason",
}


def _laboratory(findings: Findings) -> Section:
    labs = findings["laboratory"]
    told = [labs["all"], labs["laboratory"]]
    rows = [
        Row((label, *(NOT_IN_FORM if tally[name] is None else plain(tally[name]) for tally in told)))
        for name, label in _LABS.items()
    ]
    return Section(
        "laboratory",
        "Measured values",
        "All Observations, and those whose category says laboratory." if labs["in_form"] else NOT_IN_FORM,
        ("Observations", "All", "Laboratory"),
        (Group("", tuple(rows)),) if labs["in_form"] else (),
    )


def _as_a_run(findings: Findings) -> Iterator[Section]:
    missing = findings["set_to_missing"]
    if missing:
        yield Section(
            "missing",
            "What a run would set to missing",
            "Values of the patients’ table (one row per patient, first encounter) that a run cannot use.",
            ("Rule", "Patients"),
            (Group("", tuple(Row((rule.replace("_", " "), plain(n))) for rule, n in missing.items())),),
        )


def _resources(findings: Findings) -> Section:
    rows = sorted(findings["resources"], key=lambda row: (-row["unique"], row["type"]))
    return Section(
        "resources",
        "Resources",
        f"By type and id. {findings['resources_of_unknown_type']:,} resources are of a type that FHIR R4 "
        "does not have.",
        ("Type", "Read", "Different", "Duplicates"),
        (
            Group(
                "",
                tuple(
                    Row((r["type"], *(plain(r[n]) for n in ("read", "unique", "duplicate")))) for r in rows
                ),
            ),
        ),
    )


def _columns(findings: Findings) -> Iterator[Section]:
    columns = findings["columns"]
    yield Section(
        "columns",
        "Columns",
        "A column that is nearly unique (nine of ten rows have a value of their own) is an id or a "
        "measurement, and no candidate in the sets above.",
        ("Column", "Type", "Different", "Nearly unique", "Present"),
        (Group("", tuple(map(_column, columns))),),
        words=2,
        has_bars=True,
    )
    if dated := [(column["name"], column["dates"]) for column in columns if column["dates"]]:
        rows = [Row((name, *_span(dates))) for name, dates in dated]
        yield Section(
            "dates",
            "Dates",
            f"First and last month between 1900 and {findings['reference_date']}; the rest is counted apart.",
            ("Column", *DATE_HEADS[2:]),
            (Group("", tuple(rows)),),
        )
    if coded := [(column["name"], column["codes"]) for column in columns if column["codes"]]:
        rows = [Row((name, c["vocabulary"], plain(c["codes"]), odd_words(c["odd"]))) for name, c in coded]
        yield Section(
            "codes",
            "Codes outside their hierarchies",
            "Columns that look like codes, by their name or by the shape of most values.",
            ("Column", "Looks like", "Codes", "Odd"),
            (Group("", tuple(rows)),),
            words=2,
        )


def _column(column: Findings) -> Row:
    nearly = "yes" if column["nearly_unique"] else ""
    cells = (column["name"], column["type"], plain(column["distinct"]), nearly, percent(column["share"]))
    return Row(cells, (column["share"],))


def _by_type(rows: Sequence[Findings]) -> list[tuple[str, list[Findings]]]:
    names = dict.fromkeys(row["type"] for row in rows)
    return [(name, [row for row in rows if row["type"] == name]) for name in names]
