"""Laboratory values that a draft knows: code, unit, and limits beyond which a value singles somebody out.

The limits are round numbers of clinical practice beyond which results are rare; they come from no data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from release.drafting.vocabulary import words


@dataclass(frozen=True, slots=True)
class Measurement:
    """A laboratory value: LOINC code, UCUM unit, the numbers released, and its names in compact form."""

    name: str
    loinc: str
    unit: str
    clip: tuple[float, float]
    names: str


MEASUREMENTS = (
    Measurement("crp", "1988-5", "mg/L", (0, 300), "crp creaktivesprotein creactiveprotein"),
    Measurement("creatinine", "2160-0", "mg/dL", (0.3, 10), "creatinine kreatinin krea"),
    Measurement("haemoglobin", "718-7", "g/dL", (5, 20), "haemoglobin hemoglobin hb"),
    Measurement("nt_probnp", "33762-6", "pg/mL", (0, 35000), "ntprobnp"),
    Measurement("potassium", "2823-3", "mmol/L", (2, 8), "potassium kalium"),
    Measurement("sodium", "2951-2", "mmol/L", (110, 170), "sodium natrium"),
    Measurement("glucose", "2345-7", "mg/dL", (30, 600), "glucose glukose blutzucker"),
    Measurement("leukocytes", "6690-2", "10*3/uL", (0, 50), "leukocytes leukozyten wbc"),
    Measurement("platelets", "777-3", "10*3/uL", (10, 1000), "platelets thrombozyten"),
)


def measurement_named(name: str) -> Measurement | None:
    """The measurement that a column's name states together with its unit, such as ``Kreatinin [mg/dl]``."""
    said = "".join(words(name))
    for known in MEASUREMENTS:
        unit = "".join(re.findall(r"[a-z0-9]+", known.unit.casefold()))
        if said in {f"{lab}{other}{unit}" for lab in known.names.split() for other in ("", "in")}:
            return known
    return None
