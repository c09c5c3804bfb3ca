"""Compares our logits with those of transformers on tiny random models with settings that the committed fixtures do not have.

    python architecture_differential.py [--program .build/release/stellarchat] [--seed 1] [--random 0] [--only NAME] [--keep DIR]

Each model is saved as transformers saves it (F32, F16 or BF16, sharded or not) and read by `stellarchat logits --precision fp32`: arg max at
each position, and the last logits within 1e-4 of the largest. --random adds so many models of random families and settings.

Needs: torch transformers safetensors.
"""

import argparse
import copy
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import torch
import transformers

from architecture_fixtures import fill, older, rope

TOLERANCE = 1e-4
BASE = dict(vocab_size=101, hidden_size=48, intermediate_size=56, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=256, pad_token_id=None, bos_token_id=1, eos_token_id=2)


def case(family, saving=None, tokens=70, **settings):
    return family, {**BASE, **settings}, saving or {}, tokens


LLAMA3 = rope(rope_type="llama3", rope_theta=500000.0, factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
LONG = dict(short_factor=[1 + 0.1 * index for index in range(6)], long_factor=[1 + 0.7 * index for index in range(6)])
CASES = {
    "tied": case("Llama", tie_word_embeddings=True),
    "one-layer": case("Llama", num_hidden_layers=1, num_key_value_heads=4),
    "one-head": case("Llama", num_attention_heads=1, num_key_value_heads=1, head_dim=48),
    "multi-query": case("Llama", num_attention_heads=8, num_key_value_heads=1, head_dim=6),
    "odd-sizes": case("Llama", vocab_size=37, hidden_size=33, intermediate_size=19, num_attention_heads=3, num_key_value_heads=1, head_dim=10),
    "odd-head-size": case("Llama", head_dim=14, hidden_size=40, num_attention_heads=5, num_key_value_heads=5),
    "large-head": case("Llama", head_dim=80, num_attention_heads=2, num_key_value_heads=1),
    "attention-bias": case("Llama", attention_bias=True),
    "mlp-bias": case("Llama", mlp_bias=True),
    "theta": case("Llama", rope_parameters=rope(rope_theta=1234.5)),
    "gelu": case("Llama", hidden_act="gelu_pytorch_tanh"),
    "epsilon": case("Llama", rms_norm_eps=1e-2),
    "llama3": case("Llama", rope_parameters=LLAMA3, head_dim=16),
    "llama3-older": case("Llama", {"older": True}, rope_parameters=LLAMA3, head_dim=16),
    "linear": case("Llama", rope_parameters=rope(rope_type="linear", factor=2.5)),
    "dynamic-short": case("Llama", rope_parameters=rope(rope_type="dynamic", factor=4.0)),
    "yarn": case("Llama", rope_parameters=rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)),
    "yarn-mscale": case("Llama", rope_parameters=rope(
        rope_type="yarn", factor=8.0, original_max_position_embeddings=32, mscale=0.707, mscale_all_dim=1.0)),
    "yarn-untruncated": case("Llama", rope_parameters=rope(
        rope_type="yarn", factor=8.0, original_max_position_embeddings=32, beta_fast=4.0, truncate=False)),
    "bf16-shards": case("Llama", {"dtype": torch.bfloat16, "max_shard_size": "20KB"}),
    "f16-tied-shards": case("Llama", {"dtype": torch.float16, "max_shard_size": "10KB"}, tie_word_embeddings=True),
    "several-ends": case("Llama", eos_token_id=[2, 5, 7]),
    "mistral": case("Mistral", sliding_window=17, head_dim=20),
    "mistral-full": case("Mistral", sliding_window=None),
    "mistral-older": case("Mistral", {"older": True}, sliding_window=12),
    "mixtral": case("Mixtral", num_local_experts=4, num_experts_per_tok=1, sliding_window=None),
    "mixtral-all": case("Mixtral", num_local_experts=3, num_experts_per_tok=3, sliding_window=20, head_dim=8),
    "qwen2": case("Qwen2", hidden_size=56, num_attention_heads=7, num_key_value_heads=1, tie_word_embeddings=True),
    "qwen2-layer-types": case("Qwen2", use_sliding_window=True, sliding_window=9,
                              layer_types=["sliding_attention", "full_attention", "sliding_attention"]),
    "qwen2-windows-older": case("Qwen2", {"older": True}, use_sliding_window=True, sliding_window=9, max_window_layers=2),
    "qwen3": case("Qwen3", head_dim=24, tie_word_embeddings=True, rope_parameters=rope(rope_theta=1e6)),
    "qwen3-bias": case("Qwen3", head_dim=16, attention_bias=True),
    "qwen3-yarn": case("Qwen3", head_dim=16, rope_parameters=rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)),
    "qwen3-windows": case("Qwen3", head_dim=16, use_sliding_window=True, sliding_window=8, max_window_layers=1),
    "qwen2-moe-step": case("Qwen2Moe", num_hidden_layers=5, num_experts=5, num_experts_per_tok=2, moe_intermediate_size=20,
                           shared_expert_intermediate_size=28, decoder_sparse_step=2, mlp_only_layers=[3]),
    "qwen2-moe-norm": case("Qwen2Moe", num_experts=4, num_experts_per_tok=4, moe_intermediate_size=12, shared_expert_intermediate_size=16,
                           norm_topk_prob=True, qkv_bias=False, tie_word_embeddings=True),
    "qwen2-moe-windows": case("Qwen2Moe", num_experts=4, num_experts_per_tok=2, moe_intermediate_size=12, shared_expert_intermediate_size=16,
                              use_sliding_window=True, sliding_window=9, max_window_layers=2),
    "qwen3-moe-step": case("Qwen3Moe", num_hidden_layers=4, head_dim=12, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=20,
                           decoder_sparse_step=2, mlp_only_layers=[1], norm_topk_prob=False),
    "phi3": case("Phi3", tie_word_embeddings=True, sliding_window=None),
    "phi3-partial": case("Phi3", hidden_size=64, rope_parameters=rope(partial_rotary_factor=0.75)),
    "phi3-long": case("Phi3", hidden_size=64, original_max_position_embeddings=64, max_position_embeddings=256, tokens=100,
                      rope_parameters=rope(rope_type="longrope", partial_rotary_factor=0.75, **LONG)),
    "phi3-short": case("Phi3", hidden_size=64, original_max_position_embeddings=64, max_position_embeddings=256, tokens=50,
                       rope_parameters=rope(rope_type="longrope", partial_rotary_factor=0.75, **LONG)),
    "phi3-older": case("Phi3", {"older": True}, hidden_size=64, original_max_position_embeddings=64, max_position_embeddings=256, tokens=100,
                       rope_parameters=rope(rope_type="longrope", partial_rotary_factor=0.75, **LONG)),
    "gemma2": case("Gemma2", head_dim=16, num_hidden_layers=5, sliding_window=11, query_pre_attn_scalar=16),
    "gemma2-uncapped": case("Gemma2", head_dim=16, attn_logit_softcapping=None, final_logit_softcapping=None, sliding_window=30),
    "gemma2-untied": case("Gemma2", head_dim=16, tie_word_embeddings=False),
    "gemma3": case("Gemma3Text", num_hidden_layers=13, head_dim=16, sliding_window=9, query_pre_attn_scalar=16),
    "gemma3-older": case("Gemma3Text", {"older": True}, num_hidden_layers=13, head_dim=16, sliding_window=9, rope_parameters={
        "full_attention": rope(rope_theta=1e6, rope_type="linear", factor=8.0), "sliding_attention": rope(rope_theta=1e4)}),
    "gemma3-capped": case("Gemma3Text", head_dim=16, final_logit_softcapping=5.0, num_hidden_layers=7, tie_word_embeddings=False),
    "gemma3-types": case("Gemma3Text", head_dim=16, sliding_window=9, layer_types=["full_attention", "sliding_attention", "full_attention"]),
    "granite": case("Granite", embedding_multiplier=12.0, residual_multiplier=0.3, attention_multiplier=0.05, logits_scaling=8.0),
    "granite-plain": case("Granite", attention_bias=True, mlp_bias=True),
    "smollm3": case("SmolLM3", num_hidden_layers=5, no_rope_layers=[1, 0, 0, 1, 1]),
    "smollm3-interval": case("SmolLM3", num_hidden_layers=6, no_rope_layer_interval=3, tie_word_embeddings=True),
    "smollm3-windows": case("SmolLM3", num_hidden_layers=4, use_sliding_window=True, sliding_window=10, no_rope_layer_interval=2),
    "smollm3-bias": case("SmolLM3", attention_bias=True, mlp_bias=True, rope_parameters=rope(
        rope_type="yarn", factor=2.0, original_max_position_embeddings=64)),
    "olmo2": case("Olmo2", num_key_value_heads=4, attention_bias=True),
    "olmo2-tied": case("Olmo2", tie_word_embeddings=True, num_key_value_heads=1),
}


