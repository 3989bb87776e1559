"""The report in a real browser: no console error, no request, and controls that work."""

import re
import shutil

import pytest
from conftest import modelwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the package `chromium` is not installed")

DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser, path, size=DESKTOP, scheme="light"):
    """The page, with what it said on the console and asked of the network."""
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.said, page.asked = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(path.as_uri())
    return page


def number(text):
    return float(text.replace(",", "").replace("−", "-"))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_report_is_quiet_and_fits_its_window(browser, adult, wine, wine_colour_quality, size,
                                                   scheme):
    for fit in (adult, wine, wine_colour_quality):
        page = opened(browser, fit.folder / "report.html", size, scheme)
        assert page.said == []
        assert page.asked == [(fit.folder / "report.html").as_uri()], "the page asked for more"
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        page.close()


def test_the_slider_follows_the_curve_and_the_costs(browser, adult):
    page = opened(browser, adult.folder / "report.html")
    read = lambda name: number(page.inner_text(f"[data-out={name}]").rstrip(" %"))
    slider = page.locator(".thresholds input[type=range]")
    flagged = []
    for threshold in ("0.1", "0.5", "0.9"):
        slider.fill(threshold)
        assert read("threshold") == pytest.approx(100 * float(threshold))
        flagged.append(read("flagged"))
    assert flagged == sorted(flagged, reverse=True) and flagged[0] > flagged[-1]
    slider.fill("0.5")
    at_half = read("cost")
    page.locator(".thresholds input[type=number]").nth(1).fill("10")
    dearer = read("cost")
    assert dearer > at_half
    page.click(".thresholds button")
    assert read("cost") < dearer and read("threshold") < 50
    assert page.said == []


def test_tables_sort_by_number_and_back(browser, adult):
    page = opened(browser, adult.folder / "report.html")
    table = page.locator("#performance table").first
    column = lambda: [number(text) for text in table.locator("tbody tr td:nth-child(2)")
                      .all_inner_texts()]
    table.locator("thead button").nth(1).click()
    assert column() == sorted(column())
    assert table.locator("thead th").nth(1).get_attribute("aria-sort") == "ascending"
    table.locator("thead button").nth(1).click()
    assert column() == sorted(column(), reverse=True)


def test_the_value_under_the_pointer_is_told(browser, adult):
    page = opened(browser, adult.folder / "report.html")
    chart = page.locator("#discrimination svg").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5)
    note = chart.locator("text.note").last
    assert note.get_attribute("visibility") == "visible"
    x, y = map(number, re.split(" → ", note.inner_html()))
    assert 0 < x < 1 and 0 < y <= 1


def test_the_first_screen_needs_no_statistics(browser, adult, wine):
    for fit in (adult, wine):
        page = opened(browser, fit.folder / "report.html")
        words = page.inner_text("#decision")
        for jargon in ("AUC", "RMSE", "log loss", "holdout", "bootstrap", "cross-validation"):
            assert jargon.lower() not in words.lower(), jargon
        assert "What could go wrong" in words and "What to do next" in words
        page.close()


def test_a_page_prints_without_controls(browser, adult, tmp_path):
    page = opened(browser, adult.folder / "report.html")
    page.emulate_media(media="print")
    assert not page.locator(".thresholds").is_visible()
    assert page.pdf(path=tmp_path / "report.pdf")[:5] == b"%PDF-"


def test_a_page_without_script_says_the_same(browser, adult):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((adult.folder / "report.html").as_uri())
    assert not page.locator(".thresholds").is_visible()
    page.locator("#threshold summary").click()
    assert page.locator("#threshold table").is_visible()
    context.close()


def test_a_profile_is_quiet_too(browser, adult, tmp_path):
    page_file = tmp_path / "profile.html"
    modelwright("profile", adult.train, "-o", page_file)
    page = opened(browser, page_file)
    assert page.said == []
