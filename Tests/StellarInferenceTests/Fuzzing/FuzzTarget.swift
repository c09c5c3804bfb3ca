import Foundation
import StellarInference
import StellarTestSupport
import Testing

/// A kind of input that strangers make, and what reads it.
struct FuzzTarget: Sendable, CustomTestStringConvertible {
    let name: String
    /// The input of a seed.
    let input: @Sendable (_ seed: UInt64) -> [UInt8]
    /// Reads an input as far as it goes. Errors but ``InferenceError`` are findings, and so are crashes, hangs and memory without bounds.
    let read: @Sendable (_ input: [UInt8], _ seed: UInt64) throws -> Void

    var testDescription: String { name }

    /// All targets, with samples read once.
    static func all() throws -> [FuzzTarget] {
        try [safetensors(), gguf(), tokenizer(), configuration(), template()]
    }

    private static func documents(_ folder: String, _ file: (String) -> String) throws -> [Data] {
        let root = TestModel.repositoryRoot.appendingPathComponent("Tests/StellarInferenceTests/Fixtures/" + folder)
        let names = try FileManager.default.contentsOfDirectory(atPath: root.path).sorted()
        return names.compactMap { try? Data(contentsOf: root.appendingPathComponent(file($0))) }
    }

    // MARK: Safetensors

    private static func safetensors() throws -> FuzzTarget {
        var writer = SafetensorsWriter()
        writer.metadata = ["format": "pt"]
        writer.add("model.embed_tokens.weight", [4, 3], floats: [Float](repeating: 1, count: 12))
        writer.add("model.norm.weight", [3], floats: [1, 2, 3], dtype: "BF16")
        writer.add("scalar", [], floats: [1], dtype: "F16")
        writer.add("empty", "I64", [0, 7], [])
        let sample = writer.bytes()
        let length = sample[..<8].enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        let header = Data(sample[8..<(8 + length)])
        let data = Array(sample[(8 + length)...])
        return FuzzTarget(name: "safetensors") { seed in
            var mutator = FuzzMutator(seed: seed)
            if mutator.chance(3) { return mutator.bytes(sample, front: sample.count) }
            let document = (try? JSONSerialization.jsonObject(with: header)) ?? [String: Any]()
            let text = mutator.serialized(mutator.json(document))
            let file = GGUFWriter.bytes(UInt64(text.count)) + text + data
            return mutator.chance(4) ? mutator.bytes(file, front: 12) : file
        } read: { input, _ in
            let file = try SafetensorsFile(.guarded(input, name: "fuzz.safetensors"))
            var sum = 0
            for entry in file.entries { sum &+= Int(file.tensor(entry)?.bytes.last ?? 0) &+ entry.name.count }
            guard sum >= 0 else { throw Finding("sum") }
        }
    }

    // MARK: GGUF

    /// Files with every metadata type, with tokenizers of both kinds, and of several families.
    private static func gguf() throws -> FuzzTarget {
        let small = TinyLlama(.init(hidden: 16, layers: 1, heads: 2, headSize: 8, inner: 16, ropeDimensions: 8))
        var samples = [GGUFFileTests.sample.bytes(), small.writer().bytes()]
        for family in ["llama-yarn", "gemma3", "qwen2-moe", "phi3-longrope", "granite"] {
            samples.append(try Array(Data(contentsOf: URL(fileURLWithPath: ArchitectureFixture(name: family).path + "/model.gguf"))))
        }
        samples += [vocabulary("gpt2"), vocabulary("llama")]
        let all = samples
        let names = ["general.architecture", "llama", "tokenizer.ggml.model", "gpt2", "blk.0.attn_q.weight", "<|im_end|>", "▁"]
        let pieces = names.map { Array($0.utf8) }
        return FuzzTarget(name: "gguf") { seed in
            var mutator = FuzzMutator(seed: seed)
            return mutator.bytes(mutator.pick(all, []), front: mutator.chance(2) ? 400 : 6_000, pieces: pieces)
        } read: { input, seed in
            let file = try GGUFFile(.guarded(input, name: "fuzz.gguf"))
            for key in file.metadata.keys {
                if case .array(let array)? = file.metadata[key] { _ = try? array.values() }
            }
            var accepted: (any Error)?
            do { _ = try ModelBlueprint(.gguf(file)) } catch { accepted = error }
            if let text = try? ModelText(.gguf(file)) { try use(text.tokenizer) }
            if let accepted { throw accepted }
            if seed % 4 == 0 { try evaluate(.gguf(file)) }
        }
    }

