/// Qwen 2 and 2.5 (arXiv:2407.10671, arXiv:2412.15115): Llama with biases of queries, keys and values.
package enum Qwen2Architecture: ModelArchitecture {
    package static let ggufNames = ["qwen2"]
    package static let huggingFaceTypes = ["qwen2"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        let keys = ArchitectureKeys(metadata: metadata, prefix: "qwen2")
        let window = try keys.windows(pattern: 0)
        return try keys.configuration(pairing: .half) { LayerConfiguration(window: window($0)) }.validated()
    }

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let keys = HuggingFaceKeys(object: huggingFace, defaults: QwenDefaults.common)
        let window = try QwenDefaults.windows(keys)
        var configuration = try keys.configuration("qwen2") { LayerConfiguration(window: window($0)) }
        configuration.biases.queryKeyValue = true
        configuration.biases.attentionOutput = false
        return try configuration.validated()
    }
}

/// What the dense Qwen families have in common.
enum QwenDefaults {
    static let common: [String: JSONNode] = [
        "rms_norm_eps": .number(1e-6), "max_position_embeddings": .integer(32_768), "sliding_window": .integer(4_096),
        "max_window_layers": .integer(28),
    ]

    /// Windows of the layers from `max_window_layers` on, if there are any.
    static func windows(_ keys: HuggingFaceKeys) throws(InferenceError) -> (Int) -> Int? {
        guard try keys.bool("use_sliding_window", default: false) else { return { _ in nil } }
        if let windows = try keys.windows() { return { windows[$0] } }
        let (window, first) = (try keys.optionalInteger("sliding_window"), try keys.integer("max_window_layers"))
        return { $0 >= first ? window : nil }
    }

    /// The experts that `num_experts`, `decoder_sparse_step` and `mlp_only_layers` describe, and which layers have them.
    static func experts(_ keys: HuggingFaceKeys) throws(InferenceError) -> (ExpertConfiguration, (Int) -> Bool) {
        let experts = try ExpertConfiguration(
            count: keys.integer(keys.object["num_local_experts"] == nil ? "num_experts" : "num_local_experts"),
            usedCount: keys.integer("num_experts_per_tok"),
            feedForwardSize: keys.integer("moe_intermediate_size"),
            normalizesWeights: keys.bool("norm_topk_prob", default: false)
        )
        let step = try keys.optionalInteger("decoder_sparse_step") ?? 1
        let dense = Set(try keys.optionalIntegers("mlp_only_layers") ?? [])
        guard step > 0 else { throw ModelConfiguration.invalid("config.json: \"decoder_sparse_step\" is \(step)") }
        return (experts, { !dense.contains($0) && ($0 + 1) % step == 0 })
    }
}
