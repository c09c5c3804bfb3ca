import StellarInference
import StellarProtocol
import StellarServer
import Testing

@Suite("Replies as streams of documents")
struct StreamDocumentTests {
    private func chunk(_ choices: String, extra: String = "") -> String {
        #"{"choices":[\#(choices)],"created":7,"id":"chatcmpl-1","model":"tiny","object":"chat.completion.chunk","#
            + #""system_fingerprint":"fp_test"\#(extra)}"#
    }

    private func role(_ index: Int) -> String {
        chunk(#"{"delta":{"content":"","role":"assistant"},"finish_reason":null,"index":\#(index)}"#)
    }

    private func content(_ text: String, _ index: Int = 0) -> String {
        chunk(#"{"delta":{"content":"\#(text)"},"finish_reason":null,"index":\#(index)}"#)
    }

    private func last(_ reason: String, _ index: Int = 0) -> String {
        let timings =
            #","timings":{"cached_n":2,"predicted_ms":4,"predicted_n":3,"predicted_per_second":500,"prompt_ms":6,"#
            + #""prompt_n":3,"prompt_per_second":500,"queue_ms":1}"#
        return chunk(#"{"delta":{},"finish_reason":"\#(reason)","index":\#(index)}"#, extra: timings)
    }

    @Test("One choice: role, pieces of text, then an empty delta with the finish reason", arguments: ["stop", "length"])
    func oneChoice(_ reason: String) async throws {
        let backend = ScriptedBackend(choices: [[textEvent("Hel"), textEvent(""), textEvent("lo"), endEvent(reason)]])
        let (lines, error) = await transcript(try await scriptedService(backend).stream(userRequest()))
        #expect(error == nil)
        #expect(lines == [role(0), content("Hel"), content("lo"), last(reason)])
    }

    @Test("Token counts come in a chunk of their own, only where asked for, with the replies added up")
    func usage() async throws {
        let backend = ScriptedBackend(choices: [[endEvent()], [endEvent()]])
        let request = userRequest {
            $0.n = 2
            $0.streamOptions = StreamOptions(includeUsage: true)
        }
        let (lines, _) = await transcript(try await scriptedService(backend).stream(request))
        let counts = #","usage":{"completion_tokens":6,"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":2},"total_tokens":11}"#
        #expect(lines.count == 5)
        #expect(lines.last == chunk("", extra: counts))
        #expect(lines.dropLast().allSatisfy { !$0.contains("usage") })
    }

    @Test("Two choices are interleaved in the order in which their pieces come")
    func twoChoices() async throws {
        let live = LiveChoices(count: 2)
        let backend = ScriptedBackend { _ in live.streams }
        let reply = try await scriptedService(backend).start(userRequest { $0.n = 2 })
        var iterator = reply.chunks.makeAsyncIterator()
        func next() async throws -> String? {
            try await iterator.next().map { String(decoding: try JSONCoding.encode($0), as: UTF8.self) }
        }
        #expect(try await next() == role(0))
        #expect(try await next() == role(1))
        live.send(textEvent("b"), choice: 1)
        #expect(try await next() == content("b", 1))
        live.send(textEvent("a"), choice: 0)
        #expect(try await next() == content("a", 0))
        live.send(endEvent("length"), choice: 1)
        live.finish(choice: 1)
        #expect(try await next() == last("length", 1))
        live.send(endEvent(), choice: 0)
        live.finish(choice: 0)
        #expect(try await next() == last("stop", 0))
        #expect(try await next() == nil)
    }

    @Test("Log-probabilities go with the tokens that they belong to")
    func logprobs() async throws {
        let logprob = ChoiceLogprobs.TokenLogprobs(token: "a", logprob: -0.5, bytes: [97])
        let backend = ScriptedBackend(choices: [[.delta(ChoiceDelta(text: "", logprobs: [logprob])), endEvent()]])
        let (lines, _) = await transcript(try await scriptedService(backend).stream(userRequest { $0.logprobs = true }))
        let expected =
            #"{"delta":{"content":""},"finish_reason":null,"index":0,"logprobs":{"content":"#
            + #"[{"bytes":[97],"logprob":-0.5,"token":"a","top_logprobs":[]}]}}"#
        #expect(lines.dropFirst().first == chunk(expected))
    }

    @Test("An error in the middle ends the chunks with that error")
    func failure() async throws {
        let backend = ScriptedBackend(choices: [[textEvent("a")]], then: InferenceError(.engineStopped, "Stopped."))
        let (lines, error) = await transcript(try await scriptedService(backend).stream(userRequest()))
        #expect(lines == [role(0), content("a")])
        #expect((error as? APIError)?.code == "engine_stopped")
        #expect((error as? APIError)?.status == 503)
    }

    @Test("A choice that ends without saying why is an error, not a finished reply")
    func brokenOff() async throws {
        let (lines, error) = await transcript(try await scriptedService(ScriptedBackend(choices: [[textEvent("a")]])).stream(userRequest()))
        #expect(lines.count == 2)
        #expect((error as? APIError)?.code == "internal_error")
    }

    @Test("The collected reply is one document with all choices, counts and times")
    func collected() async throws {
        let backend = ScriptedBackend(choices: [[textEvent("Hel"), textEvent("lo"), endEvent()], [textEvent("Hey"), endEvent("length")]])
        let response = try await scriptedService(backend).complete(userRequest { $0.n = 2 })
        let json =
            #"{"choices":[{"finish_reason":"stop","index":0,"logprobs":null,"message":{"content":"Hello","refusal":null,"#
            + #""role":"assistant"}},{"finish_reason":"length","index":1,"logprobs":null,"message":{"content":"Hey","refusal":null,"#
            + #""role":"assistant"}}],"created":7,"id":"chatcmpl-1","model":"tiny","object":"chat.completion","#
            + #""system_fingerprint":"fp_test","timings":{"cached_n":2,"predicted_ms":4,"predicted_n":6,"predicted_per_second":1250,"#
            + #""prompt_ms":6,"prompt_n":3,"prompt_per_second":500,"queue_ms":1},"usage":{"completion_tokens":6,"prompt_tokens":5,"#
            + #""prompt_tokens_details":{"cached_tokens":2},"total_tokens":11}}"#
        #expect(String(decoding: try JSONCoding.encode(response), as: UTF8.self) == json)
    }

    @Test("WebSocket events come in their documented order, each with the request's id")
    func webSocket() async throws {
        let backend = ScriptedBackend(choices: [[textEvent("Hel"), textEvent(""), textEvent("lo"), endEvent("length")]])
        let (lines, error) = await transcript(try await scriptedService(backend).start(userRequest()).webSocketEvents(id: "r"))
        #expect(error == nil)
        #expect(
            lines == [
                #"{"data":{"index":0,"type":"text"},"event":"content_block_start","id":"r"}"#,
                #"{"data":{"delta":{"text":"Hel","type":"text_delta"},"index":0},"event":"content_block_delta","id":"r"}"#,
                #"{"data":{"delta":{"text":"lo","type":"text_delta"},"index":0},"event":"content_block_delta","id":"r"}"#,
                #"{"data":{"index":0},"event":"content_block_stop","id":"r"}"#,
                #"{"data":{"delta":{"finish_reason":"length"},"usage":{"input_tokens":5,"output_tokens":3}},"event":"message_delta","id":"r"}"#,
                #"{"data":{},"event":"message_stop","id":"r"}"#,
            ]
        )
    }

    @Test("A reply that was cut short closes its block and says so")
    func webSocketCancelled() {
        var mapper = WebSocketMapper(id: nil)
        _ = mapper.start()
        _ = mapper.map(ChatEvent(choice: 0, textEvent("Hi")))
        #expect(mapper.text == "Hi")
        #expect(
            mapper.finish().map(\.payload) == [
                .contentBlockStop(index: 0),
                .messageDelta(finishReason: "cancelled", usage: WebSocketUsage(inputTokens: 0, outputTokens: 1)), .messageStop,
            ]
        )
    }
}
