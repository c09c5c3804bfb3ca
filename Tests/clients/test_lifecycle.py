"""Starting and stopping: loading, draining, and settings that are wrong."""

import json
import os
import signal
import subprocess
import threading
import time

import httpx
import pytest

from daemon import MODEL, PROGRAMS, ROOT, Daemon, free_port

CHAT = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}


def first_answers(daemon):
    """What a client that asks from the very start gets, up to the first 200: (health, completion) pairs."""
    answers = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            health = httpx.get(f"{daemon.base_url}/api/health", timeout=10)
        except httpx.ConnectError:
            assert daemon.process.poll() is None, daemon.log
            continue
        if health.status_code == 200:
            return answers
        answers.append((health, httpx.post(f"{daemon.base_url}/v1/chat/completions", json=CHAT, timeout=60)))
    raise AssertionError("never ready")


def test_the_port_answers_503_while_the_model_loads():
    """Loading is short, so several starts: in at least one of them a request has to come in between."""
    for _ in range(5):
        with Daemon() as daemon:
            answers = first_answers(daemon)
        if answers:
            break
    assert answers, "the port never answered before the model was ready"
    for health, _ in answers:
        assert health.status_code == 503 and health.json()["status"] == "loading"
        assert int(health.headers["retry-after"]) >= 0
    for _, completion in answers[:-1]:
        assert completion.status_code == 503 and int(completion.headers["retry-after"]) >= 0
        assert completion.json()["error"]["message"]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_lets_running_replies_finish(stop):
    with Daemon() as daemon:
        daemon.wait_until_ready()
        body = {"messages": [{"role": "user", "content": "Tell me a story."}], "stream": True, "ignore_eos": True, "max_tokens": 120}
        with httpx.stream("POST", f"{daemon.base_url}/v1/chat/completions", json=body, timeout=120) as response:
            lines = response.iter_lines()
            received = [next(lines)]
            daemon.process.send_signal(stop)
            received += list(lines)
        events = [line for line in received if line.startswith("data: ")]
        assert events[-1] == "data: [DONE]"
        assert json.loads(events[-2][6:])["choices"][0]["finish_reason"] == "length"
        assert daemon.wait() == 0, daemon.log[-3000:]
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{daemon.base_url}/api/health", timeout=5)


def test_an_idle_daemon_stops_at_once_though_connections_are_open():
    with Daemon() as daemon, httpx.Client() as client:
        daemon.wait_until_ready()
        client.get(f"{daemon.base_url}/api/health")
        daemon.terminate()
        assert daemon.wait(20) == 0


def test_a_stop_signal_while_loading_is_obeyed():
    with Daemon() as daemon:
        time.sleep(0.1)
        daemon.terminate()
        assert daemon.wait(30) in (0, -signal.SIGTERM)


def test_a_port_in_use_is_a_clear_error(daemon):
    with Daemon(PORT=daemon.port) as second:
        assert second.wait() > 0
        assert "PORT" in second.log and str(daemon.port) in second.log and "in use" in second.log


INVALID = [
    ("PORT", "0x1F90", "65535"),
    ("PORT", "-1", "65535"),
    ("PORT", "70000", "65535"),
    ("HOST", "no such host", ""),
    ("HOST", "203.0.113.7", ""),
    ("THREADS", "0", "1 to"),
    ("THREADS", "many", "auto"),
    ("PRECISION", "fp12", "fp16"),
    ("DEVICE", "toaster", "cpu"),
    ("CONTEXT_LENGTH", "0", "auto"),
    ("CONTEXT_LENGTH", "99999999999999999999", "auto"),
    ("CONTEXT_LENGTH", "100000", "8192"),
    ("MAX_BATCH", "-3", "1 to"),
    ("MAX_QUEUE", "x", "0 to"),
    ("CORS_ALLOWED_ORIGINS", "not an origin", "origin"),
    ("LOG_LEVEL", "loud", "info"),
    ("LOG_FORMAT", "xml", "text"),
    ("WEB_ROOT", "/no/such/directory", "directory"),
    ("MODEL_PATH", "/no/such/model", ""),
]


@pytest.mark.parametrize("name, value, allowed", INVALID, ids=[f"{name}={value}" for name, value, _ in INVALID])
def test_an_invalid_setting_names_variable_value_and_what_is_allowed(name, value, allowed):
    with Daemon(**{name: value}) as daemon:
        assert daemon.wait(60) > 0, "it must end with an error status"
        assert name in daemon.log and value in daemon.log and allowed in daemon.log
        assert "Fatal error" not in daemon.log and "Stack dump" not in daemon.log


@pytest.mark.parametrize("name", ["API_KEYS", "TLS_PRIVATE_KEY"])
def test_a_protection_that_is_not_valid_is_refused_not_ignored_and_not_repeated(name):
    with Daemon(**{name: "hunter2"}) as daemon:
        assert daemon.wait(60) > 0
        assert name in daemon.log and "hunter2" not in daemon.log


def test_the_start_is_logged_with_what_matters(daemon, model_name):
    for word in (model_name, "8192", "hread", "BLAS"):
        assert word in daemon.log, f"{word} is not in the start-up log"


def test_the_page_is_served_where_there_is_one(tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html><title>a page</title>")
    (tmp_path.parent / "secret.txt").write_text("secret")
    with Daemon(WEB_ROOT=tmp_path) as daemon:
        daemon.wait_until_ready()
        page = httpx.get(daemon.base_url + "/")
        assert page.status_code == 200 and "a page" in page.text and page.headers["content-type"].startswith("text/html")
        for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"):
            result = subprocess.run(["curl", "-s", "--path-as-is", daemon.base_url + path], capture_output=True, text=True, timeout=30)
            assert "secret" != result.stdout


def test_settings_may_be_given_as_flags_too(tmp_path):
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "MODEL_PATH": str(MODEL), "HOME": str(tmp_path)}
    command = [PROGRAMS / "stellarchatd", "--port", str(port), "--host", "127.0.0.1"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    killer = threading.Timer(60, process.kill)
    killer.start()
    try:
        status = None
        while status != 200 and process.poll() is None:
            try:
                status = httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=5).status_code
            except httpx.TransportError:
                time.sleep(0.05)
        assert status == 200
    finally:
        killer.cancel()
        process.terminate()
        process.wait(30)
