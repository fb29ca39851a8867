"""A plain table's draft."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import polars as pl

from anonymizer.errors import BadInput
from anonymizer.tables.reading import read_table
from release.drafting import patterns
from release.drafting.dialect import Dialect, dialect
from release.drafting.people import Person, person_of
from release.drafting.profile import Profile, profiled
from release.drafting.proposing import Circumstances, Found, hierarchy_of, propose
from release.drafting.vocabulary import Kind, kind_of
from release.drafting.wording import LEAST_TOLD, Proposal, Sections, dropped, people_remarks

MOST_TRANSFORMATIONS = 50_000
_ORDER = (
    *(Kind.SEX, Kind.AGE, Kind.BIRTH, Kind.PLZ, Kind.ICD, Kind.DAY, Kind.STAY, Kind.CATEGORY),
    *(Kind.OPS, Kind.ATC, Kind.AGS),
)
"""Which quasi-identifiers are kept first where there are too many to search over."""
_COARSER = {Kind.BIRTH: Kind.AGE, Kind.AGS: Kind.PLZ}
"""What is left out beside a column that tells the same."""
_DECIMAL_COMMA = r"^-?[0-9]+,[0-9]+$"


def table_sections(path: Path, written: str, *, today: date) -> Sections:
    """The draft of the table at ``path``, which the config names as ``written``.

    Raises:
        InputMissing, BadInput: the table cannot be read, as a run of the draft would find.
    """
    form = None if path.suffix.lower() == ".parquet" else dialect(path)
    frame = _frame(path, form)
    _refuse_data_as_names(frame)
    profiles = [profiled(column) for column in frame]
    comma = form is not None and form.delimiter != "," and any(map(_has_decimal_commas, profiles))
    around = Circumstances(today, frame.height, "," if comma else ".")
    found = [propose(profile, around) for profile in profiles]
    proposals = _searchable(found, today)
    missing = sorted({mark for each in found for mark in each.missing})
    person = person_of(frame, profiles, found, missing)
    k = LEAST_TOLD * person.each * _spellings(frame, person.column)
    source: dict[str, object] = {"path": written, **({} if form is None else asdict(form))}
    source |= {"decimal": ","} if comma else {}
    source |= {"missing": ("", *missing)} if missing else {}
    return Sections(
        input={"table": source},
        input_remarks=() if form is None else ("why: how the file is written was found by looking at it",),
        subject=person.column or "row",
        subject_remarks=person.remarks,
        proposals=tuple(proposals),
        privacy=_privacy(frame, k, proposals),
        privacy_remarks=_people_remarks(frame, person, k),
    )


def without_measurements(sections: Sections) -> Sections:
    """The draft without its sensitive columns, which turned out to give quasi-identifiers away."""
    why = "a measurement that gives a quasi-identifier away, or names people"
    kept = (
        dropped(each.column, why, check=True) if each.rule["role"] == "sensitive" else each
        for each in sections.proposals
    )
    return replace(sections, proposals=tuple(kept))


def _frame(path: Path, form: Dialect | None) -> pl.DataFrame:
    if form is None:
        return read_table(path)
    return read_table(path, delimiter=form.delimiter, encoding=form.encoding)


_CODES = (
    r"^[A-Z][0-9]{2}\.?[0-9]{0,3}\b",
    r"^[0-9]-[0-9a-z]{2,3}(\.[0-9a-z]{1,2})?\b",
    r"^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}\b",
)
"""ICD-10, OPS and ATC, as loosely as they are written."""


def _refuse_data_as_names(frame: pl.DataFrame) -> None:
    """A file without a header has its first person there, and a draft would write that person down."""
    certain = sum(map(patterns.looks_like_data, frame.columns))
    is_known = any(kind_of(name) is not None for name in frame.columns)
    alike = 0 if is_known else sum(map(_is_like_its_values, frame))
    if certain or alike or not any(re.search(r"[^\W\d]", name) for name in frame.columns):
        raise BadInput(
            "the first row looks like data",
            count=certain + alike,
            hint="the table needs a header, with one name at least that tells what a column is, such as age",
        )


def _is_like_its_values(column: pl.Series) -> bool:
    """Whether a column is called as one of its values is, or has digits and letters where most of them do."""
    values = column.drop_nulls() if column.dtype == pl.String else pl.Series([], dtype=pl.String)
    if values.is_empty():
        return False
    shapes = values.str.replace_all(r"[0-9]", "9").str.replace_all(r"\p{L}", "a")
    own = re.sub(r"[^\W\d_]", "a", re.sub(r"[0-9]", "9", column.name))
    shaped_alike = "9" in own and int((shapes == own).sum()) * 2 > len(values)
    coded = any(
        re.match(code, column.name) and int(values.str.contains(code).sum()) * 2 > len(values)
        for code in _CODES
    )
    return column.name in values or shaped_alike or coded


def _has_decimal_commas(profile: Profile) -> bool:
    values = profile.distinct
    return values is not None and not values.is_empty() and bool(values.str.contains(_DECIMAL_COMMA).any())


def _searchable(found: Sequence[Found], today: date) -> list[Proposal]:
    """The proposals, where quasi-identifiers that tell the same as others or are too many are left out."""
    quasi = [each for each in found if each.proposal.rule["role"] == "quasi-identifier"]
    kinds = {each.kind for each in quasi}
    left_out = {
        each.proposal.column: "left out: another column tells the same, coarser"
        for each in quasi
        if each.kind in _COARSER and _COARSER[each.kind] in kinds
    }
    size = 1
    for each in sorted(quasi, key=lambda each: _ORDER.index(each.kind or Kind.CATEGORY)):
        name = each.proposal.column
        levels = len(hierarchy_of(each.proposal.rule["hierarchy"], today).level_names)
        if name not in left_out and size * levels > MOST_TRANSFORMATIONS:
            left_out[name] = f"left out ({each.kind}): so many quasi-identifiers would leave little of each"
        elif name not in left_out:
            size *= levels
    return [
        dropped(each.proposal.column, why, check=True)
        if (why := left_out.get(each.proposal.column))
        else each.proposal
        for each in found
    ]


def _privacy(frame: pl.DataFrame, k: int, proposals: Iterable[Proposal]) -> dict[str, object]:
    diverse = [
        {"column": each.column, "kind": "distinct", "l": 2}
        for each in proposals
        if each.rule.get("sensitive") and frame[each.column].n_unique() > LEAST_TOLD
    ]
    asked: Mapping[str, object] = {"l_diversity": diverse} if diverse else {}
    return {"k_anonymity": k, **asked, "suppression_limit": 0.05}


def _people_remarks(frame: pl.DataFrame, person: Person, k: int) -> tuple[str, ...]:
    people = frame.height if person.column is None else frame[person.column].n_unique()
    alike = () if k == LEAST_TOLD * person.each else (_ALIKE,)
    return (*people_remarks(people, k), *alike)


_ALIKE = (
    "CHECK: some of the subject's numbers differ only in case, spaces, punctuation or leading zeros. They "
    f"may be one person, so k is raised: {LEAST_TOLD} people stay in every class even then."
)


def _spellings(frame: pl.DataFrame, subject: str | None) -> int:
    """The most of the subject's numbers that are one but for case, punctuation and leading zeros."""
    if subject is None:
        return 1
    distinct = frame[subject].cast(pl.String).unique()
    parted = (
        distinct.str.to_lowercase()
        .str.replace_all(r"[^\p{L}\p{N}]+", "-")
        .str.replace_all(r"(\p{L})(\p{N})", "${1}-${2}")
        .str.replace_all(r"(\p{N})(\p{L})", "${1}-${2}")
    )
    bare = parted.str.replace_all(r"\b0+([0-9])", "${1}").str.strip_chars("-")
    return int(bare.value_counts()["count"].max())  # type: ignore[arg-type]
