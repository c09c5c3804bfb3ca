#!/usr/bin/env python3
"""Writes the reference values that the model tests compare with: what `transformers` computes in FP32 from the same GGUF file.

    python3 -m venv .cache/reference
    .cache/reference/bin/pip install -r Tests/reference/model_requirements.txt
    .cache/reference/bin/python Tests/reference/model_reference.py

The result is Tests/StellarInferenceTests/Fixtures/model/reference.json:

    source             versions, the model's SHA-256, and `noise`: the largest difference between these FP32 values and the same computed
                       in FP64, which is how exact the reference itself is
    tolerances         logits: absolute; logprobs: absolute; nearTie: margin below which a path of lower precision may differ
    vocabularySample   512 token ids, the same for every prompt
    prompts[]
      name             what the prompt is about
      messages         the conversation, or null for a raw text
      text             the prompt: the conversation rendered with the model file's own chat template, or the raw text
      tokens           its ids (special tokens are parsed in rendered prompts only)
      logits           of the last position of the prompt:
        sample         at the ids of vocabularySample, in that order
        top            the 64 highest: {tokens, values}, highest first
        max, argmax    the highest
        logSumExp      of all of them (natural logarithm): a checksum over the whole vocabulary
      greedy
        tokens         48 tokens, each the one of the highest logit given all before it; goes on after an end token
        logprobs       their log-probabilities
        margins        highest minus second highest logit of each step; none is below 4e-3, so FP32 has to agree on every token

Numbers are FP32 values in their shortest decimal form. Nothing is sampled: logits come straight from the model's forward pass (eager
attention, evaluation mode), no generation configuration is involved.
"""

import argparse
import hashlib
import json
import os
import pathlib
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import gguf
import jinja2.ext
import jinja2.sandbox
import numpy as np
import tokenizers
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

from model_prompts import CONVERSATIONS, RAW

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models/test/SmolLM-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf"
FIXTURE = ROOT / "Tests/StellarInferenceTests/Fixtures/model/reference.json"
STEPS = 48
TOP = 64
SAMPLE = 512
SMALLEST_MARGIN = 4e-3
TOLERANCES = {"logits": 2e-3, "logprobs": 1e-3, "nearTie": 0.02}


def chat_renderer(path):
    """The chat template of the file, in the Jinja environment that Hugging Face renders chat templates in."""
    field = gguf.GGUFReader(path).get_field("tokenizer.chat_template")

    def refuse(message):
        raise jinja2.exceptions.TemplateError(message)

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    environment.globals["raise_exception"] = refuse
    template = environment.from_string(field.contents())
    return lambda messages: template.render(messages=messages, add_generation_prompt=True)


def load_tokenizer(path):
    """The vocabulary and merges of the file with the pre-tokeniser that its `tokenizer.ggml.pre` = smollm stands for.

    `transformers` does not read that key and would leave out the splitting of digits.
    """
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    assert gguf.GGUFReader(path).get_field("tokenizer.ggml.pre").contents() == "smollm"
    tokenizer.backend_tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Digits(individual_digits=True),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    return tokenizer


def load_model(path):
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager"
    )
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model.config._attn_implementation == "eager"
    return model.eval()


def q4_1(data):
    """Blocks of 20 bytes: scale and minimum as FP16, then 32 4-bit values, low nibbles first."""
    blocks = data.reshape(-1, 20)
    scale, minimum = (blocks[:, i : i + 2].copy().view(np.float16).astype(np.float32) for i in (0, 2))
    values = np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1).astype(np.float32)
    return values * scale + minimum


def q8_0(data):
    """Blocks of 34 bytes: scale as FP16, then 32 signed bytes."""
    blocks = data.reshape(-1, 34)
    return blocks[:, 2:].copy().view(np.int8).astype(np.float32) * blocks[:, :2].copy().view(np.float16).astype(np.float32)


