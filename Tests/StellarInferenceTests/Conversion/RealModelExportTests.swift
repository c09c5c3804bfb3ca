import CStellarKernels
import Foundation
import StellarInference
import StellarTestSupport
import Testing

@Suite("The test model as a Hugging Face directory", .enabled(if: TestModel.isAvailable, "\(TestModel.skipReason)"))
struct RealModelExportTests {
    @Test("the weights of the GGUF file in F32 safetensors give the same greedy tokens")
    func sameGreedyTokens() throws {
        let file = try GGUFFile(path: try #require(TestModel.file))
        let directory = try TemporaryDirectory()
        try export(file, to: directory)
        let prompt: [TokenID] = [504, 3575, 282, 4649, 314]
        let original = try greedy(.gguf(file), prompt, count: 8)
        let exported = try greedy(ModelFiles(ModelLocation(path: directory.path)), prompt, count: 8)
        #expect(original.tokens == exported.tokens)
        #expect(original.tokens.count == 8)
        #expect(zip(original.logits, exported.logits).allSatisfy { abs($0 - $1) < 1e-3 })
    }

    /// The likeliest tokens one after the other, and the logits of the last.
    private func greedy(_ files: ModelFiles, _ prompt: [TokenID], count: Int) throws -> (tokens: [TokenID], logits: [Float]) {
        let evaluator = try LogitEvaluator(files, contextLength: prompt.count + count, options: .init(precision: .fp32))
        var tokens = prompt
        var last: [Float] = []
        for _ in 0..<count {
            var next = 0
            try evaluator.evaluate(tokens, from: tokens.count - 1) { _, logits in
                next = LogitSummary.argmax(logits)
                last = Array(logits)
            }
            tokens.append(TokenID(next))
        }
        return (Array(tokens.dropFirst(prompt.count)), last)
    }

    /// Writes `config.json` and `model.safetensors`.
    private func export(_ file: GGUFFile, to directory: TemporaryDirectory) throws {
        func value(_ key: String) throws -> Int { try #require(try file.metadata.integer("llama." + key)) }
        let (heads, keyHeads) = (try value("attention.head_count"), try value("attention.head_count_kv"))
        let configuration: [String: Any] = [
            "model_type": "llama", "vocab_size": 49_152, "hidden_size": try value("embedding_length"),
            "num_hidden_layers": try value("block_count"), "num_attention_heads": heads, "num_key_value_heads": keyHeads,
            "intermediate_size": try value("feed_forward_length"), "max_position_embeddings": try value("context_length"),
            "rms_norm_eps": try #require(try file.metadata.float("llama.attention.layer_norm_rms_epsilon")),
            "rope_theta": try #require(try file.metadata.float("llama.rope.freq_base")), "tie_word_embeddings": true, "hidden_act": "silu",
        ]
        try directory.write("config.json", Array(JSONSerialization.data(withJSONObject: configuration)))
        let tensors = file.storedTensors
        var offset = 0
        let entries = tensors.map { tensor in
            let range = offset..<offset + tensor.elementCount * 4
            offset = range.upperBound
            let name = TinyLlama.huggingFaceName(tensor.name)
            return "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(range.lowerBound),\(range.upperBound)]}"
        }
        let path = try directory.write("model.safetensors", SafetensorsWriter.file("{" + entries.joined(separator: ",") + "}"))
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        for tensor in tensors {
            let permuted = tensor.name.contains("attn_q.") ? heads : tensor.name.contains("attn_k.") ? keyHeads : 0
            try handle.write(contentsOf: floats(of: tensor, heads: permuted))
        }
        try handle.close()
    }

    /// The numbers of a tensor; rows of pairs (2i, 2i + 1) of each head become pairs (i, i + d/2).
    private func floats(of tensor: StoredTensor, heads: Int) -> Data {
        let (width, rows) = (tensor.rowLength, tensor.rowCount)
        let headSize = heads > 0 ? rows / heads : rows
        var values = [Float](repeating: 0, count: width * rows)
        values.withUnsafeMutableBufferPointer { values in
            for row in 0..<rows {
                let place = row % headSize
                let source = heads > 0 ? row - place + place % (headSize / 2) * 2 + place / (headSize / 2) : row
                let target = values.baseAddress.map { $0 + row * width }
                stellar_kernels_active().pointee.dequantize(
                    stellar_type(rawValue: tensor.type.rawValue),
                    tensor.base + tensor.type.byteCount(of: source * width),
                    target,
                    width
                )
            }
        }
        return values.withUnsafeBytes { Data($0) }
    }
}
