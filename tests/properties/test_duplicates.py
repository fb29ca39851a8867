"""Of the resources with one id one is kept; which one depends on their contents, never on their order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mii import duplicates, facts
from mii.columns import DATING, HEAD, TELLING, together
from mii.duplicates import deduplicated
from mii.extracting import SCHEMAS
from mii.facts import plain, restored, schema

KEY = bytes(16)
NAMES = ("Condition", "Procedure")

Resource = dict[str, Any]


def resources() -> st.SearchStrategy[list[Resource]]:
    """Few ids and few contents, so that many repeat; one without codes only dates."""
    some = {
        "type": st.sampled_from(NAMES),
        "id": st.sampled_from("ab"),
        "updated": st.sampled_from([None, "2024-01-01", "2024-02-01"]),
        "subject": st.sampled_from(["Patient/p", "Patient/q", "Group/p", None]),
        "start": st.sampled_from(["2024-01-01T08:00:00Z", "2024-01-01", "2024", None]),
        "codes": st.sampled_from([None, "", "A01", "A01 B02"]),
        "void": st.sampled_from([None, "refuted"]),
    }
    return st.lists(st.fixed_dictionaries(some), min_size=1, max_size=14)


def frames(drawn: list[Resource], held: pl.Categorical, size: int) -> tuple[list[pl.DataFrame], ...]:
    """The resources as the processes give them, in shares of ``size``."""
    found: tuple[list[pl.DataFrame], list[pl.DataFrame]] = ([], [])
    for start in range(0, len(drawn), size):
        for tells, of_share in ((True, found[0]), (False, found[1])):
            own = [one for one in drawn[start : start + size] if (one["codes"] is not None) == tells]
            raw = {
                name: pl.DataFrame([one for one in own if one["type"] == name], schema=dict(columns))
                for name in NAMES
                if any(one["type"] == name for one in own)
                for columns in [SCHEMAS[name] if tells else HEAD]
            }
            table, _ = together(raw, KEY)
            if table is not None:
                of_share.append(restored(table, held))
    return found


def told(one: Resource) -> tuple[Any, ...]:
    """What is kept of a resource, as it is ordered: that without a value first."""
    patient = one["subject"].split("/")[1] if (one["subject"] or "").startswith("Patient/") else None
    start = one["start"][:10] if one["start"] else None
    tells = one["codes"] is not None
    return (patient, start, *((one["void"], one["codes"], one["start"]) if tells else (None, None, None)))


def ordered(one: Resource) -> tuple[Any, ...]:
    return tuple((value is not None, value or "") for value in (one["updated"], *told(one)))


def by_hand(drawn: list[Resource]) -> tuple[Counter[Any], dict[str, int]]:
    by_id: dict[tuple[str, str], list[Resource]] = {}
    for one in drawn:
        by_id.setdefault((one["type"], one["id"]), []).append(one)
    kept = Counter((kind, *told(max(several, key=ordered))) for (kind, _), several in by_id.items())
    different = Counter(kind for (kind, _), several in by_id.items() if len({*map(told, several)}) > 1)
    return kept, different


@settings(max_examples=120, deadline=None)
@given(drawn=resources(), size=st.integers(1, 14), portion=st.sampled_from([1, 2, 1 << 17]))
def test_what_is_kept_is_what_counting_by_hand_keeps(drawn: list[Resource], size: int, portion: int) -> None:
    held = pl.Categorical(pl.Categories.random())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "PORTION_IDS", portion)
        schemas = (schema(TELLING, held), schema(DATING, held))
        telling, dating, different = deduplicated(*frames(drawn, held, size), schemas=schemas)
    names = ("type", "patient", "start", "void", "codes", "moment")
    dates = plain(dating).with_columns(void=None, codes=None, moment=None)
    found = Counter([*plain(telling).select(names).iter_rows(), *dates.select(names).iter_rows()])
    kept, conflicts = by_hand(drawn)
    assert found == kept
    assert different == conflicts


def test_texts_come_back_whatever_numbers_they_had() -> None:
    """The library numbers categories from several threads, so that numbers do not follow the rows."""
    for chunks in (1, 4, 40) * 8:
        parts = [
            pl.DataFrame(
                {
                    "a": [f"Patient/{(n + k) // 7:06}" for n in range(40_000 // chunks)],
                    "b": [None if (n * k) % 5 == 0 else str(n % 997) for n in range(40_000 // chunks)],
                },
                schema=dict.fromkeys("ab", pl.String),
            )
            for k in range(chunks)
        ]
        frame = pl.concat(parts)
        numbering = facts.Numbering()
        numbering.number(frame, {name: {name: None} for name in frame.columns})
        held = pl.Categorical(pl.Categories.random())
        assert plain(restored(numbering.table(), held)).equals(frame, null_equal=True)
