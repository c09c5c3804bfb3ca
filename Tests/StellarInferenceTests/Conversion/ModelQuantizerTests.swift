import Foundation
import StellarInference
import Testing

@Suite("Converting and quantising models")
struct ModelQuantizerTests {
    private let directory: TemporaryDirectory
    private let tokens: [TokenID] = [3, 17, 5, 5, 39, 0, 21, 8, 30, 12]

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func open(_ path: String) throws -> ModelFiles { try ModelFiles(ModelLocation(path: path)) }

    private func logits(_ files: ModelFiles, chunk: Int = 512) throws -> [[Float]] {
        let evaluator = try LogitEvaluator(files, contextLength: tokens.count, options: .init(precision: .fp32, threads: 2, chunk: chunk))
        var rows: [[Float]] = []
        try evaluator.evaluate(tokens) { index, row in
            #expect(index == rows.count)
            rows.append(Array(row))
        }
        return rows
    }

    private func quantize(_ files: ModelFiles, _ target: QuantizationTarget, _ name: String) throws -> GGUFFile {
        let quantizer = try ModelQuantizer(files, target: target, threads: 2)
        defer { quantizer.stop() }
        try quantizer.write(to: directory.file(name))
        return try GGUFFile(path: directory.file(name))
    }

    @Test("logits are those of the definition, in one pass and token by token", arguments: [512, 3, 1])
    func evaluator(chunk: Int) throws {
        let model = TinyLlama(TinyLlama.portableShape)
        try model.writer().write(to: directory.file("m.gguf"))
        let rows = try logits(open(directory.file("m.gguf")), chunk: chunk)
        #expect(rows.count == tokens.count)
        for (index, row) in rows.enumerated() {
            let expected = model.logits(after: Array(tokens[...index]))
            #expect(zip(row, expected).allSatisfy { abs(Double($0) - $1) < 1e-4 }, "position \(index)")
        }
    }

    @Test("tokens that do not exist, and too many, are refused")
    func badTokens() throws {
        try TinyLlama().writer().write(to: directory.file("m.gguf"))
        let files = try open(directory.file("m.gguf"))
        let evaluator = try LogitEvaluator(files, contextLength: 4, options: .init(threads: 1))
        expectError(.invalidRequest, containing: "no token 40") { try evaluator.evaluate([40]) { _, _ in } }
        expectError(.contextLengthExceeded, containing: "5 tokens") { try evaluator.evaluate([1, 1, 1, 1, 1]) { _, _ in } }
        expectError(.contextLengthExceeded, containing: "256") { try LogitEvaluator(files, contextLength: 257) }
    }

    @Test("a perplexity is exp of the mean surprise in the second halves of the windows")
    func perplexity() throws {
        let model = TinyLlama(TinyLlama.portableShape)
        try model.writer().write(to: directory.file("m.gguf"))
        let files = try open(directory.file("m.gguf"))
        let text = tokens + tokens.reversed() + [1, 2, 3]
        let evaluator = try LogitEvaluator(files, contextLength: 8, options: .init(precision: .fp32, threads: 2))
        let result = try Perplexity(evaluator, tokens: text, context: 8, bosToken: 9)
        var sum = 0.0
        for start in [0, 8] {
            var window = Array(text[start..<start + 8])
            window[0] = 9
            for place in 4..<7 {
                let row = model.logits(after: Array(window[...place]))
                sum += log(row.reduce(0) { $0 + exp($1) }) - row[Int(window[place + 1])]
            }
        }
        #expect(result.tokens == 6 && result.windows == 2)
        #expect(abs(result.perplexity / exp(sum / 6) - 1) < 1e-4)
        expectError(.invalidRequest, containing: "fewer than a window") {
            try Perplexity(evaluator, tokens: [1, 2], context: 8, bosToken: nil)
        }
    }

    @Test(
        "a Hugging Face directory computes what the GGUF file of the same weights does",
        arguments: [("F32", 1), ("F16", 1), ("BF16", 3)]
    )
    func sameFromBoth(dtype: String, shards: Int) throws {
        let type: TensorType = dtype == "F16" ? .f16 : dtype == "BF16" ? .bf16 : .f32
        let model = TinyLlama(TinyLlama.portableShape).rounded(to: type)
        try model.writer(type: type).write(to: directory.file("m.gguf"))
        let huggingFace = try TemporaryDirectory()
        try model.writeHuggingFace(to: huggingFace, dtype: dtype, shards: shards)
        let (left, right) = (try logits(open(directory.file("m.gguf"))), try logits(open(huggingFace.path)))
        for (leftRow, rightRow) in zip(left, right) {
            // Vectors are F32 in the one file and of the other type in the other.
            #expect(zip(leftRow, rightRow).allSatisfy { abs($0 - $1) < (type == .f32 ? 1e-4 : 0.2) })
        }
    }

