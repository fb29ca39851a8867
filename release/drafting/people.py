"""Who a row of a plain table is about, where nobody has said so.

A column known to number people decides. Otherwise whatever else names somebody (names, e-mail addresses,
insurance and telephone numbers) is evidence: a number of something, or the row, is a person only where
everybody whom the evidence tells has one of them. Where that fails, the person is the identifier of people
with the fewest values: who shares it counts as one, so that classes hold no fewer people than they promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from release.drafting import patterns
from release.drafting.profile import Profile
from release.drafting.proposing import Found
from release.drafting.vocabulary import Kind, is_given_name, is_of_staff, kind_of, names_somebody

_PEOPLE, _MAYBE_PEOPLE = (Kind.PERSON, Kind.INSURED), (Kind.NUMBER, Kind.CASE)
_MOST_ROWS_EACH = 10
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """The ``column`` that names the person (``None``: each row is one), and what is to be said of it.

    One person may have as many as ``each`` of the column's values.
    """

    column: str | None
    remarks: tuple[str, ...] = ()
    each: int = 1


def person_of(
    frame: pl.DataFrame, profiles: Sequence[Profile], found: Sequence[Found], missing: Sequence[str]
) -> Person:
    """Who a row is about, where cells in ``missing`` are none.

    Of columns that serve equally, it is the one that tells the fewest people: joined rows can only make
    classes smaller. A number of something that stands in every tenth row or more often is the key of
    something else.
    """
    kinds = {each.proposal.column: each.kind for each in found}
    cells = _present(frame, missing)
    people = [name for name, kind in kinds.items() if kind in _PEOPLE]
    numbers = [name for name, kind in kinds.items() if kind in _MAYBE_PEOPLE and _is_often_new(cells[name])]
    singles = [*people, *(profile.name for profile in profiles if _tells_who(profile))]
    singles = list(dict.fromkeys(singles))
    keys = _keys(singles, frame.columns)
    if certain := _fewest(cells, people):
        each = _most_each(cells, [key for key in keys if _is_strong(key, certain)], certain)
        return Person(certain) if each == 1 else Person(certain, (_CONTRADICTED,), each)
    if joined := _fewest(cells, [name for name in numbers if _most_each(cells, keys, name) == 1]):
        return Person(joined, (_PERHAPS,))
    return _by_evidence(cells, numbers, singles, keys)


def _by_evidence(
    cells: pl.DataFrame, numbers: Sequence[str], singles: Sequence[str], keys: Sequence[Key]
) -> Person:
    """The person where no number of something is one for everybody whom the evidence tells."""
    keys = keys or [(name,) for name in numbers]
    if _most_each(cells, keys, None) == 1:
        return Person(None, (_NOBODY,))
    surnames = [name for name in singles if not is_given_name(name)]
    if told := _fewest(cells, surnames) or _fewest(cells, singles):
        return Person(told, (_TOLD,))
    unit = _fewest(cells, numbers)
    return Person(unit, (_GAPS,), _most_each(cells, keys, unit))


def _tells_who(profile: Profile) -> bool:
    """Whether the column's name or most of its values say that it names the person whom a row is about."""
    if profile.distinct is None or not profile.present:
        return False
    if names_somebody(profile.name):
        return True
    return not is_of_staff(profile.name) and patterns.are_ways_to_people(profile.distinct)


def _keys(singles: Sequence[str], names: Sequence[str]) -> list[Key]:
    """What tells one person from another: names together, with the day of birth; all else by itself."""
    spoken = [name for name in singles if kind_of(name) is Kind.NAME]
    births = [name for name in names if kind_of(name) is Kind.BIRTH]
    whole = [(*spoken, *births)] if spoken else []
    return [*whole, *((name,) for name in singles if name not in spoken)]


def _is_strong(key: Key, certain: str) -> bool:
    """Whether a key tells people apart well enough to contradict a column that is called their number.

    Names do together with the day of birth: there are namesakes.
    """
    kinds = {kind_of(name) for name in key}
    return certain not in key and (Kind.NAME not in kinds or Kind.BIRTH in kinds)


def _most_each(cells: pl.DataFrame, keys: Sequence[Key], unit: str | None) -> int:
    """The most different values of ``unit`` (``None``: rows) of one person whom a key tells."""
    counted = pl.len() if unit is None else pl.col(unit).n_unique()
    most = 1
    for key in keys:
        named = [name for name in key if kind_of(name) is not Kind.BIRTH]
        told = cells.filter(pl.any_horizontal(pl.col(named).is_not_null()))
        if told.height:
            most = max(most, int(told.group_by(key).agg(counted.alias("#"))["#"].max()))  # type: ignore[arg-type]
    return most


def _fewest(cells: pl.DataFrame, names: Sequence[str]) -> str | None:
    """Of the columns that every row has, the one with the fewest values; the first of equals."""
    whole = [name for name in names if cells[name].null_count() == 0]
    return min(whole, key=lambda name: cells[name].n_unique(), default=None)


def _is_often_new(cells: pl.Series) -> bool:
    told = cells.drop_nulls()
    return len(told) > 0 and told.n_unique() * _MOST_ROWS_EACH >= len(told)


def _present(frame: pl.DataFrame, missing: Sequence[str]) -> pl.DataFrame:
    text = pl.col(pl.String)
    return frame.with_columns(pl.when(~text.is_in(list(missing))).then(text)) if missing else frame


_CONTRADICTED = (
    "CHECK: the column is called a number of persons, but names with birth dates, or addresses, show that "
    "somebody has several of its values. k is raised by as much. If it is new for every case, name the "
    "column that joins them."
)
_PERHAPS = (
    "CHECK: no column is known to name the person; this one may. Where it does not, somebody with several of "
    "its numbers counts as several people."
)
_NOBODY = (
    "CHECK: no column names the person. If somebody has several rows here, they count as several people: "
    "name the column that joins them, or make sure that there is none."
)
_TOLD = (
    "CHECK: guessed. Names or addresses show that somebody has several rows, and no number of persons joins "
    "them. This column does, and all who share its value count as one person, which is the careful side. "
    "A column that numbers the persons would be better."
)
_GAPS = (
    "CHECK: no column names the person in every row, but what names somebody in some rows shows that one "
    "person has several. k is raised by as much; who is named nowhere may still count several times. Fill "
    "the gaps of the column that names the person, and name it here."
)
