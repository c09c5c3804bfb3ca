/// One generation, from submission to its end: what the engine keeps of it beside the scheduler.
///
/// Thread contract: the engine thread's; during sampling one worker of the pool has it for itself.
final class EngineSequence {
    let request: GenerationRequest
    let events: EventChannel
    var clock: SequenceClock
    /// What was last said about its place in the queue.
    var queuePosition = 0
    /// Tokens of the prompt that were found in the cache.
    var cachedTokens = 0
    /// Tokens sampled in this step: one, and one more for each guess that was right.
    private(set) var sampled: [TokenID] = []
    private var sampler: Sampler
    private var reply: ReplyStream
    private var logprobs: [TokenLogprob] = []
    private var promptLogprobs: [TokenLogprob?] = []
    private var lookup = PromptLookup()
    private var policy = DraftPolicy()

    init(_ submission: EngineMailbox.Submission, tokenizer: Tokenizer, contextLength: Int, fallbackSeed: UInt64) {
        request = submission.request
        events = submission.events
        sampler = Sampler(parameters: request.sampling, prompt: request.promptTokens, fallbackSeed: fallbackSeed)
        reply = ReplyStream(request: request, tokenizer: tokenizer, contextLength: contextLength)
        clock = SequenceClock(submitted: submission.submitted)
    }

    /// Tokens that were sampled so far.
    var replyCount: Int { reply.tokenCount }

    func summary(reason: FinishReason) -> GenerationSummary {
        GenerationSummary(
            reason: reason,
            usage: TokenUsage(
                promptTokens: request.promptTokens.count,
                cachedTokens: cachedTokens,
                completionTokens: reply.tokenCount
            ),
            timings: clock.timings
        )
    }
}

// MARK: - Sampling

extension EngineSequence {
    /// Samples what a segment's logits allow: the next token, and those after it as long as they were guessed right.
    ///
    /// - Parameters:
    ///   - logits: `[segment.logitRows, vocabulary]`; overwritten.
    func sample(_ segment: Scheduler.Segment, logits: UnsafeMutableBufferPointer<Float>, vocabulary: Int) {
        func row(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
            UnsafeMutableBufferPointer(rebasing: logits[index * vocabulary..<(index + 1) * vocabulary])
        }
        sampled.removeAll(keepingCapacity: true)
        logprobs.removeAll(keepingCapacity: true)
        if request.promptLogprobs != nil, reply.tokenCount == 0 {
            let first = segment.range.upperBound - segment.drafted - segment.logitRows
            for index in 0..<segment.logitRows { recordPrompt(first + index, row(index)) }
        }
        guard segment.completesSequence else { return }
        let guesses = segment.tokens.suffix(segment.drafted)
        for index in segment.logitRows - 1 - segment.drafted..<segment.logitRows {
            let token = sample(row(index))
            sampled.append(token)
            let guess = guesses.dropFirst(sampled.count - 1).first
            if guess != token { break }
        }
        policy.record(drafted: segment.drafted, accepted: sampled.count - 1)
    }

    private func sample(_ logits: UnsafeMutableBufferPointer<Float>) -> TokenID {
        guard let count = request.logprobs else { return sampler.sample(logits) }
        // Penalties and probabilities overwrite the logits, so the choice is made from a copy.
        let report = LogprobReport(logits, count: count)
        let token = withUnsafeTemporaryAllocation(of: Float.self, capacity: logits.count) { copy in
            _ = copy.initialize(from: logits)
            return sampler.sample(copy)
        }
        logprobs.append(report.entry(for: token))
        return token
    }

    /// The prompt's token after `position`, by the distribution there.
    private func recordPrompt(_ position: Int, _ logits: UnsafeMutableBufferPointer<Float>) {
        let prompt = request.promptTokens
        guard position + 1 < prompt.count, let count = request.promptLogprobs else { return }
        if promptLogprobs.isEmpty { promptLogprobs = [TokenLogprob?](repeating: nil, count: prompt.count) }
        promptLogprobs[position + 1] = LogprobReport(logits, count: count).entry(for: prompt[position + 1])
    }

    /// The prompt's log-probabilities, once, when the first token has been sampled.
    func takePromptLogprobs() -> [TokenLogprob?]? {
        guard request.promptLogprobs != nil, reply.tokenCount == 0 else { return nil }
        defer { promptLogprobs = [] }
        return promptLogprobs.isEmpty ? [nil] : promptLogprobs
    }

    /// Books the sampled tokens, up to the one that ends the reply, if one does.
    ///
    /// - Returns: What to report, and why the reply ends.
    func advance() -> (delta: GenerationDelta, end: FinishReason?) {
        clock.recordToken()
        var delta = GenerationDelta(text: "")
        for (index, token) in sampled.enumerated() {
            let (piece, end) = reply.append(token, logprob: index < logprobs.count ? logprobs[index] : nil)
            delta.text += piece.text
            delta.tokens += piece.tokens
            delta.logprobs += piece.logprobs
            if let end { return (delta, end) }
        }
        return (delta, nil)
    }

    /// Guesses what comes after `tokens`, if that is likely to pay.
    ///
    /// - Parameter sequences: How many share the step.
    func draft(after tokens: [TokenID], mode: EngineConfiguration.Speculation, sequences: Int, cost: StepCost) -> [TokenID] {
        // The last token of the reply needs no guess after it.
        let longest = min(DraftPolicy.longest, reply.remainingCount - 1)
        guard mode != .off, longest > 0, let guess = lookup.guess(after: tokens, count: longest) else { return [] }
        if mode == .always { return guess.tokens }
        var length = policy.length(rows: sequences, cost: cost)
        if length == 0, policy.allowsTrial(matchLength: guess.matchLength) { length = 2 }
        return Array(guess.tokens.prefix(length))
    }
}

/// The moments of one sequence's life.
struct SequenceClock {
    let submitted: ContinuousClock.Instant
    private var started: ContinuousClock.Instant?
    private var firstToken: ContinuousClock.Instant?
    private var lastToken: ContinuousClock.Instant?

    init(submitted: ContinuousClock.Instant) {
        self.submitted = submitted
    }

    var hasStarted: Bool { started != nil }

    /// A step begins to work on the sequence. Returns whether it is the first.
    mutating func begin() -> Bool {
        guard started == nil else { return false }
        started = .now
        return true
    }

    mutating func recordToken() {
        let now = ContinuousClock.now
        if firstToken == nil { firstToken = now }
        lastToken = now
    }

    var timings: GenerationTimings {
        let started = started ?? submitted
        let first = firstToken ?? started
        return GenerationTimings(queue: started - submitted, prefill: first - started, decode: (lastToken ?? first) - first)
    }
}