    private static func vocabulary(_ model: String) -> [UInt8] {
        let bytes = (0..<256).map { model == "llama" ? "<0x\(String(format: "%02X", $0))>" : String(UnicodeScalar(UInt8($0))) }
        let tokens = bytes + ["ab", "▁a", "<s>"]
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("llama"))
        writer.add("tokenizer.ggml.model", .string(model))
        writer.add("tokenizer.ggml.pre", .string("llama-bpe"))
        writer.add("tokenizer.ggml.tokens", strings: tokens)
        writer.add("tokenizer.ggml.merges", strings: ["a b", "▁ a"])
        writer.add("tokenizer.ggml.scores", .array(.float32, tokens.indices.map { .float32(-Float($0)) }))
        writer.add("tokenizer.ggml.token_type", int32s: tokens.indices.map { $0 < 256 && model == "llama" ? 6 : $0 == 258 ? 3 : 1 })
        writer.add("tokenizer.ggml.bos_token_id", .uint32(258))
        writer.add("tokenizer.chat_template", .string("{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}"))
        return writer.bytes()
    }

    private static func evaluate(_ files: ModelFiles) throws {
        let evaluator = try LogitEvaluator(files, contextLength: 3, options: .init(precision: .fp32, threads: 1))
        try evaluator.evaluate([1, 0, 2]) { _, _ in }
    }

    // MARK: Tokenizers

    private static func tokenizer() throws -> FuzzTarget {
        let samples = try documents("tokenizer/huggingface") { $0 }
        return FuzzTarget(name: "tokenizer.json") { seed in
            var mutator = FuzzMutator(seed: seed)
            let document = (try? JSONSerialization.jsonObject(with: mutator.pick(samples, Data()))) as? [String: Any]
            var tokenizer = document?["tokenizer"] as? [String: Any] ?? [:]
            // Most of a file is its vocabulary: the other parts are worth more changes.
            for part in ["normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens"] where mutator.chance(3) {
                if let value = tokenizer[part] { tokenizer[part] = mutator.json(value) }
            }
            return mutator.serialized(mutator.chance(3) ? mutator.json(tokenizer) : tokenizer)
        } read: { input, _ in
            let bytes = try FileBytes.guarded(input, name: "tokenizer.json")
            let document = try withExtendedLifetime(bytes) { try JSONNode(parsing: bytes.buffer, name: "tokenizer.json") }
            try use(Tokenizer(huggingFace: document))
        }
    }

    private static let texts = [
        "Hello <s> world</s> 123 <|both|> don't  \n\n x", "日本語 é\u{0301} 👩‍👩‍👧 ▁▁ <0xFF>", String(repeating: "a", count: 400) + "!",
        "\u{0}\u{FEFF}\u{200D}",
        String(repeating: "ab \n", count: 60),
    ]

    private static func use(_ tokenizer: Tokenizer) throws {
        for text in texts {
            let tokens = tokenizer.encode(text, parsingSpecialTokens: true)
            let isInside = tokens.allSatisfy { $0 >= 0 && Int($0) < tokenizer.vocabularySize }
            guard isInside else { throw Finding("a token beyond the vocabulary") }
            var stream = StreamingDetokenizer(tokenizer)
            _ = tokens.map { stream.append($0) }.joined() + stream.finish()
            _ = tokenizer.decode(tokens, skippingSpecialTokens: true)
        }
    }

    // MARK: config.json

    private static func configuration() throws -> FuzzTarget {
        let fixtures = ArchitectureFixture.all
        let files = try fixtures.flatMap { fixture in
            try ["config.json", "config-older.json"].compactMap { name in
                let url = URL(fileURLWithPath: fixture.path + "/" + name)
                return FileManager.default.fileExists(atPath: url.path) ? (fixture, try Data(contentsOf: url)) : nil
            }
        }
        return FuzzTarget(name: "config.json") { seed in
            var mutator = FuzzMutator(seed: seed)
            let (_, data) = files[Int(seed % UInt64(files.count))]
            return mutator.serialized(mutator.json((try? JSONSerialization.jsonObject(with: data)) ?? [String: Any]()))
        } read: { input, seed in
            let (fixture, _) = files[Int(seed % UInt64(files.count))]
            let directory = try TemporaryDirectory()
            try FileManager.default.createSymbolicLink(
                atPath: directory.file("model.safetensors"),
                withDestinationPath: fixture.path + "/model.safetensors"
            )
            try directory.write("config.json", input)
            try directory.write("generation_config.json", input)
            let model = try ModelFiles(ModelLocation(path: directory.path))
            _ = try ModelBlueprint(model)
            if seed % 4 == 0 { try evaluate(model) }
        }
    }

    // MARK: Templates

    private static func template() throws -> FuzzTarget {
        let sources = try JinjaReference.shared.get().templates.values.sorted().map { Array($0.utf8) }
        let pieces = ChatTemplateFuzzTests.pieces.map { Array($0.utf8) }
        let members = try ["system", "turns", "tools"].map { try JinjaReference.shared.get().members($0) }
        return FuzzTarget(name: "template") { seed in
            var mutator = FuzzMutator(seed: seed)
            guard mutator.chance(3) else {
                let source = mutator.pick(sources, [])
                return mutator.bytes(source, front: source.count, pieces: pieces)
            }
            let body = (0..<mutator.index(40)).flatMap { _ in mutator.pick(pieces, []) }
            return mutator.chance(2) ? body : Array("{{ ".utf8) + body + Array(" }}".utf8)
        } read: { input, seed in
            let others: [TemplateValue.Member] = [.init("x", .string("a b c")), .init("y", .array([.integer(1), .null]))]
            let template = try ChatTemplate(source: String(decoding: input, as: UTF8.self), bosToken: "<s>", eosToken: nil)
            let prompt = try template.render(members[Int(seed % UInt64(members.count))] + others)
            let isInside = prompt.dataRanges.allSatisfy { $0.upperBound <= prompt.text.utf8.count }
            guard isInside else { throw Finding("a range beyond the text") }
        }
    }

    /// Something that must never be.
    struct Finding: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) {
            self.description = description
        }
    }
}
