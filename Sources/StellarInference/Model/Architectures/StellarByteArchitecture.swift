/// StellarByte, dense or with a mixture of experts in every layer, of which some are shared: Llama's blocks, and a YaRN of its own.
package enum StellarByteArchitecture: ModelArchitecture {
    package static let ggufNames: [String] = []
    package static let huggingFaceTypes = ["stellarbytecasualmodel", "stellarbyte"]

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let keys = HuggingFaceKeys(object: huggingFace, defaults: ["rms_norm_eps": .number(1e-5), "n_shared_experts": .integer(0)])
        let hidden = try keys.integer("hidden_size")
        let heads = try keys.integer("num_attention_heads")
        guard (1...1 << 20).contains(hidden), heads > 0 else {
            throw ModelConfiguration.invalid("its embedding length is \(hidden) and its attention head count \(heads)")
        }
        let inner = try keys.optionalInteger("intermediate_size") ?? hidden * 8 / 3 / 128 * 128
        let hasExperts = try keys.bool("use_moe", default: false)
        let rope = RoPEConfiguration(
            base: try keys.number("rope_theta", default: 1e6),
            dimensions: try keys.optionalInteger("head_dim") ?? hidden / heads,
            pairing: .half,
            scaling: try scaling(keys)
        )
        var configuration = try keys.configuration("stellarbyte", rope: rope, feedForwardSize: inner) { _ in
            LayerConfiguration(hasExperts: hasExperts)
        }
        if hasExperts { configuration.experts = try experts(keys, inner: inner) }
        return try configuration.validated()
    }

    package static func tensors(huggingFace configuration: ModelConfiguration) -> TensorTable {
        TensorTable(huggingFace: configuration, experts: .init(shared: { "shared_experts.\($0)" }))
    }

    private static func experts(_ keys: HuggingFaceKeys, inner: Int) throws(InferenceError) -> ExpertConfiguration {
        let scoring = try keys.string("scoring_func") ?? "softmax"
        guard scoring == "softmax" else {
            throw InferenceError(.unsupportedModel, "A router that scores by \(quoted(scoring)) is not supported. Supported: softmax.")
        }
        let used = try keys.integer("num_experts_per_tok")
        var experts = try ExpertConfiguration(
            count: keys.integer("n_routed_experts"),
            usedCount: used,
            feedForwardSize: inner,
            normalizesWeights: keys.bool("norm_topk_prob", default: true) && used > 1
        )
        experts.sharedCount = try keys.integer("n_shared_experts")
        experts.sharedFeedForwardSize = inner
        return experts
    }

    /// Only models that read further than the original length are scaled.
    private static func scaling(_ keys: HuggingFaceKeys) throws(InferenceError) -> RoPEScaling {
        let parameters = HuggingFaceKeys(object: keys["rope_scaling"] ?? .null)
        let type = try parameters.string("type", "rope_type")
        let isAsked = try keys.bool("inference_rope_scaling", default: false)
        guard type == "yarn" || isAsked else {
            guard let type, type != "default" else { return .none }
            throw InferenceError(.unsupportedModel, "RoPE scaling of the type \(quoted(type)) is not supported. Supported: yarn.")
        }
        let scaling = StellarByteScaling(
            factor: try parameters.number("factor", default: 4),
            originalLength: try parameters.optionalInteger("original_max_position_embeddings") ?? 2_048,
            betaFast: try parameters.number("beta_fast", default: 4),
            betaSlow: try parameters.number("beta_slow", default: 1)
        )
        return try keys.integer("max_position_embeddings") > scaling.originalLength ? .stellarByte(scaling) : .none
    }
}
