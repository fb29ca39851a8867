"""``anon compare``: what several releases cost and what they leave, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from anonymizer.errors import BadInput, InputMissing
from release.inspecting import refuse_existing, write_page
from risk import Figure
from risk.facts import Language
from risk.reports.risk_utility import risk_utility_json, risk_utility_page, risk_utility_text
from risk.results import Point

_MOST_BYTES = 64 << 20
_FILES = ("risk.json", "utility.json")


def compare(releases: Sequence[Path]) -> tuple[Point, ...]:
    """The figures of releases made before, from the ``internal/`` folder beside each ``release/``.

    Raises:
        InputMissing: there is no such folder, or it has no figures.
        BadInput: its files hold something else.
    """
    return tuple(Point({"release": _folder(path).name}, _figures(_folder(path))) for path in releases)


def told(points: Sequence[Point], page: Path | None, *, as_json: bool, language: Language) -> str:
    """The points in words or as JSON; an HTML page of them is written to ``page`` as well.

    Raises:
        OutputExists: there is such a page.
        OutputFailed: it cannot be written.
    """
    if page is not None:
        refuse_existing(page)
        write_page(page, risk_utility_page(points, language))
    return risk_utility_json(points) if as_json else risk_utility_text(points)


def _folder(path: Path) -> Path:
    folder = path.resolve()
    return folder.parent if folder.name in ("release", "internal") else folder


def _figures(folder: Path) -> Mapping[str, Figure]:
    read = [_read(folder / "internal" / name) for name in _FILES]
    if read[0] is None:
        raise InputMissing(
            "there is no internal/risk.json beside a release",
            hint="the figures stay in the house: compare where the releases were made",
        )
    return {name: as_figure(told) for part in read if part is not None for name, told in part.items()}


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadInput("a file of figures is larger than any that a run writes")
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError:
        raise InputMissing("a file of figures cannot be read") from None
    except ValueError:
        raise BadInput("a file of figures is not JSON") from None
    if not isinstance(content, Mapping):
        raise BadInput("a file of figures is not what a run writes")
    return content


def as_figure(told: object) -> Figure:
    """The figure that an entry of ``risk.json`` tells. Raises ``BadInput`` where it is none."""
    match told:
        case {"value": value, "low": low, "high": high, "n": int(n), "method": str(method)} if all(
            each is None or _is_number(each) for each in (value, low, high)
        ):
            return Figure(value, low, high, n, method)
    raise BadInput("a file of figures is not what a run writes")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
