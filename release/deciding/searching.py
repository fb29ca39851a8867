"""The search as the config asks for it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from anonymizer.counting.counts import Counts
from anonymizer.errors import CriteriaNotMet
from anonymizer.search.search import Effort, Report, search
from anonymizer.search.solution import Solution
from release.config.root import Config
from release.deciding.unmet import explained


def solve(config: Config, counts: Counts, report: Report | None = None) -> Solution:
    """The transformation that the search finds within the config's limits; ``report`` is told how it goes on.

    Raises:
        CriteriaNotMet: no transformation meets the criteria, or the best one is to be proven and is not.
        ComponentMissing: the search cannot do what is asked.
    """
    asked, is_anytime = config.search, config.search.strategy == "anytime"
    searched = partial(
        search,
        counts,
        config.criteria_of_classes,
        config.privacy.suppression_share,
        metric=config.metric,
    )
    if asked.time_limit_s is not None:
        # a first run compiles the kernels for half a minute, which is no time to search
        with suppress(CriteriaNotMet):
            searched(effort=Effort(max_nodes=1, anytime=is_anytime))
    effort = Effort(asked.max_nodes, asked.time_limit_s, anytime=is_anytime)
    with explained(config, counts):
        solution = searched(effort=effort, progress=report)
    if asked.require_optimal and not solution.optimal:
        raise CriteriaNotMet(
            "the best transformation found is not proven to be the best one",
            hint="raise search.max_nodes or search.time_limit_s, or leave search.require_optimal out",
        )
    return solution
