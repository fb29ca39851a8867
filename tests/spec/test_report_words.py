"""The reports' languages: catalogues that agree, templates without prose, numbers as they are written."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from risk import ReleaseFacts, release_report, risk_report, utility_report
from risk.facts import Language
from risk.figures import not_estimated
from risk.reports import criteria_words, wording
from risk.reports.risk_utility import risk_utility_page
from risk.reports.words import LANGUAGES, TEXTS, speak
from risk.results import Utility
from tests.conftest import ROOT
from tests.linked_report import linked_assessment, linked_context, linked_facts
from tests.report_findings import small_findings, small_points, small_utility
from tests.report_scenes import Page, small_assessment, small_context, small_facts
from tests.spec.test_criteria_words import EVERY
from tests.synthetic_scenes import (
    EVERY_SYNTHESIS,
    OF_ORIGINAL,
    both_facts,
    drawn_assessment,
    drawn_context,
    drawn_events_facts,
    drawn_facts,
    drawn_findings,
)

REPORTS = ROOT / "risk" / "reports"
TEMPLATES = sorted(path for path in REPORTS.glob("*.html") if path.name != "inspection.html")
"""The page of `anon inspect` is English alone."""

STEMS = sorted(path.stem for path in (TEXTS / "en").glob("*.toml"))
START = re.compile(rf"(?:{'|'.join(STEMS)})\.")
KEY = re.compile(rf"(?:{'|'.join(STEMS)})\.[\w.\-]*\w(?<!\.html)")
COUNTED = r"(?:\.(?:one|two|many))?"


def fields(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name is not None}


@cache
def pages(language: Language) -> tuple[str, ...]:
    """Every report, of one table and of several, with all findings and without."""
    context = small_context(language=language, criteria=EVERY, reviewed=False)
    unheard_of = replace(context, thresholds={"anonymised.unheard_of": 0.1})
    facts = replace(small_facts(), language=language, reviewed=False)
    return (
        release_report(replace(facts, criteria=EVERY)),
        release_report(replace(facts, row_is_person=False)),
        release_report(replace(linked_facts(), language=language)),
        risk_report(small_assessment(), context, small_findings()),
        risk_report(small_assessment(), context, replace(small_findings(), is_twin=True)),
        risk_report(small_assessment(), replace(context, thresholds={})),
        risk_report(small_assessment(), unheard_of),
        risk_report(replace(small_assessment(), suppressed=None), context),
        risk_report(linked_assessment(), replace(linked_context(), language=language)),
        utility_report(small_utility(), context),
        utility_report(Utility({}), context),
        risk_utility_page(small_points(), language),
        *(release_report(replace(drawn_facts(each), language=language)) for each in EVERY_SYNTHESIS),
        release_report(replace(drawn_events_facts(), language=language)),
        release_report(replace(both_facts(OF_ORIGINAL), language=language)),
        *(
            risk_report(drawn_assessment(), drawn_context(language=language, thresholds={}), found)
            for found in drawn_findings()
        ),
        utility_report(small_utility(), context, is_twin=True),
    )


# The catalogues


def test_both_catalogues_have_the_same_messages() -> None:
    english, german = (set(speak(language).messages) for language in LANGUAGES)
    assert english == german


@pytest.mark.parametrize("key", [k for k in speak("en").messages if not k.startswith("numbers.")])
def test_a_message_names_the_same_placeholders_and_tags_in_both_languages(key: str) -> None:
    english, german = (speak(language).messages[key] for language in LANGUAGES)
    assert fields(english) == fields(german)
    assert sorted(re.findall(r"</?\w+>", english)) == sorted(re.findall(r"</?\w+>", german))
    assert set(re.findall(r"<(\w+)>", english)) <= {"em", "strong", "code", "sup"}


def literals() -> Iterator[str]:
    """Patterns of the keys that code and templates name whole."""
    for template in TEMPLATES:
        for found in re.finditer(
            rf"""["']({KEY.pattern})["'](\s*~)?""", template.read_text(encoding="utf-8")
        ):
            if not found[2]:
                yield re.escape(found[1]) + COUNTED
    for path in sorted(REPORTS.glob("*.py")):
        yield from _in_code(ast.parse(path.read_text(encoding="utf-8")))


