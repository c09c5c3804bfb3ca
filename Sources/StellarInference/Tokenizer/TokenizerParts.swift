/// What a tokenizer is made of, wherever it was read from.
struct TokenizerParts: Sendable {
    var vocabularySize: Int
    var addedTokens: [AddedToken] = []
    /// Whether the texts of added tokens are in normalised form already.
    var addedTextIsNormalized = false
    var normalizer = TextNormalizer()
    var splitter = PieceSplitter()
    var model: BytePairModel
    var decoder: TokenDecoder
    var controlTokens: [TokenID] = []
    var bosToken: TokenID?
    var eosToken: TokenID?
    var unknownToken: TokenID?
    var paddingToken: TokenID?
    var addsBeginningOfSequence = false
    var sequencePrefix: [TokenID] = []
    var sequenceSuffix: [TokenID] = []
    var endOfGenerationTokens: Set<TokenID> = []

    /// Control tokens that end a turn or a text in the models that have them, whatever the file says about `eos`.
    static let endTexts: Set<String> = [
        "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "</s>", "<EOT>",
    ]
}
