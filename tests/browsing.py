"""Opening pages in headless Chromium, for the tests that need a browser (fixture `browser` in conftest.py)."""

import shutil
from collections.abc import Callable

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = ["headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", "disable-dev-shm-usage"]
DESKTOP, PHONE = (1280, 900), (390, 844)


def start() -> webdriver.Chrome:
    """Headless Chromium; the test is skipped where it is absent."""
    chromium, driver = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no page was opened in a browser: chromium or chromedriver is not installed")
    options = Options()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


def resize(driver: webdriver.Chrome, size: tuple[int, int]) -> None:
    """Give the page the width and height of a screen, a phone's included, which is narrower than any window."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def press(driver: webdriver.Chrome, *keys: str) -> None:
    """Type keys into whatever has the focus."""
    ActionChains(driver).send_keys(*keys).perform()


def wait(driver: webdriver.Chrome, condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until the condition holds; TimeoutException if it does not."""
    WebDriverWait(driver, seconds, poll_frequency=0.05).until(lambda _: condition())


def errors(driver: webdriver.Chrome) -> list[str]:
    """What the console has said is wrong since the last call."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def overflow(driver: webdriver.Chrome) -> int:
    """By how many pixels the page is wider than the screen."""
    return driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
