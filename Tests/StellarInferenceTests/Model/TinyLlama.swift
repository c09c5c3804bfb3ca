import Foundation
import StellarInference

/// A random model small enough to be computed by hand: its weights, its GGUF file, and its forward pass written down plainly in FP64.
struct TinyLlama {
    struct Shape {
        var vocabulary = 40
        var hidden = 48
        var layers = 2
        var heads = 6
        var keyValueHeads = 2
        var headSize = 20
        var inner = 72
        var ropeBase = 1_000.0
        var ropeDimensions = 16
        var linearFactor = 1.0
        var epsilon = 1e-5
        var hasOutputHead = true
        var hasRoPEDivisors = false
    }

    let shape: Shape
    /// Weights by tensor name, row after row.
    private(set) var weights: [String: [Float]] = [:]
    /// Name and GGUF dimensions in the file's order.
    private(set) var tensors: [(name: String, dimensions: [Int])] = []

    init(_ shape: Shape = Shape(), seed: UInt64 = 1) {
        self.shape = shape
        var random = RandomSource(seed: seed)
        func add(_ name: String, _ dimensions: Int..., around center: Float = 0, scale: Float = 1) {
            tensors.append((name, dimensions))
            weights[name] = (0..<dimensions.reduce(1, *)).map { _ in center + scale * Float(random.uniform() * 2 - 1) }
        }
        let queries = shape.heads * shape.headSize
        let keys = shape.keyValueHeads * shape.headSize
        add("token_embd.weight", shape.hidden, shape.vocabulary)
        for layer in 0..<shape.layers {
            add("blk.\(layer).attn_norm.weight", shape.hidden, around: 1, scale: 0.3)
            add("blk.\(layer).attn_q.weight", shape.hidden, queries, scale: 0.3)
            add("blk.\(layer).attn_k.weight", shape.hidden, keys, scale: 0.3)
            add("blk.\(layer).attn_v.weight", shape.hidden, keys, scale: 0.3)
            add("blk.\(layer).attn_output.weight", queries, shape.hidden, scale: 0.2)
            add("blk.\(layer).ffn_norm.weight", shape.hidden, around: 1, scale: 0.3)
            add("blk.\(layer).ffn_gate.weight", shape.hidden, shape.inner, scale: 0.3)
            add("blk.\(layer).ffn_up.weight", shape.hidden, shape.inner, scale: 0.3)
            add("blk.\(layer).ffn_down.weight", shape.inner, shape.hidden, scale: 0.2)
        }
        add("output_norm.weight", shape.hidden, around: 1, scale: 0.3)
        if shape.hasOutputHead { add("output.weight", shape.hidden, shape.vocabulary) }
        if shape.hasRoPEDivisors { add("rope_freqs.weight", shape.ropeDimensions / 2, around: 4, scale: 3) }
    }

    /// The same model with its matrices rounded to `type` (F32, F16 or BF16).
    func rounded(to type: TensorType, except kept: String? = nil) -> TinyLlama {
        var copy = self
        for (name, dimensions) in tensors where dimensions.count == 2 && name != kept {
            copy.weights[name] = weights[name]?.map { value in
                switch type {
                case .f16: Float(Float16(value))
                case .bf16: Float(bitPattern: Self.bf16(value) << 16)
                default: value
                }
            }
        }
        return copy
    }

    private static func bf16(_ value: Float) -> UInt32 {
        let bits = value.bitPattern
        return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16
    }

    /// A GGUF file with matrices of `type`, vectors in F32.
    func writer(type: TensorType = .f32) -> GGUFWriter {
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("llama"))
        writer.add("llama.vocab_size", .uint32(UInt32(shape.vocabulary)))
        writer.add("llama.embedding_length", .uint32(UInt32(shape.hidden)))
        writer.add("llama.block_count", .uint32(UInt32(shape.layers)))
        writer.add("llama.feed_forward_length", .uint32(UInt32(shape.inner)))
        writer.add("llama.context_length", .uint32(256))
        writer.add("llama.attention.head_count", .uint32(UInt32(shape.heads)))
        writer.add("llama.attention.head_count_kv", .uint32(UInt32(shape.keyValueHeads)))
        writer.add("llama.attention.key_length", .uint32(UInt32(shape.headSize)))
        writer.add("llama.attention.value_length", .uint32(UInt32(shape.headSize)))
        writer.add("llama.attention.layer_norm_rms_epsilon", .float32(Float(shape.epsilon)))
        writer.add("llama.rope.freq_base", .float32(Float(shape.ropeBase)))
        writer.add("llama.rope.dimension_count", .uint32(UInt32(shape.ropeDimensions)))
        if shape.linearFactor != 1 {
            writer.add("llama.rope.scaling.type", .string("linear"))
            writer.add("llama.rope.scaling.factor", .float32(Float(shape.linearFactor)))
        }
        writer.add("tokenizer.ggml.model", .string("gpt2"))
        writer.add("tokenizer.ggml.pre", .string("gpt-2"))
        writer.add("tokenizer.ggml.tokens", strings: (0..<shape.vocabulary).map { "t\($0)" })
        writer.add("tokenizer.ggml.merges", strings: [])
        for (name, dimensions) in tensors {
            let values = weights[name] ?? []
            if dimensions.count == 2 {
                writer.addTensor(name, dimensions, type: type, bytes: values.flatMap { Self.bytes($0, type) })
            } else {
                writer.addTensor(name, dimensions, floats: values)
            }
        }
        return writer
    }

    private static func bytes(_ value: Float, _ type: TensorType) -> [UInt8] {
        switch type {
        case .f16: GGUFWriter.bytes(Float16(value).bitPattern)
        case .bf16: GGUFWriter.bytes(UInt16(bf16(value)))
        default: GGUFWriter.bytes(value.bitPattern)
        }
    }
}

