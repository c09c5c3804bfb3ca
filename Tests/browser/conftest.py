"""A headless Chromium, and a daemon to point it at: the one at STELLAR_BASE_URL or the stand-in."""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from mock_daemon import WEB_ROOT, MockDaemon

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "clients"))

REAL_DAEMON = os.environ.get("STELLAR_BASE_URL", "").rstrip("/")
ENGLISH = "en-US"
DOWNLOADS = tempfile.mkdtemp(prefix="stellarchat-downloads-")


def start_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or pytest.fail("Chromium is missing (Debian: chromium, chromium-driver).")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1440,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    # A machine may have other things to do for minutes.
    browser.set_script_timeout(300)
    browser.command_executor.client_config.timeout = 600
    return browser


# Replies are the same in every run on one kind of processor, so that what fails can be looked at again: each message has a seed of its own.
FIRST_SEED = int(os.environ.get("STELLAR_BROWSER_SEED", "1"))
# Stands between the page and its WebSocket. While `endless` is set, replies go on after their end, to the end of the context: however fast
# the engine, they run until they are stopped.
OUTGOING = """
{
    const { late, ...settings } = %s;
    Object.assign(window, settings);
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
        const message = JSON.parse(data);
        if (message.type === 'chat.message') {
            if (window.seed !== undefined) message.seed ??= window.seed++;
            if (window.endless) Object.assign(message, { ignore_eos: true, max_tokens: undefined });
        }
        const leave = () => send.call(this, JSON.stringify(message));
        if (late) setTimeout(leave, late);
        else leave();
    };
}
"""


class Page:
    """The web chat in a tab of its own, with empty storage."""

    def __init__(self, driver, url, is_mock=False):
        self.driver = driver
        self.url = url
        self.is_mock = is_mock

    def open(self, language=ENGLISH, theme="light", width=1440, height=900, path="/", limit=96, endless=False, late=0):
        """`limit`: most tokens of a reply, so that a test does not wait for all that a small model has to say. With `endless`, replies
        run until they are stopped, or `let_replies_end` is called before they are asked for. What the page says to the server gets
        there `late` milliseconds late."""
        self.driver.execute_cdp_cmd("Emulation.setLocaleOverride", {})
        self.driver.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": "StellarChat tests", "acceptLanguage": language})
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": DOWNLOADS})
        if not self.is_mock:
            value = json.dumps(json.dumps({"max_tokens": limit}))
            script = f"localStorage['stellarchat.generation'] ??= {value}"
            self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        outgoing = {"endless": endless, "late": late, **({} if self.is_mock else {"seed": FIRST_SEED})}
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": OUTGOING % json.dumps(outgoing)})
        self.driver.get(self.url + path)
        return self

    def let_replies_end(self):
        """Until the page is loaded anew."""
        self.js("window.endless = false")

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def network_events(self):
        """What this tab's network has done since the last call."""
        return [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]

    def requested_urls(self):
        """Every address this tab has asked for since the last call, WebSockets included."""
        messages = self.network_events()
        urls = [message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return urls + [message["params"]["url"] for message in messages if message["method"] == "Network.webSocketCreated"]

    def console_errors(self):
        """Since the last call. What a browser says about requests that fail by intent is not the page's mistake."""
        entries = [entry for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        return [entry["message"] for entry in entries if entry["source"] != "network"]


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
    if "own_daemon" in request.fixturenames:
        return request.getfixturevalue("own_daemon").base_url
    if REAL_DAEMON and "mock" not in request.fixturenames:
        return REAL_DAEMON
    return request.getfixturevalue("mock").url


@pytest.fixture
def page(request, driver, base_url):
    """A new tab each time: sessionStorage belongs to the tab, localStorage is emptied."""
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    shutil.rmtree(DOWNLOADS, ignore_errors=True)
    driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": base_url, "storageTypes": "all"})
    driver.get_log("performance")
    driver.get_log("browser")
    yield Page(driver, base_url, is_mock="mock" in request.fixturenames)
    driver.close()
    driver.switch_to.window(first)


@pytest.fixture
def own_daemon():
    """A real daemon that the test may end and start again, on a database of its own."""
    from daemon import MODEL, PROGRAMS, Daemon, free_port  # its needs are those of the client tests

    if not REAL_DAEMON or not (PROGRAMS / "stellarchatd").exists() or not MODEL.exists():
        pytest.skip("needs the built daemon and its model")

    class Restartable:
        def __init__(self):
            self.variables = {"PORT": free_port(), "WEB_ROOT": WEB_ROOT, "DATA_DIR": tempfile.mkdtemp(prefix="stellarchat-data-")}
            self.daemon = Daemon(**self.variables).wait_until_ready()
            self.base_url = self.daemon.base_url

        def kill(self):
            self.daemon.process.kill()
            self.daemon.wait()

        def start(self):
            self.daemon = Daemon(**self.variables).wait_until_ready()

    daemon = Restartable()
    yield daemon
    daemon.daemon.stop()
