"""What is asked of an export, and the columns an MII table can have."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mii.views.declaring import Declared
    from mii.views.keyed import Keyed

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

OPTIONAL = (
    "gender_amtlich",
    "encounter_level",
    "contact_type",
    "class",
    "admission_reason",
    "admission_source",
    "discharge_reason",
    "main_diagnosis_onset",
    "main_diagnosis_recorded",
    "alpha_id_all",
    "orpha_all",
    "snomed_all",
    "performed_first",
    "performed_last",
    "pzn_all",
)
"""Columns that a table has only where a rule names them exactly: no pattern reaches them.

Many are finer than the fixed columns (a product beside its substance, a rare disease beside its block of
ICD-10-GM), so nobody gets one by a wildcard.
"""

FAMILIES = (
    frozenset({"gender", "gender_amtlich"}),
    frozenset({"birth_date", "age_years"}),
    frozenset({"admission_date", "discharge_date", "length_of_stay_days"}),
    frozenset({"main_diagnosis", "icd10gm_all", "alpha_id_all", "orpha_all", "snomed_all", "cause_of_death"}),
    frozenset({"performed_first", "performed_last"}),
    frozenset({"atc_all", "pzn_all"}),
    frozenset({"plz", "ags"}),
    frozenset({"deceased", "death_date", "discharge_reason", "cause_of_death"}),
)
"""Columns made of one source element: where one is a quasi-identifier, none may be released finer.

Who has a cause of death is dead, and died of what is often the main diagnosis.
"""

MEDICATION_EVENTS = ("MedicationAdministration", "MedicationStatement", "MedicationRequest")

STAY_COLUMNS = frozenset(
    "encounter_id admission_date discharge_date length_of_stay_days department encounter_level contact_type "
    "class admission_reason admission_source discharge_reason".split()
)
MAIN_DIAGNOSIS_COLUMNS = frozenset({"main_diagnosis", "main_diagnosis_onset", "main_diagnosis_recorded"})
CONDITION_COLUMNS = frozenset({"icd10gm_all", "cause_of_death", "alpha_id_all", "orpha_all", "snomed_all"})
PROCEDURE_COLUMNS = frozenset({"ops_all", "performed_first", "performed_last"})
MEDICATION_COLUMNS = frozenset({"atc_all", "pzn_all"})

_SOURCES: Mapping[str, tuple[frozenset[str], ...]] = {
    **dict.fromkeys(STAY_COLUMNS, (frozenset({"Encounter"}),)),
    **dict.fromkeys(MAIN_DIAGNOSIS_COLUMNS, (frozenset({"Encounter"}), frozenset({"Condition"}))),
    **dict.fromkeys(CONDITION_COLUMNS, (frozenset({"Condition"}),)),
    **dict.fromkeys(PROCEDURE_COLUMNS, (frozenset({"Procedure"}),)),
    **dict.fromkeys(MEDICATION_COLUMNS, (frozenset(MEDICATION_EVENTS),)),
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
    the run happens. ``declared`` and ``views`` are further columns by declaration (`mii.views`);
    ``tables`` names the event tables wanted and the columns of each (`mii.event_tables`).
    """

    row: Literal["patient", "encounter"]
    index_encounter: Literal["first", "last"]
    observations: Mapping[str, Observation]
    consent_required: bool
    retrospective: bool
    reference_date: date
    consent_date: date
    columns: frozenset[str]
    declared: tuple[Declared, ...] = ()
    views: tuple[Keyed, ...] = ()
    tables: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def view_columns(self) -> tuple[str, ...]:
        """The names of the columns that views declare, one by one or as ViewDefinitions."""
        own = tuple(each.name for each in self.declared)
        return own + tuple(name for view in self.views for name, *_ in view.released)


def lab_columns(names: Iterable[str]) -> tuple[str, ...]:
    """The columns that the laboratory values called ``names`` give, in their order."""
    return tuple(f"lab_{name}_{statistic}" for name in names for statistic in STATISTICS)


def asked_observations(request: MiiRequest) -> dict[str, Observation]:
    """The laboratory values of which the table of patients or encounters has a column."""
    told = request.observations.items()
    return {name: asked for name, asked in told if request.columns.intersection(lab_columns([name]))}


def available(observations: Iterable[str], named: Container[str]) -> tuple[str, ...]:
    """The columns that a table can have, in their order: of the optional ones those that are ``named``."""
    optional = (name for name in OPTIONAL if name in named)
    return (*COLUMNS, *optional, *lab_columns(observations))


def columns(request: MiiRequest) -> tuple[str, ...]:
    """The columns `read` builds for ``request``, in their order."""
    possible = available(request.observations, request.columns)
    return tuple(name for name in possible if name in request.columns)


def without_source(request: MiiRequest, types: frozenset[str]) -> list[str]:
    """The columns asked for that cannot be told from an export of only these resource ``types``, sorted."""
    labs = dict.fromkeys(lab_columns(request.observations), (frozenset({"Observation"}),))
    needed = {**_SOURCES, **labs}
    return sorted(
        name for name in request.columns if any(types.isdisjoint(some) for some in needed.get(name, ()))
    )
