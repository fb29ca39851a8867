"""The two first reports: what they say, and that they are static, escaped, accessible pages."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from risk import (
    ClassSizes,
    CriterionResult,
    Figure,
    ReleasedColumn,
    ReleaseFacts,
    assess,
    release_report,
    risk_report,
)
from risk.reports import wording
from risk.reports.charts import Caption, bar_chart, size_bands
from risk.reports.words import LANGUAGES, speak
from tests.conftest import ROOT, needs_shared
from tests.published import facts_of, golden, original, sizes
from tests.report_scenes import (
    HOSTILE,
    K2,
    L1,
    SMALL,
    Page,
    every_report,
    small_assessment,
    small_context,
    small_facts,
)

# What the release report says


def test_the_first_page_answers_whether_it_is_met_the_largest_risk_and_what_it_does_not_promise() -> None:
    text = Page(release_report(small_facts())).text
    assert "Both privacy criteria are met" in text
    assert "2-anonymity : every class holds at least 2 people. The smallest class holds 2." in text
    assert "Largest risk 50%" in text
    assert "with a chance of 1 in 2." in text
    assert "Average risk 42.9%" in text  # 3 classes / 7 records
    assert "What this does not promise" in text
    assert text.index("What this does not promise") < text.index("What was done to each column")


def test_a_criterion_that_is_not_reached_is_called_so() -> None:
    facts = replace(small_facts(), criteria=(replace(K2, reached=1), L1))
    text = Page(release_report(facts)).text
    assert "1 of 2 privacy criteria are not met" in text
    assert "✗ not met" in text


def test_a_release_without_criteria_says_so() -> None:
    facts = replace(small_facts(), criteria=())
    assert "No privacy criterion was asked for" in Page(release_report(facts)).text


def test_each_column_shows_its_level_and_counts_of_the_release() -> None:
    text = Page(release_report(small_facts())).text
    assert "age string quasi-identifier 1 of 3 · 5 years generalised 1 2 2" in text
    assert "diagnosis string sensitive — unchanged 4 1 0" in text
    assert "crp number sensitive — clipped to 0…300 6 1 0" in text


def test_starred_records_are_one_class_and_are_counted() -> None:
    text = Page(release_report(small_facts())).text
    assert "2 records show * in every quasi-identifier" in text
    assert "Classes 3 groups of look-alikes" in text


def test_an_unguarded_sensitive_column_is_named_among_the_limits() -> None:
    assert "No criterion limits what crp may reveal" in Page(release_report(small_facts())).text


PRIVATE = CriterionResult(
    "(epsilon, delta)-differential privacy",
    None,
    {"epsilon": 1.0, "delta": 1e-6, "epsilon_search": 0.0, "beta": 0.632, "k": 74},
    None,
    "attested",
)


def test_a_private_release_says_what_privacy_leaves_open_and_nothing_of_lesser_promises() -> None:
    columns = small_facts().columns[:2]
    frame = SMALL.select("sex", "age")
    facts = replace(small_facts(), columns=columns, frame=frame, criteria=(PRIVATE, K2))
    text = Page(release_report(facts)).text
    assert "drawn at random, each with the probability 0.632" in text
    assert "counts are no totals" in text
    assert "costs its own epsilon and delta" in text
    assert "and nothing else" not in text
    assert "No column is declared sensitive" not in text


def test_a_recoded_column_shows_the_span_of_its_levels() -> None:
    sex, age, *others = small_facts().columns
    spans = (sex, replace(age, level=1, highest_level=3), *others)
    bars = Page(release_report(replace(small_facts(), columns=spans))).all("rect")
    assert [bar["width"] for bar in bars if bar.get("x") == "24"] == ["48"]


def test_people_with_several_rows_give_bounds_instead_of_figures() -> None:
    k = replace(K2, status="attested")
    text = Page(release_report(replace(small_facts(), row_is_person=False, criteria=(k,)))).text
    assert "Largest risk at most 50%" in text
    assert "33.3% to 50%" in text  # the largest class has 3 records: no more than 3 people, no fewer than 2
    assert "Records in class" in text
    assert "not countable from the released file" in text


def test_a_release_without_quasi_identifiers_is_one_class() -> None:
    columns = tuple(replace(c, role="insensitive") for c in small_facts().columns)
    text = Page(release_report(replace(small_facts(), columns=columns))).text
    assert "Largest risk 14.3%" in text


def test_an_empty_release_says_that_it_holds_nothing() -> None:
    text = Page(release_report(replace(small_facts(), frame=SMALL.head(0)))).text
    assert "The table holds no records." in text
    assert "Largest risk not computed" in text


# What the risk report says


def test_before_and_after_stand_side_by_side() -> None:
    text = Page(risk_report(small_assessment(), small_context())).text
    assert "8 rows in, 7 rows out, 1 suppressed." in text
    assert "Largest risk 100% → 50%" in text
    assert "Prosecutor: largest 100% 50% exact count, no sampling" in text
    assert "Records that are unique 12.5% 0%" in text
    assert "1 1 1 0 0 100%" in text  # one class of one person before, none after


@pytest.mark.parametrize(
    ("search", "told"),
    [
        ({"score": 0.25, "bound": 0.25, "optimal": True}, "loses less by the metric loss, as is proven."),
        ({"score": 0.25, "bound": 0.2, "optimal": False}, "The optimum is at most 20% less."),
        ({"score": 0.25, "bound": 0.0, "optimal": False}, "The optimum is at most 100% less."),
    ],
)
def test_the_risk_report_says_how_far_the_search_is_from_the_optimum(
    search: dict[str, object], told: str
) -> None:
    run = {"search": {"metric": "loss", "nodes_checked": 7, **search}}
    assert told in Page(risk_report(small_assessment(), small_context(run=run))).text


def test_what_searched_no_lattice_claims_no_optimum() -> None:
    run = {"search": {"metric": "none", "nodes_checked": 0, "score": 0.0, "bound": 0.0, "optimal": False}}
    text = Page(risk_report(small_assessment(), small_context(run=run))).text
    assert "optimum" not in text
    assert "proven" not in text


def test_thresholds_are_judged_one_by_one() -> None:
    text = Page(risk_report(small_assessment(), small_context())).text
    assert "1 of 2 risk thresholds failed: this must not be released" in text
    assert "✓ met Prosecutor: largest : 50%, limit 50%" in text
    assert "✗ exceeded Marketer: records linked correctly : 42.9%, limit 10%" in text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "The risk threshold is met"),
        (2, "Both risk thresholds are met"),
        (3, "All 3 risk thresholds are met"),
    ],
)
def test_a_verdict_counts_its_demands(number: int, text: str) -> None:
    assert speak("en").counted("risk.verdict.met", number) == text


def test_thresholds_that_hold_and_none_at_all() -> None:
    held = small_context(thresholds={"anonymised.prosecutor_max": 0.5})
    assert "The risk threshold is met" in risk_report(small_assessment(), held)
    none = small_context(thresholds={})
    assert "No risk threshold is configured" in risk_report(small_assessment(), none)


def test_facts_of_the_run_and_consent_counts_are_written_out() -> None:
    text = Page(risk_report(small_assessment(), small_context())).text
    assert "search metric loss score 0.25 optimal yes gap —" in text
    assert "patients in 8 excluded withdrawn 1,200" in text
    assert "Consent" not in Page(risk_report(small_assessment(), small_context(consent=None))).text


# How both are made


def test_hostile_names_are_escaped_everywhere() -> None:
    """Case 50: a column, level, release, criterion or consent category that is called ``<script>``."""
    column = ReleasedColumn(HOSTILE, "quasi-identifier", HOSTILE, 0, 1, HOSTILE, HOSTILE)
    frame = pl.DataFrame({HOSTILE: [HOSTILE] * 3})
    criterion = CriterionResult(HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, 3, "recounted")
    facts = ReleaseFacts(HOSTILE, frame, (column,), (criterion,), True, HOSTILE, HOSTILE)
    run = small_context(
        name=HOSTILE, run={HOSTILE: {HOSTILE: HOSTILE}}, consent={HOSTILE: 1}, thresholds={HOSTILE: 1}
    )
    for html in (release_report(facts), risk_report(small_assessment(), run)):
        page = Page(html)
        assert not page.all("script")
        assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
        assert "&lt;script&gt;" in html


def test_hostile_labels_are_escaped_inside_a_chart() -> None:
    svg = bar_chart(
        [HOSTILE, "$x^2$"], {HOSTILE: [0.5, 0.5]}, axis=HOSTILE, caption=Caption("c", HOSTILE, HOSTILE)
    )
    assert not Page(svg).all("script")
    assert svg.count("&lt;script&gt;") == 4  # title, description, tick and axis
    assert "$x^2$" in svg  # text, not mathematics


def test_the_policy_allows_the_page_s_own_style_and_nothing_else() -> None:
    for html in every_report():
        style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
        assert style
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        policy = next(m["content"] for m in Page(html).all("meta") if "http-equiv" in m)
        assert policy == (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        )


def test_nothing_is_loaded_run_or_styled_inline() -> None:
    for html in every_report():
        page = Page(html)
        tags = {tag for tag, _ in page.elements}
        assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "a", "base"}
        for _, attributes in page.elements:
            assert not set(attributes) & {"style", "src", "href"}
            assert (attributes.get("xlink:href") or "#").startswith("#")
        assert "@import" not in html
        assert "url(http" not in html


def test_every_template_attribute_is_quoted() -> None:
    for template in Path(ROOT / "risk" / "reports").glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"=\s*\{\{", text), template.name
        assert not re.search(r"\|\s*safe|Markup|autoescape false", text), template.name


def test_pages_are_accessible_in_structure() -> None:
    for html in every_report():
        page = Page(html)
        assert page.all("html")[0]["lang"] in LANGUAGES
        assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) - _svg_titles(page)
        assert len(page.all("table")) == len(page.all("caption"))
        assert all(cell.get("scope") in {"col", "row", "colgroup"} for cell in page.all("th"))
        identifiers = [a["id"] for _, a in page.elements if "id" in a]
        assert len(identifiers) == len(set(identifiers))
        for svg in page.all("svg"):
            named = set((svg.get("aria-labelledby") or "").split())
            assert svg.get("aria-hidden") == "true" or (
                svg.get("role") == "img" and named <= set(identifiers)
            )


def _svg_titles(page: Page) -> int:
    return sum(svg.get("role") == "img" for svg in page.all("svg"))


def test_text_colours_have_at_least_4_5_to_1_contrast() -> None:
    css = (ROOT / "risk" / "reports" / "report.css").read_text(encoding="utf-8")
    colour = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", css))
    for ink in ("ink", "muted", "accent", "good", "bad", "open"):
        for paper in ("#ffffff", colour["soft"]):
            assert _contrast(colour[ink], paper) >= 4.5, (ink, paper)


def _contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, by WCAG 2.2's relative luminance."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_user_s_matplotlib_settings_change_nothing() -> None:
    import matplotlib

    plain = release_report(small_facts())
    with matplotlib.rc_context({"axes.linewidth": 9, "xtick.major.pad": 30, "svg.fonttype": "path"}):
        assert release_report(small_facts()) == plain


def test_a_report_needs_neither_a_home_nor_a_writable_cache(tmp_path: Path) -> None:
    """Case 59: on a read-only installation without HOME a report is drawn, and standard error stays empty."""
    occupied = tmp_path / "file"
    occupied.write_text("no directory can be made below a file")
    code = "from tests.report_scenes import every_report; print(len(every_report()))"
    environment = {"MPLCONFIGDIR": str(occupied / "cache"), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "8\n", "")


@needs_shared
@pytest.mark.parametrize("name", ["adult9_k5_s2_loss", "diabetes9_k5_s2_loss"])
def test_reports_of_real_tables_are_small_and_consistent(name: str) -> None:
    case = golden(name)
    facts = facts_of(case)
    before = sizes(original(facts.name.split("-")[0]), case["quasi_identifiers"])
    after = sizes(facts.frame, case["quasi_identifiers"])
    internal = risk_report(
        assess(before, after, suppressed=case["suppressed"], rows_in=before.records), small_context()
    )
    outside = release_report(facts)
    assert max(len(outside.encode()), len(internal.encode())) < 300_000
    assert f"{case['records']:,} records in" in Page(outside).text
    assert f"{case['records']:,} rows out, {case['suppressed']:,} suppressed" in Page(internal).text
    assert "Largest risk 20%" in Page(outside).text


def test_bands_of_class_sizes_hold_every_class_once() -> None:
    people = np.arange(1, 1500)
    bands = size_bands(ClassSizes(people, people))
    assert sum(band.classes for band in bands) == len(people)
    assert sum(band.rows for band in bands) == people.sum()
    assert [band.label for band in bands[:4]] == ["1", "2", "3–4", "5–9"]
    assert bands[-1].label == "1,000+"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.2, "20%"),
        (0.64657, "64.7%"),
        (0.037361, "3.74%"),
        (0.0074858, "0.75%"),
        (0.00031, "0.031%"),
        (1e-7, "<0.001%"),
        (0.99999, ">99.9%"),
        (1 / 3, "33.3%"),
    ],
)
def test_percentages_have_sensible_digits(share: float, text: str) -> None:
    assert wording.percent(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "1 in 1"), (0.2, "1 in 5"), (0.0074858, "about 1 in 133"), (0.4, "about 1 in 2.5")],
)
def test_a_chance_is_never_understated(share: float, text: str) -> None:
    assert wording.one_in(share) == text


def test_a_figure_without_an_interval_says_why() -> None:
    assert wording.interval(Figure(0.1, 0.1, 0.1, 5, "exact: counted")) == "exact count, no sampling"
    assert wording.interval(Figure(0.1, 0.05, 0.2, 5, "bootstrap")) == "5% to 20%"
    assert wording.interval(Figure(None, None, None, 0, "not computed: no records")).startswith(
        "not computed"
    )
