"""Tables, verdicts and the video's page as a reader sees them, on a desk and on a phone."""

import base64
import re
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from browsing import DESKTOP, PHONE, errors, overflow, resize
from meanfield.data.description import RUN
from meanfield.data.storage import STAND_IN
from meanfield.figures import pages, tables, verdicts
from meanfield.verification.verdicts import NOT_AVAILABLE, VERDICTS
from PIL import Image
from selenium.webdriver.common.by import By

TASKS = [("linear", "10"), ("linear", "8-2"), ("nonlinear", "10"), ("nonlinear", "8-2"), ("digits", "25")]
RUNS = [(*task, activation) for task, activation in product(TASKS, ("esp", "relu", "sigmoid"))]
"""The fifteen published runs."""
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])


def indices(runs: list[tuple[str, str, str]]) -> pd.DataFrame:
    """Two records of each run, with numbers of four digits."""
    values = ["cost", "train_accuracy", "test_accuracy", *tables.ENDS, "lambda_min", "lambda_max"]
    rows = [
        dict(zip(("dataset", "architecture", "activation"), run, strict=True))
        | {"update": update, "seed": 1, "source": STAND_IN if run[0] == "digits" else "packaged"}
        | dict.fromkeys(values, 0.6931 if update == 0 else 0.01234)
        for run in runs
        for update in (0, 10)
    ]
    return pd.DataFrame(rows)


def verdict_table(runs: int) -> pd.DataFrame:
    """Every verdict, in a run after the other, for the quantities that are compared."""
    names = ["cost", "train_accuracy", "test_accuracy", "zero_residuals", "residual", "alpha", "gamma", "alpha_resolved"]
    names += ["gamma_resolved", "eigenvalues", "hessians", *(f"{name}_last" for name in names)]
    found = [(" ".join(run), name) for run in RUNS[:runs] for name in names]
    given = [VERDICTS[number % len(VERDICTS)] for number in range(len(found))]
    table = pd.DataFrame(found, columns=["run", "quantity"]).assign(records=36, verdict=given, tolerance=1e-15)
    worst = np.where(table.verdict == NOT_AVAILABLE, np.nan, 1e-16)
    return table.assign(worst=worst, tolerance_from="P·ε of the largest, the resolution of a symmetric solver")


def opened(browser, folder, content: str, size: tuple[int, int]):
    (folder / "page.html").write_text(content)
    resize(browser, size)
    browser.get((folder / "page.html").as_uri())
    return browser


def summary(runs: list = RUNS) -> str:
    table = tables.summary(indices(runs))
    return pages.sortable(tables.brief(table), "All runs, one line each", "All columns are in summary.csv.")


PAGES = {
    "summary": summary,
    "one run": lambda: summary(RUNS[:1]),
    "records": lambda: pages.sortable(indices(RUNS), "All runs, record by record"),
    "verdicts": lambda: verdicts.page(verdict_table(15)),
    "verdicts of one": lambda: verdicts.page(verdict_table(1)),
}


@SIZES
@pytest.mark.parametrize("name", PAGES)
def test_only_tables_are_wider_than_the_window_and_the_run_stays_in_sight(browser, tmp_path, name, size):
    opened(browser, tmp_path, PAGES[name](), size)
    assert overflow(browser) == 0
    for box in browser.find_elements(By.CLASS_NAME, "scroll"):
        heads = box.find_elements(By.TAG_NAME, "th")
        assert all(head.text.strip() for head in heads)
        browser.execute_script("arguments[0].scrollLeft = 1e6; arguments[0].scrollTop = 1e6", box)
        left, right = box.rect["x"], box.rect["x"] + box.rect["width"]
        assert heads[-1].rect["x"] < right, "the last column cannot be reached"
        assert left <= heads[0].rect["x"] <= left + 1, "the run's column has scrolled away"
        assert heads[0].rect["y"] == pytest.approx(
            box.rect["y"], abs=200 if "grid" in box.get_attribute("innerHTML") else 60
        )
    assert errors(browser) == []


