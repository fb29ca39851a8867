"""The config's `search` section: how the transformation is chosen."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from release.config.keys import Finding, Findings, Positive, Strict
from release.config.metric import Metric

_OF_THE_LATTICE = ("metric", "strategy", "max_nodes", "time_limit_s", "require_optimal")


class Search(Strict):
    """How the transformation is chosen."""

    metric: Metric = Field(default="loss", description="what the search keeps as small as it can")
    recoding: Literal["global", "local", "multidimensional", "cell-suppression"] = Field(
        default="global",
        description="global: one level for a whole column; local: the optimum recoded class by class, so "
        "that hardly a row is suppressed and every class keeps what it can; multidimensional: top down from "
        "the highest levels (Mondrian); cell-suppression: single cells of suppressed rows are starred",
    )
    strategy: Literal["optimal", "anytime"] = Field(
        default="optimal",
        description="optimal: the proven optimum of a lattice that fits into memory; anytime: the best found "
        "within a limit, in a lattice of any size",
    )
    max_nodes: Positive | None = Field(
        default=None, description="the most transformations to evaluate; the same limit gives the same answer"
    )
    time_limit_s: float | None = Field(
        default=None, gt=0, description="the most seconds to search; the answer depends on the machine"
    )
    require_optimal: bool = Field(
        default=False, description="refuse (exit code 10) an answer that a limit left unproven"
    )

    def broken_rules(self) -> Findings:
        if self.recoding == "multidimensional":
            for key in self.given(*_OF_THE_LATTICE):
                yield Finding(
                    (key,), "has no effect with recoding: multidimensional, which searches no lattice"
                )
        is_limited = self.max_nodes is not None or self.time_limit_s is not None
        if self.strategy == "anytime" and not is_limited:
            yield Finding(("strategy",), "anytime needs a limit: max_nodes, time_limit_s or both")
        if not is_limited and self.given("require_optimal"):
            yield Finding(("require_optimal",), "has no effect without max_nodes or time_limit_s")
