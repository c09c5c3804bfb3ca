/// The engine thread's state: model, cache, scheduler, and the sequences under way.
///
/// Thread contract: made on one thread, then used by the engine thread alone.
final class EngineCore {
    private let mailbox: EngineMailbox
    private let transformer: Transformer
    private let pool: ComputePool
    private let tokenizer: Tokenizer
    private let contextLength: Int
    private let speculation: EngineConfiguration.Speculation
    private var scheduler: Scheduler
    private var sequences: [Scheduler.SequenceID: EngineSequence] = [:]
    private var seeds = SystemRandomNumberGenerator()
    private var stepCost = StepCost()
    private var status: EngineStatus
    /// Sequences that have ended since the status was last published.
    private var endedCount = 0
    /// Not later than the first deadline of any sequence.
    private var nextDeadline: ContinuousClock.Instant?
    private var announcedRevision = 0

    /// More sequences than this share the time of a step in such a way that guesses do not pay.
    private static let mostSpeculating = 4

    init(
        mailbox: EngineMailbox,
        transformer: Transformer,
        pool: ComputePool,
        tokenizer: Tokenizer,
        plan: EnginePlan,
        scheduler: Scheduler
    ) {
        self.mailbox = mailbox
        self.transformer = transformer
        self.pool = pool
        self.tokenizer = tokenizer
        contextLength = plan.contextLength
        speculation = plan.speculation
        self.scheduler = scheduler
        status = EngineStatus(capacity: mailbox.capacity, totalCacheBlocks: scheduler.totalBlocks)
    }

    /// Works until told to stop.
    func run() {
        var patience = EngineMailbox.Patience.forever
        while let next = step(patience) { patience = next }
        for sequence in sequences.values { sequence.events.finish(throwing: EngineMailbox.stopped) }
        sequences = [:]
        pool.stop()
        mailbox.finish()
    }

    /// One round: new mail, one forward pass, the next tokens of each sequence that has caught up.
    ///
    /// - Returns: How long to wait for mail before the next round; `nil` when it is time to stop.
    private func step(_ patience: EngineMailbox.Patience) -> EngineMailbox.Patience? {
        let mail = mailbox.take(waiting: patience)
        mail.submissions.forEach(enqueue)
        if mail.isStopping { return nil }
        let now = ContinuousClock.now
        for id in mail.cancellations { remove(id) }
        for id in mail.resumptions { scheduler.resume(id) }
        if let nextDeadline, nextDeadline <= now { endOverdue(now) }
        let plan = scheduler.plan(now: now)
        announceQueue()
        publishStatus()
        if !plan.isEmpty {
            process(plan)
            return EngineMailbox.Patience.none
        }
        return [nextDeadline, scheduler.nextWake].compactMap(\.self).min().map(EngineMailbox.Patience.until) ?? .forever
    }

    private func publishStatus() {
        status.running = scheduler.runningCount
        status.paused = scheduler.pausedCount
        status.waiting = scheduler.waitingCount
        status.usedCacheBlocks = scheduler.usedBlocks
        status.reusableCacheBlocks = scheduler.reusableBlocks
        status.prefixCacheQueries = scheduler.counts.prefixQueries
        status.prefixCacheHits = scheduler.counts.prefixHits
        status.preemptions = scheduler.counts.preemptions
        mailbox.publish(status, ended: endedCount)
        endedCount = 0
    }
}

// MARK: - Coming and going

extension EngineCore {
    private func enqueue(_ submission: EngineMailbox.Submission) {
        let request = submission.request
        sequences[submission.id] = EngineSequence(
            submission,
            tokenizer: tokenizer,
            contextLength: contextLength,
            fallbackSeed: seeds.next()
        )
        if let deadline = request.deadline { nextDeadline = min(nextDeadline ?? deadline, deadline) }
        scheduler.enqueue(
            .init(
                id: submission.id,
                prompt: request.promptTokens,
                priority: request.priority,
                wantsPromptLogits: request.promptLogprobs != nil
            )
        )
    }

    private func remove(_ id: Scheduler.SequenceID) {
        guard sequences.removeValue(forKey: id) != nil else { return }
        scheduler.remove(id)
        endedCount += 1
    }

    private func endOverdue(_ now: ContinuousClock.Instant) {
        for (id, sequence) in sequences where sequence.request.deadline.map({ $0 <= now }) ?? false {
            remove(id)
            sequence.events.finish(
                throwing: InferenceError(.deadlineExceeded, "The request's time limit passed before its reply had ended. Allow more time.")
            )
        }
        nextDeadline = sequences.values.compactMap(\.request.deadline).min()
    }

    /// Tells waiting sequences where they are in the queue, if that has changed.
    private func announceQueue() {
        guard announcedRevision != scheduler.queueRevision else { return }
        announcedRevision = scheduler.queueRevision
        for (index, id) in scheduler.queue.enumerated() {
            guard let sequence = sequences[id], !sequence.clock.hasStarted, sequence.queuePosition != index + 1 else { continue }
            sequence.queuePosition = index + 1
            _ = sequence.events.send(.queued(position: index + 1))
        }
    }
}

// MARK: - A step

