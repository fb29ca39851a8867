"""Ids are kept as keyed digests: SipHash-2-4 with 128 bits, a text at a time or a column at once."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mii.digests import KEY_BYTES, digests

KEY = bytes(range(KEY_BYTES))
MASK = (1 << 64) - 1

VECTORS = (
    "a3817f04ba25a8e66df67214c7550293",
    "da87c1d86b99af44347659119b22fc45",
    "8177228da4a45dc7fca38bdef60affe4",
    "9c70b60c5267a94e5f33b6b02985ed51",
)
"""The first digests of ``vectors_sip128`` in the reference implementation (github.com/veorq/SipHash):
of the messages of no byte, of 00, 00 01, 00 01 02, under the key 00 01 … 0f."""


def digest(text: str, key: bytes = KEY) -> bytes:
    """The algorithm as published, word by word in Python's integers."""
    message = text.encode()
    k = (int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little"))
    v = [0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573]
    v = [word ^ k[i % 2] for i, word in enumerate(v)]
    v[1] ^= 0xEE
    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) % 256])
    for place in range(0, len(padded), 8):
        word = int.from_bytes(padded[place : place + 8], "little")
        v[3] ^= word
        v = rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xEE
    v = rounds(v, 4)
    first = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    v = rounds(v, 4)
    return first.to_bytes(8, "little") + (v[0] ^ v[1] ^ v[2] ^ v[3]).to_bytes(8, "little")


def rounds(v: list[int], times: int) -> list[int]:
    a, b, c, d = v
    for _ in range(times):
        a, c = (a + b) & MASK, (c + d) & MASK
        b, d = turned(b, 13) ^ a, turned(d, 16) ^ c
        a = turned(a, 32)
        c, a = (c + b) & MASK, (a + d) & MASK
        b, d = turned(b, 17) ^ c, turned(d, 21) ^ a
        c = turned(c, 32)
    return [a, b, c, d]


def turned(word: int, by: int) -> int:
    return (word << by | word >> (64 - by)) & MASK


def of(texts: list[str | None], key: bytes = KEY) -> list[bytes]:
    halves = digests(pl.Series(texts, dtype=pl.String), key)
    return [b"".join(half.to_bytes(8, "little") for half in row) for row in zip(*halves, strict=True)]


@pytest.mark.parametrize("length", range(len(VECTORS)))
def test_the_reference_digests(length: int) -> None:
    message = bytes(range(length)).decode()
    assert of([message])[0].hex() == VECTORS[length] == digest(message).hex()


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=12),
    key=st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES),
)
def test_a_column_at_once_gives_what_a_text_at_a_time_gives(texts: list[str | None], key: bytes) -> None:
    assert of(texts, key) == [bytes(16) if text is None else digest(text, key) for text in texts]


def test_more_ids_than_are_made_at_once() -> None:
    texts = [f"observation-{n}{'-' * (n % 30)}" for n in range(10_000)]
    assert of(list(texts)) == [digest(text) for text in texts]


def test_ids_of_any_length_differ() -> None:
    """An id has at most 64 signs; a longer text is no reason to stop, and costs no more than reading it."""
    texts = ["x" * n for n in range(240, 280)]
    long = ["ä" * 1_000_000, "ä" * 999_999 + "b", "x" * 2_000_000]
    found = of([*texts, *long])
    assert len({*found}) == len(texts) + len(long)
    assert of([long[2], texts[3]]) == [found[-1], found[3]]


def test_another_key_gives_other_digests() -> None:
    assert of(["a", "b"]) != of(["a", "b"], bytes(KEY_BYTES))
