"""Reports of synthetic tables: what the release report says and never says, twins, and two models."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest

from release.describing.stated_rules import stated_rules
from risk import Assessment, release_report, risk_report, utility_report
from risk.assessment import ATTACK_FIGURES, ATTACKS, SYNTHETIC_FIGURES, judge
from risk.attacks.shadows import SHADOWS
from risk.facts import CriterionResult, Privacy, ReleaseFacts, Rule, Synthesis, SyntheticFacts, SyntheticTable
from risk.figures import Figure, exact
from risk.finding import Search, figures, find
from risk.reports.words import LANGUAGES, speak
from risk.results import Compared, Findings
from risk.synthetic import TWIN, assess_synthetic, classes, compared, of_twin, with_figures_of
from synth.recipe import Between, Combinations, Determines, Never, Order, Range, Recipe
from tests.attack_scenes import population, synthetic
from tests.report_scenes import HOSTILE, K2, Page, small_assessment, small_context
from tests.synthetic_scenes import (
    DRAWN,
    OF_ANONYMISED,
    OF_ORIGINAL,
    PRIVATE,
    both_facts,
    drawn_assessment,
    drawn_context,
    drawn_events_facts,
    drawn_facts,
    drawn_findings,
    generated,
    reported,
)

MOST_BYTES = 3_000_000
FIRST_PAGE = "How the table was made"
"""Where a synthetic table's release report goes on behind its first page."""


def text_of(facts: ReleaseFacts | SyntheticFacts) -> str:
    return Page(release_report(facts)).text


# what leaves the house ------------------------------------------------------------------------------


@pytest.mark.parametrize("synthesis", [OF_ANONYMISED, OF_ORIGINAL, PRIVATE], ids=lambda each: each.method)
def test_the_first_page_says_that_no_row_is_a_person_and_that_nothing_is_anonymous_by_that(
    synthesis: Synthesis,
) -> None:
    first = text_of(drawn_facts(synthesis)).partition(FIRST_PAGE)[0]
    assert "These rows are drawn from a model: no row is a person" in first
    assert "That alone does not make a table anonymous" in first
    assert "are not claimed for it" in first
    assert "6 rows in 4 columns." in first


def test_of_a_table_that_learned_from_the_anonymised_one_it_says_what_follows_and_claims_no_criterion() -> (
    None
):
    text = text_of(drawn_facts(OF_ANONYMISED))
    assert (
        "The model has seen only a table that keeps the privacy criteria of the search (2-anonymity" in text
    )
    assert "cannot tell more about a person than it does (post-processing)" in text
    assert "None: empirical only." in text
    for claim in ("criteria are met", "every class holds", "Prosecutor", "Largest risk"):
        assert claim not in text


def test_a_filter_that_looks_at_the_original_takes_the_post_processing_away() -> None:
    text = text_of(drawn_facts(replace(OF_ANONYMISED, filtered="original")))
    assert "cannot tell more about a person than it does" not in text
    assert "which rows are missing here depends on it" in text


def test_of_a_table_that_learned_from_the_original_it_says_so() -> None:
    text = text_of(drawn_facts(OF_ORIGINAL))
    assert "The original rows of the people , and not a table that keeps privacy criteria." in text
    assert "post-processing" not in text.lower()
    assert "Distilled yes: a second model" in text


def test_of_a_private_table_it_says_epsilon_delta_whose_rows_and_what_it_covers() -> None:
    text = text_of(drawn_facts(PRIVATE))
    assert "(1, 10⁻⁶)-differential privacy of the table" in text
    assert "at most 2.72 times as likely" in text
    assert "Adjacent tables with and without all rows of one person" in text
    assert "Of one person at most 2 rows count" in text
    assert "The bound is about this table alone" in text
    assert "None: empirical only." not in text
    assert "Of one person at most 1 row count" in text_of(
        drawn_facts(Synthesis("dp-marginals", "original", Privacy(0.5, 5e-7)))
    )


def test_conditions_and_constraints_stand_there_as_they_were_stated() -> None:
    text = text_of(drawn_facts())
    for stated in ("condition gender = female", "order admission ≤ discharge", "range 0 ≤ crp ≤ 300"):
        assert stated in text
    assert "never gender = male, and with it main_ diagnosis = O*" in text
    assert "rows were drawn on this condition" not in text_of(drawn_facts(OF_ORIGINAL))


