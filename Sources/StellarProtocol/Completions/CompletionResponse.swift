/// The answer of a legacy completion, and each chunk of a streamed one (`"object":"text_completion"` in both).
///
/// Source: https://platform.openai.com/docs/api-reference/completions/object.
public struct CompletionResponse: Codable, Sendable, Equatable {
    public var id: String
    public var object: String
    /// Seconds since 1970.
    public var created: Int
    public var model: String
    public var choices: [Choice]
    /// On a whole answer, and on the last chunk where it was asked for.
    public var usage: Usage?
    public var systemFingerprint: String?
    /// Extension: absent, never `null`, where there is none.
    public var timings: Timings?

    public init(
        id: String,
        created: Int,
        model: String,
        choices: [Choice],
        usage: Usage? = nil,
        systemFingerprint: String? = nil,
        timings: Timings? = nil
    ) {
        self.id = id
        self.object = "text_completion"
        self.created = created
        self.model = model
        self.choices = choices
        self.usage = usage
        self.systemFingerprint = systemFingerprint
        self.timings = timings
    }

    enum CodingKeys: String, CodingKey {
        case id, object, created, model, choices, usage, timings
        case systemFingerprint = "system_fingerprint"
    }

    /// One continuation, or the next piece of it.
    public struct Choice: Codable, Sendable, Equatable {
        public var text: String
        public var index: Int
        public var logprobs: CompletionLogprobs?
        public var finishReason: String?

        public init(text: String, index: Int, logprobs: CompletionLogprobs? = nil, finishReason: String? = nil) {
            self.text = text
            self.index = index
            self.logprobs = logprobs
            self.finishReason = finishReason
        }

        enum CodingKeys: String, CodingKey {
            case text, index, logprobs
            case finishReason = "finish_reason"
        }

        /// `logprobs` and `finish_reason` are written as `null` where there are none, as the OpenAI API does.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(text, forKey: .text)
            try container.encode(index, forKey: .index)
            try container.encode(logprobs, forKey: .logprobs)
            try container.encode(finishReason, forKey: .finishReason)
        }
    }
}

/// Log-probabilities in the form of legacy completions: lists that run side by side.
public struct CompletionLogprobs: Codable, Sendable, Equatable {
    public var tokens: [String]
    /// `nil` for the first token of an echoed prompt, which nothing comes before.
    public var tokenLogprobs: [Double?]
    /// The likeliest tokens of each place; `nil` where none were asked for.
    public var topLogprobs: [[String: Double]?]?
    /// Where each token begins in the text, in characters (Unicode scalars).
    public var textOffset: [Int]

    public init(tokens: [String] = [], tokenLogprobs: [Double?] = [], topLogprobs: [[String: Double]?]? = nil, textOffset: [Int] = []) {
        self.tokens = tokens
        self.tokenLogprobs = tokenLogprobs
        self.topLogprobs = topLogprobs
        self.textOffset = textOffset
    }

    /// The entries in legacy form.
    ///
    /// - Parameter offset: Where the first token begins in the text; moved behind the last.
    public init(_ entries: [ChoiceLogprobs.TokenLogprobs], offset: inout Int) {
        self.init()
        for entry in entries {
            tokens.append(entry.token)
            tokenLogprobs.append(entry.isUnconditional ? nil : entry.logprob)
            textOffset.append(offset)
            offset += entry.token.unicodeScalars.count
        }
        guard entries.contains(where: { !$0.topLogprobs.isEmpty }) else { return }
        topLogprobs = entries.map { entry in
            entry.topLogprobs.isEmpty
                ? nil : Dictionary(entry.topLogprobs.map { ($0.token, $0.logprob) }, uniquingKeysWith: { first, _ in first })
        }
    }

    enum CodingKeys: String, CodingKey {
        case tokens
        case tokenLogprobs = "token_logprobs"
        case topLogprobs = "top_logprobs"
        case textOffset = "text_offset"
    }

    /// `top_logprobs` is written as `null` where none were asked for.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tokens, forKey: .tokens)
        try container.encode(tokenLogprobs, forKey: .tokenLogprobs)
        try container.encode(topLogprobs, forKey: .topLogprobs)
        try container.encode(textOffset, forKey: .textOffset)
    }
}
