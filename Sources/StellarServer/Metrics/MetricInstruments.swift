import Metrics
import Synchronization

/// A sum that only grows. Negative and non-finite amounts are ignored.
package final class CounterInstrument: CounterHandler, FloatingPointCounterHandler, Sendable {
    private let total = Mutex(0.0)

    package var value: Double { total.withLock { $0 } }

    package func increment(by amount: Int64) {
        increment(by: Double(amount))
    }

    package func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        total.withLock { $0 += amount }
    }

    package func reset() {
        total.withLock { $0 = 0 }
    }
}

/// A value that goes up and down.
package final class GaugeInstrument: MeterHandler, RecorderHandler, Sendable {
    private let current = Mutex(0.0)

    package var value: Double { current.withLock { $0 } }

    package func set(_ value: Int64) { set(Double(value)) }
    package func set(_ value: Double) { current.withLock { $0 = value } }
    package func increment(by amount: Double) { current.withLock { $0 += amount } }
    package func decrement(by amount: Double) { current.withLock { $0 -= amount } }
    package func record(_ value: Int64) { set(Double(value)) }
    package func record(_ value: Double) { set(value) }
}

/// Counts of observations by upper bound. An observation touches one bucket; the sums over buckets are taken when they are read.
package final class HistogramInstrument: RecorderHandler, TimerHandler, Sendable {
    package struct Snapshot: Sendable {
        /// Observations up to each bound; the last entry is +Inf, all of them.
        package var cumulative: [UInt64]
        package var sum: Double
    }

    /// Ascending, without +Inf.
    package let bounds: [Double]
    private let state: Mutex<(counts: [UInt64], sum: Double)>

    init(bounds: [Double]) {
        let finite = Set(bounds.filter(\.isFinite)).sorted()
        self.bounds = finite
        self.state = Mutex((Array(repeating: 0, count: finite.count + 1), 0))
    }

    package var snapshot: Snapshot {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        var running: UInt64 = 0
        let cumulative = counts.map { count in
            running &+= count
            return running
        }
        return Snapshot(cumulative: cumulative, sum: sum)
    }

    package func observe(_ value: Double, times: Int = 1) {
        guard !value.isNaN, times > 0 else { return }
        let bucket = firstBucket(holding: value)
        state.withLock {
            $0.counts[bucket] &+= UInt64(times)
            $0.sum += value * Double(times)
        }
    }

    package func record(_ value: Int64) { observe(Double(value)) }
    package func record(_ value: Double) { observe(value) }
    package func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1e9) }

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
