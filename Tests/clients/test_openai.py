"""openai-python, the client that most programs use, against the real daemon."""

import openai
import pytest

from conftest import CAPITAL, STORY

GREEDY = {"temperature": 0, "max_tokens": 24}


def stream(client, model, **options):
    with client.chat.completions.create(model=model, stream=True, **options) as chunks:
        return list(chunks)


def text_of(chunks, index=0):
    return "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices if c.index == index)


def test_models_are_listed(client, model_name):
    models = client.models.list().data
    assert [model.id for model in models] == [model_name]
    assert models[0].object == "model" and models[0].created > 0
    assert client.models.list().data[0].created == models[0].created


def test_a_completion_has_the_shape_that_clients_read(client, model_name):
    completion = client.chat.completions.create(model=model_name, messages=CAPITAL, **GREEDY)
    assert completion.id.startswith("chatcmpl-") and completion.object == "chat.completion"
    assert completion.model == model_name and completion.created > 1_700_000_000
    (choice,) = completion.choices
    assert choice.index == 0 and choice.message.role == "assistant" and choice.finish_reason == "stop"
    assert "Paris" in choice.message.content and "<|" not in choice.message.content
    usage = completion.usage
    assert usage.prompt_tokens == 37 and 0 < usage.completion_tokens <= 24
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details.cached_tokens >= 0


def test_a_stream_gives_the_same_text_as_a_whole_answer(client, model_name):
    whole = client.chat.completions.create(model=model_name, messages=CAPITAL, **GREEDY)
    chunks = stream(client, model_name, messages=CAPITAL, **GREEDY)
    assert text_of(chunks) == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason


def test_chunks_share_id_and_time_and_only_the_first_has_a_role(client, model_name):
    chunks = stream(client, model_name, messages=CAPITAL, **GREEDY)
    assert {(c.id, c.created, c.model, c.object) for c in chunks} == {
        (chunks[0].id, chunks[0].created, model_name, "chat.completion.chunk")
    }
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(c.choices[0].delta.role is None for c in chunks[1:])
    assert all(c.choices[0].finish_reason is None for c in chunks[:-1])
    assert chunks[-1].choices[0].delta.content is None
    assert all(c.usage is None for c in chunks)


def test_usage_comes_in_an_extra_chunk_only_when_asked_for(client, model_name):
    chunks = stream(client, model_name, messages=CAPITAL, stream_options={"include_usage": True}, **GREEDY)
    assert chunks[-1].choices == [] and chunks[-1].usage.prompt_tokens == 37
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert all(c.usage is None for c in chunks[:-1])


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_token_limit_ends_a_reply_with_length(client, model_name, name):
    completion = client.chat.completions.create(model=model_name, messages=STORY, temperature=0, **{name: 7})
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage.completion_tokens == 7


@pytest.mark.parametrize("stop", ["Paris", ["never in it", "Paris"]])
def test_a_stop_string_ends_the_reply_and_is_not_part_of_it(client, model_name, stop):
    completion = client.chat.completions.create(model=model_name, messages=CAPITAL, stop=stop, **GREEDY)
    assert completion.choices[0].finish_reason == "stop"
    assert completion.choices[0].message.content.strip() == "The capital of France is"
    assert text_of(stream(client, model_name, messages=CAPITAL, stop=stop, **GREEDY)) == completion.choices[0].message.content


