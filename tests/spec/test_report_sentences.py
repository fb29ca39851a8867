"""What the risk report's sentences may claim: of gains, of whole classes, of bounds, of what is not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from risk import risk_report
from risk.facts import Language
from risk.figures import Figure, exact, not_estimated, share
from risk.reports import attack_rows, class_rows, wording
from risk.reports.words import LANGUAGES, speak
from risk.results import Attack, Findings, Group, Marked
from tests.report_scenes import Page, small_assessment, small_context

EN = speak("en")


def risk(findings: Findings) -> Page:
    return Page(risk_report(small_assessment(), small_context(), findings))


def test_a_figure_that_is_a_gain_says_so_and_wants_no_control() -> None:
    gain = Figure(0.02, 0.01, 0.03, 400, "share guessed right above the share where the person cannot matter")
    parts = {"crp": Marked(gain), "crp.all_else": Marked(replace(gain, value=0.72, low=0.7, high=0.74))}
    found = Attack("attribute_inference", "inference", Marked(gain), parts)
    *_, dial = attack_rows.dials((found,), {}, EN)
    assert dial.verdict.startswith(
        "A gain, in percentage points, over what is guessed without the person’s rows"
    )
    assert "No control" not in dial.verdict
    assert "no gain is shown" not in dial.verdict
    assert dial.knows == "The attacker knows the quasi-identifiers."
    assert dial.everything == "Who knows all other columns gains 72% (70%–74%)."
    assert [part.label for part in attack_rows.sections((found,), {}, EN)[0].parts] == [
        "crp: gain",
        "crp: gain of who knows all other columns",
    ]
    none = replace(found, headline=Marked(replace(gain, low=-0.01)))
    assert attack_rows.verdict_of(none, EN).endswith("The interval reaches 0, so that no gain is shown.")


def test_a_class_that_tells_everybody_s_value_is_no_privacy() -> None:
    """The reader's case: DiSCO is 100 % with a control of 100 %."""
    everybody = Marked(exact(1.0, 40, "one value"), exact(1.0, 40, "without the person"))
    found = Attack("disco", "inference", everybody, {"diagnosis": everybody})
    told = attack_rows.verdict_of(found, EN)
    assert "gains nothing" not in told
    assert "the value of 100% of the records, and of 100% where the person’s rows are not in it" in told
    beliefs = Group("beliefs", {"anonymised.belief_0.crp": exact(0.4, 40, "largest belief")})
    page = risk(Findings((found,), groups=(beliefs,)))
    line = (
        "What a class tells about everybody in it: ! of 100% of the records the diagnosis is read off the "
        "class (DiSCO) ; in some class the most frequent crp is true of 40% ."
    )
    assert line in page.text
    warned = class_rows.class_wide(Findings((found,), groups=(beliefs,)), EN)
    assert [each.is_warning for each in warned] == [True, False]
    assert class_rows.class_wide(Findings(), EN) == []


def test_a_dial_of_nothing_says_what_who_knows_everything_reaches() -> None:
    nothing = Marked(exact(0.0, 40, "no combination"), exact(0.0, 40, "without the person"))
    everything = Marked(share(94, 100, "predicates"))
    found = Attack("singling_out", "singling-out", nothing, {"all_attributes": everything})
    text = risk(Findings((found,))).text
    said = (
        "The attacker knows the quasi-identifiers. Not above the control (0%): this attack gains nothing "
        "from a person’s being in the data. Who knows every column reaches 94% (87.5%–97.2%)."
    )
    assert text.count(said) == 2  # the dial and the section


