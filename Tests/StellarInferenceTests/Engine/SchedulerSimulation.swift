import StellarInference
import Testing

/// Runs a scheduler without a model, and keeps account of what a cache would hold: every slot remembers the whole text before it.
struct SchedulerSimulation {
    struct Job {
        var prompt: [TokenID]
        var replyCount: Int
        var priority = RequestPriority.interactive
        var wantsPromptLogits = false
    }

    private struct Running {
        var job: Job
        var tokens: [TokenID]
        /// Positions of the prompt whose logits were computed.
        var logitPositions: Set<Int> = []
        var isPaused = false
    }

    var scheduler: Scheduler
    var now = ContinuousClock.now
    /// Ids in the order of their first segment.
    private(set) var started: [UInt64] = []
    private(set) var finished: [UInt64: [TokenID]] = [:]
    private(set) var cachedTokens: [UInt64: Int] = [:]
    /// Prompt tokens computed, each time they were.
    private(set) var computedTokens = 0
    private var jobs: [UInt64: Running] = [:]
    /// Block and slot → hash of the text up to there.
    private var slots: [Int: Int] = [:]
    private var nextID: UInt64 = 0

    init(limits: Scheduler.Limits, blocks: Int, liveWindow: Duration = .seconds(300)) {
        scheduler = Scheduler(limits: limits, blockCount: blocks, liveWindow: liveWindow)
    }

    var unfinished: [UInt64] { jobs.keys.sorted() }
    var pausedIDs: [UInt64] { jobs.filter(\.value.isPaused).keys.sorted() }

    /// The token that a job's "model" says after `tokens`: with repetitions, so that guesses can be right.
    static func next(after tokens: [TokenID]) -> TokenID { TokenID((Int(tokens[tokens.count - 1]) * 7 + tokens.count / 40) % 5) }

    static func reply(to job: Job) -> [TokenID] {
        var tokens = job.prompt
        for _ in 0..<job.replyCount { tokens.append(next(after: tokens)) }
        return Array(tokens[job.prompt.count...])
    }

    @discardableResult
    mutating func submit(_ job: Job) -> UInt64 {
        nextID += 1
        jobs[nextID] = Running(job: job, tokens: job.prompt)
        scheduler.enqueue(
            .init(id: nextID, prompt: job.prompt, priority: job.priority, wantsPromptLogits: job.wantsPromptLogits)
        )
        return nextID
    }

    mutating func cancel(_ id: UInt64) {
        jobs[id] = nil
        scheduler.remove(id, now: now)
    }

    mutating func pause(_ id: UInt64) {
        jobs[id]?.isPaused = true
        scheduler.pause(id)
    }

    mutating func resume(_ id: UInt64) {
        jobs[id]?.isPaused = false
        scheduler.resume(id)
    }

    /// One step. `draft` guesses how a text goes on.
    @discardableResult
    mutating func step(draft: ([TokenID]) -> [TokenID] = { _ in [] }) -> [Scheduler.Segment] {
        let plan = scheduler.plan(now: now)
        #expect(Set(plan.map(\.id)).count == plan.count)
        #expect(plan.count <= scheduler.limits.maxBatch)
        #expect(plan.reduce(0) { $0 + $1.tokens.count } <= scheduler.limits.maxRows)
        #expect(plan.reduce(0) { $0 + $1.logitRows } <= scheduler.limits.maxLogitRows)
        for segment in plan { compute(segment) }
        for segment in plan where segment.completesSequence { extend(segment, draft) }
        return plan
    }

    /// Everything before the segment must be in its blocks; then the segment is.
    private mutating func compute(_ segment: Scheduler.Segment) {
        guard let running = jobs[segment.id] else {
            Issue.record("A segment of \(segment.id), which is not there")
            return
        }
        if !started.contains(segment.id) {
            started.append(segment.id)
            cachedTokens[segment.id] = segment.cachedTokens
        }
        let known = segment.tokens.count - segment.drafted
        #expect(
            Array(running.tokens[segment.range.lowerBound..<segment.range.lowerBound + known]) == segment.tokens.dropLast(segment.drafted)
        )
        #expect(segment.range.count == segment.tokens.count)
        #expect(segment.range.upperBound <= segment.blocks.count * KVCache.blockTokens)
        computedTokens += segment.tokens.count
        var text = Hasher.Text()
        for (position, token) in running.tokens[..<segment.range.lowerBound].enumerated() {
            text.append(token)
            if slots[slot(segment, position)] != text.hash {
                Issue.record("\(segment.id): position \(position) of \(segment.range) does not hold its text")
                return
            }
        }
        for (offset, token) in segment.tokens.enumerated() {
            text.append(token)
            slots[slot(segment, segment.range.lowerBound + offset)] = text.hash
        }
        let logits = segment.range.upperBound - segment.logitRows..<segment.range.upperBound
        jobs[segment.id]?.logitPositions.formUnion(logits)
    }

    private func slot(_ segment: Scheduler.Segment, _ position: Int) -> Int {
        Int(segment.blocks[position / KVCache.blockTokens]) * KVCache.blockTokens + position % KVCache.blockTokens
    }

    private mutating func extend(_ segment: Scheduler.Segment, _ draft: ([TokenID]) -> [TokenID]) {
        guard var running = jobs[segment.id] else { return }
        #expect(segment.range.upperBound - segment.drafted == running.tokens.count)
        var sampled: [TokenID] = []
        for guess in segment.tokens.suffix(segment.drafted).map(Optional.some) + [nil] {
            sampled.append(Self.next(after: running.tokens + sampled))
            if guess != sampled.last { break }
        }
        let room = running.job.prompt.count + running.job.replyCount - running.tokens.count
        running.tokens += sampled.prefix(room)
        jobs[segment.id] = running
        scheduler.extend(segment.id, by: sampled.prefix(room), draft: draft)
        guard running.tokens.count == running.job.prompt.count + running.job.replyCount else { return }
        if running.job.wantsPromptLogits { #expect(running.logitPositions.isSuperset(of: 0..<running.job.prompt.count)) }
        finished[segment.id] = Array(running.tokens[running.job.prompt.count...])
        cancel(segment.id)
    }
}

extension Hasher {
    /// A running hash of a text.
    fileprivate struct Text {
        var hash = 0

        mutating func append(_ token: TokenID) {
            var hasher = Hasher()
            hasher.combine(hash)
            hasher.combine(token)
            hash = hasher.finalize()
        }
    }
}
