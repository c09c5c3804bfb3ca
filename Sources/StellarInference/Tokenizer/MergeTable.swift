/// The merges of a byte-pair vocabulary: which pairs of tokens become which token, and in which order.
struct MergeTable: Sendable {
    /// What a pair becomes: the rank (lower ones are merged first) in the upper half, the new token in the lower.
    struct Merge: Sendable, Equatable {
        static let none = Merge(bits: .max)
        fileprivate(set) var bits: UInt64

        var rank: UInt64 { bits >> 32 }
        var token: TokenID { TokenID(truncatingIfNeeded: bits) }
    }

    private struct Entry: Sendable {
        var pair: UInt64
        var merge: Merge
    }

    private static let freePair = UInt64.max
    /// Open addressing; a power of two in size, at most half full.
    private var entries: [Entry]
    private let shift: UInt64
    /// Odd and random, so that no file can be made that fills one chain.
    private let multiplier: UInt64 = .random(in: .min ... .max) | 1

    /// - Throws: ``InferenceError`` `unsupportedModel`: ranks share 64 bits with positions where long pieces are merged.
    static func empty(for count: Int) throws(InferenceError) -> MergeTable {
        guard count < 1 << 24 else {
            throw InferenceError(.unsupportedModel, "The model's tokenizer has \(count) merges; 2^24 are too many.")
        }
        return MergeTable(capacity: count)
    }

    init(capacity: Int) {
        var bits: UInt64 = 4
        while 1 << bits < capacity * 2 { bits += 1 }
        shift = 64 - bits
        entries = [Entry](repeating: Entry(pair: Self.freePair, merge: .none), count: 1 << Int(bits))
    }

    /// At most `capacity` times. A pair that is there already gets the new merge.
    mutating func insert(_ left: TokenID, _ right: TokenID, rank: Int, token: TokenID) {
        let pair = Self.pair(left, right)
        let slot = slot(of: pair)
        entries[slot] = Entry(pair: pair, merge: Merge(bits: UInt64(rank) << 32 | UInt64(UInt32(bitPattern: token))))
    }

    /// What the pair becomes, or ``Merge/none``.
    @inline(__always)
    func merge(_ left: TokenID, _ right: TokenID) -> Merge {
        entries[slot(of: Self.pair(left, right))].merge
    }

    @inline(__always)
    private static func pair(_ left: TokenID, _ right: TokenID) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    @inline(__always)
    private func slot(of pair: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: (pair &* multiplier) >> shift)
        while entries[slot].pair != pair, entries[slot].pair != Self.freePair { slot = (slot + 1) & (entries.count - 1) }
        return slot
    }
}
