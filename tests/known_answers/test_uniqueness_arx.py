"""Population uniqueness of Adult, estimated as ARX 3.9 does (golden/arx.json, `risk_input`).

ARX's SNB estimator finds nothing here (it prints 0); ours is compared with its own equations in
`tests/properties/test_population_criteria.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from anonymizer.counting.counts import count
from anonymizer.judging.uniqueness import Sample, estimate, pitman, zayatz
from tests.conftest import needs_shared
from tests.known_answers.arx import answers, document

pytestmark = needs_shared
FRACTIONS = ("9.50766947275834E-5", "0.01", "0.1")


def printed(fraction: str) -> dict[str, Any]:
    case = next(case for case in document()["cases"] if case["name"] == "adult9_k5_s2_loss")
    figures: dict[str, Any] = case["risk_input"]["population_uniqueness"][f"sampling_fraction_{fraction}"]
    return figures


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_the_estimates_are_arx_s(fraction: str) -> None:
    answer = next(answer for answer in answers() if answer.name == "adult9_k5_s2_loss")
    people = count(answer.table, answer.criteria).rows
    sample, golden = Sample.of(people.copy(), Fraction(fraction)), printed(fraction)
    assert zayatz(sample) == pytest.approx(golden["zayatz_num"], rel=1e-6)
    assert pitman(sample) == pytest.approx(golden["pitman_num"], rel=1e-6)
    chosen = estimate(sample)
    assert chosen.model.upper() == golden["dankar_model"]
    assert chosen.share == pytest.approx(golden["dankar_fraction"], rel=1e-6)
