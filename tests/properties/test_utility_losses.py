"""Laws of the utility report's losses: each is its definition, put between the input and a table of stars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.counting.counts import count
from anonymizer.metrics import (
    Ambiguity,
    AverageClassSize,
    Discernibility,
    Entropy,
    Height,
    KullbackLeibler,
    Loss,
    Metric,
    NormalisedEntropy,
    Precision,
    Predictive,
)
from anonymizer.recoding.quality import loss_of
from anonymizer.recoding.recoding import Recoding
from risk.utility.losses import losses
from tests.properties import metric_definitions
from tests.properties.definitions import Definitions, Outcome, Task
from tests.properties.laws import law
from tests.properties.metric_definitions import Release
from tests.properties.tasks import table_of, tasks

METRICS: dict[str, Metric] = {
    "loss": Loss(),
    "precision": Precision(),
    "height": Height(),
    "entropy": Entropy(),
    "normalised_entropy": NormalisedEntropy(),
    "discernibility": Discernibility(),
    "average_class_size": AverageClassSize(),
    "ambiguity": Ambiguity(),
    "kl": KullbackLeibler(),
    "predictive": Predictive("target"),
}


def between(definitions: Definitions, outcome: Outcome, metric: Metric, target: list[str | None]) -> float:
    """A metric at a node, from 0 at the input to 1 where every cell is ``*``."""
    task = definitions.task
    rows = range(len(task.rows))
    tops = tuple(domain.top for domain in task.domains)
    nothing = (0,) * len(tops)
    kept = {key: tuple(rows) for key, rows in definitions.classes(nothing).items()}
    untouched = replace(outcome, node=nothing, kept=kept, broken={})
    stars = replace(outcome, node=tops, kept={}, broken={(): tuple(rows)})
    here, least, most = (
        metric_definitions.score(Release(definitions, each), metric, target)
        for each in (outcome, untouched, stars)
    )
    if isinstance(metric, Predictive):
        least = 0.0
    return min(1.0, max(0.0, (here - least) / (most - least))) if most - least > 1e-12 else 0.0


@law(60)
@given(tasks(every=True), st.data())
def test_every_loss_is_its_definition_between_the_input_and_stars(task: Task, data: st.DataObject) -> None:
    definitions = Definitions.of(task)
    node = data.draw(st.sampled_from(task.nodes))
    outcome = definitions.outcome(node)
    hidden = Release(definitions, outcome).hidden
    shown = np.array([row not in hidden for row in range(len(task.rows))])
    table = table_of(task)
    target = max(task.sensitive, default="q0")
    held = [row[0] for row in task.rows] if target == "q0" else list(task.sensitive[target])
    levels = dict(zip([column.name for column in table.quasi_identifiers], node, strict=True))
    found = losses(table, levels, shown, target=target)
    assert list(found) == list(METRICS)
    for name, metric in METRICS.items():
        expected = between(definitions, outcome, metric, held)
        assert found[name].value == pytest.approx(expected, abs=1e-9), name


@law(30)
@given(tasks(), st.data())
def test_rows_on_levels_of_their_own_lose_what_the_recoding_says(task: Task, data: st.DataObject) -> None:
    table = table_of(task)
    counts = count(table, [])
    drawn = data.draw(
        st.lists(st.sampled_from([*task.nodes, None]), min_size=counts.n_tuples, max_size=counts.n_tuples)
    )
    hidden = (-1,) * len(task.domains)
    recoding = Recoding(np.array([hidden if node is None else node for node in drawn], np.int8))
    by_row = recoding.levels[counts.tuple_of_row]
    found = losses(table, by_row, ~recoding.suppressed[counts.tuple_of_row])
    assert found["loss"].value == pytest.approx(loss_of(counts, recoding), abs=1e-9)
    assert all(0 <= figure.value <= 1 for figure in found.values() if figure.value is not None)


@law(20)
@given(tasks(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_loss(task: Task, random: object) -> None:
    table = table_of(task)
    order = np.random.default_rng(len(task.rows)).permutation(table.frame.height)
    shuffled = replace(table, frame=table.frame[order])
    shown = np.arange(table.frame.height) % 3 > 0
    levels = dict(zip([column.name for column in table.quasi_identifiers], task.nodes[-1], strict=True))
    first, second = losses(table, levels, shown), losses(shuffled, levels, shown[order])
    assert {n: f.value for n, f in first.items()} == pytest.approx({n: f.value for n, f in second.items()})


def test_levels_of_other_rows_are_refused() -> None:
    from anonymizer.hierarchies.hierarchy import suppression
    from anonymizer.tables.table import Column, Role, Table

    column = Column("sex", Role.QUASI_IDENTIFIER, suppression())
    table = Table(pl.DataFrame({"sex": ["f", "m"]}), (column,), None)
    with pytest.raises(ValueError, match="rows of the table"):
        losses(table, {"sex": 1}, np.ones(3, np.bool_))
