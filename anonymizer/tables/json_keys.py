"""Keys that stand twice in one object of a JSON text: decoders keep the last value and say nothing."""

from __future__ import annotations

import numpy as np

from anonymizer.compiled import kernel

MOST_KEYS = 1_000
"""Of an object with more keys only the first ones are remembered: comparing all with all would never end."""


def repeated_keys(document: bytes) -> int:
    """How many keys of a ``document`` repeat one of their object; it must be valid JSON, or several texts.

    Keys count as alike where they are written alike: ``"a"`` and ``"\\u0061"`` do not. They are told apart by
    64 bits of FNV-1a (Fowler, Noll, Vo 1991), which nobody's key but one made for it shares by accident.
    """
    return int(_repeated(np.frombuffer(document, np.uint8), MOST_KEYS))


@kernel
def _repeated(text, most):  # type: ignore[no-untyped-def]
    """The keys in ``text``, uint8 (bytes), whose object had them before; ``most`` are remembered of each."""
    keys, starts = np.empty(64, np.uint64), np.zeros(64, np.int64)
    end, place, depth, top, repeated = len(text), 0, 0, 0, 0
    while place < end:
        sign = text[place]
        place += 1
        if sign == 34:  # a quotation mark
            begin = place
            while text[place] != 34:
                place += 2 if text[place] == 92 else 1  # a backslash and what it escapes
            stop = place
            place += 1
            while place < end and text[place] in (9, 10, 13, 32):
                place += 1
            if place < end and text[place] == 58:  # a colon: it was a key
                known = np.uint64(14695981039346656037)
                for i in range(begin, stop):
                    known = (known ^ np.uint64(text[i])) * np.uint64(1099511628211)
                is_new = True
                for i in range(starts[depth], top):
                    if keys[i] == known:
                        is_new = False
                        break
                if not is_new:
                    repeated += 1
                elif top - starts[depth] < most:
                    if top == len(keys):
                        keys = np.append(keys, np.empty(top, np.uint64))
                    keys[top] = known
                    top += 1
        elif sign == 123:  # an object begins
            depth += 1
            if depth == len(starts):
                starts = np.append(starts, np.zeros(depth, np.int64))
            starts[depth] = top
        elif sign == 125:  # and ends
            top = starts[depth]
            depth -= 1
    return repeated
