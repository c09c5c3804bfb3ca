import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import StellarProtocol
import StellarServer
import Testing

@Suite("Legacy completions and tokens", .timeLimit(.minutes(20)))
struct CompletionTests {
    private func post(_ body: String, to path: String = "/v1/completions", _ check: @escaping @Sendable (TestResponse) throws -> Void)
        async throws
    {
        try await TestServer().test(.router) { client in
            try await client.execute(uri: path, method: .post, body: ByteBuffer(string: body)) { try check($0) }
        }
    }

    private static func error(_ response: TestResponse) throws -> ErrorObject {
        try JSONCoding.decode(ErrorResponse.self, from: response.body.readableBytesView).error
    }

    @Test("A completion comes as one document", arguments: ["/v1/completions", "/api/completions"])
    func whole(path: String) async throws {
        try await post(#"{"prompt":"hi"}"#, to: path) { response in
            #expect(response.status == .ok)
            let document = try JSONCoding.decode(CompletionResponse.self, from: response.body.readableBytesView)
            #expect(document.id.hasPrefix("cmpl-") && document.object == "text_completion")
            #expect(document.choices.map(\.text) == ["Hello, world"])
            #expect(document.choices.first?.finishReason == "stop")
            #expect(document.usage?.totalTokens == 10)
            #expect(document.timings != nil)
        }
    }

    @Test("Several prompts and n give choices in the order of the prompts; prompts add up in usage")
    func several() async throws {
        try await post(#"{"prompt":["cut","hi"],"n":2}"#) { response in
            let document = try JSONCoding.decode(CompletionResponse.self, from: response.body.readableBytesView)
            #expect(document.choices.map(\.text) == ["cut", "cut", "Hello, world", "Hello, world"])
            #expect(document.choices.map(\.index) == [0, 1, 2, 3])
            #expect(document.choices.map(\.finishReason) == ["length", "length", "stop", "stop"])
            #expect(document.usage?.promptTokens == 14)
            #expect(document.usage?.completionTokens == 8)
        }
    }

    @Test("A stream has text chunks without a role, one finish reason for each choice, and [DONE]")
    func stream() async throws {
        try await post(#"{"prompt":["hi","cut"],"stream":true,"stream_options":{"include_usage":true}}"#) { response in
            let events = String(buffer: response.body).components(separatedBy: "\n\n").dropLast()
            #expect(events.last == "data: [DONE]")
            let chunks = try events.dropLast().map { try JSONCoding.decode(CompletionResponse.self, from: $0.dropFirst(6).utf8) }
            #expect(Set(chunks.map(\.id)).count == 1)
            for (index, text) in ["Hello, world", "cut"].enumerated() {
                let own = chunks.flatMap(\.choices).filter { $0.index == index }
                #expect(own.map(\.text).joined() == text)
                #expect(own.compactMap(\.finishReason).count == 1)
            }
            #expect(chunks.last?.choices.isEmpty == true && chunks.last?.usage != nil)
            #expect(chunks.dropLast().allSatisfy { $0.usage == nil })
        }
    }

