"""Declared columns and those made of the same source element: none may be released finer than a
quasi-identifier among them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from mii.personal_codes import DEATH_CODES, SEX_CODES
from mii.request import FAMILIES, lab_columns
from mii.views.ages import tells_age
from mii.views.declaring import SYSTEMS, VALUED, Declared
from mii.views.keyed import Keyed
from mii.views.origins import Selected, selected
from mii.views.root_elements import root_of
from mii.views.subjects import DATES

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
    ("ExplanationOfBenefit", "diagnosis"),
    ("CarePlan", "activity"),
    ("Condition", "stage"),
    ("Condition", "bodySite"),
)
"""Elements that repeat a diagnosis, or what may be one."""
_NAMING_ANYWHERE = frozenset({"reasonCode", "conclusionCode", "finding", "problem"})
"""Names of such elements in resources of any type."""
_BIRTH = ("Patient", "birthDate")
_DIAGNOSIS, _PROCEDURE, _DRUG = ("Condition", "code"), ("Procedure", "code"), (_DRUGS[0], "medication")
_BY_SYSTEM: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(SYSTEMS["icd10gm"], _DIAGNOSIS),
    **dict.fromkeys(
        (
            "http://hl7.org/fhir/sid/icd-10",
            "http://fhir.de/CodeSystem/bfarm/alpha-id",
            "http://fhir.de/CodeSystem/dimdi/alpha-id",
            "http://www.orpha.net",
        ),
        _DIAGNOSIS,
    ),
    **dict.fromkeys(SYSTEMS["ops"], _PROCEDURE),
    **dict.fromkeys((*SYSTEMS["atc"], "http://fhir.de/CodeSystem/ifa/pzn"), _DRUG),
}
"""By the URI of a code system the element of which its codes tell, in resources of any type."""
_BUILT_IN: Mapping[tuple[str, str], frozenset[str]] = {
    ("Patient", "gender"): frozenset({"gender"}),
    ("Patient", "birthDate"): frozenset({"birth_date"}),
    ("Patient", "deceased"): frozenset({"deceased", "death_date"}),
    ("Patient", "address"): frozenset({"plz", "ags"}),
    # Sex at birth, place of birth, citizenship: it may hold anything (for births see `ages`).
    ("Patient", "extension"): frozenset({"gender", "plz", "deceased"}),
    **dict.fromkeys(
        [("Encounter", name) for name in ("period", "length", "statusHistory", "participant", "location")]
        + [("EpisodeOfCare", "period")],
        _STAY,
    ),
    ("Encounter", "serviceType"): frozenset({"department"}),
    ("Encounter", "class"): frozenset({"class"}),
    ("Encounter", "classHistory"): _STAY | {"class"},
    ("Encounter", "type"): frozenset({"encounter_level", "contact_type"}),
    ("Encounter", "priority"): frozenset({"admission_reason"}),
    ("Encounter", "extension"): _STAY | {"admission_reason"},
    ("Encounter", "hospitalization"): frozenset({"admission_source", "discharge_reason"}),
    ("Condition", "code"): frozenset({"main_diagnosis", "icd10gm_all"}),
    ("Condition", "recordedDate"): frozenset({"main_diagnosis_recorded"}),
    ("Condition", "onset"): _ONSET,
    ("Condition", "abatement"): _ONSET,
    ("Condition", "extension"): _ONSET | {"main_diagnosis", "main_diagnosis_recorded"},
    ("Procedure", "code"): frozenset({"ops_all"}),
    ("Claim", "procedure"): frozenset({"ops_all"}),
    ("ExplanationOfBenefit", "procedure"): frozenset({"ops_all"}),
    ("ImagingStudy", "procedureCode"): frozenset({"ops_all"}),
    ("Procedure", "category"): frozenset({"ops_all"}),
    ("Procedure", "bodySite"): frozenset({"ops_all"}),
    ("Procedure", "performed"): _PERFORMED,
    ("Procedure", "extension"): _PERFORMED,
    **dict.fromkeys(_NAMING_DIAGNOSES, frozenset({"main_diagnosis"})),
    **{(kind, "medication"): frozenset({"atc_all", "pzn_all"}) for kind in _DRUGS},
}
"""The fixed columns made of an element; each brings its own family with it."""
_ANY = "*"
_TABLES: Mapping[str, str] = {
    "Encounter": "encounters",
    "Condition": "diagnoses",
    "Procedure": "procedures",
    **dict.fromkeys(_DRUGS, "medications"),
}
"""The table that tells of all resources of a type; one of values holds those alone that are asked for."""


def mark(table: str) -> str:
    """What stands in a family for a table's rows; no column has such a name."""
    return f"tables.{table}"


