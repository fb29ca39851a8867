"""Codes under which an Observation tells of the person what the Patient's own elements tell."""

from __future__ import annotations

PLACE_CODES = frozenset(
    """
    45401-7 56799-0 87721-7 68997-6 49084-7 21833-9 42130-5 42131-3
    184102003 184097001
    """.split()
)
"""Where somebody lives. LOINC: postal code, address, county, city, census block and tract, latitude and
longitude. SNOMED CT: patient's postal code, patient's address."""

NUMBER_CODES = frozenset({"76435-7", "45396-9", "45397-7", "46106-1"})
"""By what number somebody is known. LOINC: patient identifier, number of social security, of the insurance,
of the record."""

IDENTIFYING_CODES = PLACE_CODES | NUMBER_CODES

SEX_CODES = frozenset(
    """
    46098-0 76689-9 21840-4 76691-5 99502-7 54131-8 72143-1
    263495000 184100006
    """.split()
)
"""LOINC: sex, at birth, of a registry, recorded, of a family history; gender identity. SNOMED CT: gender,
patient's sex."""

DEATH_CODES = frozenset(
    """
    81956-5 69453-9 31211-6 80616-6 79378-6
    419099009 419620001 16100001
    """.split()
)
"""Who died, when and of what. LOINC: date and time of death, its cause, pronounced and presumed. SNOMED CT:
dead, death, cause of death."""
