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
            let slot = slot(of: table[number] ?? [])
            if slots[slot] < 0 { slots[slot] = Int32(number) }
        }
    }

    func number(of bytes: some Collection<UInt8>) -> Int? {
        let number = Int(slots[slot(of: ArraySlice(bytes))])
        return number < 0 ? nil : number
    }

    /// The slot that holds `bytes`, or the free one where it belongs.
    private func slot(of bytes: ArraySlice<UInt8>) -> Int {
        // The standard hasher is seeded per process, so no file can be made that fills one chain.
        var hasher = Hasher()
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        var slot = hasher.finalize() & (slots.count - 1)
        while slots[slot] >= 0, table[Int(slots[slot])] != bytes { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }
}