def families(
    columns: Iterable[Declared], views: Iterable[Keyed], loincs: Mapping[str, str]
) -> tuple[frozenset[str], ...]:
    """A family for every source element that declared columns are made of.

    ``loincs`` are the codes of laboratory values by name. A view of Observations can tell of any of them, so
    it is of one family with everything that Observations tell. Whatever is told of resources that are rows
    of a table tells who has any: such a column is beside the table's `mark`.
    """
    columns, views = tuple(columns), tuple(views)
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
    own = {element: _own(element, loincs) for element in made}
    told = (frozenset(names | _with_families(own[element])) for element, names in made.items())
    return (*told, *_of_one_fixed_column(made, own), *_of_tables(columns, views))


def _of_tables(columns: Iterable[Declared], views: Iterable[Keyed]) -> Iterator[frozenset[str]]:
    kinds = [(column.name, column.resource) for column in columns]
    kinds += [(name, view.view.resource) for view in views for name, *_ in view.released]
    yield from (frozenset({name, mark(_TABLES[kind])}) for name, kind in kinds if kind in _TABLES)


def _of_one_fixed_column(
    made: Mapping[tuple[str, str], set[str]], own: Mapping[tuple[str, str], frozenset[str]]
) -> Iterator[frozenset[str]]:
    """The columns of several elements that tell of one fixed column, as a diagnosis and a reason do."""
    for family in sorted({family for fixed in own.values() for family in _families_of(fixed)}, key=sorted):
        names = (names for element, names in made.items() if own[element] & family)
        yield family.union(*names)


def _origins(each: Selected) -> Iterator[tuple[str, str]]:
    """The elements that a view's column is made of, an age being made of the day of birth."""
    roots = {_ANY} if each.resource == VALUED else each.roots
    yield from ((each.resource, root) for root in roots)
    if tells_age(each):
        yield _BIRTH
    yield from _named_by(each.texts)


def _elements(column: Declared) -> Iterator[tuple[str, str]]:
    """The elements that a declared column is made of; whatever its value is, it tells who has the code."""
    if column.resource == VALUED:
        yield from ((VALUED, code) for code in column.codes)
    else:
        found = (column.concept, *(DATES.get(column.resource, ()) if column.value == "date" else ()))
        for name in found:
            yield from ((column.resource, root) for root in root_of(column.resource, name.partition(".")[0]))
    system = () if column.system is None else (column.system,)
    yield from _named_by((*column.systems, *column.codes, *system))


def _named_by(texts: Container[str]) -> Iterator[tuple[str, str]]:
    """The elements of which codes tell that are asked for by ``texts``: systems and codes."""
    yield from (element for system, element in _BY_SYSTEM.items() if system in texts)
    if any(code in texts for code in SEX_CODES):
        yield "Patient", "gender"
    if any(code in texts for code in DEATH_CODES):
        yield "Patient", "deceased"


def _own(element: tuple[str, str], loincs: Mapping[str, str]) -> frozenset[str]:
    """The fixed columns made of an element, without those that are so by their families."""
    kind, root = element
    if kind == VALUED:
        labs = [name for name, loinc in loincs.items() if root in (_ANY, loinc)]
        dead = {"deceased", "death_date"} if root in (_ANY, _VITAL_STATUS) else frozenset[str]()
        return frozenset(lab_columns(labs)) | dead
    named = frozenset({"main_diagnosis"}) if root in _NAMING_ANYWHERE else frozenset[str]()
    return _BUILT_IN.get(element, frozenset()) | named


def _families_of(fixed: frozenset[str]) -> frozenset[frozenset[str]]:
    """The families of fixed columns; one that is of none is one of its own."""
    found = frozenset(family for family in FAMILIES if family & fixed)
    return found | {frozenset({name}) for name in fixed.difference(*found)}


def _with_families(fixed: frozenset[str]) -> frozenset[str]:
    return fixed.union(*_families_of(fixed))
