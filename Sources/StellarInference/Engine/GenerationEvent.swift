/// What a generation reports, in order: any number of `.queued`, one `.started`, any number of `.prefill`, `.promptLogprobs` if they were
/// asked for, any number of `.delta`, then one `.finished`, unless the stream throws.
public enum GenerationEvent: Sendable, Equatable {
    /// It waits for a place; `position` 1 is the next in the queue. Sent when it begins to wait and when the position has changed.
    case queued(position: Int)
    /// It has left the queue: the next step works on it.
    case started(GenerationStart)
    /// The first `processed` of the prompt's `total` tokens have been worked on. Sent at most once a step, for prompts that take several.
    case prefill(processed: Int, total: Int)
    /// One entry for each token of the prompt; `nil` for the first, which nothing comes before.
    case promptLogprobs([TokenLogprob?])
    case delta(GenerationDelta)
    case finished(GenerationSummary)
}

/// What is known when a generation begins.
public struct GenerationStart: Sendable, Equatable {
    public var promptTokens: Int
    /// Those of the prompt's tokens whose keys and values were found in the cache.
    public var cachedTokens: Int

    public init(promptTokens: Int, cachedTokens: Int = 0) {
        self.promptTokens = promptTokens
        self.cachedTokens = cachedTokens
    }
}

/// The next piece of a reply.
public struct GenerationDelta: Sendable, Equatable {
    /// Whole code points, safe to show: text that may still turn out to be part of a stop string is held back. May be empty.
    public var text: String
    /// The tokens sampled since the last delta (one, in general; none where only held text is released).
    public var tokens: [TokenID]
    /// One entry per token if the request asked for log-probabilities, else empty.
    public var logprobs: [TokenLogprob]

    public init(text: String, tokens: [TokenID] = [], logprobs: [TokenLogprob] = []) {
        self.text = text
        self.tokens = tokens
        self.logprobs = logprobs
    }
}

/// The log-probability (natural logarithm, of the model's own distribution before any sampling parameter) of a sampled token.
public struct TokenLogprob: Sendable, Equatable {
    public struct Candidate: Sendable, Equatable {
        public var token: TokenID
        public var logprob: Float

        public init(token: TokenID, logprob: Float) {
            self.token = token
            self.logprob = logprob
        }
    }

    public var token: TokenID
    public var logprob: Float
    /// The likeliest tokens of the step, likeliest first.
    public var top: [Candidate]

    public init(token: TokenID, logprob: Float, top: [Candidate] = []) {
        self.token = token
        self.logprob = logprob
        self.top = top
    }
}

/// Why a generation ended.
public enum FinishReason: String, Sendable, Equatable {
    /// The model ended its reply, or a stop string appeared.
    case stop
    /// `maxTokens` or the context length was reached.
    case length
}

/// The end of a generation: why, how many tokens, how long.
public struct GenerationSummary: Sendable, Equatable {
    public var reason: FinishReason
    public var usage: TokenUsage
    public var timings: GenerationTimings

    public init(reason: FinishReason, usage: TokenUsage, timings: GenerationTimings) {
        self.reason = reason
        self.usage = usage
        self.timings = timings
    }
}

/// Token counts of one generation.
public struct TokenUsage: Sendable, Equatable {
    public var promptTokens: Int
    /// Those of the prompt's tokens whose keys and values were found in the cache.
    public var cachedTokens: Int
    /// Sampled tokens, the one that ended the reply included.
    public var completionTokens: Int

    public init(promptTokens: Int, cachedTokens: Int = 0, completionTokens: Int) {
        self.promptTokens = promptTokens
        self.cachedTokens = cachedTokens
        self.completionTokens = completionTokens
    }
}

/// Intervals of one generation on the monotonic clock.
public struct GenerationTimings: Sendable, Equatable {
    /// From submission to the first step that works on the request.
    public var queue: Duration
    /// From there to the first sampled token.
    public var prefill: Duration
    /// From the first to the last sampled token.
    public var decode: Duration

    public init(queue: Duration, prefill: Duration, decode: Duration) {
        self.queue = queue
        self.prefill = prefill
        self.decode = decode
    }

    /// From submission to the first sampled token.
    public var timeToFirstToken: Duration { queue + prefill }
}
