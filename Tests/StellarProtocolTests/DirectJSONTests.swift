import StellarProtocol
import Testing

@Suite("The short way of writing a token")
struct DirectJSONTests {
    static let texts: [String] =
        (0..<0x20).map { "a" + String(Unicode.Scalar($0 as UInt8)) + "b" } + [
            "", " word", "\"\\/", "\u{7F}\u{80}\u{9F}", "é你😀", "👩‍👩‍👧", "\u{2028}\u{2029}", "\u{FEFF}\u{FFFD}\u{FFFF}", "e\u{301}",
            "<script>&'", "\r\n",
        ]

    private func chunk(_ text: String, index: Int = 0, fingerprint: String? = "fp") -> ChatCompletionChunk {
        ChatCompletionChunk(
            id: "chatcmpl-1",
            created: 7,
            model: "m\"/\n",
            choices: [.init(index: index, delta: .init(content: text))],
            systemFingerprint: fingerprint
        )
    }

    @Test("Bytes of a chunk are those of the generic encoder", arguments: texts)
    func chunks(_ text: String) throws {
        for fingerprint in ["fp", text, nil] {
            let writer = TextChunkWriter(like: chunk("", fingerprint: fingerprint))
            for index in [0, 3, 12] {
                var bytes: [UInt8] = [7]
                writer.write(text, index: index, to: &bytes)
                #expect(try bytes == [7] + JSONCoding.encode(chunk(text, index: index, fingerprint: fingerprint)))
            }
        }
    }

    @Test("Bytes of a WebSocket event are those of the generic encoder", arguments: texts)
    func events(_ text: String) throws {
        for id in [nil, "r1", text] {
            let event = WebSocketServerEvent(.contentBlockDelta(index: 2, text: text), id: id)
            #expect(try JSONCoding.encode(event) == JSONCoding.encodeGenerically(event))
        }
    }
}
