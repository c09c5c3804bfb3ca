import CStellarKernels

/// The engine thread's state: model, cache, scheduler, and the sequences that run.
///
/// Thread contract: made on one thread, then used by the engine thread alone (it is not Sendable; ``EngineThread`` hands it over once).
final class EngineCore {
    /// One generation, from submission to its end.
    private final class Sequence {
        let request: GenerationRequest
        let events: EventChannel
        var tokens: [TokenID]
        var sampler: Sampler
        var reply: ReplyStream
        var clock: SequenceClock

        init(_ submission: EngineMailbox.Submission, tokenizer: Tokenizer, contextLength: Int, fallbackSeed: UInt64) {
            request = submission.request
            events = submission.events
            tokens = request.promptTokens
            sampler = Sampler(parameters: request.sampling, prompt: tokens, fallbackSeed: fallbackSeed)
            reply = ReplyStream(request: request, tokenizer: tokenizer, contextLength: contextLength)
            clock = SequenceClock(submitted: submission.submitted)
        }

        /// Tokens that the sequence may grow to.
        func reserve(contextLength: Int) -> Int {
            min(contextLength, tokens.count + min(request.maxTokens ?? contextLength, contextLength))
        }
    }

    private let mailbox: EngineMailbox
    private let transformer: Transformer
    private let pool: ComputePool
    private let tokenizer: Tokenizer
    private let contextLength: Int
    private var scheduler: Scheduler
    private var sequences: [Scheduler.SequenceID: Sequence] = [:]
    private var seeds = SystemRandomNumberGenerator()
    /// Sequences that have ended since the status was last published.
    private var endedCount = 0

    init(
        mailbox: EngineMailbox,
        transformer: Transformer,
        pool: ComputePool,
        tokenizer: Tokenizer,
        contextLength: Int,
        scheduler: Scheduler
    ) {
        self.mailbox = mailbox
        self.transformer = transformer
        self.pool = pool
        self.tokenizer = tokenizer
        self.contextLength = contextLength
        self.scheduler = scheduler
    }

    /// Works until told to stop.
    func run() {
        while step() {}
        for sequence in sequences.values { sequence.events.finish(throwing: EngineMailbox.stopped) }
        sequences = [:]
        pool.stop()
        mailbox.finish()
    }

    /// One round: new mail, one forward pass, one token for each sequence that has caught up. Returns `false` when it is time to stop.
    private func step() -> Bool {
        let mail = mailbox.take(waiting: sequences.isEmpty ? .forever : .none)
        mail.submissions.forEach(enqueue)
        mail.cancellations.forEach(remove)
        if mail.isStopping { return false }
        let now = ContinuousClock.now
        for (id, sequence) in sequences where sequence.request.deadline.map({ $0 <= now }) ?? false {
            sequence.events.finish(throwing: InferenceError(.deadlineExceeded, "The request's deadline passed before its reply had ended."))
            remove(id)
        }
        let plan = scheduler.plan()
        publishStatus()
        if !plan.isEmpty { process(plan) }
        return true
    }

    private func publishStatus() {
        let status = EngineStatus(
            running: scheduler.runningCount,
            waiting: scheduler.waitingCount,
            capacity: mailbox.capacity,
            usedCacheBlocks: scheduler.usedBlocks,
            totalCacheBlocks: scheduler.totalBlocks
        )
        mailbox.publish(status, ended: endedCount)
        endedCount = 0
    }

    private func enqueue(_ submission: EngineMailbox.Submission) {
        let sequence = Sequence(submission, tokenizer: tokenizer, contextLength: contextLength, fallbackSeed: seeds.next())
        sequences[submission.id] = sequence
        scheduler.enqueue(
            submission.id,
            promptTokens: sequence.tokens.count,
            reserve: sequence.reserve(contextLength: contextLength)
        )
    }

    private func remove(_ id: Scheduler.SequenceID) {
        guard sequences.removeValue(forKey: id) != nil else { return }
        scheduler.remove(id)
        endedCount += 1
    }

    private func process(_ plan: [Scheduler.Segment]) {
        for segment in plan { begin(segment.id) }
        let batch = Batch(
            segments: plan.map { segment in
                Batch.Segment(
                    tokens: Array(sequences[segment.id]?.tokens[segment.range] ?? []),
                    start: segment.range.lowerBound,
                    blocks: segment.blocks,
                    wantsLogits: segment.completesSequence
                )
            }
        )
        let logits = transformer.forward(batch)
        let ids = plan.filter(\.completesSequence).map(\.id)
        let reports = zip(ids, choose(ids, logits: logits)).map { id, choice in advance(id, choice) }
        // Status first, so that who sees the end of a reply also sees its place free.
        publishStatus()
        for report in reports { report?.deliver() }
    }

