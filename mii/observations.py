"""Observations as columns: there are more of them than of anything else, so this is written for speed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mii import fhir
from mii.columns import EASE_ROWS, HEAD, MEASURED, Columns, Frames, Values
from mii.elements import LOINC, VOID

_NO_QUANTITY = fhir.Quantity()


class ObservationSink:
    """A `mii.columns.Sink` for Observations.

    One tells something where a code is among ``loincs``, which some column asks for; of the others the date
    is kept.
    """

    def __init__(self, loincs: frozenset[str]) -> None:
        self._loincs = loincs
        self._telling, self._dating = Columns({**HEAD, **MEASURED}), Columns(HEAD)
        self._waiting: list[fhir.Observation] = []
        self.add: Callable[[Any], None] = self._waiting.append

    def ease(self) -> None:
        """Takes the facts out of what waits, where that is enough to be worth it."""
        if len(self._waiting) >= EASE_ROWS:
            self._take_out()

    def frames(self) -> Frames:
        """All rows taken in since the last frames were given."""
        if self._waiting:
            self._take_out()
        return Frames(self._telling.frame(), self._dating.frame())

    def _take_out(self) -> None:
        asked, others = _parted(self._waiting, self._loincs)
        if asked:
            observations, codes = zip(*asked, strict=True)
            self._telling.extend([*_heads(observations), *_values(observations, codes)])
        if others:
            self._dating.extend(_heads(others))
        self._waiting.clear()


def _parted(
    observations: list[fhir.Observation], loincs: frozenset[str]
) -> tuple[list[tuple[fhir.Observation, str]], list[fhir.Observation]]:
    """Those with codes that are asked for, with these codes, and the others."""
    found, others = [], []
    for observation in observations:
        concept = observation.code
        asked = ""
        if concept is not None and concept.coding is not None:
            for coding in concept.coding:
                code = coding.code
                if code in loincs and coding.system == LOINC and code is not None:
                    asked = f"{asked} {code}" if asked else code
        if asked:
            found.append((observation, asked))
        else:
            others.append(observation)
    return found, others


def _heads(observations: Sequence[fhir.Observation]) -> list[Values]:
    moments = [observation.moment for observation in observations]
    ends: list[str | None] = [None] * len(observations)
    is_period = [False] * len(observations)
    if None in moments:
        _date_others(observations, moments, ends, is_period)
    return [
        [observation.id for observation in observations],
        [meta.updated if (meta := observation.meta) is not None else None for observation in observations],
        [who.reference if (who := observation.subject) is not None else None for observation in observations],
        moments,
        ends,
        is_period,
    ]


def _date_others(
    observations: Sequence[fhir.Observation],
    moments: list[str | None],
    ends: list[str | None],
    is_period: list[bool],
) -> None:
    """Dates those that have no effectiveDateTime, in place: by their instant or their period."""
    for place, observation in enumerate(observations):
        if moments[place] is not None:
            continue
        period = observation.period
        if observation.instant is not None or period is None:
            moments[place] = observation.instant
        else:
            moments[place], ends[place], is_period[place] = period.start, period.end, True


def _values(observations: Sequence[fhir.Observation], codes: Sequence[str]) -> list[Values]:
    """The columns `MEASURED`."""
    quantities = [observation.quantity or _NO_QUANTITY for observation in observations]
    return [
        [status if (status := observation.status) in VOID else None for observation in observations],
        [at.reference if (at := observation.encounter) is not None else None for observation in observations],
        codes,
        [quantity.value for quantity in quantities],
        [quantity.comparator for quantity in quantities],
        [quantity.code or quantity.unit for quantity in quantities],
        [_first_code(observation.concept) for observation in observations],
    ]


def _first_code(concept: fhir.CodeableConcept | None) -> str | None:
    return None if concept is None else next((coding.code for coding in concept.coding or ()), None)
