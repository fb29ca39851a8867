"""The rows that an inspection is told in, on a page and on a terminal alike."""

from __future__ import annotations

from dataclasses import dataclass

_ROWS_OF_SHORT = 16


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row; a lone one is a remark on the whole width.

    ``shares`` (0…1, rising) are one bar at its end, the first one darkest.
    """

    cells: tuple[str, ...]
    shares: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under a label, which may be empty."""

    label: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A titled table. ``words`` is the number of columns, from the left, that hold words and no numbers."""

    identifier: str
    title: str
    note: str
    heads: tuple[str, ...]
    groups: tuple[Group, ...]
    words: int = 1
    has_bars: bool = False
    bar_note: str = ""

    @property
    def is_short(self) -> bool:
        """Whether it should stay on one page of paper."""
        return sum(len(group.rows) + 1 for group in self.groups) <= _ROWS_OF_SHORT
