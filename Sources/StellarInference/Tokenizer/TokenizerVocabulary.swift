/// What a model file says about its tokenizer, as plain data. ``Tokenizer`` checks it.
package struct TokenizerVocabulary: Sendable, Equatable {
    /// What kind of token a token is, by its number in GGUF's `tokenizer.ggml.token_type`.
    package enum TokenKind: Int, Sendable {
        case normal = 1
        case unknown = 2
        /// Steers the model: begin, end, roles. Never made of conversation text, never shown.
        case control = 3
        /// Text that is always one token, wherever it occurs.
        case userDefined = 4
        case unused = 5
        /// Stands for one byte.
        case byte = 6

        /// Whether the token is written as plain text in the vocabulary and found as a whole.
        var isAdded: Bool { self == .control || self == .userDefined }
    }

    /// The flavour, such as `gpt2`.
    package var model: String
    /// The name of the pre-tokeniser, such as `smollm`.
    package var preTokenizer: String
    /// Each token's text in the flavour's spelling; the index is the token's id.
    package var tokens: [String]
    /// The kind of each token; empty: all are normal.
    package var kinds: [TokenKind]
    /// A score per token, of the flavours that merge by score; may be empty.
    package var scores: [Float]
    /// Pairs of tokens with a blank between, first merged first.
    package var merges: [String]
    package var bosToken: Int?
    package var eosToken: Int?
    /// End of a turn.
    package var eotToken: Int?
    /// End of a message that expects a tool's answer.
    package var eomToken: Int?
    package var unknownToken: Int?
    package var paddingToken: Int?
    /// Whether plain text is to begin with `bosToken`; `nil`: as is usual for the flavour.
    package var addsBeginningOfSequence: Bool?
    /// Whether plain text is to end with `eosToken`.
    package var addsEndOfSequence: Bool
    /// Whether text begins with a blank, of the flavours that merge by score.
    package var addsSpacePrefix: Bool

    package init(
        model: String = "gpt2",
        preTokenizer: String = "gpt-2",
        tokens: [String],
        kinds: [TokenKind] = [],
        scores: [Float] = [],
        merges: [String] = [],
        bosToken: Int? = nil,
        eosToken: Int? = nil,
        eotToken: Int? = nil,
        eomToken: Int? = nil,
        unknownToken: Int? = nil,
        paddingToken: Int? = nil,
        addsBeginningOfSequence: Bool? = nil,
        addsEndOfSequence: Bool = false,
        addsSpacePrefix: Bool = true
    ) {
        self.model = model
        self.preTokenizer = preTokenizer
        self.tokens = tokens
        self.kinds = kinds
        self.scores = scores
        self.merges = merges
        self.bosToken = bosToken
        self.eosToken = eosToken
        self.eotToken = eotToken
        self.eomToken = eomToken
        self.unknownToken = unknownToken
        self.paddingToken = paddingToken
        self.addsBeginningOfSequence = addsBeginningOfSequence
        self.addsEndOfSequence = addsEndOfSequence
        self.addsSpacePrefix = addsSpacePrefix
    }

    /// Reads the `tokenizer.ggml.` entries of a GGUF file.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile` if one is of the wrong type; `unsupportedModel` if the file has no tokenizer.
    package init(_ metadata: GGUFMetadata) throws(InferenceError) {
        guard let model = try metadata.string("tokenizer.ggml.model"), let tokens = try metadata.strings("tokenizer.ggml.tokens") else {
            throw InferenceError(
                .unsupportedModel,
                "The model file has no tokenizer (tokenizer.ggml.model and tokenizer.ggml.tokens). Use one that has."
            )
        }
        self.init(
            model: model,
            preTokenizer: try metadata.string("tokenizer.ggml.pre") ?? "default",
            tokens: tokens,
            kinds: try metadata.integers("tokenizer.ggml.token_type")?.map { TokenKind(rawValue: $0) ?? .normal } ?? [],
            scores: try metadata.floats("tokenizer.ggml.scores")?.map { Float($0) } ?? [],
            merges: try metadata.strings("tokenizer.ggml.merges") ?? [],
            bosToken: try metadata.integer("tokenizer.ggml.bos_token_id"),
            eosToken: try metadata.integer("tokenizer.ggml.eos_token_id"),
            eotToken: try metadata.integer("tokenizer.ggml.eot_token_id"),
            eomToken: try metadata.integer("tokenizer.ggml.eom_token_id"),
            unknownToken: try metadata.integer("tokenizer.ggml.unknown_token_id"),
            paddingToken: try metadata.integer("tokenizer.ggml.padding_token_id"),
            addsBeginningOfSequence: try metadata.bool("tokenizer.ggml.add_bos_token"),
            addsEndOfSequence: try metadata.bool("tokenizer.ggml.add_eos_token") ?? false,
            addsSpacePrefix: try metadata.bool("tokenizer.ggml.add_space_prefix") ?? true
        )
    }

    package func kind(of token: Int) -> TokenKind {
        kinds.indices.contains(token) ? kinds[token] : .normal
    }

    /// - Throws: ``InferenceError`` `invalidModelFile` if the parts contradict each other.
    func validate() throws(InferenceError) {
        guard !tokens.isEmpty, tokens.count <= Int(TokenID.max) else { throw Self.damaged("it has \(tokens.count) tokens") }
        for (what, count) in [("types", kinds.count), ("scores", scores.count)] where count != 0 && count != tokens.count {
            throw Self.damaged("it has \(tokens.count) tokens, but \(count) \(what)")
        }
        let ids = [
            ("bos", bosToken), ("eos", eosToken), ("eot", eotToken), ("eom", eomToken), ("unknown", unknownToken),
            ("padding", paddingToken),
        ]
        for (what, id) in ids {
            if let id, !tokens.indices.contains(id) { throw Self.damaged("its \(what) token is \(id), but it has \(tokens.count) tokens") }
        }
    }

    static func damaged(_ problem: String) -> InferenceError {
        InferenceError(.invalidModelFile, "The model's tokenizer is damaged: \(problem). Download the model again.")
    }
}
