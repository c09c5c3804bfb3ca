#!/usr/bin/env python3
"""Writes the Unicode tables of the tokenizers as the `tokenizers` package sees them: its regular expressions, its splitters and its
normalisers may be of different Unicode versions.

    python3 Tests/reference/tokenizer_tables.py Sources/StellarInference/Tokenizer/Unicode/UnicodeTables.swift
"""

import sys
import unicodedata

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

SCALARS = [value for value in range(0x110000) if not 0xD800 <= value < 0xE000]
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn".split()
SCRIPTS = ("Han Hiragana Katakana Hangul Bopomofo Latin Greek Cyrillic Armenian Hebrew Arabic Thai Lao Tibetan Myanmar Georgian Khmer "
           "Mongolian Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada Malayalam Sinhala Ethiopic Common Inherited").split()


def removed(splitter):
    """The ranges of scalars that `splitter` takes out of a text."""
    text = "".join(map(chr, SCALARS))
    result, end = [], 0
    for _, (start, stop) in splitter.pre_tokenize_str(text) + [("", (len(text), len(text)))]:
        if start > end:
            result += ranges([SCALARS[index] for index in range(end, start)])
        end = stop
    return ranges([value for first, last in result for value in range(first, last)])


def ranges(values):
    result = []
    for value in values:
        if result and result[-1][1] == value:
            result[-1][1] = value + 1
        else:
            result.append([value, value + 1])
    return result


def matches(pattern):
    return removed(pre_tokenizers.Split(Regex(pattern), "removed"))


def whitespace_words():
    """What `Whitespace` and `single_word` count as part of a word: what joins a letter."""
    whitespace = pre_tokenizers.Whitespace()
    return ranges([value for value in SCALARS if len(whitespace.pre_tokenize_str("a" + chr(value))) == 1
                   and len(whitespace.pre_tokenize_str("!" + chr(value) + "!")) == 3])


def hexadecimal(numbers):
    return [f"{number:x}" for number in numbers]


def deltas(pairs):
    """Borders of ranges, each as its distance from the one before."""
    borders = [border for pair in pairs for border in pair]
    return hexadecimal(second - first for first, second in zip([0] + borders, borders))


def categories():
    starts = []
    for index, category in enumerate(CATEGORIES):
        for first, last in matches(rf"\p{{{category}}}"):
            starts.append((first, last, index))
    starts.sort()
    words, end = [], 0
    for first, last, index in starts:
        if first != end:
            assert (end, first) == (0xD800, 0xE000), (hex(end), hex(first))
            words += [f"{first - end:x}", "1f"]
        words += [f"{last - first:x}", f"{index:x}"]
        end = last
    return words


def decompositions():
    canonical, compatible = [], []
    nfd, nfkd = normalizers.NFD(), normalizers.NFKD()
    for value in SCALARS:
        if 0xAC00 <= value < 0xD7A4 or value < 0x80:
            continue
        first, second = nfd.normalize_str(chr(value)), nfkd.normalize_str(chr(value))
        if first != chr(value):
            canonical += hexadecimal([value, len(first)] + [ord(scalar) for scalar in first])
        if second != first:
            compatible += hexadecimal([value, len(second)] + [ord(scalar) for scalar in second])
    return canonical, compatible


def combining_classes():
    nfd = normalizers.NFD()
    words, last, place = [], 0, 0
    for value in SCALARS:
        kind = unicodedata.combining(chr(value))
        if kind > 1 and nfd.normalize_str("a" + chr(value) + "\u0334") != "a\u0334" + nfd.normalize_str(chr(value)):
            kind = 0  # newer than the package
        if kind != last:
            words += hexadecimal([value - place, kind])
            last, place = kind, value
    return words


def compositions():
    nfc = normalizers.NFC()
    words = []
    for value in SCALARS:
        parts = unicodedata.decomposition(chr(value)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            pair = [int(part, 16) for part in parts]
            if nfc.normalize_str("".join(map(chr, pair))) == chr(value):
                words += hexadecimal(pair + [value])
    return words


def write(file, name, comment, words):
    file.write(f"    /// {comment}\n    static let {name}: StaticString = \"\"\"\n")
    line = ""
    for word in words:
        if len(line) + len(word) > 125:
            file.write(f"        {line}\\\n")
            line = ""
        line += word + " "
    file.write(f"        {line}\n        \"\"\"\n\n")


def main():
    lower = normalizers.Lowercase()
    marks = normalizers.StripAccents()
    canonical, compatible = decompositions()
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(f"""// Made by Tests/reference/tokenizer_tables.py from the tokenizers package {tokenizers.__version__}. Do not edit.

/// Unicode data as hexadecimal numbers with blanks between; read by ``UnicodeData``. Sets are the borders of their ranges, each as the
/// distance from the one before.
enum UnicodeTables {{
""")
        write(file, "categories", "Runs: length and general category; categories in the order of ``UnicodeData/categoryNames``.", categories())
        for script in SCRIPTS:
            write(file, "script" + script, f"The set `\\\\p{{{script}}}`.".replace("\\\\", "\\"), deltas(matches(rf"\p{{{script}}}")))
        write(file, "wordCharacters", "The set of `\\w`.", deltas(matches(r"\w")))
        write(file, "words", "The set of what Whitespace counts as parts of words.", deltas(whitespace_words()))
        write(file, "punctuation", "The set of what Punctuation splits at.", deltas(removed(pre_tokenizers.Punctuation("removed"))))
        write(file, "numerals", "The set of what Digits splits off.", deltas(ranges(
            [value for value in SCALARS
             if len(pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str("!" + chr(value) + "!")) == 3])))
        write(file, "marks", "The set of what StripAccents removes.", deltas(ranges(
            [value for value in SCALARS if marks.normalize_str(chr(value)) == ""])))
        write(file, "canonical", "Per scalar: itself, count, full canonical decomposition. Without Hangul.", canonical)
        write(file, "compatible", "The same of compatibility decompositions that are others than the canonical ones.", compatible)
        write(file, "combiningClasses", "Where the combining class changes: distance and class.", combining_classes())
        write(file, "compositions", "First, second, and what they are composed to. Without Hangul.", compositions())
        write(file, "lowercase", "Per scalar: itself, count, lower case.", [
            word for value in SCALARS for text in [lower.normalize_str(chr(value))] if text != chr(value)
            for word in hexadecimal([value, len(text)] + [ord(scalar) for scalar in text])])
        file.write("}\n")


if __name__ == "__main__":
    main()