def scaling(choice):
    """Random RoPE parameters of a random type."""
    base = dict(rope_theta=choice([1e4, 5e5, 1e6, 123.0]))
    kind = choice(["default", "default", "linear", "yarn", "llama3"])
    if kind == "linear":
        return rope(rope_type=kind, factor=choice([1.5, 4.0]), **base)
    if kind == "yarn":
        return rope(rope_type=kind, factor=choice([2.0, 4.0]), original_max_position_embeddings=choice([16, 64]), **base)
    if kind == "llama3":
        return rope(rope_type=kind, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                    original_max_position_embeddings=choice([32, 64]), **base)
    return rope(**base)


def random_case(generator):
    choice = generator.choice
    family = choice(["Llama", "Mistral", "Mixtral", "Qwen2", "Qwen3", "Qwen2Moe", "Qwen3Moe", "Granite", "SmolLM3", "Olmo2", "Phi3",
                     "Gemma2", "Gemma3Text"])
    heads = choice([1, 2, 3, 4, 6, 8])
    size = choice([4, 6, 8, 10, 12, 16, 20, 32])
    settings = dict(
        vocab_size=generator.randint(11, 300), hidden_size=heads * size, intermediate_size=generator.randint(3, 90),
        num_hidden_layers=generator.randint(1, 7), num_attention_heads=heads,
        num_key_value_heads=choice([count for count in range(1, heads + 1) if heads % count == 0]),
        tie_word_embeddings=choice([True, False]), rms_norm_eps=choice([1e-6, 1e-5, 1e-3]))
    if family not in ("Phi3", "Granite", "Olmo2") and choice([True, False]):
        settings["head_dim"] = choice([4, 8, 14, 24])
    if family in ("Gemma2", "Gemma3Text", "Qwen3", "Qwen3Moe", "Mixtral"):
        settings.setdefault("head_dim", size)
    if family in ("Llama", "Granite", "SmolLM3"):
        settings.update(attention_bias=choice([True, False]), mlp_bias=choice([True, False]))
    if family in ("Mistral", "Mixtral", "Phi3", "Gemma2", "Gemma3Text"):
        settings["sliding_window"] = choice([3, 16, 40, 4096])
    if family in ("Qwen2", "Qwen3", "Qwen2Moe"):
        settings.update(use_sliding_window=choice([True, False]), sliding_window=choice([5, 30]),
                        max_window_layers=generator.randint(0, settings["num_hidden_layers"]))
    if "Moe" in family or family == "Mixtral":
        count = generator.randint(1, 9)
        settings.update({"num_local_experts" if family == "Mixtral" else "num_experts": count},
                        num_experts_per_tok=generator.randint(1, count), moe_intermediate_size=generator.randint(2, 40),
                        shared_expert_intermediate_size=generator.randint(2, 40), norm_topk_prob=choice([True, False]),
                        decoder_sparse_step=choice([1, 1, 2]))
    if family == "Granite":
        settings.update(embedding_multiplier=choice([1.0, 7.5]), residual_multiplier=choice([1.0, 0.4]),
                        attention_multiplier=choice([1.0, 0.2]), logits_scaling=choice([1.0, 3.0]))
    if family.startswith("Gemma"):
        settings["query_pre_attn_scalar"] = choice([4, 32])
    else:
        settings["rope_parameters"] = rope() if family == "Phi3" else scaling(choice)
    saving = choice([{}, {}, {"dtype": torch.bfloat16}, {"dtype": torch.float16, "max_shard_size": "30KB"}])
    return case(family, saving, generator.randint(1, 90), **settings)


