#!/usr/bin/env python3
"""Writes what the names in `tokenizer.ggml.pre` mean, as llama.cpp's source says it.

    python3 Tests/reference/tokenizer_names.py llama.cpp/src/llama-vocab.cpp > Tests/StellarInferenceTests/Fixtures/tokenizer/names.json

Groups of names that mean the same: `patterns` (one after the other), `ignore_merges`, `add_bos`, and `pieces`: texts with the lengths in
bytes of the pieces into which the `tokenizers` package cuts them. Where a comment gives the original of a pattern that the code
approximates, the original counts. Names that mean more than patterns (no byte-level alphabet, code of their own) and those of embedding
models are left out.

Needs: tokenizers.
"""

import json
import re
import sys

from tokenizers import Regex, pre_tokenizers

import tokenizer_corpus

CONTRACTIONS = ("(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])", "(?i:'s|'t|'re|'ve|'m|'ll|'d)")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
# Digits(individual_digits=True) in the tokenizer.json of deepseek-llm-7b-base: numbers are split into digits (arXiv:2401.02954, 2.1).
OTHERWISE = {("deepseek-llm", r"\p{N}+"): r"\p{N}"}


def unescaped(literal):
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "r": "\r", "t": "\t"}.get(match[1], match[1]), literal)


def patterns_by_type(source):
    """The patterns of each LLAMA_VOCAB_PRE_TYPE, and whether they are applied to a byte-level alphabet."""
    body = source[source.index("struct llm_tokenizer_bpe : "):]
    body = body[:body.index("\n};")]
    result, types, patterns, original, is_plain = {}, [], [], None, True
    for line in body.splitlines():
        if match := re.match(r"\s*(?:case LLAMA_VOCAB_PRE_TYPE_(\w+)|(default)):", line):
            types.append(match[1] or "DEFAULT")
        elif re.match(r"\s*//", line):
            found = LITERAL.search(line)
            original = unescaped(found[1]) if found else original
        elif "break;" in line:
            for kind in types:
                result[kind] = (patterns, is_plain)
            types, patterns, original, is_plain = [], [], None, True
        elif "byte_encode = false" in line:
            is_plain = False
        elif found := LITERAL.search(line):
            pattern = unescaped(found[1])
            if "((?=[" in pattern and original:
                pattern = original
            patterns.append(pattern.replace(*CONTRACTIONS))
            original = None
    return result


def names(source):
    """Each name's LLAMA_VOCAB_PRE_TYPE and flags."""
    body = source[source.index("for now, only BPE models have pre-tokenizers"):]
    body = body[:body.index("unknown pre-tokenizer type")]
    for part in re.split(r"\} else if \(", body):
        kind = re.search(r"pre_type = LLAMA_VOCAB_PRE_TYPE_(\w+);", part)
        for name in re.findall(r'tokenizer_pre == "([^"]+)"', part):
            yield name, kind[1], "ignore_merges = true" in part, "add_bos = true" in part


LEFT_OUT = {"KIMI_K2", "AFMOE", "GRANITE_EMB_MULTI"}
# Numbers, cases, contractions, blanks and scripts that patterns treat differently.
TEXTS = [
    "I'm DON'T we'LL it'\u017f 'sx y'd", "1 12 123 1234 12345 1234567 3.14159 \u0661\u0662\u0663\u0664 \u2168\u00bd", "a  b   c\t\td \n\n  e\r\n\r\n f ",
    "camelCase HTTPServer XMLHttpRequest \u00c9T\u00c9 \u00e9t\u00e9 \u01c5x", "x = {'a': [1, 2]}; // end\n\treturn -1;", "\u4f60\u597d\uff0c\u4e16\u754c\uff01\u3053\u3093\u306b\u3061\u306f\u30ab\u30bf\u30ab\u30ca \uc548\ub155\ud558\uc138\uc694",
    "\u0645\u0631\u062d\u0628\u0627\u060c \u0928\u092e\u0938\u094d\u0924\u0947\u0964 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "e\u0301a\u0308 A\u030a $5.00 \u20ac7 \u00a9 ~^|`<=>+", "https://example.org/a/b?c=d#e /* ... */ !!!\n",
    "end.  ", "                                  x", "\n\n\n", "_a_b__c [d](e)", "\U0001f600\U0001f468\u200d\U0001f469 ok", "...?!,\u2026\u3002,\u3001\u0964\u06d4\u060c",
]


def pieces(patterns, texts):
    splitter = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns])
    for text in texts:
        yield [text, [len(piece.encode()) for piece, _ in splitter.pre_tokenize_str(text)]]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        source = file.read()
    by_type = patterns_by_type(source)
    texts = TEXTS + [line[:40] for line in tokenizer_corpus.lines(60, 5) if line]
    groups = {}
    for name, kind, ignores, adds in names(source):
        patterns, is_plain = by_type[kind]
        if is_plain and kind not in LEFT_OUT:
            key = (tuple(OTHERWISE.get((name, pattern), pattern) for pattern in patterns), ignores, adds)
            groups.setdefault(key, []).append(name)
    result = [{"names": sorted(members), "patterns": patterns, "ignore_merges": ignores, "add_bos": adds,
               "pieces": list(pieces(patterns, texts))} for (patterns, ignores, adds), members in sorted(groups.items(), key=lambda item: item[1])]
    rows = [json.dumps(group, separators=(",", ":")) for group in result]
    print("[\n" + ",\n".join(rows) + "\n]")


if __name__ == "__main__":
    main()
