"""Repeated keys are those that Python's own parser meets twice in one object."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.tables.json_keys import MOST_KEYS, repeated_keys

KEYS = st.sampled_from(["a", "b", "id", "resourceType", "ä", 'q"', "x:y", "{", "\\", ""])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6), KEYS)
Pairs = list[tuple[str, Any]]


class Twice(list[Any]):
    """An object as pairs, whose keys may repeat."""


OBJECTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.lists(st.tuples(KEYS, inner), max_size=5).map(Twice)
    ),
    max_leaves=20,
)


def written(value: Any, blank: str) -> str:
    """The JSON of a value, blanks where they may be."""
    if isinstance(value, Twice):
        pairs = (f"{json.dumps(key)}{blank}:{blank}{written(each, blank)}" for key, each in value)
        return f"{{{blank}{f'{blank},'.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(written(each, blank) for each in value)}{blank}]"
    return json.dumps(value, ensure_ascii=False)


def twin(document: str) -> int:
    """The repeated keys, one by one."""
    count = 0

    def met(pairs: Pairs) -> None:
        nonlocal count
        count += len(pairs) - len({key for key, _ in pairs})

    json.loads(document, object_pairs_hook=met)
    return count


@settings(max_examples=150, deadline=None)
@given(OBJECTS, st.sampled_from(["", " ", "\n\t", "\r "]))
def test_the_count_is_that_of_a_parser(value: Any, blank: str) -> None:
    document = written(value, blank)
    assert repeated_keys(document.encode()) == twin(document)


@pytest.mark.parametrize(
    ("document", "count"),
    [
        ('{"a": 1, "a": 2}', 1),
        ('{"a": 1, "a": 2, "a": 3}', 2),
        ('{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}', 0),
        ('{"a": {"b": 1, "b": 2}, "a": "b"}', 2),
        ('{"a": "a", "b": "a"}', 0),
        ('{"a": 1}\n{"a": 2}\n', 0),
        ('{"a\\\\": 1, "a\\"": 2, "a": 3}', 0),
        ("", 0),
    ],
)
def test_what_repeats(document: str, count: int) -> None:
    assert repeated_keys(document.encode()) == count


def test_deep_and_wide_objects() -> None:
    depth, width = 500, 2 * MOST_KEYS
    deep = '{"a": 0, "b": ' * depth + '{"a": 1, "a": 2}' + "}" * depth
    assert repeated_keys(deep.encode()) == 1
    wide = ", ".join(f'"k{n}": 1' for n in range(width))
    assert repeated_keys(f'{{{wide}, "k0": 2, "k{MOST_KEYS}": 2}}'.encode()) == 1
