import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import StellarInference
import StellarProtocol
import StellarServer
import StellarTestSupport
import Testing

@Suite("Real model over HTTP", .serialized, .timeLimit(.minutes(20)))
struct RealModelTests {
    /// One engine for all tests of the process.
    private static let backend = Task {
        let model = try await LanguageModel.load(path: TestModel.path)
        return LocalChatBackend(engine: try InferenceEngine(model: model), version: "test")
    }

    private static let prompts = [
        "Name three colours.", "What is 2 + 2?", "Write a haiku about rain.", "Who wrote Hamlet?", "用中文介绍一下你自己。", "List five animals.",
        "Explain gravity in one sentence.", "Count to ten.",
    ]

    private func request(_ prompt: String, stream: Bool, maxTokens: Int = 32) -> ChatCompletionRequest {
        var request = ChatCompletionRequest(messages: [ChatMessage(role: "user", content: .text(prompt))], stream: stream)
        request.temperature = 0
        request.maxTokens = maxTokens
        return request
    }

    /// Runs a server around the real model. The scripted backend of `TestServer` is not asked.
    private func run(_ test: @escaping @Sendable (Int, LocalChatBackend) async throws -> Void) async throws {
        let backend = try await Self.backend.value
        try await TestServer(state: .ready(backend)).run { port, _ in try await test(port, backend) }
    }

    private func post(_ request: ChatCompletionRequest, port: Int) async throws -> String {
        var http = HTTPClientRequest(url: "http://127.0.0.1:\(port)/v1/chat/completions")
        http.method = .POST
        http.body = .bytes(ByteBuffer(bytes: try JSONCoding.encode(request)))
        let response = try await HTTPClient.shared.execute(http, timeout: .seconds(120))
        #expect(response.status == .ok)
        return String(buffer: try await response.body.collect(upTo: 1 << 20))
    }

    private func streamed(_ prompt: String, port: Int) async throws -> String {
        let text = try await post(request(prompt, stream: true), port: port)
        return try text.components(separatedBy: "\n\n").filter { $0.hasPrefix("data: {") }.map {
            try JSONCoding.decode(ChatCompletionChunk.self, from: $0.dropFirst(6).utf8)
        }.compactMap { $0.choices.first?.delta.content }.joined()
    }

    @Test(
        "Eight streams at once say what each says alone",
        .enabled(if: TestModel.isAvailable, Comment(rawValue: TestModel.skipReason))
    )
    func concurrentStreams() async throws {
        try await run { port, _ in
            var alone: [String: String] = [:]
            for prompt in Self.prompts {
                let completion = try JSONCoding.decode(
                    ChatCompletionResponse.self,
                    from: try await post(request(prompt, stream: false), port: port).utf8
                )
                alone[prompt] = completion.choices.first?.message.content
            }
            let together = try await withThrowingTaskGroup(of: (String, String).self) { group in
                for prompt in Self.prompts { group.addTask { (prompt, try await streamed(prompt, port: port)) } }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect(together == alone)
            #expect(together.values.allSatisfy { !$0.isEmpty })
        }
    }

    @Test(
        "A client that leaves frees its place",
        .enabled(if: TestModel.isAvailable, Comment(rawValue: TestModel.skipReason))
    )
    func leaving() async throws {
        try await run { port, backend in
            let client = try await RawConnection(port: port)
            var endless = request("Tell a very long story.", stream: true, maxTokens: 8000)
            endless.ignoreEOS = true
            try await client.send(chat(endless))
            _ = try await client.read(until: #""content":""#)
            _ = try await client.read(until: #""content":""#)
            #expect(backend.load.running == 1)
            await client.close()
            while backend.load.running > 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await !streamed("Hello!", port: port).isEmpty)
        }
    }

    @Test(
        "A stream that has to wait says its place before anything else comes of it",
        .enabled(if: TestModel.isAvailable, Comment(rawValue: TestModel.skipReason))
    )
    func placeInQueue() async throws {
        let engine = try InferenceEngine(model: try await .load(path: TestModel.path), configuration: .init(maxBatch: 1))
        let backend = LocalChatBackend(engine: engine, version: "test")
        try await TestServer(state: .ready(backend)).run { port, _ in
            let first = try await RawConnection(port: port)
            var endless = request("Tell a very long story.", stream: true, maxTokens: 8000)
            endless.ignoreEOS = true
            try await first.send(chat(endless))
            _ = try await first.read(until: #""content":""#)
            let second = try await RawConnection(port: port)
            try await second.send(chat(request("Hello!", stream: true)))
            // All of this comes while the first one has the only place.
            let waiting = try await second.read(until: ": queued 1\n\n")
            #expect(waiting.contains(#""role":"assistant""#) && !waiting.contains("prefill"))
            #expect(backend.load.waiting == 1)
            await first.close()
            #expect(try await second.read(until: "data: [DONE]\n\n").contains(#""delta":{"content":""#))
            await second.close()
        }
        await engine.shutdown()
    }

    private func chat(_ request: ChatCompletionRequest) throws -> String {
        RawConnection.request("POST", "/v1/chat/completions", body: String(decoding: try JSONCoding.encode(request), as: UTF8.self))
    }

    @Test(
        "Too long a conversation is refused with the words that clients know",
        .enabled(if: TestModel.isAvailable, Comment(rawValue: TestModel.skipReason))
    )
    func tooLong() async throws {
        try await run { port, _ in
            let client = try await RawConnection(port: port)
            let long = request(String(repeating: "word ", count: 20_000), stream: true)
            let body = String(decoding: try JSONCoding.encode(long), as: UTF8.self)
            try await client.send(RawConnection.request("POST", "/v1/chat/completions", body: body))
            let response = try await client.readResponse()
            #expect(response.head.hasPrefix("HTTP/1.1 400"))
            #expect(response.body.contains("context_length_exceeded"))
            #expect(response.body.contains("maximum context length is"))
            await client.close()
        }
    }

    @Test(
        "A WebSocket conversation replies twice and remembers",
        .enabled(if: TestModel.isAvailable, Comment(rawValue: TestModel.skipReason))
    )
    func conversation() async throws {
        try await run { port, _ in
            let client = try await WebSocketClient(port: port)
            _ = try await client.readEvent()
            var inputTokens: [Int] = []
            for _ in 0..<2 {
                try await client.send(#"{"type":"chat.message","content":"Hello!","temperature":0,"max_tokens":16}"#)
                let events = try await client.readEvents { $0 == .messageStop }
                for case .messageDelta(_, let usage, _) in events { inputTokens.append(usage.inputTokens) }
            }
            #expect(inputTokens.count == 2)
            #expect(inputTokens.first.map { $0 > 0 } == true)
            #expect((inputTokens.last ?? 0) > (inputTokens.first ?? 0))
            await client.connection.close()
        }
    }
}