def test_a_recipe_is_stated_in_signs() -> None:
    given = {"a": "x", "b": None, "c": ["I48.*", "I50.*"], "d": Between(1.5, None), "e": True}
    constraints = (
        Order(("a", "b")),
        Range("a", Between(date(2025, 1, 1), date(2025, 2, 1))),
        Range("b", Between(None, 3)),
        Determines("plz", "ags"),
        Combinations(("a", "b")),
        Never({"sex": "male", "age": Between(0, 9)}, {"code": "O*"}),
    )
    assert stated_rules(Recipe("cart", given=given, constraints=constraints)) == (
        Rule("given", "a = x"),
        Rule("given", "b is missing"),
        Rule("given", "c ∈ {I48.*, I50.*}"),
        Rule("given", "d ≥ 1.5"),
        Rule("given", "e = true"),
        Rule("order", "a ≤ b"),
        Rule("range", "2025-01-01 ≤ a ≤ 2025-02-01"),
        Rule("range", "b ≤ 3"),
        Rule("determines", "plz → ags"),
        Rule("combinations", "a, b"),
        Rule("never", "code = O*", where="sex = male; 0 ≤ age ≤ 9"),
    )
    assert speak("de").put("b is missing") == "b fehlt"


def test_two_inputs_with_the_same_table_give_the_same_report_byte_for_byte() -> None:
    """What differs between two inputs is what the search decided (levels, treatments) and the rows' order."""
    facts = drawn_facts()
    levels = tuple(
        replace(each, level=2, height=4, highest_level=3, level_name="decade", treatment="clipped to 1…2")
        for each in facts.table.columns
    )
    other = replace(facts, table=replace(facts.table, frame=DRAWN.reverse(), columns=levels))
    assert release_report(facts) == release_report(other)
    both = both_facts()
    assert release_report(both) == release_report(
        replace(both, frame=both.frame.reverse(), synthetic=other.table)
    )


def test_the_report_s_facts_have_no_room_for_figures_of_the_input_or_of_the_run() -> None:
    told = {each.name for kind in (SyntheticFacts, SyntheticTable, Synthesis) for each in fields(kind)}
    assert told == {
        *("name", "table", "consent", "reference_date", "reviewed", "language", "frame", "columns"),
        *("synthesis", "tables", "method", "fit_on", "privacy", "rules", "criteria", "filtered"),
        *("distilled", "fewest"),
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"fit_on": "anonymised", "privacy": Privacy(1.0, 1e-6)},
        {"fit_on": "original", "criteria": (K2,)},
    ],
)
def test_settings_that_contradict_one_another_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Synthesis("cart", **wrong)  # type: ignore[arg-type]


def test_no_value_of_a_cell_and_no_foreign_markup_stands_in_the_report() -> None:
    named = replace(drawn_facts(), name=HOSTILE)
    page = Page(release_report(named))
    assert not page.all("script")
    assert "[50, 54]" not in page.text


def test_of_events_each_table_and_its_columns_are_named() -> None:
    text = text_of(drawn_events_facts())
    assert "2 people and 3 events in 2 linked tables, all drawn." in text
    assert "synthetic_diagnoses" in text


def test_both_tables_stand_in_one_report_and_only_one_of_them_keeps_the_criteria() -> None:
    text = text_of(both_facts())
    assert "Both privacy criteria are met" in text
    assert "The release also holds a synthetic table, synthetic_small: 6 rows in 4 columns." in text
    assert "The synthetic table does not carry them" in text
    assert "Two tables about the same people" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("synthesis", [OF_ORIGINAL, PRIVATE], ids=lambda each: each.method)
def test_both_tables_of_the_same_original_come_with_a_warning_on_the_first_page(
    synthesis: Synthesis, language: str
) -> None:
    html = release_report(replace(both_facts(synthesis), language=language))
    warning = {"en": "Two tables about the same people", "de": "Zwei Tabellen über dieselben Personen"}
    assert html.index(warning[language]) < html.index('id="verdict"')


@pytest.mark.parametrize(("language", "said"), [("en", "1 row in 1 column."), ("de", "1 Zeile in 1 Spalte.")])
def test_one_row_in_one_column_is_singular(language: str, said: str) -> None:
    facts = drawn_facts()
    small = replace(facts.table, frame=DRAWN[["sex"]][:1], columns=facts.table.columns[:1])
    assert said in text_of(replace(facts, table=small, language=language))


# figures that a threshold may name ------------------------------------------------------------------


def test_thresholds_know_the_attacks_on_synthetic_tables_and_no_diagnostic() -> None:
    told = {name.removeprefix("synthetic.") for name in SYNTHETIC_FIGURES}
    assert told == {*ATTACKS, "membership_tpr_1_isolated", "membership_auc", "cone_flagged"} - {
        "dcr",
        "minimality",
    }
    assert not SYNTHETIC_FIGURES & ATTACK_FIGURES


@cache
def scene(name: str, held: int = 400) -> tuple[Assessment, Findings]:
    return reported(name, held=held)