def test_nothing_gained_is_said_of_counts_alone() -> None:
    """Of few people the interval reaches far above the control: no gain is shown, and no more is known."""
    few = Marked(share(1, 20, "people"), share(2, 20, "held-out people"))
    found = Attack("linkage", "linkability", few, {})
    assert attack_rows.verdict_of(found, EN) == (
        "Not above the control (10%): no gain is shown, as far as the intervals tell."
    )
    assert "nicht gezeigt" in attack_rows.verdict_of(found, speak("de"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("marked", "key"),
    [
        (Marked(exact(0.1, 40, "a"), exact(0.2, 40, "b")), "not_above"),
        (Marked(exact(0.3, 40, "a"), exact(0.2, 40, "b")), "above_exact"),
        (Marked(share(1, 20, "a"), share(2, 20, "b")), "not_shown"),
        (Marked(share(1, 20, "a"), exact(0.2, 40, "b")), "not_shown"),
        (Marked(share(3, 20, "a"), share(2, 20, "b")), "unclear"),
        (Marked(share(90, 100, "a"), share(2, 100, "b")), "above"),
        (Marked(share(90, 100, "a")), "no_control"),
    ],
)
def test_both_languages_say_the_same_of_the_same_figure(marked: Marked, key: str, language: Language) -> None:
    words = speak(language)
    control = None if marked.control is None else wording.percent(marked.control.value or 0.0, words)
    difference = (marked.figure.value or 0.0) - (0.0 if marked.control is None else marked.control.value or 0)
    told = {"control": control, "points": attack_rows.points(difference, words)}
    assert attack_rows.verdict(marked, words) == words.say(f"attacks.verdict.{key}", **told)


@pytest.mark.parametrize(
    ("language", "said"), [("en", "the scale does not separate"), ("de", "Die Skala trennt nicht")]
)
def test_a_scale_whose_ends_do_not_differ_says_so_by_the_dial(language: Language, said: str) -> None:
    """The reader's case: predicates with a control of 100 %, and 0 % on either end."""
    nothing = exact(0.0, 40, "predicates")
    flat = Marked(share(0, 8, "predicates"), share(40, 40, "held out"), floor=nothing, ceiling=nothing)
    apart = replace(flat, ceiling=share(40, 40, "predicates"))
    words = speak(language)
    for marked, is_flat in ((flat, True), (apart, False), (replace(flat, floor=None), False)):
        found = Attack("singling_out", "singling-out", marked)
        assert (said in attack_rows.verdict_of(found, words)) is is_flat
        assert (said in attack_rows.dials((found,), {}, words)[0].verdict) is is_flat
    unknown = replace(flat, figure=not_estimated("needs rows"))
    assert said not in attack_rows.verdict_of(Attack("singling_out", "singling-out", unknown), words)


@pytest.mark.parametrize(
    ("language", "said"), [("en", "alike by chance"), ("de", "gleichen sich durch Zufall")]
)
def test_copies_of_coarse_rows_are_said_to_be_chance(language: Language, said: str) -> None:
    words, outside = speak(language), share(577, 1000, "held-out rows")
    found = Attack("copies_near", "singling-out", Marked(share(662, 1000, "rows"), outside))
    assert said in attack_rows.verdict_of(found, words)
    few = replace(found, headline=Marked(share(662, 1000, "rows"), share(3, 1000, "held-out rows")))
    tiny = replace(found, headline=Marked(share(2, 1000, "rows"), share(2, 1000, "held-out rows")))
    for other in (few, tiny, replace(found, name="linkage")):
        assert said not in attack_rows.verdict_of(other, words)


def test_a_figure_of_which_only_the_lower_end_is_known_is_at_least_that() -> None:
    bound = Marked(Figure(None, 0.04, None, 40, "lower end only"), exact(0.0, 40, "without"))
    found = Attack("singling_out", "singling-out", bound, {"all_attributes": bound})
    dial, *_ = attack_rows.dials((found,), {}, EN)
    assert dial.number == "at least 4%"
    assert dial.everything == "Who knows every column reaches at least 4%."
    assert attack_rows.excess(bound) == 0.04


def test_only_what_was_counted_is_called_an_exact_count() -> None:
    assert wording.interval(exact(0.2, 9, "counted")) == "exact count, no sampling"
    model = Figure(0.2, 0.2, 0.2, 9, "model: negative binomial")
    assert wording.interval(model) == "model: negative binomial"
    assert wording.with_interval(model) == "20%"
    assert wording.with_interval(replace(model, low=0.1, high=0.3)) == "20% (10% to 30%)"


def test_a_threshold_says_when_it_was_held_against_the_end_of_an_interval() -> None:
    figures = {"anonymised.linkage": share(40, 400, "x"), "anonymised.delta.crp": exact(1.7, 40, "x")}
    assessment = replace(small_assessment(), figures={**small_assessment().figures, **figures})
    limits = {"anonymised.linkage": 0.5, "anonymised.delta.crp": 2.0}
    text = Page(risk_report(assessment, small_context(thresholds=limits))).text
    assert "Linkage with outside data : 13.3% (upper end of the interval), limit 50%" in text
    assert "δ, largest: crp : 1.7, limit 2" in text


def test_the_page_of_a_table_made_elsewhere_names_nothing_that_it_does_not_hold() -> None:
    elsewhere = replace(small_assessment(), suppressed=None)
    page = Page(risk_report(elsewhere, small_context(run={}, consent=None)))
    assert "run" not in {a.get("id") for _, a in page.elements}
    assert "dials" not in page.text
    assert "The utility report" not in page.text
    assert "Nothing: no attacks were run." in page.text
    assert "run" in {a.get("id") for _, a in Page(risk_report(elsewhere, small_context())).elements}
