"""Libraries that compute on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the libraries that are loaded by now compute on one thread for as long as this lasts.

    The sums of several threads come out otherwise, in their last digits.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield
