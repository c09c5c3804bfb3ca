/// The classes of code points that pre-tokenisers tell apart.
enum ScalarClass: UInt8, Sendable {
    case other = 0
    /// `\p{L}`
    case letter = 1
    /// `\p{N}`
    case number = 2
    /// `\s`: Unicode's White_Space
    case space = 3
    /// Numbers of the newest Unicode version: they count as numbers where digits are split off, but not yet for `\p{N}`.
    case numeral = 4
}

/// The class of every code point, as a table in two stages: pages of 256, equal ones stored once.
struct ScalarClassTable: Sendable {
    /// The classes of the regular expressions.
    static let pattern = ScalarClassTable(numeral: .other)
    /// The same, but with the numbers of the splitter of digits.
    static let digits = ScalarClassTable(numeral: .number)

    private static let pageSize = 256
    /// Page 0 first: ASCII and Latin-1 need no index.
    private var pages: [ScalarClass] = []
    private var index: [Int] = []

    /// - Parameter numeral: what ``ScalarClass/numeral`` counts as.
    private init(numeral: ScalarClass) {
        var numbers: [[ScalarClass]: Int] = [:]
        var rest = ScalarClass.boundaries[...]
        var current = ScalarClass.other
        for start in stride(from: 0, to: 0x110000, by: Self.pageSize) {
            var page = [ScalarClass](repeating: current, count: Self.pageSize)
            while let boundary = rest.first, boundary >> 3 < start + Self.pageSize {
                rest.removeFirst()
                current = ScalarClass(rawValue: UInt8(boundary & 7)) ?? .other
                if current == .numeral { current = numeral }
                for scalar in (Int(boundary >> 3) - start)..<Self.pageSize { page[scalar] = current }
            }
            let number = numbers[page] ?? numbers.count
            if numbers.updateValue(number, forKey: page) == nil { pages += page }
            index.append(number * Self.pageSize)
        }
    }

    /// The class of the code point that starts at `position`, and where it ends. Bytes that are no UTF-8 count as `other`, one by one.
    @inline(__always)
    func next(in text: UnsafeBufferPointer<UInt8>, at position: Int) -> (class: ScalarClass, end: Int) {
        let byte = text[position]
        if byte < 0x80 { return (pages[Int(byte)], position + 1) }
        return nextBeyondASCII(in: text, at: position, first: UInt32(byte))
    }

    private func nextBeyondASCII(in text: UnsafeBufferPointer<UInt8>, at position: Int, first: UInt32) -> (class: ScalarClass, end: Int) {
        let count = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1
        guard count > 1, count <= text.count - position else { return (.other, position + 1) }
        var scalar = first & (0x7F >> UInt32(count))
        for offset in 1..<count { scalar = scalar << 6 | UInt32(text[position + offset] & 0x3F) }
        guard scalar < 0x110000 else { return (.other, position + 1) }
        return (pages[index[Int(scalar >> 8)] + Int(scalar & 0xFF)], position + count)
    }
}
