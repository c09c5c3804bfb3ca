import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import StellarProtocol
import StellarServer
import Testing

/// The same requests in process and over a real socket.
enum Transport: String, CaseIterable, Sendable {
    case inProcess
    case socket

    var setup: TestingSetup { self == .inProcess ? .router : .live }
}

@Suite("Requests", .timeLimit(.minutes(20)))
struct RequestTests {
    static func body(_ text: String, more: String = "") -> ByteBuffer {
        ByteBuffer(string: #"{"model":"scripted","messages":[{"role":"user","content":"\#(text)"}]\#(more)}"#)
    }

    private static func error(_ response: TestResponse) throws -> ErrorObject {
        #expect(response.headers[.contentType] == "application/json")
        return try JSONCoding.decode(ErrorResponse.self, from: response.body.readableBytesView).error
    }

    @Test("Health is 200 when the model is ready, under both prefixes", arguments: Transport.allCases, ["/api/health", "/v1/health"])
    func healthy(transport: Transport, path: String) async throws {
        try await TestServer().test(transport.setup) { client in
            try await client.execute(uri: path, method: .get) { response in
                #expect(response.status == .ok)
                let health = try JSONCoding.decode(HealthResponse.self, from: response.body.readableBytesView)
                #expect(health.status == .ok)
                #expect(health.model == "scripted")
            }
            try await client.execute(uri: path, method: .head) { #expect($0.status == .ok) }
        }
    }

    @Test(
        "While the model is not ready, health and completions answer 503",
        arguments: Transport.allCases,
        [ModelState.loading, .failed("no file"), .stopping(nil)]
    )
    func notReady(transport: Transport, state: ModelState) async throws {
        try await TestServer(state: state).test(transport.setup) { client in
            try await client.execute(uri: "/api/health", method: .get) { response in
                #expect(response.status == .serviceUnavailable)
                #expect(response.headers[.retryAfter] == "2")
                let health = try JSONCoding.decode(HealthResponse.self, from: response.body.readableBytesView)
                #expect(health.status != .ok)
            }
            try await client.execute(uri: "/v1/chat/completions", method: .post, body: Self.body("hi")) { response in
                #expect(response.status == .serviceUnavailable)
                let error = try Self.error(response)
                #expect(error.type == "server_error")
            }
        }
    }

    @Test("Loading becomes ready without a restart")
    func becomesReady() async throws {
        let server = TestServer(state: .loading)
        try await server.test(.router) { client in
            try await client.execute(uri: "/api/health", method: .get) { #expect($0.status == .serviceUnavailable) }
            server.holder.set(.ready(server.backend))
            try await client.execute(uri: "/api/health", method: .get) { #expect($0.status == .ok) }
        }
    }

    @Test("Models are listed and found by name", arguments: Transport.allCases, ["/api", "/v1"])
    func models(transport: Transport, prefix: String) async throws {
        try await TestServer().test(transport.setup) { client in
            try await client.execute(uri: prefix + "/models", method: .get) { response in
                let list = try JSONCoding.decode(ModelList.self, from: response.body.readableBytesView)
                #expect(list.object == "list")
                #expect(list.data.map(\.id) == ["scripted"])
            }
            try await client.execute(uri: prefix + "/models/scripted", method: .get) { #expect($0.status == .ok) }
            try await client.execute(uri: prefix + "/models/s%63ripted", method: .get) { #expect($0.status == .ok) }
            try await client.execute(uri: prefix + "/models/other", method: .get) { response in
                #expect(response.status == .notFound)
                let error = try Self.error(response)
                #expect(error.code == "model_not_found")
            }
        }
    }

    @Test("A completion comes as one document", arguments: Transport.allCases, ["/api", "/v1"])
    func completion(transport: Transport, prefix: String) async throws {
        try await TestServer().test(transport.setup) { client in
            try await client.execute(uri: prefix + "/chat/completions", method: .post, body: Self.body("hi")) { response in
                #expect(response.status == .ok)
                #expect(response.headers[.contentType] == "application/json")
                let completion = try JSONCoding.decode(ChatCompletionResponse.self, from: response.body.readableBytesView)
                #expect(completion.choices.map(\.message.content) == ["Hello, world"])
                #expect(completion.choices.map(\.finishReason) == ["stop"])
                #expect(completion.usage.totalTokens == 10)
            }
        }
    }

    @Test("A stream has the headers and the framing that clients depend on", arguments: Transport.allCases)
    func stream(transport: Transport) async throws {
        let body = Self.body("unicode", more: #","stream":true,"stream_options":{"include_usage":true}"#)
        try await TestServer().test(transport.setup) { client in
            try await client.execute(uri: "/v1/chat/completions", method: .post, body: body) { response in
                #expect(response.headers[.contentType] == "text/event-stream; charset=utf-8")
                #expect(response.headers[.cacheControl] == "no-cache")
                #expect(response.headers[HTTPField.Name("x-accel-buffering") ?? .accept] == "no")
                #expect(response.headers[.contentEncoding] == nil)
                let text = String(buffer: response.body)
                #expect(text.hasSuffix("data: [DONE]\n\n"))
                let events = text.components(separatedBy: "\n\n").dropLast()
                #expect(events.allSatisfy { $0.hasPrefix("data: ") && !$0.contains("\n") })
                let chunks = try events.dropLast().map { try JSONCoding.decode(ChatCompletionChunk.self, from: $0.dropFirst(6).utf8) }
                #expect(Set(chunks.map(\.id)).count == 1)
                #expect(chunks.compactMap { $0.choices.first?.delta.role } == ["assistant"])
                #expect(chunks.compactMap { $0.choices.first?.delta.content }.joined() == "你好 🎉\n\"quoted\"")
                #expect(chunks.compactMap { $0.choices.first?.finishReason } == ["stop"])
                #expect(chunks.last?.choices.isEmpty == true)
                #expect(chunks.compactMap(\.usage?.completionTokens) == [3])
            }
        }
    }

    @Test("An error in the middle of a stream is an event, then the stream ends", arguments: Transport.allCases)
    func brokenStream(transport: Transport) async throws {
        let body = Self.body("broken", more: #","stream":true"#)
        try await TestServer().test(transport.setup) { client in
            try await client.execute(uri: "/v1/chat/completions", method: .post, body: body) { response in
                #expect(response.status == .ok)
                let events = String(buffer: response.body).components(separatedBy: "\n\n")
                let error = try #require(events.first { $0.hasPrefix(#"data: {"error":"#) })
                let object = try JSONCoding.decode(ErrorResponse.self, from: error.dropFirst(6).utf8).error
                #expect(object.message == "It broke.")
                #expect(events.suffix(2) == ["data: [DONE]", ""])
            }
        }
    }

    @Test("An error before the first byte has a real status, streaming or not", arguments: Transport.allCases, ["true", "false"])
    func errorAtStart(transport: Transport, stream: String) async throws {
        try await TestServer().test(transport.setup) { client in
            let full = Self.body("full", more: #","stream":\#(stream)"#)
            try await client.execute(uri: "/v1/chat/completions", method: .post, body: full) { response in
                #expect(response.status == .serviceUnavailable)
                #expect(response.headers[.retryAfter] == "1")
                let error = try Self.error(response)
                #expect(error.code == "queue_full")
            }
            let long = Self.body("long", more: #","stream":\#(stream)"#)
            try await client.execute(uri: "/v1/chat/completions", method: .post, body: long) { response in
                #expect(response.status == .badRequest)
                let error = try Self.error(response)
                #expect(error.code == "context_length_exceeded")
            }
        }
    }

    static let malformed: [[UInt8]] =
        [
            "", "{", "null", "[]", "7", #""text""#, "{}", #"{"messages":null}"#, #"{"messages":{}}"#, #"{"messages":[]}"#,
            #"{"messages":[7]}"#, #"{"messages":[{}]}"#, #"{"messages":[{"role":"user"}]}"#,
            #"{"messages":[{"role":"wizard","content":"x"}]}"#,
            #"{"messages":[{"role":"user","content":7}]}"#, #"{"messages":[{"role":"user","content":"x"}],"temperature":"hot"}"#,
            #"{"messages":[{"role":"user","content":"x"}],"temperature":-1}"#,
            #"{"messages":[{"role":"user","content":"x"}],"max_tokens":0}"#,
            #"{"messages":[{"role":"user","content":"x"}],"stream":"yes"}"#, #"{"messages":[{"role":"user","content":"x"}],"n":0}"#,
            #"{"messages":[{"role":"user","content":"x"}]} trailing"#, "{\"messages\":[{\"role\":\"user\",\"content\":\"\u{0}\"}]}",
            String(repeating: "[", count: 100_000),
        ].map { Array($0.utf8) } + [
            [0xFF, 0xFE, 0x7B], Array(#"{"messages":[{"role":"user","content":""#.utf8) + [0xC3, 0x28] + Array(#""}]}"#.utf8), [0, 0, 0],
        ]

    @Test("Bodies that are no valid request get 400 with a JSON error, and the server goes on", arguments: Transport.allCases)
    func malformedBodies(transport: Transport) async throws {
        try await TestServer().test(transport.setup) { client in
            for bytes in Self.malformed {
                try await client.execute(uri: "/v1/chat/completions", method: .post, body: ByteBuffer(bytes: bytes)) { response in
                    #expect(response.status == .badRequest, "\(String(decoding: bytes.prefix(80), as: UTF8.self))")
                    let error = try Self.error(response)
                    #expect(error.type == "invalid_request_error")
                }
            }
            try await client.execute(uri: "/v1/chat/completions", method: .post, body: Self.body("hi")) { #expect($0.status == .ok) }
        }
    }

    @Test("An unknown model gets 404 as the API words it", arguments: Transport.allCases)
    func unknownModel(transport: Transport) async throws {
        let body = ByteBuffer(string: #"{"model":"gpt-9","messages":[{"role":"user","content":"x"}]}"#)
        try await TestServer().test(transport.setup) { client in
            try await client.execute(uri: "/v1/chat/completions", method: .post, body: body) { response in
                #expect(response.status == .notFound)
                let error = try Self.error(response)
                #expect(error.code == "model_not_found" && error.param == "model" && error.type == "invalid_request_error")
            }
        }
    }

    @Test("The content type of a request does not matter", arguments: ["text/plain", "application/x-www-form-urlencoded", "nonsense"])
    func contentType(type: String) async throws {
        try await TestServer().test(.router) { client in
            try await client.execute(
                uri: "/v1/chat/completions",
                method: .post,
                headers: [.contentType: type],
                body: Self.body("hi")
            ) { #expect($0.status == .ok) }
        }
    }

    @Test("Unknown paths are JSON 404s, wrong methods JSON 405s with Allow", arguments: Transport.allCases)
    func unmatched(transport: Transport) async throws {
        try await TestServer().test(transport.setup) { client in
            for path in ["/v1", "/v1/nothing", "/api/nothing/here", "/v1/chat", "/nowhere.js"] {
                try await client.execute(uri: path, method: .get) { response in
                    #expect(response.status == .notFound)
                    let error = try Self.error(response)
                    #expect(error.code == "not_found")
                }
            }
            let wrong: [(String, HTTPRequest.Method, String)] = [
                ("/v1/chat/completions", .get, "POST"), ("/api/models", .delete, "GET, HEAD"), ("/metrics", .post, "GET, HEAD"),
            ]
            for (path, method, allow) in wrong {
                try await client.execute(uri: path, method: method) { response in
                    #expect(response.status == .methodNotAllowed)
                    #expect(response.headers[.allow] == allow)
                    let error = try Self.error(response)
                    #expect(error.code == "method_not_allowed")
                }
            }
        }
    }

    @Test("A request id is echoed if it is fit to be logged, and made otherwise", arguments: Transport.allCases)
    func requestIDs(transport: Transport) async throws {
        let name = HTTPField.Name("x-request-id") ?? .accept
        try await TestServer().test(transport.setup) { client in
            try await client.execute(uri: "/v1/models", method: .get, headers: [name: "abc-1.2_3"]) { response in
                #expect(response.headers[name] == "abc-1.2_3")
            }
            for bad in ["a b", "x=y", String(repeating: "a", count: 200)] {
                try await client.execute(uri: "/v1/none", method: .get, headers: [name: bad]) { response in
                    #expect(response.headers[name]?.hasPrefix("req-") == true)
                }
            }
        }
    }

    @Test("Preflights of listed origins are granted, others get no permission", arguments: Transport.allCases)
    func preflight(transport: Transport) async throws {
        @Sendable func headers(_ origin: String) -> HTTPFields {
            [.origin: origin, .accessControlRequestMethod: "POST", .accessControlRequestHeaders: "content-type,x-stainless-os"]
        }
        try await TestServer().test(transport.setup) { client in
            try await client.execute(uri: "/v1/chat/completions", method: .options, headers: headers("http://localhost:5173")) { response in
                #expect(response.status == .noContent)
                #expect(response.headers[.accessControlAllowOrigin] == "http://localhost:5173")
                #expect(response.headers[.accessControlAllowHeaders] == "content-type,x-stainless-os")
                #expect(response.headers[.accessControlAllowMethods]?.contains("POST") == true)
            }
            try await client.execute(uri: "/v1/chat/completions", method: .options, headers: headers("http://evil.example")) { response in
                #expect(response.headers[.accessControlAllowOrigin] == nil)
            }
        }
    }

    @Test("Listed origins may read answers and errors; pages from elsewhere may not make the model work")
    func origins() async throws {
        let server = TestServer()
        try await server.test(.router) { client in
            for (path, status) in [("/v1/models", HTTPResponse.Status.ok), ("/v1/models/none", .notFound)] {
                try await client.execute(uri: path, method: .get, headers: [.origin: "http://localhost:5173"]) { response in
                    #expect(response.status == status)
                    #expect(response.headers[.accessControlAllowOrigin] == "http://localhost:5173")
                    #expect(response.headers[.accessControlExposeHeaders]?.contains("x-request-id") == true)
                    #expect(response.headers[values: .vary].contains("Origin"))
                }
            }
            try await client.execute(
                uri: "/v1/chat/completions",
                method: .post,
                headers: [.origin: "http://evil.example"],
                body: Self.body("hi")
            ) { response in
                #expect(response.status == .forbidden)
                #expect(response.headers[.accessControlAllowOrigin] == nil)
            }
            #expect(server.backend.seen.started == 0)
            try await client.execute(
                uri: "/v1/chat/completions",
                method: .post,
                headers: [.origin: "http://localhost"],
                body: Self.body("hi")
            ) { #expect($0.status == .ok) }
        }
    }

    @Test("A body beyond the limit gets 413, announced or not", arguments: Transport.allCases)
    func tooLarge(transport: Transport) async throws {
        let large = ByteBuffer(repeating: UInt8(ascii: " "), count: 10 << 20)
        let server = TestServer()
        try await server.test(transport.setup) { client in
            try await client.execute(uri: "/v1/chat/completions", method: .post, body: large) { response in
                #expect(response.status == .contentTooLarge)
                let error = try Self.error(response)
                #expect(error.code == "request_too_large")
            }
        }
        #expect(server.backend.seen.started == 0)
    }
}
