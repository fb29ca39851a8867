"""Internal reports of synthetic tables: figures with thresholds, twins, two models of one table."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from risk import Assessment, risk_report, utility_report
from risk.assessment import ATTACK_FIGURES, ATTACKS, SYNTHETIC_FIGURES, judge
from risk.attacks.shadows import SHADOWS
from risk.figures import Figure, exact
from risk.finding import Search, figures, find
from risk.reports.words import LANGUAGES, speak
from risk.results import Attack, Compared, Findings, Marked
from risk.synthetic import TWIN, assess_synthetic, classes, compared, of_twin, with_figures_of
from tests.attack_scenes import population, synthetic
from tests.report_scenes import Page, small_assessment, small_context
from tests.synthetic_scenes import (
    drawn_assessment,
    drawn_context,
    drawn_findings,
    generated,
    reported,
)

MOST_BYTES = 3_000_000


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

    def refit(rows: pl.DataFrame, people: NDArray[np.int64], rng: np.random.Generator) -> pl.DataFrame:
        assert len(people) == rows.height
        calls.append(rows.height)
        return rows.sample(rows.height, with_replacement=True, seed=int(rng.integers(1 << 30)))

    small = comparison.narrowed(["age", "sex"])
    find(small, *classes(small), Search("quick"), refit=refit)
    assert calls == []
    found = find(small, *classes(small), Search("full"), refit=refit)
    stated = {
        part
        for attack in found.attacks
        for part in speak("de").marked(attack.headline.figure.method).split("<span")[1:]
    }
    assert stated == set()
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
    assert speak("de").put(TWIN).startswith("eines Zwillings")


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
    released = {
        "en": "The released table has 10,000 rows.",
        "de": "Die freigegebene Tabelle hat 10.000 Zeilen.",
    }
    assert released[language] in Page(first).text
    plain = risk_report(assessment, drawn_context(language=language), found)
    assert released[language] not in Page(plain).text
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


NO_WIDTH = {
    "en": ("could flag nothing", "it protects nobody", "Distillation has left nothing out"),
    "de": ("konnte nichts markieren", "Er schützt niemanden", "Die Destillation hat nichts weggelassen"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("making", "said"),
    [
        ({"filter": "cone", "distil": False, "cone_width": 0.0}, (True, True, False)),
        ({"filter": "none", "distil": True, "cone_width": 0.0}, (True, False, True)),
        ({"filter": "cone", "distil": True, "cone_width": 0.125}, (False, False, False)),
        ({"filter": "none", "distil": False}, (False, False, False)),
    ],
)
def test_a_cone_without_width_is_said_to_have_flagged_nothing(
    making: dict[str, object], said: tuple[bool, ...], language: str
) -> None:
    context = drawn_context(language=language, synthesis=making)
    text = Page(risk_report(drawn_assessment(), context, drawn_findings()[0])).text
    assert tuple(part in text for part in NO_WIDTH[language]) == said
    drawn_again = {"en": "drawn again by the filter", "de": "zog der Filter neu"}[language]
    assert (drawn_again in text) is (making["filter"] == "cone" and bool(making["cone_width"]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_distillation_that_left_nothing_out_says_so_beside_its_figures(language: str) -> None:
    making = {"filter": "none", "distil": True, "cone_width": 0.0}
    context = drawn_context(language=language, synthesis=making)
    html = risk_report(drawn_assessment(), context, drawn_findings()[4])
    section = Page(html.partition('id="compared"')[2].partition("</section>")[0]).text
    assert NO_WIDTH[language][2] in section


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "are equal by chance"), ("de", "gleichen sich durch Zufall: Wie oft, misst")],
)
def test_copies_that_are_mostly_chance_are_called_so_on_the_first_page(language: str, said: str) -> None:
    copies = [
        Attack("copies_exact", "singling-out", Marked(exact(0.1, 400, "rows"), exact(share, 400, "outside")))
        for share in (0.09, 0.01)
    ]
    texts = [
        Page(risk_report(drawn_assessment(), drawn_context(language=language), Findings((each,)))).text
        for each in copies
    ]
    assert [said in text for text in texts] == [True, False]


def test_what_is_said_of_linked_and_anonymised_tables_has_not_changed() -> None:
    text = Page(risk_report(small_assessment(), small_context(), drawn_findings()[0])).text
    assert "8 rows in, 7 rows out, 1 suppressed." in text
    assert "Anonymised" in text
    assert "control: without the person" in text
    assert "How the table was made" not in text
