"""What is kept of a resource after it has been read: small records, ready for counting and grouping.

They are msgspec Structs without garbage collection rather than dataclasses, because an export makes
millions of them.
"""

from __future__ import annotations

from msgspec import Struct


class Person(Struct, gc=False):
    """A Patient. Texts are as written; the rows check them."""

    updated: str | None
    gender: str | None
    birth_date: str | None
    deceased: bool | None
    deceased_on: str | None
    plz: str | None
    ags: str | None


class Use(Struct, gc=False, frozen=True):
    """An entry of Encounter.diagnosis with a role that can make a main diagnosis."""

    condition: str
    order: int
    rank: int


class Stay(Struct, gc=False):
    """An Encounter; ``levels`` are its codes of Kontaktebene."""

    levels: tuple[str, ...]
    start: str | None
    end: str | None
    department: str | None
    part_of: str
    uses: tuple[Use, ...]


class Diagnosis(Struct, gc=False):
    """A Condition: ICD-10-GM codes with whether each stands alone (no ``*`` or ``!``), ICD-10 codes."""

    encounter: str
    codes: tuple[tuple[str, bool], ...]
    causes: tuple[str, ...]


class Coded(Struct, gc=False):
    """A Procedure or a medication event: its codes, and the Medication it names."""

    encounter: str
    codes: tuple[str, ...]
    medication: str = ""


class Measured(Struct, gc=False):
    """An Observation that is asked for: by LOINC code, or the vital status."""

    encounter: str
    codes: tuple[str, ...]
    moment: str | None
    value: float | None
    comparator: str | None
    unit: str | None
    vital_status: str | None


class Substance(Struct, gc=False):
    """A Medication: its ATC codes and the Medications that its ingredients name."""

    updated: str | None
    codes: tuple[str, ...]
    ingredients: tuple[str, ...]


class Dated(Struct, gc=False):
    """A resource of a patient with the dates consent is asked about.

    ``detail`` is ``None`` where no column wants it and a status word where the status voids it.
    """

    updated: str | None
    patient: str
    start: str | None
    end: str | None
    is_period: bool
    detail: Stay | Diagnosis | Coded | Measured | str | None
