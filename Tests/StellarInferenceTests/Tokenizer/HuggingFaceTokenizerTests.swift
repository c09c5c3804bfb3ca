import Foundation
import StellarInference
import Testing

@Suite("tokenizer.json")
struct HuggingFaceTokenizerTests {
    private static let names = [
        "gpt2", "gpt2-prefix", "smollm", "digits-grouped", "llama3", "qwen2", "gpt4o", "tekken", "deepseek3", "removed-inverted",
        "behaviors",
        "words", "word-ends", "subword-prefix", "alphabet-inside", "nfd", "added", "added-normalized", "llama2", "gemma",
        "metaspace-always",
        "metaspace-first", "metaspace-never", "regex-mixture",
    ]

    private static func bytes(_ name: String) throws -> Data {
        let folder = try #require(Bundle.module.resourceURL).appending(path: "Fixtures/tokenizer/huggingface")
        return try Data(contentsOf: folder.appending(path: name + ".json"))
    }

    private static func parse(_ bytes: some Collection<UInt8>) throws -> JSONNode {
        let file = try FileBytes.guarded(bytes, name: "tokenizer.json")
        return try JSONNode(parsing: file.buffer, name: "tokenizer.json")
    }

    private static func tokenizer(_ json: String) throws -> Tokenizer {
        try Tokenizer(huggingFace: parse(Array(json.utf8)))
    }

