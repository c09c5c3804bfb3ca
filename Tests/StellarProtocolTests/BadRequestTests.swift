import StellarProtocol
import Testing

@Suite("Requests that must be refused")
struct BadRequestTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var json: String
        var param: String?
        var words: String

        init(_ json: String, param: String?, words: String = "") {
            self.json = json
            self.param = param
            self.words = words
        }

        var testDescription: String { String(json.prefix(80)) }
    }

    static let wrongTypes = [
        Case("[]", param: nil, words: "JSON object"),
        Case("3", param: nil, words: "JSON object"),
        Case("null", param: nil, words: "JSON object"),
        Case(#"{"messages":"x"}"#, param: "messages", words: "array"),
        Case(#"{"messages":{}}"#, param: "messages", words: "array"),
        Case(#"{"messages":[3]}"#, param: "messages[0]", words: "object"),
        Case(#"{"messages":[{"content":"x"}]}"#, param: "messages[0].role", words: "Missing"),
        Case(#"{"messages":[{"role":3,"content":"x"}]}"#, param: "messages[0].role", words: "string"),
        Case(#"{"messages":[{"role":"user","content":3}]}"#, param: "messages[0].content", words: "string or an array"),
        Case(#"{"messages":[{"role":"user","content":{}}]}"#, param: "messages[0].content", words: "string or an array"),
        Case(#"{"messages":[{"role":"user","content":[3]}]}"#, param: "messages[0].content[0]", words: "object"),
        Case(#"{"messages":[{"role":"user","content":[{"type":"text"}]}]}"#, param: "messages[0].content[0].text", words: "Missing"),
        Case(
            #"{"messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":1}]}]}"#,
            param: "messages[1].content[0].text",
            words: "string"
        ),
        Case(request(with: #""temperature":"hot""#), param: "temperature", words: "number"),
        Case(request(with: #""max_tokens":"5""#), param: "max_tokens", words: "integer"),
        Case(request(with: #""max_tokens":1.5"#), param: "max_tokens"),
        Case(request(with: #""stream":1"#), param: "stream", words: "boolean"),
        Case(request(with: #""stream":"true""#), param: "stream", words: "boolean"),
        Case(request(with: #""stop":{}"#), param: "stop", words: "string or an array of strings"),
        Case(request(with: #""stop":["a",1]"#), param: "stop[1]", words: "string"),
        Case(request(with: #""logit_bias":[1]"#), param: "logit_bias", words: "object"),
        Case(request(with: #""logit_bias":{"1":"x"}"#), param: "logit_bias[1]", words: "number"),
        Case(request(with: #""model":["m"]"#), param: "model", words: "string"),
        Case(request(with: #""tool_choice":3"#), param: "tool_choice", words: "string or an object"),
        Case(request(with: #""seed":9223372036854775809"#), param: "seed", words: "integer of 64 bits"),
        Case(request(with: #""seed":1e400"#), param: "seed"),
        Case(request(with: #""temperature":1e400"#), param: "temperature", words: "out of range"),
        Case(request(with: #""max_tokens":1e30"#), param: "max_tokens"),
    ]

    static let outOfRange = [
        Case(#"{}"#, param: "messages"),
        Case(#"{"messages":[]}"#, param: "messages"),
        Case(#"{"messages":null}"#, param: "messages"),
        Case(#"{"messages":[{"role":"robot","content":"x"}]}"#, param: "messages[0].role"),
        Case(#"{"messages":[{"role":"user","content":null}]}"#, param: "messages[0].content"),
        Case(#"{"messages":[{"role":"user","content":"a"},{"role":"system"}]}"#, param: "messages[1].content"),
        Case(
            #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:"}}]}]}"#,
            param: "messages[0].content[0]",
            words: "image_url"
        ),
        Case(
            #"{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"input_audio","input_audio":{}}]}]}"#,
            param: "messages[0].content[1]"
        ),
        Case(request(with: #""temperature":-0.1"#), param: "temperature"),
        Case(request(with: #""temperature":2.1"#), param: "temperature", words: "0.0 to 2.0"),
        Case(request(with: #""top_p":1.1"#), param: "top_p"),
        Case(request(with: #""top_p":-1"#), param: "top_p"),
        Case(request(with: #""n":0"#), param: "n"),
        Case(request(with: #""n":17"#), param: "n"),
        Case(request(with: #""max_tokens":0"#), param: "max_tokens"),
        Case(request(with: #""max_tokens":-1"#), param: "max_tokens"),
        Case(request(with: #""max_completion_tokens":0"#), param: "max_completion_tokens"),
        Case(request(with: #""presence_penalty":2.5"#), param: "presence_penalty"),
        Case(request(with: #""frequency_penalty":-3"#), param: "frequency_penalty"),
        Case(request(with: #""stop":"""#), param: "stop"),
        Case(request(with: #""stop":["a",""]"#), param: "stop"),
        Case(request(with: #""stop":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]"#), param: "stop"),
        Case(request(with: #""logit_bias":{"x":1}"#), param: "logit_bias"),
        Case(request(with: #""logit_bias":{"-1":1}"#), param: "logit_bias"),
        Case(request(with: #""logit_bias":{"99999999999":1}"#), param: "logit_bias"),
        Case(request(with: #""logit_bias":{"1":101}"#), param: "logit_bias"),
        Case(request(with: #""top_logprobs":2"#), param: "top_logprobs", words: "logprobs"),
        Case(request(with: #""logprobs":false,"top_logprobs":2"#), param: "top_logprobs"),
        Case(request(with: #""logprobs":true,"top_logprobs":21"#), param: "top_logprobs"),
        Case(request(with: #""top_k":-2"#), param: "top_k"),
        Case(request(with: #""min_p":2"#), param: "min_p"),
        Case(request(with: #""repetition_penalty":0"#), param: "repetition_penalty"),
        Case(request(with: #""response_format":{"type":"json_object"}"#), param: "response_format", words: "not supported yet"),
        Case(request(with: #""tools":[{"type":"function","function":{"name":"f"}}]"#), param: "tools", words: "not supported yet"),
        Case(request(with: #""functions":[{"name":"f"}]"#), param: "functions", words: "not supported yet"),
        Case(request(with: #""tool_choice":"required""#), param: "tool_choice"),
        Case(request(with: #""modalities":["text","audio"]"#), param: "modalities"),
        Case(request(with: #""web_search_options":{}"#), param: "web_search_options"),
    ]

    @Test("A wrong type or a value out of range is a 400 that names the field", arguments: wrongTypes + outOfRange)
    func refused(_ example: Case) throws {
        let error = try #require(requestError(example.json))
        #expect(error.status == 400)
        #expect(error.type == "invalid_request_error")
        #expect(error.param == example.param, "\(error.message)")
        #expect(error.message.contains(example.words), "\(error.message)")
        if let param = example.param { #expect(error.message.contains(param.prefix { $0 != "." && $0 != "[" }), "\(error.message)") }
    }

    @Test(
        "Malformed documents are refused with a reason",
        arguments: [
            "", " ", "{", #"{"messages":"#, "{]", "nope", #"{"messages":[],}"#, #"{"a":01}"#, "{'a':1}", "{} {}", #"{"a":"\x"}"#,
            #"{"a":"\ud800"}"#, "{\"a\":\"\n\"}", "\0", "{}\0", "\u{FEFF}", #"{"a":NaN}"#,
        ]
    )
    func malformed(_ json: String) throws {
        let error = try #require(requestError(json))
        #expect(error.status == 400)
        #expect(error.param == nil || error.param == "messages", "\(error)")
        #expect(!error.message.isEmpty)
    }

    @Test(
        "Nesting of any depth is an error or a request, never a crash",
        arguments: [100, 254, 255, 256, 257, 512, 10_000, 1_000_000]
    )
    func nesting(_ depth: Int) throws {
        #expect(requestError(String(repeating: "[", count: depth)) != nil)
        #expect(requestError(String(repeating: #"{"a":"#, count: depth)) != nil)
        let closed = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        for field in ["unknown", "metadata"] {
            #expect((requestError(request(with: "\"\(field)\":\(closed)")) == nil) == (depth < 256))
        }
    }

    @Test("A document cut at any byte, or with any byte changed, is an error or a request, never a crash")
    func damaged() throws {
        for document in RequestDocumentTests.documents {
            let bytes = Array(document.written.utf8)
            for end in bytes.indices {
                #expect(throws: APIError.self) { try JSONCoding.decode(ChatCompletionRequest.self, from: bytes[..<end]) }
                for replacement: UInt8 in [0, 0x22, 0x2C, 0x5B, 0x5C, 0x7B, 0x7D, 0x80, 0xFF] {
                    var changed = bytes
                    changed[end] = replacement
                    _ = try? JSONCoding.decode(ChatCompletionRequest.self, from: changed).validate()
                }
            }
        }
    }

    @Test("Bytes that are not UTF-8 are refused")
    func invalidUTF8() throws {
        let start = Array(#"{"messages":[{"role":"user","content":""#.utf8)
        for bytes: [UInt8] in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xC0, 0xAF]] {
            #expect {
                try JSONCoding.decode(ChatCompletionRequest.self, from: start + bytes + Array(#""}]}"#.utf8))
            } throws: {
                ($0 as? APIError)?.message == "The request body is not valid UTF-8."
            }
        }
    }

    @Test("A byte order mark is skipped")
    func byteOrderMark() throws {
        #expect(try decodeRequest("\u{FEFF}" + request(with: #""n":2"#)).n == 2)
    }

    @Test("Of a repeated key the last value counts")
    func duplicatedKeys() throws {
        #expect(try decodeRequest(request(with: #""n":2,"n":3"#)).n == 3)
    }

    @Test("The newer name of the token limit counts where both are given")
    func tokenLimits() throws {
        #expect(try decodeRequest(request(with: #""max_tokens":5"#)).validate().maxTokens == 5)
        #expect(try decodeRequest(request(with: #""max_tokens":5,"max_completion_tokens":7"#)).validate().maxTokens == 7)
        #expect(try decodeRequest(request(with: #""max_tokens":null"#)).validate().maxTokens == nil)
    }

    @Test("Bounds themselves are in range")
    func bounds() throws {
        let low = #""temperature":0,"top_p":0,"presence_penalty":-2,"frequency_penalty":-2,"logit_bias":{"0":-100},"top_k":-1,"seed":-1"#
        let options = try decodeRequest(request(with: low)).validate().sampling
        #expect(options.temperature == 0)
        #expect(options.topK == 0)
        #expect(options.seed == UInt64.max)
        #expect(options.logitBias == [0: -100])
        let high = #""temperature":2,"top_p":1,"presence_penalty":2,"frequency_penalty":2,"logprobs":true,"top_logprobs":20,"n":16"#
        let validated = try decodeRequest(request(with: high)).validate()
        #expect(validated.logprobs == 20)
        #expect(validated.choiceCount == 16)
        #expect(try decodeRequest(request(with: #""logprobs":true"#)).validate().logprobs == 0)
    }
}
