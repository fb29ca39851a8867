"""Random generators, one for each purpose, from the run's seed or from the operating system."""

from __future__ import annotations

import hashlib

import numpy as np


def spawned(seed: int | None, purpose: str) -> np.random.Generator:
    """Return a generator for a ``purpose``, independent of those for others.

    The same ``seed`` always gives the same one. Without a seed it starts from the operating system's entropy
    and cannot be repeated. Never use it for a secret: a seed can be guessed.
    """
    if seed is None:
        return np.random.default_rng()
    own = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8])
    return np.random.default_rng([seed, own])
