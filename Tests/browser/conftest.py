"""A headless Chromium, and a daemon to point it at: the one at STELLAR_BASE_URL or the stand-in."""

import json
import os
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from mock_daemon import WEB_ROOT, MockDaemon

REAL_DAEMON = os.environ.get("STELLAR_BASE_URL", "").rstrip("/")
ENGLISH = "en-US"


def start_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or pytest.fail("Chromium is missing (Debian: chromium, chromium-driver).")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1440,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


class Page:
    """The web chat in a tab of its own, with empty storage."""

    def __init__(self, driver, url):
        self.driver = driver
        self.url = url

    def open(self, language=ENGLISH, theme="light", width=1440, height=900):
        self.driver.execute_cdp_cmd("Emulation.setLocaleOverride", {})
        self.driver.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": "StellarChat tests", "acceptLanguage": language})
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get(self.url + "/")
        return self

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def requested_urls(self):
        """Every address this tab has asked for since the last call, WebSockets included."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = [message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return urls + [message["params"]["url"] for message in messages if message["method"] == "Network.webSocketCreated"]

    def console_errors(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


@pytest.fixture(scope="session")
def driver():
    browser = start_browser()
    yield browser
    browser.quit()


@pytest.fixture
def mock():
    """The stand-in, for tests that steer what the server does."""
    if not (WEB_ROOT / "index.html").exists():
        pytest.fail("frontend/dist is missing: run frontend/scripts/build")
    daemon = MockDaemon().start()
    yield daemon
    daemon.stop()


@pytest.fixture
def base_url(request):
    """Tests that ask for the stand-in get it; the others run against the real daemon where there is one."""
    if REAL_DAEMON and "mock" not in request.fixturenames:
        return REAL_DAEMON
    return request.getfixturevalue("mock").url


@pytest.fixture
def page(driver, base_url):
    """A new tab each time: sessionStorage belongs to the tab, localStorage is emptied."""
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": base_url, "storageTypes": "all"})
    driver.get_log("performance")
    driver.get_log("browser")
    yield Page(driver, base_url)
    driver.close()
    driver.switch_to.window(first)
