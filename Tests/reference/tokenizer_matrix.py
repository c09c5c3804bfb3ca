#!/usr/bin/env python3
"""Compares our tokenizer with the `tokenizers` and `sentencepiece` packages over many configurations: every id and every text.

    python3 Tests/reference/tokenizer_matrix.py [--program .build/release/stellarchat] [--lines 20000] [--seed 1] [--only NAME] [--keep DIR]
"""

import argparse
import json
import os
import sys
import tempfile

import tokenizer_configurations
import tokenizer_corpus
from tokenizer_differential import compare, run, write


def special_lines(lines):
    tokens = ["<|left|>", "<|right|>", "<|both|>", "word", "cafe", "CAFE", "QUICK", "quick", "<s>", "</s>", "    ", "words", "<tool>"]
    return [(tokens[index % len(tokens)] + " ").join([line[:12], line[12:20], line[20:30]]) + tokens[index * 7 % len(tokens)]
            for index, line in enumerate(lines[:2000])]


def check(name, program, path, inputs, ids, texts, special=False):
    with write("".join(line + "\n" for line in inputs)) as file:
        command = [program, "tokenize", path, "--file", file.name, "--json"] + (["--special"] if special else [])
        ok = compare(f"{name}: ids", inputs, [json.loads(line) for line in run(command)], ids)
    with write("".join(json.dumps(line) + "\n" for line in ids)) as file:
        ours = [json.loads(line) for line in run([program, "detokenize", path, "--file", file.name])]
        return compare(f"{name}: texts", ids, ours, texts) and ok


def check_tokenizer(name, tokenizer, options, lines, folder):
    path = os.path.join(folder, name, "tokenizer.json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    tokenizer.save(path)
    # With texts of special tokens in the lines, and these found.
    lines = lines + special_lines(lines)
    ids = [encoding.ids for encoding in tokenizer.encode_batch(lines, add_special_tokens=False)]
    return check(name, options.program, path, lines, ids, [tokenizer.decode(line, skip_special_tokens=False) for line in ids], special=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=".build/release/stellarchat")
    parser.add_argument("--lines", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--keep")
    options = parser.parse_args()
    lines = tokenizer_corpus.lines(options.lines, options.seed)
    training = tokenizer_configurations.training_lines()
    failed = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or temporary
        for name, tokenizer in tokenizer_configurations.configurations(training):
            if not options.only or options.only == name:
                failed += [] if check_tokenizer(name, tokenizer, options, lines, folder) else [name]
        for name, processor, training_options in tokenizer_configurations.sentencepiece_models(training, folder):
            if options.only and options.only != name:
                continue
            path = os.path.join(folder, name + ".gguf")
            tokenizer_configurations.write_gguf(
                path, processor, training_options.get("add_dummy_prefix", True),
                training_options.get("user_defined_symbols", "").split(","))
            plain = [line.replace("\0", "") for line in lines]  # not part of SentencePiece's texts
            ids = [processor.encode(line) for line in plain]
            failed += [] if check(name, options.program, path, plain, ids, [processor.decode(line) for line in ids]) else [name]
    print("all equal" if not failed else "different: " + " ".join(failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
