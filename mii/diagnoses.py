"""The main diagnosis of an Einrichtungskontakt: the one its Encounter names, never one guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import polars as pl

from mii.code_shapes import fits
from mii.persons import Columns, valid_date
from mii.records import Stay, Use
from mii.tokens import ICD_10_GM, ONSET


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """A Condition that may be a main diagnosis: a code that may stand alone, onset and recorded date."""

    code: str
    onset: str | None
    recorded: str | None


def main_diagnoses(stays: Mapping[str, Stay], conditions: pl.DataFrame, counts: Counter[str]) -> Columns:
    """main_diagnosis (an ICD-10-GM code), main_diagnosis_onset and main_diagnosis_recorded by Encounter.

    Of ``Encounter.diagnosis`` those with use DD are asked first, then CC, then CM, each by rank. The first
    whose Condition holds ICD-10-GM codes decides; a code that may not stand alone (``*``, ``!``) is no
    main diagnosis. Where two codes have the same claim, none is chosen; nor is one of two dates. Missing
    ones are counted.
    """
    named = pl.DataFrame({"id": [use.condition for stay in stays.values() for use in stay.uses]})
    told = conditions.join(named.cast({"id": pl.String}), on="id", how="semi")
    columns = ("id", "patient", "void", "codes", "start")
    by_id = {identity: rest for identity, *rest in told.select(columns).iter_rows()}
    values: dict[str, dict[str, Any]] = {name: {} for name in _NAMES}
    for identity, stay in stays.items():
        for name, value in zip(_NAMES, _main(stay, by_id, counts), strict=True):
            values[name][identity] = value
    return values


_NAMES = ("main_diagnosis", "main_diagnosis_onset", "main_diagnosis_recorded")
_NOTHING = (None, None, None)


def _main(
    stay: Stay, conditions: Mapping[str, list[str | None]], counts: Counter[str]
) -> tuple[str | None, str | None, str | None]:
    uses = sorted(stay.uses, key=_claim)
    for _, equal in groupby(uses, key=_claim):
        found = [one for use in equal for one in _diagnosed(use, stay.patient, conditions, counts)]
        codes = {one.code for one in found}
        if len(codes) == 1:
            onset = _day((one.onset for one in found), "main_diagnosis_onset", counts)
            return codes.pop(), onset, _day((o.recorded for o in found), "main_diagnosis_recorded", counts)
        if codes:
            counts["main_diagnosis_ambiguous"] += 1
            return _NOTHING
    counts["main_diagnosis_missing"] += 1
    return _NOTHING


def _claim(use: Use) -> tuple[int, int]:
    return use.order, use.rank


def _day(days: Iterable[str | None], name: str, counts: Counter[str]) -> str | None:
    distinct = {day for day in days if day is not None}
    if len(distinct) > 1:
        counts[f"{name}_ambiguous"] += 1
        return None
    return valid_date(next(iter(distinct), None), f"{name}_invalid", counts)


def _diagnosed(
    use: Use, patient: str, conditions: Mapping[str, list[str | None]], counts: Counter[str]
) -> list[Diagnosed]:
    """What the Condition that ``use`` names tells of codes which may stand alone."""
    owner, void, codes, recorded = conditions.get(use.condition, (None,) * 4)
    if owner != patient:
        counts["main_diagnosis_reference_leads_nowhere"] += 1
        return []
    if void is not None or codes is None:
        return []
    tokens = codes.split()
    onset = next((text.removeprefix(f"{ONSET}:") for text in tokens if text.startswith(f"{ONSET}:")), None)
    alone = [code for code in tokens if ":" not in code and not code.endswith("!")]
    valid = [code for code in alone if fits(ICD_10_GM, code)]
    counts["main_diagnosis_malformed"] += len(alone) - len(valid)
    return [Diagnosed(code, onset, recorded) for code in valid]
