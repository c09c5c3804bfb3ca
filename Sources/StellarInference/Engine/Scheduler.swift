import DequeModule

/// Decides which tokens of which sequences the next step works on: requests and free blocks in, a batch plan out.
///
/// A pure state machine: no clock, no thread, no tensor. A sequence is a number of known tokens (`length`: prompt, then one more after
/// each sampled token) of which the first `processed` are in the cache. A step takes the next tokens of each running sequence, up to the
/// next multiple of the prefill chunk, so that a sequence is cut at the same places whatever else is running.
///
/// Admission is first come, first served and reserves the blocks that a request may need to its end, so a running sequence never lacks
/// memory.
package struct Scheduler: Sendable {
    package typealias SequenceID = UInt64

    package struct Limits: Sendable, Equatable {
        /// Most sequences in a step.
        package var maxBatch: Int
        /// Prompt tokens of one sequence in one step, and of all sequences unless a single chunk is larger.
        package var prefillChunk: Int

        package init(maxBatch: Int, prefillChunk: Int) {
            self.maxBatch = max(1, maxBatch)
            self.prefillChunk = max(1, prefillChunk)
        }
    }

    /// Tokens `range` of a sequence, to be processed in the next step.
    package struct Segment: Sendable, Equatable {
        package var id: SequenceID
        package var range: Range<Int>
        /// The last known token is among them: its logits give the next one.
        package var completesSequence: Bool
        /// The sequence's cache blocks in order.
        package var blocks: [Int32]
    }

    private struct Entry: Sendable {
        let id: SequenceID
        var length: Int
        var processed = 0
        /// Tokens that the sequence may grow to.
        let reserve: Int
        var blocks: [Int32] = []
    }

    package let limits: Limits
    private var allocator: BlockAllocator
    private var waiting: Deque<Entry> = []
    private var running: [Entry] = []

    package init(limits: Limits, blockCount: Int) {
        self.limits = limits
        allocator = BlockAllocator(blockCount: blockCount)
    }

    package var runningCount: Int { running.count }
    package var waitingCount: Int { waiting.count }
    package var usedBlocks: Int { allocator.usedCount }
    package var totalBlocks: Int { allocator.blockCount }

    /// Puts a sequence at the end of the queue.
    ///
    /// - Parameters:
    ///   - promptTokens: At least 1.
    ///   - reserve: Most tokens that the sequence may grow to, prompt included; at most what all blocks hold.
    package mutating func enqueue(_ id: SequenceID, promptTokens: Int, reserve: Int) {
        waiting.append(Entry(id: id, length: promptTokens, reserve: max(reserve, promptTokens)))
    }

    /// A sequence has ended or was cancelled: its place and blocks are free for the next ``plan()``.
    package mutating func remove(_ id: SequenceID) {
        if let index = running.firstIndex(where: { $0.id == id }) {
            allocator.release(running.remove(at: index).blocks)
        } else {
            waiting.removeAll { $0.id == id }
        }
    }

    /// A token was sampled for the sequence: it is to be processed in the next step.
    package mutating func extend(_ id: SequenceID) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        running[index].length += 1
    }

    /// Admits what has a place and returns the next step's work; the tokens in it count as processed from now on.
    ///
    /// Short segments come first, then prompt chunks.
    package mutating func plan() -> [Segment] {
        admit()
        var decodes: [Segment] = []
        var chunks: [Segment] = []
        var budget = limits.prefillChunk
        for index in running.indices {
            let entry = running[index]
            let chunkEnd = (entry.processed / limits.prefillChunk + 1) * limits.prefillChunk
            let range = entry.processed..<min(entry.length, chunkEnd)
            if range.isEmpty { continue }
            if range.count > 1 {
                guard range.count <= budget || budget == limits.prefillChunk else { continue }
                budget -= range.count
            }
            running[index].processed = range.upperBound
            let segment = Segment(id: entry.id, range: range, completesSequence: range.upperBound == entry.length, blocks: entry.blocks)
            if range.count > 1 { chunks.append(segment) } else { decodes.append(segment) }
        }
        return decodes + chunks
    }

    private mutating func admit() {
        while running.count < limits.maxBatch, var entry = waiting.first {
            guard let blocks = allocator.allocate(BlockAllocator.blocks(for: entry.reserve)) else { return }
            entry.blocks = blocks
            running.append(entry)
            waiting.removeFirst()
        }
    }
}
