import StellarInference
import Testing

@Suite("Scheduler")
struct SchedulerTests {
    private func scheduler(maxBatch: Int = 4, prefillChunk: Int = 64, blocks: Int = 64) -> Scheduler {
        Scheduler(limits: .init(maxBatch: maxBatch, prefillChunk: prefillChunk), blockCount: blocks)
    }

    @Test("a prompt is cut at multiples of the chunk, and only its last segment completes the sequence")
    func chunks() {
        var scheduler = scheduler()
        scheduler.enqueue(1, promptTokens: 150, reserve: 160)
        let segments = (0..<4).map { _ in scheduler.plan() }
        #expect(segments.map { $0.map(\.range) } == [[0..<64], [64..<128], [128..<150], []])
        #expect(segments.flatMap { $0.map(\.completesSequence) } == [false, false, true])
    }

    @Test("a sequence is cut at the same places alone and among others", arguments: [1, 2, 3])
    func cutsDoNotDependOnOthers(others: Int) {
        var alone = scheduler(blocks: 1_000)
        alone.enqueue(9, promptTokens: 200, reserve: 210)
        let expected = (0..<4).flatMap { _ in alone.plan() }.map(\.range)

        var crowded = scheduler(blocks: 1_000)
        for other in 0..<others { crowded.enqueue(UInt64(other), promptTokens: 30 + 40 * other, reserve: 300) }
        crowded.enqueue(9, promptTokens: 200, reserve: 210)
        let ranges = (0..<20).flatMap { _ in crowded.plan() }.filter { $0.id == 9 }.map(\.range)
        #expect(ranges == expected)
    }

    @Test("sampled tokens are processed one a step, before prompt chunks")
    func decodesComeFirst() {
        var scheduler = scheduler()
        scheduler.enqueue(1, promptTokens: 10, reserve: 20)
        #expect(scheduler.plan().map(\.id) == [1])
        scheduler.extend(1)
        scheduler.enqueue(2, promptTokens: 50, reserve: 60)
        let plan = scheduler.plan()
        #expect(plan.map(\.id) == [1, 2])
        #expect(plan.map(\.range) == [10..<11, 0..<50])
    }

    @Test("one step takes at most one chunk of prompt tokens, in order of arrival")
    func promptBudget() {
        var scheduler = scheduler()
        for id in 1...3 { scheduler.enqueue(UInt64(id), promptTokens: 40, reserve: 50) }
        #expect(scheduler.plan().map(\.id) == [1])
        #expect(scheduler.plan().map(\.id) == [2])
        #expect(scheduler.plan().map(\.id) == [3])
    }

    @Test("a request waits for a place and for blocks, and gets those of one that was removed")
    func admission() {
        var scheduler = scheduler(maxBatch: 2, blocks: 4)
        scheduler.enqueue(1, promptTokens: 32, reserve: 64)
        scheduler.enqueue(2, promptTokens: 32, reserve: 96)
        #expect(scheduler.plan().map(\.id) == [1])
        #expect((scheduler.runningCount, scheduler.waitingCount, scheduler.usedBlocks) == (1, 1, 2))
        scheduler.remove(1)
        #expect(scheduler.plan().map(\.id) == [2])
        #expect((scheduler.runningCount, scheduler.waitingCount, scheduler.usedBlocks) == (1, 0, 3))
    }

    @Test("removing a waiting or unknown sequence frees nothing that others hold")
    func removeWaiting() {
        var scheduler = scheduler(maxBatch: 1)
        scheduler.enqueue(1, promptTokens: 10, reserve: 32)
        scheduler.enqueue(2, promptTokens: 10, reserve: 32)
        _ = scheduler.plan()
        scheduler.remove(2)
        scheduler.remove(77)
        #expect((scheduler.runningCount, scheduler.waitingCount, scheduler.usedBlocks) == (1, 0, 1))
    }

    @Test("random traffic never gives one block to two sequences, and all blocks come back")
    func blocksAreExclusive() {
        var random = RandomSource(seed: 7)
        var scheduler = scheduler(maxBatch: 5, prefillChunk: 48, blocks: 30)
        var alive: Set<UInt64> = []
        for round in 1...2_000 {
            if random.next() % 3 == 0 {
                let prompt = Int(random.next() % 200) + 1
                scheduler.enqueue(UInt64(round), promptTokens: prompt, reserve: min(960, prompt + Int(random.next() % 100)))
                alive.insert(UInt64(round))
            }
            let plan = scheduler.plan()
            let blocks = plan.flatMap(\.blocks)
            #expect(Set(blocks).count == blocks.count)
            for segment in plan {
                #expect(segment.range.upperBound <= segment.blocks.count * KVCache.blockTokens)
                if segment.completesSequence && random.next() % 4 == 0 {
                    scheduler.remove(segment.id)
                    alive.remove(segment.id)
                }
            }
            if random.next() % 5 == 0, let victim = alive.randomElement(using: &random) {
                scheduler.remove(victim)
                alive.remove(victim)
            }
        }
        for id in alive { scheduler.remove(id) }
        #expect(scheduler.usedBlocks == 0)
        #expect(scheduler.runningCount + scheduler.waitingCount == 0)
    }
}
