"""What a person at a terminal sees while a run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from anonymizer.search.search import Report


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a run is followed: its events as lines in ``sink``, reading and search on a terminal."""

    sink: TextIO | None = None
    form: Literal["json", "text"] = "text"
    follows_search: bool = False

    @contextmanager
    def search(self) -> Iterator[Report | None]:
        """A line that is rewritten as the search goes on, and gone after it; ``None`` without a terminal."""
        if not self.follows_search or self.sink is None or not self.sink.isatty():
            yield None
            return
        with _line(self.sink) as report:
            yield report

    @contextmanager
    def reading(self) -> Iterator[Callable[[int, int], None]]:
        """A bar of the bytes read and how many there are, gone after it; nothing without a terminal."""
        if not self.follows_search or self.sink is None or not self.sink.isatty():
            yield lambda done, total: None
            return
        with _bar(self.sink) as report:
            yield report

    @contextmanager
    def training(self) -> Iterator[Callable[[int, int, float], None] | None]:
        """A line of the epochs done and the seconds left, gone after it; ``None`` without a terminal."""
        if not self.follows_search or self.sink is None or not self.sink.isatty():
            yield None
            return
        with _words(self.sink, "synthesise") as tell:

            def report(done: int, total: int, seconds_left: float) -> None:
                tell(f"synthesise  epoch {done:,} of {total:,}  about {seconds_left:,.0f} s left")

            yield report

    @contextmanager
    def words(self) -> Iterator[Callable[[str], None]]:
        """A line of any words that is rewritten, and gone after it; nothing without a terminal."""
        if not self.follows_search or self.sink is None or not self.sink.isatty():
            yield lambda words: None
            return
        with _words(self.sink, "") as tell:
            yield tell


NOWHERE = Screen()


@contextmanager
def _line(terminal: TextIO) -> Iterator[Report]:
    with _words(terminal, "search  starting (the first run compiles it, about half a minute)") as tell:

        def report(nodes: int, best: float | None, bound: float) -> None:
            told = "none" if best is None else f"{best:.6f}"
            tell(f"search  {nodes:,} transformations  best {told}  bound {bound:.6f}")

        yield report


@contextmanager
def _words(terminal: TextIO, first: str) -> Iterator[Callable[[str], None]]:
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=Console(file=terminal),
        transient=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        task = progress.add_task(first, total=None)
        yield lambda words: progress.update(task, description=words, refresh=True)


@contextmanager
def _bar(terminal: TextIO) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("read"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(file=terminal),
        transient=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        task = progress.add_task("read", total=None)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, refresh=True)

        yield report
