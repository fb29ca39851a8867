"""What a person at a terminal sees while a run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from anonymizer.search.search import Report


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a run is followed: its events as lines in ``sink``, and the search where that is a terminal."""

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


NOWHERE = Screen()


@contextmanager
def _line(terminal: TextIO) -> Iterator[Report]:
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
        task = progress.add_task("search  starting (the first run compiles it, about a minute)", total=None)

        def report(nodes: int, best: float | None, bound: float) -> None:
            told = "none" if best is None else f"{best:.6f}"
            words = f"search  {nodes:,} transformations  best {told}  bound {bound:.6f}"
            progress.update(task, description=words, refresh=True)

        yield report
