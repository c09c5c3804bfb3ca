/// Hands out the blocks of a ``KVCache``: a plain value, so that schedules can be tested without a cache.
package struct BlockAllocator: Sendable, Equatable {
    package let blockCount: Int
    /// Last in, first out: memory that has been touched is used again before new memory is.
    private var free: [Int32]

    package init(blockCount: Int) {
        self.blockCount = blockCount
        free = (0..<Int32(clamping: blockCount)).reversed()
    }

    package var freeCount: Int { free.count }
    package var usedCount: Int { blockCount - free.count }

    /// Blocks needed for `tokens` tokens.
    package static func blocks(for tokens: Int) -> Int {
        (tokens + KVCache.blockTokens - 1) / KVCache.blockTokens
    }

    /// `count` blocks, or `nil` (and no change) if there are fewer.
    package mutating func allocate(_ count: Int) -> [Int32]? {
        guard count <= free.count else { return nil }
        let blocks = Array(free.suffix(count).reversed())
        free.removeLast(count)
        return blocks
    }

    /// Takes back what ``allocate(_:)`` gave.
    package mutating func release(_ blocks: [Int32]) {
        free.append(contentsOf: blocks.reversed())
    }
}
