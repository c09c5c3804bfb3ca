"""Measures llama.cpp (through llama-cpp-python's low-level interface) on one GGUF file, with the same work as `stellarchat bench`.

Prints one JSON object: rates in tokens per second, one value a repetition. Only llama_decode and picking the most likely token are
timed; prompts are random tokens, as in `stellarchat bench`.
"""

import argparse
import ctypes
import json
import random
import resource
import time

import llama_cpp as ll
import numpy as np


class Peer:
    def __init__(self, path, context, sequences, threads, flash_attention):
        ll.llama_backend_init()
        start = time.perf_counter()
        parameters = ll.llama_model_default_params()
        self.model = ll.llama_model_load_from_file(path.encode(), parameters)
        if not self.model:
            raise SystemExit(f"llama.cpp does not load {path}")
        self.load_seconds = time.perf_counter() - start
        options = ll.llama_context_default_params()
        options.n_ctx = context
        options.n_batch = 512
        options.n_ubatch = 512
        options.n_seq_max = sequences
        options.n_threads = threads
        options.n_threads_batch = threads
        options.flash_attn_type = {"auto": -1, "off": 0, "on": 1}[flash_attention]
        if hasattr(options, "kv_unified"):
            options.kv_unified = True
        self.context = ll.llama_init_from_model(self.model, options)
        if not self.context:
            raise SystemExit("llama.cpp could not make a context")
        self.vocabulary = ll.llama_vocab_n_tokens(ll.llama_model_get_vocab(self.model))
        self.batch = ll.llama_batch_init(512, 0, 1)

    def decode(self, items):
        """items: (token, position, sequence, wants logits)"""
        batch = self.batch
        batch.n_tokens = len(items)
        for index, (token, position, sequence, logits) in enumerate(items):
            batch.token[index] = token
            batch.pos[index] = position
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequence
            batch.logits[index] = logits
        if ll.llama_decode(self.context, batch) != 0:
            raise SystemExit("llama_decode failed")

    def argmax(self, index):
        logits = ll.llama_get_logits_ith(self.context, index)
        return int(np.ctypeslib.as_array(logits, shape=(self.vocabulary,)).argmax())

    def clear(self):
        ll.llama_memory_clear(ll.llama_get_memory(self.context), True)

    def prefill(self, tokens, sequence=0):
        prompt = [random.randrange(self.vocabulary) for _ in range(tokens)]
        for start in range(0, tokens, 512):
            part = prompt[start : start + 512]
            last = start + len(part) == tokens
            self.decode([(t, start + i, sequence, last and i == len(part) - 1) for i, t in enumerate(part)])
        return self.argmax(-1)

    def prefill_rate(self, tokens):
        self.clear()
        start = time.perf_counter()
        self.prefill(tokens)
        return tokens / (time.perf_counter() - start)

    def decode_rate(self, tokens, depth, sequences):
        self.clear()
        last = [self.prefill(max(depth, 1), s) for s in range(sequences)]
        start = time.perf_counter()
        for step in range(tokens):
            self.decode([(last[s], max(depth, 1) + step, s, True) for s in range(sequences)])
            last = [self.argmax(s) for s in range(sequences)]
        return tokens * sequences / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--generate-tokens", type=int, default=128)
    parser.add_argument("--depth", type=int, default=0)
    parser.add_argument("--sequences", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--flash-attention", choices=["auto", "on", "off"], default="auto", help="auto: what llama.cpp chooses")
    arguments = parser.parse_args()

    quiet = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
    ll.llama_log_set(quiet, None)
    each = max(arguments.prompt_tokens, arguments.depth + arguments.generate_tokens) + 8
    peer = Peer(arguments.model, (each * arguments.sequences + 255) // 256 * 256, arguments.sequences, arguments.threads, arguments.flash_attention)
    result = {"load_seconds": peer.load_seconds, "prefill": [], "decode": []}
    peer.prefill_rate(64)  # warms up
    peer.decode_rate(8, 1, 1)
    for _ in range(arguments.repetitions):
        prefill = peer.prefill_rate(arguments.prompt_tokens) if arguments.prompt_tokens else None
        decode = (
            peer.decode_rate(arguments.generate_tokens, arguments.depth, arguments.sequences) if arguments.generate_tokens else None
        )
        result["prefill"] += [prefill] if prefill else []
        result["decode"] += [decode] if decode else []
    result["peak_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main()
