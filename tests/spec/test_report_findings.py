"""What the reports make of findings: dials, the price in utility, sections, and what was not estimated."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from risk import ClassSizes, assess, risk_report, utility_report
from risk.figures import Figure, exact, not_estimated, share
from risk.reports import attack_rows, group_rows, scales, utility_rows
from risk.reports.words import speak
from risk.results import Attack, Findings, Frontier, Group, Marked, Survival, Utility
from tests.report_findings import (
    ATTACKS,
    NOBODY_HELD_OUT,
    marked,
    small_associations,
    small_attacks,
    small_findings,
    small_frontier,
    small_groups,
    small_utility,
)
from tests.report_scenes import HOSTILE, Page, small_assessment, small_context

EN, DE = speak("en"), speak("de")


def risk(findings: Findings | None, **context: object) -> Page:
    return Page(risk_report(small_assessment(), small_context(**context), findings))


def attack(name: str, hits: int, control: int | None, **changed: object) -> Attack:
    found = marked(hits, control or 0)
    found = found if control is not None else replace(found, control=NOBODY_HELD_OUT)
    return Attack(**{"name": name, "heading": "linkability", "headline": found, **changed})


# The first page


def test_the_first_page_has_a_verdict_then_three_dials_then_the_price() -> None:
    text = risk(small_findings()).text
    parts = (
        "1 of 2 risk thresholds failed",
        "The three risks of WP216",
        "Singling out Can one person’s records be isolated?",
        "Linkability Can records about one person be brought together?",
        "Inference Can something be concluded about a person from the release?",
        "The price in utility",
        "Information loss, loss 31.4%",
        "Risk before and after",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_a_dial_shows_the_attack_farthest_above_its_control() -> None:
    attacks = (attack("linkage", 200, 190), attack("membership", 40, 8), attack("minimality", 90, 100))
    chosen = attack_rows.largest(attacks, "linkability")
    assert chosen is not None
    assert chosen.name == "membership"
    (_, dial, _) = attack_rows.dials(attacks, {}, EN)
    assert (dial.number, dial.interval, dial.attack) == ("10%", "7.43%–13.3%", "Membership inference")


def test_a_diagnostic_is_never_a_dial() -> None:
    dcr = attack("dcr", 400, 0, is_diagnostic=True)
    chosen = attack_rows.largest((dcr, attack("linkage", 10, 9)), "linkability")
    assert chosen is not None
    assert chosen.name == "linkage"
    assert attack_rows.largest((dcr,), "linkability") is None


def test_where_no_control_is_estimated_an_attack_is_ranked_above_its_floor() -> None:
    assert attack_rows.excess(attack("linkage", 40, None).headline) == pytest.approx(0.1 - 0.02)
    assert attack_rows.excess(Marked(exact(0.25, 4, "counted"))) == 0.25
    assert attack_rows.excess(Marked(NOBODY_HELD_OUT)) is None


@pytest.mark.parametrize(
    ("hits", "control", "told"),
    [
        (100, 20, "20 percentage points above the control (5%): more than the intervals explain."),
        (44, 40, "1.0 percentage point above the control (10%); the intervals overlap"),
        (40, 44, "Not above the control (11%)"),
        (40, None, "No control is estimated"),
    ],
)
def test_a_verdict_claims_no_more_than_the_intervals_show(hits: int, control: int | None, told: str) -> None:
    assert told in attack_rows.verdict(attack("linkage", hits, control).headline, EN)


def test_a_verdict_tells_what_was_counted_from_what_was_estimated_and_what_the_floor_reaches_too() -> None:
    counted = Marked(exact(0.5, 8, "counted"), exact(0.1, 8, "counted"), exact(0.2, 8, "counted"))
    assert attack_rows.verdict(counted, EN) == "40 percentage points above the control (10%)."
    at_floor = replace(counted, floor=exact(0.5, 8, "counted"))
    assert "Independent columns reach it as well" in attack_rows.verdict(at_floor, EN)


def test_a_heading_without_an_attack_or_an_estimate_says_so_and_is_never_0() -> None:
    only = Attack("linkage", "linkability", Marked(NOBODY_HELD_OUT))
    singling_out, linkability, _ = attack_rows.dials((only,), {}, EN)
    assert (singling_out.number, singling_out.scale) == ("not estimated", None)
    assert singling_out.verdict == "No attack of this kind was run."
    assert linkability.verdict == "not estimated: needs people who were held out"
    assert "not estimated: needs people who were held out" in risk(Findings((only,))).text


def test_a_dial_draws_value_interval_marks_and_limit_to_scale() -> None:
    found = scales.scale(marked(100, 20), EN, identifier="x", title="X", limit=0.5)
    value, control, floor, ceiling, bootstrap = found.marks
    assert [mark.kind for mark in found.marks] == list(scales.KINDS)
    assert (value.at, control.at, floor.at, ceiling.at) == (80.0, 24.0, 15.6, 290.0)
    assert bootstrap.at == 186.4
    assert value.low is not None
    assert value.high is not None
    assert value.low < 80.0 < value.high
    assert found.limit == 150.0
    assert "this release: 25% (21%–29.5%); control: without the person: 5%" in found.told


@pytest.mark.parametrize(("high", "end"), [(0.9, "1"), (1.3, "2"), (3.6, "4"), (19.0, "20"), (401.0, "500")])
def test_a_scale_that_is_no_share_ends_at_a_round_number(high: float, end: str) -> None:
    found = scales.scale(Marked(exact(high, 9, "x")), EN, identifier="x", title="X", is_share=False)
    assert found.ticks[-1].text == end


def test_a_configured_limit_of_an_attack_is_drawn_on_its_scale() -> None:
    found = Findings((attack("linkage", 100, 20),))
    with_limit = risk(found, thresholds={"anonymised.linkage": 0.5})
    without = risk(found, thresholds={})
    drawn = [path for path in with_limit.all("path") if (path.get("d") or "").startswith("M150.0 2V42")]
    assert len(drawn) == 2  # the dial and the attack's own section
    assert not [path for path in without.all("path") if (path.get("d") or "").startswith("M150.0 2V42")]
    assert "Linkage with outside data : no figure, limit 50%" in with_limit.text


def test_a_population_gives_the_journalist_risks_of_his_own() -> None:
    before, after = (ClassSizes(np.array(c), np.array(c)) for c in ([1, 2, 2, 3], [2, 2, 3]))
    known = assess(before, after, suppressed=1, rows_in=8, population=1000)
    text = Page(risk_report(known, small_context())).text
    assert "no population given" not in text
    assert re.search(r"Journalist: largest [0-9.]+% \([0-9.]+% to 100%\) [0-9.]+% [0-9.]+% to 50%", text)
    assert "Journalist: records with a risk above 5%" in text
    assert "Journalist: largest (no population given: the prosecutor’s) 100% 50%" in risk(None).text


# The sections below


def test_every_attack_has_a_section_that_explains_it_and_says_what_it_does_not_promise() -> None:
    page = risk(small_findings())
    headings = {a["id"] for a in page.all("h3") if "id" in a}
    assert headings == {f"attack-{name}" for name in (*ATTACKS, "dcr")}
    for name in (*ATTACKS, "dcr"):
        for kind in ("title", "counts", "means", "example", "not", "source"):
            assert EN.say(f"attacks.{name}.{kind}") in page.text


def test_parts_of_an_attack_stand_in_a_table_with_what_is_not_estimated() -> None:
    text = risk(Findings(small_attacks())).text
    assert "the most isolated records 15% 11.8%–18.8% 5% 2% 100%" in text
    assert "crp: gain not estimated: needs people who were held out" in text


def test_the_distance_to_the_closest_record_is_called_a_diagnostic() -> None:
    text = risk(Findings(small_attacks())).text
    assert "Distance to the closest record diagnostic 1.31 1.18–1.44 1.28" in text
    assert "A diagnostic, no measure of risk" in text


def test_an_attack_without_words_keeps_its_name() -> None:
    text = risk(Findings((attack("brand_new", 40, 20),))).text
    assert "brand new" in text


def test_a_figure_of_an_attack_is_known_by_the_attack_s_words() -> None:
    parts = {"membership_auc": marked(200, 190), "crp.accuracy": marked(3, 2), "x.y": marked(3, 2)}
    (shown,) = attack_rows.sections((attack("membership_tpr_1", 40, 8, parts=parts),), {}, EN)
    assert shown.title == "Membership inference"
    assert "that person is in the data" in shown.texts["means"]
    labels = [part.label for part in shown.parts]
    assert labels == ["area under the ROC curve (50% is guessing)", "crp: guessed correctly", "x.y"]


def test_a_cone_that_was_not_measured_says_why_and_draws_nothing() -> None:
    nothing = np.array([])
    page = risk(Findings(frontier=Frontier(0.0, 0.05, NOBODY_HELD_OUT, nothing, nothing)))
    assert "Cone of Privacy not estimated: needs people who were held out" in page.text
    assert "cone-frontier-title" not in {a.get("id") for _, a in page.elements}


def test_attacks_on_a_twin_are_labelled() -> None:
    assert "on a twin of the release" in risk(replace(small_findings(), is_twin=True)).text
    assert "on a twin of the release" not in risk(small_findings()).text


def test_the_cone_tells_its_frontier_in_words_and_that_it_is_no_proof() -> None:
    html = risk_report(small_assessment(), small_context(), Findings(frontier=small_frontier()))
    assert "2.25% of the released records are flagged" in html
    assert "strength 0: 99.7% flagged; strength 0.1: 98.2% flagged" in html
    assert "It is a filter, no proof" in html


def test_groups_of_figures_show_values_intervals_bounds_and_reasons() -> None:
    text = risk(Findings(groups=small_groups())).text
    assert "Unique in the population, Zayatz 0.4% —" in text
    assert (
        "Unique in the population, SNB not estimated — not estimated: the equations have no solution" in text
    )
    assert "Journalist: records with a risk above 5% 1%" in text
    assert "Records unique on 2 columns: original 12%" in text
    assert "Distinct values (l), fewest Largest belief, 1 value ruled out diagnosis 2 75%" in text
    assert "Distinction: exact: combinations / records" in text
    assert "sex, age 21%" in text
    assert "something new" in text
    assert "unheard of 50%" in text


def test_a_figure_known_by_bounds_alone_shows_them() -> None:
    group = Group("uniqueness", {"anonymised.sample_uniqueness": Figure(None, None, 0.02, 9, "bounds: few")})
    assert group_rows.shown(group, EN).rows[0].number == "at most 2%"


def test_figures_of_many_measures_or_columns_stand_in_a_table_as_far_as_it_has_room() -> None:
    def shown(measures: int, columns: int) -> group_rows.Shown:
        names = [f"original.belief_{m}.c{c}" for m in range(measures) for c in range(columns)]
        return group_rows.shown(Group("beliefs", dict.fromkeys(names, exact(0.5, 4, "counted"))), EN)

    few_measures, few_columns = shown(3, 9).matrix, shown(9, 6).matrix
    assert few_measures is not None
    assert few_columns is not None
    assert few_measures.rows[0] == ("c0", ("50%",) * 3)
    assert few_columns.heads == tuple(f"c{c}" for c in range(6))
    assert shown(9, 9).matrix is None
    assert len(shown(9, 9).rows) == 81


def test_a_bound_of_what_is_no_share_is_no_percentage() -> None:
    figure = Figure(None, 6.55, None, 9, "unbounded: a class lacks a value of the input")
    assert group_rows.shown(Group("beliefs", {"delta.x": figure}), EN).rows[0].number == "at least 6.55"


def test_what_was_not_computed_has_no_section() -> None:
    page = risk(Findings())
    identifiers = {a.get("id") for _, a in page.elements}
    assert not identifiers & {"dials", "attacks", "cone"}
    assert "price" not in {a.get("id") for _, a in risk(None).elements}
    assert {"compare", "sizes", "run", "example", "mapping"} <= identifiers


def test_the_worked_example_counts_what_it_says() -> None:
    text = risk(None).text
    assert "k-anonymity and l-diversity on five rows" in text
    assert "1 female 40–44 I50 3 1/3 2 female 40–44 I21 3 1/3" in text
    assert "5 male 40–44 E11 2 1/2" in text
    for rule in ("GDPR, recital 26", "WP216 (Opinion 05/2014)", "EMA policy 0070", "ISO/IEC 27559:2022"):
        assert rule in text


# The utility report


def utility(found: Utility, **context: object) -> str:
    return Page(utility_report(found, small_context(**context))).text


def test_the_utility_report_says_first_what_is_left() -> None:
    text = utility(small_utility())
    assert "A classifier assigns 58% of the rows correctly; 50% would be guessing" in text
    assert "distributions differ by 6.25% on average (total variation), most in age: 11%." in text
    assert "of death (AUC): 0.71 trained on the release, 0.78 trained on real data." in text
    assert "3 of 5 coefficients have overlapping confidence intervals." in text
    assert "the curves are at most 3.4% apart (days)." in text


def test_a_classifier_that_may_be_guessing_tells_nothing_apart() -> None:
    as_real = replace(small_utility(), two_sample=Marked(share(206, 400, "told")))
    assert "A classifier does not tell the release from the original" in utility(as_real)
    unknown = replace(small_utility(), two_sample=Marked(not_estimated("too few rows")))
    assert "What is left of the data’s value" in utility(unknown)


def test_columns_pairs_predictions_and_coefficients_stand_in_tables() -> None:
    text = utility(small_utility())
    assert "age 11% 8.3%–14.4% 2.25% — sex 1.5% 0.69%–3.23% — 100%" in text
    assert "diagnosis not estimated — — 90%" in text
    assert "death logistic regression AUC 0.71 0.68–0.74 0.78 0.75–0.81 0.5" in text
    assert "crp something new R² not estimated — not estimated — —" in text
    assert "sex[M] −0.9 (−1.2 to −0.6) 0.42 (0.2 to 0.64) −40%" in text
    assert "const −0.9 (−1.2 to −0.6) — not estimated" in text
    assert "F original 200 140 180" in text
    assert "loss 31.4% precision 41%" in text


def test_the_pairs_that_changed_most_come_first() -> None:
    found = small_associations()
    first, *_ = utility_rows.pairs(found, EN)
    change = np.abs(found.released - found.original)
    row, column = np.unravel_index(np.argmax(np.triu(change, 1)), change.shape)
    assert first.columns == f"{found.columns[row]} · {found.columns[column]}"


def test_of_many_columns_the_heat_map_names_none() -> None:
    many = replace(small_utility(), associations=small_associations(40))
    html = utility_report(many, small_context())
    assert html.count(">x7<") == 0
    assert len(html.encode()) < 3_000_000


def test_nothing_measured_is_said_and_has_no_section() -> None:
    page = Page(utility_report(Utility({}), small_context()))
    assert "No measure of utility was taken." in page.text
    assert not page.all("table")


def test_what_was_asked_for_and_is_not_estimated_is_shown_with_its_reason() -> None:
    why = not_estimated("the release does not tell crp")
    curves = Survival("days", "death", (), not_estimated("no group has 20 people in both tables"))
    found = Utility(
        {"overlap.crp ~ age": why, "overlap.crp ~ age.floor": why, "two_sample.auc": exact(0.5, 9, "x")},
        survival=(curves,),
    )
    text = utility(found)
    assert (
        "Named model, overlap of confidence intervals: crp ~ age not estimated — "
        "not estimated: the release does not tell crp" in text
    )
    assert "Survival curves, largest distance: days.death not estimated —" in text
    assert "no group has 20 people in both tables" in text
    assert "Classifier two-sample test: auc 50% —" in text
    assert "crp ~ age.floor" not in text
    told = utility_report(small_utility(), small_context())
    assert 'id="further"' not in told


def test_a_column_s_name_breaks_at_its_underscores_alone() -> None:
    html = utility_report(
        replace(small_utility(), differences=(replace(small_utility().differences[0], column="a_<b>_c"),)),
        small_context(),
    )
    assert "a_<wbr>&lt;b&gt;_<wbr>c" in html


def test_german_numbers_and_words_stand_in_both_internal_reports() -> None:
    assert "Ein Klassifikator ordnet 58 % der Zeilen richtig zu" in utility(small_utility(), language="de")
    text = risk(small_findings(), language="de").text
    assert "18 Prozentpunkte über der Kontrolle (45 %): mehr, als die Intervalle erklären." in text
    assert "nicht geschätzt: dazu müssten Personen zurückgehalten worden sein" in text


def test_hostile_names_are_escaped_in_findings() -> None:
    """Case 50: an attack's part, a figure, a column, a model, a group that is called ``<script>``."""
    found = Findings(
        (attack(HOSTILE, 40, 20, parts={HOSTILE: marked(3, 2)}),),
        groups=(Group(HOSTILE, {HOSTILE: exact(0.5, 4, HOSTILE)}),),
    )
    one = small_utility()
    hostile = replace(
        one,
        differences=tuple(replace(each, column=HOSTILE) for each in one.differences),
        associations=replace(small_associations(), columns=(HOSTILE,) * 5),
        coefficients=tuple(replace(each, model=HOSTILE, term=HOSTILE) for each in one.coefficients),
        survival=tuple(replace(each, time=HOSTILE, event=HOSTILE) for each in one.survival),
        losses={HOSTILE: exact(0.5, 4, HOSTILE)},
    )
    for html in (
        risk_report(small_assessment(), small_context(), found),
        utility_report(hostile, small_context()),
    ):
        page = Page(html)
        assert not page.all("script")
        assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
