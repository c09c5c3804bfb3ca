#!/usr/bin/env python3
"""Writes the reference values of the tokenizer tests, made with the `tokenizers` package from the vocabulary of a GGUF file.

    python3 Tests/reference/tokenizer_fixture.py MODEL.gguf Tests/StellarInferenceTests/Fixtures/tokenizer

`lines.json`: per line its text, its ids, and what these decode to where that is not the text (the vocabulary lacks some bytes); texts of
special tokens count as plain text. `special.json`: the same with special tokens found. `gpt-2.json`: text and ids with the pre-tokeniser
of GPT-2. `pieces.json`: text and the lengths (in UTF-8 bytes) of its pieces by the pre-tokenisers smollm and gpt-2.
"""

import json
import os
import random
import sys

import tokenizer_corpus
import tokenizer_reference


def cases(tokenizer, lines):
    result = []
    for line in lines:
        ids = tokenizer.encode(line, add_special_tokens=False).ids
        decoded = tokenizer.decode(ids, skip_special_tokens=False)
        result.append([line, ids] if decoded == line else [line, ids, decoded])
    return result


def lengths(name, line):
    pieces = tokenizer_reference.pre_tokenizer(name).pre_tokenize_str(line)
    return [len(line[start:end].encode()) for _, (start, end) in pieces]  # offsets count code points


def special_lines(generator):
    specials = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<repo_name>", "<|im_", "|>", "<"]
    for _ in range(56):
        parts = [generator.choice(specials) if generator.random() < 0.5 else tokenizer_corpus.natural(generator)[:12] for _ in range(6)]
        yield "".join(parts)


def write(folder, name, values):
    with open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as file:
        file.write("[\n" + ",\n".join(json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values) + "\n]\n")


def main():
    model, folder = sys.argv[1:]
    lines = [line[:20] for line in tokenizer_corpus.lines(1460, 20)]
    write(folder, "lines.json", cases(tokenizer_reference.load(model, special_tokens=False), lines))
    write(folder, "special.json", cases(tokenizer_reference.load(model), special_lines(random.Random(21))))
    other = [line[:20] for line in tokenizer_corpus.lines(160, 22)]
    write(folder, "gpt-2.json", cases(tokenizer_reference.load(model, special_tokens=False, name="gpt-2"), other))
    other = [line[:32] for line in tokenizer_corpus.lines(360, 23)]
    write(folder, "pieces.json", [[line, lengths("smollm", line), lengths("gpt-2", line)] for line in other])


if __name__ == "__main__":
    main()
