import Foundation
import StellarInference
import StellarTestSupport
import Testing

@Suite("Hugging Face directories written as GGUF files")
struct HuggingFaceConversionTests {
    /// Settings for which there is no metadata.
    private static let inexpressible: Set = ["llama-dynamic", "qwen2-moe-mixed"]

    private static let expressible = ArchitectureFixture.all.filter {
        !$0.name.hasPrefix("stellarbyte") && !inexpressible.contains($0.name)
    }

    private func write(_ path: String, _ target: QuantizationTarget = .f16, to directory: TemporaryDirectory) throws -> GGUFFile {
        let quantizer = try ModelQuantizer(ModelFiles(ModelLocation(path: path)), target: target, threads: 2)
        defer { quantizer.stop() }
        try quantizer.write(to: directory.file("out.gguf"))
        return try GGUFFile(path: directory.file("out.gguf"))
    }

    @Test("the file gives the reference's logits", arguments: expressible)
    func logits(fixture: ArchitectureFixture) throws {
        let directory = try TemporaryDirectory()
        _ = try write(fixture.path, to: directory)
        let expected = try fixture.expected()
        for chunk in [512, 1] {
            let result = try ArchitectureResult(directory.file("out.gguf"), tokens: expected.tokens, chunk: chunk)
            #expect(result.error(expected) <= 1e-4, "\(result.error(expected))")
            #expect(result.argmax == expected.argmax)
        }
    }

    @Test("the file has the tensors of the one that llama.cpp's names give", arguments: expressible.filter { $0.gguf != nil })
    func tensors(fixture: ArchitectureFixture) throws {
        let directory = try TemporaryDirectory()
        let written = try write(fixture.path, to: directory)
        let other = try GGUFFile(path: try #require(fixture.gguf))
        for tensor in other.storedTensors {
            let own = try #require(written.tensor(tensor.name), "\(tensor.name)")
            #expect(own.shape == tensor.shape, "\(tensor.name)")
            // Routers are F32 here, as llama.cpp has them.
            if tensor.name.contains("ffn_gate_inp") { continue }
            #expect(own.type == tensor.type, "\(tensor.name)")
            // RoPE's divisors are computed in FP64 here, in FP32 there; norms of Gemma are added up there.
            if tensor.type == .f16 { #expect(own.bytes.elementsEqual(tensor.bytes), "\(tensor.name)") }
        }
        // A head that is the embedding is written only where llama.cpp wants one.
        #expect(Set(written.tensorNames).subtracting(other.tensorNames).isSubset(of: ["output.weight"]))
    }

    @Test("what GGUF files can't say is refused", arguments: inexpressible.sorted() + ["stellarbyte-dense", "stellarbyte-moe"])
    func refused(name: String) throws {
        let directory = try TemporaryDirectory()
        let error = #expect(throws: InferenceError.self) { try write(ArchitectureFixture(name: name).path, to: directory) }
        #expect(error?.code == .unsupportedModel)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    /// A directory of a small model with one of the tokenizers of Tests/reference/tokenizer_small.py.
    private func directory(tokenizer name: String) throws -> (directory: TemporaryDirectory, cases: [JSONNode]) {
        let folder = TestModel.repositoryRoot.appendingPathComponent("Tests/StellarInferenceTests/Fixtures/tokenizer/huggingface")
        let data = try Data(contentsOf: folder.appendingPathComponent(name + ".json"))
        let document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        var shape = TinyLlama.portableShape
        shape.vocabulary = 700
        let directory = try TemporaryDirectory()
        try TinyLlama(shape).writeHuggingFace(to: directory)
        try directory.write("tokenizer.json", Array(JSONSerialization.data(withJSONObject: try #require(document["tokenizer"]))))
        let file = try FileBytes.guarded(data)
        let cases = try withExtendedLifetime(file) { try JSONNode(parsing: file.buffer, name: name)["cases"]?.array }
        return (directory, try #require(cases))
    }

    @Test(
        "the tokenizer in the file gives the ids of the one in the directory",
        arguments: ["gpt2", "smollm", "llama3", "qwen2", "gpt4o", "deepseek3", "llama2", "gemma"]
    )
    func tokenizer(name: String) throws {
        let (directory, cases) = try directory(tokenizer: name)
        let output = try TemporaryDirectory()
        let tokenizer = try Tokenizer(TokenizerVocabulary(try write(directory.path, to: output).metadata))
        var compared = 0
        for line in cases {
            let parts = try #require(line.array)
            let text = try #require(parts[0].string)
            // Text that is not composed is composed before only where the tokenizer has a normaliser.
            if name == "qwen2", text.utf8.contains(where: { $0 >= 0x80 }) { continue }
            let ids = try #require(parts[1].array).compactMap { $0.integer.map { TokenID($0) } }
            #expect(tokenizer.encode(text, parsingSpecialTokens: true) == ids, "\(text.debugDescription)")
            compared += 1
        }
        #expect(compared > 10)
    }

    @Test(
        "tokenizers for which GGUF files have no name are refused",
        arguments: ["words", "behaviors", "tekken", "nfd", "metaspace-first"]
    )
    func refusedTokenizer(name: String) throws {
        let (directory, _) = try directory(tokenizer: name)
        let output = try TemporaryDirectory()
        expectError(.unsupportedModel, containing: "tokenizer.json") { try write(directory.path, to: output) }
    }

    @Test("Phi-3 files that name no type of scaling have LongRoPE if they have its attention factor")
    func phi3() throws {
        let fixture = ArchitectureFixture(name: "phi3-longrope")
        let file = try GGUFFile(path: try #require(fixture.gguf))
        var writer = GGUFFileWriter()
        for key in file.metadata.keys where key != "phi3.rope.scaling.type" {
            let place = try #require(file.metadata.place(of: key))
            writer.set(key, encoded: Array(file.parts[0].buffer[place]))
        }
        for tensor in file.storedTensors { writer.addTensor(tensor.name, shape: tensor.shape, type: tensor.type) }
        let directory = try TemporaryDirectory()
        var next = 0
        try writer.write(to: directory.file("m.gguf")) { _, put throws(InferenceError) in
            try put(file.storedTensors[next].bytes)
            next += 1
        }
        let expected = try fixture.expected()
        let result = try ArchitectureResult(directory.file("m.gguf"), tokens: expected.tokens)
        #expect(result.error(expected) <= 1e-4)
    }
}
