"""The reference tokenizer: Hugging Face's `tokenizers`, built from what a GGUF file says."""

import gguf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

CONTROL, USER_DEFINED = 3, 4


def pre_tokenizer(name):
    """The pre-tokeniser that GGUF files call `name`, as Hugging Face's tokenizer files write it."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if name == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    if name in ("gpt-2", "default"):
        return byte_level
    raise SystemExit(f"no reference for the pre-tokenizer {name}")


def load(path, special_tokens=True, name=None):
    """A `tokenizers.Tokenizer` of the GGUF file at `path`; without `special_tokens` their texts are plain text."""
    fields = gguf.GGUFReader(path).fields

    def value(key, default=None):
        return fields["tokenizer.ggml." + key].contents() if "tokenizer.ggml." + key in fields else default

    assert value("model") == "gpt2", "only byte-level BPE"
    tokens = value("tokens")
    vocabulary = {token: index for index, token in enumerate(tokens)}
    merges = [tuple(merge.split(" ", 1)) for merge in value("merges")]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizer(name or value("pre", "default"))
    tokenizer.decoder = decoders.ByteLevel()
    kinds = value("token_type", [1] * len(tokens))
    if special_tokens:
        tokenizer.add_special_tokens(
            [AddedToken(token, special=True, normalized=False) for token, kind in zip(tokens, kinds) if kind == CONTROL])
    tokenizer.add_tokens(
        [AddedToken(token, special=False, normalized=False) for token, kind in zip(tokens, kinds) if kind == USER_DEFINED])
    return tokenizer