    @Test("Every form of prompt is taken", arguments: [#""a""#, #"["a","b"]"#, "[1,2,3]", "[[1,2],[3]]", #"["a",[1]]"#])
    func forms(prompt: String) async throws {
        try await post(#"{"prompt":\#(prompt)}"#) { #expect($0.status == .ok) }
    }

    static let refused: [(String, String)] = [
        ("{}", "prompt"), (#"{"prompt":null}"#, "prompt"), (#"{"prompt":[]}"#, "prompt"), (#"{"prompt":7}"#, "prompt"),
        (#"{"prompt":[1,"a"]}"#, "prompt"), (#"{"prompt":[1.5]}"#, "prompt"), (#"{"prompt":"a","suffix":"b"}"#, "suffix"),
        (#"{"prompt":"a","best_of":3}"#, "best_of"), (#"{"prompt":"a","best_of":1,"n":2}"#, "best_of"),
        (#"{"prompt":"a","logprobs":21}"#, "logprobs"),
        (#"{"prompt":"a","logprobs":true}"#, "logprobs"), (#"{"prompt":"a","max_tokens":0}"#, "max_tokens"),
        (#"{"prompt":"a","n":99}"#, "n"),
        (#"{"prompt":"a","temperature":9}"#, "temperature"), (#"{"prompt":"a","timeout":0}"#, "timeout"),
    ]

    @Test("What can't be done is a 400 that names the field", arguments: refused)
    func refusals(body: String, param: String) async throws {
        try await post(body) { response in
            #expect(response.status == .badRequest)
            let error = try Self.error(response)
            #expect(error.param == param)
            #expect(error.type == "invalid_request_error")
        }
    }

    @Test("A suffix that is empty, and best_of of n, change nothing")
    func harmless() async throws {
        try await post(#"{"prompt":"a","suffix":"","best_of":2,"n":2,"logprobs":null,"echo":false}"#) { #expect($0.status == .ok) }
    }

    @Test("Log-probabilities run side by side, with offsets in the text")
    func logprobs() {
        var offset = 3
        let entries: [ChoiceLogprobs.TokenLogprobs] = [
            .init(token: "é", logprob: -1, bytes: nil, topLogprobs: [.init(token: "é", logprob: -1, bytes: nil)]),
            .init(token: "ab", logprob: -.infinity, bytes: nil, topLogprobs: [.init(token: "x", logprob: -2, bytes: nil)]),
        ]
        let logprobs = CompletionLogprobs(entries, offset: &offset)
        #expect(logprobs.tokens == ["é", "ab"] && logprobs.textOffset == [3, 4] && offset == 6)
        #expect(logprobs.tokenLogprobs == [-1, -9999])
        #expect(logprobs.topLogprobs == [["é": -1], ["x": -2]])
    }

    @Test("Embeddings are refused in words")
    func embeddings() async throws {
        try await post(#"{"input":"a"}"#, to: "/v1/embeddings") { response in
            #expect(response.status == .badRequest)
            let error = try Self.error(response)
            #expect(error.code == "unsupported_operation")
        }
    }

    @Test("A backend without a tokeniser says so", arguments: ["/tokenize", "/v1/tokenize", "/api/tokenize"])
    func tokenize(path: String) async throws {
        try await post(#"{"content":"a"}"#, to: path) { #expect($0.status == .badRequest) }
        try await post("{}", to: path) { response in
            let error = try Self.error(response)
            #expect(error.param == "content")
        }
    }

    @Test("A trailing assistant's message is continued; contradictions are refused")
    func prefill() async throws {
        func validate(_ more: String, last: String = "assistant") throws -> ValidatedChatRequest {
            let json = #"{"messages":[{"role":"user","content":"a"},{"role":"\#(last)","content":"b"}]\#(more)}"#
            return try JSONCoding.decode(ChatCompletionRequest.self, from: json.utf8).validate()
        }
        #expect(try validate("").continuesLastMessage)
        #expect(try validate(#","continue_final_message":true"#).continuesLastMessage)
        #expect(try validate(#","add_generation_prompt":false"#).continuesLastMessage)
        #expect(try !validate(#","add_generation_prompt":true"#).continuesLastMessage)
        #expect(try !validate(#","continue_final_message":false"#).continuesLastMessage)
        #expect(try !validate("", last: "user").continuesLastMessage)
        for (more, last) in [
            (#","add_generation_prompt":true,"continue_final_message":true"#, "assistant"), (#","continue_final_message":true"#, "user"),
        ] {
            #expect(throws: APIError.self) { try validate(more, last: last) }
        }
    }

    @Test("Readiness follows the model", arguments: ["/api/ready", "/v1/ready"])
    func ready(path: String) async throws {
        let server = TestServer(state: .loading)
        try await server.test(.router) { client in
            try await client.execute(uri: path, method: .get) { #expect($0.status == .serviceUnavailable) }
            server.holder.set(.ready(server.backend))
            try await client.execute(uri: path, method: .get) { #expect($0.status == .ok) }
            server.holder.stop()
            try await client.execute(uri: path, method: .get) { #expect($0.status == .serviceUnavailable) }
        }
    }
}
