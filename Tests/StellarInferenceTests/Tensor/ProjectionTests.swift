import StellarInference
import Synchronization
import Testing

@Suite("Division of products among workers")
struct ProjectionTests {
    private final class Memory: Sendable {}

    /// Its numbers are never read.
    private func projection(_ outputs: [Int]) throws -> Projection {
        let nowhere = try #require(UnsafeRawPointer(bitPattern: 64))
        return Projection(outputs.map { WeightMatrix(outputs: $0, inputs: 8, type: .f32, base: nowhere, owner: Memory()) })
    }

    @Test(
        "every output is computed once, in ranges that begin with a panel of weights or a matrix",
        arguments: [[576], [576, 192, 192], [1], [32], [33], [5, 70, 33], [49_152]],
        [1, 2, 3, 8]
    )
    func coverage(outputs: [Int], workers: Int) throws {
        let projection = try projection(outputs)
        let starts = outputs.reduce(into: [0]) { starts, count in starts.append((starts.last ?? 0) + count) }
        let pool = ComputePool(workerCount: workers)
        defer { pool.stop() }
        let taken = Atomic<Int>(0)
        let ranges = Mutex<[Range<Int>]>([])
        for _ in 0..<20 {
            ranges.withLock { $0.removeAll() }
            pool.run { worker in
                projection.forEachRange(worker: worker, of: workers, taken: taken) { range in ranges.withLock { $0.append(range) } }
            }
            let sorted = ranges.withLock { $0.sorted { $0.lowerBound < $1.lowerBound } }
            #expect(sorted.first?.lowerBound == 0 && sorted.last?.upperBound == projection.outputs)
            #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
            for border in sorted.map(\.lowerBound) {
                let start = starts.last { $0 <= border } ?? 0
                #expect((border - start) % 32 == 0)
            }
        }
    }

    @Test("a worker that is held up leaves the pieces to the others", arguments: [2, 3])
    func heldUp(workers: Int) throws {
        let projection = try projection([3_072])
        let pool = ComputePool(workerCount: workers)
        defer { pool.stop() }
        let taken = Atomic<Int>(0)
        let othersDone = Atomic<Int>(0)
        let ranges = Mutex<[[Range<Int>]]>(Array(repeating: [], count: workers))
        pool.run { worker in
            projection.forEachRange(worker: worker, of: workers, taken: taken) { range in
                ranges.withLock { $0[worker].append(range) }
                while worker == 0, othersDone.load(ordering: .acquiring) < workers - 1 {}
            }
            if worker > 0 { othersDone.add(1, ordering: .releasing) }
        }
        let counts = ranges.withLock { $0.map(\.count) }
        #expect(counts[0] == 1)
        #expect(counts.reduce(0, +) == 3 * workers)
    }
}
