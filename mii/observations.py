"""The Observations of an export as columns: by far the most resources, and the same few facts of each.

Rows gather in Python and go into compact columns every ``FLUSH_ROWS``; what can be done for a whole
column is done there: reducing references, cutting dates, finding duplicates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from anonymizer.errors import BadInput
from mii import fhir
from mii.elements import LOINC, VOID
from mii.references import local_id

FLUSH_ROWS = 1 << 11

_BASE = {
    "id": pl.String,
    "updated": pl.String,
    "subject": pl.String,
    "start": pl.String,
    "end": pl.String,
    "is_period": pl.Boolean,
}
_VALUES = {
    "place": pl.UInt32,
    "encounter": pl.String,
    "codes": pl.String,
    "status": pl.String,
    "moment": pl.String,
    "value": pl.Float64,
    "comparator": pl.String,
    "unit": pl.String,
    "concept": pl.String,
}


@dataclass(frozen=True, slots=True)
class Observations:
    """One row per Observation in ``dated``: place, patient, start, end, is_period; in ``values`` one per
    Observation that a column asks for: place, patient, id, encounter, codes (with blanks between), moment,
    value, comparator, unit, concept. ``void`` counts those whose status says that they tell of nothing.
    """

    dated: pl.DataFrame
    values: pl.DataFrame
    void: int

    def only(self, places: pl.DataFrame) -> Observations:
        """Those whose ``place`` is in ``places``."""
        return Observations(
            self.dated.join(places, on="place", how="semi"),
            self.values.join(places, on="place", how="semi"),
            self.void,
        )


class ObservationSink:
    """Takes in Observations; ``loincs`` are the codes that some column asks for."""

    def __init__(self, loincs: frozenset[str]) -> None:
        self._loincs = loincs
        self._base: list[tuple[Any, ...]] = []
        self._values: list[tuple[Any, ...]] = []
        self._flushed: list[tuple[pl.DataFrame, pl.DataFrame]] = []
        self.read = self.unique = self.conflicts = 0

    def add(self, identity: str | None, observation: fhir.Observation) -> None:
        """Takes in one Observation."""
        meta, subject, moment = observation.meta, observation.subject, observation.moment
        updated = meta.updated if meta is not None else None
        reference = subject.reference if subject is not None else None
        if moment is not None:
            self._base.append((identity, updated, reference, moment, None, False))
        else:
            self._base.append((identity, updated, reference, *_without_moment(observation)))
        concept = observation.code
        if concept is not None and concept.coding is not None:
            for coding in concept.coding:
                if coding.code in self._loincs and coding.system == LOINC:
                    self._values.append((self.read, *self._value(observation, concept.coding)))
                    break
        self.read += 1
        if len(self._base) >= FLUSH_ROWS:
            self._flush()

    def finish(self, urns: Mapping[str, str]) -> Observations:
        """The Observations, each id once. Raises ``BadInput`` where one has no id."""
        self._flush()
        base = pl.concat([base for base, _ in self._flushed]).with_row_index("place")
        values = pl.concat([values for _, values in self._flushed])
        if base["id"].null_count():
            raise BadInput("Observation: a resource has no id", count=base["id"].null_count())
        base = self._deduplicated(base, values)
        self.unique = base.height
        void = pl.col("status").is_in(sorted(VOID))
        values = values.join(base.select("place"), on="place", how="semi")
        dated = _with_patients(base, urns)
        told = values.filter(void.not_() | pl.col("status").is_null())
        keys = dated.select("place", "patient", "id")
        return Observations(
            dated.drop("id", "updated"), told.join(keys, on="place"), values.height - told.height
        )

    def _value(self, observation: fhir.Observation, codings: Sequence[fhir.Coding]) -> tuple[Any, ...]:
        quantity, concept, encounter = observation.quantity, observation.concept, observation.encounter
        number = (
            (quantity.value, quantity.comparator, quantity.code or quantity.unit)
            if quantity is not None
            else (None, None, None)
        )
        codes = " ".join(c.code for c in codings if c.code in self._loincs and c.system == LOINC)  # type: ignore[misc]
        told = concept.coding if concept is not None else None
        return (
            encounter.reference if encounter is not None else None,
            codes,
            observation.status,
            observation.moment or _without_moment(observation)[0],
            *number,
            next((coding.code for coding in told or ()), None),
        )

    def _flush(self) -> None:
        self._flushed.append((_frame(self._base, _BASE), _frame(self._values, _VALUES)))
        self._base, self._values = [], []

    def _deduplicated(self, base: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
        """The rows with each id once, in order; of different contents the one updated last.

        Without ``meta.lastUpdated`` the choice depends on the content alone, never on the order of files.
        """
        repeated = base.filter(pl.col("id").is_duplicated())
        if not repeated.height:
            return base
        full = repeated.join(values, on="place", how="left")
        content = [name for name in full.columns if name not in ("place", "updated")]
        different = full.unique(content).group_by("id").len().filter(pl.col("len") > 1)
        self.conflicts = different.height
        order = ["updated", *(name for name in content if name != "id"), "place"]
        chosen = full.sort(order, nulls_last=False).unique("id", keep="last", maintain_order=True)
        dropped = repeated.join(chosen, on="place", how="anti").select("place")
        return base.join(dropped, on="place", how="anti", maintain_order="left")


def _without_moment(observation: fhir.Observation) -> tuple[str | None, str | None, bool]:
    if observation.instant is not None:
        return observation.instant, None, False
    period = observation.period
    return (None, None, False) if period is None else (period.start, period.end, True)


def _frame(rows: list[tuple[Any, ...]], schema: Mapping[str, Any]) -> pl.DataFrame:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    made = zip(schema.items(), columns, strict=True)
    return pl.DataFrame([pl.Series(name, column, dtype=dtype) for (name, dtype), column in made])


def _with_patients(base: pl.DataFrame, urns: Mapping[str, str]) -> pl.DataFrame:
    days = [_day(name) for name in ("start", "end")]
    patients = mapped(base["subject"], lambda reference: _named(reference, urns))
    return base.select("place", "id", "updated", patients.alias("patient"), *days, "is_period")


def _named(reference: str, urns: Mapping[str, str]) -> str:
    name = local_id(reference, "Patient")
    return urns.get(name, name)


def mapped(column: pl.Series, change: Callable[[str], str | None]) -> pl.Series:
    """``column`` with ``change`` applied to each distinct text once; missing stays missing."""
    texts = column.drop_nulls().unique()
    changed = pl.Series([change(text) for text in texts], dtype=pl.String)
    return column.replace_strict(texts, changed, default=None, return_dtype=pl.String)


def _day(name: str) -> pl.Expr:
    column = pl.col(name)
    return pl.when(column.str.slice(10, 1) == "T").then(column.str.slice(0, 10)).otherwise(column).alias(name)
