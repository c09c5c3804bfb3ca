/// Gemma 2 (arXiv:2408.00118): norms before and after each block, GELU, soft-capped attention and logits, a window in every other layer,
/// embeddings scaled by the root of their length.
package enum Gemma2Architecture: ModelArchitecture {
    package static let ggufNames = ["gemma2"]
    package static let huggingFaceTypes = ["gemma2"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        let keys = ArchitectureKeys(metadata: metadata, prefix: "gemma2")
        let window = try keys.windows(pattern: 2)
        var configuration = try keys.configuration(pairing: .half) { LayerConfiguration(window: window($0)) }
        setGemma(&configuration)
        configuration.attentionSoftCap = try keys.optionalNumber("attn_logit_softcapping") ?? 50
        configuration.logitSoftCap = try keys.optionalNumber("final_logit_softcapping") ?? 30
        // Files do not say by what scores are scaled: it is the head size, in the 27B model (46 layers) the hidden size a head.
        configuration.attentionScale = try keys.optionalNumber("attention.scale") ?? attentionScale(configuration, largestLayers: 46)
        return try configuration.validated()
    }

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let defaults: [String: JSONNode] = [
            "num_key_value_heads": .integer(4), "head_dim": .integer(256), "hidden_activation": .string("gelu_pytorch_tanh"),
            "rms_norm_eps": .number(1e-6), "max_position_embeddings": .integer(8_192), "query_pre_attn_scalar": .integer(256),
            "sliding_window": .integer(4_096), "attn_logit_softcapping": .number(50), "final_logit_softcapping": .number(30),
            "tie_word_embeddings": .bool(true),
        ]
        let keys = HuggingFaceKeys(object: huggingFace, defaults: defaults)
        let (windows, window) = (try keys.windows(), try keys.optionalInteger("sliding_window"))
        var configuration = try keys.configuration("gemma2") { layer in
            LayerConfiguration(window: windows.map { $0[layer] } ?? (layer % 2 == 0 ? window : nil))
        }
        setGemma(&configuration)
        try readGemma(keys, &configuration)
        return try configuration.validated()
    }

    /// What Gemma 2 and 3 have in common.
    static func setGemma(_ configuration: inout ModelConfiguration) {
        configuration.normPlacement = .beforeAndAfter
        configuration.activation = .geluTanh
        configuration.embeddingScale = Float(configuration.hiddenSize).squareRoot()
    }

    /// The members of `config.json` that Gemma 2 and 3 have in common.
    static func readGemma(_ keys: HuggingFaceKeys, _ configuration: inout ModelConfiguration) throws(InferenceError) {
        guard try !keys.bool("use_bidirectional_attention", default: false) else {
            throw InferenceError(.unsupportedModel, "Models whose tokens see those after them (embedding models) are not supported.")
        }
        configuration.tiesOutputHead = try keys.bool("tie_word_embeddings", default: true)
        configuration.normOffset = 1
        configuration.attentionScale = 1 / Float(try keys.number("query_pre_attn_scalar")).squareRoot()
        configuration.attentionSoftCap = try keys.optionalNumber("attn_logit_softcapping").map { Float($0) }
        configuration.logitSoftCap = try keys.optionalNumber("final_logit_softcapping").map { Float($0) }
    }

    static func attentionScale(_ configuration: ModelConfiguration, largestLayers: Int) -> Float {
        let isLargest = configuration.layerCount == largestLayers && configuration.headCount > 0
        return 1 / Float(max(1, isLargest ? configuration.hiddenSize / configuration.headCount : configuration.headSize)).squareRoot()
    }
}
