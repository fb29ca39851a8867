"""The reports in headless Chromium: no error, no request, accessible by axe-core, printable on A4.

Skipped, visibly, where Chromium is not installed; with ``ANON_REQUIRE_BROWSER=1`` that is a failure.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import axe_core_python
import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from risk import release_report, risk_report, utility_report
from risk.inspection.pages import inspection_page
from tests.linked_report import linked_assessment, linked_context, linked_facts
from tests.report_findings import small_findings, small_utility
from tests.report_scenes import HOSTILE, small_assessment, small_context, small_facts
from tests.spec.test_inspection_page import small_findings as inspected
from tests.synthetic_scenes import (
    OF_ORIGINAL,
    PRIVATE,
    both_facts,
    drawn_assessment,
    drawn_context,
    drawn_facts,
    drawn_findings,
)

pytestmark = pytest.mark.browser

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_, _, _, TWIN, TWO_MODELS, _ = drawn_findings()
REPORTS = {
    "release": lambda: release_report(small_facts()),
    "release_de": lambda: release_report(replace(small_facts(), language="de")),
    "risk": lambda: risk_report(small_assessment(), small_context(), small_findings()),
    "risk_de": lambda: risk_report(small_assessment(), small_context(language="de"), small_findings()),
    "utility": lambda: utility_report(small_utility(), small_context()),
    "utility_de": lambda: utility_report(small_utility(), small_context(language="de")),
    "plain_risk": lambda: risk_report(small_assessment(), small_context()),
    "inspection": lambda: inspection_page(inspected()),
    "linked_release": lambda: release_report(linked_facts()),
    "linked_risk": lambda: risk_report(linked_assessment(), linked_context()),
    "synthetic_release": lambda: release_report(drawn_facts()),
    "synthetic_release_de": lambda: release_report(drawn_facts(language="de")),
    "private_release": lambda: release_report(drawn_facts(PRIVATE)),
    "both_release_de": lambda: release_report(replace(both_facts(OF_ORIGINAL), language="de")),
    "synthetic_risk": lambda: risk_report(drawn_assessment(), drawn_context(), TWO_MODELS),
    "twin_risk_de": lambda: risk_report(drawn_assessment(), drawn_context(language="de"), TWIN),
    "twin_utility": lambda: utility_report(small_utility(), drawn_context(), is_twin=True),
    "hostile": lambda: risk_report(
        small_assessment(), small_context(name=HOSTILE, consent={HOSTILE: HOSTILE})
    ),
}
AXE = Path(axe_core_python.__file__).parent / "axe.min.js"
SERIOUS = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ['violations']}).then(found => done(found.violations
  .filter(each => ['serious', 'critical'].includes(each.impact))
  .map(each => `${each.id}: ${each.nodes.slice(0, 3).map(node => node.html).join(' | ')}`)));
"""
FIRST_SCREEN = 1000
"""Pixels: a report's title, verdict and first numbers stand above."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        missing = "chromium and chromedriver are not installed"
        if os.environ.get("ANON_REQUIRE_BROWSER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


@pytest.fixture(params=REPORTS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / f"{request.param}_report.html"
    path.write_text(REPORTS[request.param](), encoding="utf-8")
    return path.as_uri()


def requests_of(browser: Chrome, page: str) -> list[str]:
    """Return what a page asked for, itself first; the browser's own start page is another document."""
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    sent = (m["params"] for m in messages if m["method"] == "Network.requestWillBeSent")
    return [request["request"]["url"] for request in sent if request["documentURL"] == page]


def test_a_report_opens_without_an_error_or_a_request(browser: Chrome, address: str) -> None:
    browser.get(address)
    assert browser.get_log("browser") == []
    assert requests_of(browser, address) == [address]


def test_title_verdict_and_numbers_are_on_the_first_screen(browser: Chrome, address: str) -> None:
    browser.set_window_size(1200, 900)
    browser.get(address)
    assert re.search("report|bericht", browser.title)
    for selector in ("h1", "#verdict", ".headline"):
        element = browser.find_element(By.CSS_SELECTOR, selector)
        assert element.is_displayed()
        assert element.rect["y"] + element.rect["height"] <= FIRST_SCREEN


