/// Gemma 3 (arXiv:2503.19786), the text part: Gemma 2 with norms of queries and keys instead of soft-capped scores, a window in five of
/// six layers, and a rotary embedding of its own for these.
package enum Gemma3Architecture: ModelArchitecture {
    package static let ggufNames = ["gemma3"]
    package static let huggingFaceTypes = ["gemma3_text", "gemma3"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        let keys = ArchitectureKeys(metadata: metadata, prefix: "gemma3")
        let window = try keys.windows(pattern: 6)
        var configuration = try keys.configuration(pairing: .half) { layer in
            LayerConfiguration(window: window(layer), rope: window(layer) == nil ? 0 : 1)
        }
        var local = configuration.ropes[0]
        local.base = try keys.number("rope.freq_base_swa", default: 10_000)
        local.scaling = .none
        configuration.ropes.append(local)
        Gemma2Architecture.setGemma(&configuration)
        configuration.queryKeyNorm = .head
        configuration.logitSoftCap = try keys.optionalNumber("final_logit_softcapping")
        configuration.attentionScale =
            try keys.optionalNumber("attention.scale") ?? Gemma2Architecture.attentionScale(configuration, largestLayers: 62)
        return try configuration.validated()
    }

    /// Models that also see pictures have the text part's configuration in `text_config`, which leaves out what is as usual.
    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let defaults: [String: JSONNode] = [
            "vocab_size": .integer(262_208), "num_attention_heads": .integer(8), "num_key_value_heads": .integer(4),
            "head_dim": .integer(256), "hidden_activation": .string("gelu_pytorch_tanh"), "rms_norm_eps": .number(1e-6),
            "max_position_embeddings": .integer(131_072), "query_pre_attn_scalar": .integer(256), "sliding_window": .integer(4_096),
            "rope_theta": .number(1e6), "rope_local_base_freq": .number(1e4), "sliding_window_pattern": .integer(6),
            "tie_word_embeddings": .bool(true),
        ]
        let keys = HuggingFaceKeys(object: huggingFace["text_config"] ?? huggingFace, defaults: defaults)
        let (windows, window) = (try keys.windows(), try keys.optionalInteger("sliding_window"))
        let pattern = try keys.integer("sliding_window_pattern")
        guard pattern > 0 else { throw ModelConfiguration.invalid("config.json: \"sliding_window_pattern\" is \(pattern)") }
        let headSize = try keys.integer("head_dim")
        let rope = try keys.rope(headSize: headSize)
        var configuration = try keys.configuration("gemma3", rope: rope) { layer in
            let own = windows.map { $0[layer] } ?? ((layer + 1) % pattern == 0 ? nil : window)
            return LayerConfiguration(window: own, rope: own == nil ? 0 : 1)
        }
        configuration.ropes.append(
            try keys.rope(headSize: headSize, layerType: "sliding_attention", baseKey: "rope_local_base_freq", usesScaling: false)
        )
        Gemma2Architecture.setGemma(&configuration)
        try Gemma2Architecture.readGemma(keys, &configuration)
        configuration.queryKeyNorm = .head
        return try configuration.validated()
    }

    package static func tensors(huggingFace configuration: ModelConfiguration) -> TensorTable {
        var table = TensorTable(huggingFace: configuration)
        table.ignoredPrefixes = ["vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."]
        return table
    }
}
