"""What the daemon writes down, and what it never does."""

import json
import signal

import httpx
import websockets.sync.client

from conftest import wait_for
from daemon import Daemon

SECRET, KEY, REPLY = "xyzzy-prompt-secret", "sk-key-secret", "plugh-reply-secret"


def visit(daemon):
    """Requests of every kind with secrets in them; returns the replies' text."""
    url, headers = daemon.base_url, {"Authorization": f"Bearer {KEY}", "x-api-key": KEY, "x-request-id": "trace-me.1"}
    messages = [{"role": "system", "content": f"Say {SECRET}."}, {"role": "user", "content": f"Repeat: {REPLY}"}]
    text = httpx.post(f"{url}/v1/chat/completions", json={"messages": messages, "max_tokens": 12}, headers=headers, timeout=60)
    assert text.headers["x-request-id"] == "trace-me.1"
    with httpx.stream("POST", f"{url}/v1/chat/completions", json={"messages": messages, "max_tokens": 4, "stream": True}, timeout=60) as s:
        s.read()
    httpx.post(f"{url}/v1/completions", json={"prompt": SECRET, "max_tokens": 4, "echo": True}, timeout=60)
    httpx.post(f"{url}/v1/chat/completions", content=f'{{"messages": "{SECRET}"'.encode())
    httpx.post(f"{url}/v1/chat/completions", json={"messages": [{"role": SECRET, "content": SECRET}], SECRET: 1})
    httpx.post(f"{url}/tokenize", json={"content": SECRET})
    httpx.get(f"{url}/v1/models?api_key={KEY}")
    with websockets.sync.client.connect(f"{url.replace('http', 'ws')}/api/ws/chat?api_key={KEY}&session_id=s-1") as socket:
        socket.recv()
        socket.send(json.dumps({"type": "chat.message", "content": SECRET, "max_tokens": 4}))
        while '"message_stop"' not in socket.recv():
            pass
    return text.json()["choices"][0]["message"]["content"]


def test_neither_prompts_nor_keys_nor_replies_are_logged(tmp_path):
    file = tmp_path / "log"
    with Daemon(LOG_LEVEL="trace", LOG_FORMAT="json", LOG_FILE=file) as daemon:
        daemon.wait_until_ready()
        reply = visit(daemon)
        httpx.get(f"{daemon.base_url}/metrics")
    for log in (daemon.log, file.read_text()):
        for secret in (SECRET, KEY, REPLY):
            assert secret not in log
        assert len(reply) < 8 or reply not in log
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    traced = [line for line in lines if line.get("request_id") == "trace-me.1"]
    assert any(line["message"] == "Request answered" and line["status"] == "200" for line in traced)
    assert all("request_id" in line for line in lines if line["message"] in ("Request answered", "WebSocket opened", "WebSocket closed"))


def test_prompts_and_replies_are_logged_where_the_operator_wants_it():
    with Daemon(LOG_PROMPTS=1) as daemon:
        daemon.wait_until_ready()
        reply = visit(daemon)
        assert SECRET in daemon.log and KEY not in daemon.log
        assert reply.split("\n")[0] in daemon.log


def test_a_log_file_is_begun_anew_when_it_is_full_or_moved_away(tmp_path):
    file = tmp_path / "log"
    with Daemon(LOG_FILE=file, LOG_FILE_SIZE=1, LOG_FILE_COUNT=2) as daemon:
        daemon.wait_until_ready()
        file.rename(tmp_path / "moved")
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(file.exists, "the log file is there again")
        wait_for(lambda: "reopened" in file.read_text(), "the daemon says so in it")
        long = "x" * 200
        with httpx.Client(base_url=daemon.base_url) as http:
            for _ in range(6000):
                http.get(f"/v1/{long}")
        assert (tmp_path / "log.1").stat().st_size <= 1 << 20
        assert daemon.health()["status"] == "ok"


def test_a_log_file_that_cannot_be_written_is_a_wrong_setting():
    with Daemon(LOG_FILE="/no/such/directory/log") as daemon:
        assert daemon.wait(60) == 78 and "LOG_FILE" in daemon.log
