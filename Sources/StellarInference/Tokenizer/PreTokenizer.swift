/// Cuts text into pieces ("words"); tokens never reach across the border of a piece.
package protocol PreTokenizer: Sendable {
    /// Where the piece that begins at `start` ends.
    ///
    /// - Parameters:
    ///   - text: UTF-8 bytes of valid text.
    ///   - start: 0 or the end of the piece before; less than `text.count`.
    /// - Returns: a border of code points in `start + 1 ... text.count`.
    func pieceEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int
}

/// The matchers by hand for patterns that many models use; any other goes to ``Regex``.
package enum PreTokenizers {
    static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    static let gpt2Pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    static let afterNumber = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    static let words = contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|"#

    /// Llama 3's pattern, and Qwen 2's.
    package static let llama3Pattern = words + #"\p{N}{1,3}"# + afterNumber
    package static let qwen2Pattern = words + #"\p{N}"# + afterNumber

    /// The matcher of a pattern whose matches cover all text; `nil` if there is none by hand.
    package static func matcher(_ pattern: String) -> (any PreTokenizer)? {
        switch pattern {
        case gpt2Pattern: GPT2PreTokenizer(splitsDigits: false)
        case llama3Pattern: WordPreTokenizer(longestNumber: 3)
        case qwen2Pattern: WordPreTokenizer(longestNumber: 1)
        default: nil
        }
    }

    static func split(_ pattern: String) throws(InferenceError) -> PieceSplitter.Step {
        if let matcher = matcher(pattern) { return .pieces(matcher) }
        return .split(.regex(try Regex(pattern)), .isolated, isInverted: false)
    }
}
