"""Other clients that people use: openai-python (async), LangChain, llm, httpx-sse, websockets (async).

Each: a whole answer, a stream, an error, a retry after the server was too busy, and leaving in the middle where the client can.
"""

import asyncio
import json
import os
import subprocess
import sys
import time

import httpx
import httpx_sse
import openai
import pytest
import websockets

from busy import ENDLESS, GREEDY, Busy
from conftest import CAPITAL, STORY, wait_for
from daemon import Daemon

# openai-python


class Answers:
    """Remembers status, Retry-After and time of each answer, and the time of each request."""

    def __init__(self):
        self.requests, self.responses = [], []

    def on_request(self, _):
        self.requests.append(time.monotonic())

    def on_response(self, response):
        self.responses.append((response.status_code, response.headers.get("retry-after"), time.monotonic()))

    def check_waits(self):
        """A lower bound only: the client came back no sooner than it was told to."""
        waits = [(float(after), sent - at) for (_, after, at), sent in zip(self.responses, self.requests[1:]) if after]
        assert waits and all(waited >= told * 0.9 for told, waited in waits), waits


def test_openai_waits_as_long_as_a_full_server_says(small, model_name):
    answers = Answers()
    hooks = {"request": [answers.on_request], "response": [answers.on_response]}
    with openai.DefaultHttpxClient(event_hooks=hooks) as transport, Busy(small):
        client = openai.OpenAI(base_url=f"{small.base_url}/v1", api_key="none", max_retries=8, timeout=120, http_client=transport)
        completion = client.chat.completions.create(model=model_name, messages=CAPITAL, **GREEDY)
    assert "Paris" in completion.choices[0].message.content
    statuses = [status for status, _, _ in answers.responses]
    assert statuses[-1] == 200 and set(statuses[:-1]) == {503}
    answers.check_waits()


def test_openai_waits_as_long_as_a_rate_limit_says(model_name):
    answers = Answers()
    hooks = {"request": [answers.on_request], "response": [answers.on_response]}
    with Daemon(RATE_LIMIT="requests=30") as own:
        own.wait_until_ready()
        body = {"messages": CAPITAL, "max_tokens": 1}
        while httpx.post(f"{own.base_url}/v1/chat/completions", json=body, timeout=60).status_code == 200:
            pass
        with openai.DefaultHttpxClient(event_hooks=hooks) as transport:
            client = openai.OpenAI(base_url=f"{own.base_url}/v1", api_key="none", max_retries=8, timeout=120, http_client=transport)
            client.chat.completions.create(model=model_name, messages=CAPITAL, max_tokens=1)
    assert answers.responses[0][0] == 429 and answers.responses[-1][0] == 200
    answers.check_waits()


def test_openai_does_not_repeat_what_cannot_succeed(daemon, model_name):
    answers = Answers()
    with openai.DefaultHttpxClient(event_hooks={"request": [answers.on_request], "response": [answers.on_response]}) as transport:
        client = openai.OpenAI(base_url=f"{daemon.base_url}/v1", api_key="none", max_retries=3, http_client=transport)
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=model_name, messages=CAPITAL, temperature=9)
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="none such", messages=CAPITAL)
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(
                model=model_name, messages=STORY, extra_body={"timeout": 0.001, "ignore_eos": True, "max_tokens": 4000}
            )
    assert [status for status, _, _ in answers.responses] == [400, 404, 504]


def test_the_async_client_tries_again_too(small, model_name):
    async def run():
        async with openai.AsyncOpenAI(base_url=f"{small.base_url}/v1", api_key="none", max_retries=8, timeout=120) as client:
            completion = await client.chat.completions.create(model=model_name, messages=CAPITAL, **GREEDY)
            assert "Paris" in completion.choices[0].message.content

    with Busy(small):
        asyncio.run(run())


