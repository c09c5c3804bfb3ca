"""Hooks of schemathesis: valid requests stay valid, but no reply is longer than two tokens.

Values that are wrong on purpose are left alone: the server has to refuse them.
"""

import schemathesis

GENERATING = ("/chat/completions", "/completions")
LONG_INTEGER = 2**63


def is_integer(value, low, high):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if not case.operation.path.endswith(GENERATING) or not isinstance(body, dict):
        return
    for name in ("max_tokens", "max_completion_tokens"):
        if is_integer(body.get(name), 3, LONG_INTEGER - 1):
            body[name] = 2
    if body.get("max_tokens") is None and body.get("max_completion_tokens") is None:
        body["max_tokens"] = 2
    if is_integer(body.get("n"), 3, 16):
        body["n"] = 2
    if is_number(body.get("timeout")) and 0 < body["timeout"] <= 86400:
        body["timeout"] = 600
    allow(body)


def allow(body):
    """Repairs what a schema can't say and would be refused."""
    if isinstance(body.get("model"), str):
        body["model"] = ""
    if is_integer(body.get("top_logprobs"), 0, 20) and body.get("logprobs") in (None, False):
        body["logprobs"] = True
    if isinstance(body.get("continue_final_message"), bool) and isinstance(body.get("add_generation_prompt"), bool):
        del body["continue_final_message"], body["add_generation_prompt"]
    biases = body.get("logit_bias")
    if isinstance(biases, dict) and all(key.isascii() and key.isdecimal() and is_number(value) for key, value in biases.items()):
        body["logit_bias"] = {str(int(key[-4:])): value for key, value in biases.items()}
