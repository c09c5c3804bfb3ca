/// SmolLM3: Llama whose every fourth layer has no position embedding ("NoPE", Kazemnejad et al. 2023, arXiv:2305.19466).
///
/// GGUF files hold the rows of Q and K in the order of interleaved RoPE, and do not say which layers have none.
package enum SmolLM3Architecture: ModelArchitecture {
    package static let ggufNames = ["smollm3"]
    package static let huggingFaceTypes = ["smollm3"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        let keys = ArchitectureKeys(metadata: metadata, prefix: "smollm3")
        return try keys.configuration(pairing: .interleaved) { LayerConfiguration(rope: ($0 + 1) % 4 == 0 ? nil : 0) }.validated()
    }

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let defaults: [String: JSONNode] = [
            "num_key_value_heads": .integer(4), "rms_norm_eps": .number(1e-6), "max_position_embeddings": .integer(32_768),
            "rope_theta": .number(2e6), "no_rope_layer_interval": .integer(4), "tie_word_embeddings": .bool(true),
        ]
        let keys = HuggingFaceKeys(object: huggingFace, defaults: defaults)
        let count = try keys.integer("num_hidden_layers")
        let interval = try keys.integer("no_rope_layer_interval")
        let list = try keys.optionalIntegers("no_rope_layers")
        guard interval > 0, list.map({ $0.count >= count }) ?? true else {
            throw ModelConfiguration.invalid("config.json does not say for each of its \(count) layers whether it has RoPE")
        }
        /// Whether a layer rotates queries and keys: 1 in the list, in spite of its name.
        func rotates(_ layer: Int) -> Bool { list.map { $0[layer] != 0 } ?? ((layer + 1) % interval != 0) }
        let window = try keys.bool("use_sliding_window", default: false) ? keys.optionalInteger("sliding_window") : nil
        let windows = try keys.windows()
        return try keys.configuration("smollm3") { layer in
            LayerConfiguration(
                window: windows.map { $0[layer] } ?? (rotates(layer) ? nil : window),
                rope: rotates(layer) ? 0 : nil
            )
        }.validated()
    }
}
