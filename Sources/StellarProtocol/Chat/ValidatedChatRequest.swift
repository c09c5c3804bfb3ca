/// A request whose every value is in range and supported: made by ``ChatCompletionRequest/validate(limits:)`` and ``CompletionRequest/validate(limits:)``
/// alone.
public struct ValidatedChatRequest: Sendable, Equatable {
    /// `nil`: the loaded model.
    public package(set) var model: String?
    public package(set) var input: Input
    public package(set) var isStreaming: Bool
    /// End the stream with a chunk of token counts.
    public package(set) var includesUsage: Bool
    /// How many replies; at least 1.
    public package(set) var choiceCount: Int
    /// Most tokens of each reply; `nil`: until the model ends it or the context is full.
    public package(set) var maxTokens: Int?
    /// Not empty strings.
    public package(set) var stop: [String]
    public package(set) var sampling: SamplingOptions
    /// How many of the likeliest tokens to report with each token's log-probability; `nil`: no log-probabilities.
    public package(set) var logprobs: Int?
    public package(set) var ignoresEndOfReply: Bool
    public package(set) var sessionID: String?
    /// Seconds after which the reply is given up; `nil`: the server's limit alone.
    public package(set) var timeoutSeconds: Double?
    /// The reply goes on with the last message, which is the assistant's.
    public package(set) var continuesLastMessage = false
    /// The text of a choice begins with its prompt.
    public package(set) var echoesPrompt = false
    /// Of the choice only the echoed prompt is wanted.
    public package(set) var onlyScores = false

    /// What is to be replied to.
    public enum Input: Sendable, Equatable {
        case conversation([ChatMessage])
        /// Texts to continue, each with its own choices.
        case prompts([CompletionPrompt])
    }

    /// The conversation; empty for a legacy completion.
    public var messages: [ChatMessage] {
        guard case .conversation(let messages) = input else { return [] }
        return messages
    }

    /// Choices over all prompts.
    public var totalChoiceCount: Int {
        guard case .prompts(let prompts) = input else { return choiceCount }
        return prompts.count * choiceCount
    }

    /// The sampling parameters that a request names; `nil` is the model's default.
    public struct SamplingOptions: Sendable, Equatable {
        public var temperature: Double?
        public var topP: Double?
        /// 0 keeps all.
        public var topK: Int?
        public var minP: Double?
        public var repetitionPenalty: Double?
        public var presencePenalty: Double?
        public var frequencyPenalty: Double?
        public var logitBias: [Int32: Double]
        public var seed: UInt64?

        public init(logitBias: [Int32: Double] = [:]) {
            self.logitBias = logitBias
        }
    }
}

/// Bounds that the server sets on requests.
public struct ChatRequestLimits: Sendable, Equatable {
    /// Most messages of one conversation.
    public var maxMessages = 4096
    /// Most replies to one request.
    public var maxChoices: Int
    /// Most stop strings; the OpenAI API takes 4.
    public var maxStopStrings: Int
    /// Most choices over all prompts of a legacy completion.
    public var maxPrompts: Int

    public init(maxChoices: Int = 16, maxStopStrings: Int = 16, maxPrompts: Int = 64) {
        self.maxPrompts = maxPrompts
        self.maxChoices = maxChoices
        self.maxStopStrings = maxStopStrings
    }
}
