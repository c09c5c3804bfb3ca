/// Turns tokens into text one at a time, never half a code point.
///
/// The pieces put together are the text that ``Tokenizer/decode(_:skippingSpecialTokens:)`` makes of all tokens at once, except that an
/// incomplete code point at the very end is left out. Bytes that can't become a code point any more are U+FFFD at once.
public struct StreamingDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let skippingSpecialTokens: Bool
    private let continuesText: Bool
    private var state: TokenDecoder.State
    /// The beginning of a code point: at most 3 bytes.
    private var pending: [UInt8] = []

    /// - Parameter continuesText: there is text before the first token: then a blank that the tokenizer puts in front of every text, and
    ///   takes away again when it decodes, is part of what the token says.
    public init(_ tokenizer: Tokenizer, skippingSpecialTokens: Bool = false, continuesText: Bool = false) {
        self.tokenizer = tokenizer
        self.skippingSpecialTokens = skippingSpecialTokens
        self.continuesText = continuesText
        state = TokenDecoder.State(tokenizer.decoder, continuesText: continuesText)
    }

    /// The text that `token` completes; empty if it only begins or continues a code point.
    public mutating func append(_ token: TokenID) -> String {
        tokenizer.appendBytes(of: token, to: &pending, skippingSpecialTokens: skippingSpecialTokens, &state)
        let complete = pending.count - UTF8.incompleteSuffixLength(of: pending)
        defer { pending.removeFirst(complete) }
        return tokenizer.decoder.text(pending[..<complete])
    }

    /// Ends the text: an incomplete code point is dropped. The value can then be used for another text.
    ///
    /// - Returns: what is left to show, which is nothing.
    public mutating func finish() -> String {
        pending.removeAll()
        state = TokenDecoder.State(tokenizer.decoder, continuesText: continuesText)
        return ""
    }
}

extension UTF8 {
    /// How many bytes at the end of `bytes` begin a code point that more bytes may complete (0…3).
    ///
    /// Source: table 3-7 (well-formed byte sequences) of the Unicode standard.
    static func incompleteSuffixLength(of bytes: [UInt8]) -> Int {
        for length in stride(from: min(3, bytes.count), to: 0, by: -1) where isIncomplete(bytes.suffix(length)) { return length }
        return 0
    }

    private static func isIncomplete(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let lead = bytes.first else { return false }
        let (length, seconds): (Int, ClosedRange<UInt8>) =
            switch lead {
            case 0xC2...0xDF: (2, 0x80...0xBF)
            case 0xE0: (3, 0xA0...0xBF)
            case 0xED: (3, 0x80...0x9F)
            case 0xE1...0xEF: (3, 0x80...0xBF)
            case 0xF0: (4, 0x90...0xBF)
            case 0xF1...0xF3: (4, 0x80...0xBF)
            case 0xF4: (4, 0x80...0x8F)
            default: (1, 0x80...0xBF)
            }
        let rest = bytes.dropFirst()
        guard bytes.count < length else { return false }
        return rest.first.map(seconds.contains) ?? true && rest.dropFirst().allSatisfy { 0x80...0xBF ~= $0 }
    }
}
