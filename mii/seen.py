"""Which resources were met already, in 8 to 30 bytes each: exports have tens of millions."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

_FRESH_AT_LEAST = 1 << 16


class Seen:
    """A set of texts as 64-bit digests: sorted in an array, the latest in a set beside it.

    Two texts share a digest with a probability of n²/2⁶⁵: three in a million for ten million texts.
    """

    def __init__(self) -> None:
        self._sorted: npt.NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self._fresh: set[int] = set()

    def __len__(self) -> int:
        return len(self._sorted) + len(self._fresh)

    def is_new(self, text: str) -> bool:
        """Whether ``text`` is met for the first time; from now on it is not."""
        written = text.encode("utf-8", "surrogatepass")
        digest = int.from_bytes(blake2b(written, digest_size=8).digest(), "little")
        if digest in self._fresh or self._is_settled(digest):
            return False
        self._fresh.add(digest)
        if len(self._fresh) > max(_FRESH_AT_LEAST, len(self._sorted) // 4):
            self._settle()
        return True

    def _is_settled(self, digest: int) -> bool:
        place = int(self._sorted.searchsorted(np.uint64(digest)))
        return place < len(self._sorted) and int(self._sorted[place]) == digest

    def _settle(self) -> None:
        fresh = np.fromiter(self._fresh, dtype=np.uint64, count=len(self._fresh))
        self._sorted = np.union1d(self._sorted, fresh)
        self._fresh = set()
