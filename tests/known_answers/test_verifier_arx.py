"""The verifier's counting at ARX's optima, for every criterion on a sensitive column (golden/arx.json)."""

from __future__ import annotations

import polars as pl
import pytest

from anonymizer.criteria import EntropyLDiversity
from release.verifying.labels import labels_at
from release.verifying.recount import classed, countable
from release.verifying.references import references
from release.verifying.verdicts import column_of, kept
from tests.conftest import needs_shared
from tests.known_answers.arx import Answer, sensitive_answers

EXACT_TIES = {
    "adult8_k5_entropyl3_s5_loss": (262, 1174),
    "adult8_k5_entropyl3_s100_loss": (329, 2036),
}
"""Classes and suppressed rows where a uniform class of three values reaches l = 3, which ARX refuses."""


@needs_shared
@pytest.mark.parametrize("answer", sensitive_answers(), ids=lambda answer: answer.name)
def test_classes_and_suppressed_rows_are_arx_s(answer: Answer) -> None:
    assert found_at_the_optimum(answer) == EXACT_TIES.get(answer.name, (answer.classes, answer.suppressed))


@needs_shared
def test_all_criteria_on_sensitive_columns_are_among_the_answers() -> None:
    kinds = {type(criterion).__name__ for answer in sensitive_answers() for criterion in answer.criteria}
    assert {"DistinctLDiversity", "EntropyLDiversity", "RecursiveCLDiversity", "TCloseness"} <= kinds
    distances = {getattr(c, "distance", None) for answer in sensitive_answers() for c in answer.criteria}
    assert {"equal", "ordered", "hierarchical"} <= distances
    with_ties = [
        a.name for a in sensitive_answers() if any(isinstance(c, EntropyLDiversity) for c in a.criteria)
    ]
    assert EXACT_TIES.keys() <= set(with_ties)


def found_at_the_optimum(answer: Answer) -> tuple[int, int]:
    """Classes kept and rows suppressed at ARX's optimum, counted by the verifier."""
    table = answer.table
    frame = table.frame
    labels = []
    for column, level in zip(table.quasi_identifiers, answer.optimum, strict=True):
        by_value = labels_at(column, frame[column.name], level)
        cells = frame[column.name].alias("value").to_frame()
        labels.append(cells.join(by_value, on="value", how="left", maintain_order="left")["label"])
    columns = {i: column_of(criterion) for i, criterion in enumerate(answer.criteria)}
    values = {i: frame[name] for i, name in columns.items() if name is not None}
    counted = classed(countable(labels, pl.int_range(frame.height, eager=True), values))
    keeps = kept(counted, answer.criteria, references(answer.criteria, table))
    return counted.rows.filter(keeps)["class"].n_unique(), int((~keeps).sum())
