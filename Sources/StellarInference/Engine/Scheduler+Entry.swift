extension Scheduler {
    /// A sequence: `tokens` are known, the first `processed` of them are in the cache.
    struct Entry: Sendable {
        let id: SequenceID
        let priority: RequestPriority
        let arrival: UInt64
        private let promptCount: Int
        private(set) var tokens: [TokenID]
        private(set) var processed = 0
        private(set) var blocks: [Int32] = []
        /// What may come after `tokens`.
        private var draft: [TokenID] = []
        /// Prompt tokens whose logits are still to be computed.
        private(set) var logitsLeft: Int
        /// How often younger sequences were admitted first.
        var bypasses = 0
        /// Leading blocks whose content is published.
        private var publishedCount = 0
        /// Tokens found in the cache since the last segment.
        private var foundTokens = 0
        private var cachedTokens = 0
        private var hasStarted = false
        /// It has lost its memory: what is found now is its own.
        private var isRepeating = false

        init(_ submission: Submission, arrival: UInt64) {
            id = submission.id
            priority = submission.priority
            self.arrival = arrival
            promptCount = submission.prompt.count
            tokens = submission.prompt
            logitsLeft = submission.wantsPromptLogits ? submission.prompt.count : 0
        }

        var pendingCount: Int { tokens.count - processed }

        /// Whether it goes before `other`.
        func outranks(_ other: Entry) -> Bool {
            isUrgent == other.isUrgent ? arrival < other.arrival : isUrgent
        }

        var isUrgent: Bool { priority == .interactive || bypasses >= Scheduler.bypassLimit }
    }
}

extension Scheduler.Entry {
    mutating func extend(by new: some Collection<TokenID>, draft: ([TokenID]) -> [TokenID]) {
        processed = tokens.count + new.count - 1
        tokens += new
        self.draft = draft(tokens)
    }

    mutating func add(_ new: [Int32]) {
        blocks += new
    }

    /// Everything is to be computed again, unless it is found in the cache.
    mutating func giveBack(to allocator: inout BlockAllocator, now: ContinuousClock.Instant) {
        allocator.release(blocks, now: now)
        blocks = []
        processed = 0
        publishedCount = 0
        foundTokens = 0
        draft = []
        if logitsLeft > 0 { logitsLeft = promptCount }
        isRepeating = hasStarted
    }

    /// Goes on with blocks that are known by their content as far as they reach, leaving at least one token to compute.
    mutating func findPrefix(in allocator: inout BlockAllocator) {
        let size = KVCache.blockTokens
        guard logitsLeft == 0 else { return }
        while processed + size < tokens.count, blocks.count * size == processed {
            guard let block = allocator.find(tokens[processed..<processed + size], after: blocks.last ?? BlockAllocator.noBlock) else {
                return
            }
            allocator.hold(block, for: priority)
            blocks.append(block)
            processed += size
            foundTokens += size
            publishedCount += 1
        }
    }

    /// Lets others find what has been computed.
    mutating func publish(in allocator: inout BlockAllocator) {
        let size = KVCache.blockTokens
        while (publishedCount + 1) * size <= processed {
            let index = publishedCount
            blocks[index] = allocator.publish(
                blocks[index],
                tokens: tokens[index * size..<(index + 1) * size],
                after: index > 0 ? blocks[index - 1] : BlockAllocator.noBlock
            )
            publishedCount += 1
        }
    }

    /// Its part of a step: the tokens of `range`, and guesses if it catches up.
    mutating func segment(
        _ range: Range<Int>,
        _ budget: inout Scheduler.Budget,
        _ counts: inout Scheduler.Counts,
        findsPrefixes: Bool
    ) -> Scheduler.Segment {
        countFound(&counts, findsPrefixes: findsPrefixes)
        let completes = range.upperBound == tokens.count
        var segmentTokens = Array(tokens[range])
        var drafted = 0
        if range.count == 1, completes, logitsLeft == 0 {
            drafted = min(draft.count, budget.drafted, blocks.count * KVCache.blockTokens - range.upperBound)
            segmentTokens += draft.prefix(drafted)
            budget.drafted -= drafted
        } else {
            budget.promptTokens = max(0, budget.promptTokens - range.count)
        }
        var logitRows = completes ? 1 + drafted : 0
        if logitsLeft > 0 {
            logitRows = range.count
            budget.outputs -= range.count
            logitsLeft -= min(logitsLeft, range.count)
        }
        processed = range.upperBound
        draft = []
        return Scheduler.Segment(
            id: id,
            range: range.lowerBound..<range.lowerBound + segmentTokens.count,
            tokens: segmentTokens,
            drafted: drafted,
            completesSequence: completes,
            logitRows: logitRows,
            blocks: blocks,
            cachedTokens: cachedTokens
        )
    }

    private mutating func countFound(_ counts: inout Scheduler.Counts, findsPrefixes: Bool) {
        if !hasStarted, findsPrefixes, logitsLeft == 0 { counts.prefixQueries += promptCount }
        hasStarted = true
        if !isRepeating {
            cachedTokens += foundTokens
            counts.prefixHits += foundTokens
        }
        foundTokens = 0
    }
}
