"""Columns of an export by declaration: which resources, which code, which of their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from mii.age_codes import AGE_CODES
from mii.personal_codes import IDENTIFYING_CODES
from release.config.keys import Finding, Findings, Strict, Text

_IDENTIFIES = "tells where somebody lives, or by what number somebody is known; use plz or ags"


def _refuse_identifying(code: str) -> str:
    if code in IDENTIFYING_CODES:
        raise PydanticCustomError("identifying", _IDENTIFIES)
    return code


Loinc = Annotated[str, Field(pattern=r"^[0-9]{1,7}-[0-9]$"), AfterValidator(_refuse_identifying)]
_Code = Annotated[str, Field(pattern=r"^\S{1,64}$")]
_Snomed = Annotated[str, Field(pattern=r"^[0-9]{6,18}$")]


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


_Codes = Annotated[
    tuple[_Code, ...],
    Field(min_length=1),
    BeforeValidator(_several, json_schema_input_type=_Code | tuple[_Code, ...]),
]
"""A code, or a list of codes of which any will do."""
_Loincs = Annotated[
    tuple[Loinc, ...],
    Field(min_length=1),
    BeforeValidator(_several, json_schema_input_type=Loinc | tuple[Loinc, ...]),
]
_Snomeds = Annotated[
    tuple[_Snomed, ...],
    Field(min_length=1),
    BeforeValidator(_several, json_schema_input_type=_Snomed | tuple[_Snomed, ...]),
]
Coded = Literal[
    "AllergyIntolerance",
    "ClinicalImpression",
    "Condition",
    "DiagnosticReport",
    "Immunization",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Procedure",
    "RiskAssessment",
    "ServiceRequest",
    "Specimen",
]
"""The types of resources that carry a code, a person and a date."""


AGE_TOLD = "tells an age or a date of birth, also over 89; use age_years, which is top-coded, or birth_date"


class CodeOf(Strict):
    """Codes of any system."""

    system: Text = Field(description="the system's URI, as it stands in the export")
    code: _Codes = Field(description="the code, or a list of codes")

    def broken_rules(self) -> Findings:
        if len({*self.code}) < len(self.code):
            yield Finding(("code",), _TWICE)


class Where(Strict):
    """The code that a resource carries, or several of which it carries any: one of these keys."""

    loinc: _Loincs | None = Field(default=None, description="a LOINC code, e.g. 21908-9, or a list of codes")
    snomed: _Snomeds | None = Field(default=None, description="a SNOMED CT code, or a list of codes")
    icd10gm: _Codes | None = Field(
        default=None, description="an ICD-10-GM code, exactly as it is written, or a list of codes"
    )
    ops: _Codes | None = Field(
        default=None, description="an OPS code, exactly as it is written, or a list of codes"
    )
    atc: _Codes | None = Field(
        default=None, description="an ATC code, exactly as it is written, or a list of codes"
    )
    code: CodeOf | None = Field(default=None, description="a code of another system: {system: …, code: …}")

    @property
    def chosen(self) -> tuple[str, tuple[str, ...]]:
        """The key that is given (for ``code``, the system's URI), and the codes."""
        if self.code is not None:
            return self.code.system, self.code.code
        given: Mapping[str, tuple[str, ...]] = {key: each for key, each in dict(self).items() if each}
        return next(iter(given.items()))

    def broken_rules(self) -> Findings:
        given = {key: value for key, value in dict(self).items() if value is not None}
        if len(given) != 1:
            yield Finding((), "must be one of loinc, snomed, icd10gm, ops, atc and code")
        if self.loinc is not None and not all(map(check_digit_holds, self.loinc)):
            yield Finding(("loinc",), "the check digit does not fit: the code is mistyped")
        for key, codes in given.items():
            if key != "code" and len({*codes}) < len(codes):
                yield Finding((key,), _TWICE)


_TWICE = "names a code twice"


class DeclaredColumn(Strict):
    """A column made of the resources of one type that carry some code: of several, of the last by date."""

    resource: Coded = Field(description="the type of the resources")
    where: Where = Field(description="the code they carry")
    value: Literal["code", "quantity", "date", "boolean", "integer"] = Field(
        description="what is told: an Observation's value; of any other resource its own code or date"
    )
    system: Text | None = Field(
        default=None, description="the system of the value's code, where values have codes of several"
    )
    unit: Text | None = Field(default=None, description="UCUM unit of the released quantities")

    def broken_rules(self) -> Findings:
        if self.resource != "Observation" and self.value not in ("code", "date"):
            yield Finding(("value",), "only an Observation has such a value; here it is `code` or `date`")
        if self.resource == "Observation" and not AGE_CODES.isdisjoint(self.where.chosen[1]):
            yield Finding(("where",), AGE_TOLD)
        if not IDENTIFYING_CODES.isdisjoint(self.where.chosen[1]):
            yield Finding(("where",), _IDENTIFIES)
        if self.system is not None and self.value != "code":
            yield Finding(("system",), "has no effect on what is no code")
        if self.unit is not None and self.value != "quantity":
            yield Finding(("unit",), "has no effect on what is no quantity")
        if self.unit is None and self.value == "quantity":
            yield Finding((), "a quantity needs `unit`: the UCUM unit that its numbers are told in")


def check_digit_holds(loinc: str) -> bool:
    """Luhn's modulus 10, as LOINC's users' guide (appendix B) defines the digit after the hyphen."""
    body, _, check = loinc.partition("-")
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    return -sum(sum(divmod(number, 10)) for number in doubled) % 10 == int(check)
