"""Fixtures: one real daemon with the real model for all tests of a session, and clients of it."""

import os
import subprocess
import time

import httpx
import openai
import pytest

from daemon import MODEL, PROGRAMS, Daemon

STRICT = os.environ.get("CI") in ("true", "1") or os.environ.get("STELLAR_REQUIRE_MODEL") == "1"


def pytest_configure(config):
    missing = [str(path) for path in (MODEL, PROGRAMS / "stellarchatd", PROGRAMS / "stellarchat") if not path.exists()]
    if missing:
        pytest.exit(f"not there: {', '.join(missing)}. Run scripts/test, which builds and fetches what the tests need.", returncode=1)


def need(condition, reason):
    """Skips a test by name; where everything has to run, fails it."""
    if not condition:
        (pytest.fail if STRICT else pytest.skip)(reason)


@pytest.fixture(scope="session")
def daemon():
    with Daemon() as running:
        yield running.wait_until_ready()


@pytest.fixture(scope="session")
def small():
    """A daemon with one place and room for one that waits."""
    with Daemon(MAX_BATCH=1, MAX_QUEUE=1) as running:
        yield running.wait_until_ready()


@pytest.fixture(autouse=True)
def lives_on(request):
    """After every test the shared daemon must still run, with nothing left over from the test."""
    yield
    if "daemon" not in request.fixturenames:
        return
    shared = request.getfixturevalue("daemon")
    assert shared.process.poll() is None, f"the daemon ended with {shared.process.returncode}:\n{shared.log[-4000:]}"
    wait_for(lambda: shared.is_idle, "no generation runs any more")


def wait_for(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds} s it is still not so that {what}"
        time.sleep(0.01)


@pytest.fixture(scope="session", params=["/v1", "/api"])
def client(daemon, request):
    """openai-python on both base paths."""
    with openai.OpenAI(base_url=daemon.base_url + request.param, api_key="none", max_retries=0, timeout=120) as made:
        yield made


@pytest.fixture(scope="session")
def http(daemon):
    with httpx.Client(base_url=daemon.base_url, timeout=120) as made:
        yield made


@pytest.fixture(scope="session")
def model_name(http):
    return http.get("/v1/models").json()["data"][0]["id"]


@pytest.fixture(scope="session")
def cli():
    """Runs `stellarchat`; a hang or a signal fails the test."""

    def run(*arguments, stdin="", seconds=60):
        result = subprocess.run(
            [PROGRAMS / "stellarchat", *map(str, arguments)], input=stdin, capture_output=True, text=True, errors="replace", timeout=seconds
        )
        assert result.returncode >= 0 and result.returncode < 128, f"killed by a signal: {result.returncode}\n{result.stderr[-2000:]}"
        return result

    return run


@pytest.fixture(scope="session")
def model_file():
    return MODEL if MODEL.is_file() else sorted(MODEL.glob("*.gguf"))[0]


CAPITAL = [{"role": "user", "content": "What is the capital of France?"}]
STORY = [{"role": "user", "content": "Tell me a long story about a lighthouse keeper who collects storms."}]
