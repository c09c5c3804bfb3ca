import DequeModule

/// Decides which tokens of which sequences the next step works on, and which cache blocks hold them: requests in, batch plans out.
///
/// A pure state machine: no clock, no thread, no tensor. The engine calls ``plan(now:)``, computes what it says, tells the sampled tokens by
/// ``extend(_:by:)`` (and what ends by ``remove(_:now:)``), and plans again.
///
/// - **Order**: sequences have a rank: interactive ones before background ones, then by arrival. They are admitted in this order, work is
///   dealt out in it, and memory is taken from the last. A background sequence that was passed over ``bypassLimit`` times ranks as an
///   interactive one.
/// - **Memory**: a sequence is admitted when there is room for what it has to say now, and takes further blocks as it grows. If there are
///   none, the running sequence of the lowest rank gives its own back, waits in its old place of the queue, and is computed again later,
///   its generated tokens included. The first in rank always gets what it needs, so somebody always makes progress.
/// - **Prefixes**: full blocks are published (``BlockAllocator``) and looked up, at admission and again whenever a prompt has come to the end
///   of a block. A sequence whose next block another one computes in this very step waits for it.
/// - **Steps**: the next token of every sequence that has caught up, perhaps with guessed ones, and prompt tokens up to a budget, which is
///   smaller while replies are running.
package struct Scheduler: Sendable {
    package typealias SequenceID = UInt64

    package struct Limits: Sendable, Equatable {
        /// Most sequences in a step.
        package var maxBatch: Int
        /// Prompt tokens in a step.
        package var prefillChunk: Int
        /// Prompt tokens in a step that replies share.
        package var sharedChunk: Int
        /// Prompts are cut at multiples of `prefillChunk` (or of a found prefix) only, whatever else runs: for products whose results depend on
        /// the cut. `sharedChunk` is not used then.
        package var hasFixedCuts: Bool
        /// Most rows with logits in a step, those of guessed tokens apart; more than `maxBatch`.
        package var maxOutputs: Int
        /// Guessed tokens in a step.
        package var maxDrafted: Int
        /// Whether prefixes are looked up.
        package var findsPrefixes: Bool

        package init(
            maxBatch: Int,
            prefillChunk: Int,
            sharedChunk: Int? = nil,
            hasFixedCuts: Bool = false,
            maxOutputs: Int? = nil,
            maxDrafted: Int = 8,
            findsPrefixes: Bool = true
        ) {
            self.maxBatch = max(1, maxBatch)
            self.prefillChunk = max(1, prefillChunk)
            self.sharedChunk = min(max(1, sharedChunk ?? prefillChunk), self.prefillChunk)
            self.hasFixedCuts = hasFixedCuts
            self.maxOutputs = max(self.maxBatch + 1, maxOutputs ?? 0)
            self.maxDrafted = max(0, maxDrafted)
            self.findsPrefixes = findsPrefixes
        }

        /// Most rows in a step.
        package var maxRows: Int { prefillChunk + maxBatch + maxDrafted }
        /// Most rows with logits in a step.
        package var maxLogitRows: Int { maxOutputs + maxDrafted }
    }

    /// A sequence that is to be generated.
    package struct Submission: Sendable {
        package var id: SequenceID
        /// Not empty. Prompt and reply together must fit into all blocks.
        package var prompt: [TokenID]
        package var priority: RequestPriority
        /// The logits of all prompt tokens are wanted: nothing of the prompt is taken from the cache.
        package var wantsPromptLogits: Bool

        package init(id: SequenceID, prompt: [TokenID], priority: RequestPriority = .interactive, wantsPromptLogits: Bool = false) {
            self.id = id
            self.prompt = prompt
            self.priority = priority
            self.wantsPromptLogits = wantsPromptLogits
        }
    }

    /// A sequence's part of the next step.
    package struct Segment: Sendable, Equatable {
        package var id: SequenceID
        /// Positions in the sequence.
        package var range: Range<Int>
        /// Their tokens; the last `drafted` of them are guesses.
        package var tokens: [TokenID]
        package var drafted: Int
        /// The last known token is among them: its logits give the next one.
        package var completesSequence: Bool
        /// The logits of so many of the last tokens are wanted.
        package var logitRows: Int
        /// The sequence's cache blocks in order.
        package var blocks: [Int32]
        /// Tokens of the prompt that were found in the cache so far.
        package var cachedTokens: Int
    }

    /// What has happened since the start.
    package struct Counts: Sendable, Equatable {
        /// Prompt tokens looked up in the prefix cache, and found there.
        package var prefixQueries = 0
        package var prefixHits = 0
        package var preemptions = 0
    }

    /// A sequence is passed over by younger ones of higher priority so often at most.
    package static let bypassLimit = 8

    package let limits: Limits
    package internal(set) var counts = Counts()
    var allocator: BlockAllocator
    /// By rank.
    var waiting: Deque<Entry> = []
    /// By rank.
    var running: [Entry] = []
    /// Sequences whose reader is behind. They keep their blocks until others need them.
    var paused: [Entry] = []
    /// Grows whenever the queue changes.
    package internal(set) var queueRevision = 0
    private var arrivals: UInt64 = 0
    /// First blocks that sequences of the plan being made are going to fill.
    private var underWay: Set<Prefix> = []

    /// A block that is being computed: its tokens and the block before it.
    private struct Prefix: Hashable {
        let previous: Int32
        let tokens: ArraySlice<TokenID>
    }

    package init(limits: Limits, blockCount: Int, liveWindow: Duration = .seconds(300)) {
        self.limits = limits
        allocator = BlockAllocator(blockCount: blockCount, liveWindow: liveWindow)
    }

    package var runningCount: Int { running.count }
    package var pausedCount: Int { paused.count }
    package var waitingCount: Int { waiting.count }
    package var usedBlocks: Int { allocator.usedCount }
    package var reusableBlocks: Int { allocator.reusableCount }
    package var totalBlocks: Int { allocator.blockCount }
    /// Ids in the queue, the next one first.
    package var queue: some Sequence<SequenceID> { waiting.lazy.map(\.id) }

    /// When to plan again although nothing has happened: a sequence waits for memory that is protected until then.
    package var nextWake: ContinuousClock.Instant? {
        waiting.isEmpty || !running.isEmpty ? nil : allocator.nextExpiry
    }

    /// Puts a sequence into the queue.
    package mutating func enqueue(_ submission: Submission) {
        arrivals += 1
        insertWaiting(Entry(submission, arrival: arrivals))
    }

    /// A sequence has ended or was cancelled: its place and blocks are free for the next plan, and its text may be found by others.
    package mutating func remove(_ id: SequenceID, now: ContinuousClock.Instant = .now) {
        if let index = running.firstIndex(where: { $0.id == id }) {
            if limits.findsPrefixes { running[index].publish(in: &allocator) }
            allocator.release(running.remove(at: index).blocks, now: now)
        } else if let index = paused.firstIndex(where: { $0.id == id }) {
            allocator.release(paused.remove(at: index).blocks, now: now)
        } else if let index = waiting.firstIndex(where: { $0.id == id }) {
            allocator.release(waiting.remove(at: index).blocks, now: now)
            queueRevision += 1
        }
    }

    /// Tokens were sampled for a sequence after a segment that completed it: first the guesses that were right, then one more. The last one
    /// is to be processed in the next step.
    ///
    /// - Parameter draft: Given all tokens, guesses what comes next, to be checked in the next step if there is room.
    package mutating func extend(
        _ id: SequenceID,
        by tokens: some Collection<TokenID>,
        draft: (_ tokens: [TokenID]) -> [TokenID] = { _ in [] }
    ) {
        guard let index = running.firstIndex(where: { $0.id == id }), !tokens.isEmpty else { return }
        running[index].extend(by: tokens, draft: draft)
    }

    /// A sequence's reader is behind: it rests until ``resume(_:)``. Its place goes to others.
    package mutating func pause(_ id: SequenceID) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        if limits.findsPrefixes { running[index].publish(in: &allocator) }
        paused.append(running.remove(at: index))
    }

    /// The reader has caught up: the sequence waits for a place, by its old rank.
    package mutating func resume(_ id: SequenceID) {
        guard let index = paused.firstIndex(where: { $0.id == id }) else { return }
        insertWaiting(paused.remove(at: index))
    }

    /// Admits what has a place and returns the next step's work, which counts as done from now on: decodes first, then prompt chunks.
    package mutating func plan(now: ContinuousClock.Instant = .now) -> [Segment] {
        if limits.findsPrefixes { for index in running.indices { running[index].publish(in: &allocator) } }
        underWay.removeAll(keepingCapacity: true)
        admit(now: now)
        let decoding = running.count { $0.pendingCount == 1 }
        var budget = Budget(limits, decoding: decoding)
        var decodes: [Segment] = []
        var chunks: [Segment] = []
        decodes.reserveCapacity(running.count)
        // By index, as sequences at the end may lose their place on the way.
        var index = 0
        while index < running.count {
            if let segment = work(on: index, &budget, now: now) {
                if segment.range.count > 1 && segment.drafted == 0 { chunks.append(segment) } else { decodes.append(segment) }
            }
            index += 1
        }
        return chunks.isEmpty ? decodes : decodes + chunks
    }
}

