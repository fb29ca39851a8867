"""Both reports in headless Chromium: no error, no request, readable at a glance, printable on A4.

Skipped, visibly, where Chromium is not installed; with ``ANON_REQUIRE_BROWSER=1`` that is a failure.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.print_page_options import PrintOptions

from risk import release_report, risk_report
from risk.inspection.pages import inspection_page
from tests.linked_report import linked_assessment, linked_context, linked_facts
from tests.report_scenes import HOSTILE, small_assessment, small_context, small_facts
from tests.spec.test_inspection_page import small_findings

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
REPORTS = {
    "release": lambda: release_report(small_facts()),
    "risk": lambda: risk_report(small_assessment(), small_context()),
    "inspection": lambda: inspection_page(small_findings()),
    "linked_release": lambda: release_report(linked_facts()),
    "linked_risk": lambda: risk_report(linked_assessment(), linked_context()),
    "hostile": lambda: risk_report(
        small_assessment(), small_context(name=HOSTILE, consent={HOSTILE: HOSTILE})
    ),
}


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
    assert "report" in browser.title
    for selector in ("h1", "#verdict", ".headline"):
        element = browser.find_element(By.CSS_SELECTOR, selector)
        assert element.is_displayed()
        assert element.rect["y"] + element.rect["height"] <= 900


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
    for chart in browser.find_elements(By.CSS_SELECTOR, "figure svg"):
        assert chart.aria_role in {"img", "image"}
        assert "class size" in chart.accessible_name or "events per person" in chart.accessible_name
        assert 300 < chart.rect["width"] < 1000


@pytest.mark.parametrize("width", [1200, 500])
def test_no_page_is_wider_than_its_window(browser: Chrome, address: str, width: int) -> None:
    browser.set_window_size(width, 900)
    browser.get(address)
    overflow = browser.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0


def test_a_report_prints_on_a4(browser: Chrome, address: str) -> None:
    browser.get(address)
    options = PrintOptions()
    options.page_width, options.page_height = 21.0, 29.7
    document = base64.b64decode(browser.print_page(options))
    assert document.startswith(b"%PDF")
    assert 1 <= document.count(b"/Type /Page\n") <= 6
