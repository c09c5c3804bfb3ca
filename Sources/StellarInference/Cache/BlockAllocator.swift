/// Owns the blocks of a ``KVCache``: who holds them, what they contain, and whose content makes room for new one.
///
/// A plain value, so that schedules can be tested without a cache. A block is
/// - *free*: nothing is known about its content;
/// - *held* by one or more sequences (counted references); a full one may be known by its content, and then others can hold it too;
/// - *reusable*: held by nobody, known by its content, kept until its memory is needed (least recently used first).
///
/// Content is found block by block: a block is known by its tokens *and* by the block before it, which is itself known by all tokens
/// before. Tokens are compared, not only their hash, so what is found always has the very same prefix. Whoever holds a block holds all
/// blocks before it, and blocks become reusable from the last to the first, so that a block never goes before those that build on it.
package struct BlockAllocator: Sendable {
    /// What identifies a full block: all its tokens, and the block that holds those before.
    private struct Content: Hashable, Sendable {
        let previous: Int32
        let tokens: ArraySlice<TokenID>
    }

    private struct Block: Sendable {
        var holders: Int32 = 0
        var content: Content?
        /// The highest of those who have held it.
        var priority = RequestPriority.background
        /// When it became reusable.
        var lastUse: ContinuousClock.Instant?
        /// The list of reusable blocks that it is in, and its neighbours there; −1: none.
        var list = List.ordinary
        var older: Int32 = -1
        var newer: Int32 = -1
    }

    /// Which reusable blocks.
    private enum List: Int {
        /// Those that anyone may take.
        case ordinary
        /// Those of interactive requests, still in their live window when last looked at.
        case live
    }

    /// The ends of a list of reusable blocks, least recently used first, linked through `Block.older` and `Block.newer`.
    private struct Order: Sendable {
        var oldest: Int32 = -1
        var newest: Int32 = -1
        var count = 0
    }

    /// What comes before a sequence's first block.
    package static let noBlock: Int32 = -1

    package let blockCount: Int
    /// How long the blocks of an interactive request are kept from background requests.
    private let liveWindow: Duration
    /// Last in, first out: memory that has been touched is used again before new memory is.
    private var free: [Int32]
    private var blocks: [Block]
    private var known: [Content: Int32] = [:]
    /// By ``List``.
    private var orders = [Order(), Order()]

    package init(blockCount: Int, liveWindow: Duration = .seconds(300)) {
        self.blockCount = blockCount
        self.liveWindow = liveWindow
        free = (0..<Int32(clamping: blockCount)).reversed()
        blocks = [Block](repeating: Block(), count: blockCount)
    }

    /// Blocks that sequences hold.
    package var usedCount: Int { blockCount - free.count - reusableCount }
    package var reusableCount: Int { orders[0].count + orders[1].count }
    /// When the next block leaves its live window.
    package var nextExpiry: ContinuousClock.Instant? {
        oldest(in: .live).flatMap { blocks[Int($0)].lastUse?.advanced(by: liveWindow) }
    }

    /// Blocks needed for `tokens` tokens.
    package static func blocks(for tokens: Int) -> Int {
        (tokens + KVCache.blockTokens - 1) / KVCache.blockTokens
    }

    /// Blocks that a request can have now.
    package mutating func availableCount(for priority: RequestPriority, now: ContinuousClock.Instant) -> Int {
        if priority == .interactive { return free.count + reusableCount }
        expire(now)
        return free.count + orders[List.ordinary.rawValue].count
    }

    /// `count` blocks, held once, or `nil` (and no change) if a request of that priority can't have as many.
    package mutating func allocate(
        _ count: Int,
        for priority: RequestPriority = .interactive,
        now: ContinuousClock.Instant = .now
    ) -> [Int32]? {
        guard count <= free.count || count <= availableCount(for: priority, now: now) else { return nil }
        return (0..<count).map { _ in
            let block = free.popLast() ?? evict()
            blocks[Int(block)].holders = 1
            blocks[Int(block)].priority = priority
            return block
        }
    }

    /// Gives back one hold of each of a sequence's blocks, which are in order.
    package mutating func release(_ held: some BidirectionalCollection<Int32>, now: ContinuousClock.Instant = .now) {
        for block in held.reversed() {
            blocks[Int(block)].holders -= 1
            guard blocks[Int(block)].holders == 0 else { continue }
            if blocks[Int(block)].content == nil {
                free.append(block)
            } else {
                blocks[Int(block)].lastUse = now
                append(block, to: blocks[Int(block)].priority == .interactive ? .live : .ordinary)
            }
        }
    }
}

// MARK: - Content

extension BlockAllocator {
    /// The block that holds `tokens` (a full block's) after those of `previous` and all before it, if there is one.
    package func find(_ tokens: ArraySlice<TokenID>, after previous: Int32) -> Int32? {
        known[Content(previous: previous, tokens: tokens)]
    }

    /// One more holder for a block that was found.
    package mutating func hold(_ block: Int32, for priority: RequestPriority) {
        if blocks[Int(block)].holders == 0 {
            unlink(block)
        }
        blocks[Int(block)].holders += 1
        if priority == .interactive { blocks[Int(block)].priority = .interactive }
    }

    /// Makes a full block's content known.
    ///
    /// - Parameters:
    ///   - tokens: The block's own.
    ///   - previous: The sequence's block before; it must be known itself, or ``noBlock``.
    /// - Returns: The block that the sequence holds from now on instead of `block`: another one if that content was known already.
    package mutating func publish(_ block: Int32, tokens: ArraySlice<TokenID>, after previous: Int32) -> Int32 {
        // The slice is copied: it must not keep the whole sequence alive.
        let content = Content(previous: previous, tokens: ArraySlice(Array(tokens)))
        if let twin = known[content] {
            hold(twin, for: blocks[Int(block)].priority)
            release(CollectionOfOne(block))
            return twin
        }
        known[content] = block
        blocks[Int(block)].content = content
        return block
    }

    /// Forgets the content of the least useful reusable block; there must be one.
    private mutating func evict() -> Int32 {
        guard let block = oldest(in: .ordinary) ?? oldest(in: .live) else { preconditionFailure("no reusable block") }
        unlink(block)
        if let content = blocks[Int(block)].content { known[content] = nil }
        blocks[Int(block)].content = nil
        return block
    }

    /// Takes blocks whose live window has passed out of protection.
    private mutating func expire(_ now: ContinuousClock.Instant) {
        while let block = oldest(in: .live), let lastUse = blocks[Int(block)].lastUse, lastUse.advanced(by: liveWindow) <= now {
            unlink(block)
            append(block, to: .ordinary)
        }
    }

    private func oldest(in list: List) -> Int32? {
        let block = orders[list.rawValue].oldest
        return block >= 0 ? block : nil
    }

    private mutating func append(_ block: Int32, to list: List) {
        let newest = orders[list.rawValue].newest
        blocks[Int(block)].list = list
        blocks[Int(block)].older = newest
        blocks[Int(block)].newer = -1
        if newest >= 0 { blocks[Int(newest)].newer = block } else { orders[list.rawValue].oldest = block }
        orders[list.rawValue].newest = block
        orders[list.rawValue].count += 1
    }

    private mutating func unlink(_ block: Int32) {
        let list = blocks[Int(block)].list.rawValue
        let (older, newer) = (blocks[Int(block)].older, blocks[Int(block)].newer)
        if older >= 0 { blocks[Int(older)].newer = newer } else { orders[list].oldest = newer }
        if newer >= 0 { blocks[Int(newer)].older = older } else { orders[list].newest = older }
        orders[list].count -= 1
    }
}
