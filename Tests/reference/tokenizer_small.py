#!/usr/bin/env python3
"""Writes small tokenizers with reference values for the Swift tests, one file for each configuration of tokenizer_configurations.py.

    python3 Tests/reference/tokenizer_small.py Tests/StellarInferenceTests/Fixtures/tokenizer/huggingface

Each file: `tokenizer` (a whole tokenizer.json) and `cases` (text, ids with special tokens found, decoded text).
"""

import json
import os
import sys

import tokenizer_configurations
import tokenizer_corpus
from tokenizer_matrix import special_lines

VOCABULARY = 380


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    full = tokenizer_configurations.trained

    def small(*arguments, **options):
        trainer = {**options.pop("trainer", {})}
        if "limit_alphabet" in trainer:
            trainer["limit_alphabet"] = 80
        return full(*arguments, **{**options, "size": VOCABULARY, "trainer": trainer})
    tokenizer_configurations.trained = small
    training = tokenizer_configurations.training_lines()[:1500]
    lines = [line[:24] for line in tokenizer_corpus.lines(60, 31)]
    lines = lines[::2] + special_lines(lines)[::3]
    for name, tokenizer in tokenizer_configurations.configurations(training):
        cases = []
        for line in lines:
            ids = tokenizer.encode(line, add_special_tokens=False).ids
            cases.append([line, ids, tokenizer.decode(ids, skip_special_tokens=False)])
        with open(os.path.join(sys.argv[1], name + ".json"), "w", encoding="utf-8", newline="\n") as file:
            file.write('{"tokenizer":' + json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")))
            file.write(',\n"cases":[\n')
            file.write(",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases) + "\n]}\n")


if __name__ == "__main__":
    main()
