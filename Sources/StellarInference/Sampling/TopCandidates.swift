import HeapModule

/// A token with its logit or probability.
struct Candidate: Comparable, Sendable {
    let token: Int
    let value: Float

    /// Lower value first; of equal values the higher id, so that the lower id wins.
    static func < (left: Candidate, right: Candidate) -> Bool {
        left.value != right.value ? left.value < right.value : left.token > right.token
    }
}

/// The greatest of many values, without sorting them all: O(n + changes · log count).
struct TopCandidates {
    /// Greatest first; of equal values the lower id first. NaN is never among them.
    let candidates: [Candidate]

    init(_ values: UnsafeMutableBufferPointer<Float>, count: Int) {
        var heap = Heap<Candidate>()
        values.forEachCandidate(above: -.infinity) { candidate in
            if heap.count < count {
                heap.insert(candidate)
            } else if let least = heap.min, least < candidate {
                heap.replaceMin(with: candidate)
            }
            return heap.count < count ? -.infinity : heap.min?.value ?? .infinity
        }
        candidates = heap.unordered.sorted(by: >)
    }
}

extension UnsafeMutableBufferPointer<Float> {
    /// Passes on the values that are not below a threshold, which each call may raise by what it returns; in order of their ids.
    func forEachCandidate(above start: Float, _ body: (Candidate) -> Float) {
        guard let base = baseAddress else { return }
        var threshold = start
        var index = 0
        while index < count {
            let end = Swift.min(index + 16, count)
            if end - index == 16 {
                let values = UnsafeRawPointer(base + index).loadUnaligned(as: SIMD16<Float>.self)
                if !any(values .>= threshold) {
                    index = end
                    continue
                }
            }
            for place in index..<end where base[place] >= threshold {
                threshold = body(Candidate(token: place, value: base[place]))
            }
            index = end
        }
    }
}
