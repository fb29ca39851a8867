"""Diagnoses, procedures and medications of a row as sorted lists of distinct codes.

A resource's ``codes`` are tokens of several code systems (`mii.tokens`); a list holds those of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from mii.code_shapes import fitting
from mii.records import Substance
from mii.tokens import ALPHA_ID, ATC, ICD_10_GM, OPS, ORPHA, PZN, SNOMED, of_system

CODED_LISTS: Mapping[str, tuple[str, str]] = {
    "icd10gm_all": ("Condition", ICD_10_GM),
    "alpha_id_all": ("Condition", ALPHA_ID),
    "orpha_all": ("Condition", ORPHA),
    "snomed_all": ("Condition", SNOMED),
    "ops_all": ("Procedure", OPS),
}
"""The columns that list the codes of one type of resource: the type, and the code system."""

DRUG_LISTS: Mapping[str, str] = {"atc_all": ATC, "pzn_all": PZN}
"""The columns that list the codes of all medications, by code system."""

_NOTHING: list[str] = []


def with_row(
    frame: pl.DataFrame, by: Sequence[str], row_of: Callable[[str, str], str | None]
) -> pl.DataFrame:
    """``frame`` with a column ``row``: what ``row_of`` tells of a patient and an Encounter.

    It is asked once for each distinct value of ``by``.
    """
    distinct = frame.select(by).unique()
    asked = ((values[0] or "", values[1] or "" if len(values) > 1 else "") for values in distinct.iter_rows())
    keys = pl.Series("row", [row_of(patient, encounter) for patient, encounter in asked], dtype=pl.String)
    return frame.join(distinct.with_columns(keys), on=by, how="left", nulls_equal=True)


def code_lists(told: pl.DataFrame, keys: Sequence[str], counts: Counter[str], *, system: str) -> pl.Series:
    """The distinct codes of each of the rows ``keys``, sorted; what is no code is counted and left out.

    ``told`` is as `valid_codes` takes it.
    """
    grouped = valid_codes(told, counts, system=system).group_by("row").agg(pl.col("codes").unique().sort())
    rows = pl.DataFrame({"row": keys}, schema={"row": pl.String})
    joined = rows.join(grouped, on="row", how="left", maintain_order="left")
    return joined["codes"].fill_null(_NOTHING)


def valid_codes(told: pl.DataFrame, counts: Counter[str], *, system: str) -> pl.DataFrame:
    """Row and code, a pair for each code that the rows tell; what is no code is counted and left out.

    ``told`` has the columns row and codes, tokens of which those of ``system`` are taken; ``!`` behind one
    is taken off.
    """
    codes = pl.col("codes").str.extract_all(r"\S+")
    each = told.select("row", codes).explode("codes")
    bare = each.select("row", of_system(pl.col("codes"), system).str.strip_chars_end("!")).drop_nulls()
    shaped = fitting(system, bare["codes"].unique())
    valid = bare.filter(pl.col("codes").is_in(shaped))
    counts["malformed"] += bare.height - valid.height
    return valid


def drug_codes(
    events: pl.DataFrame, substances: Mapping[str, Substance], counts: Counter[str]
) -> pl.DataFrame:
    """Row and tokens of codes: of each event, its Medication, and the Medications that one is made of."""
    own = events.select("row", "codes", "others").filter(pl.col("row").is_not_null())
    uses = own.select("row", pl.col("others").alias("medication")).drop_nulls()
    times = uses.group_by("medication").len("times")
    told = [" ".join(_behind(name, substances, counts, often)) for name, often in times.iter_rows()]
    behind = times.select("medication", pl.Series("codes", told, dtype=pl.String))
    return pl.concat([own.select("row", "codes"), uses.join(behind, on="medication").select("row", "codes")])


def _behind(name: str, substances: Mapping[str, Substance], counts: Counter[str], often: int) -> list[str]:
    waiting, seen, codes = [name], set[str](), list[str]()
    while waiting:
        one = waiting.pop()
        substance = substances.get(one)
        if substance is None:
            counts["medication_references_that_lead_nowhere"] += often
        elif one not in seen:
            seen.add(one)
            codes += substance.codes
            waiting += substance.ingredients
    return codes
