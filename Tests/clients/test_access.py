"""Who may use the server: keys, rate limits, hosts."""

import concurrent.futures
import json
import socket
import subprocess

import httpx
import pytest
import websockets
from websockets.sync.client import connect

from conftest import CAPITAL, wait_for
from daemon import PROGRAMS, Daemon

KEY, OTHER, ADMIN = "sk-first-key-1234", "sk-other-key-5678", "sk-admin-key-9999"
BODY = {"messages": CAPITAL, "max_tokens": 4, "temperature": 0}


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def closed():
    with Daemon(API_KEYS=f"{KEY}, {OTHER}", ADMIN_API_KEY=ADMIN) as own:
        own.wait_until_ready()
        yield own
        for secret in (KEY, OTHER, ADMIN):
            assert secret not in own.log, "keys are not logged"


@pytest.fixture
def http(closed):
    with httpx.Client(base_url=closed.base_url, timeout=60) as made:
        yield made


@pytest.mark.parametrize("path", ["/v1/models", "/api/models", "/api/sessions", "/metrics", "/v1/models/x"])
def test_without_a_key_there_is_nothing(http, path):
    answer = http.get(path)
    assert answer.status_code == 401, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error" and error["code"] == "invalid_api_key" and error["param"] is None
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["//api//sessions", "/api/%73essions", "/api/sessions/", "/x/../api/sessions", "/API/sessions"])
def test_no_spelling_of_a_path_gets_around_the_key(closed, path):
    result = subprocess.run(
        ["curl", "--silent", "--path-as-is", "--max-time", "30", "--write-out", "%{http_code}", closed.base_url + path],
        capture_output=True, text=True, timeout=60,
    )
    # Where the web chat is installed, paths that are not the API's are places in its page.
    is_page = result.stdout.startswith("<!doctype html>") and result.stdout.endswith("200")
    assert result.stdout[-3:] in ("401", "404") or is_page, result.stdout


def test_a_key_is_taken_from_each_of_its_places_and_no_other(http):
    for headers in (bearer(KEY), {"x-api-key": KEY}, {"Authorization": f"bearer {OTHER}"}, bearer("dummy") | {"x-api-key": KEY}):
        assert http.get("/v1/models", headers=headers).status_code == 200
    assert http.post("/v1/chat/completions", json=BODY, headers=bearer(KEY)).status_code == 200
    wrong = http.get("/v1/models", headers=bearer(KEY + "x"))
    assert wrong.status_code == 401 and 'error="invalid_token"' in wrong.headers["www-authenticate"]
    for headers in (bearer(KEY[:-1]), {"Authorization": KEY}, {"Authorization": f"Basic {KEY}"}):
        assert http.get("/v1/models", headers=headers).status_code == 401
    assert http.get("/v1/models", params={"api_key": KEY}).status_code == 401, "a key in a query is for WebSockets alone"


def test_health_is_open_and_the_preflight_needs_no_key(http):
    assert http.get("/api/health").json()["status"] == "ok"
    preflight = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = http.options("/v1/chat/completions", headers=preflight)
    assert answer.status_code == 204 and answer.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert "authorization" in answer.headers["access-control-allow-headers"]
    shown = http.get("/v1/models", headers=bearer(KEY) | {"Origin": "http://localhost:5173"}).headers["access-control-expose-headers"]
    assert {"x-request-id", "retry-after", "x-session-id"} <= set(shown.split(", "))


def test_a_websocket_takes_the_key_from_its_query_or_a_header(closed):
    url = closed.base_url.replace("http", "ws") + "/api/ws/chat"
    for options in ({"uri": f"{url}?api_key={KEY}"}, {"uri": url, "additional_headers": bearer(KEY)}):
        with connect(**options) as opened:
            assert json.loads(opened.recv(timeout=30))["event"] == "session_start"
    for refused in (url, f"{url}?api_key=wrong"):
        with pytest.raises(websockets.InvalidStatus) as error:
            with connect(refused):
                pass
        assert error.value.response.status_code == 401


