"""What to look at first in the findings of an inspection: one line each, in words and counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from risk.inspection.sections import odd_words
from risk.reports.wording import percent, plain

Findings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """A line about one topic; ``is_calm`` where there is nothing to do."""

    topic: str
    text: str
    is_calm: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A figure of the first glance: its name, the figure, and what it means."""

    name: str
    figure: str
    means: str


def notices(findings: Findings) -> tuple[Notice, ...]:
    """Return what to look at first, in a fixed order of topics."""
    if findings["kind"] == "table":
        return (*_repeated(findings), *_of_columns(findings))
    return (
        _consent(findings),
        *_consent_of_run(findings),
        *_consents_of_nobody(findings),
        *_linked(findings),
        _identifiers(findings),
        *_duplicates(findings),
        *_repeated_keys(findings),
        *_ignored_files(findings),
        _odd_dates(findings),
        *_partial_dates(findings),
        _systems(findings),
        _codes(findings),
        *_labs(findings),
    )


def keys(findings: Findings) -> tuple[Key, ...]:
    """Return the three figures of the first glance."""
    return (_size(findings), _second(findings), _unique(findings))


def _size(findings: Findings) -> Key:
    if findings["kind"] == "table":
        of_people = f" about {plain(findings['people'])} people" if "people" in findings else ""
        return Key("Rows", plain(findings["rows"]), f"in {len(findings['columns'])} columns{of_people}.")
    encounters = findings["encounters"]
    several = findings["patients_with_several_encounters"]
    return Key(
        "Patients",
        plain(findings["patients"]),
        f"with {plain(encounters)} Encounters; {plain(several)} patients have several stays."
        if encounters
        else "No Encounter is in the export.",
    )


def _second(findings: Findings) -> Key:
    if findings["kind"] == "table":
        candidates = findings["uniqueness"]["columns"]
        return Key(
            "Candidates", plain(len(candidates)), "columns may be quasi-identifiers: look at their roles."
        )
    consent = findings["consent"]
    if consent is None or "patients_by_reason" not in consent:
        told = "no Consent in this form." if consent is None else "the export holds no Consent."
        return Key("Consent holds for", "—", told)
    reasons = consent["patients_by_reason"]
    return Key(
        "Consent holds for",
        f"{plain(reasons.get('accepted', 0))} of {plain(sum(reasons.values()))}",
        f"patients on {findings['reference_date']}.",
    )


def _unique(findings: Findings) -> Key:
    found = findings["uniqueness"]
    if not found["subsets"]:
        return Key("Unique on few facts", "—", "no column differs between people.")
    worst = found["subsets"][0]
    return Key(
        "Unique on few facts",
        percent(worst["share"]),
        f"of {found['unit']} are the only one with their {', '.join(worst['columns'])}.",
    )


def _consent(findings: Findings) -> Notice:
    consent = findings["consent"]
    if consent is None:
        return Notice("consent", "This form holds no Consent: a run that requires it ends with 77.")
    if "patients_by_reason" not in consent:
        return Notice("consent", "The export holds no Consent: a run that requires it ends with 77.")
    others = {why: n for why, n in consent["patients_by_reason"].items() if why != "accepted"}
    if not others:
        return Notice("consent", "Every patient has a consent that holds.", is_calm=True)
    told = "; ".join(f"{plain(n)}: {why}" for why, n in sorted(others.items(), key=lambda entry: -entry[1]))
    return Notice("consent", f"{plain(sum(others.values()))} patients would be left out ({told}).")


def _consent_of_run(findings: Findings) -> Iterator[Notice]:
    """What changes where a run takes place on another day, on which consent must hold as well."""
    consent = findings["consent"] or {}
    of_run = consent.get("on_run_date")
    if of_run is None:
        return
    held, then = (each["patients_by_reason"].get("accepted", 0) for each in (consent, of_run))
    all_hold = "all that hold on the reference date hold on that day, too"
    fewer = f"{plain(held - then)} of {plain(held)} consents do not hold on that day"
    told = f"A run on {of_run['date']}: {fewer if then < held else all_hold}."
    yield Notice("run date", told, is_calm=then == held)


def _consents_of_nobody(findings: Findings) -> Iterator[Notice]:
    consent = findings["consent"] or {}
    if withdrawals := consent.get("withdrawals_of_nobody", 0):
        told = f"Active Consents that deny collection or use and name no Patient: {plain(withdrawals)}."
        yield Notice("withdrawals", f"{told} A run that requires consent ends with 65.")
    if nobody := consent.get("consents_of_nobody", 0):
        yield Notice("assignment", f"Active Consents that name no Patient of the export: {plain(nobody)}.")


def _linked(findings: Findings) -> Iterator[Notice]:
    if merged := findings.get("patients_merged", 0):
        told = f"Patients merged with others (replaced-by, replaces): {plain(merged)}."
        yield Notice("merged", f"{told} A run ends with 65: one person would count as several.")
    if linked := findings.get("patients_linked_as_same_person", 0):
        told = f"Patients that name another one as the same person (refer, seealso): {plain(linked)}."
        yield Notice("linked", f"{told} A run counts each as a person of its own.")


