import Metrics
import Synchronization

/// A sum that only grows. Negative and non-finite amounts are ignored.
final class CounterInstrument: CounterHandler, FloatingPointCounterHandler, Sendable {
    private let total = Mutex(0.0)

    var value: Double { total.withLock { $0 } }

    func increment(by amount: Int64) {
        increment(by: Double(amount))
    }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        total.withLock { $0 += amount }
    }

    func reset() {
        total.withLock { $0 = 0 }
    }
}

/// A value that goes up and down.
final class GaugeInstrument: MeterHandler, RecorderHandler, Sendable {
    private let current = Mutex(0.0)

    var value: Double { current.withLock { $0 } }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { current.withLock { $0 = value } }
    func increment(by amount: Double) { current.withLock { $0 += amount } }
    func decrement(by amount: Double) { current.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
}

/// Counts of observations by upper bound. An observation touches one bucket; the sums over buckets are taken when they are read.
final class HistogramInstrument: RecorderHandler, TimerHandler, Sendable {
    struct Snapshot: Sendable {
        /// Observations up to each bound; the last entry is +Inf, all of them.
        var cumulative: [UInt64]
        var sum: Double
    }

    /// Ascending, without +Inf.
    let bounds: [Double]
    private let state: Mutex<(counts: [UInt64], sum: Double)>

    init(bounds: [Double]) {
        let finite = Set(bounds.filter(\.isFinite)).sorted()
        self.bounds = finite
        self.state = Mutex((Array(repeating: 0, count: finite.count + 1), 0))
    }

    var snapshot: Snapshot {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        var running: UInt64 = 0
        let cumulative = counts.map { count in
            running &+= count
            return running
        }
        return Snapshot(cumulative: cumulative, sum: sum)
    }

    func observe(_ value: Double) {
        guard !value.isNaN else { return }
        let bucket = firstBucket(holding: value)
        state.withLock {
            $0.counts[bucket] &+= 1
            $0.sum += value
        }
    }

    func record(_ value: Int64) { observe(Double(value)) }
    func record(_ value: Double) { observe(value) }
    func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1e9) }

    /// Binary search for the first bound that is not below `value`; the count of bounds (+Inf) if there is none.
    private func firstBucket(holding value: Double) -> Int {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
