"""The released people of several tables: keys that say nothing, and nobody's events with another's row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import polars as pl

from anonymizer.errors import VerificationFailed
from release.verifying.recount import PERSON
from release.verifying.rows import surplus

KEY = r"^[0-9a-f]{16}$"
_ENOUGH = 20
"""Of so many people or more, random keys follow their order, or agree in a digit, once in 10^18 times."""
_DIGESTS = ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256")
_ROW, _WHOLE = "\0row", "\0whole"
Tables = Mapping[str, pl.DataFrame]
"""The people's table and the events' by name, each with the ``person`` first."""


def check_keys(people: pl.Series, events: Tables) -> None:
    """Raise ``VerificationFailed`` unless keys have their form, are unique, and hold those of the events."""
    malformed = len(people) - int(people.cast(pl.String).str.contains(KEY).sum())
    if malformed:
        raise VerificationFailed(
            "keys of people are not 16 hexadecimal digits", column=PERSON, count=malformed
        )
    if again := len(people) - people.n_unique():
        raise VerificationFailed("people share a key", column=PERSON, count=again)
    for frame in events.values():
        strangers = frame[PERSON].cast(pl.String).is_in(people.cast(pl.String).implode())
        if nobodys := frame.height - int(strangers.sum()):
            raise VerificationFailed(
                "events are of people who are not released", column=PERSON, count=nobodys
            )


def check_drawn(people: pl.Series, ids: pl.Series) -> None:
    """Raise ``VerificationFailed`` where keys are ``ids``, digests of them, or too alike for random ones."""
    ours = set(people.cast(pl.String))
    if told := sum(each in ours for each in _made_of(ids.cast(pl.String).drop_nulls().unique())):
        raise VerificationFailed("keys are people's ids or made of them", column=PERSON, count=told)
    digits = [{key[place] for key in ours} for place in range(len(next(iter(ours), "")))]
    if len(ours) >= _ENOUGH and any(len(each) == 1 for each in digits):
        raise VerificationFailed("keys agree in a digit, which random ones would not", column=PERSON)


def check_whole(ours: Tables, theirs: Tables, patients: str) -> None:
    """Raise ``VerificationFailed`` unless as many people have each row with each set of events in both, and
    our keys say nothing of the order of ``theirs``, whose people are numbers.
    """
    one, other = _people(ours, theirs, patients)
    wrong = surplus(one.select(_WHOLE), other.select(_WHOLE))
    if wrong or one.height != other.height:
        raise VerificationFailed(
            "people do not have the rows and events together that the input gives", count=wrong
        )
    _check_order(one, other)


def _people(ours: Tables, theirs: Tables, patients: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each person of both and all that is released of them, as text that is the same for the same rows."""
    key = pl.col(PERSON).cast(pl.String)
    sides = [ours[patients].select(key), theirs[patients].select(PERSON)]
    for name in ours:
        numbered = _numbered(ours[name].with_columns(key), theirs[name])
        for side, rows in enumerate(numbered):
            told = rows.group_by(PERSON).agg(pl.col(_ROW).sort().cast(pl.String).str.join(",").alias(name))
            sides[side] = sides[side].join(told, on=PERSON, how="left")
    whole = pl.concat_str(pl.exclude(PERSON).fill_null(""), separator="|").alias(_WHOLE)
    one, other = (side.select(PERSON, whole) for side in sides)
    return one, other


def _numbered(ours: pl.DataFrame, theirs: pl.DataFrame) -> Iterable[pl.DataFrame]:
    """Both tables' people with a number for their row that is the same for the same cells."""
    names = ours.columns[1:]
    if not names:
        return [each.select(PERSON, pl.lit(0).alias(_ROW)) for each in (ours, theirs)]
    distinct = ours.select(names).unique().with_row_index(_ROW)
    return [
        each.join(distinct, on=names, how="left", nulls_equal=True).select(PERSON, _ROW)
        for each in (ours, theirs)
    ]


def _check_order(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Raise ``VerificationFailed`` where the keys of people who are like nobody else rise or fall with their
    rows in the input.
    """
    ours, theirs = (each.filter(pl.len().over(_WHOLE) == 1) for each in (one, other))
    keys = theirs.join(ours, on=_WHOLE, suffix="_key").sort(PERSON)[f"{PERSON}_key"].cast(pl.String)
    if len(keys) >= _ENOUGH and (keys.is_sorted() or keys.is_sorted(descending=True)):
        raise VerificationFailed("keys stand in the order of the input", column=PERSON)


def _made_of(ids: Iterable[str]) -> Iterable[str]:
    """What a key of 16 digits would be that is somebody's id, or the beginning or end of a digest of it."""
    for each in ids:
        yield each.lower()
        yield each.encode().hex()[:16].ljust(16, "0")
        for name in _DIGESTS:
            digest = hashlib.new(name, each.encode(), usedforsecurity=False).hexdigest()
            yield from (digest[:16], digest[-16:])