def test_every_figure_a_threshold_may_name_is_among_those_of_a_synthetic_table() -> None:
    assessment, _ = scene("good")
    assert assessment.figures.keys() >= SYNTHETIC_FIGURES
    assert assessment.table == "synthetic"
    assert assessment.suppressed is None
    assert json.loads(assessment.to_json()) == assessment.as_dict()


@pytest.mark.parametrize("held", [400, 0])
def test_what_cannot_be_said_of_a_synthetic_table_is_not_estimated_and_never_0(held: int) -> None:
    assessment, found = scene("good", held)
    told = assessment.figures
    assert told["synthetic.suppressed_share"].value is None
    assert told["synthetic.membership_tpr_1"].value is None
    assert "not estimated" in told["synthetic.membership_tpr_1"].method
    (copies,) = (each for each in found.attacks if each.name == "copies_exact")
    assert copies.headline.control is not None
    assert (copies.headline.control.value is None) is (held == 0)
    (judged,) = judge(told, {"synthetic.membership_tpr_1": 0.5})
    assert judged.outcome == "not computed"


def test_the_bad_generator_is_told_from_the_good_one() -> None:
    figure = {
        (name, short): scene(name)[0].figures[f"synthetic.{short}"].value or 0.0
        for name in ("overfitted", "independent", "good")
        for short in ("cone_flagged", "copies_near", "attribute_inference")
    }
    for short in ("cone_flagged", "copies_near", "attribute_inference"):
        assert figure["overfitted", short] > 0.4
        assert figure["good", short] < 0.2
        assert figure["independent", short] < 0.2


def test_figures_of_both_tables_stand_in_one_file() -> None:
    one, other = small_assessment(), drawn_assessment()
    both = with_figures_of(one, other)
    assert both.figures["original.prosecutor_max"] == one.figures["original.prosecutor_max"]
    assert both.figures["synthetic.cone_flagged"] == other.figures["synthetic.cone_flagged"]
    assert {"anonymised.marketer", "synthetic.marketer"} <= both.figures.keys()
    assert both.table == "anonymised"
    backwards = with_figures_of(other, one)
    assert backwards.table == "synthetic"
    assert backwards.figures["anonymised.marketer"] == one.figures["anonymised.marketer"]


def test_a_threshold_of_one_table_is_no_limit_in_the_other_s_report() -> None:
    limits = {"anonymised.copies_exact": 0.5}
    of_anonymised, of_synthetic = (
        risk_report(each, small_context(thresholds=limits), drawn_findings()[0])
        for each in (small_assessment(), drawn_assessment())
    )
    line = 'stroke="#a3231f" stroke-width="1.6" stroke-dasharray="3 1.5"'
    legend = 1
    assert of_anonymised.count(line) > legend
    assert of_synthetic.count(line) == legend


def test_the_classes_of_a_synthetic_table_are_rows_and_those_of_the_original_people() -> None:
    people = population(6, 1)
    comparison = replace(
        synthetic(people, rows=6, held=0),
        people=np.array([0, 0, 1, 1, 2, 2]),
        holdout=None,
        holdout_people=None,
    )
    before, after = classes(comparison)
    assert int(before.rows.sum()) == int(after.rows.sum()) == 6
    assert int(after.people.sum()) == 6
    empty = replace(comparison, released=people[:0])
    assert classes(empty)[1].records == 0
    assert assess_synthetic(empty, Findings()).figures["synthetic.prosecutor_max"].value is None


