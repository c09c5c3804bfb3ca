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
    public var ignoreEndOfGeneration: Bool
    /// Report the log-probability of each token, with this many of the likeliest alternatives (0…20); `nil`: none.
    public var logprobs: Int?

    public init(
        promptTokens: [TokenID],
        sampling: SamplingParameters = SamplingParameters(),
        maxTokens: Int? = nil,
        stopStrings: [String] = [],
        ignoreEndOfGeneration: Bool = false,
        logprobs: Int? = nil
    ) {
        self.promptTokens = promptTokens
        self.sampling = sampling
        self.maxTokens = maxTokens
        self.stopStrings = stopStrings
        self.ignoreEndOfGeneration = ignoreEndOfGeneration
        self.logprobs = logprobs
    }
}