def check_weights(model, path):
    """Dequantises every tensor a second time, by the format's definition, and compares: all have to be equal, bit for bit."""
    names = {
        "token_embd": "embed_tokens", "output_norm": "norm", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
        "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
        "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    }
    heads = {"attn_q": model.config.num_attention_heads, "attn_k": model.config.num_key_value_heads}
    weights = model.state_dict()
    tensors = gguf.GGUFReader(path).tensors
    for tensor in tensors:
        parts = tensor.name.split(".")
        kind = parts[-2]
        prefix = f"model.layers.{parts[1]}." if parts[0] == "blk" else "model."
        weight = weights[f"{prefix}{names[kind]}.weight"].numpy()
        expected = {"Q4_1": q4_1, "Q8_0": q8_0, "F32": lambda data: data}[tensor.tensor_type.name](tensor.data).reshape(weight.shape)
        if kind in heads:
            # The file interleaves the two halves of each head's rows: rows 0, 1, 2, … of a head are 0, 32, 1, 33, … of the original.
            rows, columns = expected.shape
            half = rows // heads[kind] // 2
            expected = expected.reshape(heads[kind], half, 2, columns).swapaxes(1, 2).reshape(rows, columns)
        assert np.array_equal(weight, expected), f"{tensor.name} is not what the file says"
    return len(tensors)


@torch.inference_mode()
def greedy(model, tokens):
    """Logits of the prompt's last position [V], and `STEPS` greedy tokens with the logits that chose them [STEPS, V]."""
    output = model(torch.tensor([tokens]), use_cache=True)
    rows, chosen = [output.logits[0, -1]], []
    while True:
        chosen.append(int(rows[-1].argmax()))
        if len(chosen) == STEPS:
            return chosen, torch.stack(rows)
        output = model(torch.tensor([[chosen[-1]]]), past_key_values=output.past_key_values, use_cache=True)
        rows.append(output.logits[0, -1])


@torch.inference_mode()
def check_without_cache(model, tokens, chosen):
    """The logits of the same steps from one pass over everything: [STEPS, V]."""
    return model(torch.tensor([tokens + chosen[:-1]]), use_cache=False, logits_to_keep=STEPS).logits[0]


def short(values):
    """FP32 values as the shortest decimals that read back the same."""
    return [float(np.format_float_positional(np.float32(v), unique=True, trim="0")) for v in np.asarray(values)]


def reference(model, exact, name, messages, text, tokens, sample):
    chosen, rows = greedy(model, tokens)
    steps = torch.arange(STEPS)
    logprobs = torch.log_softmax(rows, dim=-1)[steps, torch.tensor(chosen)]
    two = rows.topk(2, dim=-1).values
    margins = two[:, 0] - two[:, 1]
    uncached, precise = check_without_cache(model, tokens, chosen), check_without_cache(exact, tokens, chosen)
    assert chosen == uncached.argmax(-1).tolist() == precise.argmax(-1).tolist(), f"{name}: greedy tokens depend on rounding"
    noise = {
        "logits": float((rows - precise).abs().max()),
        "logprobs": float((logprobs - torch.log_softmax(precise, dim=-1)[steps, torch.tensor(chosen)]).abs().max()),
    }
    top = rows[0].topk(TOP)
    entry = {
        "name": name,
        "messages": messages,
        "text": text,
        "tokens": tokens,
        "logits": {
            "sample": short(rows[0][sample]),
            "top": {"tokens": top.indices.tolist(), "values": short(top.values)},
            "max": short(top.values[:1])[0],
            "argmax": int(top.indices[0]),
            "logSumExp": short(torch.logsumexp(rows[0].double(), 0).float().reshape(1))[0],
        },
        "greedy": {"tokens": chosen, "logprobs": short(logprobs), "margins": short(margins)},
    }
    return entry, noise


def prompts(path, tokenizer):
    render = chat_renderer(path)
    for name, messages in CONVERSATIONS.items():
        text = render(messages)
        assert text == tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        yield name, messages, text, tokenizer.encode(text, add_special_tokens=False)
    for name, text in RAW.items():
        yield name, None, text, tokenizer.encode(text, add_special_tokens=False)


def line_per_prompt(document):
    """JSON with one line a prompt, so that differences can be read."""
    head = {key: value for key, value in document.items() if key != "prompts"}
    entries = ",\n".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in document["prompts"])
    return json.dumps(head, indent=None, separators=(",", ":"))[:-1] + ',"prompts":[\n' + entries + "\n]}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, default=MODEL)
    parser.add_argument("--output", type=pathlib.Path, default=FIXTURE)
    parser.add_argument("--only", help="the name of one prompt, printed and not written")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer, model = load_tokenizer(options.model), load_model(options.model)
    print(f"{check_weights(model, options.model)} tensors equal a second dequantisation")
    exact = load_model(options.model).double()
    vocabulary = model.config.vocab_size
    sample = sorted(np.random.Generator(np.random.PCG64(2026)).choice(vocabulary, SAMPLE, replace=False).tolist())
    entries, noise, failures = [], {"logits": 0.0, "logprobs": 0.0}, []
    for name, messages, text, tokens in prompts(options.model, tokenizer):
        if options.only not in (None, name):
            continue
        entry, own_noise = reference(model, exact, name, messages, text, tokens, sample)
        noise = {key: max(noise[key], own_noise[key]) for key in noise}
        margin = min(entry["greedy"]["margins"])
        if margin < SMALLEST_MARGIN:
            failures.append(name)
        reply = tokenizer.decode(entry["greedy"]["tokens"])
        print(f"{name}: {len(tokens)} tokens, smallest margin {margin:.4f}, noise {own_noise['logits']:.1e}: {reply!r}", flush=True)
        entries.append(entry)
    if failures:
        sys.exit(f"Choose other prompts, these have near-ties: {', '.join(failures)}")
    if options.only:
        return
    document = {
        "source": {
            "model": options.model.name,
            "sha256": hashlib.sha256(options.model.read_bytes()).hexdigest(),
            "transformers": transformers.__version__,
            "torch": torch.__version__.split("+")[0],
            "tokenizers": tokenizers.__version__,
            "noise": {key: float(f"{value:.1e}") for key, value in noise.items()},
        },
        "tolerances": TOLERANCES,
        "vocabularySample": sample,
        "prompts": entries,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(line_per_prompt(document), encoding="utf-8")
    longest = max(len(entry["tokens"]) for entry in entries)
    print(f"{len(entries)} prompts, {longest} tokens in the longest, {options.output.stat().st_size} bytes, noise {noise}")


if __name__ == "__main__":
    main()
