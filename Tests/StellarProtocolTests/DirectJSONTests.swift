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
        for index in [0, 3, 12] {
            for fingerprint in ["fp", text, nil] {
                let chunk = chunk(text, index: index, fingerprint: fingerprint)
                #expect(try JSONCoding.encode(chunk) == JSONCoding.encodeGenerically(chunk))
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

    @Test("Whatever else a chunk holds is written too")
    func otherForms() throws {
        var forms = Array(repeating: chunk("a"), count: 9)
        forms[0].choices[0].finishReason = "stop"
        forms[1].choices[0].logprobs = ChoiceLogprobs(content: [])
        forms[2].choices[0].delta.role = "assistant"
        forms[3].choices[0].delta.reasoningContent = "r"
        forms[4].choices[0].delta.content = nil
        forms[5].usage = Usage(promptTokens: 1, completionTokens: 1)
        forms[6].timings = Timings(
            promptCount: 1,
            promptMilliseconds: 1,
            cacheCount: 1,
            predictedCount: 1,
            predictedMilliseconds: 1,
            queueMilliseconds: 1
        )
        forms[7].choices += forms[7].choices
        forms[8].object = "other"
        for chunk in forms {
            let bytes = try JSONCoding.encode(chunk)
            #expect(bytes == (try JSONCoding.encodeGenerically(chunk)))
            #expect(try JSONCoding.decode(ChatCompletionChunk.self, from: bytes) == chunk)
        }
    }
}
