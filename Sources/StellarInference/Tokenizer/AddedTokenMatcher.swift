/// A token that is text as a whole.
struct AddedToken: Sendable, Equatable {
    var id: TokenID
    var text: [UInt8]
    /// Steers the model: found only where the caller says so.
    var isControl: Bool
    /// Takes the blanks before (behind) it with it.
    var stripsLeft = false
    var stripsRight = false
    /// Found only where no word goes on before or behind it.
    var isSingleWord = false
    /// Found in normalised text; else in text as it is.
    var isNormalized = false
}

/// Finds the tokens that are text as a whole (control and user-defined ones): leftmost, then longest.
struct AddedTokenMatcher: Sendable {
    struct Match: Equatable {
        var token: TokenID
        var range: Range<Int>
    }

    /// A trie: the child of a node for a byte by `node * 256 + byte`; node 0 is the root.
    private var children: [Int: Int] = [:]
    /// The token that ends at each node.
    private var ends: [AddedToken?] = [nil]
    private var isFirstByte = [Bool](repeating: false, count: 256)

    var isEmpty: Bool { children.isEmpty }

    init(_ tokens: [AddedToken]) {
        for token in tokens where !token.text.isEmpty { insert(token) }
    }

    private mutating func insert(_ token: AddedToken) {
        var node = 0
        for byte in token.text {
            if node == 0 { isFirstByte[Int(byte)] = true }
            if let child = children[node * 256 + Int(byte)] {
                node = child
            } else {
                children[node * 256 + Int(byte)] = ends.count
                node = ends.count
                ends.append(nil)
            }
        }
        if ends[node] == nil { ends[node] = token }
    }

    /// The first match at `start` or behind it; where several tokens match, the longest of those allowed.
    ///
    /// - Parameter allowsControl: whether control tokens count in this range.
    func firstMatch(in text: UnsafeBufferPointer<UInt8>, from start: Int, allowsControl: (Range<Int>) -> Bool) -> Match? {
        var position = start
        while position < text.count {
            if isFirstByte[Int(text[position])], let match = longestMatch(in: text, at: position, allowsControl) {
                return widened(match.token, match.range, in: text, from: start)
            }
            position += 1
        }
        return nil
    }

    private func longestMatch(
        in text: UnsafeBufferPointer<UInt8>,
        at start: Int,
        _ allowsControl: (Range<Int>) -> Bool
    ) -> (token: AddedToken, range: Range<Int>)? {
        var match: (AddedToken, Range<Int>)?
        var node = 0
        var end = start
        while end < text.count, let child = children[node * 256 + Int(text[end])] {
            node = child
            end += 1
            guard let token = ends[node], !token.isControl || allowsControl(start..<end) else { continue }
            if !token.isSingleWord || isSingleWord(start..<end, in: text) { match = (token, start..<end) }
        }
        return match
    }

    private func isSingleWord(_ range: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        if range.lowerBound > 0 {
            let before = text.scalar(at: text.start(ofScalarBefore: range.lowerBound))
            if UnicodeData.splitterWords.contains(before.value) { return false }
        }
        return range.upperBound == text.count || !UnicodeData.splitterWords.contains(text.scalar(at: range.upperBound).value)
    }

    private func widened(_ token: AddedToken, _ range: Range<Int>, in text: UnsafeBufferPointer<UInt8>, from first: Int) -> Match {
        var (start, end) = (range.lowerBound, range.upperBound)
        while token.stripsLeft, start > first {
            let before = text.start(ofScalarBefore: start)
            guard UnicodeData.splitterSpaces.contains(text.scalar(at: before).value) else { break }
            start = before
        }
        while token.stripsRight, end < text.count {
            let next = text.scalar(at: end)
            guard UnicodeData.splitterSpaces.contains(next.value) else { break }
            end = next.end
        }
        return Match(token: token.id, range: max(start, first)..<end)
    }
}
