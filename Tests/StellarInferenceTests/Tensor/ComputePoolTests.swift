import StellarInference
import Synchronization
import Testing

@Suite("Compute pool")
struct ComputePoolTests {
    @Test("every worker runs a job once", arguments: [1, 2, 5])
    func runsOnce(workers: Int) {
        let pool = ComputePool(workerCount: workers)
        defer { pool.stop() }
        for _ in 0..<500 {
            let seen = Mutex<[Int]>([])
            pool.run { worker in seen.withLock { $0.append(worker) } }
            #expect(seen.withLock { $0.sorted() } == Array(0..<workers))
        }
    }

    @Test("no worker passes a barrier before all have reached it", arguments: [2, 4])
    func barriers(workers: Int) {
        let pool = ComputePool(workerCount: workers)
        defer { pool.stop() }
        let arrivals = Atomic<Int>(0)
        let early = Atomic<Int>(0)
        pool.run { _ in
            for round in 1...300 {
                arrivals.add(1, ordering: .relaxed)
                pool.barrier()
                if arrivals.load(ordering: .relaxed) < round * workers { early.add(1, ordering: .relaxed) }
                pool.barrier()
            }
        }
        #expect(early.load(ordering: .relaxed) == 0)
        #expect(arrivals.load(ordering: .relaxed) == 300 * workers)
    }

    @Test("shares cover all items once, in multiples of the granularity", arguments: [0, 1, 15, 16, 17, 960, 1_001])
    func shares(count: Int) {
        let pool = ComputePool(workerCount: 3)
        defer { pool.stop() }
        let shares = (0..<3).map { pool.share(of: count, worker: $0, granularity: 16) }
        #expect(shares.flatMap { Array($0) } == Array(0..<count))
        #expect(shares.allSatisfy { $0.lowerBound % 16 == 0 || $0.isEmpty })
    }

    @Test("workers that have parked wake up for the next job")
    func parking() async throws {
        let pool = ComputePool(workerCount: 2)
        defer { pool.stop() }
        for _ in 0..<5 {
            try await Task.sleep(for: .milliseconds(20))
            let sum = Atomic<Int>(0)
            pool.run { worker in sum.add(worker + 1, ordering: .relaxed) }
            #expect(sum.load(ordering: .relaxed) == 3)
        }
    }
}
