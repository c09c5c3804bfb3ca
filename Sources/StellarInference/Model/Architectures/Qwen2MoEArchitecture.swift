/// Qwen 1.5 and 2 with a mixture of experts: Qwen 2 whose layers have many small experts and a shared one with a gate of its own.
package enum Qwen2MoEArchitecture: ModelArchitecture {
    package static let ggufNames = ["qwen2moe"]
    package static let huggingFaceTypes = ["qwen2_moe"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        let keys = ArchitectureKeys(metadata: metadata, prefix: "qwen2moe")
        let window = try keys.windows(pattern: 0)
        var configuration = try keys.configuration(pairing: .half) { LayerConfiguration(window: window($0), hasExperts: true) }
        configuration.experts = try keys.experts(normalizesWeights: false)
        configuration.experts?.sharedCount = 1
        configuration.experts?.sharedFeedForwardSize = try keys.integer(
            "expert_shared_feed_forward_length",
            default: configuration.feedForwardSize
        )
        configuration.experts?.hasSharedGate = true
        return try configuration.validated()
    }

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let defaults = QwenDefaults.common.merging(["num_experts_per_tok": .integer(4), "num_experts": .integer(60)]) { $1 }
        let keys = HuggingFaceKeys(object: huggingFace, defaults: defaults)
        let window = try windows(keys)
        let (experts, hasExperts) = try QwenDefaults.experts(keys)
        var configuration = try keys.configuration("qwen2_moe") {
            LayerConfiguration(window: window($0), hasExperts: hasExperts($0))
        }
        configuration.experts = experts
        configuration.experts?.sharedCount = 1
        configuration.experts?.sharedFeedForwardSize = try keys.integer("shared_expert_intermediate_size")
        configuration.experts?.hasSharedGate = true
        configuration.biases.queryKeyValue = try keys.bool("qkv_bias", default: true)
        configuration.biases.attentionOutput = false
        return try configuration.validated()
    }

    /// Every other layer of the first `max_window_layers`, unless there is a list.
    private static func windows(_ keys: HuggingFaceKeys) throws(InferenceError) -> (Int) -> Int? {
        guard try keys.bool("use_sliding_window", default: false) else { return { _ in nil } }
        if let windows = try keys.windows() { return { windows[$0] } }
        let (window, end) = (try keys.optionalInteger("sliding_window"), try keys.integer("max_window_layers"))
        return { $0 % 2 == 0 && $0 < end ? window : nil }
    }

    package static func tensors(gguf configuration: ModelConfiguration) -> TensorTable {
        TensorTable(gguf: configuration, .init(hasOutputHead: true))
    }
}