def save(name, spec, seed, folder):
    """Writes the model; returns it, with tokens."""
    family, settings, saving, count = spec
    config = getattr(transformers, family + "Config")(**settings)
    torch.manual_seed(seed)
    model = getattr(transformers, family.removesuffix("Text") + "ForCausalLM")._from_config(
        config, attn_implementation="eager", experts_implementation="eager").eval()
    fill(model, seed)
    if config.tie_word_embeddings:
        model.tie_weights()
    tokens = torch.randint(0, config.vocab_size, (1, count), generator=torch.Generator().manual_seed(seed))
    path = pathlib.Path(folder) / name
    dtype = saving.get("dtype", torch.float32)
    # A copy: the angles of RoPE would be rounded, too.
    copy.deepcopy(model).to(dtype).save_pretrained(path, max_shard_size=saving.get("max_shard_size", "5GB"))
    if saving.get("older"):
        file = path / "config.json"
        file.write_text(json.dumps(older(json.loads(file.read_text()))))
    return path, model, tokens


def compare(path, model, tokens, program):
    """What differs, or None."""
    with torch.no_grad():
        expected = model(tokens, use_cache=False).logits[0].double()
    ids = ",".join(str(token) for token in tokens[0].tolist())
    run = subprocess.run([program, "logits", path, "--tokens", ids, "--precision", "fp32", "--json"], capture_output=True, text=True)
    if run.returncode != 0:
        return "refused: " + run.stderr.strip()
    ours = json.loads(run.stdout)
    last, scale = torch.tensor(ours["last"], dtype=torch.float64), expected[-1].abs().max()
    error = float((last - expected[-1]).abs().max() / scale)
    if not error <= TOLERANCE:
        return f"the last logits differ by {error:.2e}"
    sums = torch.tensor(ours["logsumexp"], dtype=torch.float64)
    error = float(((sums - expected.logsumexp(-1)).abs() / expected.logsumexp(-1).abs().clamp(min=1)).max())
    if not error <= TOLERANCE:
        return f"the sums differ by {error:.2e}"
    # Two logits that are as good as equal may change places.
    for position, token in enumerate(ours["argmax"]):
        if expected[position].max() - expected[position][token] > TOLERANCE * scale:
            return f"another arg max at position {position}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=".build/release/stellarchat")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--only")
    parser.add_argument("--keep")
    options = parser.parse_args()
    cases = dict(CASES)
    for index in range(options.random):
        cases[f"random-{options.seed + index}"] = random_case(random.Random(options.seed + index))
    failed = []
    with tempfile.TemporaryDirectory() as temporary:
        for index, (name, spec) in enumerate(cases.items()):
            if options.only and options.only != name:
                continue
            path, model, tokens = save(name, spec, options.seed + index, options.keep or temporary)
            problem = compare(path, model, tokens, options.program)
            if problem:
                failed.append(name)
                print(f"{name} ({spec[0]}): {problem}")
    print(f"{len(cases) if not options.only else 1} models, {len(failed)} different" + (": " + " ".join(failed) if failed else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    main()
