"""Ids as keyed digests of 128 bits: a resource that is only counted needs no more of its id.

The digest is SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
INDOCRYPT 2012, and its reference implementation). The key is drawn anew for every run and never leaves it, so
that nobody can write an export whose ids collide. Of n ids two share a digest with a probability below
n²/2¹²⁹: for a hundred million ids 2·10⁻²³.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

KEY_BYTES = 16
DIGEST = ("digest", "digest_rest")
"""The names of the two halves of a digest."""

_WORD = 8
_LONG_BYTES = 256
_STEP_IDS = 1 << 13
_Words = NDArray[np.uint64]
_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_TAILS = np.array([(1 << 8 * n) - 1 for n in range(_WORD)], dtype=np.uint64)
_ROTATIONS = {n: (np.uint64(n), np.uint64(64 - n)) for n in (13, 16, 17, 21, 32)}


def digests(ids: pl.Series, key: bytes) -> list[pl.Series]:
    """The columns `DIGEST`, UInt64, of a column of texts; of a missing text both are 0.

    Equal texts have equal digests under one ``key`` of `KEY_BYTES`. A text of more than 256 bytes is first
    cut down by keyed BLAKE2b, so that one endless id costs no more than reading it.
    """
    halves = zip(DIGEST, _digests(ids, key), strict=True)
    return [pl.Series(name, half, dtype=pl.UInt64) for name, half in halves]


def _digests(ids: pl.Series, key: bytes) -> _Words:
    lengths = ids.str.len_bytes()
    if (lengths.max() or 0) > _LONG_BYTES:  # type: ignore[operator]
        ids = pl.Series([_shortened(text, key) for text in ids], dtype=pl.String)
        lengths = ids.str.len_bytes()
    joined = ids.str.join("").item() if len(ids) else ""
    text = np.frombuffer(joined.encode() + bytes(_WORD), dtype=np.uint8)
    sizes = lengths.fill_null(0).to_numpy().astype(np.int64)
    found = _of_bytes(text, sizes, key)
    if ids.null_count():
        found[:, ids.is_null().to_numpy()] = 0
    return found


def _shortened(text: str | None, key: bytes) -> str | None:
    """A longer text than an id has bytes for cannot pass for a shorter one: no id is as long as this."""
    if text is None or len(text.encode()) <= _LONG_BYTES:
        return text
    return blake2b(text.encode(), key=key).hexdigest().ljust(_LONG_BYTES)


def _of_bytes(text: NDArray[np.uint8], sizes: NDArray[np.int64], key: bytes) -> _Words:
    """The digests of texts that stand one behind the other; those of as many words are made together."""
    starts = np.cumsum(sizes) - sizes
    words = np.ndarray((len(text) - _WORD + 1,), dtype="<u8", buffer=text, strides=(1,))
    full = sizes // _WORD
    found = np.zeros((2, len(sizes)), dtype=np.uint64)
    for count in np.unique(full):
        equal = np.flatnonzero(full == count)
        for chosen in (equal[place : place + _STEP_IDS] for place in range(0, len(equal), _STEP_IDS)):
            places, rest = starts[chosen], sizes[chosen]
            message = [words[places + _WORD * step] for step in range(count + 1)]
            message[-1] = (message[-1] & _TAILS[rest % _WORD]) | (rest.astype(np.uint64) << np.uint64(56))
            found[0, chosen], found[1, chosen] = _siphash(message, key)
    return found


def _siphash(message: list[_Words], key: bytes) -> tuple[_Words, _Words]:
    """SipHash-2-4-128 of many messages, which are given word by word."""
    halves = (int.from_bytes(key[:_WORD], "little"), int.from_bytes(key[_WORD:], "little"))
    state = [np.full(len(message[0]), _START[i] ^ halves[i % 2], dtype=np.uint64) for i in range(4)]
    state[1] ^= np.uint64(0xEE)
    for word in message:
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= np.uint64(0xEE)
    _rounds(state, 4)
    first = state[0] ^ state[1] ^ state[2] ^ state[3]
    state[1] ^= np.uint64(0xDD)
    _rounds(state, 4)
    return first, state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(state: list[_Words], times: int) -> None:
    a, b, c, d = state
    for _ in range(times):
        _half(a, b, 13)
        _turn(a, 32)
        _half(c, d, 16)
        _half(a, d, 21)
        _half(c, b, 17)
        _turn(c, 32)


def _half(into: _Words, other: _Words, by: int) -> None:
    into += other
    _turn(other, by)
    other ^= into


def _turn(words: _Words, by: int) -> None:
    left, right = _ROTATIONS[by]
    high = words >> right
    words <<= left
    words |= high
