/// A set of Unicode scalars as sorted ranges that do not touch: for putting sets together.
struct ScalarRanges: Sendable, Equatable {
    static let none = ScalarRanges([])
    static let all = ScalarRanges([0..<0x110000])

    private(set) var ranges: [Range<UInt32>] = []

    init(_ unsorted: [Range<UInt32>]) {
        for range in unsorted.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
            if let last = ranges.last, last.upperBound >= range.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                ranges.append(range)
            }
        }
    }

    var inverted: ScalarRanges {
        var start: UInt32 = 0
        var result: [Range<UInt32>] = []
        for range in ranges {
            if start < range.lowerBound { result.append(start..<range.lowerBound) }
            start = range.upperBound
        }
        if start < 0x110000 { result.append(start..<0x110000) }
        return ScalarRanges(result)
    }

    /// How many scalars there are in the set.
    var count: Int { ranges.reduce(0) { $0 + $1.count } }

    func union(_ other: ScalarRanges) -> ScalarRanges { ScalarRanges(ranges + other.ranges) }

    func intersection(_ other: ScalarRanges) -> ScalarRanges { inverted.union(other.inverted).inverted }
}

/// A set of Unicode scalars as bits: for asking fast. Pages of 256 bits, equal ones stored once.
struct ScalarSet: Sendable {
    /// The first word of each page.
    private var index: [Int32] = []
    private var bits: [UInt64] = []

    init(_ set: ScalarRanges) {
        var numbers: [[UInt64]: Int32] = [:]
        var rest = set.ranges[...]
        for start in stride(from: UInt32(0), to: 0x110000, by: 256) {
            var page = [UInt64](repeating: 0, count: 4)
            while let range = rest.first, range.lowerBound < start + 256 {
                for scalar in max(range.lowerBound, start)..<min(range.upperBound, start + 256) {
                    page[Int((scalar - start) >> 6)] |= 1 << UInt64(scalar & 63)
                }
                guard range.upperBound <= start + 256 else { break }
                rest.removeFirst()
            }
            let number = numbers[page] ?? Int32(bits.count)
            if numbers.updateValue(number, forKey: page) == nil { bits += page }
            index.append(number)
        }
    }

    /// - Parameter scalar: less than 0x110000.
    @inline(__always)
    func contains(_ scalar: UInt32) -> Bool {
        bits[Int(index[Int(scalar >> 8)]) + Int(scalar >> 6 & 3)] >> UInt64(scalar & 63) & 1 != 0
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The scalar that starts at `position`, and where it ends. Bytes that are no UTF-8 count as U+FFFD, one by one.
    @inline(__always)
    func scalar(at position: Int) -> (value: UInt32, end: Int) {
        let byte = self[position]
        return byte < 0x80 ? (UInt32(byte), position + 1) : longScalar(at: position, first: UInt32(byte))
    }

    private func longScalar(at position: Int, first: UInt32) -> (value: UInt32, end: Int) {
        let length = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1
        guard length > 1, length <= count - position else { return (0xFFFD, position + 1) }
        var scalar = first & (0x7F >> UInt32(length))
        for offset in 1..<length { scalar = scalar << 6 | UInt32(self[position + offset] & 0x3F) }
        return scalar < 0x110000 ? (scalar, position + length) : (0xFFFD, position + 1)
    }

    /// Where the scalar before `position` starts.
    @inline(__always)
    func start(ofScalarBefore position: Int) -> Int {
        var start = position - 1
        while start > 0, position - start < 4, self[start] & 0xC0 == 0x80 { start -= 1 }
        return scalar(at: start).end == position ? start : position - 1  // Else it is no whole scalar: bytes count by themselves.
    }
}

extension [UInt8] {
    /// Appends the UTF-8 of a scalar; nothing if there is no such scalar.
    mutating func append(scalar: UInt32) {
        guard let scalar = Unicode.Scalar(scalar), let bytes = UTF8.encode(scalar) else { return }
        self += bytes
    }
}
