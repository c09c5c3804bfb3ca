import StellarProtocol
import Testing

@Suite("Chat completion requests as documents")
struct RequestDocumentTests {
    /// A document as a client writes it, and the same with keys in ascending order, nulls and unknown fields gone.
    struct Document: Sendable, CustomTestStringConvertible {
        var name: String
        var written: String
        var canonical: String

        var testDescription: String { name }
    }

    static let documents = [
        Document(
            name: "plain",
            written: #"{ "model": "m", "messages": [ {"role": "user", "content": "Hello"} ] }"#,
            canonical: #"{"messages":[{"content":"Hello","role":"user"}],"model":"m"}"#
        ),
        Document(
            name: "every sampling field",
            written: """
                {"messages":[{"role":"user","content":"a"}],"model":"m","stream":true,"stream_options":{"include_usage":true},
                "max_tokens":5,"max_completion_tokens":6,"temperature":0.5,"top_p":0.25,"n":2,"stop":["a","b"],"presence_penalty":1,
                "frequency_penalty":-1,"logit_bias":{"15":-100},"seed":-7,"logprobs":true,"top_logprobs":3,"top_k":40,"min_p":0.5,
                "repetition_penalty":1.5,"ignore_eos":true,"session_id":"s"}
                """,
            canonical: #"{"frequency_penalty":-1,"ignore_eos":true,"logit_bias":{"15":-100},"logprobs":true,"max_completion_tokens":6,"#
                + #""max_tokens":5,"messages":[{"content":"a","role":"user"}],"min_p":0.5,"model":"m","n":2,"presence_penalty":1,"#
                + #""repetition_penalty":1.5,"seed":-7,"session_id":"s","stop":["a","b"],"stream":true,"#
                + #""stream_options":{"include_usage":true},"temperature":0.5,"top_k":40,"top_logprobs":3,"top_p":0.25}"#
        ),
        Document(
            name: "fields that are accepted and do nothing",
            written: """
                {"messages":[{"role":"developer","content":"a","name":"n"}],"user":"u","metadata":{"k":"v"},"store":false,
                "service_tier":"auto","reasoning_effort":"low","modalities":["text"],"prediction":{"content":"x","type":"content"},
                "safety_identifier":"i","prompt_cache_key":"p","verbosity":"low","parallel_tool_calls":true,"tool_choice":"none",
                "response_format":{"type":"text"},"tools":[]}
                """,
            canonical: #"{"messages":[{"content":"a","name":"n","role":"developer"}],"metadata":{"k":"v"},"modalities":["text"],"#
                + #""parallel_tool_calls":true,"prediction":{"content":"x","type":"content"},"prompt_cache_key":"p","#
                + #""reasoning_effort":"low","response_format":{"type":"text"},"safety_identifier":"i","service_tier":"auto","#
                + #""store":false,"tool_choice":"none","tools":[],"user":"u","verbosity":"low"}"#
        ),
        Document(
            name: "parts in every role",
            written: """
                {"messages":[{"role":"system","content":[{"type":"text","text":"S"}]},{"role":"user","content":[{"type":"text","text":"A"},
                {"type":"text","text":"B"}]},{"role":"assistant","content":[{"type":"refusal","refusal":"No"}]}]}
                """,
            canonical: #"{"messages":[{"content":[{"text":"S","type":"text"}],"role":"system"},"#
                + #"{"content":[{"text":"A","type":"text"},{"text":"B","type":"text"}],"role":"user"},"#
                + #"{"content":[{"refusal":"No","type":"refusal"}],"role":"assistant"}]}"#
        ),
        Document(
            name: "a history with tool calls",
            written: """
                {"messages":[{"role":"user","content":"w"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",
                "function":{"name":"f","arguments":"{\\"a\\":1}"}}]},{"role":"tool","tool_call_id":"c1","content":"20/5"}]}
                """,
            canonical: #"{"messages":[{"content":"w","role":"user"},{"role":"assistant","tool_calls":[{"function":"#
                + #"{"arguments":"{\"a\":1}","name":"f"},"id":"c1","type":"function"}]},"#
                + #"{"content":"20/5","role":"tool","tool_call_id":"c1"}]}"#
        ),
        Document(
            name: "null for every optional",
            written: """
                {"messages":[{"role":"assistant","content":null,"name":null,"tool_calls":null,"refusal":null}],"model":null,"stream":null,
                "stream_options":null,"max_tokens":null,"max_completion_tokens":null,"temperature":null,"top_p":null,"n":null,"stop":null,
                "presence_penalty":null,"frequency_penalty":null,"logit_bias":null,"seed":null,"logprobs":null,"top_logprobs":null,
                "response_format":null,"tools":null,"tool_choice":null,"parallel_tool_calls":null,"user":null,"metadata":null}
                """,
            canonical: #"{"messages":[{"role":"assistant"}]}"#
        ),
        Document(
            name: "emoji, escapes, slashes and other scripts",
            written: #"{"messages":[{"role":"user","content":"👩‍👩‍👧 \u4f60\u597d \ud83d\ude00 a\/b \"q\" \n\t\u0007 é"}],"stop":"\n"}"#,
            canonical: #"{"messages":[{"content":"👩‍👩‍👧 你好 😀 a/b \"q\" \n\t\u0007 é","role":"user"}],"stop":"\n"}"#
        ),
        Document(
            name: "NUL in content",
            written: #"{"messages":[{"role":"user","content":"a\u0000b"}]}"#,
            canonical: #"{"messages":[{"content":"a\u0000b","role":"user"}]}"#
        ),
    ]

    @Test("A request decodes, validates, and encodes to the same bytes each time", arguments: documents)
    func roundTrip(_ document: Document) throws {
        let request = try decodeRequest(document.written)
        _ = try request.validate()
        #expect(try encodeText(request) == document.canonical)
        let again = try decodeRequest(document.canonical)
        #expect(again == request)
        #expect(try encodeText(again) == document.canonical)
    }

    @Test("Fields that the API does not have are ignored, and their names kept")
    func unknownFields() throws {
        let request = try decodeRequest(request(with: #""zeta":1,"alpha":{"deep":[1,2]},"model":"m""#))
        #expect(request.unknownFields == ["alpha", "zeta"])
        #expect(request.model == "m")
        #expect(try request.validate().model == "m")
    }

    @Test("Tools and response formats decode whole, with their schemas")
    func tools() throws {
        let json =
            #"{"messages":[],"response_format":{"json_schema":{"name":"n","schema":{"type":"object"},"strict":true},"type":"json_schema"},"#
            + #""tool_choice":{"function":{"name":"f"},"type":"function"},"#
            + #""tools":[{"function":{"description":"d","name":"f","parameters":{"a":[1,2.5,true,null,"x"]}},"type":"function"}]}"#
        let request = try decodeRequest(json)
        #expect(request.tools?.first?.function?.parameters?["a"] == .array([.integer(1), .number(2.5), .bool(true), .null, .string("x")]))
        #expect(request.responseFormat?.jsonSchema?.strict == true)
        #expect(try encodeText(request) == json)
    }

    @Test("Parts of a content are read as lines of one text")
    func partsText() throws {
        let request = try decodeRequest(
            #"{"messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]}]}"#
        )
        #expect(request.messages[0].text == "A\nB")
    }
}
