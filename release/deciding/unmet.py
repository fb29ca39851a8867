"""Which criteria stand in the way where no transformation meets them all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion, plainest
from anonymizer.errors import CriteriaNotMet
from anonymizer.transforming.transformation import suppressed_tuples
from release.config.root import Config


@contextmanager
def explained(config: Config, counts: Counts) -> Iterator[None]:
    """A search whose ``CriteriaNotMet`` also names the criteria that fail whatever else is asked."""
    try:
        yield
    except CriteriaNotMet as error:
        names = unmet_at_the_top(config, counts)
        if not names:
            raise
        told = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
        raise CriteriaNotMet(
            f"{error.rule}: {told} cannot be kept, even at the highest levels allowed",
            hint="ask for less of it, raise max_level or allow more suppression",
        ) from None


def unmet_at_the_top(config: Config, counts: Counts) -> list[str]:
    """The criteria that do not hold within the suppression limit at the highest levels, each by itself.

    Lower levels may still meet one that suppression makes not monotone: none of them did, but this is not
    said here.
    """
    top = tuple(ladder.highest for ladder in counts.ladders)
    most = config.privacy.suppression_share * counts.n_rows
    unmet = []
    for criterion in config.criteria:
        suppressed = suppressed_tuples(counts, [plainest(criterion)], top)
        if suppressed.all() or int(counts.rows[suppressed].sum()) > most:
            unmet.append(_named(criterion))
    return unmet


def _named(criterion: Criterion) -> str:
    column = getattr(criterion, "column", None)
    return criterion.name if column is None else f"{criterion.name} of {column!r}"
