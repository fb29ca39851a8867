"""Information loss as ARX 3.9 measures it (golden/arx.json, ``quality``) beside the utility report's.

ARX tells what is kept, we what is lost. Its generalisation intensity is our precision; its non-uniform
entropy, discernibility and ambiguity are our metrics of those names; its search's score is our loss.
Granularity is the same per column, but ARX's mean counts larger domains for more (``test_recoding_arx``). Its
average class size leaves suppressed rows out; ours (as the search's metric, in both systems) counts them as
one class, so that the figures are the same where nothing is suppressed. Missings and squared error are no
metrics of the search.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from anonymizer.counting.counts import count
from anonymizer.transforming.transformation import suppressed_tuples
from risk.figures import Figure
from risk.utility.losses import losses
from tests.conftest import needs_shared
from tests.known_answers.arx import Answer, answers, document

pytestmark = needs_shared
NAMES = ["adult9_k5_s0_loss", "adult9_k5_s2_loss", "diabetes9_k5_s2_loss"]
SAME = {
    "precision": "generalization_intensity_mean",
    "entropy": "non_uniform_entropy_mean",
    "discernibility": "discernibility",
    "ambiguity": "ambiguity",
}


def at_optimum(answer: Answer) -> tuple[dict[str, Figure], NDArray[np.bool_]]:
    """The losses at the reference's optimum, and which rows are shown."""
    table = answer.table
    counts = count(table, answer.criteria)
    suppressed = suppressed_tuples(counts, answer.criteria, answer.optimum)
    shown = ~suppressed[counts.tuple_of_row]
    return losses(table, dict(zip(answer.quasi_identifiers, answer.optimum, strict=True)), shown), shown


@pytest.mark.parametrize("name", NAMES)
def test_what_is_lost_is_what_the_reference_says_is_not_kept(name: str) -> None:
    answer = next(each for each in answers() if each.name == name)
    quality = next(case for case in document()["cases"] if case["name"] == name)["quality"]
    found, shown = at_optimum(answer)
    assert found["loss"].value == pytest.approx(answer.score, abs=1e-8)
    for ours, theirs in SAME.items():
        assert found[ours].value == pytest.approx(1 - quality[theirs], abs=1e-8), ours
    n, suppressed = len(shown), int((~shown).sum())
    tuples = answer.table.frame.select(answer.quasi_identifiers).unique().height
    least = n / tuples
    theirs = ((n - suppressed) / answer.classes - least) / (n - least)
    assert theirs == pytest.approx(1 - quality["average_class_size"], abs=1e-8)
    ours = (n / (answer.classes + (suppressed > 0)) - least) / (n - least)
    assert found["average_class_size"].value == pytest.approx(ours, abs=1e-12)