    @Test("every configuration gives the reference's ids and texts, at once and streamed", arguments: names)
    func reference(name: String) throws {
        let document = try Self.parse(Self.bytes(name))
        let tokenizer = try Tokenizer(huggingFace: #require(document["tokenizer"]))
        let cases = try #require(document["cases"]?.array)
        #expect(cases.count > 40)
        for line in cases {
            let parts = try #require(line.array)
            let text = try #require(parts[0].string)
            let ids = try #require(parts[1].array).compactMap { $0.integer.map { TokenID($0) } }
            #expect(tokenizer.encode(text, parsingSpecialTokens: true) == ids, "\(text.debugDescription)")
            let decoded = tokenizer.decode(ids)
            #expect(decoded.utf8.elementsEqual(try #require(parts[2].string).utf8), "\(text.debugDescription)")
            var stream = StreamingDetokenizer(tokenizer)
            let streamed = ids.map { stream.append($0) }.joined() + stream.finish()
            #expect(streamed.utf8.elementsEqual(decoded.utf8), "\(text.debugDescription)")
        }
    }

    @Test("steps that make text longer and longer are refused: memory is bounded by the text's size")
    func growth() throws {
        let replace = #"{"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaa"}"#
        let level = #"{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}"#
        func list(_ step: String, _ count: Int) -> String { "[" + Array(repeating: step, count: count).joined(separator: ",") + "]" }
        let members = [
            #","normalizer":{"type":"Sequence","normalizers":\#(list(replace, 20))}"#,
            #","normalizer":{"type":"Sequence","normalizers":\#(list(#"{"type":"ByteLevel"}"#, 40))}"#,
            #","normalizer":{"type":"Prepend","prepend":"\#(String(repeating: "a", count: 10_000))"}"#,
            #","pre_tokenizer":{"type":"Sequence","pretokenizers":\#(list(level, 40))}"#,
            #","decoder":{"type":"Sequence","decoders":\#(list(replace, 20))}"#,
        ]
        for member in members { expectError(.unsupportedModel, containing: "times as long") { try Self.tokenizer(Self.model(member)) } }
        #expect(throws: Never.self) { try Self.tokenizer(Self.model(#","normalizer":\#(replace)"#)) }
    }

    private static func model(_ members: String, model: String = "") -> String {
        #"{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<s>":3},"merges":["a b"]\#(model)}\#(members)}"#
    }

    @Test("the beginning of the sequence comes from the post-processor or the configuration")
    func roles() throws {
        let post =
            #"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"#
            + #""special_tokens":{"<s>":{"id":"<s>","ids":[3],"tokens":["<s>"]}}}"#
        let added = #","added_tokens":[{"id":3,"content":"<s>","special":true,"normalized":false}]"#
        let json = try Self.parse(Array(Self.model(added + #","post_processor":"# + post).utf8))
        let tokenizer = try Tokenizer(huggingFace: json)
        #expect(tokenizer.bosToken == 3 && tokenizer.addsBeginningOfSequence && tokenizer.sequencePrefix == [3])
        #expect(tokenizer.encodeCompletion("ab") == [3, 2])
        #expect(tokenizer.encodeCompletion("<s>ab", parsingSpecialTokens: true) == [3, 2])
        let config = try Self.parse(Array(#"{"bos_token":{"content":"<s>"},"eos_token":"b","add_bos_token":false}"#.utf8))
        let other = try Tokenizer(huggingFace: json, config: config, extraEOS: [0])
        #expect(other.bosToken == 3 && !other.addsBeginningOfSequence && other.eosToken == 1)
        #expect(other.endOfGenerationTokens == [0, 1])
    }

    @Test(
        "what is not supported is refused by name",
        arguments: [
            (#"{"model":{"type":"Unigram","vocab":[]}}"#, "“Unigram”"), (#"{"model":{"type":"WordPiece","vocab":{}}}"#, "“WordPiece”"),
            (model(#","normalizer":{"type":"Precompiled"}"#), "“Precompiled”"), (model(#","normalizer":{"type":"Nmt"}"#), "“Nmt”"),
            (model(#","pre_tokenizer":{"type":"UnicodeScripts"}"#), "“UnicodeScripts”"), (model(#","decoder":{"type":"CTC"}"#), "“CTC”"),
            (model(#","post_processor":{"type":"Other"}"#), "“Other”"),
            (model(#","pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a)\\1"},"behavior":"Isolated","invert":false}"#), "escape"),
            (model(#","pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\p{Nope}"},"behavior":"Isolated","invert":false}"#), "“Nope”"),
            (
                model(#","pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?:a?)*"},"behavior":"Isolated","invert":false}"#),
                "may be empty"
            ),
        ]
    )
    func unsupported(json: String, message: String) {
        expectError(.unsupportedModel, containing: message) { try Self.tokenizer(json) }
    }

    @Test(
        "a file that contradicts itself is refused with the reason",
        arguments: [
            ("{}", "no model"), (#"{"model":{"type":"BPE"}}"#, "no vocabulary"), (#"{"model":{"type":"BPE","vocab":{}}}"#, "no merges"),
            (#"{"model":{"type":"BPE","vocab":{"a":99999999},"merges":[]}}"#, "out of range"),
            (#"{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}"#, "out of range"),
            (#"{"model":{"type":"BPE","vocab":{"a":0},"merges":["a c"]}}"#, "merge 0"),
            (model("", model: #","unk_token":"x""#), "unk_token"),
            (model(#","added_tokens":[{"id":99999999,"content":"x"}]"#), "added token"),
        ]
    )
    func damaged(json: String, message: String) {
        expectError(.invalidModelFile, containing: message) { try Self.tokenizer(json) }
    }

    @Test("a hostile pattern costs bounded work", arguments: ["(a+)+b", "(?:a|a)+$b", "(?=(a+)+b)a", "(?:a{1,50}){1,20}b"])
    func hostilePattern(pattern: String) throws {
        let split = #","pre_tokenizer":{"type":"Split","pattern":{"Regex":"\#(pattern)"},"behavior":"Isolated","invert":false}"#
        let tokenizer = try Self.tokenizer(Self.model(split))
        #expect(tokenizer.encode(String(repeating: "a", count: 300)).count == 300)
    }

    @Test("damaged files give an error or a tokenizer that works", arguments: 0..<4)
    func damage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let name = ["added-normalized", "llama2", "word-ends", "deepseek3"][Int(seed)]
        let original = Array(try Self.bytes(name))
        let alphabet = Array("{}[]\",:\\0123456789-truefalsn ▁Ġa".utf8)
        var accepted = 0
        for _ in 0..<150 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                // Most of a file is its vocabulary: half of the damage goes to what stands before.
                let end = Bool.random(using: &generator) ? min(4000, bytes.count) : bytes.count
                bytes[Int.random(in: 0..<end, using: &generator)] = alphabet.randomElement(using: &generator) ?? 0
            }
            do {
                let tokenizer = try Tokenizer(huggingFace: Self.parse(bytes)["tokenizer"] ?? .null)
                let tokens = tokenizer.encode("abcd  <|left|> Äé中'll 123 " + String(repeating: "ab", count: 40), parsingSpecialTokens: true)
                _ = tokenizer.decode(tokens)
                #expect(tokens.allSatisfy { $0 >= 0 && $0 < tokenizer.vocabularySize })
                accepted += 1
            } catch let error as InferenceError {
                #expect(error.code == .invalidModelFile || error.code == .unsupportedModel)
            }
        }
        #expect(accepted > 0)
    }
}
