"""Tiny random models of every family, and what transformers computes for them.

    python architecture_fixtures.py [CASE ...]

Writes Tests/StellarInferenceTests/Fixtures/architectures/CASE/: config.json (as transformers saves it), config-older.json (the spelling of
transformers 4, by hand), model.safetensors (F32), model.gguf (F16, named and permuted as llama.cpp's converter does it; not for families
without a GGUF architecture) and expected.json: token ids, arg max and log-sum-exp of the logits at each position, the last logits.

All weights are numbers that BF16 and F16 hold exactly, so that files of these types have to give the same logits.

Needs: torch transformers gguf numpy safetensors.
"""

import copy
import json
import pathlib
import sys

import gguf
import numpy
import safetensors.torch
import torch
import transformers

OUTPUT = pathlib.Path(__file__).parent.parent / "StellarInferenceTests/Fixtures/architectures"
TOKENS = 64

SMALL = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=128, pad_token_id=None, bos_token_id=1, eos_token_id=2)
LONG = dict(SMALL, max_position_embeddings=32)


def rope(**parameters):
    return dict(rope_theta=10000.0, rope_type="default") | parameters


# Case: (configuration class, its arguments, GGUF architecture or None)
CASES = {
    "llama": ("Llama", dict(SMALL, num_key_value_heads=4), "LLAMA"),
    "llama-bias": ("Llama", dict(SMALL, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, head_dim=12), "LLAMA"),
    "llama-linear": ("Llama", dict(SMALL, rope_parameters=rope(rope_type="linear", factor=4.0)), "LLAMA"),
    "llama-dynamic": ("Llama", dict(LONG, rope_parameters=rope(rope_type="dynamic", factor=3.0)), None),
    "llama-llama3": ("Llama", dict(SMALL, rope_parameters=rope(
        rope_theta=500000.0, rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=32)), "LLAMA"),
    "llama-yarn": ("Llama", dict(SMALL, rope_parameters=rope(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=32, beta_fast=8.0, beta_slow=0.5)), "LLAMA"),
    "smollm3": ("SmolLM3", dict(SMALL, num_hidden_layers=4, rope_parameters=rope(rope_theta=5000.0)), "SMOLLM3"),
    "mistral": ("Mistral", dict(SMALL, sliding_window=9, head_dim=12), "LLAMA"),
    "mixtral": ("Mixtral", dict(SMALL, intermediate_size=24, num_local_experts=5, num_experts_per_tok=2), "LLAMA"),
    "qwen2": ("Qwen2", dict(SMALL, use_sliding_window=True, sliding_window=11, max_window_layers=1, tie_word_embeddings=True), "QWEN2"),
    "qwen2-yarn": ("Qwen2", dict(SMALL, rope_parameters=rope(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=32, attention_factor=1.2)), None),
    "qwen3": ("Qwen3", dict(SMALL, head_dim=16), "QWEN3"),
    "qwen2-moe": ("Qwen2Moe", dict(
        SMALL, num_hidden_layers=3, num_experts=6, num_experts_per_tok=3, moe_intermediate_size=16, shared_expert_intermediate_size=40,
        mlp_only_layers=[], norm_topk_prob=False), "QWEN2MOE"),
    "qwen2-moe-mixed": ("Qwen2Moe", dict(
        SMALL, num_hidden_layers=4, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16, shared_expert_intermediate_size=24,
        mlp_only_layers=[3], decoder_sparse_step=2, norm_topk_prob=True, use_sliding_window=True, sliding_window=10,
        max_window_layers=3), None),
    "qwen3-moe": ("Qwen3Moe", dict(
        SMALL, head_dim=16, num_experts=8, num_experts_per_tok=3, moe_intermediate_size=16, norm_topk_prob=True), "QWEN3MOE"),
    "phi3": ("Phi3", dict(SMALL, sliding_window=20), "PHI3"),
    "phi3-longrope": ("Phi3", dict(
        SMALL, head_dim=16, num_attention_heads=2, num_key_value_heads=1, original_max_position_embeddings=32, rope_parameters=rope(
            rope_type="longrope", short_factor=[1.0, 1.1, 1.3, 1.5, 1.9, 2.3], long_factor=[1.1, 1.7, 2.6, 4.0, 7.0, 11.0],
            partial_rotary_factor=0.75)), "PHI3"),
    "phi3-longrope-short": ("Phi3", dict(
        SMALL, head_dim=16, num_attention_heads=2, num_key_value_heads=1, original_max_position_embeddings=64, rope_parameters=rope(
            rope_type="longrope", short_factor=[1.0, 1.1, 1.3, 1.5, 1.9, 2.3], long_factor=[1.1, 1.7, 2.6, 4.0, 7.0, 11.0],
            partial_rotary_factor=0.75)), "PHI3"),
    "gemma2": ("Gemma2", dict(
        SMALL, head_dim=12, sliding_window=13, query_pre_attn_scalar=20, attn_logit_softcapping=2.0,
        final_logit_softcapping=3.0), "GEMMA2"),
    "gemma3": ("Gemma3Text", dict(
        SMALL, num_hidden_layers=7, head_dim=12, sliding_window=10, query_pre_attn_scalar=20, rope_parameters={
            "full_attention": rope(rope_theta=1000000.0, rope_type="linear", factor=8.0),
            "sliding_attention": rope(rope_theta=10000.0)}), "GEMMA3"),
    "olmo2": ("Olmo2", dict(SMALL, rope_parameters=rope(rope_theta=500000.0)), "OLMO2"),
    "granite": ("Granite", dict(
        SMALL, embedding_multiplier=6.0, residual_multiplier=0.22, attention_multiplier=0.4, logits_scaling=4.0,
        tie_word_embeddings=True), "GRANITE"),
}


