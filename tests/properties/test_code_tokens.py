"""A text of tokens gives back the codes of each system, and nothing typed passes from one to another."""

from __future__ import annotations

from collections import Counter

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from mii import fhir, tokens
from mii.code_shapes import fits
from mii.codes import code_lists
from mii.tokens import ALPHA_ID, ICD_10_GM, ONSET, ORPHA, OWN, PZN, SNOMED

NAMED = {uri: name for uri, name in tokens.SYSTEMS.items() if "dimdi" not in uri}
CODES = {
    ALPHA_ID: st.integers(1, 99999).map("I{}".format),
    ORPHA: st.integers(1, 999999).map(str),
    SNOMED: st.integers(10**2, 10**15 - 1).map("{}104".format),
    PZN: st.integers(10**6, 10**8 - 1).map(str),
}
CODINGS = st.sampled_from(sorted(NAMED)).flatmap(
    lambda uri: CODES[NAMED[uri]].map(lambda code: fhir.Coding(uri, code))
)
TYPED = st.one_of(
    st.text(max_size=30),
    st.sampled_from([ALPHA_ID, ORPHA, SNOMED, PZN, ONSET]).map(lambda name: f"x {name}:1234567"),
)


def listed(text: str, system: str) -> list[str]:
    told = pl.DataFrame({"row": ["r"], "codes": [text]})
    codes: list[str] = code_lists(told, ["r"], Counter(), system=system).to_list()[0]
    return codes


@settings(max_examples=60, deadline=None)
@given(st.lists(CODINGS, max_size=6))
def test_every_system_gets_back_its_codes(codings: list[fhir.Coding]) -> None:
    text = " ".join(["C34.1", *tokens.others(codings, CODES)])
    for system in CODES:
        expected = {coding.code for coding in codings if NAMED[coding.system or ""] == system}
        assert listed(text, system) == sorted(code for code in expected if code)
    assert listed(text, ICD_10_GM) == ["C34.1"]


@settings(max_examples=60, deadline=None)
@given(TYPED, st.sampled_from(sorted(CODES)))
def test_a_typed_text_is_at_most_a_code_of_its_own_system(text: str, system: str) -> None:
    as_own, as_other = tokens.bare(text), tokens.named(system, text)
    assert all(listed(as_own, other) == [] for other in CODES)
    assert all(listed(as_other, other) == [] for other in (*OWN, *CODES) if other != system)
    assert all(fits(system, code) for code in listed(as_other, system))
