#!/usr/bin/env python3
"""Compares our tokenizer with the `tokenizers` package on thousands of lines: every id has to be equal.

    python3 Tests/reference/tokenizer_differential.py MODEL.gguf [--program .build/release/stellarchat] [--lines 20000] [--seed 1]

Calls `PROGRAM tokenize MODEL --file F --json`: F holds UTF-8, lines end with "\\n" and nothing else ends a line; the answer is one JSON
array of ids per line, without special tokens; texts of special tokens are plain text. With `--whole`: one array for the whole file.
With `--detokenize`, also `PROGRAM detokenize MODEL --file F`: F holds one JSON array of ids per line, the answer one JSON string per line.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time

import tokenizer_corpus
import tokenizer_reference


def run(arguments):
    return subprocess.run(arguments, check=True, stdout=subprocess.PIPE).stdout.decode("utf-8").rstrip("\n").split("\n")


def write(text):
    file = tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="\n", suffix=".txt")
    file.write(text)
    file.flush()
    return file


def compare(what, inputs, ours, theirs):
    if len(ours) != len(theirs):
        sys.exit(f"{what}: {len(ours)} answers for {len(theirs)} lines")
    wrong = [index for index in range(len(theirs)) if ours[index] != theirs[index]]
    for index in wrong[:10]:
        print(f"{what} differs for {inputs[index]!r:.300}\n  ours   {ours[index]!r:.300}\n  theirs {theirs[index]!r:.300}")
    print(f"{what}: {len(theirs) - len(wrong)} of {len(theirs)} equal")
    return not wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--program", default=".build/release/stellarchat")
    parser.add_argument("--lines", type=int, default=22000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--detokenize", action="store_true")
    parser.add_argument("--scalars", action="store_true", help="also every code point there is, each beside its kin and others")
    options = parser.parse_args()

    reference = tokenizer_reference.load(options.model, special_tokens=False)
    lines = tokenizer_corpus.lines(options.lines, options.seed)
    if options.scalars:
        scalars = [chr(value) for value in range(0x110000) if value != 10 and not 0xD800 <= value < 0xE000]
        lines += ["".join(f"a{c}1{c}!{c}\t{c} {c}{c} " for c in scalars[start:start + 8]) for start in range(0, len(scalars), 8)]
    start = time.monotonic()
    theirs = [reference.encode(line, add_special_tokens=False).ids for line in lines]
    print(f"{len(lines)} lines, {sum(len(line.encode()) for line in lines)} bytes, {sum(map(len, theirs))} tokens; "
          f"reference took {time.monotonic() - start:.2f} s")

    with write("".join(line + "\n" for line in lines)) as file:
        tokenize = [options.program, "tokenize", options.model, "--file", file.name, "--json"]
        ok = compare("ids of lines", lines, [json.loads(line) for line in run(tokenize)], theirs)
        whole = "".join(line + "\n" for line in lines)
        ok &= compare("ids of the whole file", [whole], [json.loads(line) for line in run(tokenize + ["--whole"])],
                      [reference.encode(whole, add_special_tokens=False).ids])
    decoded = [reference.decode(ids, skip_special_tokens=False) for ids in theirs]
    lossy = sum(text != line for text, line in zip(decoded, lines))
    print(f"{lossy} lines hold bytes that the vocabulary has no token for; the other {len(lines) - lossy} decode to themselves")
    if options.detokenize:
        with write("".join(json.dumps(ids) + "\n" for ids in theirs)) as file:
            ours = [json.loads(line) for line in run([options.program, "detokenize", options.model, "--file", file.name])]
            ok &= compare("decoded text", theirs, ours, decoded)
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