def representable(values):
    """Rounded to what BF16 and F16 both hold exactly."""
    rounded = values.to(torch.bfloat16).to(torch.float32)
    return torch.where(rounded.abs() < 2.0 ** -10, torch.zeros_like(rounded), rounded)


def fill(model, seed):
    """Random weights with norms around 1 (0 where the model adds 1) and biases that matter."""
    generator = torch.Generator().manual_seed(seed)
    adds_one = "Gemma" in type(model).__name__
    for name, weight in sorted(model.named_parameters(), key=lambda item: item[0]):
        noise = torch.randn(weight.shape, generator=generator)
        if "norm" in name and weight.dim() == 1:
            values = (0 if adds_one else 1) + 0.3 * noise
        elif weight.dim() == 1:
            values = 0.5 * noise
        elif "embed_tokens" in name:
            values = noise
        else:
            values = noise * 1.3 / weight.shape[-1] ** 0.5
        weight.data = representable(values)


def reference(model, name):
    tokens = torch.randint(0, SMALL["vocab_size"], (1, TOKENS), generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        if "dynamic" in name:
            # The angles of a position depend on how many tokens are read at once; ours are those of one at a time.
            cache, rows = transformers.DynamicCache(), []
            for index in range(TOKENS):
                rows.append(model(tokens[:, index:index + 1], past_key_values=cache, use_cache=True).logits[0])
            logits = torch.cat(rows)
        else:
            logits = model(tokens, use_cache=False).logits[0]
    logits = logits.double()
    return {
        "input_ids": tokens[0].tolist(),
        "argmax_per_position": logits.argmax(-1).tolist(),
        "logsumexp_per_position": [round(value, 7) for value in logits.logsumexp(-1).tolist()],
        "logits_last": [round(value, 7) for value in logits[-1].tolist()],
    }


def older(config):
    """The spelling of transformers 4."""
    result = copy.deepcopy(config)
    parameters = result.pop("rope_parameters")
    result["torch_dtype"] = result.pop("dtype", "float32")
    if result["model_type"] == "gemma3_text":
        full, sliding = parameters["full_attention"], parameters["sliding_attention"]
        result["rope_theta"], result["rope_local_base_freq"] = full.pop("rope_theta"), sliding["rope_theta"]
        result["rope_scaling"] = full
        result["sliding_window_pattern"] = 6
    else:
        result["rope_theta"] = parameters.pop("rope_theta")
        if "partial_rotary_factor" in parameters:
            result["partial_rotary_factor"] = parameters.pop("partial_rotary_factor")
        kind = parameters.pop("rope_type")
        result["rope_scaling"] = None if kind == "default" else {"type": kind} | parameters
    result.pop("layer_types", None)
    if result.get("tie_word_embeddings") is True and result["model_type"] in ("gemma2", "gemma3_text", "smollm3"):
        del result["tie_word_embeddings"]
    return result


# MARK: GGUF

def permuted(weight, heads):
    """Rows of each head in the order of interleaved rotation: what the converter does to Llama's Q and K."""
    shape = weight.shape
    return weight.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def write_gguf(path, architecture, config, state):
    names = gguf.get_tensor_name_map(getattr(gguf.MODEL_ARCH, architecture), config.num_hidden_layers)
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[getattr(gguf.MODEL_ARCH, architecture)])
    add_metadata(writer, architecture, config)
    tensors = {}
    for name, weight in state.items():
        weight = weight.numpy()
        if architecture in ("LLAMA", "GRANITE", "SMOLLM3"):
            if ".q_proj." in name:
                weight = permuted(weight, config.num_attention_heads)
            if ".k_proj." in name:
                weight = permuted(weight, config.num_key_value_heads)
        if architecture.startswith("GEMMA") and name.endswith("norm.weight"):
            weight = weight + 1
        tensors[name] = weight
    for name, weight in stacked_experts(tensors, config).items():
        stem, _, suffix = name.rpartition(".")
        target = names.get_name(stem)
        assert target is not None, name
        if target.endswith("ffn_gate_inp_shexp"):
            weight = weight[0]
        weight = numpy.ascontiguousarray(weight, dtype=numpy.float32 if weight.ndim == 1 else numpy.float16)
        writer.add_tensor(f"{target}.{suffix}", weight)
    add_rope_tensors(writer, architecture, config)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def stacked_experts(tensors, config):
    """One tensor for the same weight of all experts of a layer."""
    result, groups = {}, {}
    for name, weight in tensors.items():
        if ".experts." in name:
            head, _, tail = name.partition(".experts.")
            index, _, part = tail.partition(".")
            groups.setdefault(f"{head}.experts.{part}", {})[int(index)] = weight
        else:
            result[name] = weight
    for name, weights in groups.items():
        result[name] = numpy.stack([weights[index] for index in range(len(weights))])
    return result