def test_the_policy_lets_the_page_s_own_style_apply(browser: Chrome, address: str) -> None:
    browser.get(address)
    width = browser.execute_script(
        "return getComputedStyle(document.querySelector('.verdict')).borderLeftWidth"
    )
    assert width != "0px"


def test_the_policy_stops_scripts_and_foreign_styles(browser: Chrome, address: str) -> None:
    browser.get(address)
    browser.execute_script(
        "const s = document.createElement('style'); s.textContent = 'h1 { display: none }';"
        "document.head.append(s);"
    )
    assert browser.find_element(By.TAG_NAME, "h1").is_displayed()
    assert "Content Security Policy" in json.dumps(browser.get_log("browser"))


def test_every_table_has_column_and_row_headers(browser: Chrome, address: str) -> None:
    browser.get(address)
    tables = browser.find_elements(By.TAG_NAME, "table")
    assert len(tables) >= 3
    for table in tables:
        assert table.find_elements(By.CSS_SELECTOR, "thead th[scope=col]")
        assert table.find_elements(By.CSS_SELECTOR, "tbody th[scope=row]")


def test_charts_have_an_accessible_name_and_fit_the_page(browser: Chrome, address: str) -> None:
    browser.set_window_size(1200, 900)
    browser.get(address)
    for chart in browser.find_elements(By.CSS_SELECTOR, "figure svg, .dial svg[role]"):
        if chart.get_attribute("aria-hidden") != "true":
            assert chart.aria_role in {"img", "image"}
            assert len(chart.accessible_name) > 4
            assert 200 < chart.rect["width"] < 1000


def test_axe_core_finds_nothing_serious(browser: Chrome, address: str) -> None:
    browser.set_window_size(1200, 900)
    browser.get(address)
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    assert browser.execute_async_script(SERIOUS) == []


def test_axe_core_would_find_what_is_wrong(browser: Chrome, tmp_path: Path) -> None:
    page = tmp_path / "wrong.html"
    page.write_text("<!DOCTYPE html><html><title>x</title><p style='color: #ccc'>pale</p><img src=''></html>")
    browser.get(page.as_uri())
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = " ".join(browser.execute_async_script(SERIOUS))
    assert all(rule in found for rule in ("color-contrast", "html-has-lang", "image-alt"))


@pytest.mark.parametrize("width", [1200, 500])
def test_no_page_is_wider_than_its_window(browser: Chrome, address: str, width: int) -> None:
    browser.set_window_size(width, 900)
    browser.get(address)
    overflow = browser.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0


PRINTED = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True, "preferCSSPageSize": True}


def test_a_report_prints_on_a4(browser: Chrome, address: str) -> None:
    browser.get(address)
    document = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", PRINTED)["data"])
    assert document.startswith(b"%PDF")
    assert set(re.findall(rb"/MediaBox \[(.*?)\]", document)) == {b"0 0 594.95996 841.91998"}
    assert 1 <= document.count(b"/Type /Page\n") <= 14


def test_no_plot_is_cut_by_the_end_of_a_page(browser: Chrome, address: str) -> None:
    browser.get(address)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    for part in browser.find_elements(
        By.CSS_SELECTOR, "figure, .dials .three, .together, .headline, .verdict, tr"
    ):
        assert part.value_of_css_property("break-inside") == "avoid"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


A4_INSIDE = {"width": 665, "height": 994, "deviceScaleFactor": 1, "mobile": False}
"""Pixels of an A4 page within the margins of ``report.css``."""


def test_the_three_dials_of_a_twin_are_printed_on_the_first_page(browser: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "twin.html"
    path.write_text(REPORTS["twin_risk_de"](), encoding="utf-8")
    browser.get(path.as_uri())
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", A4_INSIDE)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    place = browser.find_element(By.CSS_SELECTOR, ".dials .three").rect
    section = browser.find_element(By.CSS_SELECTOR, ".dials").value_of_css_property("break-inside")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert place["y"] + place["height"] <= A4_INSIDE["height"]
    assert section == "auto"  # what is said below the dials may follow on the next page
