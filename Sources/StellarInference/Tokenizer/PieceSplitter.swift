/// Cuts text into pieces by steps, each of which cuts the pieces of the one before.
package struct PieceSplitter: Sendable {
    /// What becomes of what a pattern finds.
    enum Behavior: String, Sendable {
        case removed = "Removed"
        case isolated = "Isolated"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
        case contiguous = "Contiguous"
    }

    enum Step: Sendable {
        /// A matcher by hand, whose pieces cover the text.
        case pieces(any PreTokenizer)
        case split(TextPattern, Behavior, isInverted: Bool)
        /// Each scalar of the set is found by itself.
        case scalars(ScalarSet, Behavior)
        case words
        /// A blank in front of pieces that do not begin with one.
        case blankPrefix
        /// The marker in place of blanks, and in front.
        case marker([UInt8], prefix: PrefixScheme, splits: Bool)
        /// GPT-2's alphabet in place of bytes.
        case alphabet
    }

    enum PrefixScheme: String, Sendable { case always, never, first }

    var steps: [Step] = []

    /// How many times as long as it was text can become.
    var greatestGrowth: Double {
        steps.reduce(1) { product, step in
            switch step {
            case .alphabet, .blankPrefix: product * 2
            case .marker(let marker, _, _): product * Double(1 + marker.count)
            case .pieces, .split, .scalars, .words: product
            }
        }
    }

    /// Calls `body` with each piece of `text`.
    ///
    /// - Parameter isStart: whether `text` begins where the whole text begins.
    package func forEachPiece(of text: UnsafeBufferPointer<UInt8>, isStart: Bool, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        guard !text.isEmpty else { return }
        if steps.isEmpty { return body(text) }
        if steps.count == 1, case .pieces(let matcher) = steps[0] {
            var start = 0
            while start < text.count {
                let end = matcher.pieceEnd(in: text, from: start)
                body(UnsafeBufferPointer(rebasing: text[start..<end]))
                start = end
            }
            return
        }
        var state = Pieces(bytes: Array(text), ranges: [0..<text.count], isStart: isStart)
        for step in steps { state.apply(step) }
        state.bytes.withUnsafeBufferPointer { bytes in
            for range in state.ranges where !range.isEmpty { body(UnsafeBufferPointer(rebasing: bytes[range])) }
        }
    }
}

/// Text and its pieces so far.
private struct Pieces {
    var bytes: [UInt8]
    var ranges: [Range<Int>]
    let isStart: Bool

    mutating func apply(_ step: PieceSplitter.Step) {
        switch step {
        case .pieces(let matcher):
            cut { piece, add in
                var start = 0
                while start < piece.count {
                    let end = matcher.pieceEnd(in: piece, from: start)
                    add(start..<end)
                    start = end
                }
            }
        case .split(let pattern, let behavior, let isInverted):
            cut { piece, add in
                Self.split(piece, behavior, isInverted: isInverted, find: { pattern.forEachMatch(in: piece, $0) }, add)
            }
        case .scalars(let set, let behavior):
            cut { piece, add in
                Self.split(piece, behavior, isInverted: false, find: { Self.forEachScalar(of: set, in: piece, $0) }, add)
            }
        case .words: cut(Self.words)
        case .blankPrefix: rewrite { piece, _ in piece.first == 0x20 ? Array(piece) : [0x20] + piece }
        case .marker(let marker, let prefix, let splits):
            rewrite { piece, isFirst in Self.marked(Array(piece), marker, prefix == .always || prefix == .first && isFirst) }
            if splits {
                let pattern = TextPattern.literal(marker)
                cut { piece, add in
                    Self.split(piece, .mergedWithNext, isInverted: false, find: { pattern.forEachMatch(in: piece, $0) }, add)
                }
            }
        case .alphabet: rewrite { piece, _ in ByteLevelAlphabet.spelled(piece) }
        }
    }

