"""What the figures of a run say before and after anonymisation, and whether they pass the thresholds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from risk.comparison import TableKind
from risk.figures import NO_RECORDS, Figure, exact, named
from risk.reidentification.class_sizes import RISKS, ClassSizes, measures
from risk.reidentification.known_events import (
    WITHOUT_EVENTS,
    Knowledge,
    KnownEvents,
    at_least,
    with_events,
    without_events,
)
from risk.reidentification.population import with_population

Outcome = Literal["met", "exceeded", "not computed"]

FIGURES = frozenset(f"anonymised.{name}" for name in (*RISKS, "suppressed_share"))
"""The figures a threshold may limit. More is worse in all of them; ``original.*`` is not published."""

LINKED_FIGURES = frozenset(f"anonymised.{name}{WITHOUT_EVENTS}" for name in RISKS)
"""Further figures a threshold may limit in a release of several linked tables, and only there: those of the
attacker who knows the quasi-identifiers alone, beside ``FIGURES``, whose attacker then knows events too."""


ATTACKS = (
    *("singling_out", "rep_u", "copies_exact", "copies_near", "copied_extremes", "copied_rare"),
    *("linkage", "membership_tpr_1", "attribute_inference", "disco", "minimality", "dcr"),
)
"""The attacks by the name of their figure, in the order in which they are made."""

ONLY_SYNTHETIC = frozenset({"copies_near", "dcr"})
"""Attacks by distances in the release's words, where a generalised copy of a record is the record."""

ATTACK_FIGURES = frozenset(
    f"anonymised.{name}"
    for name in (*ATTACKS, "membership_tpr_1_isolated", "membership_auc")
    if name not in ONLY_SYNTHETIC
)
"""Further figures a threshold may limit, where attacks are made; a part of one has a name behind it
(``anonymised.attribute_inference.main_diagnosis``)."""

SYNTHETIC_FIGURES = frozenset(
    f"synthetic.{name}"
    for name in (*ATTACKS, "membership_tpr_1_isolated", "membership_auc", "cone_flagged")
    if name not in ("dcr", "minimality")
)
"""Figures of a synthetic table that a threshold may limit, where attacks are made; parts are named as above.

Its classes hold rows and no people, so that counts of them are nobody's risk; ``dcr`` is a diagnostic, and
nothing was generalised that ``minimality`` could undo.
"""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Every figure of a run by ``<table>.<figure>``, with the class sizes the charts are drawn from.

    ``known`` says what events of released people an attacker knows, where linked tables are released;
    ``table`` is what the figures of the release are called by; of one made elsewhere nobody knows how many
    rows were ``suppressed``.
    """

    figures: Mapping[str, Figure]
    before: ClassSizes
    after: ClassSizes
    suppressed: int | None
    rows_in: int
    known: KnownEvents | None = None
    table: TableKind = "anonymised"

    def as_dict(self) -> dict[str, dict[str, float | int | str | None]]:
        """Return the flat content of ``risk.json``."""
        return {name: asdict(figure) for name, figure in self.figures.items()}

    def to_json(self) -> str:
        """Return ``risk.json`` as text, one figure after the other in a fixed order."""
        return json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A threshold beside the figure it limits; ``observed`` is the upper end of the figure's interval."""

    figure: str
    limit: float
    observed: float | None
    outcome: Outcome


def assess(
    before: ClassSizes,
    after: ClassSizes,
    *,
    suppressed: int,
    rows_in: int,
    known: Knowledge | None = None,
    population: int | None = None,
    people: int | None = None,
) -> Assessment:
    """Return the risk of the original and of the anonymised table.

    ``before`` and ``after`` are the classes of the input and of the re-read release; ``suppressed`` counts
    the input's rows that the release does not show. With ``known`` events every risk is that of an attacker
    who knows some beside the quasi-identifiers, of the original only from below, and further figures
    (``WITHOUT_EVENTS``) are those of an attacker who knows none: a name means one attacker in both tables.
    Where the size of the ``population`` is known, the journalist's and the marketer's figures refer to it;
    with known events they do not, as nothing is known of the events of others. ``people`` are those in the
    data, somebody in several classes counted once; without it everybody counts in each class.

    Raises:
        ValueError: the population is smaller than the table; the rows of ``before``, ``suppressed`` and
            ``rows_in`` contradict one another; or the people whose events are known are not those of the
            tables.
    """
    if before.records != rows_in or not 0 <= suppressed <= rows_in:
        raise ValueError("rows_in must be the rows before, and suppressed a part of them")
    original, anonymised = measures(before), measures(after)
    if population is not None and known is None:
        # of people who are suppressed the classes are missing, not the sampling
        sampled = int(before.people.sum()) if people is None else people
        original |= with_population(before, population, people=sampled)
        anonymised |= with_population(after, population, people=sampled)
    if known is not None:
        if known.before.records != before.records:
            raise ValueError("the people whose events are known must be those of the input")
        original |= {**at_least(known.before), **without_events(before)}
        anonymised |= with_events(known.after, after)
    figures = {
        **named("original", original),
        **named("anonymised", anonymised | {"suppressed_share": _share(suppressed, rows_in)}),
    }
    return Assessment(figures, before, after, suppressed, rows_in, None if known is None else known.after)


def judge(figures: Mapping[str, Figure], thresholds: Mapping[str, float]) -> tuple[Judgement, ...]:
    """Return each threshold's outcome: exceeded where the figure's upper bound is strictly above the limit.

    A figure that has no upper bound, or does not exist, is ``not computed`` and must not pass a gate.
    """
    return tuple(_judge(name, limit, figures.get(name)) for name, limit in thresholds.items())


def _judge(name: str, limit: float, figure: Figure | None) -> Judgement:
    if figure is None or figure.high is None:
        return Judgement(name, limit, None, "not computed")
    return Judgement(name, limit, figure.high, "exceeded" if figure.high > limit else "met")


def _share(suppressed: int, rows_in: int) -> Figure:
    if not rows_in:
        return Figure(None, None, None, 0, NO_RECORDS)
    return exact(suppressed / rows_in, rows_in, "suppressed rows / rows in")
