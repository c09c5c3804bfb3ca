"""The older completions API, tokens, prefill, and the limits of time and place, with the real model."""

import json
import math
import threading

import httpx
import pytest

from conftest import CAPITAL, STORY, wait_for
from daemon import Daemon

PROMPT = "The capital of France is"


def complete(http, base="/v1", **body):
    response = http.post(f"{base}/completions", json={"temperature": 0, "max_tokens": 8} | body)
    assert response.status_code == 200, response.text
    return response.json()


def test_openai_python_completes_text_whole_and_streamed(client, model_name):
    whole = client.completions.create(model=model_name, prompt=PROMPT, max_tokens=8, temperature=0)
    assert whole.object == "text_completion" and whole.id.startswith("cmpl-") and "Paris" in whole.choices[0].text
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    chunks = list(client.completions.create(model=model_name, prompt=PROMPT, max_tokens=8, temperature=0, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == [whole.choices[0].finish_reason]


@pytest.mark.parametrize("base", ["/v1", "/api"])
def test_every_form_of_prompt_says_the_same(http, base):
    tokens = http.post("/tokenize", json={"content": PROMPT, "add_special": True}).json()["tokens"]
    expected = complete(http, base, prompt=PROMPT)["choices"][0]["text"]
    assert complete(http, base, prompt=tokens)["choices"][0]["text"] == expected
    several = complete(http, base, prompt=[PROMPT, "One two three"])
    assert [choice["index"] for choice in several["choices"]] == [0, 1] and several["choices"][0]["text"] == expected
    assert complete(http, base, prompt=[tokens, tokens])["choices"][1]["text"] == expected
    assert several["usage"]["prompt_tokens"] > len(tokens)


def test_echo_puts_the_prompt_in_front(http):
    plain, echoed = complete(http, prompt=PROMPT), complete(http, prompt=PROMPT, echo=True)
    assert echoed["choices"][0]["text"] == PROMPT + plain["choices"][0]["text"]


def test_logprobs_of_an_echoed_prompt_score_it(http):
    scored = complete(http, prompt=PROMPT, echo=True, logprobs=2, max_tokens=0)
    choice = scored["choices"][0]
    logprobs = choice["logprobs"]
    assert choice["text"] == PROMPT and scored["usage"]["completion_tokens"] == 0
    assert "".join(logprobs["tokens"]) == PROMPT
    assert logprobs["token_logprobs"][0] is None and all(value <= 0 for value in logprobs["token_logprobs"][1:])
    assert logprobs["text_offset"] == [sum(map(len, logprobs["tokens"][:index])) for index in range(len(logprobs["tokens"]))]
    likely = sum(logprobs["token_logprobs"][1:])
    unlikely = complete(http, prompt="The capital of France purple", echo=True, logprobs=0, max_tokens=0)["choices"][0]["logprobs"]
    assert likely > sum(unlikely["token_logprobs"][1:])


def test_logprobs_of_a_completion_are_those_of_its_tokens(http):
    choice = complete(http, prompt=PROMPT, logprobs=3)["choices"][0]
    logprobs = choice["logprobs"]
    assert "".join(logprobs["tokens"]) == choice["text"]
    for token, value, top in zip(logprobs["tokens"], logprobs["token_logprobs"], logprobs["top_logprobs"]):
        assert len(top) == 3 and math.isclose(top[token], max(top.values())) and math.isclose(value, top[token])


def test_tokens_and_text_are_inverse(http):
    text = "Hello, wörld! 你好 <|im_end|>"
    for prefix in ("", "/v1", "/api"):
        tokens = http.post(f"{prefix}/tokenize", json={"content": text, "with_pieces": True}).json()
        assert tokens["count"] == len(tokens["tokens"]) == len(tokens["pieces"])
        answer = http.post(f"{prefix}/detokenize", json={"tokens": tokens["tokens"]}).json()
        assert answer["content"] == answer["prompt"] == text
    plain = http.post("/tokenize", json={"content": "<|im_end|>"}).json()["count"]
    assert http.post("/tokenize", json={"content": "<|im_end|>", "parse_special": True}).json()["count"] == 1 < plain
    chat = http.post("/tokenize", json={"messages": CAPITAL}).json()["count"]
    usage = http.post("/v1/chat/completions", json={"messages": CAPITAL, "max_tokens": 1}).json()["usage"]
    assert chat == usage["prompt_tokens"]
    assert http.post("/detokenize", json={"tokens": [10_000_000]}).status_code == 400


def test_a_trailing_message_of_the_assistant_is_continued(http):
    body = {"messages": CAPITAL + [{"role": "assistant", "content": "The capital of France is"}], "temperature": 0, "max_tokens": 4}
    text = http.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]["content"]
    assert text.startswith(" Paris")
    anew = http.post("/v1/chat/completions", json=body | {"add_generation_prompt": True}).json()["choices"][0]["message"]["content"]
    assert anew != text
    both = http.post("/v1/chat/completions", json=body | {"add_generation_prompt": True, "continue_final_message": True})
    assert both.status_code == 400


def test_several_system_and_developer_messages_all_reach_the_model(http):
    def tokens(messages):
        return http.post("/v1/chat/completions", json={"messages": messages, "max_tokens": 1}).json()["usage"]["prompt_tokens"]

    one = [{"role": "system", "content": "You are terse."}, *CAPITAL]
    two = [{"role": "system", "content": "You are terse."}, {"role": "developer", "content": "Answer in French always."}, *CAPITAL]
    late = [*CAPITAL, {"role": "system", "content": "Answer in French always."}]
    assert tokens(two) > tokens(one) and tokens(late) > tokens(CAPITAL)


def test_timings_say_what_happened(http):
    answer = http.post("/v1/chat/completions", json={"messages": CAPITAL, "max_tokens": 5, "ignore_eos": True}).json()
    timings, usage = answer["timings"], answer["usage"]
    assert timings["predicted_n"] == usage["completion_tokens"] == 5
    assert timings["prompt_n"] + timings["cached_n"] == usage["prompt_tokens"]
    assert timings["prompt_ms"] > 0 and timings["predicted_ms"] > 0 and timings["predicted_per_second"] > 0


def test_a_request_may_limit_its_time(http, daemon):
    body = {"messages": STORY, "max_tokens": 6000, "ignore_eos": True, "timeout": 0.3}
    response = http.post("/v1/chat/completions", json=body)
    assert response.status_code == 504 and response.json()["error"]["code"] == "request_timeout"
    assert response.headers["x-should-retry"] == "false"
    with http.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as stream:
        events = [line for line in stream.iter_lines() if line.startswith("data: ")]
    assert json.loads(events[-2][6:])["error"]["code"] == "request_timeout" and events[-1] == "data: [DONE]"
    wait_for(lambda: daemon.is_idle, "the place is free")


def test_requests_beyond_the_queue_are_refused_and_told_when_to_come_back():
    with Daemon(MAX_BATCH=1, MAX_QUEUE=1) as small:
        small.wait_until_ready()
        body = {"messages": STORY, "max_tokens": 2500, "ignore_eos": True}
        url = f"{small.base_url}/v1/chat/completions"
        for state in ("running", "waiting"):
            threading.Thread(target=httpx.post, args=(url,), kwargs={"json": body, "timeout": 120}, daemon=True).start()
            wait_for(lambda: small.health()["queue"][state] == 1, f"one is {state}")
        refused = httpx.post(url, json=body, timeout=60)
        assert refused.status_code in (429, 503) and int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["code"] == "queue_full"
        assert small.health()["queue"] == {"running": 1, "paused": 0, "waiting": 1, "capacity": 1}


def test_embeddings_and_suffixes_are_refused_in_words(http):
    for path, body in [("/v1/embeddings", {"input": "x"}), ("/v1/completions", {"prompt": "x", "suffix": "y"})]:
        response = http.post(path, json=body)
        assert response.status_code == 400 and len(response.json()["error"]["message"]) > 20
