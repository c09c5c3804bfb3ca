"""Writes a tokenizer.json of the size of Llama 3's: 128,000 tokens, 256 of them added, and 280,147 merges. For measuring how long loading takes.

    python3 Tests/reference/tokenizer_large.py DIRECTORY [--pairs]
    echo hello | time .build/release/stellarchat tokenize DIRECTORY/tokenizer.json

With --pairs merges are arrays of two, as newer versions of `tokenizers` write them. Needs nothing but Python. The tokens are made up; every
token and every merge is one that BPE can reach.
"""

import argparse
import json
import pathlib
import random

TOKENS, ADDED, MERGES = 128_000, 256, 280_147
UNITS = ["Ġt", "he", "in", "er", "an", "re", "on", "at", "en", "ou"]
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_characters():
    """The characters that stand for bytes in byte-level BPE."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in visible]
    return [chr(byte) for byte in visible] + [chr(256 + index) for index in range(len(others))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--pairs", action="store_true")
    options = parser.parse_args()
    generator = random.Random(1)
    characters = byte_characters()
    vocabulary = {character: index for index, character in enumerate(characters)}
    merges = {}  # a set that keeps its order

    def merge(left, right):
        vocabulary.setdefault(left + right, len(vocabulary))
        merges.setdefault((left, right))

    for unit in UNITS:
        merge(unit[0], unit[1])
    levels = [UNITS]
    while len(levels) < 5:
        levels.append([left + unit for left in levels[-1] for unit in UNITS])
        for token in levels[-1]:
            merge(token[:-2], token[-2:])
    prefixes = [character for character in characters if ord(character) > 160][:60]
    words = [token for level in levels for token in level]
    generator.shuffle(words)
    for word in words:
        if len(vocabulary) >= TOKENS - ADDED:
            break
        merge(generator.choice(prefixes), word)
    for token in (token for level in levels[2:] for token in level):
        for cut in range(2, len(token) - 2, 2):
            merges.setdefault((token[:cut], token[cut:]))

    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = [{"id": len(vocabulary) + i, "content": f"<|reserved_special_token_{i}|>", **flags} for i in range(ADDED)]
    pairs = list(merges)[:MERGES]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None}
    model |= {"fuse_unk": False, "byte_fallback": False, "ignore_merges": True, "vocab": vocabulary}
    model["merges"] = pairs if options.pairs else [" ".join(pair) for pair in pairs]
    document = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None}
    document["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, byte_level]}
    document |= {"post_processor": None, "decoder": byte_level, "model": model}
    options.directory.mkdir(parents=True, exist_ok=True)
    path = options.directory / "tokenizer.json"
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2))
    print(f"{path}: {len(vocabulary) + len(added)} tokens, {len(pairs)} merges, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