    /// Cuts every piece; `body` adds the parts, as ranges of the piece.
    private mutating func cut(_ body: (UnsafeBufferPointer<UInt8>, (Range<Int>) -> Void) -> Void) {
        var result: [Range<Int>] = []
        result.reserveCapacity(ranges.count)
        bytes.withUnsafeBufferPointer { bytes in
            for range in ranges {
                body(UnsafeBufferPointer(rebasing: bytes[range])) { part in
                    if !part.isEmpty { result.append((range.lowerBound + part.lowerBound)..<(range.lowerBound + part.upperBound)) }
                }
            }
        }
        ranges = result
    }

    /// Gives every piece a new text.
    private mutating func rewrite(_ body: (ArraySlice<UInt8>, _ isFirst: Bool) -> [UInt8]) {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 2)
        var newRanges: [Range<Int>] = []
        newRanges.reserveCapacity(ranges.count)
        for range in ranges {
            let start = result.count
            result += body(bytes[range], isStart && range.lowerBound == 0)
            newRanges.append(start..<result.count)
        }
        (bytes, ranges) = (result, newRanges)
    }

    private static func marked(_ piece: [UInt8], _ marker: [UInt8], _ hasPrefix: Bool) -> [UInt8] {
        let text = TextPattern.literal([0x20]).replacing(in: piece, with: marker)
        return hasPrefix && !text.starts(with: marker) ? marker + text : text
    }

    private static func forEachScalar(of set: ScalarSet, in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
        var position = 0
        while position < text.count {
            let next = text.scalar(at: position)
            if set.contains(next.value) { body(position..<next.end) }
            position = next.end
        }
    }

    /// Runs of word characters, and runs of what is neither that nor blank.
    private static func words(_ text: UnsafeBufferPointer<UInt8>, _ add: (Range<Int>) -> Void) {
        func kind(_ scalar: UInt32) -> Int {
            UnicodeData.splitterWords.contains(scalar) ? 1 : UnicodeData.splitterSpaces.contains(scalar) ? 0 : 2
        }
        var start = 0
        var position = 0
        var current = 0
        while position < text.count {
            let next = text.scalar(at: position)
            let kind = kind(next.value)
            if kind != current {
                if current != 0 { add(start..<position) }
                (start, current) = (position, kind)
            }
            position = next.end
        }
        if current != 0 { add(start..<text.count) }
    }

    private static func split(
        _ text: UnsafeBufferPointer<UInt8>,
        _ behavior: PieceSplitter.Behavior,
        isInverted: Bool,
        find: ((Range<Int>) -> Void) -> Void,
        _ add: (Range<Int>) -> Void
    ) {
        var parts: [(range: Range<Int>, isMatch: Bool)] = []
        var end = 0
        find { match in
            if match.lowerBound > end { parts.append((end..<match.lowerBound, isInverted)) }
            parts.append((match, !isInverted))
            end = match.upperBound
        }
        if end < text.count { parts.append((end..<text.count, isInverted)) }
        switch behavior {
        case .removed: for part in parts where !part.isMatch { add(part.range) }
        case .isolated: for part in parts { add(part.range) }
        case .contiguous: merge(parts, add) { $0 == $1 }
        case .mergedWithPrevious: merge(parts, add) { previous, isMatch in isMatch && !previous }
        case .mergedWithNext: mergeWithNext(parts, add)
        }
    }

    private static func merge(
        _ parts: [(range: Range<Int>, isMatch: Bool)],
        _ add: (Range<Int>) -> Void,
        _ joins: (_ previous: Bool, _ isMatch: Bool) -> Bool
    ) {
        var current: Range<Int>?
        var previous = false
        for part in parts {
            if let whole = current, joins(previous, part.isMatch) {
                current = whole.lowerBound..<part.range.upperBound
            } else {
                if let current { add(current) }
                current = part.range
            }
            previous = part.isMatch
        }
        if let current { add(current) }
    }

    private static func mergeWithNext(_ parts: [(range: Range<Int>, isMatch: Bool)], _ add: (Range<Int>) -> Void) {
        var result: [Range<Int>] = []
        var previous = false
        for part in parts.reversed() {
            if part.isMatch, !previous, let last = result.last {
                result[result.count - 1] = part.range.lowerBound..<last.upperBound
            } else {
                result.append(part.range)
            }
            previous = part.isMatch
        }
        for range in result.reversed() { add(range) }
    }
}