def add_metadata(writer, architecture, config):
    head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    parameters = config.rope_parameters
    parameters = parameters.get("full_attention", parameters)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(parameters["rope_theta"])
    writer.add_key_length(head_size)
    writer.add_value_length(head_size)
    writer.add_rope_dimension_count(int(head_size * parameters.get("partial_rotary_factor", 1.0)))
    if parameters["rope_type"] in ("linear", "yarn"):
        writer.add_rope_scaling_type(getattr(gguf.RopeScalingType, parameters["rope_type"].upper()))
        writer.add_rope_scaling_factor(parameters["factor"])
    if parameters["rope_type"] == "yarn":
        writer.add_rope_scaling_orig_ctx_len(parameters["original_max_position_embeddings"])
        writer.add_rope_scaling_yarn_beta_fast(parameters["beta_fast"])
        writer.add_rope_scaling_yarn_beta_slow(parameters["beta_slow"])
    if parameters["rope_type"] == "longrope":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LONGROPE)
        writer.add_rope_scaling_orig_ctx_len(config.original_max_position_embeddings)
        ratio = config.max_position_embeddings / config.original_max_position_embeddings
        factor = (1 + numpy.log(ratio) / numpy.log(config.original_max_position_embeddings)) ** 0.5
        writer.add_rope_scaling_attn_factors(float(factor))
    if getattr(config, "sliding_window", None):
        writer.add_sliding_window(config.sliding_window)
        if architecture == "QWEN2":
            writer.add_sliding_window_pattern([kind == "sliding_attention" for kind in config.layer_types])
    if architecture.startswith("GEMMA"):
        writer.add_attention_scale(config.query_pre_attn_scalar ** -0.5)
    if architecture == "GEMMA2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if architecture == "GRANITE":
        writer.add_embedding_scale(config.embedding_multiplier)
        writer.add_residual_scale(config.residual_multiplier)
        writer.add_attention_scale(config.attention_multiplier)
        writer.add_logit_scale(config.logits_scaling)
    experts = getattr(config, "num_local_experts", None) or getattr(config, "num_experts", None)
    if experts:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        if hasattr(config, "moe_intermediate_size"):
            writer.add_expert_feed_forward_length(config.moe_intermediate_size)
        if hasattr(config, "shared_expert_intermediate_size"):
            writer.add_expert_shared_feed_forward_length(config.shared_expert_intermediate_size)


def add_rope_tensors(writer, architecture, config):
    parameters = config.rope_parameters
    if parameters.get("rope_type") == "longrope":
        writer.add_tensor("rope_factors_long.weight", numpy.array(parameters["long_factor"], dtype=numpy.float32))
        writer.add_tensor("rope_factors_short.weight", numpy.array(parameters["short_factor"], dtype=numpy.float32))
    if parameters.get("rope_type") == "llama3":
        low = parameters["original_max_position_embeddings"] / parameters["low_freq_factor"]
        high = parameters["original_max_position_embeddings"] / parameters["high_freq_factor"]
        size = config.head_dim
        factors = []
        for frequency in 1.0 / (parameters["rope_theta"] ** (numpy.arange(0, size, 2) / size)):
            wave = 2 * numpy.pi / frequency
            if wave < high:
                factors.append(1.0)
            elif wave > low:
                factors.append(parameters["factor"])
            else:
                smooth = (parameters["original_max_position_embeddings"] / wave - parameters["low_freq_factor"]) / (
                    parameters["high_freq_factor"] - parameters["low_freq_factor"])
                factors.append(1 / ((1 - smooth) / parameters["factor"] + smooth))
        writer.add_tensor("rope_freqs.weight", numpy.array(factors, dtype=numpy.float32))


# MARK: Cases

def make(name):
    family, arguments, architecture = CASES[name]
    config = getattr(transformers, family + "Config")(**arguments)
    config._attn_implementation = "eager"
    stem = family.removesuffix("Text")
    model = getattr(transformers, stem + "ForCausalLM")(config).eval().float()
    fill(model, seed=sum(name.encode()))
    directory = OUTPUT / name
    directory.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(directory)
    (directory / "generation_config.json").unlink(missing_ok=True)
    saved = json.loads((directory / "config.json").read_text())
    (directory / "config-older.json").write_text(json.dumps(older(saved), indent=1))
    (directory / "expected.json").write_text(json.dumps(reference(model, name)))
    if architecture:
        state = safetensors.torch.load_file(directory / "model.safetensors")
        write_gguf(directory / "model.gguf", architecture, config, state)
    size = sum(file.stat().st_size for file in directory.iterdir())
    print(name, size, [key for key in safetensors.torch.load_file(directory / "model.safetensors") if ".0." in key or "layers" not in key])


if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        make(case)
