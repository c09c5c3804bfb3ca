import Foundation

extension HuggingFaceKeys {
    /// The rotary embedding, in the older spelling (`rope_theta`, `rope_scaling` with `type` or `rope_type`) or the newer
    /// (`rope_parameters`, which may have one object for each type of layer).
    ///
    /// Source: `modeling_rope_utils.py` of `transformers`.
    ///
    /// - Parameters:
    ///   - layerType: Whose parameters are wanted if types of layers have their own.
    ///   - baseKey: The key of the base in the older spelling.
    ///   - usesScaling: Whether the scaling in the older spelling is for these layers.
    func rope(
        headSize: Int,
        layerType: String = "full_attention",
        baseKey: String = "rope_theta",
        usesScaling: Bool = true
    ) throws(InferenceError) -> RoPEConfiguration {
        var parameters = self["rope_parameters"]
        if let own = parameters?[layerType] { parameters = own.isNull ? nil : own }
        if parameters == nil, usesScaling { parameters = self["rope_scaling"] }
        if let parameters, parameters.object == nil {
            throw InferenceError(.invalidModelFile, "config.json: the parameters of RoPE have to be an object. Download the model again.")
        }
        let keys = HuggingFaceKeys(object: parameters ?? .null)
        let base = try keys.number("rope_theta", default: number(baseKey, default: 10_000))
        let share = try keys.number("partial_rotary_factor", default: number("partial_rotary_factor", default: 1))
        guard (0...1).contains(share), (0...1 << 20).contains(headSize) else {
            throw ModelConfiguration.invalid("it rotates \(share) of heads of size \(headSize)")
        }
        return RoPEConfiguration(
            base: base,
            dimensions: Int(Double(headSize) * share),
            pairing: .half,
            scaling: try scaling(keys)
        )
    }

    private func scaling(_ keys: HuggingFaceKeys) throws(InferenceError) -> RoPEScaling {
        let type = try keys.string("rope_type", "type") ?? "default"
        switch type {
        case "default": return .none
        case "linear": return .linear(factor: try keys.number("factor"))
        case "dynamic": return .dynamic(factor: try keys.number("factor"), originalLength: try integer("max_position_embeddings"))
        case "llama3":
            return .llama3(
                Llama3Scaling(
                    factor: try keys.number("factor"),
                    lowFrequencyFactor: try keys.number("low_freq_factor"),
                    highFrequencyFactor: try keys.number("high_freq_factor"),
                    originalLength: try originalLength(keys)
                )
            )
        case "yarn": return try yarn(keys)
        case "longrope", "su": return try longRoPE(keys)
        default:
            throw InferenceError(
                .unsupportedModel,
                "RoPE scaling of the type \(quoted(type)) is not supported. Supported: linear, dynamic, llama3, yarn, longrope."
            )
        }
    }

    private func originalLength(_ keys: HuggingFaceKeys) throws(InferenceError) -> Int {
        if let own = try optionalInteger("original_max_position_embeddings") { return own }
        if let length = try keys.optionalInteger("original_max_position_embeddings") { return length }
        return try integer("max_position_embeddings")
    }

    private func yarn(_ keys: HuggingFaceKeys) throws(InferenceError) -> RoPEScaling {
        let length = try originalLength(keys)
        let factor = try keys.number("factor", default: Double(integer("max_position_embeddings")) / Double(max(1, length)))
        var attention = YaRNScaling.attentionFactor(factor)
        let (own, all) = (try keys.number("mscale", default: 0), try keys.number("mscale_all_dim", default: 0))
        if own != 0, all != 0 {
            attention = YaRNScaling.attentionFactor(factor, magnitude: own) / YaRNScaling.attentionFactor(factor, magnitude: all)
        }
        return .yarn(
            YaRNScaling(
                factor: factor,
                originalLength: length,
                betaFast: try keys.number("beta_fast", default: 32),
                betaSlow: try keys.number("beta_slow", default: 1),
                attentionFactor: try keys.number("attention_factor", default: attention),
                truncates: try keys.bool("truncate", default: true)
            )
        )
    }

    private func longRoPE(_ keys: HuggingFaceKeys) throws(InferenceError) -> RoPEScaling {
        let length = try originalLength(keys)
        let factor = try keys.number("factor", default: Double(integer("max_position_embeddings")) / Double(max(1, length)))
        return .longRoPE(
            LongRoPEScaling(
                shortFactors: try keys.numbers("short_factor"),
                longFactors: try keys.numbers("long_factor"),
                originalLength: length,
                attentionFactor: try keys.number(
                    "attention_factor",
                    default: LongRoPEScaling.attentionFactor(factor, originalLength: length)
                )
            )
        )
    }
}