@SIZES
def test_the_whole_name_of_a_run_is_frozen(browser, tmp_path, size):
    opened(browser, tmp_path, summary(), size)
    [box] = browser.find_elements(By.CLASS_NAME, "scroll")
    cells = browser.find_elements(By.CSS_SELECTOR, "tbody tr:nth-child(10) td")
    before = [cell.rect["x"] for cell in cells[:3]]
    assert [cell.text for cell in cells[:3]] == ["nonlinear", "8-2", "esp"]
    browser.execute_script("arguments[0].scrollLeft = 300", box)
    scrolled = browser.execute_script("return arguments[0].scrollLeft", box)
    assert scrolled == (300 if size == PHONE else 0), "on a desk all columns have room"
    assert [cell.rect["x"] for cell in cells[:3]] == pytest.approx(before, abs=1)
    assert before == sorted(set(before))


def test_numbers_are_aligned_right_and_names_left(browser, tmp_path):
    opened(browser, tmp_path, summary(), DESKTOP)
    heads = browser.find_elements(By.TAG_NAME, "th")
    cells = browser.find_elements(By.CSS_SELECTOR, "tbody tr:first-child td")
    assert len(heads) == len(cells) == 17
    for head, cell in zip(heads, cells, strict=True):
        sides = {part.value_of_css_property("text-align").replace("start", "left") for part in (head, cell)}
        assert sides == {"left" if re.sub(r"\W", "", head.text) in (*RUN, "source") else "right"}, head.text
    shown = {head.text.replace("\n", " ") for head in heads}
    assert {"cost first", "cost last", "α first", "α last", "γ first", "γ last", "test acc. last"} <= shown


def test_lines_of_stand_in_data_are_red_and_only_they(browser, tmp_path):
    opened(browser, tmp_path, summary(), DESKTOP)
    colours = [cell.value_of_css_property("color") for cell in browser.find_elements(By.CSS_SELECTOR, "td:first-child")]
    assert [colour == "rgba(176, 0, 0, 1)" for colour in colours] == [run[0] == "digits" for run in RUNS]


def luminance(colour: str) -> float:
    """Of WCAG 2, of a colour as the browser says it."""
    shares = np.array([float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_every_verdict_can_be_read_in_its_cell(browser, tmp_path):
    opened(browser, tmp_path, verdicts.page(verdict_table(1)), PHONE)
    signs = browser.find_elements(By.CSS_SELECTOR, ".grid td + td, .legend span")
    assert {sign.text for sign in signs} == set(verdicts.SIGNS.values())
    for sign in signs:
        pair = sorted(luminance(sign.value_of_css_property(name)) for name in ("color", "background-color"))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, sign.text
    legend = browser.find_elements(By.CSS_SELECTOR, ".legend li")
    boxes = [entry.rect for entry in legend]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= PHONE[0] for box in boxes)
    assert [entry.text.split(maxsplit=1)[1] for entry in legend] == list(VERDICTS)


@SIZES
def test_the_videos_controls_stand_below_the_picture_and_its_letters_are_large_enough(browser, tmp_path, size):
    poster = tmp_path / "poster.png"
    Image.new("RGB", (1280, 958), "white").save(poster)
    (tmp_path / "a.mp4").write_bytes(b"not a video")
    content = pages.player(tmp_path / "a.mp4", poster, "linear 10")
    assert f'poster="data:image/png;base64,{base64.b64encode(poster.read_bytes()).decode()}"' in content
    opened(browser, tmp_path, content, size)
    picture, button, place = (browser.find_element(By.TAG_NAME, name) for name in ("video", "button", "input"))
    assert overflow(browser) == 0
    assert picture.get_attribute("controls") is None, "the browser's own controls cover the picture"
    below = picture.rect["y"] + picture.rect["height"]
    for control in (button, place):
        box = control.rect
        assert box["y"] >= below
        assert box["y"] + box["height"] <= size[1]
        assert 0 <= box["x"] < box["x"] + box["width"] <= size[0]
    assert picture.rect["width"] >= 960, "letters are lower than 11 pixels"
    assert picture.rect["height"] == pytest.approx(picture.rect["width"] * 958 / 1280, abs=2)
    assert place.get_attribute("aria-label")


def test_boxes_of_a_phone_do_not_cover_each_other(browser, tmp_path):
    opened(browser, tmp_path, verdicts.page(verdict_table(15)), PHONE)
    parts = [
        part.rect for part in browser.find_elements(By.CSS_SELECTOR, "main > :not(style, script)") if part.rect["height"]
    ]
    for one, other in combinations(parts, 2):
        apart = one["y"] + one["height"] <= other["y"] + 0.5 or other["y"] + other["height"] <= one["y"] + 0.5
        assert apart, (one, other)
