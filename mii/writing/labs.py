"""A row of labs: the Observation."""

from __future__ import annotations

from mii.code_shapes import is_loinc
from mii.writing import systems
from mii.writing.placing import (
    WITHHELD,
    Json,
    Row,
    about,
    absent,
    cell,
    coding,
    concept,
    head,
    measured,
    primitive,
)

_MASKED = absent(WITHHELD)
_IDENTIFIER = {
    "type": concept({"system": systems.IDENTIFIER_TYPE, "code": "OBI"}),
    "_system": _MASKED,
    "_value": _MASKED,
    "assigner": _MASKED,
}
"""The profile demands the laboratory's identifier of the finding; that there is one is all that is told."""
_CATEGORY = concept(
    {"system": systems.LOINC, "code": systems.LABORATORY},
    {"system": systems.OBSERVATION_CATEGORY, "code": "laboratory"},
)


def observation(person: str, identity: str, row: Row) -> Json:
    """The Observation. Its time is a whole day or is told as a label: the profile allows no month."""
    code = coding(systems.LOINC, cell(row, "loinc"), is_loinc)
    when = cell(row, "effective_date")
    return {
        **head("Observation", identity, "Observation"),
        "identifier": [_IDENTIFIER],
        "status": "unknown",
        "category": [_CATEGORY],
        "code": concept(code),
        **about(person),
        **primitive("effectiveDateTime", when, systems.is_day, required=True),
        **measured(cell(row, "value"), unit=cell(row, "unit"), comparator=cell(row, "comparator")),
    }
