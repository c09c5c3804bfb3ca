import Foundation
import StellarInference
import StellarTestSupport
import Testing

@Suite("Dealing out attention")
struct AttentionPlanTests {
    private struct Unit: Hashable {
        var tile: Int
        var head: Int
        var partition: Int
    }

    private func plan(_ segments: [(rows: Int, start: Int)], heads: Int, workers: Int) -> AttentionPlan {
        var plan = AttentionPlan()
        var row = 0
        for (index, segment) in segments.enumerated() {
            plan.append(segment: index, rows: row..<row + segment.rows, start: segment.start)
            row += segment.rows
        }
        plan.deal(heads: heads, workers: workers)
        return plan
    }

    @Test("every partition of every head of every tile is computed once, and shared heads know their workers")
    func complete() throws {
        var random = RandomSource(seed: 5)
        for _ in 0..<300 {
            let segments = (0..<Int(random.uniform() * 6) + 1).map { _ in
                (rows: Int(random.uniform() * 40) + 1, start: Int(random.uniform() * 3_000))
            }
            let (heads, workers) = (Int(random.uniform() * 5) + 1, Int(random.uniform() * 7) + 1)
            let plan = plan(segments, heads: heads, workers: workers)
            let expected = plan.tiles.indices.reduce(0) { $0 + plan.tiles[$1].partitions * heads }
            var units: Set<Unit> = []
            var owners: [Int: Int] = [:]
            for list in plan.items {
                for item in list {
                    #expect(!item.partitions.isEmpty)
                    for partition in item.partitions { units.insert(Unit(tile: item.tile, head: item.head, partition: partition)) }
                    if let slot = item.slot {
                        owners[slot, default: 0] += 1
                        #expect(plan.shared[slot].tile == item.tile && plan.shared[slot].head == item.head)
                    } else {
                        #expect(item.partitions == 0..<plan.tiles[item.tile].partitions)
                    }
                }
            }
            #expect(units.count == expected)
            #expect(plan.items.joined().reduce(0) { $0 + $1.partitions.count } == expected)
            #expect(plan.shared.count < max(2, workers))
            for (slot, shared) in plan.shared.enumerated() { #expect(owners[slot] == shared.workers) }
        }
    }

    @Test("one long sequence is spread evenly, also where the heads can't be")
    func even() {
        let plan = plan([(rows: 1, start: 8_191)], heads: 3, workers: 2)
        #expect(plan.items.map { $0.reduce(0) { $0 + $1.partitions.count } } == [48, 48])
    }

    @Test("results do not depend on the number of workers, nor on the chunks, bit for bit", .enabled(if: TestModel.isAvailable))
    func independent() async throws {
        let model = try await LanguageModel.load(path: TestModel.path)
        var random = RandomSource(seed: 9)
        let tokens = (0..<1_300).map { _ in TokenID(1_000 + Int(random.uniform() * 30_000)) }
        var results: Set<[UInt32]> = []
        for (threads, chunk) in [(1, 512), (2, 512), (2, 20), (3, 100), (5, 333)] {
            let pass = try ForwardPass(model, threads: threads, usesBLAS: false, fullPrecisionCache: false)
            results.insert(try pass.logits(after: tokens, chunk: chunk).map(\.bitPattern))
        }
        let pass = try ForwardPass(model, threads: 2, usesBLAS: false, fullPrecisionCache: false)
        let blocks = try pass.blocks(for: tokens.count)
        var last: [UInt32] = []
        for range in [0..<512, 512..<1_024, 1_024..<1_290] + (1_290..<1_300).map({ $0..<$0 + 1 }) {
            let segment = Batch.Segment(tokens: Array(tokens[range]), start: range.lowerBound, blocks: blocks, wantsLogits: true)
            last = pass.transformer.forward(Batch(segments: [segment])).map(\.bitPattern)
        }
        results.insert(last)
        #expect(results.count == 1)
    }
}
