"""litellm: in an environment of its own (requirements-litellm.txt), because it and llm need different versions of openai-python."""

import asyncio
import os

import pytest

from busy import ENDLESS, GREEDY, Busy
from conftest import CAPITAL, wait_for

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
import litellm  # noqa: E402 (reads the variable)


def complete(daemon, model, **options):
    defaults = {"messages": CAPITAL, "api_key": "none", "timeout": 120} | GREEDY
    return litellm.completion(model=f"openai/{model}", api_base=f"{daemon.base_url}/v1", **defaults | options)


def test_litellm_completes_and_streams(daemon, model_name):
    whole = complete(daemon, model_name)
    assert "Paris" in whole.choices[0].message.content and whole.usage.prompt_tokens == 37
    chunks = list(complete(daemon, model_name, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole.choices[0].message.content
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens

    async def text():
        made = await litellm.acompletion(
            model=f"openai/{model_name}", api_base=f"{daemon.base_url}/v1", messages=CAPITAL, api_key="none", **GREEDY
        )
        return made.choices[0].message.content

    assert asyncio.run(text()) == whole.choices[0].message.content


def test_litellm_tells_errors_apart_and_repeats_a_refusal(daemon, small, model_name):
    with pytest.raises(litellm.ContextWindowExceededError):
        complete(daemon, model_name, messages=[{"role": "user", "content": "word " * 20_000}])
    with pytest.raises(litellm.NotFoundError):
        complete(daemon, "none such", max_retries=0)
    with pytest.raises(litellm.BadRequestError):
        complete(daemon, model_name, temperature=9)
    with Busy(small):
        assert "Paris" in complete(small, model_name, max_retries=8).choices[0].message.content


def test_litellm_that_leaves_a_stream_frees_its_place(daemon, model_name):
    options = {"stream": True, "max_tokens": 6000, "extra_body": {"ignore_eos": True}}
    stream = complete(daemon, model_name, messages=ENDLESS["messages"], **options)
    next(iter(stream))
    stream.completion_stream.close()
    wait_for(lambda: daemon.is_idle, "its place is free")