    /// Tells the sequence's consumer that work on it begins, once.
    private func begin(_ id: Scheduler.SequenceID) {
        guard let sequence = sequences[id], sequence.clock.begin() else { return }
        _ = sequence.events.send(.started(GenerationStart(promptTokens: sequence.request.promptTokens.count)))
    }

    /// Samples one token for each of `ids`, spread over the pool; row i of `logits` belongs to `ids[i]`.
    private func choose(_ ids: [Scheduler.SequenceID], logits: UnsafeMutableBufferPointer<Float>) -> [SampledToken] {
        let vocabulary = transformer.configuration.vocabularySize
        var slots = ids.compactMap { id in
            sequences[id].map { SamplingSlot(sampler: $0.sampler, logprobs: $0.request.logprobs) }
        }
        slots.withUnsafeMutableBufferPointer { slots in
            nonisolated(unsafe) let (slots, logits) = (slots, logits)  // Each worker touches its own slots and rows only.
            let workers = pool.workerCount
            pool.run { worker in
                for index in stride(from: worker, to: slots.count, by: workers) {
                    slots[index].fill(from: UnsafeMutableBufferPointer(rebasing: logits[index * vocabulary..<(index + 1) * vocabulary]))
                }
            }
        }
        for (id, slot) in zip(ids, slots) { sequences[id]?.sampler = slot.sampler }
        return slots.map(\.result)
    }

    /// Books the token that was sampled for a sequence; a sequence that ends with it gives up its place.
    private func advance(_ id: Scheduler.SequenceID, _ choice: SampledToken) -> Report? {
        guard let sequence = sequences[id] else { return nil }
        sequence.clock.recordToken()
        let (delta, end) = sequence.reply.append(choice.token, logprob: choice.logprob)
        if let end {
            remove(id)
            return Report(events: sequence.events, delta: delta, summary: summary(of: sequence, reason: end))
        }
        sequence.tokens.append(choice.token)
        scheduler.extend(id)
        return Report(events: sequence.events, delta: delta, summary: nil)
    }

    private func summary(of sequence: Sequence, reason: FinishReason) -> GenerationSummary {
        GenerationSummary(
            reason: reason,
            usage: TokenUsage(promptTokens: sequence.request.promptTokens.count, completionTokens: sequence.reply.tokenCount),
            timings: sequence.clock.timings
        )
    }
}

/// What one step has to tell the consumer of one sequence.
private struct Report {
    let events: EventChannel
    let delta: GenerationDelta
    /// If the sequence has ended.
    let summary: GenerationSummary?

    func deliver() {
        _ = events.send(.delta(delta))
        guard let summary else { return }
        _ = events.send(.finished(summary))
        events.finish()
    }
}

/// A sampled token with what was asked about it.
private struct SampledToken: Sendable {
    var token: TokenID
    var logprob: TokenLogprob?
}

/// One sequence's turn to sample; filled by a worker of the pool.
private struct SamplingSlot: Sendable {
    var sampler: Sampler
    let logprobs: Int?
    var result = SampledToken(token: 0, logprob: nil)

    /// - Parameter logits: `[vocabulary]`; overwritten.
    mutating func fill(from logits: UnsafeMutableBufferPointer<Float>) {
        let report = logprobs.map { LogprobReport(logits, count: $0) }
        let raw = logprobs == nil ? [] : Array(logits)
        result.token = sampler.sample(logits)
        result.logprob = report.map { $0.entry(for: result.token, logit: raw[Int(result.token)]) }
    }
}

/// The model's own distribution of one step.
private struct LogprobReport {
    private let logSum: Float
    private let top: [TokenLogprob.Candidate]

    init(_ logits: UnsafeMutableBufferPointer<Float>, count: Int) {
        let sum = Kernels.table.log_sum_exp(logits.baseAddress, logits.count)
        logSum = sum
        top = TopCandidates(logits, count: count).candidates.map {
            TokenLogprob.Candidate(token: TokenID(truncatingIfNeeded: $0.token), logprob: $0.value - sum)
        }
    }

    func entry(for token: TokenID, logit: Float) -> TokenLogprob {
        TokenLogprob(token: token, logprob: logit - logSum, top: top)
    }
}

/// The moments of one sequence's life.
private struct SequenceClock {
    let submitted: ContinuousClock.Instant
    private var started: ContinuousClock.Instant?
    private var firstToken: ContinuousClock.Instant?
    private var lastToken: ContinuousClock.Instant?

    init(submitted: ContinuousClock.Instant) {
        self.submitted = submitted
    }

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
