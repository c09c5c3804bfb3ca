import CStellarKernels
import Dispatch
import Foundation
import Synchronization

/// A fixed set of threads that run the same code on different shares of the work, with barriers in between (SPMD).
///
/// The thread that calls ``run(_:)`` is worker 0. The others spin for a moment when they have nothing to do, then park, so that an idle
/// pool uses no CPU.
///
/// Thread contract: `run` is called by one thread at a time; `barrier` only from inside `run`, by every worker the same number of times.
package final class ComputePool: @unchecked Sendable {
    // @unchecked: `job` is the only unprotected state. It is written by the caller of `run` before `generation` is released and read by
    // workers after they acquired it; `pending` orders the other direction.

    /// Threads that share the work, the caller's included.
    package let workerCount: Int

    private typealias Job = @Sendable (Int) -> Void

    /// How often an idle worker looks for work before it parks: about 100 µs.
    private static let spinLimit = 2_000
    /// How often a waiting thread spins before it gives its time slice to others.
    private static let yieldLimit = 2_000

    private let generation = Atomic<Int>(0)
    private let pending = Atomic<Int>(0)
    private let stopping = Atomic<Bool>(false)
    private let barrierCount = Atomic<Int>(0)
    private let barrierGeneration = Atomic<Int>(0)
    private let seats: [Seat]
    private var job: Job?

    /// Where one worker parks.
    private final class Seat: Sendable {
        let parked = Atomic<Bool>(false)
        let semaphore = DispatchSemaphore(value: 0)
    }

    package init(workerCount: Int) {
        self.workerCount = max(1, workerCount)
        seats = (1..<max(2, workerCount + 1)).dropLast().map { _ in Seat() }
        for (index, seat) in seats.enumerated() {
            start(worker: index + 1, seat: seat)
        }
    }

    /// Ends the threads. No `run` may follow.
    package func stop() {
        stopping.store(true, ordering: .relaxed)
        publish()
    }

    /// Runs `body` once on every worker, with the worker's number, and returns when all are done.
    package func run(_ body: @Sendable (_ worker: Int) -> Void) {
        guard workerCount > 1 else { return body(0) }
        withoutActuallyEscaping(body) { body in
            job = body
            pending.store(workerCount - 1, ordering: .relaxed)
            publish()
            body(0)
            wait { pending.load(ordering: .acquiring) == 0 }
            job = nil
        }
    }

    /// Waits until every worker is here; what they wrote before is visible to all after.
    package func barrier() {
        guard workerCount > 1 else { return }
        let current = barrierGeneration.load(ordering: .relaxed)
        if barrierCount.add(1, ordering: .acquiringAndReleasing).newValue == workerCount {
            barrierCount.store(0, ordering: .relaxed)
            barrierGeneration.add(1, ordering: .releasing)
        } else {
            wait { barrierGeneration.load(ordering: .acquiring) != current }
        }
    }

    /// The share of `count` items that belongs to `worker`: contiguous, in multiples of `granularity`, all shares about equal.
    package func share(of count: Int, worker: Int, granularity: Int = 1) -> Range<Int> {
        let grains = (count + granularity - 1) / granularity
        let start = min(count, grains * worker / workerCount * granularity)
        let end = min(count, grains * (worker + 1) / workerCount * granularity)
        return start..<end
    }

    private func publish() {
        generation.add(1, ordering: .sequentiallyConsistent)
        for seat in seats where seat.parked.exchange(false, ordering: .sequentiallyConsistent) {
            seat.semaphore.signal()
        }
    }

    private func start(worker: Int, seat: Seat) {
        let thread = Thread { [self] in work(as: worker, seat: seat) }
        thread.name = "stellar-compute-\(worker)"
        thread.stackSize = 1 << 20
        thread.start()
    }

    private func work(as worker: Int, seat: Seat) {
        var seen = 0
        while true {
            awaitGeneration(after: seen, seat: seat)
            seen += 1
            if stopping.load(ordering: .relaxed) { return }
            job?(worker)
            pending.subtract(1, ordering: .acquiringAndReleasing)
        }
    }

    private func awaitGeneration(after seen: Int, seat: Seat) {
        var spins = 0
        while generation.load(ordering: .acquiring) == seen {
            spins += 1
            if spins < Self.spinLimit {
                stellar_cpu_relax()
                continue
            }
            seat.parked.store(true, ordering: .sequentiallyConsistent)
            let isStillIdle = generation.load(ordering: .sequentiallyConsistent) == seen
            // If the flag is gone, `publish` has taken it and a signal is under way that must be consumed.
            if isStillIdle || !seat.parked.exchange(false, ordering: .sequentiallyConsistent) {
                seat.semaphore.wait()
            }
            spins = 0
        }
    }

    private func wait(until condition: () -> Bool) {
        var spins = 0
        while !condition() {
            spins += 1
            if spins < Self.yieldLimit { stellar_cpu_relax() } else { sched_yield() }
        }
    }
}
