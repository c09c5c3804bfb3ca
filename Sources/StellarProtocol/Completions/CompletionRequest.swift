/// The body of `POST /v1/completions`, the older API that continues text: the OpenAI API's fields that a text model can meet, and our
/// extensions.
///
/// Decoding checks types only; ranges and what this server supports are checked by ``validate(limits:)``. A `null` counts as absent.
/// Source: https://platform.openai.com/docs/api-reference/completions/create.
public struct CompletionRequest: Sendable, Equatable {
    /// What is to be continued; several prompts give several sets of choices.
    public var prompt: CompletionPrompts?
    /// Put the prompt in front of its continuation.
    public var echo: Bool?
    /// Report log-probabilities, with this many of the likeliest tokens at each place.
    public var logprobs: Int?
    /// Candidates of which the best `n` are returned; only the same number as `n` is supported.
    public var bestOf: Int?
    /// Text after the insertion: not supported.
    public var suffix: String?
    /// All that completions have in common with chats. `messages` is empty.
    public var options: ChatCompletionRequest

    public init(prompt: CompletionPrompts?, options: ChatCompletionRequest = ChatCompletionRequest(messages: [])) {
        self.prompt = prompt
        self.options = options
    }

    /// Answer as server-sent events.
    public var stream: Bool { options.stream ?? false }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case prompt, echo, logprobs, suffix
        case bestOf = "best_of"
    }
}

extension CompletionRequest: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        prompt = try container.decodeIfPresent(CompletionPrompts.self, forKey: .prompt)
        echo = try container.decodeIfPresent(Bool.self, forKey: .echo)
        logprobs = try container.decodeIfPresent(Int.self, forKey: .logprobs)
        bestOf = try container.decodeIfPresent(Int.self, forKey: .bestOf)
        suffix = try container.decodeIfPresent(String.self, forKey: .suffix)
        options = try ChatCompletionRequest(from: decoder, excluding: [.logprobs, .messages])
        options.unknownFields.removeAll { CodingKeys(stringValue: $0) != nil }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(prompt, forKey: .prompt)
        try container.encodeIfPresent(echo, forKey: .echo)
        try container.encodeIfPresent(logprobs, forKey: .logprobs)
        try container.encodeIfPresent(bestOf, forKey: .bestOf)
        try container.encodeIfPresent(suffix, forKey: .suffix)
        var common = encoder.container(keyedBy: ChatCompletionRequest.CodingKeys.self)
        try options.encodeFields(into: &common)
    }
}

/// `prompt`: a string, an array of strings, token ids, or an array of those.
public struct CompletionPrompts: Sendable, Equatable, Codable, WireDescribed {
    static let wireDescription = "a string, an array of strings, an array of token ids, or an array of those"

    public var prompts: [CompletionPrompt]

    public init(_ prompts: [CompletionPrompt]) {
        self.prompts = prompts
    }

    public init(from decoder: any Decoder) throws {
        func mismatch() -> DecodingError {
            .typeMismatch(Self.self, .init(codingPath: decoder.codingPath, debugDescription: Self.wireDescription))
        }
        switch try JSONValue(from: decoder) {
        case .string(let text): prompts = [.text(text)]
        case .array(let values):
            if let tokens = Self.tokens(values), !tokens.isEmpty {
                prompts = [.tokens(tokens)]
            } else {
                prompts = try values.map { value in
                    switch value {
                    case .string(let text): return .text(text)
                    case .array(let inner):
                        guard let tokens = Self.tokens(inner) else { throw mismatch() }
                        return .tokens(tokens)
                    default: throw mismatch()
                    }
                }
            }
        default: throw mismatch()
        }
    }

    /// The values as token ids, if all of them are integers.
    private static func tokens(_ values: [JSONValue]) -> [Int]? {
        var tokens: [Int] = []
        for value in values {
            guard case .integer(let token) = value else { return nil }
            tokens.append(token)
        }
        return tokens
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if prompts.count == 1, let prompt = prompts.first {
            try container.encode(prompt)
        } else {
            try container.encode(prompts)
        }
    }
}

/// One text to continue.
public enum CompletionPrompt: Sendable, Hashable, Encodable {
    case text(String)
    case tokens([Int])

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .tokens(let tokens): try container.encode(tokens)
        }
    }
}
