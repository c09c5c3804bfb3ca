"""Tokenizers of many configurations, trained on a part of the corpus, to compare ours with the `tokenizers` and `sentencepiece` packages.

Together they use every component of `tokenizer.json` that is supported.
"""

import json
import os

import gguf
import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import tokenizer_corpus

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
AFTER_NUMBER = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + AFTER_NUMBER
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + AFTER_NUMBER
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CASED = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
EDGE = r"[^\r\n\p{L}\p{N}]?"
GPT4O = EDGE + UPPER + "*" + LOWER + "+" + CONTRACTIONS + "?|" + EDGE + UPPER + "+" + LOWER + "*" + CONTRACTIONS + r"?|\p{N}{1,3}" + CASED
TEKKEN = EDGE + UPPER + "*" + LOWER + "+|" + EDGE + UPPER + "+" + LOWER + r"*|\p{N}" + CASED
DEEPSEEK3 = [
    r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""",
]
BYTES = pre_tokenizers.ByteLevel.alphabet()


def byte_level(**options):
    return pre_tokenizers.ByteLevel(**{"add_prefix_space": False, "use_regex": True, **options})


def split(pattern, behavior="isolated", invert=False, literal=False):
    return pre_tokenizers.Split(pattern if literal else Regex(pattern), behavior, invert)


def split_bytes(*patterns):
    return pre_tokenizers.Sequence([*(split(pattern) for pattern in patterns), byte_level(use_regex=False)])


def trained(lines, pre_tokenizer, decoder, normalizer=None, size=3000, alphabet=BYTES, added=(), post=None, trainer=None, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    if decoder is not None:
        tokenizer.decoder = decoder
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=alphabet, special_tokens=["<s>", "</s>", "<unk>"], **(trainer or {})))
    for token in added:
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    if post is not None:
        tokenizer.post_processor = post
    return tokenizer


def changed(tokenizer, change):
    document = json.loads(tokenizer.to_str())
    change(document)
    return Tokenizer.from_str(json.dumps(document))


def string_merges(document):
    document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]


def ignore_merges(document):
    # Without the merges behind them, most words are found only as wholes.
    document["model"]["ignore_merges"] = True
    document["model"]["merges"] = document["model"]["merges"][::3]


def byte_tokens():
    return [f"<0x{byte:02X}>" for byte in range(256)]


def sentencepiece_style(lines, normalizer, pre_tokenizer, decoder):
    """A tokenizer like those converted from SentencePiece: byte fallback, unknown tokens fused."""
    tokenizer = trained(lines, pre_tokenizer, decoder, normalizer, alphabet=[], unk_token="<unk>", byte_fallback=True, fuse_unk=True,
                        trainer={"limit_alphabet": 400})

    def change(document):
        vocabulary = document["model"]["vocab"]
        for token in byte_tokens():
            vocabulary.setdefault(token, len(vocabulary))
    return changed(tokenizer, change)


def added_tokens():
    return [
        AddedToken("<|left|>", lstrip=True, special=True), AddedToken("<|right|>", rstrip=True, special=True),
        AddedToken("<|both|>", lstrip=True, rstrip=True, special=True), AddedToken("word", single_word=True, normalized=False),
        AddedToken("cafe", normalized=True), AddedToken("quick", normalized=True), AddedToken("====", normalized=False),
    ]


def configurations(lines):
    """Names and tokenizers."""
    level = decoders.ByteLevel()
    template = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    metaspace = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    yield "gpt2", trained(lines, byte_level(), level)
    yield "gpt2-prefix", trained(lines, byte_level(add_prefix_space=True), level, post=processors.ByteLevel())
    yield "smollm", trained(lines, pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_level()]), level)
    yield "digits-grouped", trained(lines, pre_tokenizers.Sequence([pre_tokenizers.Digits(False), byte_level()]), level)
    yield "llama3", changed(trained(lines, split_bytes(LLAMA3), level, post=processors.Sequence([processors.ByteLevel(), template])),
                            ignore_merges)
    yield "qwen2", changed(trained(lines, split_bytes(QWEN2), level, normalizers.NFC()), string_merges)
    yield "gpt4o", trained(lines, split_bytes(GPT4O), level)
    yield "tekken", trained(lines, split_bytes(TEKKEN), level)
    yield "deepseek3", trained(lines, split_bytes(*DEEPSEEK3), level)
    yield "removed-inverted", trained(lines, pre_tokenizers.Sequence([split(LLAMA3, "removed", True), byte_level(use_regex=False)]), level)
    yield "behaviors", trained(lines, pre_tokenizers.Sequence([
        split(r"[.,;]", "merged_with_previous"), split("[(\\[{]", "merged_with_next"), split(r"\s+(?=\S)|[aeiou]", "contiguous"),
        split("-", "removed", literal=True), pre_tokenizers.CharDelimiterSplit("_"), byte_level(use_regex=False)]), level)
    yield "words", trained(lines, pre_tokenizers.Whitespace(), None, normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]), alphabet=[], unk_token="<unk>",
        trainer={"limit_alphabet": 300})
    yield "word-ends", trained(lines, pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]),
                               decoders.BPEDecoder("</w>"), normalizers.NFKC(), alphabet=[], unk_token="<unk>", fuse_unk=True,
                               end_of_word_suffix="</w>", trainer={"limit_alphabet": 300, "end_of_word_suffix": "</w>"})
    yield "subword-prefix", trained(lines, pre_tokenizers.WhitespaceSplit(), None, normalizers.Strip(), alphabet=[], unk_token="<unk>",
                                    continuing_subword_prefix="##",
                                    trainer={"limit_alphabet": 300, "continuing_subword_prefix": "##"})
    yield "alphabet-inside", trained(lines, pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation("contiguous"), byte_level(), pre_tokenizers.Digits(False), split("[0-9][0-9][0-9]")]), level)
    yield "nfd", trained(lines, byte_level(), level, normalizers.Sequence(
        [normalizers.NFD(), normalizers.Replace(Regex(r"\s{2,}|\p{Cf}"), " ")]))
    yield "added", trained(lines, byte_level(), level, added=added_tokens())
    yield "added-normalized", trained(lines, byte_level(), level, normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()]),
                                      added=added_tokens(), post=processors.RobertaProcessing(("</s>", 1), ("<s>", 0)))
    yield "llama2", sentencepiece_style(
        lines, normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None,
        decoders.Sequence([*metaspace, decoders.Strip(" ", 1, 0)]))
    yield "gemma", sentencepiece_style(lines, normalizers.Replace(" ", "▁"), split(" ", "merged_with_previous", literal=True),
                                       decoders.Sequence(metaspace))
    for scheme in ["always", "first", "never"]:
        yield f"metaspace-{scheme}", sentencepiece_style(
            lines, None, pre_tokenizers.Sequence([split(r"\d", "isolated"), pre_tokenizers.Metaspace("▁", prepend_scheme=scheme, split=scheme != "first")]),
            decoders.Metaspace("▁", prepend_scheme=scheme))
    yield "regex-mixture", trained(lines, pre_tokenizers.Sequence([split(
        r"(?<=[.!?])\s|(?<!\d)[+-]?\d++(?:\.\d{1,2}+)?|(?>[\p{Han}\p{Hiragana}]{1,4}?)|[[:upper:]]{2,}(?=[\p{P}&&[^_]])|\b\w{3}\b|\A\s*|"
        r"[^\P{L}a-m]+?(?=\s|\z)|\p{^L}\x{1F600}|\u00e9\t*"), byte_level(use_regex=False)]), level)


# MARK: SentencePiece

def sentencepiece_models(lines, folder):
    """Names, processors and options of training: BPE with byte fallback, with and without a blank put in front."""
    source = os.path.join(folder, "lines.txt")
    with open(source, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)
    for name, options in [("spm-prefix", {}), ("spm-plain", {"add_dummy_prefix": False, "user_defined_symbols": "<tool>,▁▁▁▁"}),
                          ("spm-digits", {"split_digits": True, "allow_whitespace_only_pieces": True})]:
        prefix = os.path.join(folder, name)
        sentencepiece.SentencePieceTrainer.train(
            input=source, model_prefix=prefix, vocab_size=12000, model_type="bpe", byte_fallback=True, character_coverage=0.98,
            normalization_rule_name="identity", remove_extra_whitespaces=False, minloglevel=2, num_threads=1, **options)
        yield name, sentencepiece.SentencePieceProcessor(model_file=prefix + ".model"), options


def write_gguf(path, processor, adds_prefix, user_defined):
    """The vocabulary as GGUF files hold it."""
    writer = gguf.GGUFWriter(path, "llama")
    count = processor.vocab_size()

    def kind(token):
        if processor.is_unknown(token):
            return 2
        if processor.is_control(token):
            return 3
        if processor.is_byte(token):
            return 6
        return 4 if processor.id_to_piece(token) in user_defined else 1
    writer.add_tokenizer_model("llama")
    writer.add_token_list([processor.id_to_piece(token) for token in range(count)])
    writer.add_token_scores([processor.get_score(token) for token in range(count)])
    writer.add_token_types([kind(token) for token in range(count)])
    writer.add_bos_token_id(processor.bos_id())
    writer.add_eos_token_id(processor.eos_id())
    writer.add_add_space_prefix(adds_prefix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def training_lines():
    return [line for line in tokenizer_corpus.lines(6000, 7) if len(line) < 400]