def test_full_attacks_fit_the_model_again_and_quick_ones_do_not() -> None:
    comparison, calls = generated("good"), []

    def refit(rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
        calls.append(rows.height)
        return rows.sample(rows.height, with_replacement=True, seed=int(rng.integers(1 << 30)))

    small = comparison.narrowed(["age", "sex"])
    find(small, *classes(small), Search("quick"), refit=refit)
    assert calls == []
    find(small, *classes(small), Search("full"), refit=refit)
    assert len(calls) == SHADOWS


# twins ----------------------------------------------------------------------------------------------


def test_every_figure_of_a_twin_says_so_and_reasons_stay_reasons() -> None:
    _, found = scene("good")
    twin = of_twin(found)
    assert twin.is_twin
    assert not found.is_twin
    told = figures(twin, "synthetic")
    for name, figure in figures(found, "synthetic").items():
        is_twin = name.startswith("synthetic.") and figure.low is not None
        assert (TWIN in told[name].method) is is_twin, name
        assert replace(told[name], method="") == replace(figure, method="")
    assert twin.utility is not None
    assert TWIN in twin.utility.figures["total_variation"].method
    assert TWIN not in twin.utility.figures["total_variation"].method.partition("; ")[0]


@pytest.mark.parametrize(
    ("language", "mark", "told"),
    [
        ("en", "twin", "Twin: a model fitted on 80% of the people, of the same method"),
        (
            "de",
            "Zwilling",
            "Zwilling: ein Modell desselben Verfahrens, das aus 80 % der Personen gelernt hat",
        ),
    ],
)
def test_on_the_first_page_every_figure_of_a_twin_is_marked(language: str, mark: str, told: str) -> None:
    assessment, found = scene("good")
    twin = of_twin(found)
    html = risk_report(assess_synthetic(generated("good"), twin), drawn_context(language=language), twin)
    first = html.partition('id="settings"')[0]
    assert told in Page(first).text
    # the three first numbers, as many dials as are estimated, and the price
    assert first.count(f'<span class="twin">{mark}</span>') == 3 + first.count('id="dial-') // 2 + 1
    assert {"en": "The twin drew 400 rows", "de": "400 Zeilen vom Zwilling gezogen"}[language] in Page(
        first
    ).text
    plain = risk_report(assessment, drawn_context(language=language), found)
    assert 'class="twin"' not in plain
    assert told not in Page(plain).text
    utility = utility_report(small(twin), drawn_context(language=language), is_twin=True)
    assert utility.count(f'<span class="twin">{mark}</span>') == 3
    assert told in Page(utility).text


def small(found: Findings) -> object:
    assert found.utility is not None
    return found.utility


# two models -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_distillation_changed_stands_in_a_table(language: str) -> None:
    found = replace(scene("good")[1], compared=compared(scene("overfitted")[1], scene("good")[1]))
    assessment, _ = scene("good")
    assert found.compared is not None
    assert "dcr" not in found.compared.first
    assert {"copies_near", "cone_flagged", "total_variation", "two_sample"} <= found.compared.first.keys()
    html = risk_report(assessment, drawn_context(language=language), found)
    section = html.partition('id="compared"')[2].partition("</section>")[0]
    assert section.count("<tr>") == len(found.compared.first) + 1
    assert {"en": "Distillation adds no guarantee", "de": "Destillation fügt keine Garantie"}[
        language
    ] in section
    assert 'id="compared"' not in risk_report(assessment, drawn_context(), replace(found, compared=None))


def test_a_figure_that_only_one_model_has_is_not_compared() -> None:
    _, found = scene("good")
    assert compared(found, Findings()) == Compared({}, {})
    with pytest.raises(ValueError, match="same figures"):
        Compared({"linkage": exact(0.1, 9, "counted")}, {})
    halves = Figure(0.5, 0.4, 0.6, 9, "drawn")
    html = risk_report(
        drawn_assessment(),
        drawn_context(),
        Findings(compared=Compared({"linkage": halves}, {"linkage": exact(0.1, 9, "counted")})),
    )
    assert "Linkage with outside data 50% (40%–60%) 10% −40 percentage points" in Page(html).text


# in the house ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("name", "held"), [("overfitted", 400), ("independent", 400), ("good", 400), ("good", 0)]
)
def test_reports_of_every_generator_can_be_written(name: str, held: int, language: str) -> None:
    assessment, found = scene(name, held)
    context = drawn_context(language=language)
    assert found.utility is not None
    for html in (risk_report(assessment, context, found), utility_report(found.utility, context)):
        assert len(html.encode()) < MOST_BYTES
        assert "None" not in Page(html).text
        assert "nan" not in Page(html).text.split()


def test_no_row_of_a_synthetic_table_is_taken_for_a_person() -> None:
    text = Page(risk_report(drawn_assessment(), drawn_context(), drawn_findings()[0])).text
    assert "6 rows drawn; the original has 8 rows." in text
    assert "No row of a synthetic table is a person." in text
    assert "Anonymised" not in text
    assert "Rows suppressed" not in text
    assert "control: people held out" in text
    assert "cells merged main diagnosis 41" in text
    filtered = "that few are left is no finding"
    assert filtered in text
    unfiltered = drawn_context(synthesis={"filter": "none"})
    assert filtered not in Page(risk_report(drawn_assessment(), unfiltered, drawn_findings()[0])).text


def test_what_is_said_of_linked_and_anonymised_tables_has_not_changed() -> None:
    text = Page(risk_report(small_assessment(), small_context(), drawn_findings()[0])).text
    assert "8 rows in, 7 rows out, 1 suppressed." in text
    assert "Anonymised" in text
    assert "control: without the person" in text
    assert "How the table was made" not in text


def test_criteria_may_be_of_the_anonymised_table_alone() -> None:
    weak = CriterionResult("t-closeness", "crp", {"t": 0.2, "distance": "ordered"}, 0.1, "attested")
    text = text_of(drawn_facts(replace(OF_ANONYMISED, criteria=(weak,))))
    assert "0.2-closeness of crp, ordered distance" in text
    assert "reached" not in text
