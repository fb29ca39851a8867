"""What is kept of the resources that are few: persons, stays, medications.

They are msgspec Structs without garbage collection rather than dataclasses: they are quick to make.
"""

from __future__ import annotations

from msgspec import Struct


class Person(Struct, gc=False):
    """A Patient. Texts are as written; the rows check them.

    ``merged_with`` are the ids of the records that it replaces or that replace it, ``same_person`` those of
    others that it links to (`mii.linked`).
    """

    updated: str | None
    gender: str | None
    birth_date: str | None
    deceased: bool | None
    deceased_on: str | None
    plz: str | None
    ags: str | None
    gender_amtlich: str | None = None
    merged_with: tuple[str, ...] = ()
    same_person: tuple[str, ...] = ()


class Use(Struct, gc=False, frozen=True):
    """An entry of Encounter.diagnosis with a role that can make a main diagnosis."""

    condition: str
    order: int
    rank: int


class Stay(Struct, gc=False):
    """An Encounter; ``levels`` are its codes of Kontaktebene, ``void`` the status where that voids it."""

    updated: str | None
    patient: str
    start: str | None
    end: str | None
    void: str | None
    levels: tuple[str, ...]
    department: str | None
    part_of: str
    uses: tuple[Use, ...]
    contact_type: str | None = None
    contact_class: str | None = None
    admission_reason: str | None = None
    admission_source: str | None = None
    discharge_reason: str | None = None


class Substance(Struct, gc=False):
    """A Medication: its codes (`mii.codes` says how) and the Medications that its ingredients name."""

    updated: str | None
    codes: tuple[str, ...]
    ingredients: tuple[str, ...]
