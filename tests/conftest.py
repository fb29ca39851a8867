"""What several test modules share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from risk.results import Findings

# Nothing is judged by the clock: machines are shared.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
needs_shared = pytest.mark.skipif(
    not SHARED.exists(), reason="reference data (../shared) are not beside the checkout"
)


@pytest.fixture(autouse=True)
def _unattacked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of runs are not about attacks, which take a second each: those of tests marked so are made."""
    if request.node.get_closest_marker("attacked") is None:
        monkeypatch.setattr("release.assessing.find", lambda *_, **__: Findings())


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """A published run stays deaf to signals; the tests' process must not."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
