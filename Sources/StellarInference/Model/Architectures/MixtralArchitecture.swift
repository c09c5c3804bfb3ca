/// Mixtral (Jiang et al. 2024, arXiv:2401.04088): Mistral with a mixture of experts in every layer. Its GGUF files call themselves `llama`.
package enum MixtralArchitecture: ModelArchitecture {
    package static let ggufNames: [String] = []
    package static let ggufName: String? = "llama"
    package static let huggingFaceTypes = ["mixtral"]

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let defaults: [String: JSONNode] = [
            "num_key_value_heads": .integer(8), "rms_norm_eps": .number(1e-5), "max_position_embeddings": .integer(131_072),
            "rope_theta": .number(1e6), "num_local_experts": .integer(8), "num_experts_per_tok": .integer(2),
        ]
        let keys = HuggingFaceKeys(object: huggingFace, defaults: defaults)
        let window = try keys.optionalInteger("sliding_window")
        var configuration = try keys.configuration("mixtral") { _ in LayerConfiguration(window: window, hasExperts: true) }
        configuration.experts = try ExpertConfiguration(
            count: keys.integer("num_local_experts"),
            usedCount: keys.integer("num_experts_per_tok"),
            feedForwardSize: configuration.feedForwardSize,
            normalizesWeights: true
        )
        return try configuration.validated()
    }

    package static func tensors(huggingFace configuration: ModelConfiguration) -> TensorTable {
        TensorTable(huggingFace: configuration, experts: .init(block: "block_sparse_moe.", gate: "w1", up: "w3", down: "w2"))
    }
}
