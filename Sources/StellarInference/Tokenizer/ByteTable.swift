/// Byte strings by number, in one block of memory.
struct ByteTable: Sendable {
    private(set) var bytes: [UInt8] = []
    private var ends: [Int] = []

    var count: Int { ends.count }

    /// Adds a string: what `append` appends to the block.
    mutating func add(_ append: (inout [UInt8]) -> Void) {
        append(&bytes)
        ends.append(bytes.count)
    }

    /// The place of string `number` in `bytes`; `nil` if there is none of that number.
    func range(_ number: Int) -> Range<Int>? {
        guard ends.indices.contains(number) else { return nil }
        return (number == 0 ? 0 : ends[number - 1])..<ends[number]
    }

    subscript(number: Int) -> ArraySlice<UInt8>? {
        range(number).map { bytes[$0] }
    }

    /// Whether string `number` exists and is `other`.
    fileprivate func string(_ number: Int, equals other: UnsafeRawBufferPointer) -> Bool {
        guard let range = range(number), range.count == other.count else { return false }
        return bytes.withUnsafeBytes { $0[range].elementsEqual(other) }
    }

    /// Calls `body` with the bytes of string `number`; with none if it does not exist.
    fileprivate func withString<Result>(_ number: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range(number) ?? 0..<0])) }
    }
}

/// Finds the number of a byte string. Compares bytes, not text: Swift's `String` takes canonically equivalent texts for equal.
struct ByteIndex: Sendable {
    private let table: ByteTable
    /// Open addressing; −1 is free. A power of two in size, at most half full.
    private var slots: [Int32]

    /// An index of all strings of `table`; of equal ones the first is found.
    init(_ table: ByteTable) {
        self.table = table
        var size = 16
        while size < table.count * 2 { size *= 2 }
        slots = [Int32](repeating: -1, count: size)
        for number in 0..<table.count {
            let place = table.withString(number) { slot(of: $0) }
            if slots[place] < 0 { slots[place] = Int32(number) }
        }
    }

    func number(of bytes: UnsafeRawBufferPointer) -> Int? {
        let number = slots[slot(of: bytes)]
        return number < 0 ? nil : Int(number)
    }

    func number(of bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBytes { number(of: $0) }
    }

    /// The slot that holds `bytes`, or the free one where it belongs.
    private func slot(of bytes: UnsafeRawBufferPointer) -> Int {
        // The standard hasher is seeded per process, so no file can be made that fills one chain.
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        var slot = hasher.finalize() & (slots.count - 1)
        while slots[slot] >= 0, !table.string(Int(slots[slot]), equals: bytes) { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }
}
