#!/usr/bin/env python3
"""Writes Sources/StellarInference/Tokenizer/ScalarClass+Ranges.swift: the classes of all Unicode scalars as the `tokenizers` package
sees them (its regular expressions and its Digits splitter may be of different Unicode versions).

    python3 Tests/reference/tokenizer_unicode.py Sources/StellarInference/Tokenizer/ScalarClass+Ranges.swift
"""

import sys

import tokenizers
from tokenizers import pre_tokenizers

OTHER, LETTER, NUMBER, SPACE, NUMERAL = range(5)

digits = pre_tokenizers.Digits(individual_digits=True)
pattern = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def scalar_class(scalar):
    """The class of a scalar, found by asking which neighbour it forms one piece with."""
    text = chr(scalar)
    joins = [name for name, before in ((LETTER, "a"), (NUMBER, "1"), (SPACE, "\t"), (OTHER, "!"))
             if len(pattern.pre_tokenize_str(before + text)) == 1]
    assert len(joins) == 1, hex(scalar)
    splits = len(digits.pre_tokenize_str("!" + text + "!")) == 3
    if joins[0] == NUMBER:
        assert splits, hex(scalar)
    if joins[0] == OTHER and splits:
        return NUMERAL
    assert not splits or joins[0] == NUMBER, hex(scalar)
    return joins[0]


def main():
    boundaries = []
    last = None
    for scalar in range(0x110000):
        value = OTHER if 0xD800 <= scalar < 0xE000 else scalar_class(scalar)
        if value != last:
            boundaries.append(scalar << 3 | value)
            last = value
    with open(sys.argv[1], "w") as file:
        file.write(f"""// Made by Tests/reference/tokenizer_unicode.py from the tokenizers package {tokenizers.__version__}. Do not edit.

extension ScalarClass {{
    /// Where the class changes: the first scalar of each range times 8, plus the range's class.
    static let boundaries: [UInt32] = [
""")
        for start in range(0, len(boundaries), 13):
            file.write("        " + ", ".join(f"0x{value:06X}" for value in boundaries[start:start + 13]) + ",\n")
        file.write("    ]\n}\n")


if __name__ == "__main__":
    main()