def _in_code(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
            yield re.escape(node.value) + COUNTED
        elif isinstance(node, ast.JoinedStr):
            pieces = (re.escape(v.value) if isinstance(v, ast.Constant) else "[^.]+" for v in node.values)
            pattern = "".join(pieces)
            if START.match(pattern.replace("\\", "")):
                yield pattern + COUNTED


class Recorded(dict[str, str]):
    """Messages that remember which of them were said."""

    def __init__(self, messages: Mapping[str, str]) -> None:
        super().__init__(messages)
        self.said: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.said.add(key)
        return super().__getitem__(key)


def test_every_message_is_said_somewhere_and_every_key_has_one() -> None:
    words = speak("en")
    messages = words.messages
    recorded = Recorded(messages)
    object.__setattr__(words, "messages", recorded)
    try:
        pages.__wrapped__("en")
    finally:
        object.__setattr__(words, "messages", messages)
    named = re.compile("|".join({f"(?:{pattern})" for pattern in literals()}))
    assert {key for key in messages if key not in recorded.said and not named.fullmatch(key)} == set()
    whole = {pattern for pattern in literals() if "[^.]+" not in pattern}
    assert {p for p in whole if not any(re.fullmatch(p, key) for key in messages)} == set()


class Prose(HTMLParser):
    """The words of a template that stand outside of its expressions."""

    def __init__(self, template: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._hidden = False
        classes = r"\{% block kind %\}.*?\{% endblock %\}"
        self.feed(
            re.sub(rf"{classes}|\{{\{{.*?\}}\}}|\{{%.*?%\}}|\{{#.*?#\}}", "", template, flags=re.DOTALL)
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        spoken = {"aria-label", "title", "alt", "placeholder"}
        self.found += [value or "" for name, value in attrs if name in spoken]

    def handle_data(self, data: str) -> None:
        self.found += re.findall(r"[^\W\d_]+", data)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_prose(template: Path) -> None:
    assert Prose(template.read_text(encoding="utf-8")).found == []


def test_prose_in_a_template_would_be_found() -> None:
    html = "<p>{{ t('x') }} and more</p><svg aria-label=\"a chart\">"
    assert Prose(html).found == ["and", "more", "a chart"]


# German


def test_a_german_page_holds_no_english_message() -> None:
    english, german = (speak(language).messages for language in LANGUAGES)
    foreign = [
        text
        for key, text in english.items()
        if text != german[key] and not fields(text) and len(text) > 20 and text not in german.values()
    ]
    for html in pages("de"):
        text = Page(re.sub(r'<span lang="en">.*?</span>', "", html)).text
        assert [message for message in foreign if re.sub(r"</?\w+>", "", message) in text] == []
        assert '<html lang="de">' in html


def test_a_german_page_says_what_an_english_one_does() -> None:
    for english, german in zip(pages("en"), pages("de"), strict=True):
        shape, other = (
            [(tag, a.get("id"), a.get("class")) for tag, a in Page(html).elements if tag != "span"]
            for html in (english, german)
        )
        assert shape == other


def test_a_german_first_page_reads_as_german() -> None:
    facts = replace(small_facts(), language="de")
    text = Page(release_report(facts)).text
    assert "Beide Datenschutzkriterien sind erfüllt" in text
    assert "2-Anonymität : jede Klasse enthält mindestens 2 Personen. Die kleinste Klasse enthält 2." in text
    assert "Mittleres Risiko 42,9 %" in text
    assert "crp Zahl sensibel — auf 0…300 begrenzt 6 1 0" in text
    assert "Jede Einwilligung wurde geprüft." in text


@pytest.mark.parametrize(
    ("said", "german"),
    [
        (wording.percent(0.37361, speak("de")), "37,4\u00a0%"),
        (wording.plain(1_234_567, speak("de")), "1.234.567"),
        (wording.plain(1_234.5, speak("de")), "1234,5"),
        (wording.one_in(0.0074858, speak("de")), "etwa 1/133"),
        (wording.short(-1234.5, speak("de")), "−1.234"),
        (wording.enumerated(["a", "b", "c"], speak("de")), "a, b und c"),
        (wording.interval(not_estimated("needs people who were held out"), speak("de")),
         "nicht geschätzt: dazu müssten Personen zurückgehalten worden sein"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_the_language_does(said: str, german: str) -> None:
    assert said == german


@pytest.mark.parametrize("criterion", EVERY, ids=lambda criterion: str(criterion.parameters))
def test_every_criterion_has_german_words(criterion: criteria_words.CriterionResult) -> None:
    for words_of in (criteria_words.title_of, criteria_words.asked, criteria_words.found):
        assert words_of(criterion, speak("de")) != words_of(criterion)


# What other rooms say


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("generalised to level 2 of 5 (5 years)", "generalisiert auf Stufe 2 von 5 (5 Jahre)"),
        ("month to quarter", "Monat bis Quartal"),
        ("required; MII Broad Consent checked for every patient",
         "erforderlich; MII Broad Consent für jede Person geprüft"),
        ("something to nobody known", "something to nobody known"),
    ],
)  # fmt: skip
def test_what_other_rooms_say_is_put_into_german_as_far_as_it_is_known(english: str, german: str) -> None:
    assert speak("de").put(english) == german
    assert speak("en").put(english) == english


def test_numbers_inside_what_other_rooms_say_are_written_as_the_language_does() -> None:
    assert (
        speak("de")
        .put("against 3,000 times the same people with their rows taken out, equal scores decided by a coin")
        .startswith("gegen 3.000-mal dieselben Personen")
    )
    assert speak("de").put("too many other people") == "too many other people"


def test_a_translated_phrase_holds_what_the_english_one_does() -> None:
    for phrase in speak("de").phrases:
        assert fields(phrase.translation) == set(phrase.pattern.groupindex), phrase.translation


def test_what_stays_english_says_so_to_a_screen_reader_and_is_escaped() -> None:
    facts = replace(small_facts(), language="de", consent="required; <b>by the board</b>")
    html = release_report(facts)
    assert 'erforderlich; <span lang="en">&lt;b&gt;by the board&lt;/b&gt;</span>' in html


def test_a_report_is_a_pure_function_in_either_language() -> None:
    facts: ReleaseFacts = small_facts()
    for language in LANGUAGES:
        told = replace(facts, language=language)
        assert release_report(told) == release_report(replace(told, frame=told.frame.reverse()))
