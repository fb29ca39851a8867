"""``anon sweep``: one config with other values of some keys, run up to the rename and compared."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

from anonymizer.errors import AnonError, Interrupted, UsageError
from release.check import fit
from release.comparing import as_figure
from release.config.document import Document, parse_document, read_document
from release.config.keys import Setting
from release.config.root import Config, parse
from release.gate import exceeded
from release.progress import NOWHERE, Screen
from release.run import staged
from risk.results import Point

MOST_RUNS = 100
_NAME = "sweep"
_NO_LIMIT = sys.float_info.max

Key = tuple[str | int, ...]


def sweep(path: Path, varied: Sequence[str], screen: Screen = NOWHERE) -> tuple[Point, ...]:
    """What each combination of the ``varied`` keys' values leads to; nothing is ever published.

    Each of ``varied`` is a key of the config and its values, ``privacy.k_anonymity=2,5,10``. A combination
    that cannot be released says why. A threshold ends no run here; whether it is kept is told.

    Raises:
        UsageError: a key without values, or too many combinations.
        AnonError: the file cannot be read as a config; or what keeps every combination from being released.
    """
    document = read_document(path)
    asked = dict(map(_asked, varied))
    combinations = list(product(*asked.values()))
    if not asked or len(combinations) > MOST_RUNS:
        count = len(combinations) if asked else 0
        raise UsageError(f"these are {count:,} runs: 1 to {MOST_RUNS} are possible")
    points: list[Point] = []
    refused: list[AnonError] = []
    for values in combinations:
        changes = dict(zip(asked, values, strict=True))
        settings = {".".join(map(str, key)): _written(value) for key, value in changes.items()}
        try:
            points.append(_point(path, document, changes, settings, screen))
        except Interrupted:
            raise
        except AnonError as error:
            refused.append(error)
            points.append(Point(settings, {}, (), f"{error} (exit {error.exit_code})"))
    if len(refused) == len(points):
        raise refused[0]
    return tuple(points)


def _asked(varied: str) -> tuple[Key, tuple[object, ...]]:
    name, _, values = varied.partition("=")
    key = tuple(int(step) if step.isdigit() else step for step in name.split("."))
    if not values.strip() or not all(str(step) for step in key):
        raise UsageError("--vary takes a key and its values, such as privacy.k_anonymity=2,5,10")
    read = parse_document(f"values: [{values}]").data["values"]
    return key, read if isinstance(read, tuple) else (read,)


def _point(
    path: Path,
    document: Document,
    changes: Mapping[Key, object],
    settings: Mapping[str, str],
    screen: Screen,
) -> Point:
    data: Any = document.data
    for key, value in changes.items():
        data = changed(data, key, value)
    risk = data.get("risk")
    limits = risk.get("thresholds") or {} if isinstance(risk, Mapping) else {}
    parsed(path, data, document)  # what is wrong with the thresholds is told as well
    spared = changed(data, ("risk", "thresholds"), dict.fromkeys(limits, _NO_LIMIT)) if limits else data
    config = fit(parsed(path, changed(spared, ("name",), _NAME), document), path)
    with staged(config, "", screen) as done:
        figures = done.outcome.figures
    return Point(
        settings,
        {name: as_figure(each) for name, each in figures.items()},
        tuple(exceeded(limits, figures)),
    )


def parsed(path: Path, data: Mapping[str, object], document: Document) -> Config:
    """The config in ``path`` with other ``data``; raises as `release.config.root.load`."""
    setting = Setting(path.absolute().parent, date.today(), document.lines)
    return parse(data, setting, found=document.problems)


def changed(data: Any, key: Key, value: object) -> Any:
    """``data`` with another value at ``key``; what is missing on the way is added."""
    if not key:
        return value
    step, rest = key[0], key[1:]
    if isinstance(data, tuple) and isinstance(step, int) and step < len(data):
        return (*data[:step], changed(data[step], rest, value), *data[step + 1 :])
    inside = data if isinstance(data, Mapping) else {}
    return {**inside, step: changed(inside.get(step), rest, value)}


def _written(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_written(each)}" for name, each in value.items())
    return ", ".join(map(_written, value)) if isinstance(value, tuple) else str(value)