extension EngineCore {
    /// One sequence's part of a step, with its rows of logits.
    private struct Turn {
        let sequence: EngineSequence
        let segment: Scheduler.Segment
        let logits: UnsafeMutableBufferPointer<Float>
    }

    /// What one step has to tell the reader of one sequence.
    private struct Report {
        let id: Scheduler.SequenceID
        let sequence: EngineSequence
        let promptLogprobs: [TokenLogprob?]?
        let delta: GenerationDelta
        let end: FinishReason?
    }

    private func process(_ plan: [Scheduler.Segment]) {
        for segment in plan { begin(segment) }
        let batch = Batch(
            segments: plan.map {
                Batch.Segment(tokens: $0.tokens, start: $0.range.lowerBound, blocks: $0.blocks, logitRows: $0.logitRows)
            }
        )
        let start = ContinuousClock.now
        let logits = transformer.forward(batch)
        measure(plan, since: start)
        let turns = turns(plan, logits)
        sample(turns)
        let reports = turns.compactMap(advance)
        // Status first, so that who sees the end of a reply also sees its place free.
        publishStatus()
        for report in reports { deliver(report) }
    }

    /// Tells the sequence's reader that work on it begins, once.
    private func begin(_ segment: Scheduler.Segment) {
        guard let sequence = sequences[segment.id] else { return }
        sequence.cachedTokens = segment.cachedTokens
        guard sequence.clock.begin() else { return }
        let start = GenerationStart(promptTokens: sequence.request.promptTokens.count, cachedTokens: segment.cachedTokens)
        _ = sequence.events.send(.started(start))
    }

    private func measure(_ plan: [Scheduler.Segment], since start: ContinuousClock.Instant) {
        let drafted = plan.reduce(0) { $0 + $1.drafted }
        status.draftedTokens += drafted
        guard speculation == .auto, plan.count <= Self.mostSpeculating, plan.allSatisfy({ $0.range.count == 1 + $0.drafted }) else {
            return
        }
        stepCost.record(sequences: plan.count, drafted: drafted, seconds: (ContinuousClock.now - start).seconds)
    }

    private func turns(_ plan: [Scheduler.Segment], _ logits: UnsafeMutableBufferPointer<Float>) -> [Turn] {
        let vocabulary = transformer.configuration.vocabularySize
        var row = 0
        return plan.compactMap { segment in
            defer { row += segment.logitRows }
            guard let sequence = sequences[segment.id] else { return nil }
            let rows = logits[row * vocabulary..<(row + segment.logitRows) * vocabulary]
            return Turn(sequence: sequence, segment: segment, logits: UnsafeMutableBufferPointer(rebasing: rows))
        }
    }

    /// Samples for all sequences, spread over the pool.
    private func sample(_ turns: [Turn]) {
        let vocabulary = transformer.configuration.vocabularySize
        nonisolated(unsafe) let turns = turns.filter { $0.segment.logitRows > 0 }  // Each worker takes its own sequences and rows.
        func sample(_ turn: Turn) { turn.sequence.sample(turn.segment, logits: turn.logits, vocabulary: vocabulary) }
        if turns.count == 1 {
            turns.forEach(sample)
        } else if !turns.isEmpty {
            let workers = pool.workerCount
            pool.run { worker in
                for index in stride(from: worker, to: turns.count, by: workers) {
                    let turn = turns[index]
                    turn.sequence.sample(turn.segment, logits: turn.logits, vocabulary: vocabulary)
                }
            }
        }
    }

    /// Books what was computed for a sequence; one that ends with it gives up its place.
    private func advance(_ turn: Turn) -> Report? {
        let (sequence, segment) = (turn.sequence, turn.segment)
        guard segment.completesSequence else {
            reportProgress(sequence, segment)
            return nil
        }
        let promptLogprobs = sequence.takePromptLogprobs()
        let (delta, end) = sequence.advance()
        status.acceptedTokens += max(0, delta.tokens.count - 1)
        let sharing = scheduler.runningCount
        scheduler.extend(segment.id, by: delta.tokens) { tokens in
            guard end == nil, sharing <= Self.mostSpeculating || speculation == .always else { return [] }
            return sequence.draft(after: tokens, mode: speculation, sequences: sharing, cost: stepCost)
        }
        if end != nil { remove(segment.id) }
        return Report(id: segment.id, sequence: sequence, promptLogprobs: promptLogprobs, delta: delta, end: end)
    }

    private func reportProgress(_ sequence: EngineSequence, _ segment: Scheduler.Segment) {
        let total = sequence.request.promptTokens.count
        guard sequence.replyCount == 0, segment.range.upperBound < total else { return }
        _ = sequence.events.send(.prefill(processed: segment.range.upperBound, total: total))
    }

    private func deliver(_ report: Report) {
        let events = report.sequence.events
        if let promptLogprobs = report.promptLogprobs { _ = events.send(.promptLogprobs(promptLogprobs)) }
        let mayGoOn = events.send(.delta(report.delta))
        if let end = report.end {
            _ = events.send(.finished(report.sequence.summary(reason: end)))
            events.finish()
        } else if !mayGoOn {
            scheduler.pause(report.id)
        }
    }
}
