import Foundation

extension ArchitectureKeys {
    /// What is the same for all architectures of GGUF files.
    ///
    /// - Parameters:
    ///   - pairing: The order in which the file holds the rows of queries and keys: the converter permutes those of some architectures.
    ///   - layer: What is particular about a layer.
    func configuration(
        pairing: RoPEConfiguration.Pairing,
        feedForwardSize: Int? = nil,
        layer: (Int) -> LayerConfiguration = { _ in LayerConfiguration() }
    ) throws(InferenceError) -> ModelConfiguration {
        let heads = try integer("attention.head_count")
        let hidden = try integer("embedding_length")
        let headSize = try integer("attention.key_length", default: heads > 0 ? hidden / heads : 0)
        let valueSize = try integer("attention.value_length", default: headSize)
        guard valueSize == headSize else {
            throw InferenceError(.unsupportedModel, "Heads with keys of \(headSize) and values of \(valueSize) elements are not supported.")
        }
        let inner = if let feedForwardSize { feedForwardSize } else { try integer("feed_forward_length") }
        return try ModelConfiguration(
            architecture: prefix,
            vocabularySize: vocabularySize(),
            hiddenSize: hidden,
            layerCount: integer("block_count"),
            headCount: heads,
            keyValueHeadCount: integer("attention.head_count_kv", default: heads),
            headSize: headSize,
            feedForwardSize: inner,
            contextLength: integer("context_length"),
            normEpsilon: Float(number("attention.layer_norm_rms_epsilon")),
            rope: RoPEConfiguration(
                base: number("rope.freq_base", default: 10_000),
                dimensions: integer("rope.dimension_count", default: headSize),
                pairing: pairing,
                scaling: ropeScaling()
            ),
            layer: layer
        )
    }

    /// Source: keys in `gguf-py/gguf/constants.py`, their meaning in `src/llama-model.cpp` and `ggml_rope_ext` of the llama.cpp project.
    private func ropeScaling() throws(InferenceError) -> RoPEScaling {
        let original = try integer("rope.scaling.original_context_length", default: integer("context_length"))
        let attention = try number("rope.scaling.attn_factor", default: 1)
        // Files from before there were types say only by how much positions are divided.
        let older = try number("rope.scaling.factor", default: number("rope.scale_linear", default: 0))
        let kind = try string("rope.scaling.type", default: older == 0 ? "none" : "linear")
        switch kind {
        case "none": return .none
        case "linear": return .linear(factor: try number("rope.scaling.factor", default: older))
        case "yarn":
            let factor = try number("rope.scaling.factor")
            return .yarn(
                YaRNScaling(
                    factor: factor,
                    originalLength: original,
                    betaFast: try number("rope.scaling.yarn_beta_fast", default: 32),
                    betaSlow: try number("rope.scaling.yarn_beta_slow", default: 1),
                    attentionFactor: attention * YaRNScaling.attentionFactor(factor)
                )
            )
        case "longrope": return try longRoPE()
        default:
            throw InferenceError(
                .unsupportedModel,
                "RoPE scaling of the type \(quoted(kind)) is not supported. Supported: none, linear, yarn, longrope."
            )
        }
    }

    /// LongRoPE, whose factors files hold as tensors.
    func longRoPE() throws(InferenceError) -> RoPEScaling {
        try .longRoPE(
            LongRoPEScaling(
                shortFactors: [],
                longFactors: [],
                originalLength: integer("rope.scaling.original_context_length", default: integer("context_length")),
                attentionFactor: number("rope.scaling.attn_factor", default: 1)
            )
        )
    }

    func optionalInteger(_ key: String) throws(InferenceError) -> Int? {
        try metadata.integer("\(prefix).\(key)")
    }

    /// `nil` if absent or 0.
    func optionalNumber(_ key: String) throws(InferenceError) -> Float? {
        guard let value = try metadata.float("\(prefix).\(key)"), value != 0 else { return nil }
        return Float(value)
    }

    /// The attention window of each layer.
    ///
    /// - Parameter pattern: Every so many layers, the last one sees everything; 0: none does. The file may say otherwise, by a number or
    ///   by one boolean a layer.
    func windows(pattern: Int) throws(InferenceError) -> (Int) -> Int? {
        guard let window = try optionalInteger("attention.sliding_window"), window > 0 else { return { _ in nil } }
        let key = "\(prefix).attention.sliding_window_pattern"
        if case .array = metadata[key] {
            let layers = try metadata.bools(key) ?? []
            return { layers.indices.contains($0) && layers[$0] ? window : nil }
        }
        let pattern = try metadata.integer(key) ?? pattern
        return { pattern <= 0 || $0 % pattern < pattern - 1 ? window : nil }
    }

    /// The experts of all layers; `nil` if the model has none.
    func experts(normalizesWeights: Bool) throws(InferenceError) -> ExpertConfiguration? {
        let count = try integer("expert_count", default: 0)
        guard count != 0 else { return nil }
        return try ExpertConfiguration(
            count: count,
            usedCount: integer("expert_used_count"),
            feedForwardSize: integer("expert_feed_forward_length", default: integer("feed_forward_length", default: 0)),
            normalizesWeights: metadata.bool("\(prefix).expert_weights_norm") ?? normalizesWeights
        )
    }
}
