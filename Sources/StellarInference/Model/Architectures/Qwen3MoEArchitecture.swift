/// Qwen 3 with a mixture of experts: no shared ones.
package enum Qwen3MoEArchitecture: ModelArchitecture {
    package static let ggufNames = ["qwen3moe"]
    package static let huggingFaceTypes = ["qwen3_moe"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        let keys = ArchitectureKeys(metadata: metadata, prefix: "qwen3moe")
        let window = try keys.windows(pattern: 0)
        var configuration = try keys.configuration(pairing: .half) { LayerConfiguration(window: window($0), hasExperts: true) }
        configuration.queryKeyNorm = .head
        configuration.experts = try keys.experts(normalizesWeights: true)
        return try configuration.validated()
    }

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let defaults: [String: JSONNode] = [
            "num_key_value_heads": .integer(4), "num_experts_per_tok": .integer(8), "num_experts": .integer(128),
            "moe_intermediate_size": .integer(768),
        ]
        let keys = HuggingFaceKeys(object: huggingFace, defaults: QwenDefaults.common.merging(defaults) { $1 })
        let window = try keys.bool("use_sliding_window", default: false) ? keys.optionalInteger("sliding_window") : nil
        let (experts, hasExperts) = try QwenDefaults.experts(keys)
        var configuration = try keys.configuration("qwen3_moe") {
            LayerConfiguration(window: window, hasExperts: hasExperts($0))
        }
        configuration.queryKeyNorm = .head
        configuration.experts = experts
        return try configuration.validated()
    }
}
