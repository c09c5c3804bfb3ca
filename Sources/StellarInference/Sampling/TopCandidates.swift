import HeapModule

/// The greatest of many values, without sorting them all: O(n + changes · log count).
struct TopCandidates {
    struct Candidate: Comparable {
        let token: Int
        let value: Float

        /// Lower value first; of equal values the higher id, so that the lower id wins.
        static func < (left: Candidate, right: Candidate) -> Bool {
            left.value != right.value ? left.value < right.value : left.token > right.token
        }
    }

    /// Greatest first; of equal values the lower id first. NaN is never among them.
    let candidates: [Candidate]

    init(_ values: UnsafeMutableBufferPointer<Float>, count: Int) {
        var heap = Heap<Candidate>()
        for index in values.indices {
            let candidate = Candidate(token: index, value: values[index])
            if candidate.value.isNaN { continue }
            if heap.count < count {
                heap.insert(candidate)
            } else if let least = heap.min, least < candidate {
                heap.replaceMin(with: candidate)
            }
        }
        candidates = heap.unordered.sorted(by: >)
    }
}
