"""The main diagnosis of an Einrichtungskontakt: the one its Encounter names, never one guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby

from mii.elements import is_code
from mii.records import Dated, Diagnosis, Stay, Use


def main_diagnoses(
    stays: Mapping[str, Dated], conditions: Mapping[str, Dated], counts: Counter[str]
) -> dict[str, str | None]:
    """The main diagnosis (an ICD-10-GM code) by Encounter; missing ones are counted.

    Of ``Encounter.diagnosis`` those with use DD are asked first, then CC, then CM, each by rank. The first
    whose Condition holds ICD-10-GM codes decides; a code that may not stand alone (``*``, ``!``) is no
    main diagnosis. Where two codes have the same claim, none is chosen.
    """
    return {
        identity: _main(record.detail, record.patient, conditions, counts)
        for identity, record in stays.items()
        if isinstance(record.detail, Stay)
    }


def _main(
    stay: Stay, patient: str, conditions: Mapping[str, Dated], counts: Counter[str]
) -> str | None:
    uses = sorted(stay.uses, key=_claim)
    for _, equal in groupby(uses, key=_claim):
        codes = {code for use in equal for code in _codes(use, patient, conditions, counts)}
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
    use: Use, patient: str, conditions: Mapping[str, Dated], counts: Counter[str]
) -> Iterable[str]:
    record = conditions.get(use.condition)
    if record is None or record.patient != patient:
        counts["main_diagnosis_reference_leads_nowhere"] += 1
        return ()
    if not isinstance(record.detail, Diagnosis):
        return ()
    return (code for code, alone in record.detail.codes if alone and is_code(code))