def _identifiers(findings: Findings) -> Notice:
    present = [
        f"{row['type']}.{row['element']} ({plain(row['present'])})"
        for row in findings["elements"]
        if row["class"] == "D" and row["present"]
    ]
    if not present:
        return Notice(
            "identifiers", "None of the elements that name people directly is in the export.", is_calm=True
        )
    return Notice(
        "identifiers", f"Direct identifiers are in the export; a run drops them: {', '.join(present)}."
    )


def _duplicates(findings: Findings) -> Iterator[Notice]:
    more = sum(row["duplicate"] for row in findings["resources"])
    if more:
        yield Notice("duplicates", f"Resources that repeat another one’s type and id: {plain(more)}.")


def _repeated_keys(findings: Findings) -> Iterator[Notice]:
    if repeated := findings["keys_repeated"]:
        told = f"Keys that stand twice in one JSON object: {plain(repeated)}."
        yield Notice("keys", f"{told} A run takes the last value of each.")


def _ignored_files(findings: Findings) -> Iterator[Notice]:
    if ignored := findings["files_ignored"]:
        yield Notice("files", f"Files that are no part of an export, and are passed over: {plain(ignored)}.")


def _odd_dates(findings: Findings) -> Notice:
    found = [
        f"{row['type']}.{row['element']}: {told}" for row in findings["dates"] if (told := _odd_counts(row))
    ]
    if not found:
        return Notice("dates", "No date lies in the future or before 1900; all are dates.", is_calm=True)
    return Notice("dates", f"Impossible dates. {'; '.join(found)}.")


def _odd_counts(dates: Findings) -> str:
    words = {"future": "in the future", "before_1900": "before 1900", "invalid": "no date"}
    return ", ".join(f"{plain(dates[name])} {word}" for name, word in words.items() if dates[name])


def _partial_dates(findings: Findings) -> Iterator[Notice]:
    found = [
        f"{row['type']}.{row['element']} ({plain(partial)})"
        for row in findings["dates"]
        if (partial := row["year_only"] + row["year_month"])
    ]
    if found:
        yield Notice("partial", f"Dates without a day: {', '.join(found)}.")


def _systems(findings: Findings) -> Notice:
    rows = findings["code_systems"]
    unknown = [f"{r['type']}.{r['element']} ({plain(r['unknown'])})" for r in rows if r["unknown"]]
    nameless = sum(row["without_system"] for row in rows)
    if not unknown and not nameless:
        return Notice("systems", "Every coding is of a well-known code system.", is_calm=True)
    told = [f"Codings of unknown code systems: {', '.join(unknown)}."] if unknown else []
    told += [f"Codings without a code system: {plain(nameless)}."] if nameless else []
    return Notice("systems", " ".join(told))


def _codes(findings: Findings) -> Notice:
    odd = [f"{r['type']}.{r['element']}: {odd_words(r['odd'])}" for r in findings["codes"] if r["odd"]]
    if not odd:
        return Notice("codes", "Every code has its vocabulary’s shape and place.", is_calm=True)
    return Notice("codes", f"Odd codes. {'; '.join(odd)}.")


def _labs(findings: Findings) -> Iterator[Notice]:
    labs = findings["laboratory"]["all"]
    words = {
        "comparators": "have a comparator",
        "absent_with_reason": "give a reason instead of a value",
        "without_unit": "have a quantity without a unit code",
    }
    told = [f"{plain(labs[name])} {word}" for name, word in words.items() if labs[name]]
    if told:
        yield Notice("values", f"Of {plain(labs['observations'])} Observations {', '.join(told)}.")


def _repeated(findings: Findings) -> Iterator[Notice]:
    if again := findings["rows_repeated"]:
        yield Notice("rows", f"Rows that repeat another row in every column: {plain(again)}.")


def _of_columns(findings: Findings) -> Iterator[Notice]:
    columns = findings["columns"]
    if ids := [column["name"] for column in columns if column["nearly_unique"]]:
        yield Notice("ids", f"Nearly unique, an id or a measurement: {', '.join(ids)}.")
    if empty := [column["name"] for column in columns if not column["present"]]:
        yield Notice("empty", f"Without a single value: {', '.join(empty)}.")
    if held := [f"{c['name']} ({plain(c['placeholders'])})" for c in columns if c["placeholders"]]:
        yield Notice("missing", f"Looks like a missing value, but is text until declared: {', '.join(held)}.")
    for column in columns:
        if column["dates"] and (told := _odd_counts(column["dates"])):
            yield Notice("dates", f"{column['name']}: {told}.")
        if column["codes"] and column["codes"]["odd"]:
            yield Notice("codes", f"{column['name']}: {odd_words(column['codes']['odd'])}.")
