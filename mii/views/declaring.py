"""Columns declared one by one, each written as a ViewDefinition of its own.

A declaration says of which type the resources are, which code they carry, and which of their values is
told. Texts that somebody typed are no values: there is no declaration for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from mii.views.definition import Column, Select, View
from mii.views.medications import CONCEPT
from mii.views.syntax import Binary, Call, Expression, Member
from mii.views.syntax import Literal as Fixed

SYSTEMS: dict[str, tuple[str, ...]] = {
    "loinc": ("http://loinc.org",),
    "snomed": ("http://snomed.info/sct",),
    "icd10gm": ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "http://fhir.de/CodeSystem/dimdi/icd-10-gm"),
    "ops": ("http://fhir.de/CodeSystem/bfarm/ops", "http://fhir.de/CodeSystem/dimdi/ops"),
    "atc": (
        "http://fhir.de/CodeSystem/bfarm/atc",
        "http://fhir.de/CodeSystem/dimdi/atc",
        "http://www.whocc.no/atc",
    ),
}
"""The URIs under which a system's codes are found, old ones beside new ones."""

_PLAIN = re.compile(r"[A-Za-z0-9.:\-]+")
"""Characters that JSON has no other short form for, as ``\\/`` is one of ``/``."""

ValueKind = Literal["code", "quantity", "date", "boolean", "integer"]

_CONCEPTS = {
    "Specimen": "type",
    "Immunization": "vaccineCode",
    "MedicationAdministration": CONCEPT,
    "MedicationStatement": CONCEPT,
    "MedicationRequest": CONCEPT,
    "MedicationDispense": CONCEPT,
}
"""Where a resource's code stands, if that is not ``code``."""

_TYPES = {"date": "dateTime", "boolean": "boolean", "integer": "integer"}
VALUED = "Observation"
"""The type of resources that have a ``value[x]``; the value of any other is its own code or date."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A column of resources of one type that carry one of ``codes`` of one of ``systems``.

    ``value`` is what is told of them. ``system`` is that of a value's code, where it has several; ``unit``
    (UCUM) that of a quantity.
    """

    name: str
    resource: str
    systems: tuple[str, ...]
    codes: tuple[str, ...]
    value: ValueKind
    system: str | None = None
    unit: str | None = None

    @property
    def hints(self) -> tuple[bytes, ...] | None:
        """Bytes of which one stands in any resource that carries a code and has no ``\\u`` in it."""
        is_plain = all(_PLAIN.fullmatch(code) for code in self.codes)
        return tuple(code.encode() for code in self.codes) if is_plain else None

    @property
    def concept(self) -> str:
        """The element in which the code stands."""
        return _CONCEPTS.get(self.resource, "code")

    @property
    def follows(self) -> bool:
        """Whether the code may stand in a Medication that a resource names."""
        return self.concept == CONCEPT

    @property
    def view(self) -> View:
        """The declaration as a view: one row for each resource that carries a code.

        Of a code the columns are the codes (a list); of a quantity its value, comparator, code and unit; of
        anything else the value. The date of a resource without a value is its own: there is no column.
        """
        concept = Member(None, self.concept)
        of_system = reduce(_or, (_is("system", uri) for uri in self.systems))
        of_code = reduce(_or, (_is("code", code) for code in self.codes))
        wanted = Binary("and", of_system, of_code)
        carries = Call(Call(Member(concept, "coding"), "where", (wanted,)), "exists", ())
        columns = tuple(self._columns(concept))
        return View(self.name, self.resource, {}, (carries,), Select((), (Select(columns, (), ()),), ()))

    def _columns(self, concept: Expression) -> Iterable[Column]:
        if self.value == "code":
            chosen = _value("CodeableConcept") if self.resource == VALUED else concept
            codings: Expression = Member(chosen, "coding")
            if self.system is not None:
                codings = Call(codings, "where", (_is("system", self.system),))
            yield Column("code", Member(codings, "code"), "code", collection=True)
        elif self.value == "quantity":
            quantity = _value("Quantity")
            yield Column("value", Member(quantity, "value"), "decimal", collection=False)
            for name in ("comparator", "code", "unit"):
                yield Column(name, Member(quantity, name), "code", collection=False)
        elif self.resource == VALUED:
            kind = _TYPES[self.value]
            yield Column(self.value, _value(kind), kind, collection=False)


def _value(kind: str) -> Expression:
    return Call(Member(None, "value"), "ofType", (Member(None, kind),))


def _is(name: str, text: str) -> Expression:
    return Binary("=", Member(None, name), Fixed(text))


def _or(left: Expression, right: Expression) -> Expression:
    return Binary("or", left, right)
