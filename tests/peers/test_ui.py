"""The page over a store in a real browser: flows, no console error, desktop and phone."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from conftest import PROGRAM, modelwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the package `chromium` is not installed")

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def first_document(process):
    """What a server says of itself when it has begun: one document, over several lines."""
    text = ""
    while True:
        text += process.stdout.readline()
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            assert process.poll() is None, text


class Served:
    """A server over a store, and where it is."""

    def __init__(self, store):
        command = [str(PROGRAM), "ui", "--store", str(store), "--port", "0", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.store, self.url = store, first_document(self.process)["url"]

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}") as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def served(adult, wine, tmp_path_factory):
    """Two runs of one table, one of another, a model of two versions, a check."""
    store = tmp_path_factory.mktemp("ui") / "store"
    at = ("--store", store)
    modelwright("evaluate", adult.folder, adult.test, *at)
    for folds, seed in (("gbdt", 0), ("linear", 1)):
        modelwright("train", folds, adult.train, "--target", "income", "--seed", seed,
                    "--out", store.parent / folds, *at)
    modelwright("models", "register", "income", adult.folder, "--alias", "champion", *at)
    modelwright("models", "register", "income", store.parent / "gbdt", "--run", 2, *at)
    modelwright("monitor", "income@champion", adult.test, *at)
    server = Served(store)
    yield server
    server.process.terminate()
    assert server.process.wait(30) == 0


def opened(browser, served, view, size=DESKTOP, scheme="light"):
    """The page at a view, with what it said on the console and asked of other servers."""
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.said, page.strange = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith((served.url, "data:"))
            else page.strange.append(request.url))
    page.goto(f"{served.url}/#{view}")
    page.wait_for_selector(".view h1")
    return page


def has_rows(page, n):
    """Waits for a table of so many; the page's policy forbids to wait by a text of JavaScript."""
    from playwright.sync_api import expect

    expect(page.locator("tbody tr")).to_have_count(n)


def done(page, size=DESKTOP):
    assert page.said == [] and page.strange == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.close()


@SIZES
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_is_quiet_and_fits_its_window(browser, served, size, scheme):
    views = ["/runs", "/runs/2", "/runs/2/report", "/compare/2,3", "/models", "/models/income",
             "/monitoring", "/score"]
    for view in views:
        page = opened(browser, served, view, size, scheme)
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, a, input, select, iframe')].filter((e) => "
            "!(e.textContent.trim() || e.getAttribute('aria-label') || e.title "
            "|| e.labels?.length))"
            ".map((e) => e.outerHTML)")
        assert nameless == [], view
        done(page, size)


@SIZES
def test_runs_are_searched_by_words_and_by_conditions(browser, served, size):
    page = opened(browser, served, "/runs", size)
    names = lambda: page.locator("tbody th a").all_inner_texts()
    everything = names()
    assert {"train 2", "train 3", "evaluate 1"} <= set(everything)
    page.keyboard.press("/")
    page.keyboard.type("evaluate")
    has_rows(page, 1)
    assert names() == ["evaluate 1"]
    page.fill("#search", "kind = train and metrics.roc_auc > 0.5")
    has_rows(page, 2)
    page.fill("#search", "colour = red")
    page.wait_for_selector("[role=alert]")
    assert "no such field" in page.inner_text("[role=alert]")
    page.fill("#search", "")
    has_rows(page, len(everything))
    # The browser itself notes the refused request; nothing else was said.
    page.said = [text for text in page.said if "400" not in text]
    done(page, size)


def test_runs_are_sorted_by_a_metric(browser, served):
    page = opened(browser, served, "/runs")
    page.click("thead button:has-text('roc_auc')")
    column = page.locator("td[data-l=roc_auc]").all_inner_texts()
    values = [float(text.split()[0]) for text in column if text.strip()]
    assert len(values) >= 2 and values == sorted(values, reverse=True)
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("roc_auc")
    done(page)


