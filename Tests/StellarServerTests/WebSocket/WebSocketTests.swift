import Foundation
import ServiceLifecycle
import StellarProtocol
import StellarServer
import Testing

@Suite("WebSocket", .timeLimit(.minutes(20)))
struct WebSocketTests {
    private func isEnd(_ event: WebSocketServerEvent.Payload) -> Bool {
        event == .messageStop
    }

    private func isError(_ event: WebSocketServerEvent.Payload) -> Bool {
        if case .error = event { true } else { false }
    }

    /// Runs `test` with a client that has read `session_start`.
    private func withClient(
        _ server: TestServer = TestServer(),
        path: String = "/api/ws/chat",
        _ test: @escaping @Sendable (WebSocketClient) async throws -> Void
    ) async throws {
        try await server.run { port, _ in
            let client = try await WebSocketClient(port: port, path: path)
            guard case .sessionStart = try await client.readEvent().payload else { throw RawConnection.Ended() }
            try await test(client)
            await client.connection.close()
        }
    }

    private func say(_ text: String, more: String = "") -> String {
        #"{"type":"chat.message","content":"\#(text)"\#(more)}"#
    }

    @Test("A conversation has exactly the documented events, replies follow each other", arguments: ["/api/ws/chat", "/v1/ws/chat?x=1"])
    func conversation(path: String) async throws {
        let server = TestServer()
        try await withClient(server, path: path) { client in
            try await client.send(say("hi"))
            #expect(
                try await client.readEvents(until: isEnd) == [
                    .contentBlockStart(index: 0), .contentBlockDelta(index: 0, text: "Hello"), .contentBlockDelta(index: 0, text: ", "),
                    .contentBlockDelta(index: 0, text: "world"), .contentBlockStop(index: 0),
                    .messageDelta(finishReason: "stop", usage: WebSocketUsage(inputTokens: 7, outputTokens: 3)), .messageStop,
                ]
            )
            try await client.send(say("cut"))
            let second = try await client.readEvents(until: isEnd)
            #expect(second.contains(.messageDelta(finishReason: "length", usage: WebSocketUsage(inputTokens: 7, outputTokens: 1))))
            #expect(server.backend.seen.conversations.last?.map(\.role) == ["user", "assistant", "user"])
            #expect(server.backend.seen.conversations.last?[1].content == .text("Hello, world"))
        }
    }

    @Test("The next message may follow message_stop at once, and replies never mix")
    func rapidReplies() async throws {
        let server = TestServer()
        try await withClient(server) { client in
            for number in 1...100 {
                try await client.send(say("hi", more: #","id":"\#(number)""#))
                for index in 0..<7 {
                    let event = try await client.readEvent()
                    try #require(event.id == String(number))
                    try #require((event.payload == .contentBlockStart(index: 0)) == (index == 0))
                    try #require((event.payload == .messageStop) == (index == 6))
                }
            }
            #expect(server.backend.seen.conversations.last?.count == 199)
        }
    }

    @Test("The bytes of an event are the documented JSON")
    func bytes() async throws {
        try await TestServer().run { port, _ in
            let client = try await WebSocketClient(port: port, path: "/api/ws/chat?session_id=my-session")
            let frame = try await client.readFrame()
            #expect(frame.opcode == 1 && frame.isFinal)
            #expect(String(decoding: frame.payload, as: UTF8.self) == #"{"data":{"session_id":"my-session"},"event":"session_start"}"#)
            await client.connection.close()
        }
    }

    @Test("The id of a message is in every event of its reply")
    func ids() async throws {
        try await withClient { client in
            try await client.send(say("hi", more: #","id":"m1""#))
            var ids: Set<String?> = []
            while true {
                let event = try await client.readEvent()
                ids.insert(event.id)
                if event.payload == .messageStop { break }
            }
            #expect(ids == ["m1"])
        }
    }

    @Test("chat.cancel ends the reply in good order, its text stays in the conversation")
    func cancelling() async throws {
        let server = TestServer()
        try await withClient(server) { client in
            try await client.send(say("endless"))
            _ = try await client.readEvents { if case .contentBlockDelta = $0 { true } else { false } }
            try await client.send(#"{"type":"chat.cancel"}"#)
            let events = try await client.readEvents(until: isEnd)
            #expect(events.suffix(3).first == .contentBlockStop(index: 0))
            guard case .messageDelta(let reason, let usage, _) = events[events.count - 2] else { throw RawConnection.Ended() }
            #expect(reason == "cancelled")
            #expect(usage.outputTokens > 0)
            try await server.backend.until { $0.cancelled == 1 }
            try await client.send(say("hi"))
            _ = try await client.readEvents(until: isEnd)
            #expect(server.backend.seen.conversations.last?.count == 3)
        }
    }

    @Test("Cancelling a reply that has said nothing ends it in good order too")
    func cancellingSilence() async throws {
        let server = TestServer()
        try await withClient(server) { client in
            try await client.send(say("silent"))
            #expect(try await client.readEvent().payload == .contentBlockStart(index: 0))
            try await client.send(#"{"type":"chat.cancel"}"#)
            let events = try await client.readEvents(until: isEnd)
            #expect(events.count == 3)
            try await server.backend.until { $0.cancelled == 1 }
        }
    }

    @Test("Pings of both kinds are answered while a reply is generated")
    func pings() async throws {
        try await withClient { client in
            try await client.send(say("silent"))
            #expect(try await client.readEvent().payload == .contentBlockStart(index: 0))
            try await client.send(opcode: 9, Array("are you there".utf8))
            #expect(try await client.readFrame() == .init(opcode: 10, isFinal: true, payload: Array("are you there".utf8)))
            try await client.send(#"{"type":"ping"}"#)
            #expect(try await client.readEvent().payload == .pong)
        }
    }

    @Test("A message while a reply runs is an error event; the reply goes on")
    func busy() async throws {
        let server = TestServer(backend: WordBackend { word in word == "slow" ? .slow : .pieces(["x"]) })
        try await withClient(server) { client in
            try await client.send(say("slow"))
            _ = try await client.readEvents { if case .contentBlockDelta = $0 { true } else { false } }
            try await client.send(say("too early"))
            #expect(try await isError(client.readEvent().payload))
            server.backend.release()
            #expect(try await client.readEvents(until: isEnd).last == .messageStop)
            #expect(server.backend.seen.started == 1)
        }
    }

    @Test(
        "Messages that are wrong are error events, the connection stays usable",
        arguments: ["hello", "", "{", #"{"type":"nonsense"}"#, #"{"type":"chat.message","content":"x","temperature":"hot"}"#]
    )
    func wrongMessages(text: String) async throws {
        try await withClient { client in
            try await client.send(text)
            #expect(try await isError(client.readEvent().payload))
            try await client.send(say("hi"))
            #expect(try await client.readEvents(until: isEnd).count == 7)
        }
    }

    @Test("Replies that fail are error events, the connection stays usable", arguments: ["full", "long", "broken"])
    func failures(word: String) async throws {
        let server = TestServer()
        try await withClient(server) { client in
            try await client.send(say(word))
            _ = try await client.readEvents(until: isError)
            try await client.send(say("hi"))
            _ = try await client.readEvents(until: isEnd)
            #expect(server.backend.seen.conversations.last?.count == 1)
        }
    }

    @Test("A message in many fragments is one message")
    func fragments() async throws {
        try await withClient { client in
            let bytes = Array(say("hi").utf8)
            for (index, byte) in bytes.enumerated() {
                try await client.send(opcode: index == 0 ? 1 : 0, [byte], isFinal: index == bytes.count - 1)
            }
            #expect(try await client.readEvents(until: isEnd).count == 7)
        }
    }

    @Test("A message of a few megabytes in frames below the limit is taken")
    func largeMessage() async throws {
        let server = TestServer()
        try await withClient(server) { client in
            let bytes = Array(say(String(repeating: "a", count: 3_000_000)).utf8)
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = rest.prefix(900_000)
                rest = rest.dropFirst(900_000)
                try await client.send(opcode: part.startIndex == 0 ? 1 : 0, Array(part), isFinal: rest.isEmpty)
            }
            #expect(try await client.readEvents(until: isEnd).last == .messageStop)
        }
    }

    @Test("Frames that break the protocol close the connection with the right code")
    func violations() async throws {
        let server = TestServer()
        let cases: [(Int, @Sendable (WebSocketClient) async throws -> Void)] = [
            (1002, { try await $0.send(opcode: 1, Array("{}".utf8), isMasked: false) }),
            (1002, { try await $0.send(opcode: 1, Array("{}".utf8), flags: 0x40) }),
            (1002, { try await $0.send(opcode: 3, []) }),
            (1002, { try await $0.send(opcode: 0, Array("x".utf8)) }),
            (1002, { try await $0.send(opcode: 9, [UInt8](repeating: 0, count: 126)) }),
            (1002, { try await $0.send(opcode: 9, [], isFinal: false) }),
            (1003, { try await $0.send(opcode: 2, [1, 2, 3]) }),
            (1007, { try await $0.send(opcode: 1, [0xC3, 0x28]) }),
            (1002, { try await $0.send(opcode: 8, [0x03, 0xED]) }),
            (1000, { try await $0.send(opcode: 8, [0x03, 0xE8]) }),
        ]
        try await server.run { port, _ in
            for (code, act) in cases {
                let client = try await WebSocketClient(port: port)
                try await act(client)
                #expect(try await client.readClose().closeCode == code)
                await client.connection.close()
            }
        }
    }

    @Test("Too large a frame or message closes with 1009, and the close arrives")
    func tooLarge() async throws {
        var server = TestServer()
        server.configuration.webSocket.maxFrameSize = 100_000
        server.configuration.webSocket.maxMessageSize = 150_000
        try await server.run { port, _ in
            let frame = try await WebSocketClient(port: port)
            // The server answers while this is still being sent; the rest of it need not get through.
            try? await frame.send(opcode: 1, [UInt8](repeating: 97, count: 5_000_000))
            #expect(try await frame.readClose().closeCode == 1009)
            let message = try await WebSocketClient(port: port)
            try await message.send(opcode: 1, [UInt8](repeating: 97, count: 90_000), isFinal: false)
            try await message.send(opcode: 0, [UInt8](repeating: 97, count: 90_000))
            #expect(try await message.readClose().closeCode == 1009)
            await frame.connection.close()
            await message.connection.close()
        }
    }

    @Test("A client that leaves ends its generation, with or without saying so", arguments: [true, false])
    func leaving(politely: Bool) async throws {
        let server = TestServer()
        try await withClient(server) { client in
            try await client.send(say("silent"))
            try await server.backend.until { $0.started == 1 }
            if politely {
                try await client.send(opcode: 8, [0x03, 0xE8])
            } else {
                await client.connection.close()
            }
            try await server.backend.until { $0.cancelled == 1 }
        }
    }

    @Test("A client that answers no ping is taken for dead")
    func deadClient() async throws {
        var server = TestServer()
        server.configuration.webSocket.pingInterval = .milliseconds(50)
        try await withClient(server) { client in
            let ping = try await client.readFrame()
            #expect(ping.opcode == 9)
            let close = try await client.readClose()
            #expect(close.closeCode == 1001)
        }
    }

    @Test("On shutdown idle connections close with 1001, a running reply finishes first")
    func shutdown() async throws {
        let server = TestServer(backend: WordBackend { word in word == "slow" ? .slow : .pieces(["x"]) })
        try await server.run { port, group in
            let idle = try await WebSocketClient(port: port)
            _ = try await idle.readEvent()
            let busy = try await WebSocketClient(port: port)
            _ = try await busy.readEvent()
            try await busy.send(say("slow"))
            _ = try await busy.readEvents { if case .contentBlockDelta = $0 { true } else { false } }
            await group.triggerGracefulShutdown()
            #expect(try await idle.readClose().closeCode == 1001)
            server.backend.release()
            #expect(try await busy.readEvents(until: isEnd).last == .messageStop)
            #expect(try await busy.readClose().closeCode == 1001)
        }
    }

    @Test("Handshakes that can't be granted are answered in HTTP")
    func refusals() async throws {
        let cases: [(String, [String], String)] = [
            ("/api/ws/chat", [], "426"),
            (
                "/api/ws/chat",
                ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
                "426"
            ),
            (
                "/api/ws/chat", ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: short"],
                "400"
            ),
            ("/api/ws/chat", ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"], "400"),
            ("/api/ws/chat", WebSocketClient.handshake + ["Origin: http://evil.example"], "403"),
            ("/api/ws/chat", ["Upgrade: h2c", "Connection: Upgrade"], "426"),
            ("/api/ws/other", WebSocketClient.handshake, "404"),
            ("/v1/models", WebSocketClient.handshake, "200"),
        ]
        try await TestServer().run { port, _ in
            for (path, headers, status) in cases {
                let client = try await RawConnection(port: port)
                try await client.send((["GET \(path) HTTP/1.1", "Host: test"] + headers).joined(separator: "\r\n") + "\r\n\r\n")
                let response = try await client.readResponse()
                #expect(response.head.hasPrefix("HTTP/1.1 \(status) "), "\(path) \(headers)")
                #expect(response.head.contains("application/json"))
                if status == "426" { #expect(response.head.lowercased().contains("sec-websocket-version: 13")) }
                await client.close()
            }
        }
    }

    @Test("Pages of the server and of listed origins may connect", arguments: ["http://test", "http://localhost:5173"])
    func origins(origin: String) async throws {
        try await TestServer().run { port, _ in
            let client = try await WebSocketClient(port: port, headers: ["Origin: \(origin)"])
            _ = try await client.readEvent()
            await client.connection.close()
        }
    }

    @Test("A handshake with a body is refused and hurts nobody")
    func oddHandshakes() async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send(RawConnection.request("GET", "/api/ws/chat", headers: WebSocketClient.handshake, body: "hello"))
            #expect(await client.readToEnd().hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test("A WebSocket may begin after plain requests on its connection, a refused handshake closes it")
    func lateHandshakes() async throws {
        try await TestServer().run { port, _ in
            let handshake = (["GET /api/ws/chat HTTP/1.1", "Host: test"] + WebSocketClient.handshake).joined(separator: "\r\n")
            let late = try await RawConnection(port: port)
            try await late.send(RawConnection.request("GET", "/v1/models"))
            _ = try await late.readResponse()
            try await late.send(handshake + "\r\n\r\n")
            #expect(try await late.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 101"))
            _ = try await late.read(until: "session_start")
            await late.close()
            let refused = try await RawConnection(port: port)
            try await refused.send(RawConnection.request("GET", "/v1/models"))
            _ = try await refused.readResponse()
            try await refused.send(handshake + "\r\nOrigin: http://evil.example\r\n\r\n")
            #expect(await refused.readToEnd().hasPrefix("HTTP/1.1 403"))
        }
    }

    @Test("Connections are counted")
    func metrics() async throws {
        let server = TestServer()
        try await withClient(server) { _ in
            #expect(server.metrics.registry.render().contains("stellar_websocket_connections 1\n"))
        }
        #expect(server.metrics.registry.render().contains("stellar_websocket_connections 0\n"))
        #expect(server.metrics.registry.render().contains("stellar_websocket_connections_total 1\n"))
    }
}
