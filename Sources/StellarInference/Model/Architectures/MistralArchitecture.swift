/// Mistral (Jiang et al. 2023, arXiv:2310.06825): Llama with an attention window. Its GGUF files call themselves `llama`.
package enum MistralArchitecture: ModelArchitecture {
    package static let ggufNames: [String] = []
    package static let ggufName: String? = "llama"
    package static let huggingFaceTypes = ["mistral"]

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let defaults: [String: JSONNode] = [
            "num_key_value_heads": .integer(8), "rms_norm_eps": .number(1e-6), "max_position_embeddings": .integer(131_072),
            "sliding_window": .integer(4_096),
        ]
        let keys = HuggingFaceKeys(object: huggingFace, defaults: defaults)
        let window = try keys.optionalInteger("sliding_window")
        return try keys.configuration("mistral") { _ in LayerConfiguration(window: window) }.validated()
    }
}
