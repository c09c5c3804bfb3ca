/// Memory for a model's packed weights, handed out in the order of use, so that a pass walks through it from one end to the other.
///
/// Taken from the system in large pieces: small matrices share huge pages. Thread contract: one thread at a time.
package final class WeightArena {
    private var piece: AlignedBuffer?
    private var used = 0

    /// Much larger than a huge page, so that little is left over at its end; what is not written costs nothing.
    private static let pieceBytes = 256 << 20

    package init() {}

    /// A part of a piece. `@unchecked Sendable`: workers write disjoint parts of it before it is shared, none after.
    struct Part: @unchecked Sendable {
        let base: UnsafeMutableRawPointer
        let owner: AlignedBuffer
    }

    /// Zeroed memory that begins at a cache line, with what keeps it.
    ///
    /// - Throws: ``InferenceError`` `outOfMemory`.
    func allocate(_ byteCount: Int, purpose: String) throws(InferenceError) -> Part {
        let size = (byteCount + 63) / 64 * 64
        if let piece, piece.byteCount - used >= size {
            defer { used += size }
            return Part(base: piece.base + used, owner: piece)
        }
        let fresh = try AlignedBuffer(byteCount: max(size, Self.pieceBytes), purpose: purpose)
        piece = fresh
        used = size
        return Part(base: fresh.base, owner: fresh)
    }
}
