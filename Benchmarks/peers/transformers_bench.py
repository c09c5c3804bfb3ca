"""Measures transformers (PyTorch, FP32) on a GGUF file, with the same work as `stellarchat bench`. Prints one JSON object."""

import argparse
import json
import os
import resource
import time

import torch
from transformers import AutoModelForCausalLM


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--generate-tokens", type=int, default=128)
    parser.add_argument("--depth", type=int, default=0)
    parser.add_argument("--sequences", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    start = time.perf_counter()
    folder, file = os.path.split(os.path.abspath(arguments.model))
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()
    result = {"load_seconds": time.perf_counter() - start, "prefill": [], "decode": []}
    vocabulary = model.config.vocab_size

    @torch.inference_mode()
    def prefill(tokens):
        prompt = torch.randint(vocabulary, (arguments.sequences, tokens))
        out = model(prompt, use_cache=True, logits_to_keep=1)
        return out.logits[:, -1].argmax(-1, keepdim=True), out.past_key_values

    @torch.inference_mode()
    def decode_rate(tokens, depth):
        last, cache = prefill(max(depth, 1))
        start = time.perf_counter()
        for _ in range(tokens):
            out = model(last, past_key_values=cache, use_cache=True)
            last, cache = out.logits[:, -1].argmax(-1, keepdim=True), out.past_key_values
        return tokens * arguments.sequences / (time.perf_counter() - start)

    for repetition in range(arguments.repetitions + 1):  # the first one warms up
        if arguments.prompt_tokens:
            start = time.perf_counter()
            prefill(arguments.prompt_tokens)
            rate = arguments.prompt_tokens * arguments.sequences / (time.perf_counter() - start)
            result["prefill"] += [rate] if repetition else []
        if arguments.generate_tokens:
            rate = decode_rate(arguments.generate_tokens, arguments.depth)
            result["decode"] += [rate] if repetition else []
    result["peak_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main()