def test_a_key_sees_its_own_sessions_alone(http):
    mine, theirs = bearer(KEY), bearer(OTHER)
    for headers, title in ((mine, "mine"), (theirs, "theirs")):
        assert http.post("/api/sessions", json={"id": "same", "title": title}, headers=headers).status_code == 201
    http.post("/api/chat/completions", params={"session_id": "private"}, json=BODY, headers=mine)
    assert http.get("/api/sessions/same", headers=theirs).json()["title"] == "theirs"
    for path in ("", "/messages", "/history", "/export"):
        assert http.get("/api/sessions/private" + path, headers=mine).status_code == 200
        assert http.get("/api/sessions/private" + path, headers=theirs).status_code == 404
        assert http.get("/api/sessions/private" + path, headers=bearer(ADMIN)).status_code == 404
    assert http.delete("/api/sessions/private", headers=theirs).status_code == 404
    assert {s["id"] for s in http.get("/api/sessions", headers=theirs).json()["data"]} == {"same"}
    assert http.get("/api/sessions", params={"search": "France"}, headers=theirs).json()["data"] == []
    exported = http.get("/api/sessions/export", headers=theirs).json()["sessions"]
    assert [s["session"]["id"] for s in exported] == ["same"]


def test_an_admin_makes_and_revokes_keys(closed, http):
    assert http.post("/api/api-keys", json={}, headers=bearer(KEY)).status_code == 403
    made = http.post("/api/api-keys", json={"name": "laptop"}, headers=bearer(ADMIN))
    assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
    key, name = made.json()["key"], made.json()["id"]
    listed = [k for k in http.get("/api/api-keys", headers=bearer(ADMIN)).json()["data"] if k["id"] == name][0]
    assert listed["name"] == "laptop" and listed["active"] and not listed["admin"] and "key" not in listed
    assert http.get("/v1/models", headers=bearer(key)).status_code == 200
    files = b"".join(file.read_bytes() for file in closed.data.iterdir())
    assert key.encode() not in files and key.split("-")[2].encode() not in files, "only a hash is stored"
    url = closed.base_url.replace("http", "ws") + f"/api/ws/chat?api_key={key}"
    with connect(url) as opened:
        opened.recv(timeout=30)
        assert http.post(f"/api/api-keys/{name}/deactivate", headers=bearer(ADMIN)).json()["active"] is False
        with pytest.raises(websockets.ConnectionClosed) as closing:
            opened.recv(timeout=30)
        assert closing.value.rcvd.code == 4000
    assert http.get("/v1/models", headers=bearer(key)).status_code == 401
    assert http.post(f"/api/api-keys/{name}/activate", headers=bearer(ADMIN)).status_code == 200
    assert http.get("/v1/models", headers=bearer(key)).status_code == 200
    assert http.delete(f"/api/api-keys/{name}", headers=bearer(ADMIN)).json()["deleted"]
    assert http.get("/v1/models", headers=bearer(key)).status_code == 401
    assert http.delete(f"/api/api-keys/{name}", headers=bearer(ADMIN)).status_code == 404
    assert key not in closed.log


def test_keys_made_on_the_command_line_close_a_running_server():
    def keys(*words):
        return subprocess.run(
            [PROGRAMS / "stellarchatd", "keys", *words, "--data-dir", own.data], capture_output=True, text=True, timeout=60, check=True
        ).stdout

    with Daemon() as own, httpx.Client(base_url=own.wait_until_ready().base_url) as http:
        assert http.get("/v1/models").status_code == 200
        assert http.post("/api/api-keys", json={}).status_code == 403, "without keys nobody is an admin"
        made = dict(line.split(None, 1) for line in keys("create-admin", "root").splitlines()[:2])
        wait_for(lambda: http.get("/v1/models").status_code == 401, "the daemon has seen the key")
        assert http.get("/api/api-keys", headers=bearer(made["key"])).status_code == 200
        assert "root" in keys("list") and made["key"] not in keys("list")
        keys("delete", made["id"])
        wait_for(lambda: http.get("/v1/models", headers=bearer(made["key"])).status_code == 401, "the key is gone")
        assert http.get("/v1/models").status_code == 401, "deleting the last key does not open the server"


