"""What is asked of an export, and the columns an MII table can have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

COLUMNS = (
    "patient_id",
    "encounter_id",
    "gender",
    "birth_date",
    "age_years",
    "plz",
    "ags",
    "deceased",
    "death_date",
    "cause_of_death",
    "admission_date",
    "discharge_date",
    "length_of_stay_days",
    "department",
    "main_diagnosis",
    "icd10gm_all",
    "ops_all",
    "atc_all",
)
"""The fixed columns, in the order in which a table shows them; the laboratory columns follow."""

FAMILIES = (
    frozenset({"birth_date", "age_years"}),
    frozenset({"admission_date", "discharge_date", "length_of_stay_days"}),
    frozenset({"main_diagnosis", "icd10gm_all"}),
    frozenset({"plz", "ags"}),
    frozenset({"deceased", "death_date"}),
)
"""Columns made of one source element: where one is a quasi-identifier, none may be released finer."""

MEDICATION_EVENTS = ("MedicationAdministration", "MedicationStatement", "MedicationRequest")

_SOURCES: Mapping[str, tuple[frozenset[str], ...]] = {
    **dict.fromkeys(
        ("encounter_id", "admission_date", "discharge_date", "length_of_stay_days", "department"),
        (frozenset({"Encounter"}),),
    ),
    "main_diagnosis": (frozenset({"Encounter"}), frozenset({"Condition"})),
    "icd10gm_all": (frozenset({"Condition"}),),
    "cause_of_death": (frozenset({"Condition"}),),
    "ops_all": (frozenset({"Procedure"}),),
    "atc_all": (frozenset(MEDICATION_EVENTS),),
}
"""The types each column is made from: one of every set. Laboratory columns need Observations, the others
the Patient, without whom there is no table."""

STATISTICS = ("last", "first", "min", "max", "mean", "count")
"""What is told of one laboratory value over all its measurements."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A laboratory value: the LOINC code it is found by and the UCUM unit its columns are told in."""

    loinc: str
    unit: str


@dataclass(frozen=True, slots=True)
class MiiRequest:
    """What `read` is to build.

    ``columns`` names the columns wanted (others are not built); ``observations`` gives each laboratory
    name its code and unit; ``reference_date`` is "today" for ages and consent, ``consent_date`` the day
    the run happens.
    """

    row: Literal["patient", "encounter"]
    index_encounter: Literal["first", "last"]
    observations: Mapping[str, Observation]
    consent_required: bool
    retrospective: bool
    reference_date: date
    consent_date: date
    columns: frozenset[str]


def lab_columns(names: Iterable[str]) -> tuple[str, ...]:
    """The columns that the laboratory values called ``names`` give, in their order."""
    return tuple(f"lab_{name}_{statistic}" for name in names for statistic in STATISTICS)


def columns(request: MiiRequest) -> tuple[str, ...]:
    """The columns `read` builds for ``request``, in their order."""
    possible = (*COLUMNS, *lab_columns(request.observations))
    return tuple(name for name in possible if name in request.columns)


def without_source(request: MiiRequest, types: frozenset[str]) -> list[str]:
    """The columns asked for that cannot be told from an export of only these resource ``types``, sorted."""
    labs = dict.fromkeys(lab_columns(request.observations), (frozenset({"Observation"}),))
    needed = {**_SOURCES, **labs}
    return sorted(
        name for name in request.columns if any(types.isdisjoint(some) for some in needed.get(name, ()))
    )
