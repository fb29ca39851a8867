"""Whatever is written and whatever is in a resource, FHIRPath answers or refuses, and tells no value."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.errors import AnonError, BadConfig, BadInput
from mii.views.definition import definition
from mii.views.evaluating import compiled
from mii.views.operators import OPERATORS
from mii.views.parser import parse
from mii.views.running import Runner
from mii.views.temporal import boundary, compared, temporal

CANARY = "Mustermann"
NAMES = ("name", "value", "use", "extension", "resourceType", "id", "reference", "url", "status")

scalars = st.one_of(
    st.sampled_from([CANARY, "Patient", "2024", "2024-05-01T10:00:00+01:00", "12:00", "Patient/p", ""]),
    st.booleans(),
    st.integers(-5, 5),
    st.decimals(-5, 5, places=2),
    st.sampled_from([Decimal("1e999999"), Decimal("-1e-999999"), 1 << 70]),
    st.none(),
)
resources = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from((*NAMES, "valueString", "valueQuantity", "_name")), inner, max_size=4
        )
    ),
    max_leaves=12,
)
leaves = st.sampled_from(
    ("name", "value", "Patient", "$this", "'Patient'", "1", "2.50", "true", "{}", "@2024-05", "@T12:00", "%c")
)


def _composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    functions = (
        *(
            "where({1})",
            "exists({1})",
            "exists()",
            "empty()",
            "first()",
            "not()",
            "join({1})",
            "ofType(string)",
        ),
        *(
            "extension({1})",
            "getResourceKey()",
            "getReferenceKey(Patient)",
            "lowBoundary()",
            "highBoundary()",
        ),
    )
    calls = st.tuples(inner, inner, st.sampled_from(functions)).map(
        lambda told: f"({told[0]}).{told[2].replace('{1}', told[1])}"
    )
    pairs = st.tuples(inner, inner, st.sampled_from(sorted(OPERATORS))).map(
        lambda told: f"({told[0]}) {told[2]} ({told[1]})"
    )
    members = st.tuples(inner, st.sampled_from(NAMES)).map(lambda told: f"({told[0]}).{told[1]}")
    indexed = st.tuples(inner, inner).map(lambda told: f"({told[0]})[{told[1]}]")
    return st.one_of(calls, pairs, members, indexed)


expressions = st.recursive(leaves, _composed, max_leaves=6)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aé '`\\%$@T0-9.()[]{}+=<>!/*\n|", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadConfig):
        compiled(parse(text), {})


@settings(max_examples=300, deadline=None)
@given(expressions, st.dictionaries(st.sampled_from(NAMES), resources, max_size=5))
def test_any_expression_of_any_resource_is_answered_or_refused(expression: str, resource: Any) -> None:
    evaluate = compiled(parse(expression), {"c": CANARY})
    try:
        assert isinstance(evaluate([resource], 0), list)
    except BadInput as error:
        _tells_nothing(error)


@settings(max_examples=100, deadline=None)
@given(
    expressions,
    st.sampled_from(["boolean", "integer", "decimal", "code", "date"]),
    st.booleans(),
    st.dictionaries(st.sampled_from(NAMES), resources, max_size=5),
)
def test_any_column_of_any_resource_has_its_type(
    expression: str, kind: str, collection: bool, resource: dict[str, Any]
) -> None:
    column = {"name": "a", "path": expression, "type": kind, "collection": collection}
    view = {"resource": "Patient", "select": [{"forEachOrNull": "name", "column": [column]}]}
    view["constant"] = [{"name": "c", "valueCode": "x"}]
    types = {"boolean": bool, "integer": int, "decimal": float, "code": str, "date": str}
    try:
        rows = Runner(definition(view)).rows({**resource, "resourceType": "Patient"})
    except BadInput as error:
        _tells_nothing(error)
        return
    cells = [cell for (row,) in rows for cell in (row or () if collection else [row]) if cell is not None]
    assert rows
    assert all(isinstance(cell, types[kind]) for cell in cells)


def _tells_nothing(error: AnonError) -> None:
    assert CANARY not in str(error)
    assert error.__suppress_context__ or error.__context__ is None


moments = st.builds(
    lambda year, month, day, clock, zone: f"{year:04}-{month:02}-{day:02}T{clock}{zone}",
    st.integers(2000, 2003),
    st.integers(1, 12),
    st.integers(1, 28),
    st.sampled_from(["00:00:00", "23:59:59", "12:30:15.5"]),
    st.sampled_from(["Z", "+14:00", "-12:00", "+01:30"]),
)


@settings(max_examples=200, deadline=None)
@given(moments, moments, st.sampled_from([4, 7, 10]))
def test_moments_are_ordered_and_lie_within_what_their_dates_can_mean(a: str, b: str, told: int) -> None:
    first, second = temporal(a), temporal(b)
    assert first is not None
    assert second is not None
    forwards, backwards = compared(first, second), compared(second, first)
    assert forwards is not None
    assert backwards == -forwards
    for high, allowed in ((False, (-1, 0)), (True, (0, 1))):
        bound = boundary(a[:told], "dateTime", high=high)
        moment = temporal(bound or "")
        assert moment is not None
        assert compared(moment, first) in allowed
