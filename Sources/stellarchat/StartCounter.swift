import Synchronization

/// Counts the sequences that have generated their first token.
final class StartCounter: Sendable {
    private let begun = Atomic<Int>(0)
    private let wanted: Int

    init(waitingFor wanted: Int) { self.wanted = wanted }

    func begin() { begun.add(1, ordering: .relaxed) }

    var allHaveBegun: Bool { begun.load(ordering: .relaxed) >= wanted }
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same prompts for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
