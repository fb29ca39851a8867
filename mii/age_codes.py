"""Codes under which an Observation tells an age or a day of birth, which neither `age_years` nor `birth_date`
would cut."""

from __future__ import annotations

AGE_CODES = frozenset(
    """
    30525-0 21611-9 21612-7 29553-5 63900-5 39016-1 35659-2 30972-4 35267-4 21112-8
    424144002 397669002 184099003 445518008
    """.split()
)
"""LOINC: age (also estimated, reported, calculated, at death, of a specimen, at onset), date of birth. SNOMED
CT: current chronological age, age, date of birth, age at onset."""
