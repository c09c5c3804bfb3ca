/// Llama and what is built like it (SmolLM, SmolLM2, TinyLlama, Mistral without a window …): pre-norm blocks of grouped-query attention with
/// RoPE and a SwiGLU feed-forward network, RMS norms, no biases; output head of its own or tied to the embedding.
///
/// Key names: the GGUF specification, "Standardized key-value pairs". GGUF files hold the rows of Q and K in the order of interleaved RoPE.
package enum LlamaArchitecture: ModelArchitecture {
    package static let ggufNames = ["llama"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        let keys = ArchitectureKeys(metadata: metadata, prefix: "llama")
        let heads = try keys.integer("attention.head_count")
        let hidden = try keys.integer("embedding_length")
        try keys.refuse("expert_count", unless: 0, "mixture of experts")
        try keys.refuse("attention.sliding_window", unless: 0, "sliding-window attention")
        let headSize = try keys.integer("attention.key_length", default: heads > 0 ? hidden / heads : 0)
        let valueSize = try keys.integer("attention.value_length", default: headSize)
        guard valueSize == headSize else {
            throw InferenceError(.unsupportedModel, "Heads with keys of \(headSize) and values of \(valueSize) elements are not supported.")
        }
        return try ModelConfiguration(
            architecture: "llama",
            vocabularySize: keys.vocabularySize(),
            hiddenSize: hidden,
            layerCount: keys.integer("block_count"),
            headCount: heads,
            keyValueHeadCount: keys.integer("attention.head_count_kv", default: heads),
            headSize: headSize,
            feedForwardSize: keys.integer("feed_forward_length"),
            contextLength: keys.integer("context_length"),
            normEpsilon: Float(keys.number("attention.layer_norm_rms_epsilon")),
            rope: RoPEConfiguration(
                base: keys.number("rope.freq_base", default: 10_000),
                dimensions: keys.integer("rope.dimension_count", default: headSize),
                pairing: .interleaved,
                scaling: linearRoPEFactor(keys)
            )
        ).validated()
    }

    package static func tensors(gguf configuration: ModelConfiguration) -> TensorTable {
        TensorTable(gguf: configuration)
    }

    private static func linearRoPEFactor(_ keys: ArchitectureKeys) throws(InferenceError) -> RoPEScaling {
        let kind = try keys.string("rope.scaling.type", default: "none")
        switch kind {
        case "none": return .none
        case "linear": return .linear(factor: try keys.number("rope.scaling.factor"))
        default:
            throw InferenceError(.unsupportedModel, "RoPE scaling of the type \"\(kind)\" is not supported. Supported: none, linear.")
        }
    }
}
