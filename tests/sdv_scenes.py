"""A coded table for SDV's methods, and a process of its own that tells what it does to the machine."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np

from synth.axes import Axis, Bools, Coded, Codes, Floats
from synth.methods import sdv_models

METHODS = ("ctgan", "tvae", "copulagan", "sdv-gaussian-copula")
WARD = np.array([False, False, True, False, False])


def table(rows: int = 300) -> Coded:
    """Age bands, a ward that follows from them, a sex, a constant, a laboratory value that may be missing."""
    rng = np.random.default_rng(0)
    age = rng.integers(0, 20, rows)
    ward = (age // 5 + rng.integers(0, 2, rows)) % 5
    sex = rng.integers(0, 3, rows)
    missing = rng.random(rows) < 0.2
    laboratory = np.where(missing, 10, np.minimum(age // 2, 9))
    codes = np.stack([age, ward, sex, np.full(rows, 4), laboratory], axis=1).astype(np.int32)
    axes = (
        Axis("age", 20, np.arange(20.0), is_ordered=True),
        Axis("ward", 5, _nowhere(5)),
        Axis("sex", 3, _nowhere(3)),
        Axis("country", 7, _nowhere(7)),
        Axis("laboratory", 11, np.append(np.arange(10.0)[::-1], np.nan), is_ordered=True),
    )
    return Coded(codes, axes, np.arange(rows))


def _nowhere(size: int) -> Floats:
    return np.full(size, np.nan)


def drawn(method: str, *, fit: int = 1, draw: int = 2, n: int = 200, ward: Bools | None = None) -> Codes:
    """Rows of a method that was trained for two epochs."""
    model = sdv_models.fit(table(), np.random.default_rng(fit), method=method, epochs=2, batch_size=100)
    return model.sample(n, np.random.default_rng(draw), None if ward is None else {1: ward})


def main() -> None:
    """Print a hash of what each method draws, and every file, process and connection that was asked for."""
    done: list[str] = []
    sys.addaudithook(lambda event, about: done.append(f"{event} {about}") if _changes(event, about) else None)
    hashes = {method: hashlib.sha256(drawn(method).tobytes()).hexdigest() for method in METHODS}
    print(json.dumps({"hashes": hashes, "done": done}))


def _changes(event: str, about: tuple[object, ...]) -> bool:
    if event == "open":
        _, mode, flags = about
        writes = isinstance(mode, str) and bool(set("wax+") & set(mode))
        return writes or bool(int(str(flags)) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    if event == "os.mkdir":
        return not str(about[0]).startswith(os.devnull) and not Path(str(about[0])).exists()
    changing = ("os.rename", "os.fork", "os.posix_spawn", "os.system", "subprocess.Popen", "socket.connect")
    return event in changing or event.startswith(("shutil.", "tempfile.", "socket.getaddrinfo", "sqlite3."))


if __name__ == "__main__":
    main()