// MARK: - The forward pass, plainly

extension TinyLlama {
    /// Logits after `tokens`: no cache, no batch, every position computed again.
    func logits(after tokens: [TokenID]) -> [Double] {
        var states = tokens.map { row("token_embd.weight", Int($0), length: shape.hidden) }
        for layer in 0..<shape.layers {
            let attended = attention(states.map { norm($0, "blk.\(layer).attn_norm.weight") }, layer)
            states = zip(states, attended).map { add($0, multiply("blk.\(layer).attn_output.weight", $1)) }
            states = states.map { add($0, feedForward(norm($0, "blk.\(layer).ffn_norm.weight"), layer)) }
        }
        let last = norm(states[states.count - 1], "output_norm.weight")
        return multiply(shape.hasOutputHead ? "output.weight" : "token_embd.weight", last)
    }

    private func attention(_ inputs: [[Double]], _ layer: Int) -> [[Double]] {
        let queries = inputs.enumerated().map { rotateHeads(multiply("blk.\(layer).attn_q.weight", $1), position: $0) }
        let keys = inputs.enumerated().map { rotateHeads(multiply("blk.\(layer).attn_k.weight", $1), position: $0) }
        let values = inputs.map { multiply("blk.\(layer).attn_v.weight", $0) }
        return queries.indices.map { position in
            (0..<shape.heads).flatMap { head -> [Double] in
                let shared = head / (shape.heads / shape.keyValueHeads)
                let query = slice(queries[position], head)
                let scores = (0...position).map { exp(dot(query, slice(keys[$0], shared)) / Double(shape.headSize).squareRoot()) }
                let sum = scores.reduce(0, +)
                return (0..<shape.headSize).map { element in
                    scores.indices.reduce(0) { $0 + scores[$1] / sum * values[$1][shared * shape.headSize + element] }
                }
            }
        }
    }

    private func feedForward(_ input: [Double], _ layer: Int) -> [Double] {
        let gate = multiply("blk.\(layer).ffn_gate.weight", input)
        let up = multiply("blk.\(layer).ffn_up.weight", input)
        return multiply("blk.\(layer).ffn_down.weight", zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 })
    }

    /// Pairs (2i, 2i + 1) of each head turn by position · base^(−2i/d).
    private func rotateHeads(_ vector: [Double], position: Int) -> [Double] {
        var result = vector
        for start in stride(from: 0, to: vector.count, by: shape.headSize) {
            for pair in 0..<shape.ropeDimensions / 2 {
                let divisor = shape.hasRoPEDivisors ? Double(weights["rope_freqs.weight"]?[pair] ?? 1) : 1
                let frequency = pow(shape.ropeBase, -2 * Double(pair) / Double(shape.ropeDimensions)) / divisor / shape.linearFactor
                let angle = Double(position) * frequency
                let (x, y) = (vector[start + 2 * pair], vector[start + 2 * pair + 1])
                result[start + 2 * pair] = x * cos(angle) - y * sin(angle)
                result[start + 2 * pair + 1] = x * sin(angle) + y * cos(angle)
            }
        }
        return result
    }

    private func slice(_ vector: [Double], _ head: Int) -> [Double] {
        Array(vector[head * shape.headSize..<(head + 1) * shape.headSize])
    }

    private func norm(_ x: [Double], _ name: String) -> [Double] {
        let scale = 1 / (dot(x, x) / Double(x.count) + Double(Float(shape.epsilon))).squareRoot()
        return zip(x, row(name, 0, length: x.count)).map { $0 * scale * $1 }
    }

    private func multiply(_ name: String, _ x: [Double]) -> [Double] {
        let rows = (weights[name] ?? []).count / x.count
        return (0..<rows).map { dot(row(name, $0, length: x.count), x) }
    }

    private func row(_ name: String, _ index: Int, length: Int) -> [Double] {
        (weights[name] ?? [])[index * length..<(index + 1) * length].map(Double.init)
    }

    private func dot(_ left: [Double], _ right: [Double]) -> Double {
        zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private func add(_ left: [Double], _ right: [Double]) -> [Double] {
        zip(left, right).map { $0 + $1 }
    }
}