def test_keys_may_come_from_a_file(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# keys\n{KEY}\n\n{ADMIN} admin  # mine\n")
    with Daemon(API_KEYS_FILE=file, METRICS_PUBLIC=1) as own, httpx.Client(base_url=own.wait_until_ready().base_url) as http:
        assert http.get("/v1/models").status_code == 401
        assert http.get("/v1/models", headers=bearer(KEY)).status_code == 200
        assert http.get("/api/api-keys", headers=bearer(ADMIN)).status_code == 200
        assert http.get("/metrics").status_code == 200


def test_without_keys_any_key_is_taken(daemon):
    assert httpx.get(daemon.base_url + "/v1/models", headers=bearer("dummy")).status_code == 200


def test_requests_over_the_limit_are_told_when_to_come_back():
    with Daemon(RATE_LIMIT="requests=3", TRUSTED_PROXIES="127.0.0.1") as own:
        own.wait_until_ready()
        url = own.base_url + "/v1/chat/completions"
        answers = [httpx.post(url, json=BODY, timeout=60) for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        assert [a.headers["x-ratelimit-remaining-requests"] for a in answers] == ["2", "1", "0", "0"]
        last = answers[-1]
        assert last.json()["error"]["code"] == "rate_limit_exceeded" and 1 <= int(last.headers["retry-after"]) <= 20
        assert last.headers["x-ratelimit-limit-requests"] == "3" and last.headers["x-ratelimit-reset-requests"]
        assert httpx.get(own.base_url + "/v1/models").status_code == 200, "only what makes the model work is counted"
        elsewhere = httpx.post(url, json=BODY, headers={"X-Forwarded-For": "8.8.8.8, 192.0.2.7"}, timeout=60)
        assert elsewhere.status_code == 200, "another client behind the proxy has its own allowance"
        with connect(own.base_url.replace("http", "ws") + "/api/ws/chat") as chat:
            chat.recv(timeout=30)
            chat.send(json.dumps({"type": "chat.message", "content": "Hi"}))
            event = json.loads(chat.recv(timeout=30))
            assert event["event"] == "error" and event["data"]["code"] == "rate_limit_exceeded"


def test_tokens_over_the_limit_are_refused_after_they_were_used():
    with Daemon(RATE_LIMIT="tokens=60") as own:
        own.wait_until_ready()
        first = httpx.post(own.base_url + "/v1/chat/completions", json=BODY | {"max_tokens": 40, "ignore_eos": True}, timeout=60)
        assert first.status_code == 200 and first.headers["x-ratelimit-limit-tokens"] == "60"
        second = httpx.post(own.base_url + "/v1/chat/completions", json=BODY, timeout=60)
        assert second.status_code == 429 and second.headers["x-ratelimit-remaining-tokens"] == "0"


def request_with(host, base_url, path="/v1/models"):
    return httpx.get(base_url + path, headers={"Host": host}).status_code


def test_an_open_server_is_not_reached_by_names_of_others(daemon):
    port = daemon.port
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "192.168.1.5", "chatbox:8080", "app.localhost"):
        assert request_with(host, daemon.base_url) == 200, host
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example"):
        assert request_with(host, daemon.base_url) == 403, host
        assert request_with(host, daemon.base_url, "/") == 403
    with pytest.raises(websockets.InvalidStatus) as error:
        with connect("ws://evil.example/api/ws/chat", sock=socket.create_connection(("127.0.0.1", port))):
            pass
    assert error.value.response.status_code == 403


def test_hosts_can_be_allowed_and_need_not_be_with_keys(closed):
    with Daemon(ALLOWED_HOSTS="chat.example, *.lan.example") as own:
        own.wait_until_ready()
        assert [request_with(h, own.base_url) for h in ("chat.example", "a.lan.example:1", "lan.example", "x.example")] == [200, 200, 403, 403]
    assert httpx.get(closed.base_url + "/v1/models", headers={"Host": "any.example"} | bearer(KEY)).status_code == 200


@pytest.mark.parametrize(
    "variables",
    [
        {"API_KEYS": "short"}, {"API_KEYS": ","}, {"API_KEYS_FILE": "/does/not/exist"}, {"API_KEYS_FILE": "/dev/null"},
        {"RATE_LIMIT": "60"}, {"RATE_LIMIT": "requests=0"}, {"TRUSTED_PROXIES": "10.0.0.0/33"}, {"SESSIONS": "maybe"},
    ],
)
def test_a_wrong_setting_stops_the_start(variables):
    with Daemon(**variables) as own:
        assert own.wait(30) == 78
        assert next(iter(variables)) in own.log and "short" not in own.log


def test_a_conversation_of_too_many_messages_is_refused(daemon):
    body = {"messages": CAPITAL * 4097}
    answer = httpx.post(daemon.base_url + "/v1/chat/completions", json=body, timeout=60)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "array_above_max_length"


def test_many_wrong_keys_at_once_are_all_refused(closed):
    def attempt(number):
        return httpx.get(closed.base_url + "/v1/models", headers=bearer(f"sk-wrong-{number:08}")).status_code

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert set(pool.map(attempt, range(200))) == {401}