def test_the_async_client_streams_many_at_once_and_leaves(daemon, model_name):
    async def run():
        async with openai.AsyncOpenAI(base_url=f"{daemon.base_url}/v1", api_key="none", max_retries=0, timeout=120) as client:

            async def text():
                stream = await client.chat.completions.create(model=model_name, messages=CAPITAL, stream=True, **GREEDY)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            texts = await asyncio.gather(*(text() for _ in range(6)))
            assert len(set(texts)) == 1 and "Paris" in texts[0]
            with pytest.raises(openai.BadRequestError):
                await client.chat.completions.create(model=model_name, messages=CAPITAL, temperature=9)

            async def endless():
                options = {"ignore_eos": True, "max_tokens": 6000}
                stream = await client.chat.completions.create(model=model_name, messages=STORY, stream=True, extra_body=options)
                async for _ in stream:
                    begun.set()

            begun = asyncio.Event()
            task = asyncio.create_task(endless())
            await asyncio.wait_for(begun.wait(), 60)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    wait_for(lambda: daemon.is_idle, "its place is free")


# LangChain


def chat_openai(daemon, model, **options):
    from langchain_openai import ChatOpenAI

    defaults = {"temperature": 0, "max_tokens": 24, "max_retries": 0, "timeout": 120}
    return ChatOpenAI(model=model, base_url=f"{daemon.base_url}/v1", api_key="none", **defaults | options)


def test_langchain_invokes_streams_and_counts(daemon, model_name):
    model = chat_openai(daemon, model_name)
    messages = [("human", "What is the capital of France?")]
    whole = model.invoke(messages)
    assert "Paris" in whole.content
    assert whole.usage_metadata["total_tokens"] == whole.usage_metadata["input_tokens"] + whole.usage_metadata["output_tokens"]
    chunks = list(chat_openai(daemon, model_name, stream_usage=True).stream(messages))
    assert "".join(chunk.content for chunk in chunks) == whole.content
    counted = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert [c["output_tokens"] for c in counted] == [whole.usage_metadata["output_tokens"]]
    assert [reply.content for reply in model.batch([messages] * 3)] == [whole.content] * 3
    assert asyncio.run(model.ainvoke(messages)).content == whole.content


def test_langchain_knows_a_conversation_that_is_too_long(daemon, model_name):
    from langchain_core.exceptions import ContextOverflowError

    with pytest.raises(ContextOverflowError):
        chat_openai(daemon, model_name).invoke("word " * 20_000)


def test_langchain_raises_errors_and_repeats_a_refusal(daemon, small, model_name):
    with pytest.raises(openai.NotFoundError):
        chat_openai(daemon, "none such").invoke("Hi")
    with Busy(small):
        assert "Paris" in chat_openai(small, model_name, max_retries=8).invoke(CAPITAL).content


def test_langchain_that_leaves_a_stream_frees_its_place(daemon, model_name):
    chunks = chat_openai(daemon, model_name, max_tokens=6000, extra_body={"ignore_eos": True}).stream(STORY)
    next(chunks)
    chunks.close()
    wait_for(lambda: daemon.is_idle, "its place is free")


# llm, the command


@pytest.fixture
def llm(tmp_path, model_name):
    """Runs `llm` with a configuration of its own that knows the daemon as the model `stellar`."""

    def run(daemon, *arguments, seconds=120):
        entry = {"model_id": "stellar", "model_name": model_name, "api_base": f"{daemon.base_url}/v1", "api_key_name": "stellar"}
        (tmp_path / "extra-openai-models.yaml").write_text("- " + json.dumps(entry))  # JSON is YAML
        (tmp_path / "keys.json").write_text('{"stellar": "none"}')
        environment = os.environ | {"LLM_USER_PATH": str(tmp_path)}
        command = [sys.executable, "-m", "llm", *arguments]
        return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)

    return run


@pytest.mark.parametrize("streaming", [[], ["--no-stream"]], ids=["stream", "whole"])
def test_llm_prompts_and_goes_on_and_counts(daemon, llm, streaming):
    options = ["-o", "temperature", "0", "-o", "max_tokens", "24"]
    first = llm(daemon, "-m", "stellar", *streaming, *options, "--usage", "What is the capital of France?")
    assert first.returncode == 0 and "Paris" in first.stdout, first.stderr
    assert "37 input" in first.stderr
    second = llm(daemon, "-c", *streaming, *options, "And of Italy?")
    assert second.returncode == 0 and second.stdout.strip(), second.stderr
    logged = json.loads(llm(daemon, "logs", "--json").stdout)
    assert {entry["response"].strip() for entry in logged} == {first.stdout.strip(), second.stdout.strip()}