// MARK: - One step

extension Scheduler {
    /// What is left of a step while it is dealt out.
    struct Budget {
        let chunk: Int
        var promptTokens: Int
        var outputs: Int
        var drafted: Int

        init(_ limits: Limits, decoding: Int) {
            chunk = decoding > 0 && !limits.hasFixedCuts ? limits.sharedChunk : limits.prefillChunk
            promptTokens = chunk
            outputs = limits.maxOutputs - limits.maxBatch
            drafted = limits.maxDrafted
        }
    }

    /// The part of the running sequence at `index` in the step; `nil` if it has to wait. The sequence may have lost its place afterwards, and
    /// any behind it too.
    private mutating func work(on index: Int, _ budget: inout Budget, now: ContinuousClock.Instant) -> Segment? {
        if limits.findsPrefixes { running[index].findPrefix(in: &allocator) }
        guard let end = segmentEnd(running[index], budget) else { return nil }
        let range = running[index].processed..<end
        if range.count > 1, isUnderWay(running[index], range) { return nil }
        guard provideBlocks(toHold: end, forRunningAt: index, now: now) else { return nil }
        return running[index].segment(range, &budget, &counts, findsPrefixes: limits.findsPrefixes)
    }

    /// Where the next segment of a sequence ends; `nil` if the budget leaves it nothing.
    private func segmentEnd(_ entry: Entry, _ budget: Budget) -> Int? {
        let pending = entry.pendingCount
        guard pending > 1 || entry.logitsLeft > 0 else { return entry.tokens.count }
        var count: Int
        if limits.hasFixedCuts {
            count = min(pending, limits.prefillChunk - entry.processed % limits.prefillChunk)
            guard count <= budget.promptTokens || budget.promptTokens == budget.chunk else { return nil }
        } else {
            count = min(pending, budget.promptTokens)
            // Ends of blocks are good places to cut, as others may go on from there.
            let excess = (entry.processed + count) % KVCache.blockTokens
            if count < pending, count > excess { count -= excess }
        }
        if entry.logitsLeft > 0 { count = min(count, budget.outputs) }
        return count > 0 ? entry.processed + count : nil
    }

    /// Whether another sequence computes the first block of `range` in this step; if not, this one does.
    private mutating func isUnderWay(_ entry: Entry, _ range: Range<Int>) -> Bool {
        let size = KVCache.blockTokens
        guard limits.findsPrefixes, entry.logitsLeft == 0, range.lowerBound % size == 0, range.count >= size else { return false }
        // With nothing left to compute after the block, waiting would win nothing.
        guard entry.tokens.count > range.lowerBound + size else { return false }
        let prefix = Prefix(
            previous: entry.blocks.prefix(range.lowerBound / size).last ?? BlockAllocator.noBlock,
            tokens: entry.tokens[range.lowerBound..<range.lowerBound + size]
        )
        return !underWay.insert(prefix).inserted
    }
}
