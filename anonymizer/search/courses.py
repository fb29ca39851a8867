"""Searches under way, as whoever runs them sees them: of all nodes of a lattice, or of boxes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anonymizer.search import lattice
from anonymizer.search.anytime import anytime
from anonymizer.search.anytime.anytime import Anytime
from anonymizer.search.anytime.boxes import level_of
from anonymizer.search.anytime.exploration import Tickets, explore
from anonymizer.search.anytime.opening import open_tickets
from anonymizer.search.compiled_explorer import Compiled
from anonymizer.search.general_explorer import General
from anonymizer.search.lattice import ALIVE, Lattice
from anonymizer.search.opening import unpacked

Explorer = Compiled | General


class Course(Protocol):
    """A search under way. ``registers``, ``best`` and ``trace`` are as in ``lattice.Lattice``."""

    @property
    def state(self) -> Lattice | Anytime:
        """What ``registers``, ``best`` and ``trace`` stand in."""
        ...

    def explore(self, most_steps: int) -> bool:
        """Evaluate up to so many nodes; whether there are none left that can be the optimum."""
        ...

    def is_proven(self) -> bool:
        """Whether there are none left that can be the optimum."""
        ...

    def bound(self) -> float:
        """What no total falls below."""
        ...

    def best_levels(self) -> tuple[int, ...]:
        """The levels, above the lowest, of the best node found."""
        ...


@dataclass(frozen=True, slots=True)
class OverNodes:
    """A search that holds every node that may be the optimum."""

    state: Lattice
    explorer: Explorer

    def explore(self, most_steps: int) -> bool:
        return self.explorer.explore(self.state, most_steps)

    def is_proven(self) -> bool:
        return bool(self.state.registers[ALIVE] == 0)

    def bound(self) -> float:
        return float(lattice.least_bound(self.state))

    def best_levels(self) -> tuple[int, ...]:
        return unpacked(self.state, self.state.best_node[0])


@dataclass(frozen=True, slots=True)
class OverBoxes:
    """A search that holds the boxes of nodes in which the optimum may be; compiled, it needs ``tickets``."""

    state: Anytime
    explorer: Explorer
    tickets: Tickets | None

    @classmethod
    def of(cls, state: Anytime, explorer: Explorer) -> OverBoxes:
        """The search by an explorer that has evaluated nothing yet."""
        if isinstance(explorer, Compiled):
            return cls(state, explorer, open_tickets(state, explorer.problem.arena))
        return cls(state, explorer, None)

    def explore(self, most_steps: int) -> bool:
        if isinstance(self.explorer, Compiled):
            return bool(explore(self.state, self.explorer.problem, self.tickets, most_steps))
        for _ in range(most_steps):
            said = anytime.advance(self.state)
            if said == anytime.DONE:
                return True
            if said == anytime.EVALUATE:
                self._evaluate(self.explorer)
        return False

    def _evaluate(self, explorer: General) -> None:
        found = explorer.assess(self._levels(self.state.node), self.state.terrain.terms)
        lesson = (found.terms, found.penalty, found.floor)
        anytime.learn(self.state, (found.total, found.suppressed, found.kept), found.ruled_out, lesson)

    def is_proven(self) -> bool:
        return bool(anytime.is_proven(self.state))

    def bound(self) -> float:
        return float(anytime.least_bound(self.state))

    def best_levels(self) -> tuple[int, ...]:
        return self._levels(self.state.best_node)

    def _levels(self, node: NDArray[np.uint64]) -> tuple[int, ...]:
        return tuple(int(level_of(node, j)) for j in range(len(self.state.terrain.heights)))
