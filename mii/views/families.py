"""Declared columns and those made of the same source element: none may be released finer than a
quasi-identifier among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mii.request import FAMILIES, lab_columns
from mii.views.ages import tells_age
from mii.views.declaring import VALUED, Declared
from mii.views.keyed import Keyed
from mii.views.origins import Selected, selected

_VITAL_STATUS = "67162-8"
_STAY = frozenset({"admission_date"})
_ONSET = frozenset({"main_diagnosis_onset"})
_PERFORMED = frozenset({"performed_first", "performed_last"})
_DRUGS = ("MedicationAdministration", "MedicationStatement", "MedicationRequest", "MedicationDispense")
_NAMING_DIAGNOSES = (
    ("Encounter", "diagnosis"),
    ("Condition", "evidence"),
    ("Procedure", "complication"),
    ("EpisodeOfCare", "diagnosis"),
    ("Claim", "diagnosis"),
    *((kind, "reasonCode") for kind in ("Encounter", "Procedure", *_DRUGS)),
)
"""Elements that repeat a diagnosis, or what may be one."""
_BIRTH = ("Patient", "birthDate")
_BUILT_IN: Mapping[tuple[str, str], frozenset[str]] = {
    ("Patient", "gender"): frozenset({"gender"}),
    ("Patient", "birthDate"): frozenset({"birth_date"}),
    ("Patient", "deceased"): frozenset({"deceased", "death_date"}),
    ("Patient", "address"): frozenset({"plz", "ags"}),
    **dict.fromkeys(
        [("Encounter", name) for name in ("period", "length", "statusHistory", "participant", "location")]
        + [("EpisodeOfCare", "period"), ("Account", "servicePeriod")],
        _STAY,
    ),
    ("Encounter", "serviceType"): frozenset({"department"}),
    ("Encounter", "class"): frozenset({"class"}),
    ("Encounter", "classHistory"): _STAY | {"class"},
    ("Encounter", "type"): frozenset({"encounter_level", "contact_type"}),
    ("Encounter", "priority"): frozenset({"admission_reason"}),
    ("Encounter", "extension"): _STAY | {"admission_reason"},
    ("Encounter", "hospitalization"): frozenset({"admission_source", "discharge_reason"}),
    ("Condition", "code"): frozenset({"main_diagnosis", "icd10gm_all", "cause_of_death"}),
    ("Condition", "recordedDate"): frozenset({"main_diagnosis_recorded"}),
    ("Condition", "onset"): _ONSET,
    ("Condition", "abatement"): _ONSET,
    ("Condition", "extension"): _ONSET | {"main_diagnosis", "main_diagnosis_recorded"},
    ("Procedure", "code"): frozenset({"ops_all"}),
    ("Procedure", "category"): frozenset({"ops_all"}),
    ("Procedure", "performed"): _PERFORMED,
    ("Procedure", "extension"): _PERFORMED,
    **dict.fromkeys(_NAMING_DIAGNOSES, frozenset({"main_diagnosis"})),
    **{(kind, "medication"): frozenset({"atc_all", "pzn_all"}) for kind in _DRUGS},
}
"""The fixed columns made of an element; each brings its own family with it."""
_OWN_DATES = {"Condition": "recordedDate", "Procedure": "performed"}
_ANY = "*"


def families(
    columns: Iterable[Declared], views: Iterable[Keyed], loincs: Mapping[str, str]
) -> tuple[frozenset[str], ...]:
    """A family for every source element that declared columns are made of.

    ``loincs`` are the codes of laboratory values by name. A view of Observations can tell of any of them, so
    it is of one family with everything that Observations tell.
    """
    columns = tuple(columns)
    made: dict[tuple[str, str], set[str]] = {}
    for column in columns:
        for element in _elements(column):
            made.setdefault(element, set()).add(column.name)
    for view in views:
        for each in selected(view.view):
            for element in _origins(each):
                made.setdefault(element, set()).add(each.column.name)
    of_observations = {name for (kind, _), names in made.items() if kind == VALUED for name in names}
    if (VALUED, _ANY) in made:
        made[VALUED, _ANY] |= of_observations
    return tuple(frozenset(names | _fixed(element, loincs)) for element, names in made.items())


def _origins(each: Selected) -> Iterator[tuple[str, str]]:
    """The elements that a view's column is made of, an age being made of the day of birth."""
    roots = {_ANY} if each.resource == VALUED else each.roots
    yield from ((each.resource, root) for root in roots)
    if tells_age(each):
        yield _BIRTH


def _elements(column: Declared) -> Iterator[tuple[str, str]]:
    if column.resource == VALUED:
        yield from ((VALUED, code) for code in column.codes)
    elif column.value == "date":
        yield column.resource, _OWN_DATES.get(column.resource, "date")
    else:
        yield column.resource, "medication" if column.resource.startswith("Medication") else "code"


def _fixed(element: tuple[str, str], loincs: Mapping[str, str]) -> frozenset[str]:
    kind, root = element
    own = _BUILT_IN.get(element, frozenset())
    if kind == VALUED:
        labs = [name for name, loinc in loincs.items() if root in (_ANY, loinc)]
        own = frozenset(lab_columns(labs))
        if root in (_ANY, _VITAL_STATUS):
            own |= {"deceased", "death_date"}
    return own.union(*(family for family in FAMILIES if family & own))
