/// Finding, splitting, stripping: all of them keep the marks exact.
extension JinjaString {
    func hasPrefix(_ other: JinjaString) -> Bool { bytes.starts(with: other.bytes) }
    func hasSuffix(_ other: JinjaString) -> Bool {
        bytes.count >= other.count && bytes[(bytes.count - other.count)...].elementsEqual(other.bytes)
    }

    /// Byte offsets of all non-overlapping occurrences of `needle`, at most `limit`; linear time (Knuth, Morris and Pratt 1977).
    func occurrences(of needle: JinjaString, limit: Int = .max) -> [Int] {
        let pattern = needle.bytes
        guard !pattern.isEmpty, pattern.count <= bytes.count, limit > 0 else { return [] }
        let failure = Self.failureTable(pattern)
        var found: [Int] = []
        var matched = 0
        for (offset, byte) in bytes.enumerated() {
            while matched > 0, pattern[matched] != byte { matched = failure[matched - 1] }
            if pattern[matched] == byte { matched += 1 }
            if matched == pattern.count {
                found.append(offset + 1 - pattern.count)
                if found.count == limit { break }
                matched = 0
            }
        }
        return found
    }

    private static func failureTable(_ pattern: [UInt8]) -> [Int] {
        var table = [Int](repeating: 0, count: pattern.count)
        var matched = 0
        for index in pattern.indices.dropFirst() {
            while matched > 0, pattern[matched] != pattern[index] { matched = table[matched - 1] }
            if pattern[matched] == pattern[index] { matched += 1 }
            table[index] = matched
        }
        return table
    }

    /// The last occurrence, overlapping ones considered.
    func lastOccurrence(of needle: JinjaString) -> Int? {
        let mirrored = JinjaString(bytes: bytes.reversed())
        guard let first = mirrored.occurrences(of: JinjaString(bytes: needle.bytes.reversed()), limit: 1).first else { return nil }
        return count - first - needle.count
    }

    func contains(_ needle: JinjaString) -> Bool {
        needle.isEmpty || !occurrences(of: needle, limit: 1).isEmpty
    }

    /// The pieces between the ranges that begin at `offsets` and are `width` bytes long.
    func pieces(between offsets: [Int], width: Int) -> [JinjaString] {
        var pieces: [JinjaString] = []
        var start = 0
        for offset in offsets {
            pieces.append(self[start..<offset])
            start = offset + width
        }
        pieces.append(self[start..<count])
        return pieces
    }

    /// Occurrences counted from the right, as `rsplit` takes them; ascending.
    func lastOccurrences(of needle: JinjaString, limit: Int) -> [Int] {
        let mirrored = JinjaString(bytes: bytes.reversed())
        let found = mirrored.occurrences(of: JinjaString(bytes: needle.bytes.reversed()), limit: limit)
        return found.reversed().map { count - $0 - needle.count }
    }

    /// Python's `str.split()` without a separator.
    func splitOnWhitespace(limit: Int) -> [JinjaString] {
        var pieces: [JinjaString] = []
        var position = skipWhitespace(from: 0)
        while position < count {
            if pieces.count == limit {
                pieces.append(self[position..<count])
                return pieces
            }
            let end = nextWhitespace(from: position)
            pieces.append(self[position..<end])
            position = skipWhitespace(from: end)
        }
        return pieces
    }

    /// Python's `str.rsplit()` without a separator.
    func reverseSplitOnWhitespace(limit: Int) -> [JinjaString] {
        let words = splitOnWhitespace(limit: .max)
        guard limit >= 0, words.count > limit else { return words }
        var end = trailingWhitespaceStart(before: count)
        for word in words.suffix(limit).reversed() { end = trailingWhitespaceStart(before: end - word.count) }
        return [self[0..<end]] + words.suffix(limit)
    }

    private func skipWhitespace(from start: Int) -> Int {
        var position = start
        while position < count {
            let (scalar, width) = codePoint(at: position)
            if !scalar.isPythonWhitespace { break }
            position += width
        }
        return position
    }

    private func nextWhitespace(from start: Int) -> Int {
        var position = start
        while position < count {
            let (scalar, width) = codePoint(at: position)
            if scalar.isPythonWhitespace { break }
            position += width
        }
        return position
    }

    private func trailingWhitespaceStart(before offset: Int) -> Int {
        var end = offset
        while end > 0 {
            let previous = codePointStart(before: end)
            if !codePoint(at: previous).0.isPythonWhitespace { break }
            end = previous
        }
        return end
    }

    /// Strips code points that are in `set` (whitespace if `nil`) from the chosen ends.
    func stripped(_ set: JinjaString?, left: Bool = true, right: Bool = true) -> JinjaString {
        let scalars = set.map { Set($0.text.unicodeScalars) }
        func drops(_ scalar: Unicode.Scalar) -> Bool { scalars.map { $0.contains(scalar) } ?? scalar.isPythonWhitespace }
        var start = 0
        var end = count
        while left, start < end {
            let (scalar, width) = codePoint(at: start)
            guard drops(scalar) else { break }
            start += width
        }
        while right, end > start {
            let previous = codePointStart(before: end)
            guard drops(codePoint(at: previous).0) else { break }
            end = previous
        }
        return self[start..<end]
    }

    /// Python's `str.splitlines()`.
    func lines(keepingEnds: Bool = false) -> [JinjaString] {
        var lines: [JinjaString] = []
        var start = 0
        var position = 0
        while position < count {
            let (scalar, width) = codePoint(at: position)
            var next = position + width
            if scalar.isPythonLineBreak {
                if scalar == "\r", next < count, bytes[next] == 0x0A { next += 1 }
                lines.append(self[start..<(keepingEnds ? next : position)])
                start = next
            }
            position = next
        }
        if start < count { lines.append(self[start..<count]) }
        return lines
    }

    /// The code point that starts at byte `offset`, and its length in bytes.
    func codePoint(at offset: Int) -> (Unicode.Scalar, Int) {
        let first = bytes[offset]
        if first < 0x80 { return (Unicode.Scalar(first), 1) }
        let width = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        var value = UInt32(first) & (0xFF >> UInt32(width + 1))
        for byte in bytes[(offset + 1)..<Swift.min(offset + width, count)] { value = value << 6 | UInt32(byte & 0x3F) }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", Swift.min(width, count - offset))
    }

    private func codePointStart(before end: Int) -> Int {
        var start = end - 1
        while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }
}

extension Unicode.Scalar {
    /// What Python's `str.isspace` and the `\s` of its `re` accept.
    var isPythonWhitespace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }

    /// What Python's `str.splitlines` breaks at.
    var isPythonLineBreak: Bool {
        switch value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }
}
