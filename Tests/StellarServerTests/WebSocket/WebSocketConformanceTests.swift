import NIOCore
import StellarServer
import Testing

/// RFC 6455 over a real socket, against an echo. The sections and the numbers of the cases follow the Autobahn test suite.
@Suite("WebSocket conformance", .timeLimit(.minutes(20)))
struct WebSocketConformanceTests {
    private static let text: UInt8 = 1, binary: UInt8 = 2, continuation: UInt8 = 0, close: UInt8 = 8, ping: UInt8 = 9, pong: UInt8 = 10

    private func withEcho(_ limits: WebSocketLimits = WebSocketLimits(), _ test: @escaping @Sendable (Int) async throws -> Void)
        async throws
    {
        try await EchoServer(limits: limits).run(test)
    }

    private static func client(_ port: Int) async throws -> WebSocketClient {
        try await WebSocketClient(port: port, path: EchoServer.path)
    }

    private static func letters(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(ascii: "a") + UInt8($0 % 26) }
    }

    /// Sends frames as they are, then expects a close with this code, or nothing but the end of the connection.
    private static func expectClose(_ port: Int, _ code: Int, _ name: String, _ act: (WebSocketClient) async throws -> Void) async throws {
        let client = try await client(port)
        try await act(client)
        let frame = try await client.readClose()
        #expect(frame.closeCode == code, "\(name)")
        #expect(await client.connection.readToEnd() == "", "\(name): nothing follows a close frame")
        await client.connection.close()
    }

    @Test("1 Framing: text and binary of every kind of length come back")
    func framing() async throws {
        try await withEcho { port in
            let client = try await Self.client(port)
            for opcode in [Self.text, Self.binary] {
                for size in [0, 1, 125, 126, 127, 128, 65535, 65536, 131_072] {
                    let payload = Self.letters(size)
                    try await client.send(opcode: opcode, payload)
                    #expect(try await client.readFrame() == .init(opcode: opcode, isFinal: true, payload: payload))
                }
            }
            await client.connection.close()
        }
    }

    @Test("1.1.7 A frame may arrive in any number of pieces", arguments: [1, 2, 997])
    func chopped(size: Int) async throws {
        try await withEcho { port in
            let client = try await Self.client(port)
            let payload = Self.letters(1500)
            let frame: [UInt8] = [0x81, 0xFE, 0x05, 0xDC, 0, 0, 0, 0] + payload
            var rest = frame[...]
            while !rest.isEmpty {
                try await client.connection.send(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(try await client.readFrame().payload == payload)
            await client.connection.close()
        }
    }

    @Test("2 Pings come back as pongs with the same bytes, pongs are ignored")
    func pings() async throws {
        try await withEcho { port in
            let client = try await Self.client(port)
            for payload in [[], Array("Hello".utf8), [0x00, 0xFF, 0xFE, 0xFD], Self.letters(125)] {
                try await client.send(opcode: Self.ping, payload)
                #expect(try await client.readFrame() == .init(opcode: Self.pong, isFinal: true, payload: payload))
            }
            try await client.send(opcode: Self.pong, Array("unasked".utf8))
            for number in 0..<10 { try await client.send(opcode: Self.ping, Array("payload-\(number)".utf8)) }
            for number in 0..<10 { #expect(try await client.readFrame().payload == Array("payload-\(number)".utf8)) }
            await client.connection.close()
            try await Self.expectClose(port, 1002, "2.5 ping of 126 bytes") { try await $0.send(opcode: Self.ping, Self.letters(126)) }
        }
    }

    @Test("3 Reserved bits close with 1002")
    func reservedBits() async throws {
        try await withEcho { port in
            for flags in [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70] as [UInt8] {
                for opcode in [Self.text, Self.binary, Self.ping, Self.close] {
                    try await Self.expectClose(port, 1002, "3: flags \(flags), opcode \(opcode)") {
                        try await $0.send(opcode: opcode, Self.letters(5), flags: flags)
                    }
                }
            }
        }
    }

    @Test("4 Opcodes that do not exist close with 1002")
    func opcodes() async throws {
        try await withEcho { port in
            for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8] {
                try await Self.expectClose(port, 1002, "4: opcode \(opcode)") {
                    try await $0.send(opcode: opcode, opcode % 2 == 0 ? [] : [97])
                }
            }
        }
    }

    @Test("5 Fragments are put together, with control frames between them; what is no right order closes with 1002")
    func fragmentation() async throws {
        try await withEcho { port in
            let client = try await Self.client(port)
            for _ in 0..<3 {
                try await client.send(opcode: Self.text, Array("fragment1".utf8), isFinal: false)
                try await client.send(opcode: Self.ping, Array("between".utf8))
                try await client.send(opcode: Self.continuation, [], isFinal: false)
                try await client.send(opcode: Self.continuation, Array("fragment2".utf8))
                #expect(try await client.readFrame() == .init(opcode: Self.pong, isFinal: true, payload: Array("between".utf8)))
                #expect(try await client.readFrame() == .init(opcode: Self.text, isFinal: true, payload: Array("fragment1fragment2".utf8)))
            }
            await client.connection.close()
            let wrong: [(String, @Sendable (WebSocketClient) async throws -> Void)] = [
                ("5.1 fragmented ping", { try await $0.send(opcode: Self.ping, [97], isFinal: false) }),
                ("5.2 fragmented pong", { try await $0.send(opcode: Self.pong, [97], isFinal: false) }),
                ("5.9 continuation of nothing", { try await $0.send(opcode: Self.continuation, [97]) }),
                ("5.11 unfinished continuation of nothing", { try await $0.send(opcode: Self.continuation, [97], isFinal: false) }),
                (
                    "5.18 text inside text",
                    {
                        try await $0.send(opcode: Self.text, [97], isFinal: false)
                        try await $0.send(opcode: Self.text, [98])
                    }
                ),
                (
                    "5.19 binary inside text",
                    {
                        try await $0.send(opcode: Self.text, [97], isFinal: false)
                        try await $0.send(opcode: Self.binary, [98])
                    }
                ),
            ]
            for (name, act) in wrong { try await Self.expectClose(port, 1002, name, act) }
        }
    }

    private static let validUTF8: [[UInt8]] = [
        [0xCE, 0xBA, 0xE1, 0xBD, 0xB9, 0xCF, 0x83, 0xCE, 0xBC, 0xCE, 0xB5], [0x00], [0xC2, 0x80], [0xE0, 0xA0, 0x80],
        [0xF0, 0x90, 0x80, 0x80],
        [0x7F], [0xDF, 0xBF], [0xEF, 0xBF, 0xBF], [0xF4, 0x8F, 0xBF, 0xBF], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBD],
        [0xEF, 0xBF, 0xBE], [0xF0, 0x9F, 0xBF, 0xBE],
    ]
    private static let invalidUTF8: [[UInt8]] = [
        [0xCE, 0xBA, 0xED, 0xA0, 0x80, 0x65], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80],
        [0xF7, 0xBF, 0xBF, 0xBF],
        [0x80], [0xBF], [0x80, 0xBF], [0xC0, 0x20], [0xE0, 0x20], [0xF0, 0x20], [0xC0], [0xE0, 0x80], [0xF0, 0x80, 0x80], [0xDF],
        [0xEF, 0xBF],
        [0xFE], [0xFF], [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xF0, 0x80, 0x80, 0xAF], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
        [0xED, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
    ]

    @Test("6 UTF-8: what is valid comes back, also cut inside a character; what is not closes with 1007")
    func encoding() async throws {
        try await withEcho { port in
            let client = try await Self.client(port)
            for bytes in Self.validUTF8 {
                try await client.send(opcode: Self.text, bytes)
                #expect(try await client.readFrame().payload == bytes)
                for (index, byte) in bytes.enumerated() {
                    try await client.send(opcode: index == 0 ? Self.text : Self.continuation, [byte], isFinal: index == bytes.count - 1)
                }
                #expect(try await client.readFrame().payload == bytes)
            }
            try await client.send(opcode: Self.binary, [0xFF, 0xFE])
            #expect(try await client.readFrame().payload == [0xFF, 0xFE])
            await client.connection.close()
            for bytes in Self.invalidUTF8 {
                try await Self.expectClose(port, 1007, "6: \(bytes)") { try await $0.send(opcode: Self.text, bytes) }
                try await Self.expectClose(port, 1007, "6 in fragments: \(bytes)") {
                    try await $0.send(opcode: Self.text, Array("ok ".utf8), isFinal: false)
                    try await $0.send(opcode: Self.continuation, bytes)
                }
            }
        }
    }

    private static func payload(code: Int, _ reason: [UInt8] = []) -> [UInt8] {
        [UInt8(code >> 8), UInt8(code & 0xFF)] + reason
    }

    @Test("7 Closing: the code comes back, what may not be sent closes with 1002")
    func closing() async throws {
        try await withEcho { port in
            for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
                try await Self.expectClose(port, code, "7.7: \(code)") { try await $0.send(opcode: Self.close, Self.payload(code: code)) }
            }
            for code in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535] {
                try await Self.expectClose(port, 1002, "7.9: \(code)") { try await $0.send(opcode: Self.close, Self.payload(code: code)) }
            }
            try await Self.expectClose(port, 1000, "7.3.1 no payload") { try await $0.send(opcode: Self.close, []) }
            try await Self.expectClose(port, 1002, "7.3.2 one byte") { try await $0.send(opcode: Self.close, [3]) }
            try await Self.expectClose(port, 1000, "7.3.5 longest reason") {
                try await $0.send(opcode: Self.close, Self.payload(code: 1000, Self.letters(123)))
            }
            try await Self.expectClose(port, 1002, "7.3.6 too long") {
                try await $0.send(opcode: Self.close, Self.payload(code: 1000, Self.letters(124)))
            }
            try await Self.expectClose(port, 1007, "7.5.1 reason is no UTF-8") {
                try await $0.send(opcode: Self.close, Self.payload(code: 1000, [0xCE, 0xBA, 0xED, 0xA0, 0x80]))
            }
            try await Self.expectClose(port, 1000, "7.1 nothing is answered after a close") {
                try await $0.send(opcode: Self.close, Self.payload(code: 1000))
                // The server may have closed its side by now.
                try? await $0.send(opcode: Self.ping, [1])
                try? await $0.send(opcode: Self.text, Self.letters(10))
            }
        }
    }

    @Test("9 Limits: megabytes come back, whole and in fragments; more than the limit closes with 1009")
    func sizes() async throws {
        var limits = WebSocketLimits()
        limits.maxFrameSize = 4 << 20
        limits.maxMessageSize = 4 << 20
        try await withEcho(limits) { port in
            let client = try await Self.client(port)
            for size in [1 << 18, 1 << 20, 4 << 20] {
                let payload = Self.letters(size)
                try await client.send(opcode: Self.binary, payload)
                #expect(try await client.readFrame().payload == payload)
            }
            let payload = Self.letters(1 << 20)
            for fragment in [256, 65536] {
                for start in stride(from: 0, to: payload.count, by: fragment) {
                    let piece = Array(payload[start..<min(start + fragment, payload.count)])
                    try await client.send(
                        opcode: start == 0 ? Self.binary : Self.continuation,
                        piece,
                        isFinal: start + fragment >= payload.count
                    )
                }
                #expect(try await client.readFrame().payload == payload)
            }
            await client.connection.close()
            let large = try await Self.client(port)
            // Refused by its head: the payload need not follow.
            try await large.connection.send([0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
            #expect(try await large.readClose().closeCode == 1009)
            await large.connection.close()
        }
    }

    @Test("10 Masking: unmasked frames close with 1002, any mask is undone")
    func masking() async throws {
        try await withEcho { port in
            try await Self.expectClose(port, 1002, "unmasked") { try await $0.send(opcode: Self.text, [97], isMasked: false) }
            let client = try await Self.client(port)
            try await client.connection.send([0x82, 0x83, 0xFF, 0x00, 0x80, 0x7F, 0xFF, 0x00, 0x80])
            #expect(try await client.readFrame().payload == [0, 0, 0])
            await client.connection.close()
        }
    }

    @Test("An upgrade after plain requests on the same connection, with frames right behind the handshake")
    func lateUpgrade() async throws {
        try await withEcho { port in
            let connection = try await RawConnection(port: port)
            try await connection.send("GET /other HTTP/1.1\r\nHost: test\r\n\r\n")
            #expect(try await connection.readResponse().head.hasPrefix("HTTP/1.1 404"))
            let handshake = (["GET \(EchoServer.path) HTTP/1.1", "Host: test"] + WebSocketClient.handshake).joined(separator: "\r\n")
            // Pipelined: a plain request, the handshake, and the first frame in one segment.
            let frame: [UInt8] = [0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]
            try await connection.send(Array("GET /other HTTP/1.1\r\nHost: test\r\n\r\n\(handshake)\r\n\r\n".utf8) + frame)
            #expect(try await connection.readResponse().head.hasPrefix("HTTP/1.1 404"))
            let head = try await connection.read(until: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 101"))
            #expect(head.lowercased().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="))
            #expect(!head.lowercased().contains("transfer-encoding") && !head.lowercased().contains("content-length"))
            #expect(try await connection.read(count: 4) == [0x81, 2, 0x68, 0x69])
            await connection.close()
        }
    }

    @Test("A client that reads nothing does not fill the server's memory: its frames wait, and in the end it is closed")
    func slowReader() async throws {
        var server = EchoServer()
        server.writeTimeout = .milliseconds(300)
        try await server.run { port in
            let client = try await Self.client(port)
            try await client.connection.pauseReading()
            let payload = Self.letters(1 << 20)
            // Far more than sockets hold: at some point sending fails, because the server takes no more and then closes.
            await #expect(throws: (any Error).self) {
                for _ in 0..<200 { try await client.send(opcode: Self.binary, payload) }
            }
        }
    }
}
