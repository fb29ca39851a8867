"""SDV kept apart: imported without a file, run without a word, its random numbers and threads ours.

Left alone it writes a folder into the user's home on import and torch one into the place for temporary files,
it starts processes that exchange the table through such files, trains from the global generators of numpy and
torch, and draws every first sample from one fixed seed.
"""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from anonymizer.errors import BadConfig, ComponentMissing

INSTALL = "install it with: pip install --requirement requirements-sdv.txt (or clinical-anon[sdv])"


def loaded() -> Any:
    """Return the module ``sdv``, imported with no folder made and no log opened.

    Raises:
        ComponentMissing: SDV or torch is not installed.
    """
    nowhere = os.path.join(os.devnull, "sdv")  # noqa: PTH118
    try:
        import platformdirs

        with swapped(platformdirs, "user_data_dir", lambda *_, **__: nowhere), _no_cache_of_torch():
            import sdv
            import torch._dynamo  # noqa: F401
    except ImportError:
        raise ComponentMissing(
            "this method of synthesis needs SDV, which is not installed", hint=INSTALL
        ) from None
    return sdv


@contextmanager
def _no_cache_of_torch() -> Iterator[None]:
    """Torch makes a folder for compiled code before it first trains, or takes one that is there."""
    import torch

    name = "TORCHINDUCTOR_CACHE_DIR"
    kept = os.environ.get(name)
    os.environ[name] = str(Path(torch.__file__).parent)
    try:
        yield
    finally:
        del os.environ[name]
        if kept is not None:
            os.environ[name] = kept


def checked_device(device: str) -> str:
    """Return ``device``: ``cpu``, or ``gpu`` where there is one that torch can use.

    Raises:
        BadConfig: there is none.
    """
    import torch

    if device == "gpu" and not torch.cuda.is_available():
        raise BadConfig("synthesis.device: gpu is asked for, and torch finds none", hint="use device: cpu")
    return device


@contextmanager
def apart(rng: np.random.Generator, *, device: str) -> Iterator[None]:
    """Run what is inside with global generators seeded from ``rng``, on one thread and without warnings.

    On a CPU only algorithms that always sum in the same order are allowed. Generators, threads and filters
    are as before afterwards.
    """
    import torch
    from joblib import parallel_config

    first, second, third, fourth = (int(word) for word in rng.integers(2**32, size=4))
    kept = random.getstate(), np.random.get_state()
    with (
        warnings.catch_warnings(),
        torch.random.fork_rng(),
        parallel_config(backend="sequential"),
        threadpool_limits(1),
        _repeatable(device),
    ):
        warnings.simplefilter("ignore")
        random.seed(first)
        np.random.seed(second)
        torch.manual_seed(third << 32 | fourth)
        try:
            yield
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])


@contextmanager
def _repeatable(device: str) -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    strict, warns = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(device == "cpu")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(strict, warn_only=warns)
        torch.set_num_threads(threads)


@contextmanager
def epochs_seen(after: Callable[[int], None]) -> Iterator[None]:
    """Call ``after(done)`` behind every epoch of a network that is trained inside.

    The networks have no hook but their progress bar, which this takes the place of.
    """
    from ctgan.synthesizers import ctgan, tvae

    def told(epochs: Iterable[int], **_: object) -> Iterator[int]:
        for epoch in epochs:
            yield epoch
            after(epoch + 1)

    with swapped(ctgan, "tqdm", told), swapped(tvae, "tqdm", told):
        yield


@contextmanager
def swapped(owner: Any, name: str, value: object) -> Iterator[None]:
    """Give a module another ``value`` under a name while inside."""
    kept = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)
