/// Finds the tokens that are text as a whole (control and user-defined ones): leftmost, then longest.
struct AddedTokenMatcher: Sendable {
    struct Match: Equatable {
        var token: TokenID
        var range: Range<Int>
    }

    private struct Token: Sendable {
        var id: TokenID
        var isControl: Bool
    }

    /// A trie: the child of a node for a byte by `node * 256 + byte`; node 0 is the root.
    private var children: [Int: Int] = [:]
    /// The token that ends at each node.
    private var ends: [Token?] = [nil]
    private var isFirstByte = [Bool](repeating: false, count: 256)

    init(_ vocabulary: TokenizerVocabulary) {
        for (id, text) in vocabulary.tokens.enumerated() where vocabulary.kind(of: id).isAdded && !text.isEmpty {
            insert(text.utf8, Token(id: TokenID(id), isControl: vocabulary.kind(of: id) == .control))
        }
    }

    private mutating func insert(_ text: String.UTF8View, _ token: Token) {
        var node = 0
        for byte in text {
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
            if isFirstByte[Int(text[position])], let match = longestMatch(in: text, at: position, allowsControl) { return match }
            position += 1
        }
        return nil
    }

    private func longestMatch(
        in text: UnsafeBufferPointer<UInt8>,
        at start: Int,
        _ allowsControl: (Range<Int>) -> Bool
    ) -> Match? {
        var match: Match?
        var node = 0
        var end = start
        while end < text.count, let child = children[node * 256 + Int(text[end])] {
            node = child
            end += 1
            if let token = ends[node], !token.isControl || allowsControl(start..<end) { match = Match(token: token.id, range: start..<end) }
        }
        return match
    }
}