def test_llm_shows_errors_and_repeats_a_refusal(daemon, small, llm):
    wrong = llm(daemon, "-m", "stellar", "-o", "temperature", "1", "word " * 20_000)
    assert wrong.returncode != 0 and "maximum context length" in wrong.stderr
    with Busy(small):
        answer = llm(small, "-m", "stellar", "-o", "temperature", "0", "-o", "max_tokens", "24", "What is the capital of France?")
    assert answer.returncode == 0 and "Paris" in answer.stdout, answer.stderr


# httpx-sse


def test_httpx_sse_reads_data_events_alone(http):
    body = {"messages": CAPITAL, "stream": True, **GREEDY}
    with httpx_sse.connect_sse(http, "POST", "/v1/chat/completions", json=body) as source:
        events = list(source.iter_sse())
    assert events[-1].data == "[DONE]"
    for event in events:
        assert event.event == "message" and event.id == "" and event.retry is None and event.data
    chunks = [json.loads(event.data) for event in events[:-1]]
    assert "Paris" in "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


def test_httpx_sse_tells_an_error_from_a_stream(http):
    with httpx_sse.connect_sse(http, "POST", "/v1/chat/completions", json={"messages": [], "stream": True}) as source:
        with pytest.raises(httpx_sse.SSEError):
            next(source.iter_sse())
        assert source.response.status_code == 400


def test_httpx_sse_gets_an_error_in_the_middle_as_an_event(http):
    body = ENDLESS | {"timeout": 1.5}
    with httpx_sse.connect_sse(http, "POST", "/v1/chat/completions", json=body) as source:
        events = [event.data for event in source.iter_sse()]
    assert json.loads(events[0])["choices"]
    assert any("error" in json.loads(data) for data in events if data != "[DONE]")


def test_async_httpx_sse_that_is_cancelled_frees_its_place(daemon):
    async def run():
        async with httpx.AsyncClient(base_url=daemon.base_url, timeout=60) as client:

            async def read():
                async with httpx_sse.aconnect_sse(client, "POST", "/v1/chat/completions", json=ENDLESS) as source:
                    async for _ in source.aiter_sse():
                        begun.set()

            begun = asyncio.Event()
            task = asyncio.create_task(read())
            await asyncio.wait_for(begun.wait(), 60)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    wait_for(lambda: daemon.is_idle, "its place is free")


# websockets


def test_async_websockets_chat_side_by_side_and_leave(daemon):
    url = daemon.base_url.replace("http", "ws") + "/api/ws/chat"

    async def chat(number):
        async with websockets.connect(url, open_timeout=30) as connection:
            await connection.recv()
            await connection.send(json.dumps({"type": "chat.message", "content": CAPITAL[0]["content"], "id": str(number), **GREEDY}))
            text = ""
            async for frame in connection:
                event = json.loads(frame)
                if event["event"] == "content_block_delta":
                    text += event["data"]["delta"]["text"]
                if event["event"] in ("message_stop", "error"):
                    return event["event"], text

    async def leave():
        async with websockets.connect(url, open_timeout=30) as connection:
            await connection.send(json.dumps({"type": "chat.message", "content": "Tell me a story.", "ignore_eos": True}))
            for _ in range(5):
                await connection.recv()

    async def run():
        results = await asyncio.gather(*(chat(number) for number in range(6)), leave())
        assert len(set(results[:6])) == 1 and results[0][0] == "message_stop" and "Paris" in results[0][1]

    asyncio.run(run())
    wait_for(lambda: daemon.is_idle, "all places are free")


def test_websockets_is_told_of_a_full_queue_and_may_try_again(small):
    url = small.base_url.replace("http", "ws") + "/api/ws/chat"

    async def attempt(connection):
        await connection.send(json.dumps({"type": "chat.message", "messages": CAPITAL, **GREEDY}))
        while True:
            event = json.loads(await connection.recv())
            if event["event"] in ("message_stop", "error"):
                return event

    async def run():
        async with websockets.connect(url, open_timeout=30) as connection:
            await connection.recv()
            first = await attempt(connection)
            assert first["event"] == "error" and first["data"]["code"] == "queue_full"
            while (await attempt(connection))["event"] == "error":
                await asyncio.sleep(0.2)

    with Busy(small):
        asyncio.run(run())
