import CStellarKernels
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
        let dealer = PieceDealer(workerCount: workers)
        let ranges = Mutex<[Range<Int>]>([])
        for _ in 0..<20 {
            ranges.withLock { $0.removeAll() }
            pool.run { worker in
                projection.forEachRange(worker: worker, of: workers, dealer: dealer) { range in ranges.withLock { $0.append(range) } }
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

    @Test("a worker that is held up leaves the small pieces of its part to the others", arguments: [2, 3])
    func heldUp(workers: Int) throws {
        let projection = try projection([3_072])
        let pool = ComputePool(workerCount: workers)
        defer { pool.stop() }
        let dealer = PieceDealer(workerCount: workers)
        let isHeldUp = Atomic<Bool>(false)
        let othersDone = Atomic<Int>(0)
        let ranges = Mutex<[[Range<Int>]]>(Array(repeating: [], count: workers))
        pool.run { worker in
            while worker > 0, !isHeldUp.load(ordering: .acquiring) {}
            projection.forEachRange(worker: worker, of: workers, dealer: dealer) { range in
                ranges.withLock { $0[worker].append(range) }
                isHeldUp.store(true, ordering: .releasing)
                while worker == 0, othersDone.load(ordering: .acquiring) < workers - 1 {}
            }
            if worker > 0 { othersDone.add(1, ordering: .releasing) }
        }
        let taken = ranges.withLock { $0 }
        let part = projection.outputs / workers
        #expect(taken[0] == [0..<part / 4 * 3])
        #expect(taken.dropFirst().joined().reduce(0) { $0 + $1.count } == projection.outputs - part / 4 * 3)
    }
}

@Suite("Pieces of work dealt out to workers")
struct PieceDealerTests {
    private struct Piece: Hashable {
        var owner: Int
        var number: Int
    }

    /// What one worker gets.
    private func deal(_ dealer: PieceDealer, to worker: Int, pieces: Int) -> [Piece] {
        var taken: [Piece] = []
        dealer.deal(to: worker, pieces: pieces) { taken.append(Piece(owner: $0, number: $1)) }
        return taken
    }

    @Test("a worker gets its own pieces first, in their order, then those of the workers after it")
    func order() {
        let dealer = PieceDealer(workerCount: 3)
        for round in 0..<600 {
            let pieces = 1 + round % 3
            let first = round % 3
            let expected = (first..<first + 3).flatMap { owner in (0..<pieces).map { Piece(owner: owner % 3, number: $0) } }
            #expect(deal(dealer, to: first, pieces: pieces) == expected)
            for other in [(first + 1) % 3, (first + 2) % 3] { #expect(deal(dealer, to: other, pieces: pieces).isEmpty) }
        }
    }

    @Test("every piece goes to one worker, whatever the workers' pace", arguments: [2, 3, 8])
    func onceEach(workers: Int) {
        let pool = ComputePool(workerCount: workers)
        defer { pool.stop() }
        let dealer = PieceDealer(workerCount: workers)
        let taken = Mutex<[Piece]>([])
        let pieces = 5
        let all = Set((0..<workers).flatMap { owner in (0..<pieces).map { Piece(owner: owner, number: $0) } })
        for round in 0..<200 {
            pool.run { worker in
                dealer.deal(to: worker, pieces: pieces) { owner, number in
                    taken.withLock { $0.append(Piece(owner: owner, number: number)) }
                    if worker == round % workers { for _ in 0..<50 { stellar_cpu_relax() } }
                }
            }
            let found = taken.withLock { taken in
                defer { taken = [] }
                return taken
            }
            #expect(found.count == all.count && Set(found) == all)
        }
    }
}
