import Foundation

/// Memory of its own for tensors: zeroed, given back when the last owner is gone.
///
/// Pages are only taken from the system when first written, so a large reserve that is never used costs nothing. From 2 MiB on it is
/// aligned to, and where the system can made of, huge pages: reading weights in 4 KiB pages costs a third of the memory's speed.
package final class AlignedBuffer: @unchecked Sendable {
    // @unchecked: the address never changes; who may write which part and when is up to the owner (see each owner's contract).
    package let base: UnsafeMutableRawPointer
    package let byteCount: Int
    private let mapping: UnsafeMutableRawBufferPointer

    private static let hugePage = 1 << 21

    /// - Parameter hugePages: Whether it may be made of huge pages; not for memory of which only a small part may be used.
    /// - Throws: ``InferenceError`` `outOfMemory`.
    package init(byteCount: Int, purpose: String, hugePages: Bool = true) throws(InferenceError) {
        let size = max(byteCount, 1)
        let isLarge = hugePages && size >= Self.hugePage
        let mapped = size.addingReportingOverflow(isLarge ? Self.hugePage : 0)
        let address =
            mapped.overflow
            ? nil : mmap(nil, mapped.partialValue, PROT_READ | PROT_WRITE, MAP_PRIVATE | Self.anonymous | Self.noReserve, -1, 0)
        guard let address, address != MAP_FAILED else {
            throw InferenceError(
                .outOfMemory,
                "Could not get \(size / 1_048_576) MiB of memory for \(purpose). Use a smaller model, CONTEXT_LENGTH or MAX_BATCH."
            )
        }
        mapping = UnsafeMutableRawBufferPointer(start: address, count: mapped.partialValue)
        base = isLarge ? address.alignedUp(toMultipleOf: Self.hugePage) : address
        self.byteCount = size
        #if os(Linux)
            if isLarge { madvise(base, size, Int32(MADV_HUGEPAGE)) }
        #endif
    }

    deinit {
        munmap(mapping.baseAddress, mapping.count)
    }

    #if os(Linux)
        private static let anonymous = Int32(MAP_ANONYMOUS)
        private static let noReserve = Int32(MAP_NORESERVE)
    #else
        private static let anonymous = MAP_ANON
        private static let noReserve = MAP_NORESERVE
    #endif
}

/// Typed memory of its own: scratch space of the forward pass, converted weights.
struct Buffer<Element: BitwiseCopyable>: @unchecked Sendable {
    // @unchecked: a pointer with its owner; the workers of a forward pass write disjoint parts of it between two barriers.
    let base: UnsafeMutablePointer<Element>
    let count: Int
    private let owner: AlignedBuffer

    /// - Throws: ``InferenceError`` `outOfMemory`.
    init(count: Int, purpose: String, hugePages: Bool = true) throws(InferenceError) {
        let bytes = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard count >= 0, !bytes.overflow else {
            throw InferenceError(.outOfMemory, "The \(purpose) would need more memory than can be addressed.")
        }
        owner = try AlignedBuffer(byteCount: bytes.partialValue, purpose: purpose, hugePages: hugePages)
        base = owner.base.bindMemory(to: Element.self, capacity: max(count, 1))
        self.count = count
    }
}

typealias FloatBuffer = Buffer<Float>
