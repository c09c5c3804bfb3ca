/// Granite 3 (IBM): Llama with factors of embeddings, scores, residuals and logits.
///
/// GGUF files hold the rows of Q and K in the order of interleaved RoPE.
package enum GraniteArchitecture: ModelArchitecture {
    package static let ggufNames = ["granite"]
    package static let huggingFaceTypes = ["granite"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        let keys = ArchitectureKeys(metadata: metadata, prefix: "granite")
        var configuration = try keys.configuration(pairing: .interleaved)
        configuration.embeddingScale = try keys.optionalNumber("embedding_scale") ?? 1
        configuration.residualScale = try keys.optionalNumber("residual_scale") ?? 1
        configuration.attentionScale = try keys.optionalNumber("attention.scale") ?? configuration.attentionScale
        configuration.logitScale = 1 / (try keys.optionalNumber("logit_scale") ?? 1)
        return try configuration.validated()
    }

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let keys = HuggingFaceKeys(
            object: huggingFace,
            defaults: ["rms_norm_eps": .number(1e-6), "max_position_embeddings": .integer(2_048)]
        )
        var configuration = try keys.configuration("granite")
        configuration.embeddingScale = Float(try keys.number("embedding_multiplier", default: 1))
        configuration.residualScale = Float(try keys.number("residual_multiplier", default: 1))
        configuration.attentionScale = Float(try keys.number("attention_multiplier", default: 1))
        configuration.logitScale = Float(1 / (try keys.number("logits_scaling", default: 1)))
        return try configuration.validated()
    }
}
