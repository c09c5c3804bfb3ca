import StellarInference
import Testing

@Suite("Streaming detokenizer")
struct StreamingDetokenizerTests {
    private let tokenizer: Tokenizer

    init() throws {
        tokenizer = try Tokenizer(SmallVocabulary.vocabulary)
    }

    /// In the small vocabulary the id of a byte is the byte.
    private func stream(_ bytes: [UInt8]) -> [String] {
        var stream = StreamingDetokenizer(tokenizer)
        return bytes.map { stream.append(TokenID($0)) } + [stream.finish()]
    }

    @Test("a code point comes with its last byte")
    func wholeCodePoints() {
        #expect(stream(Array("aé".utf8)) == ["a", "", "é", ""])
        #expect(stream(Array("😀b".utf8)) == ["", "", "", "😀", "b", ""])
    }

    @Test("bytes that can't become a code point are replaced at once")
    func invalidBytes() {
        #expect(stream([0xFF, 0x61]) == ["\u{FFFD}", "a", ""])
        #expect(stream([0xE2, 0x61]) == ["", "\u{FFFD}a", ""])
        #expect(stream([0xE0, 0x80]) == ["", "\u{FFFD}\u{FFFD}", ""])
        #expect(stream([0xED, 0xA0, 0x80]) == ["", "\u{FFFD}\u{FFFD}", "\u{FFFD}", ""])
        #expect(stream([0xF0, 0x9F, 0xC3, 0xA9]) == ["", "", "\u{FFFD}", "é", ""])
    }

    @Test("an incomplete code point at the end is dropped")
    func incompleteEnd() {
        #expect(stream([0x61, 0xF0, 0x9F, 0x98]) == ["a", "", "", "", ""])
    }

    @Test("the pieces of any bytes are the text of all of them", arguments: 0..<10)
    func anyBytes(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        // Lead and continuation bytes and the edges of their ranges, far more often than chance would have them.
        let bytes: [UInt8] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF3, 0xF4, 0xF5,
        ]
        for _ in 0..<300 {
            // Ends with a letter, so that nothing is incomplete.
            let sample = (0..<12).map { _ in bytes.randomElement(using: &generator) ?? 0 } + [0x42]
            #expect(stream(sample).joined().utf8Bytes == String(decoding: sample, as: UTF8.self).utf8Bytes, "\(sample)")
        }
    }

    @Test("special tokens are shown or skipped as asked, unknown ids are left out")
    func specialTokens() {
        var all = StreamingDetokenizer(tokenizer)
        var shown = StreamingDetokenizer(tokenizer, skippingSpecialTokens: true)
        #expect(all.append(SmallVocabulary.imEnd) == "<|im_end|>")
        #expect(shown.append(SmallVocabulary.imEnd) == "")
        #expect(all.append(-1) == "" && all.append(.max) == "")
    }
}
