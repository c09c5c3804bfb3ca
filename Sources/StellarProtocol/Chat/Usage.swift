/// Token counts of a completion. Of several choices: the prompt once, the replies added up.
public struct Usage: Codable, Sendable, Equatable {
    public struct PromptTokensDetails: Codable, Sendable, Equatable {
        /// Tokens of the prompt that did not have to be computed again.
        public var cachedTokens: Int

        public init(cachedTokens: Int) {
            self.cachedTokens = cachedTokens
        }

        enum CodingKeys: String, CodingKey {
            case cachedTokens = "cached_tokens"
        }
    }

    public var promptTokens: Int
    public var completionTokens: Int
    public var totalTokens: Int
    public var promptTokensDetails: PromptTokensDetails?

    public init(promptTokens: Int, completionTokens: Int, cachedTokens: Int = 0) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        self.totalTokens = promptTokens + completionTokens
        self.promptTokensDetails = PromptTokensDetails(cachedTokens: cachedTokens)
    }

    enum CodingKeys: String, CodingKey {
        case promptTokens = "prompt_tokens"
        case completionTokens = "completion_tokens"
        case totalTokens = "total_tokens"
        case promptTokensDetails = "prompt_tokens_details"
    }
}

/// Extension: how long a completion took, under the names that llama-server gave them and web chats read. Milliseconds and tokens per
/// second; a rate whose time is 0 is 0.
public struct Timings: Codable, Sendable, Equatable {
    /// Prompt tokens that were computed.
    public var promptCount: Int
    public var promptMilliseconds: Double
    public var promptPerSecond: Double
    /// Prompt tokens found in the cache.
    public var cacheCount: Int
    /// Generated tokens.
    public var predictedCount: Int
    public var predictedMilliseconds: Double
    public var predictedPerSecond: Double
    public var queueMilliseconds: Double

    /// - Parameter predictedMilliseconds: from the first to the last generated token, so its rate counts one token less than were
    ///   generated.
    public init(
        promptCount: Int,
        promptMilliseconds: Double,
        cacheCount: Int,
        predictedCount: Int,
        predictedMilliseconds: Double,
        queueMilliseconds: Double
    ) {
        self.promptCount = promptCount
        self.promptMilliseconds = promptMilliseconds
        self.promptPerSecond = Self.rate(promptCount, promptMilliseconds)
        self.cacheCount = cacheCount
        self.predictedCount = predictedCount
        self.predictedMilliseconds = predictedMilliseconds
        self.predictedPerSecond = Self.rate(predictedCount - 1, predictedMilliseconds)
        self.queueMilliseconds = queueMilliseconds
    }

    private static func rate(_ count: Int, _ milliseconds: Double) -> Double {
        milliseconds > 0 && count > 0 ? Double(count) / milliseconds * 1000 : 0
    }

    enum CodingKeys: String, CodingKey {
        case promptCount = "prompt_n"
        case promptMilliseconds = "prompt_ms"
        case promptPerSecond = "prompt_per_second"
        case cacheCount = "cached_n"
        case predictedCount = "predicted_n"
        case predictedMilliseconds = "predicted_ms"
        case predictedPerSecond = "predicted_per_second"
        case queueMilliseconds = "queue_ms"
    }
}
