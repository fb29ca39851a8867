"""The search as the config asks for it."""

from __future__ import annotations

from anonymizer.counting.counts import Counts
from anonymizer.criteria import plainest
from anonymizer.errors import CriteriaNotMet
from anonymizer.search.search import Effort, search
from anonymizer.search.solution import Solution
from release.config import Config
from release.progress import Report


def solve(config: Config, counts: Counts, report: Report | None = None) -> Solution:
    """The transformation that the search finds within the config's limits; ``report`` is told how it goes on.

    Raises:
        CriteriaNotMet: no transformation meets the criteria, or the best one is to be proven and is not.
        ComponentMissing: the search cannot do what is asked.
    """
    asked = config.search
    solution = search(
        counts,
        [plainest(criterion) for criterion in config.criteria],
        config.privacy.suppression_share,
        metric=config.metric,
        effort=Effort(asked.max_nodes, asked.time_limit_s, anytime=asked.strategy == "anytime"),
        progress=report,
    )
    if asked.require_optimal and not solution.optimal:
        raise CriteriaNotMet(
            "the best transformation found is not proven to be the best one",
            hint="raise search.max_nodes or search.time_limit_s, or leave search.require_optimal out",
        )
    return solution
