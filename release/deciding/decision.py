"""What is to be done with a table: all that is decided before the first byte of a release is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from anonymizer.counting.counts import Counts, count
from anonymizer.private.sample import PrivateSample
from anonymizer.search.search import Report
from anonymizer.transforming.linking import Histories
from anonymizer.transforming.timing import Timing
from release.config.root import Config
from release.deciding.linking import beside, histories_of
from release.deciding.private_release import draw_people, fixed
from release.deciding.recodings import Found, find
from release.deciding.searching import solve
from release.deciding.timing import retold, timing_of
from release.intake.source import Source


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a ``source``, which holds the sample alone where the release is ``private``.

    ``dated`` is the same with its dates as ``timing`` tells them, ``dates_changed`` what happened to them;
    ``histories`` are the events of further tables, ``found`` the levels and who is suppressed.
    """

    source: Source
    private: PrivateSample | None
    timing: Timing
    dated: Source
    dates_changed: Mapping[str, Mapping[str, int]]
    histories: Histories
    counts: Counts
    found: Found


def decide(config: Config, source: Source, report: Report | None) -> Decision:
    """What the config and the search decide; ``report`` is told how the search goes on.

    Raises:
        BadInput: values outside a hierarchy.
        CriteriaNotMet: no transformation keeps what is asked for.
    """
    source, private = draw_people(config, source)
    timing = timing_of(config)
    dated, dates_changed = retold(source, timing)
    histories = histories_of(config, dated)
    # Values are counted as they are: what a date becomes says nothing about how diverse it is.
    counts = count(beside(source.table, histories), config.criteria, also=config.predicted)
    found = _found(config, counts, private, report)
    return Decision(source, private, timing, dated, dates_changed, histories, counts, found)


def _found(config: Config, counts: Counts, private: PrivateSample | None, report: Report | None) -> Found:
    """What is released: what the search finds, or the levels that a private release was given."""
    if private is not None:
        return Found(fixed(private, counts, config.criteria))
    return find(config, counts, partial(solve, config, counts, report))