@SIZES
def test_two_runs_are_chosen_and_compared(browser, served, size):
    page = opened(browser, served, "/runs", size)
    page.get_by_label("choose run 2").check()
    page.get_by_label("choose run 3").check()
    page.click(".chosen-bar >> text=Compare")
    page.wait_for_selector(".parallel")
    assert page.url.endswith("#/compare/2,3")
    text = page.inner_text("main")
    assert "roc_auc" in text and "best" in text
    assert page.locator(".parallel .run").count() == 2
    page.click(".legend button >> nth=0")
    assert page.locator(".parallel .run.lit").count() == 1
    done(page, size)


@SIZES
def test_a_run_shows_its_report_in_a_sandbox(browser, served, size):
    page = opened(browser, served, "/runs", size)
    page.click("text=train 2")
    page.wait_for_selector("text=Leaderboard")
    page.click(".tabs >> text=Report")
    frame = page.frame_locator("iframe.report")
    frame.locator("#decision").wait_for()
    assert page.evaluate("document.querySelector('iframe').contentDocument") is None
    done(page, size)


@SIZES
def test_the_model_of_a_run_is_registered(browser, served, size):
    run = next(r for r in served.get("runs")["runs"] if r["kind"] in ("fit", "train"))
    page = opened(browser, served, f"/runs/{run['id']}", size)
    page.click("text=Register…")
    page.fill("dialog input[name=name]", f"fresh-{size['width']}")
    page.fill("dialog input[name=alias]", "champion")
    page.keyboard.press("Enter")
    page.wait_for_selector(".alias >> text=version 1")
    found = served.get(f"models/fresh-{size['width']}")
    assert (found["versions"][0]["run"], found["versions"][0]["aliases"]) == (run["id"], ["champion"])
    done(page, size)


@SIZES
def test_an_alias_is_set_and_rolled_back(browser, served, size):
    page = opened(browser, served, "/models", size)
    page.click('tbody a:text-is("income")')
    page.wait_for_selector("text=In use")
    page.click("text=Set an alias…")
    page.fill("dialog input[name=alias]", "champion")
    page.select_option("dialog select", "2")
    page.fill("dialog input[name=reason]", "looks better")
    page.keyboard.press("Enter")
    page.wait_for_selector(".alias >> text=version 2")
    page.click("text=Roll back to 1…")
    assert "becomes version 1 again" in page.inner_text("dialog")
    page.click("dialog >> text=Cancel")
    assert served.get("models/income")["history"][0]["number"] == 2, "cancelled"
    page.click("text=Roll back to 1…")
    page.click("dialog button[value=yes]")
    page.wait_for_selector(".alias >> text=version 1")
    history = served.get("models/income")["history"]
    moved = [(move["number"], move["reason"]) for move in history[:2]]
    assert moved == [(1, "rolled back"), (2, "looks better")]
    done(page, size)


