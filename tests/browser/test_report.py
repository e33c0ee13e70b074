"""Snakemake's report of the small run, opened from disk: complete, captions in place, tables sort, the video plays."""

import json

import pytest
from browsing import DESKTOP, errors, resize, wait
from conftest import Workflow, small
from meanfield.figures import pages
from selenium.webdriver.common.by import By

VIDEO, TABLE = "results/videos/linear_10.html", "results/tables/summary.html"
PLAYER_LIMIT = 2 * 2**20  # Chromium refuses longer data addresses


@pytest.fixture(scope="module")
def report(finished: Workflow, browser, tmp_path_factory) -> dict:
    """The report's results, by path; the page is open in the browser."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    result = finished.snakemake(*small(finished), "--report", str(path))
    assert result.returncode == 0, result.stdout
    resize(browser, DESKTOP)
    browser.get(path.as_uri())
    wait(browser, lambda: "Along training" in browser.find_element(By.TAG_NAME, "body").text)
    return json.loads(browser.execute_script("return JSON.stringify({results, categories})"))


def show(browser, path: str) -> None:
    """Open a result as the report's button does, and go into its frame."""
    browser.switch_to.default_content()
    browser.execute_script(
        "app.setView({content: 'html', contentPath: results[arguments[0]].data_uri, resultPath: arguments[0]})", path
    )
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))


@pytest.mark.long
def test_every_picture_table_and_video_is_there_with_its_caption(report, finished):
    assert set(report["categories"]) == {"Along training", "Networks", "Tables", "Verification", "Videos"}
    shown = {path for path, result in report["results"].items() if result["caption"]}
    pictures = {f"results/figures/{path.name}" for path in (finished.folder / "results/figures").glob("*.png")}
    assert shown == report["results"].keys() == pictures | {
        VIDEO, TABLE, "results/tables/indices.html", "results/verification/verdicts.html",
    }  # fmt: skip
    labels = report["results"]["results/figures/eigenvectors_linear_10.png"]["labels"]
    assert labels.pop("of the paper") == "5 and 6"
    assert labels == {"figure": "eigenvectors", "task": "linear", "architecture": "10", "activations": "esp, relu, sigmoid"}


@pytest.mark.long
def test_pages_are_short_enough_to_be_shown(report):
    assert all(len(result["data_uri"]) < PLAYER_LIMIT for path, result in report["results"].items() if path.endswith("html"))


@pytest.mark.long
def test_video_plays(report, browser):
    show(browser, VIDEO)
    wait(browser, lambda: browser.execute_script("return document.querySelector('video').readyState") == 4)
    browser.execute_script("document.querySelector('video').muted = true")
    browser.find_element(By.TAG_NAME, "button").click()
    wait(browser, lambda: browser.execute_script("return document.querySelector('video').currentTime") > 0.3)
    wait(browser, lambda: float(browser.find_element(By.TAG_NAME, "input").get_attribute("value")) > 0)
    browser.find_element(By.TAG_NAME, "button").click()
    assert browser.execute_script("return document.querySelector('video').paused")
    browser.switch_to.default_content()
    assert not errors(browser)


@pytest.mark.long
def test_table_sorts_by_a_click_on_a_head(report, browser):
    show(browser, TABLE)
    wait(browser, lambda: browser.find_elements(By.TAG_NAME, "th"))
    heads = [head.text for head in browser.find_elements(By.TAG_NAME, "th")]
    column = heads.index("cost last")

    def shown() -> list[float]:
        cells = browser.find_elements(By.CSS_SELECTOR, f"td:nth-child({column + 1})")
        return [float(cell.text) for cell in cells]

    before = shown()
    for expected in (sorted(before), sorted(before, reverse=True)):
        browser.find_elements(By.CSS_SELECTOR, "th button")[column].click()
        assert shown() == expected
    assert before not in (sorted(before), sorted(before, reverse=True))
    browser.switch_to.default_content()
    assert not errors(browser)


def test_pages_are_repeatable_and_escape_what_they_show(tmp_path):
    import pandas as pd

    table = pd.DataFrame({"name": ["<b>"], "share_of": [0.123456]})
    page = pages.sortable(table, "title")
    assert page == pages.sortable(table, "title")
    assert "&lt;b&gt;" in page
    assert "0.1235" in page
    assert "share of" in page