    @Test("a converted directory has the tensors and the configuration of the GGUF file", arguments: [true, false])
    func converted(hasHead: Bool) throws {
        var shape = TinyLlama.portableShape
        shape.hasOutputHead = hasHead
        let model = TinyLlama(shape)
        try model.writer().write(to: directory.file("m.gguf"))
        let huggingFace = try TemporaryDirectory()
        try model.writeHuggingFace(to: huggingFace)
        let left = try quantize(open(directory.file("m.gguf")), .f16, "left.gguf")
        let right = try quantize(open(huggingFace.path), .f16, "right.gguf")
        #expect(Set(left.tensorNames) == Set(right.tensorNames))
        for tensor in left.storedTensors {
            let other = try #require(right.tensor(tensor.name))
            #expect(other.shape == tensor.shape && other.type == tensor.type && other.bytes.elementsEqual(tensor.bytes), "\(tensor.name)")
        }
        #expect(try ModelBlueprint(.gguf(left)).configuration.ropes == ModelBlueprint(.gguf(right)).configuration.ropes)
        #expect(try right.metadata.integer("general.file_type") == 1)
    }

    @Test("every target gives a file that runs, with the metadata of the original", arguments: QuantizationTarget.allCases)
    func targets(target: QuantizationTarget) throws {
        let model = TinyLlama(TinyLlama.portableShape)
        try model.writer().write(to: directory.file("m.gguf"))
        let original = try open(directory.file("m.gguf"))
        let file = try quantize(original, target, "out.gguf")
        guard case .gguf(let source) = original else { return }
        for key in source.metadata.keys { #expect(file.metadata[key] != nil, "\(key)") }
        #expect(try file.metadata.strings("tokenizer.ggml.tokens")?.count == 40)
        #expect(file.tensor("output_norm.weight")?.type == .f32)
        let types: [QuantizationTarget: TensorType] = [.f16: .f16, .q8_0: .q8_0, .q4_0: .q4_0, .q4_1: .q4_1, .q4_K: .q5_0, .q6_K: .q8_0]
        #expect(file.tensor("blk.0.attn_q.weight")?.type == types[target])
        #expect(file.tensor("output.weight")?.type == (target == .f16 ? .f16 : .q8_0))
        let (before, after) = (try logits(original), try logits(.gguf(file)))
        let bound: Float = target == .f16 ? 0.02 : target == .q8_0 || target == .q6_K ? 0.6 : 8
        for (left, right) in zip(before, after) { #expect(zip(left, right).allSatisfy { abs($0 - $1) < bound }) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == ["m.gguf", "out.gguf"])
    }

    @Test("numbers that a type can't hold leave no file behind")
    func infinities() throws {
        var writer = TinyLlama(TinyLlama.portableShape).writer()
        for place in 0..<4 { writer.tensors[3].bytes[place] = [0, 0, 0x80, 0x7F][place] }
        try writer.write(to: directory.file("m.gguf"))
        let files = try open(directory.file("m.gguf"))
        expectError(.invalidModelFile, containing: "infinities") { try quantize(files, .q8_0, "out.gguf") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["m.gguf"])
    }

    @Test("types by tensor: vectors and routers stay F32, the head is finer, and rows decide what is possible")
    func plan() {
        let names = ["token_embd.weight"] + (0..<8).map { "blk.\($0).ffn_down.weight" }
        let plan = QuantizationPlan(.q4_K, names: names)
        #expect(plan.type(of: "blk.1.attn_q.weight", shape: [64, 512]) == .q4_K)
        #expect(plan.type(of: "blk.1.attn_q.weight", shape: [64, 96]) == .q5_0)
        #expect(plan.type(of: "blk.1.attn_q.weight", shape: [64, 48]) == .f16)
        #expect(plan.type(of: "token_embd.weight", shape: [64, 512]) == .q6_K)
        #expect(plan.type(of: "blk.1.attn_norm.weight", shape: [512]) == .f32)
        #expect(plan.type(of: "blk.1.ffn_gate_inp.weight", shape: [8, 512]) == .f32)
        let fine = (0..<8).filter { plan.type(of: "blk.\($0).ffn_down.weight", shape: [64, 512]) == .q6_K }
        #expect(fine == [0, 3, 6, 7])
        #expect(QuantizationPlan(.q8_0, names: names).type(of: "token_embd.weight", shape: [64, 512]) == .q8_0)
    }
}