def test_a_stop_string_across_tokens_is_found(client, model_name):
    text = client.chat.completions.create(model=model_name, messages=STORY, **GREEDY).choices[0].message.content
    stop = text[len(text) // 2 - 4 : len(text) // 2 + 4]
    cut = client.chat.completions.create(model=model_name, messages=STORY, stop=stop, **GREEDY).choices[0].message.content
    assert cut == text[: text.index(stop)]


def test_the_same_seed_gives_the_same_text_and_another_seed_another(client, model_name):
    def draw(seed):
        options = {"temperature": 1.2, "max_tokens": 32, "seed": seed}
        return client.chat.completions.create(model=model_name, messages=STORY, **options).choices[0].message.content

    assert draw(7) == draw(7)
    assert len({draw(seed) for seed in range(5)}) > 1


def test_several_choices_have_their_own_index_and_usage_is_summed(client, model_name):
    options = {"messages": STORY, "n": 2, "temperature": 1.0, "seed": 3, "max_tokens": 12}
    completion = client.chat.completions.create(model=model_name, **options)
    assert sorted(c.index for c in completion.choices) == [0, 1]
    assert completion.usage.completion_tokens == 24
    chunks = stream(client, model_name, **options)
    finishes = [c.index for chunk in chunks for c in chunk.choices if c.finish_reason]
    roles = [c.index for chunk in chunks for c in chunk.choices if c.delta.role]
    assert sorted(finishes) == [0, 1] and sorted(roles) == [0, 1]
    for choice in completion.choices:
        assert text_of(chunks, choice.index) == choice.message.content


def test_log_probabilities_come_with_alternatives(client, model_name):
    options = {"messages": CAPITAL, "temperature": 0, "max_tokens": 6, "logprobs": True, "top_logprobs": 3}
    content = client.chat.completions.create(model=model_name, **options).choices[0].logprobs.content
    assert len(content) == 6
    for token in content:
        assert token.logprob <= 0 and len(token.top_logprobs) == 3
        assert token.top_logprobs[0].logprob == max(t.logprob for t in token.top_logprobs)
        assert token.token == token.top_logprobs[0].token, "greedy takes the likeliest"
        assert bytes(token.bytes).decode(errors="replace") == token.token
    chunks = stream(client, model_name, **options)
    streamed = [t.token for c in chunks for choice in c.choices if choice.logprobs for t in choice.logprobs.content]
    assert streamed == [token.token for token in content]


def test_content_may_be_parts_and_roles_may_be_new(client, model_name):
    messages = [
        {"role": "developer", "content": "Answer in one word."},
        {"role": "user", "content": [{"type": "text", "text": "What is the capital"}, {"type": "text", "text": " of France?"}]},
    ]
    completion = client.chat.completions.create(model=model_name, messages=messages, **GREEDY)
    assert completion.choices[0].message.content


def test_null_counts_as_absent_and_unknown_fields_are_ignored(client, model_name):
    extra = {"max_tokens": None, "stop": None, "seed": None, "top_p": None, "n": None, "something_new": {"a": 1}}
    completion = client.chat.completions.create(model=model_name, messages=CAPITAL, max_completion_tokens=4, extra_body=extra)
    assert completion.usage.completion_tokens <= 4


def test_text_of_control_tokens_in_a_message_is_plain_text(client, model_name):
    def prompt_tokens(content):
        options = {"messages": [{"role": "user", "content": content}], "max_tokens": 1}
        return client.chat.completions.create(model=model_name, **options).usage.prompt_tokens

    assert prompt_tokens("<|im_end|>") > prompt_tokens("a") + 2


def test_half_a_character_is_never_sent(client, model_name):
    messages = [{"role": "user", "content": "Repeat: 🎉🚀👩‍👩‍👧‍👦🇫🇷❤️‍🔥"}]
    for limit in range(1, 12):
        chunks = stream(client, model_name, messages=messages, temperature=0, max_tokens=limit)
        assert all("\ufffd" not in (c.choices[0].delta.content or "") for c in chunks[:-2])


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="no-such-model", messages=CAPITAL)
    assert caught.value.code == "model_not_found" and caught.value.param == "model"
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize("streaming", [False, True])
def test_a_prompt_that_is_too_long_is_refused_before_the_first_byte(client, model_name, streaming):
    messages = [{"role": "user", "content": "one two three four " * 4000}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model_name, messages=messages, stream=streaming)
    assert caught.value.code == "context_length_exceeded" and caught.value.type == "invalid_request_error"
    assert "maximum context length is 8192 tokens" in caught.value.message
    assert "exceeds the available context size" in caught.value.message


@pytest.mark.parametrize(
    "field, options",
    [
        ("temperature", {"temperature": 2.5}),
        ("top_p", {"top_p": -0.1}),
        ("n", {"n": 0}),
        ("max_tokens", {"max_tokens": 0}),
        ("top_logprobs", {"top_logprobs": 2}),
        ("top_logprobs", {"logprobs": True, "top_logprobs": 21}),
        ("frequency_penalty", {"frequency_penalty": 3}),
        ("logit_bias", {"logit_bias": {"1": 101}}),
        ("response_format", {"response_format": {"type": "json_object"}}),
        ("tools", {"tools": [{"type": "function", "function": {"name": "f"}}]}),
    ],
)
def test_a_value_out_of_range_names_its_field(client, model_name, field, options):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model_name, messages=CAPITAL, **options)
    assert caught.value.param == field and field in caught.value.message


def test_the_async_client_works_too(daemon, model_name):
    import asyncio

    async def ask():
        async with openai.AsyncOpenAI(base_url=daemon.base_url + "/v1", api_key="none", max_retries=0) as client:
            chunks = await client.chat.completions.create(model=model_name, messages=CAPITAL, stream=True, **GREEDY)
            return "".join([c.choices[0].delta.content or "" async for c in chunks])

    assert "Paris" in asyncio.run(ask())
