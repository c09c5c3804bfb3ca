import StellarProtocol
import Testing

@Suite("WebSocket messages as documents")
struct WebSocketDocumentTests {
    static let events: [(WebSocketServerEvent, String)] = [
        (.init(.sessionStart(sessionID: "s")), #"{"data":{"session_id":"s"},"event":"session_start"}"#),
        (.init(.contentBlockStart(index: 0)), #"{"data":{"index":0,"type":"text"},"event":"content_block_start"}"#),
        (
            .init(.contentBlockDelta(index: 0, text: "Hi/"), id: "r1"),
            #"{"data":{"delta":{"text":"Hi/","type":"text_delta"},"index":0},"event":"content_block_delta","id":"r1"}"#
        ),
        (.init(.contentBlockStop(index: 0)), #"{"data":{"index":0},"event":"content_block_stop"}"#),
        (
            .init(.messageDelta(finishReason: "stop", usage: .init(inputTokens: 3, outputTokens: 2))),
            #"{"data":{"delta":{"finish_reason":"stop"},"usage":{"input_tokens":3,"output_tokens":2}},"event":"message_delta"}"#
        ),
        (.init(.messageStop), #"{"data":{},"event":"message_stop"}"#),
        (
            .init(.error(APIError.invalidRequest("No").response.error)),
            #"{"data":{"message":"No","type":"invalid_request_error"},"event":"error"}"#
        ),
        (.init(.pong), #"{"event":"pong"}"#),
    ]

    @Test("Server events are written byte for byte as documented, and read back", arguments: events)
    func serverEvents(_ event: WebSocketServerEvent, _ json: String) throws {
        #expect(try encodeText(event) == json)
        #expect(try JSONCoding.decode(WebSocketServerEvent.self, from: Array(json.utf8)) == event)
    }

    private func decode(_ json: String) throws(APIError) -> WebSocketClientMessage {
        try JSONCoding.decode(WebSocketClientMessage.self, from: Array(json.utf8))
    }

    @Test("A client's messages are read by their type")
    func clientMessages() throws {
        #expect(try decode(#"{"type":"ping"}"#) == .ping)
        #expect(try decode(#"{"type":"chat.cancel"}"#) == .cancel)
        guard case .message(let turn) = try decode(#"{"type":"chat.message","id":"7","content":"Hi","temperature":0,"odd":1}"#) else {
            Issue.record("not a message")
            return
        }
        #expect(turn.id == "7")
        #expect(turn.content == .text("Hi"))
        #expect(turn.request.temperature == 0)
        #expect(turn.request.messages.isEmpty)
        #expect(turn.request.unknownFields == ["odd"])
    }

    @Test("A client's message survives encoding")
    func clientRoundTrip() throws {
        for json in [
            #"{"type":"ping"}"#, #"{"type":"chat.cancel"}"#, #"{"content":"Hi","id":"7","seed":5,"type":"chat.message"}"#,
            #"{"messages":[{"content":"a","role":"user"}],"type":"chat.message"}"#,
        ] {
            #expect(try encodeText(try decode(json)) == json)
        }
    }

    @Test(
        "Bad messages name what is wrong",
        arguments: [
            ("{}", "type"), (#"{"type":3}"#, "type"), (#"{"type":"dance"}"#, "type"), (#"{"type":"chat.message"}"#, "content"),
            (#"{"type":"chat.message","content":5}"#, "content"), (#"{"type":"chat.message","content":"a","n":"x"}"#, "n"),
        ]
    )
    func badMessages(_ json: String, _ param: String) throws {
        #expect {
            try decode(json)
        } throws: {
            ($0 as? APIError)?.param == param
        }
    }
}
