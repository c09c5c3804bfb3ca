import StellarInference
import StellarProtocol
import StellarServer
import Synchronization
import Testing

@Suite("Slow and patient clients", .timeLimit(.minutes(20)))
struct OverloadTests {
    private static func chat(_ text: String, stream: Bool, more: String = "") -> String {
        let body = #"{"messages":[{"role":"user","content":"\#(text)"}],"stream":\#(stream)\#(more)}"#
        return RawConnection.request("POST", "/v1/chat/completions", body: body)
    }

    @Test(
        "A reply that takes too long ends: by 504 before the first byte, by an error event in a stream",
        arguments: ["silent", "endless"]
    )
    func timeout(word: String) async throws {
        var server = TestServer()
        server.configuration.requestTimeout = .milliseconds(200)
        let backend = server.backend
        try await server.run { port, _ in
            let whole = try await RawConnection(port: port)
            try await whole.send(Self.chat(word, stream: false))
            let response = try await whole.readResponse()
            #expect(response.head.hasPrefix("HTTP/1.1 504"))
            #expect(response.head.lowercased().contains("x-should-retry: false"))
            #expect(response.body.contains("request_timeout"))
            try await whole.send(Self.chat(word, stream: true))
            let stream = try await whole.read(until: "data: [DONE]\n\n")
            #expect(stream.contains("request_timeout"))
            try await backend.until { $0.cancelled == 2 }
            await whole.close()
        }
    }

    @Test("A request may ask for less time than the server allows")
    func ownTimeout() async throws {
        try await TestServer().run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send(Self.chat("silent", stream: false, more: #","timeout":0.1"#))
            #expect(try await client.readResponse().head.hasPrefix("HTTP/1.1 504"))
            await client.close()
        }
    }

    @Test("Place in the queue and progress of the prompt are comments before the first token")
    func progress() async throws {
        let backend = ScriptedBackend(choices: [
            [
                .queued(position: 3), .queued(position: 1), .started(GenerationStart(promptTokens: 2048)),
                .prefill(processed: 512, total: 2048),
                textEvent("Hi"), endEvent(),
            ]
        ])
        try await TestServer(state: .ready(backend)).run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.send(Self.chat("x", stream: true))
            let text = try await client.read(until: "data: [DONE]\n\n")
            let parts = [": queued 3\n\n", ": queued 1\n\n", ": prefill 512/2048\n\n", #""content":"Hi""#]
            let positions = parts.compactMap { text.firstRange(of: $0)?.lowerBound }
            #expect(positions.count == parts.count && positions == positions.sorted())
            await client.close()
        }
    }

    /// Counts how many events were taken from it.
    private final class Tap: Sendable {
        let taken = Mutex(0)

        var stream: ChatStream {
            AsyncThrowingStream(unfolding: {
                self.taken.withLock { $0 += 1 }
                return textEvent(String(repeating: "x", count: 4096))
            })
        }
    }

    @Test("Of a reply that nobody reads only a bounded part is taken from the engine, and its client is closed in the end")
    func slowReader() async throws {
        let tap = Tap()
        var server = TestServer(state: .ready(ScriptedBackend { _ in [tap.stream] }))
        server.configuration.writeTimeout = .milliseconds(500)
        try await server.run { port, _ in
            let client = try await RawConnection(port: port)
            try await client.pauseReading()
            try await client.send(Self.chat("x", stream: true))
            // Everything is taken that sockets and queues hold, then nothing more.
            while tap.taken.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(5)) }
            var before = 0
            while tap.taken.withLock({ $0 }) != before {
                before = tap.taken.withLock { $0 }
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(before > 0)
            #expect(before * 4096 < 32 << 20)
            await client.close()
        }
    }

    @Test("A WebSocket that nobody reads makes its reply wait, then is closed, and the reply ends")
    func slowWebSocket() async throws {
        let tap = Tap()
        var server = TestServer(state: .ready(ScriptedBackend { _ in [tap.stream] }))
        server.configuration.writeTimeout = .milliseconds(500)
        let metrics = server.metrics
        try await server.run { port, _ in
            let client = try await WebSocketClient(port: port)
            _ = try await client.readEvent()
            try await client.connection.pauseReading()
            try await client.send(#"{"type":"chat.message","content":"x"}"#)
            while !metrics.registry.render().contains("stellar_websocket_connections 0\n") { try await Task.sleep(for: .milliseconds(20)) }
            #expect(tap.taken.withLock { $0 } * 4096 < 32 << 20)
            #expect(metrics.registry.render().contains(#"stellar_request_finished_total{model="tiny",reason="cancelled"} 1"#))
        }
    }

    @Test("A message that asks for progress gets it before the first block, and timings at the end; others do not")
    func webSocketProgress() async throws {
        let backend = ScriptedBackend(choices: [
            [
                .queued(position: 2), .started(GenerationStart(promptTokens: 9)), .prefill(processed: 4, total: 9), textEvent("a"),
                endEvent(),
            ]
        ])
        try await TestServer(state: .ready(backend)).run { port, _ in
            let client = try await WebSocketClient(port: port)
            _ = try await client.readEvent()
            try await client.send(#"{"type":"chat.message","content":"x","progress":true}"#)
            let asked = try await client.readEvents { $0 == .messageStop }
            #expect(
                asked.prefix(4) == [
                    .progress(.init(queuePosition: 2, promptTokens: 0, processedTokens: 0)),
                    .progress(.init(queuePosition: nil, promptTokens: 9, processedTokens: 0)),
                    .progress(.init(queuePosition: nil, promptTokens: 9, processedTokens: 4)), .contentBlockStart(index: 0),
                ]
            )
            #expect(asked.contains { if case .messageDelta(_, _, let timings) = $0 { timings != nil } else { false } })
            try await client.send(#"{"type":"chat.message","content":"x"}"#)
            let plain = try await client.readEvents { $0 == .messageStop }
            #expect(plain.first == .contentBlockStart(index: 0))
            #expect(plain.contains { if case .messageDelta(_, _, let timings) = $0 { timings == nil } else { false } })
            await client.connection.close()
        }
    }
}
