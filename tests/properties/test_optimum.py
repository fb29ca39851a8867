"""Laws of the search for every criterion and metric: by either path it finds what trying everything finds."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anonymizer.counting.counts import count
from anonymizer.criteria import Criterion, HistogramCriterion, KAnonymity, MaxRisk
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
from tests.properties.brute_force import Best, Everything
from tests.properties.definitions import Task
from tests.properties.definitions_population import World
from tests.properties.explorers import PATHS, Question, nearly
from tests.properties.laws import law
from tests.properties.tasks import table_of, tasks
from tests.properties.worlds import CRITERIA, worlds

FACTORS = st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1)]) | st.fractions(0, 1, max_denominator=9)
LOSSES = {how: st.builds(Loss, st.just(how), FACTORS) for how in ("geometric", "arithmetic", "sum", "max")}
BY_COLUMN: dict[str, st.SearchStrategy[Metric]] = {
    **LOSSES,
    "precision": st.just(Precision()),
    "height": st.just(Height()),
    "monotonic entropy": st.just(Entropy(monotonic=True)),
}
BY_CLASSES: dict[str, st.SearchStrategy[Metric]] = {
    "entropy": st.just(Entropy()),
    "normalised entropy": st.just(NormalisedEntropy()),
    "discernibility": st.just(Discernibility()),
    "monotonic discernibility": st.just(Discernibility(monotonic=True)),
    "average class size": st.just(AverageClassSize()),
    "ambiguity": st.just(Ambiguity()),
    "kl": st.just(KullbackLeibler()),
    "predictive": st.just(Predictive("q0")),
}
METRICS = BY_COLUMN | BY_CLASSES
LIMITS = st.sampled_from([Fraction(0), Fraction(1)]) | st.fractions(0, 1, max_denominator=12)


def question(task: Task, metric: Metric) -> Question:
    return Question(count(table_of(task), task.criteria, also=["q0"]), task.criteria, task.limit, metric)


def is_compiled(asked: Question) -> bool:
    return PATHS["compiled"](asked.counts, asked.criteria, asked.allowance, asked.prepared) is not None


def finds(asked: Question, best: Best | None) -> None:
    """Whether every path finds the best, and all of them the same."""
    paths = list(PATHS) if is_compiled(asked) else ["general"]
    event(f"{len(paths)} paths, {'solvable' if best else 'criteria cannot be met'}")
    answers = [asked.answer(path) for path in paths]
    for answer in answers:
        assert answer == nearly(answers[0])
        assert (answer is None) == (best is None)
        if answer and best:
            assert tuple(answer.transformation.values()) == best.node
            assert answer.score == pytest.approx(best.score, abs=1e-9, rel=1e-9)
            assert (answer.classes, answer.suppressed) == (best.classes, best.suppressed)
            assert (answer.optimal, answer.bound) == (True, answer.score)


@pytest.mark.parametrize("metric", METRICS)
@law(30)
@given(task=tasks(every=True), data=st.data())
def test_the_search_finds_what_trying_every_transformation_finds(
    metric: str, task: Task, data: st.DataObject
) -> None:
    spec = data.draw(METRICS[metric])
    finds(question(task, spec), Everything.of(task).best(spec, task.limit))


@law(80)
@given(worlds(), CRITERIA, st.sampled_from(sorted(METRICS)).flatmap(METRICS.__getitem__), LIMITS)
def test_so_it_does_under_criteria_about_a_population_code_sets_and_the_whole_release(
    world: World, criteria: list[Criterion], spec: Metric, limit: Fraction
) -> None:
    asked = Question(count(world.table, criteria, also=["q0"]), criteria, limit, spec)
    finds(asked, Everything.of_world(world, criteria).best(spec, limit))


def is_taken(criteria: Sequence[Criterion]) -> bool:
    return all(isinstance(c, KAnonymity | MaxRisk | HistogramCriterion) for c in criteria)


@law(80)
@given(tasks(every=True), st.sampled_from(sorted(METRICS)), st.data())
def test_the_compiled_path_takes_classes_and_frequencies_and_what_adds_up_over_columns(
    task: Task, metric: str, data: st.DataObject
) -> None:
    """Nothing may fall silently to the path that is a hundred times slower."""
    asked = question(task, data.draw(METRICS[metric]))
    one_row_each = len(set(task.people)) == len(task.people)
    assert is_compiled(asked) == (one_row_each and metric in BY_COLUMN and is_taken(task.criteria))
