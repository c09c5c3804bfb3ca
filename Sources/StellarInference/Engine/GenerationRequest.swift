/// One sequence to generate: the prompt's tokens, how to choose the next ones, and when to stop.
public struct GenerationRequest: Sendable, Equatable {
    /// The prompt, not empty, at most the context length minus one.
    public var promptTokens: [TokenID]
    public var sampling: SamplingParameters
    /// Most tokens to generate; `nil`: until the model ends or the context is full.
    public var maxTokens: Int?
    /// The reply ends before the first of these strings; none of them is ever part of the emitted text. No empty strings.
    public var stopStrings: [String]
    /// Go on after an end-of-generation token (for benchmarks).
    public var ignoreEOS: Bool
    /// Report the log-probability of each token, with this many of the likeliest alternatives (0…20); `nil`: none.
    public var logprobs: Int?
    /// Report the log-probabilities of the prompt's own tokens, each with this many of the likeliest tokens at its place (0…20); `nil`: none.
    public var promptLogprobs: Int?
    /// If the generation has not ended by then, its stream throws `deadlineExceeded`.
    public var deadline: ContinuousClock.Instant?
    public var priority: RequestPriority

    public init(
        promptTokens: [TokenID],
        sampling: SamplingParameters = SamplingParameters(),
        maxTokens: Int? = nil,
        stopStrings: [String] = [],
        ignoreEOS: Bool = false,
        logprobs: Int? = nil,
        promptLogprobs: Int? = nil,
        deadline: ContinuousClock.Instant? = nil,
        priority: RequestPriority = .interactive
    ) {
        self.promptTokens = promptTokens
        self.sampling = sampling
        self.maxTokens = maxTokens
        self.stopStrings = stopStrings
        self.ignoreEOS = ignoreEOS
        self.logprobs = logprobs
        self.promptLogprobs = promptLogprobs
        self.deadline = deadline
        self.priority = priority
    }
}

/// Who waits for a reply.
public enum RequestPriority: Sendable, Hashable, CaseIterable {
    /// A person: goes first.
    case interactive
    /// Nobody in particular (titles, summaries, batch jobs): goes after the interactive ones, but is not left waiting for ever, and does not
    /// take the memory that a live conversation has in the prefix cache.
    case background
}
