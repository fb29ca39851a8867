"""Units: what the short table of powers of ten says is what the library says."""

from __future__ import annotations

from itertools import permutations

import pytest

from mii import units


@pytest.mark.parametrize("family", units.POWERS_OF_TEN, ids=["g/L", "mol/L"])
def test_the_everyday_units_convert_as_in_the_library(family: dict[str, int]) -> None:
    for found, wanted in permutations(family, 2):
        assert units.conversion(found, wanted) == units._converted(found, wanted)


def test_a_mass_and_an_amount_of_substance_do_not_convert() -> None:
    assert units.conversion("mg/dL", "mmol/L") is None
    assert units.conversion("/nL", "10*9/L") == (1.0, 0.0)


@pytest.mark.parametrize("text", ["mg/L", "mmol/L", "/nL", "10*3/uL", "%", "[iU]/L", "{titer}", "g/dl"])
def test_a_unit_of_ucum_is_one(text: str) -> None:
    assert units.is_unit(text)


@pytest.mark.parametrize("text", ["", "*", "Stück", "Mio/µl", "mass", "mg per L", "x" * 41])
def test_a_text_is_no_unit_of_ucum(text: str) -> None:
    assert not units.is_unit(text)
