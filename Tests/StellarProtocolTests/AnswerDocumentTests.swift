import StellarProtocol
import Testing

@Suite("Answers as documents")
struct AnswerDocumentTests {
    @Test("A response has the keys that the API's schema requires, null ones included")
    func response() throws {
        let response = ChatCompletionResponse(
            id: "chatcmpl-1",
            created: 7,
            model: "m",
            choices: [.init(index: 0, message: .init(content: "a/b"), finishReason: "stop")],
            usage: Usage(promptTokens: 3, completionTokens: 2, cachedTokens: 1),
            systemFingerprint: "fp"
        )
        let json =
            #"{"choices":[{"finish_reason":"stop","index":0,"logprobs":null,"message":{"content":"a/b","refusal":null,"#
            + #""role":"assistant"}}],"created":7,"id":"chatcmpl-1","model":"m","object":"chat.completion","system_fingerprint":"fp","#
            + #""usage":{"completion_tokens":2,"prompt_tokens":3,"prompt_tokens_details":{"cached_tokens":1},"total_tokens":5}}"#
        #expect(try encodeText(response) == json)
        #expect(try JSONCoding.decode(ChatCompletionResponse.self, from: Array(json.utf8)) == response)
    }

    @Test("A chunk writes finish_reason as null until the last, and an empty delta then")
    func chunk() throws {
        let first = ChatCompletionChunk(
            id: "c",
            created: 7,
            model: "m",
            choices: [.init(index: 0, delta: .init(role: "assistant", content: ""))]
        )
        #expect(
            try encodeText(first) == #"{"choices":[{"delta":{"content":"","role":"assistant"},"finish_reason":null,"index":0}],"#
                + #""created":7,"id":"c","model":"m","object":"chat.completion.chunk"}"#
        )
        let last = ChatCompletionChunk(
            id: "c",
            created: 7,
            model: "m",
            choices: [.init(index: 0, delta: .init(), finishReason: "length")],
            timings: Timings(
                promptCount: 4,
                promptMilliseconds: 2,
                cacheCount: 0,
                predictedCount: 3,
                predictedMilliseconds: 4,
                queueMilliseconds: 0.5
            )
        )
        let json =
            #"{"choices":[{"delta":{},"finish_reason":"length","index":0}],"created":7,"id":"c","model":"m","#
            + #""object":"chat.completion.chunk","timings":{"cached_n":0,"predicted_ms":4,"predicted_n":3,"predicted_per_second":500,"#
            + #""prompt_ms":2,"prompt_n":4,"prompt_per_second":2000,"queue_ms":0.5}}"#
        #expect(try encodeText(last) == json)
        #expect(try JSONCoding.decode(ChatCompletionChunk.self, from: Array(json.utf8)) == last)
    }

    @Test("The chunk of token counts has an empty list of choices")
    func usageChunk() throws {
        let chunk = ChatCompletionChunk(id: "c", created: 7, model: "m", choices: [], usage: Usage(promptTokens: 1, completionTokens: 2))
        #expect(
            try encodeText(chunk) == #"{"choices":[],"created":7,"id":"c","model":"m","object":"chat.completion.chunk","usage":"#
                + #"{"completion_tokens":2,"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":0},"total_tokens":3}}"#
        )
    }

    @Test("Log-probabilities that JSON can't hold become the API's −9999")
    func logprobs() throws {
        let logprobs = ChoiceLogprobs(content: [
            .init(token: "é", logprob: -0.5, bytes: [195, 169], topLogprobs: [.init(token: "x", logprob: -.infinity, bytes: [120])])
        ])
        #expect(
            try encodeText(logprobs) == #"{"content":[{"bytes":[195,169],"logprob":-0.5,"token":"é","top_logprobs":"#
                + #"[{"bytes":[120],"logprob":-9999,"token":"x"}]}]}"#
        )
    }

    @Test("Rates are numbers even where no time passed")
    func rates() {
        let timings = Timings(
            promptCount: 0,
            promptMilliseconds: 0,
            cacheCount: 9,
            predictedCount: 1,
            predictedMilliseconds: 0,
            queueMilliseconds: 0
        )
        #expect(timings.promptPerSecond == 0)
        #expect(timings.predictedPerSecond == 0)
    }

    @Test("An error writes absent param and code as null")
    func error() throws {
        #expect(
            try encodeText(APIError.invalidRequest("No").response)
                == #"{"error":{"code":null,"message":"No","param":null,"type":"invalid_request_error"}}"#
        )
        #expect(
            try encodeText(APIError.modelNotFound("x").response)
                == #"{"error":{"code":"model_not_found","message":"The model `x` does not exist. GET /v1/models lists the models that do.","#
                + #""param":"model","type":"invalid_request_error"}}"#
        )
    }

    @Test("Models and health have their documents")
    func modelsAndHealth() throws {
        #expect(
            try encodeText(ModelList(data: [ModelObject(id: "m", created: 5, contextLength: 2048)]))
                == #"{"data":[{"context_length":2048,"created":5,"id":"m","object":"model","owned_by":"stellarchat"}],"object":"list"}"#
        )
        let health = HealthResponse(
            status: .loading,
            model: nil,
            version: "0.1",
            uptimeSeconds: 1.5,
            queue: .init(running: 0, paused: 2, waiting: 1, capacity: 64)
        )
        #expect(
            try encodeText(health)
                == #"{"model":null,"queue":{"capacity":64,"paused":2,"running":0,"waiting":1},"status":"loading","uptime_seconds":1.5,"version":"0.1"}"#
        )
        #expect(try JSONCoding.decode(HealthResponse.self, from: try JSONCoding.encode(health)) == health)
    }
}
