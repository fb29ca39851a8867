"""Random hierarchies of every kind, each beside its definition."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache, partial
from itertools import product
from pathlib import Path

from hypothesis import strategies as st

from anonymizer.hierarchies.dates import UNITS, dates
from anonymizer.hierarchies.hierarchy import Prefix, bands, prefix, suppression
from anonymizer.hierarchies.hierarchy_file import FromFile, from_file
from tests.properties.definitions import Domain

Label = Callable[[str], str]


def _itself(value: str) -> str:
    return value


def suppressions() -> st.SearchStrategy[Domain]:
    """Kept or suppressed: two leaves, whatever the values are."""
    return st.just(Domain(suppression(), ("a", "b", "c", "d"), ("a", "b"), (_itself,)))


@st.composite
def banded(draw: st.DrawFn) -> Domain:
    """Integers in nested bands with top coding, below zero too."""
    bottom = draw(st.integers(-7, 3))
    top = draw(st.integers(bottom + 1, bottom + 25))
    widths = draw(st.sampled_from([(), (2,), (5,), (3, 6), (5, 10, 20), (2, 4, 12)]))
    leaves = tuple(str(number) for number in range(bottom, top + 1))
    values = (*leaves, str(top + 1), str(top + 9))
    labels = tuple(partial(_band, width, bottom, top) for width in (1, *widths))
    return Domain(bands(widths, top=top, bottom=bottom), values, leaves, labels)


def _band(width: int, bottom: int, top: int, value: str) -> str:
    """The first and last integer of the domain that lie in the same band of ``width``."""
    if int(value) >= top:
        return f"[{top}, *)"
    fellows = [number for number in range(bottom, top) if number // width == int(value) // width]
    return value if width == 1 else f"[{fellows[0]}, {fellows[-1]}]"


@st.composite
def prefixes(draw: st.DrawFn) -> Domain:
    """Codes by their first characters; shorter codes are leaves of their own."""
    length = draw(st.integers(1, 3))
    kept = _falling(draw, length)
    leaves = tuple("".join(digits) for digits in product("0123456789", repeat=length))
    short = tuple(leaf[:n] for leaf in leaves[:30] for n in range(1, length))
    labels = tuple(partial(_first, n) for n in (length, *kept))
    return Domain(prefix(kept, length=length), tuple(sorted({*leaves[:12], *short})), leaves, labels)


@st.composite
def positional(draw: st.DrawFn) -> Domain:
    """Codes such as `B.21`: positions with alphabets of different sizes and a separator."""
    letters, digits = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    alphabet = ("ABCD"[:letters], ".", "1234"[:digits], "12")
    leaves = tuple("".join(symbols) for symbols in product(*alphabet))
    kept = _falling(draw, 4)
    names = ("code", *(f"{n} characters" for n in kept))
    hierarchy = Prefix(kept, tuple(map(len, alphabet)), r"[A-D](\.([1-4][12]?)?)?", names)
    short = tuple({leaf[:n] for leaf in leaves for n in (1, 3)})
    labels = tuple(partial(_first, n) for n in (4, *kept))
    return Domain(hierarchy, tuple(sorted({*leaves, *short})), leaves, labels)


def _falling(draw: st.DrawFn, length: int) -> tuple[int, ...]:
    lengths = st.sets(st.integers(1, length - 1)) if length > 1 else st.just(set())
    return tuple(sorted(draw(lengths), reverse=True))


def _first(characters: int, value: str) -> str:
    return value[:characters]


@st.composite
def dated(draw: st.DrawFn) -> Domain:
    """Days, with partial dates among the values; the domain may start and end in the middle of anything."""
    first = draw(st.dates(date(1958, 1, 1), date(1962, 12, 31)))
    last = first + timedelta(days=draw(st.sampled_from([0, 3, 40, 200, 800])))
    units = tuple(sorted(draw(st.sets(st.sampled_from(UNITS))), key=UNITS.index))
    days = tuple((first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1))
    some = days[:: max(1, len(days) // 9)]
    values = tuple(sorted({*some, *(day[:7] for day in some), *(day[:4] for day in some)}))
    levels = ("day", *(unit for unit in units if unit != "day"))
    return Domain(
        dates(units, first=first, last=last), values, days, tuple(cache(partial(_period, u)) for u in levels)
    )


def _period(unit: str, value: str) -> str:
    """A date's period by its digits; a date too coarse for the unit stays what it is."""
    year, month = int(value[:4]), int(value[5:7] or 0)
    match unit:
        case "month" if month:
            return value[:7]
        case "quarter" if month:
            return f"{year}-Q{(month + 2) // 3}"
        case "year":
            return value[:4]
        case "5-years":
            return f"[{year - year % 5}, {year - year % 5 + 4}]"
        case "decade":
            return f"[{year - year % 10}, {year - year % 10 + 9}]"
    return value


@st.composite
def filed(draw: st.DrawFn) -> Domain:
    """A random tree in ARX's layout, with its top written or left out; an only child may keep its name."""
    leaves = tuple(f"leaf {n}" for n in range(draw(st.integers(1, 7))))
    paths: dict[str, tuple[str, ...]] = {leaf: (leaf,) for leaf in leaves}
    for level in range(1, draw(st.integers(1, 4))):
        below = sorted({path[-1] for path in paths.values()})
        groups = {label: draw(st.integers(0, len(below) - 1)) for label in below}
        alone = {group for group in groups.values() if list(groups.values()).count(group) == 1}
        names = {x: x if g in alone and g % 2 else f"group {level}.{g}" for x, g in groups.items()}
        paths = {leaf: (*path, names[path[-1]]) for leaf, path in paths.items()}
    top = ("*",) if draw(st.booleans()) else ()
    height = len(paths[leaves[0]])
    if height == 1 and len(leaves) > 1:
        top = ("*",)
    hierarchy = _written([(*path, *top) for path in paths.values()])
    return Domain(hierarchy, leaves, leaves, tuple(partial(_step, paths, level) for level in range(height)))


def _written(rows: list[tuple[str, ...]]) -> FromFile:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tree.csv"
        file.write_text("\n".join(";".join(row) for row in rows) + "\n", "utf-8")
        return from_file(file)


def _step(paths: dict[str, tuple[str, ...]], level: int, value: str) -> str:
    return paths[value][level]


def short_codes() -> Domain:
    """Codes of up to two letters, for a sensitive column."""
    values = ("xa", "xb", "ya", "z")
    return Domain(prefix([1], length=2), values, values, (partial(_first, 2), partial(_first, 1)))


def few_numbers() -> Domain:
    """Whole numbers, for a sensitive column; the last two are one leaf, and text sorts them otherwise."""
    labels = tuple(partial(_band, width, -5, 20) for width in (1, 5, 10))
    leaves = tuple(str(number) for number in range(-5, 21))
    return Domain(bands([5, 10], top=20, bottom=-5), ("-3", "2", "9", "10", "31", "40"), leaves, labels)


def domains() -> st.SearchStrategy[Domain]:
    """A hierarchy of any kind."""
    return st.one_of(suppressions(), banded(), prefixes(), positional(), dated(), filed())
