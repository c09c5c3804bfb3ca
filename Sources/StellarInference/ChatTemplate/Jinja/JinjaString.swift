/// Text inside the interpreter: UTF-8 bytes, and the knowledge of which of them came from the conversation.
///
/// Equality, order and hash are those of Python's `str` (by code point), and don't look at the marks.
struct JinjaString: Sendable, Hashable {
    private(set) var bytes: [UInt8]
    /// Byte ranges that are data; sorted, not touching, not empty.
    private(set) var marks: [Range<Int>]

    init() {
        bytes = []
        marks = []
    }

    init(_ text: String, isData: Bool = false) {
        self.init(bytes: Array(text.utf8), isData: isData)
    }

    init(bytes: [UInt8], isData: Bool = false) {
        self.bytes = bytes
        marks = isData && !bytes.isEmpty ? [0..<bytes.count] : []
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var count: Int { bytes.count }
    var isEmpty: Bool { bytes.isEmpty }
    var hasData: Bool { !marks.isEmpty }
    var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }

    /// Length as Python counts it.
    var codePointCount: Int { bytes.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) } }

    static func == (left: JinjaString, right: JinjaString) -> Bool { left.bytes == right.bytes }
    static func == (left: JinjaString, right: String) -> Bool { left.bytes.elementsEqual(right.utf8) }
    func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    mutating func append(_ other: JinjaString) {
        append(other, range: 0..<other.count)
    }

    /// Appends the bytes of `other` in `range` with their marks.
    mutating func append(_ other: JinjaString, range: Range<Int>) {
        let shift = bytes.count - range.lowerBound
        var index = other.firstMark(endingAfter: range.lowerBound)
        while index < other.marks.count, other.marks[index].lowerBound < range.upperBound {
            let mark = other.marks[index].clamped(to: range)
            appendMark(mark.lowerBound + shift..<mark.upperBound + shift)
            index += 1
        }
        bytes.append(contentsOf: other.bytes[range])
    }

    mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    mutating func append(bytes other: some Collection<UInt8>, isData: Bool) {
        if isData { appendMark(bytes.count..<bytes.count + other.count) }
        bytes.append(contentsOf: other)
    }

    private mutating func appendMark(_ mark: Range<Int>) {
        guard !mark.isEmpty else { return }
        if let last = marks.last, last.upperBound == mark.lowerBound {
            marks[marks.count - 1] = last.lowerBound..<mark.upperBound
        } else {
            marks.append(mark)
        }
    }

    private func firstMark(endingAfter offset: Int) -> Int {
        var low = 0
        var high = marks.count
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].upperBound > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }

    subscript(range: Range<Int>) -> JinjaString {
        if range == 0..<count { return self }
        var result = JinjaString()
        result.bytes.reserveCapacity(range.count)
        result.append(self, range: range)
        return result
    }

    /// A new text that is data as a whole if any of this one is: for operations that can't be followed byte by byte.
    func replacingText(_ text: String) -> JinjaString {
        JinjaString(text, isData: hasData)
    }

    /// Byte offsets of the starts of the code points, and the end.
    var codePointOffsets: [Int] {
        var offsets: [Int] = []
        offsets.reserveCapacity(bytes.count + 1)
        for (offset, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 { offsets.append(offset) }
        offsets.append(bytes.count)
        return offsets
    }
}

extension JinjaString: Comparable {
    static func < (left: JinjaString, right: JinjaString) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
