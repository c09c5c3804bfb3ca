"""HTTP itself: curl, headers, paths, and requests that are wrong."""

import json
import subprocess

import pytest

from conftest import CAPITAL

BODY = {"messages": CAPITAL, "temperature": 0, "max_tokens": 24}


def curl(*arguments, data=None):
    command = ["curl", "--silent", "--show-error", "--max-time", "120", *arguments]
    return subprocess.run(command, input=data, capture_output=True, text=True, timeout=150)


@pytest.mark.parametrize("base", ["/v1", "/api"])
def test_curl_gets_a_whole_answer(daemon, base):
    result = curl("--json", "@-", f"{daemon.base_url}{base}/chat/completions", data=json.dumps(BODY))
    assert result.returncode == 0, result.stderr
    assert "Paris" in json.loads(result.stdout)["choices"][0]["message"]["content"]


@pytest.mark.parametrize("base", ["/v1", "/api"])
def test_curl_gets_a_stream_of_events(daemon, base):
    result = curl("--no-buffer", "--json", "@-", f"{daemon.base_url}{base}/chat/completions", data=json.dumps(BODY | {"stream": True}))
    assert result.returncode == 0, result.stderr
    events = [line for line in result.stdout.split("\n\n") if line and not line.startswith(":")]
    assert all(event.startswith("data: ") and "\n" not in event for event in events)
    assert events[-1] == "data: [DONE]" and result.stdout.endswith("data: [DONE]\n\n")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    assert chunks[-1]["choices"][0]["delta"] == {} and chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks[:-1])
    assert "Paris" in "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert all(value is not None for chunk in chunks for key, value in chunk.items() if key == "timings")


def test_a_request_may_offer_http2_in_clear_and_is_answered(daemon):
    result = curl("--http2", "--output", "/dev/null", "--write-out", "%{http_code}", f"{daemon.base_url}/api/health")
    assert (result.returncode, result.stdout) == (0, "200"), result.stderr


def test_a_stream_has_the_headers_that_proxies_need(http):
    with http.stream("POST", "/v1/chat/completions", json=BODY | {"stream": True}) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "no-cache" in response.headers["cache-control"]
        assert response.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in response.headers
        response.read()


def test_health_says_what_runs(http, model_name):
    health = http.get("/api/health").json()
    assert health["status"] == "ok" and health["model"] == model_name and health["version"]
    assert health["queue"]["running"] == 0 and health["queue"]["waiting"] == 0
    assert http.get("/v1/health").status_code == 200


def test_requests_without_a_model_name_use_the_loaded_one(http, model_name):
    assert http.post("/v1/chat/completions", json=BODY).json()["model"] == model_name


def test_any_key_is_accepted_while_keys_are_off(http):
    headers = {"Authorization": "Bearer something", "x-api-key": "else"}
    assert http.post("/v1/chat/completions", json=BODY, headers=headers).status_code == 200


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/v1/nowhere", 404),
    ("GET", "/api/nowhere", 404),
    ("POST", "/v1/nowhere", 404),
    ("GET", "/v1/chat/completions", 405),
    ("DELETE", "/v1/models", 405),
    ("PUT", "/api/health", 405),
])
def test_an_unknown_path_or_method_is_a_json_error(http, method, path, status):
    response = http.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("application/json")
    assert response.json()["error"]["message"]


def message(content):
    return json.dumps({"messages": [{"role": "user", "content": content}], "max_tokens": 2}).encode()


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"hello",
    "half JSON": b'{"messages": [{"role": "us',
    "an array": b"[]",
    "a string": b'"hello"',
    "null": b"null",
    "no messages": b"{}",
    "messages empty": b'{"messages": []}',
    "messages null": b'{"messages": null}',
    "messages of numbers": b'{"messages": [1, 2]}',
    "role missing": b'{"messages": [{"content": "Hi"}]}',
    "role unknown": b'{"messages": [{"role": "wizard", "content": "Hi"}]}',
    "content missing": b'{"messages": [{"role": "user"}]}',
    "content a number": b'{"messages": [{"role": "user", "content": 7}]}',
    "image": b'{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}',
    "temperature text": b'{"messages": [{"role": "user", "content": "Hi"}], "temperature": "warm"}',
    "temperature huge": b'{"messages": [{"role": "user", "content": "Hi"}], "temperature": 1e999}',
    "max_tokens negative": b'{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": -1}',
    "max_tokens beyond 64 bits": b'{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 99999999999999999999}',
    "max_tokens a fraction": b'{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1.5}',
    "n huge": b'{"messages": [{"role": "user", "content": "Hi"}], "n": 1000000}',
    "stop empty": b'{"messages": [{"role": "user", "content": "Hi"}], "stop": ""}',
    "stop of numbers": b'{"messages": [{"role": "user", "content": "Hi"}], "stop": [1]}',
    "logit_bias of no token": b'{"messages": [{"role": "user", "content": "Hi"}], "logit_bias": {"x": 1}}',
    "logit_bias beyond the vocabulary": b'{"messages": [{"role": "user", "content": "Hi"}], "logit_bias": {"2000000000": 1}}',
    "stream text": b'{"messages": [{"role": "user", "content": "Hi"}], "stream": "yes"}',
    "NUL byte": b'{"messages": [{"role": "user", "content": "a\x00b"}]}',
    "invalid UTF-8": b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}',
    "overlong UTF-8": b'{"messages": [{"role": "user", "content": "\xc0\xaf"}]}',
    "UTF-16": '{"messages": []}'.encode("utf-16"),
    "deep nesting": b'{"messages": ' + b"[" * 100_000,
    "deep nesting, closed": b'{"messages": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "too long a prompt": message("one two three four " * 4000),
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat/completions"])
def test_a_bad_body_is_a_clear_error(http, path, body):
    response = http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400, response.text[:500]
    error = response.json()["error"]
    assert error["type"] == "invalid_request_error" and len(error["message"]) > 10
    assert set(error) == {"message", "type", "param", "code"}


def test_an_unknown_model_is_404(http):
    response = http.post("/v1/chat/completions", json=BODY | {"model": "no-such-model"})
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found" and response.json()["error"]["param"] == "model"


def test_a_body_of_10_mb_is_refused_and_answered(daemon, tmp_path):
    file = tmp_path / "body"
    file.write_bytes(message("x" * 10_000_000))
    result = curl("--json", f"@{file}", "--write-out", "\n%{http_code}", f"{daemon.base_url}/v1/chat/completions")
    body, _, status = result.stdout.rpartition("\n")
    assert status in ("400", "413"), result.stderr
    assert json.loads(body)["error"]["message"]


@pytest.mark.parametrize("content", ["a\u0000b", "\U0001f600", "\u202e\u0007", "", " "])
def test_odd_but_valid_text_is_answered(http, content):
    response = http.post("/v1/chat/completions", content=message(content), headers={"Content-Type": "application/json"})
    assert response.status_code == 200 and response.json()["choices"][0]["finish_reason"]


def test_a_lone_surrogate_in_json_harms_nothing(http):
    body = b'{"messages": [{"role": "user", "content": "\\ud83d"}], "max_tokens": 2}'
    assert http.post("/v1/chat/completions", content=body).status_code in (200, 400)
