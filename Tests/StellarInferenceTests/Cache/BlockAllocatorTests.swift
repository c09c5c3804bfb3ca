import StellarInference
import Testing

@Suite("Block allocator")
struct BlockAllocatorTests {
    private let size = KVCache.blockTokens
    private let start = ContinuousClock.now

    private func tokens(_ seed: Int) -> ArraySlice<TokenID> { (0..<size).map { TokenID(seed * 100 + $0) }[...] }

    private func allocate(_ allocator: inout BlockAllocator, _ count: Int, _ priority: RequestPriority = .interactive) throws -> [Int32] {
        let blocks = allocator.allocate(count, for: priority, now: start)
        return try #require(blocks)
    }

    /// A chain of published blocks, held once.
    private func chain(_ allocator: inout BlockAllocator, _ seeds: [Int], _ priority: RequestPriority = .interactive) throws -> [Int32] {
        var blocks = try allocate(&allocator, seeds.count, priority)
        for index in seeds.indices {
            let previous = index > 0 ? blocks[index - 1] : BlockAllocator.noBlock
            blocks[index] = allocator.publish(blocks[index], tokens: tokens(seeds[index]), after: previous)
        }
        return blocks
    }

    private func find(_ allocator: BlockAllocator, _ seeds: [Int]) -> [Int32] {
        var found: [Int32] = []
        for seed in seeds {
            guard let block = allocator.find(tokens(seed), after: found.last ?? BlockAllocator.noBlock) else { break }
            found.append(block)
        }
        return found
    }

    @Test("a block is found by its tokens and all before them, as long as its memory is not needed")
    func finding() throws {
        var allocator = BlockAllocator(blockCount: 4)
        let blocks = try chain(&allocator, [1, 2, 3])
        #expect(find(allocator, [1, 2, 3]) == blocks)
        #expect(find(allocator, [2, 3]).isEmpty)
        #expect(find(allocator, [1, 3]) == [blocks[0]])
        allocator.release(blocks)
        #expect((allocator.usedCount, allocator.reusableCount) == (0, 3))
        #expect(find(allocator, [1, 2, 3]) == blocks)
    }

    @Test("what is used least recently goes first, a conversation from its end, and what is held never")
    func eviction() throws {
        var allocator = BlockAllocator(blockCount: 5)
        let old = try chain(&allocator, [1, 2])
        allocator.release(old)
        let new = try chain(&allocator, [7, 8])
        allocator.release(new)
        let first = try allocate(&allocator, 2)
        #expect(find(allocator, [1, 2]) == [old[0]], "its end went, its beginning stays")
        #expect(find(allocator, [7, 8]) == new)
        for block in new { allocator.hold(block, for: .interactive) }
        #expect(allocator.allocate(2) == nil)
        #expect(find(allocator, [1]) == [old[0]], "a refusal changes nothing")
        let second = try allocate(&allocator, 1)
        #expect(find(allocator, [1]).isEmpty)
        #expect(Set(first + second + new).count == 5)
        allocator.release(new)
        allocator.release(first + second)
        #expect((allocator.usedCount, allocator.reusableCount) == (0, 2))
    }

    @Test("use makes a conversation young again")
    func recency() throws {
        var allocator = BlockAllocator(blockCount: 4)
        let first = try chain(&allocator, [1, 2])
        allocator.release(first)
        allocator.release(try chain(&allocator, [3, 4]))
        for block in first { allocator.hold(block, for: .interactive) }
        allocator.release(first)
        _ = allocator.allocate(2)
        #expect(find(allocator, [1, 2]).count == 2)
        #expect(find(allocator, [3, 4]).isEmpty)
    }

    @Test("the same content computed twice is kept once, and both go on with it")
    func twins() throws {
        var allocator = BlockAllocator(blockCount: 6)
        let first = try chain(&allocator, [1, 2])
        let second = try chain(&allocator, [1, 2, 3])
        #expect(second.prefix(2) == first.prefix(2))
        #expect(allocator.usedCount == 3)
        allocator.release(first)
        #expect((allocator.usedCount, allocator.reusableCount) == (3, 0))
        #expect(find(allocator, [1, 2, 3]) == second)
        allocator.release(second)
        #expect((allocator.usedCount, allocator.reusableCount) == (0, 3))
    }

    @Test("background requests take each other's memory, and an interactive one's only after its live window")
    func priorities() throws {
        var allocator = BlockAllocator(blockCount: 6, liveWindow: .seconds(60))
        allocator.release(try chain(&allocator, [1, 2, 3]), now: start)
        allocator.release(try chain(&allocator, [4, 5, 6], .background), now: start)
        #expect(allocator.availableCount(for: .background, now: start) == 3)
        #expect(allocator.availableCount(for: .interactive, now: start) == 6)
        #expect(allocator.allocate(4, for: .background, now: start) == nil)
        let taken = try allocate(&allocator, 3, .background)
        #expect(find(allocator, [1, 2, 3]).count == 3)
        #expect(allocator.nextExpiry == start.advanced(by: .seconds(60)))
        #expect(allocator.availableCount(for: .background, now: start.advanced(by: .seconds(60))) == 3)
        allocator.release(taken)
    }
}
