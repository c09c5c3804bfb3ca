import NIOCore
import NIOWebSocket
import StellarServer
import Testing

@Suite("WebSocket frames")
struct WebSocketMessageReaderTests {
    private static let mask = WebSocketMaskingKey([1, 2, 3, 4])

    private func frame(_ opcode: WebSocketOpcode, _ bytes: [UInt8], fin: Bool = true, masked: Bool = true) -> WebSocketFrame {
        var data = ByteBuffer(bytes: bytes)
        if masked, let mask = Self.mask { data.webSocketMask(mask) }
        return WebSocketFrame(fin: fin, opcode: opcode, maskKey: masked ? Self.mask : nil, data: data)
    }

    private func frame(_ opcode: WebSocketOpcode, _ text: String, fin: Bool = true) -> WebSocketFrame {
        frame(opcode, Array(text.utf8), fin: fin)
    }

    private func code(_ event: WebSocketMessageReader.Event?) -> WebSocketErrorCode? {
        guard case .violation(let code, _) = event else { return nil }
        return code
    }

    @Test("A whole message is unmasked")
    func whole() {
        var reader = WebSocketMessageReader(maxMessageSize: 100)
        #expect(reader.receive(frame(.text, "hé")) == .text("hé"))
    }

    @Test("Fragments are put together, with control frames between them, even inside a character")
    func fragments() {
        var reader = WebSocketMessageReader(maxMessageSize: 100)
        let bytes = Array("aé".utf8)
        #expect(reader.receive(frame(.text, Array(bytes[..<2]), fin: false)) == nil)
        #expect(reader.receive(frame(.ping, "p")) == .ping(ByteBuffer(string: "p")))
        #expect(reader.receive(frame(.continuation, Array(bytes[2...]))) == .text("aé"))
        #expect(reader.receive(frame(.text, "next")) == .text("next"))
    }

    @Test("A frame without a mask is a protocol error")
    func unmasked() {
        var reader = WebSocketMessageReader(maxMessageSize: 100)
        #expect(code(reader.receive(frame(.text, Array("x".utf8), masked: false))) == .protocolError)
        #expect(reader.receive(frame(.text, "ignored")) == nil)
    }

    @Test("Reserved bits, unknown opcodes and stray or nested fragments are protocol errors")
    func protocolErrors() {
        var reserved = frame(.text, "x")
        reserved.rsv1 = true
        let unknown = frame(WebSocketOpcode(encodedWebSocketOpcode: 3) ?? .binary, "x")
        for bad in [reserved, unknown, frame(.continuation, "x"), frame(.ping, "x", fin: false)] {
            var reader = WebSocketMessageReader(maxMessageSize: 100)
            #expect(code(reader.receive(bad)) == .protocolError)
        }
        var reader = WebSocketMessageReader(maxMessageSize: 100)
        #expect(reader.receive(frame(.text, "x", fin: false)) == nil)
        #expect(code(reader.receive(frame(.text, "y"))) == .protocolError)
    }

    @Test("Binary is refused by 1003, invalid UTF-8 by 1007, too much by 1009")
    func data() {
        var binary = WebSocketMessageReader(maxMessageSize: 100)
        #expect(code(binary.receive(frame(.binary, "x"))) == .unacceptableData)
        var invalid = WebSocketMessageReader(maxMessageSize: 100)
        #expect(code(invalid.receive(frame(.text, [0xC3, 0x28]))) == .dataInconsistentWithMessage)
        var large = WebSocketMessageReader(maxMessageSize: 4)
        #expect(large.receive(frame(.text, "abc", fin: false)) == nil)
        #expect(code(large.receive(frame(.continuation, "de"))) == .messageTooLarge)
    }

    @Test("A close is echoed with its code; codes that may not be sent are protocol errors")
    func close() {
        func receive(_ bytes: [UInt8]) -> WebSocketMessageReader.Event? {
            var reader = WebSocketMessageReader(maxMessageSize: 100)
            return reader.receive(frame(.connectionClose, bytes))
        }
        #expect(receive([]) == .close(.normalClosure))
        #expect(receive([0x03, 0xE9]) == .close(.goingAway))
        #expect(receive([0x0F, 0xA0]) == .close(.unknown(4000)))
        for bad: [UInt8] in [[0x03], [0x03, 0xED], [0x03, 0xEE], [0x00, 0x01], [0x03, 0xEC]] {
            #expect(code(receive(bad)) == .protocolError)
        }
        #expect(code(receive([0x03, 0xE8, 0xFF])) == .dataInconsistentWithMessage)
    }
}
