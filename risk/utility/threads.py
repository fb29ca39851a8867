"""Libraries that compute on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Let linear algebra and learners compute on one thread for as long as this lasts.

    Threads that wait for one another on a busy machine take several times as long as one alone, and sums
    come out the same on every machine only where their order does.
    """
    # What is limited are the libraries that are loaded by now.
    import scipy.linalg  # noqa: F401
    import sklearn.ensemble  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield
