import Foundation
import StellarInference
import Testing

/// Models of a few thousand weights, against their forward pass in FP64: shapes and storage types that the real model does not have.
@Suite("Small models")
struct SmallModelTests {
    private let directory: TemporaryDirectory
    private let tokens: [TokenID] = [3, 17, 8, 39, 0, 22, 22, 5, 11, 30, 2]

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func load(_ writer: GGUFWriter, precision: LanguageModel.Precision = .auto) async throws -> LanguageModel {
        let path = directory.path + "/\(UUID().uuidString).gguf"
        try writer.write(to: path)
        return try await LanguageModel.load(path: path, options: .init(precision: precision, threads: 1))
    }

    /// Greatest difference from the FP64 logits, in units of the largest logit.
    private func error(_ model: LanguageModel, _ reference: TinyLlama, chunk: Int = 512, usesBLAS: Bool = false) throws -> Double {
        let pass = try ForwardPass(model, usesBLAS: usesBLAS, fullPrecisionCache: true, blocks: 16)
        let logits = try pass.logits(after: tokens, chunk: chunk)
        let expected = reference.logits(after: tokens)
        let scale = expected.map(abs).max() ?? 1
        return zip(logits, expected).map { abs(Double($0) - $1) / scale }.max() ?? .infinity
    }

    @Test("logits equal the FP64 pass, in one chunk and token by token", arguments: [512, 4, 1])
    func plain(chunk: Int) async throws {
        let reference = TinyLlama()
        #expect(try error(try await load(reference.writer()), reference, chunk: chunk) < 1e-5)
    }

    @Test("head tied to the embedding, single KV head, full rotation, linear RoPE scaling, RoPE divisors")
    func variants() async throws {
        var shapes = [TinyLlama.Shape](repeating: TinyLlama.Shape(), count: 5)
        shapes[0].hasOutputHead = false
        shapes[1].keyValueHeads = 1
        shapes[2].ropeDimensions = 20
        shapes[3].linearFactor = 4
        shapes[4].hasRoPEDivisors = true
        for (index, shape) in shapes.enumerated() {
            let reference = TinyLlama(shape, seed: UInt64(index + 2))
            #expect(try error(try await load(reference.writer()), reference) < 1e-5, "variant \(index)")
        }
    }

    @Test("F16 and BF16 files are computed as stored", arguments: [TensorType.f16, .bf16])
    func halves(type: TensorType) async throws {
        let reference = TinyLlama().rounded(to: type)
        #expect(try error(try await load(TinyLlama().writer(type: type)), reference) < 1e-5)
    }

    @Test("PRECISION converts: FP32 of an F16 file is exact, FP16 of an F32 file rounds once")
    func conversions() async throws {
        let half = TinyLlama().rounded(to: .f16)
        #expect(try error(try await load(TinyLlama().writer(type: .f16), precision: .fp32), half) < 1e-5)
        // The embedding is looked up in the file, not multiplied: it keeps its type.
        let products = TinyLlama().rounded(to: .f16, except: "token_embd.weight")
        #expect(try error(try await load(TinyLlama().writer(), precision: .fp16), products) < 1e-5)
    }

    @Test("a sequence's logits are bit-identical alone, among others, and in any chunks")
    func batchInvariance() async throws {
        let model = try await load(TinyLlama().writer())
        let pass = try ForwardPass(model, usesBLAS: false, fullPrecisionCache: false, blocks: 32)
        let alone = try pass.logits(after: tokens)
        #expect(try pass.logits(after: tokens, chunk: 3) == alone)
        let segments = try (0..<5).map { index in
            let own = index == 3 ? tokens : (0..<index * 9 + 1).map { TokenID(($0 * 7 + index) % 40) }
            return Batch.Segment(tokens: own, start: 0, blocks: try pass.blocks(for: own.count), wantsLogits: true)
        }
        let logits = Array(pass.transformer.forward(Batch(segments: segments)))
        #expect(Array(logits[3 * 40..<4 * 40]) == alone)
    }

    @Test("a tensor that is missing, misshapen, of an unknown type, or one too many is named")
    func wrongTensors() async throws {
        let valid = TinyLlama().writer()
        var missing = valid
        missing.tensors.removeAll { $0.name == "blk.1.ffn_up.weight" }
        var misshapen = valid
        misshapen.tensors[1].dimensions = [47]
        misshapen.tensors[1].bytes.removeLast(4)
        var unsupported = valid
        unsupported.tensors[0] = .init(
            name: "token_embd.weight",
            dimensions: [48, 40],
            type: TensorType.f64.rawValue,
            bytes: .init(repeating: 0, count: 48 * 40 * 8)
        )
        var extra = valid
        extra.addTensor("blk.0.attn_sinks.weight", [6], floats: [Float](repeating: 0, count: 6))
        let cases: [(GGUFWriter, InferenceError.Code, String)] = [
            (missing, .invalidModelFile, "blk.1.ffn_up.weight"), (misshapen, .invalidModelFile, "blk.0.attn_norm.weight"),
            (unsupported, .unsupportedModel, "F64"), (extra, .unsupportedModel, "blk.0.attn_sinks.weight"),
        ]
        for (writer, code, name) in cases {
            let error = await #expect(throws: InferenceError.self) { _ = try await load(writer) }
            #expect(error?.code == code)
            #expect(error?.message.contains(name) == true, "\(error?.message ?? "")")
        }
    }

    @Test("a key that is missing, of the wrong type, or contradicts another is named")
    func wrongKeys() async throws {
        let cases: [(String, GGUFWriter.Value?, String)] = [
            ("general.architecture", nil, "architecture"), ("general.architecture", .string("mamba"), "mamba"),
            ("llama.embedding_length", nil, "llama.embedding_length"), ("llama.embedding_length", .string("x"), "llama.embedding_length"),
            ("llama.attention.head_count", .uint32(0), "head count"), ("llama.attention.head_count_kv", .uint32(4), "evenly"),
            ("llama.attention.layer_norm_rms_epsilon", .float32(.nan), "epsilon"), ("llama.rope.dimension_count", .uint32(22), "rotates"),
            ("llama.rope.freq_base", .float32(-1), "RoPE base"), ("llama.context_length", .uint64(1 << 40), "context length"),
            ("llama.block_count", .uint32(0), "block count"), ("llama.expert_count", .uint32(8), "llama.expert_used_count"),
            ("tokenizer.ggml.model", .string("rwkv"), "rwkv"), ("llama.vocab_size", .uint32(39), "[39, 48]"),
            ("general.sampling.temp", .float32(9), "temperature"),
        ]
        for (key, value, text) in cases {
            var writer = TinyLlama().writer()
            writer.metadata.removeAll { $0.key == key }
            if let value { writer.add(key, value) }
            let error = await #expect(throws: InferenceError.self) { _ = try await load(writer) }
            #expect(error?.message.contains(text) == true, "\(key): \(error?.message ?? "")")
            let path = directory.path + "/checked.gguf"
            try writer.write(to: path)
            let reason = #expect(throws: InferenceError.self) {
                let files = try ModelFiles(ModelLocation(path: path))
                try ModelText(files).check(against: ModelBlueprint(files).configuration)
            }
            #expect(reason?.code == error?.code, "\(key): found without loading, too")
        }
    }

    @Test("a context whose cache the memory can't hold is cut to what it can, or refused if asked for")
    func hugeContext() async throws {
        var writer = TinyLlama().writer()
        writer.metadata.removeAll { $0.key == "llama.context_length" }
        writer.add("llama.context_length", .uint64(1 << 28))
        let model = try await load(writer)
        let engine = try InferenceEngine(model: model, configuration: .init(threads: 1, cacheBytes: 1 << 20))
        #expect((16..<1 << 20).contains(engine.contextLength))
        await engine.shutdown()
        let error = #expect(throws: InferenceError.self) {
            _ = try InferenceEngine(model: model, configuration: .init(contextLength: 1 << 28, threads: 1))
        }
        #expect(error?.code == .invalidConfiguration)
    }
}
