"""The main diagnosis of an Einrichtungskontakt: the one its Encounter names, never one guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import groupby

import polars as pl

from mii.elements import CODE
from mii.records import Stay, Use

_CODE = re.compile(CODE)


def main_diagnoses(
    stays: Mapping[str, Stay], conditions: pl.DataFrame, counts: Counter[str]
) -> dict[str, str | None]:
    """The main diagnosis (an ICD-10-GM code) by Encounter; missing ones are counted.

    Of ``Encounter.diagnosis`` those with use DD are asked first, then CC, then CM, each by rank. The first
    whose Condition holds ICD-10-GM codes decides; a code that may not stand alone (``*``, ``!``) is no
    main diagnosis. Where two codes have the same claim, none is chosen.
    """
    named = pl.DataFrame({"id": [use.condition for stay in stays.values() for use in stay.uses]})
    told = conditions.join(named.cast({"id": pl.String}), on="id", how="semi")
    by_id = {identity: rest for identity, *rest in told.select("id", "patient", "void", "codes").iter_rows()}
    return {identity: _main(stay, by_id, counts) for identity, stay in stays.items()}


def _main(stay: Stay, conditions: Mapping[str, list[str | None]], counts: Counter[str]) -> str | None:
    uses = sorted(stay.uses, key=_claim)
    for _, equal in groupby(uses, key=_claim):
        codes = {code for use in equal for code in _codes(use, stay.patient, conditions, counts)}
        if len(codes) == 1:
            return codes.pop()
        if codes:
            counts["main_diagnosis_ambiguous"] += 1
            return None
    counts["main_diagnosis_missing"] += 1
    return None


def _claim(use: Use) -> tuple[int, int]:
    return use.order, use.rank


def _codes(
    use: Use, patient: str, conditions: Mapping[str, list[str | None]], counts: Counter[str]
) -> list[str]:
    """The codes of the Condition that ``use`` names which may stand alone."""
    owner, void, codes = conditions.get(use.condition, (None, None, None))
    if owner != patient:
        counts["main_diagnosis_reference_leads_nowhere"] += 1
        return []
    if void is not None or codes is None:
        return []
    return [code for code in codes.split() if _CODE.fullmatch(code)]
