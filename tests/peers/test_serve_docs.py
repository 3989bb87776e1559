"""The page on which a person tries a model, in a real browser, where a key is needed."""

import json
import subprocess

import pytest
from conftest import PROGRAM, ROOT
from test_ui import CHROMIUM, browser, first_document  # noqa: F401

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="the package `chromium` is not installed")


def test_the_page_takes_a_key_and_keeps_it_in_the_window(browser, tmp_path):  # noqa: F811
    new = subprocess.run([PROGRAM, "serve", "--new-key", "shop", "--json"], check=True,
                         capture_output=True, text=True)
    new = json.loads(new.stdout)
    keys = tmp_path / "keys.toml"
    keys.write_text(new["entry"])
    model = ROOT / "testdata" / "artifact" / "v2-binary.mw"
    process = subprocess.Popen([PROGRAM, "serve", model, "--keys", keys, "--port", "0", "--json"],
                               stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://{first_document(process)['address']}/docs"
        page = browser.new_page()
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        page.wait_for_selector("#access:not([hidden])")
        page.fill("#key", "mw_wrong")
        page.click("#access button")
        page.wait_for_selector("#answer .bad")
        assert "a key is needed" in page.inner_text("#answer")
        page.fill("#key", new["key"])
        page.click("#access button")
        page.wait_for_selector("#row form, #row .row-form")
        assert page.is_hidden("#access")
        assert "$KEY" in page.inner_text("#curl") and new["key"] not in page.content()
        page.click("#row button")
        page.wait_for_selector("#answer .answer, #answer strong")
        assert new["key"] not in page.url and not faults
        page.reload()
        page.wait_for_selector("#access:not([hidden])")
        page.close()
    finally:
        process.terminate()
        process.wait()
