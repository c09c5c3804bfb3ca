/// One chunk of a streamed chat completion (`"object":"chat.completion.chunk"`).
///
/// `usage` stands only on the extra last chunk whose `choices` is empty. The OpenAI API writes `"usage":null` on the others when counts
/// were asked for; we leave the key out, because clients that hold back any chunk which carries `usage` would hold back all of them, and
/// no client needs the `null`.
/// Source: https://platform.openai.com/docs/api-reference/chat/streaming.
public struct ChatCompletionChunk: Codable, Sendable, Equatable {
    public var id: String
    public var object: String
    /// Seconds since 1970.
    public var created: Int
    public var model: String
    public var choices: [Choice]
    public var usage: Usage?
    public var systemFingerprint: String?
    /// Extension: on a choice's last chunk; absent, never `null`, on all others.
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
        self.object = "chat.completion.chunk"
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

    /// What one choice adds. `finish_reason` is written as `null` until the choice's last chunk.
    public struct Choice: Codable, Sendable, Equatable {
        public var index: Int
        public var delta: Delta
        public var logprobs: ChoiceLogprobs?
        public var finishReason: String?

        public init(index: Int, delta: Delta, logprobs: ChoiceLogprobs? = nil, finishReason: String? = nil) {
            self.index = index
            self.delta = delta
            self.logprobs = logprobs
            self.finishReason = finishReason
        }

        enum CodingKeys: String, CodingKey {
            case index, delta, logprobs
            case finishReason = "finish_reason"
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(index, forKey: .index)
            try container.encode(delta, forKey: .delta)
            try container.encodeIfPresent(logprobs, forKey: .logprobs)
            try container.encode(finishReason, forKey: .finishReason)
        }
    }

    /// The addition itself; all absent (`{}`) on a choice's last chunk. Clients concatenate the strings of all deltas, so `role` stands on
    /// the first alone.
    public struct Delta: Codable, Sendable, Equatable {
        public var role: String?
        public var content: String?
        public var reasoningContent: String?

        public init(role: String? = nil, content: String? = nil, reasoningContent: String? = nil) {
            self.role = role
            self.content = content
            self.reasoningContent = reasoningContent
        }

        enum CodingKeys: String, CodingKey {
            case role, content
            case reasoningContent = "reasoning_content"
        }
    }
}
