"""Many clients at once: same text as alone, and a place is free as soon as its client is gone."""

import concurrent.futures
import json

import httpx
import pytest

from conftest import wait_for
from daemon import Daemon

PROMPTS = [
    "What is the capital of France?",
    "Name three colours.",
    "Why is the sky blue?",
    "Write a haiku about rain.",
    "请用一句话介绍一下北京的历史。",
    "Explain recursion to a child.",
    "Count from one to ten.",
    "What does the function `sum([1, 2, 3])` return in Python? Explain each step. " * 8,
]


def stream_text(base_url, prompt, **options):
    body = {"messages": [{"role": "user", "content": prompt}], "stream": True, "max_tokens": 48} | options
    text, reason = "", None
    with httpx.stream("POST", f"{base_url}/v1/chat/completions", json=body, timeout=120) as response:
        assert response.status_code == 200, response.read()
        for line in response.iter_lines():
            if line.startswith("data: {"):
                choice = json.loads(line[6:])["choices"][0]
                text += choice["delta"].get("content") or ""
                reason = choice["finish_reason"]
    assert reason in ("stop", "length")
    return text


def at_once(function, items):
    with concurrent.futures.ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(function, items))


@pytest.mark.parametrize(
    "options", [{"temperature": 0}, {"temperature": 1.0, "top_p": 0.9, "seed": 11}], ids=["greedy", "seeded"]
)
def test_eight_streams_at_once_give_the_text_of_each_alone(daemon, options):
    alone = [stream_text(daemon.base_url, prompt, **options) for prompt in PROMPTS]
    assert len(set(alone)) == len(PROMPTS)
    assert at_once(lambda prompt: stream_text(daemon.base_url, prompt, **options), PROMPTS) == alone


ENDLESS = {
    "messages": [{"role": "user", "content": "Tell me a long story."}],
    "stream": True, "ignore_eos": True, "max_tokens": 6000, "temperature": 0,
}


def test_a_client_that_leaves_a_stream_frees_its_place(daemon):
    with httpx.stream("POST", f"{daemon.base_url}/v1/chat/completions", json=ENDLESS, timeout=60) as response:
        lines = response.iter_lines()
        for _ in range(5):
            next(lines)
        assert daemon.health()["queue"]["running"] == 1
    wait_for(lambda: daemon.is_idle, "its place is free")


def test_a_client_that_leaves_before_a_whole_answer_frees_its_place(daemon):
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{daemon.base_url}/v1/chat/completions", json=ENDLESS | {"stream": False}, timeout=httpx.Timeout(60, read=0.5))
    wait_for(lambda: daemon.is_idle, "its place is free")


def test_one_of_eight_leaves_and_the_others_finish_as_alone(daemon):
    alone = [stream_text(daemon.base_url, prompt, temperature=0) for prompt in PROMPTS[:7]]
    with concurrent.futures.ThreadPoolExecutor(7) as pool:
        with httpx.stream("POST", f"{daemon.base_url}/v1/chat/completions", json=ENDLESS, timeout=60) as response:
            next(response.iter_lines())
            others = [pool.submit(stream_text, daemon.base_url, prompt, temperature=0) for prompt in PROMPTS[:7]]
            wait_for(lambda: daemon.health()["queue"]["running"] > 1 or all(o.done() for o in others), "the others run")
        assert [other.result() for other in others] == alone


def test_a_hundred_clients_that_leave_at_once_leave_nothing_behind(daemon):
    def visit(_):
        try:
            httpx.post(f"{daemon.base_url}/v1/chat/completions", json=ENDLESS, timeout=httpx.Timeout(60, read=0.05))
        except httpx.TransportError:
            pass

    at_once(visit, range(100))
    wait_for(lambda: daemon.is_idle, "all places are free", 60)


def test_more_requests_than_places_and_queue_are_told_to_come_back():
    with Daemon(MAX_BATCH=1, MAX_QUEUE=1) as small:
        small.wait_until_ready()

        def status(_):
            body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 100, "ignore_eos": True}
            response = httpx.post(f"{small.base_url}/v1/chat/completions", json=body, timeout=120)
            if response.status_code != 200:
                assert response.status_code in (429, 503) and int(response.headers["retry-after"]) >= 0
                assert response.json()["error"]["code"]
            return response.status_code == 200

        answered = at_once(status, range(8))
        assert any(answered) and not all(answered)
        assert small.health()["status"] == "ok"
