/// The collected answer of a chat completion (`"object":"chat.completion"`).
///
/// Source: https://platform.openai.com/docs/api-reference/chat/object.
public struct ChatCompletionResponse: Codable, Sendable, Equatable {
    public var id: String
    public var object: String
    /// Seconds since 1970.
    public var created: Int
    public var model: String
    public var choices: [Choice]
    public var usage: Usage
    public var systemFingerprint: String?
    /// Extension: absent, never `null`, where there is none.
    public var timings: Timings?

    public init(
        id: String,
        created: Int,
        model: String,
        choices: [Choice],
        usage: Usage,
        systemFingerprint: String? = nil,
        timings: Timings? = nil
    ) {
        self.id = id
        self.object = "chat.completion"
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

    /// One reply. `logprobs` is written as `null` where there is none: the API's schema requires the key.
    public struct Choice: Codable, Sendable, Equatable {
        public var index: Int
        public var message: Message
        public var logprobs: ChoiceLogprobs?
        /// `stop`, `length`, `tool_calls` or `content_filter`.
        public var finishReason: String

        public init(index: Int, message: Message, logprobs: ChoiceLogprobs? = nil, finishReason: String) {
            self.index = index
            self.message = message
            self.logprobs = logprobs
            self.finishReason = finishReason
        }

        enum CodingKeys: String, CodingKey {
            case index, message, logprobs
            case finishReason = "finish_reason"
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(index, forKey: .index)
            try container.encode(message, forKey: .message)
            try container.encode(logprobs, forKey: .logprobs)
            try container.encode(finishReason, forKey: .finishReason)
        }
    }

    /// The assistant's message. `content` and `refusal` are written as `null` where absent: the API's schema requires the keys.
    public struct Message: Codable, Sendable, Equatable {
        public var role: String
        public var content: String?
        public var refusal: String?
        public var toolCalls: [ToolCall]?
        /// Extension: thoughts apart from the reply.
        public var reasoningContent: String?

        public init(
            role: String = "assistant",
            content: String?,
            refusal: String? = nil,
            toolCalls: [ToolCall]? = nil,
            reasoningContent: String? = nil
        ) {
            self.role = role
            self.content = content
            self.refusal = refusal
            self.toolCalls = toolCalls
            self.reasoningContent = reasoningContent
        }

        enum CodingKeys: String, CodingKey {
            case role, content, refusal
            case toolCalls = "tool_calls"
            case reasoningContent = "reasoning_content"
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(role, forKey: .role)
            try container.encode(content, forKey: .content)
            try container.encode(refusal, forKey: .refusal)
            try container.encodeIfPresent(toolCalls, forKey: .toolCalls)
            try container.encodeIfPresent(reasoningContent, forKey: .reasoningContent)
        }
    }
}
