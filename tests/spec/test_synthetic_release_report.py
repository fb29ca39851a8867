"""The release report of a synthetic table: what it says, and what it never says."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from typing import Literal

import pytest

from release.describing.stated_rules import stated_rules
from risk import release_report
from risk.facts import CriterionResult, Privacy, ReleaseFacts, Rule, Synthesis, SyntheticFacts, SyntheticTable
from risk.reports.words import LANGUAGES, speak
from synth.recipe import Between, Combinations, Determines, Never, Order, Range, Recipe
from tests.report_scenes import HOSTILE, K2, Page
from tests.synthetic_scenes import (
    DRAWN,
    OF_ANONYMISED,
    OF_ORIGINAL,
    PRIVATE,
    both_facts,
    drawn_events_facts,
    drawn_facts,
)

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


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_does_not_say_that_attacks_were_made_for_it_cannot_know(language: str) -> None:
    text = text_of(drawn_facts(OF_ANONYMISED, language=language))
    said = {
        "en": "empirical only: nothing is proven; what is known of the table is what attacks on it find.",
        "de": "nur Erfahrung: Bewiesen ist nichts; von der Tabelle ist bekannt, was Angriffe auf sie finden.",
    }
    assert said[language] in text
    for made in ("attacks found", "they found", "gefunden haben"):
        assert made not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fit_on", ["anonymised", "original"])
@pytest.mark.parametrize("filtered", [True, False])
def test_what_distillation_left_out_is_said_without_a_filter_too(
    language: str, fit_on: Literal["anonymised", "original"], filtered: bool
) -> None:
    synthesis = Synthesis("cart", fit_on, filtered=fit_on if filtered else None, distilled=True, fewest=5)
    text = text_of(drawn_facts(synthesis, language=language))
    table = speak(language).say(f"synthetic.made.learned.{fit_on}")
    made = {
        "en": f"what lay inside somebody’s Cone of Privacy (compared with {table}) was left out before",
        "de": f"was im Cone of Privacy von jemandem lag (verglichen mit {table}), wurde weggelassen",
    }
    limit = {
        "en": "What a first model drew inside somebody’s",
        "de": "Was ein erstes Modell im Cone of Privacy",
    }
    assert made[language] in text
    assert limit[language] in text
    undistilled = text_of(drawn_facts(replace(synthesis, distilled=False), language=language))
    assert "Cone of Privacy" not in undistilled


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


def test_criteria_may_be_of_the_anonymised_table_alone() -> None:
    weak = CriterionResult("t-closeness", "crp", {"t": 0.2, "distance": "ordered"}, 0.1, "attested")
    text = text_of(drawn_facts(replace(OF_ANONYMISED, criteria=(weak,))))
    assert "0.2-closeness of crp, ordered distance" in text
    assert "reached" not in text