@SIZES
def test_a_row_is_scored(browser, served, size):
    from playwright.sync_api import expect

    page = opened(browser, served, "/score/income/champion", size)
    page.fill("#f-age", "52")
    assert '"age":52' in page.text_content("pre")
    page.get_by_role("button", name="Predict").click()
    page.wait_for_selector(".answer strong")
    shares = [float(text.rstrip(" %"))
              for text in page.locator(".bar span:last-child").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    before = page.locator(".bar span:last-child").first.inner_text()
    page.fill("#f-age", "17")
    page.keyboard.press("Enter")
    expect(page.locator(".bar span:last-child").first).not_to_have_text(before)
    done(page, size)


def test_a_fit_is_watched_while_it_works(browser, served, adult):
    command = [PROGRAM, "fit", adult.train, "--target", "income", "--time", "25s", "--quiet",
               "--out", served.store.parent / "watched", "--store", served.store]
    fit = subprocess.Popen([str(part) for part in command])
    try:
        newest = lambda: served.get("runs?limit=1")["runs"][0]
        begun = time.monotonic()
        while newest()["status"] != "running":
            assert time.monotonic() - begun < 20
            time.sleep(0.2)
        page = opened(browser, served, f"/runs/{newest()['id']}")
        page.wait_for_selector("circle.trial", timeout=20_000)
        page.locator("circle.trial").nth(page.locator("circle.trial").count()).wait_for(
            timeout=20_000)
        assert "so far" in page.inner_text(".clock")
        page.wait_for_selector("text=Leaderboard", timeout=60_000)
        assert page.locator("h1 .mark").inner_text().endswith("finished")
        done(page)
    finally:
        fit.wait(60)


def test_monitoring_shows_the_verdict_and_opens_the_check(browser, served):
    page = opened(browser, served, "/monitoring")
    assert "income version 1" in page.inner_text("main")
    page.click("tbody th a")
    page.frame_locator("iframe.report").locator("#verdict").wait_for()
    done(page)


@SIZES
def test_the_model_server_s_own_page_scores_with_the_same_form(browser, adult, size):
    server = subprocess.Popen([PROGRAM, "serve", f"income={adult.folder}", "--port", "0", "--json"],
                              stdout=subprocess.PIPE, text=True)
    try:
        address = first_document(server)["address"]
        page = browser.new_page(viewport=size)
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"http://{address}/docs")
        page.fill("#f-age", "52")
        page.get_by_role("button", name="Predict").click()
        page.wait_for_selector(".answer strong")
        assert '"age":52' in page.text_content("#curl")
        assert said == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def waiting(tmp_path):
    """A watched model whose second version waits for a person, and a server over its store."""
    days = lambda start, n, sign: "\n".join(
        f"{i},{x:.4f},{'yes' if sign * x + 0.3 * ((i * 3571 + 11) % 991 / 991 - 0.5) > 0 else 'no'}"
        for i in range(start, start + n) for x in [(i * 7919) % 1009 / 1009 - 0.5])
    write = lambda name, text: (tmp_path / name).write_text("day,x,sells\n" + text + "\n")
    write("old.csv", days(0, 800, 1))
    at = ("--store", tmp_path / "store")
    modelwright("train", "gbdt", tmp_path / "old.csv", "--target", "sells", "--exclude", "day",
                "--param", "n_rounds=30", "--out", tmp_path / "old", *at)
    modelwright("models", "register", "sales", tmp_path / "old", "--alias", "champion", *at)
    (tmp_path / "watch.toml").write_text(
        'model = "sales@champion"\ndata = ["rows-*.csv"]\n[rollout]\napproval = true\n')
    write("rows-1.csv", days(800, 1200, -1))
    modelwright("watch", tmp_path / "watch.toml", "--once", *at)
    server = Served(tmp_path / "store")
    yield server
    server.process.terminate()
    assert server.process.wait(30) == 0


@SIZES
@pytest.mark.parametrize("answer", ["Approve", "Reject"])
def test_a_version_that_waits_is_approved_or_rejected(browser, waiting, size, answer):
    from playwright.sync_api import expect

    page = opened(browser, waiting, "/models/sales", size)
    expect(page.locator(".watch")).to_contain_text("waits for a person")
    expect(page.locator(".watch")).to_contain_text("gain")
    page.get_by_role("button", name=f"{answer} version 2…").click()
    page.get_by_label("Why").fill("looked at by hand")
    page.keyboard.press("Escape")
    assert waiting.get("models/sales")["watches"][0]["waits"] == 2, "nothing was said yet"
    page.get_by_role("button", name=f"{answer} version 2…").press("Enter")
    page.get_by_label("Why").fill("looked at by hand")
    page.get_by_role("button", name=answer, exact=True).click()
    expect(page.locator(".watch")).not_to_contain_text("waits for a person")
    found = waiting.get("models/sales")
    champion = next(v["number"] for v in found["versions"] if "champion" in v["aliases"])
    assert champion == (2 if answer == "Approve" else 1)
    last = found["watches"][0]["decisions"][0]
    assert last["action"] == answer.lower() and "looked at by hand" in last["words"]
    done(page, size)


def test_an_answer_of_another_site_or_to_another_version_changes_nothing(waiting):
    def post(version, **headers):
        body = json.dumps({"approve": True, "version": version}).encode()
        asked = urllib.request.Request(
            f"{waiting.url}/api/v1/models/sales/aliases/champion/answer", body, headers)
        try:
            with urllib.request.urlopen(asked) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert post(2, Origin="http://evil.example") == 403
    assert post(7) == 409
    assert waiting.get("models/sales")["watches"][0]["waits"] == 2
    assert post(2) == 200
    assert post(2) == 409, "nothing waits any more"
