/// Phi-3, Phi-3.5 and Phi-4 mini (Abdin et al. 2024, arXiv:2404.14219): Llama with joined projections, an attention window, partly rotated
/// heads and LongRoPE.
package enum Phi3Architecture: ModelArchitecture {
    package static let ggufNames = ["phi3"]
    package static let huggingFaceTypes = ["phi3"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        let keys = ArchitectureKeys(metadata: metadata, prefix: "phi3")
        let window = try keys.windows(pattern: 0)
        var configuration = try keys.configuration(pairing: .half) { LayerConfiguration(window: window($0)) }
        // llama.cpp's converter names no type of scaling for this family: what says it is the attention factor.
        if configuration.ropes[0].scaling == .none, metadata["phi3.rope.scaling.attn_factor"] != nil {
            configuration.ropes[0].scaling = try keys.longRoPE()
        }
        return try configuration.validated()
    }

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let defaults: [String: JSONNode] = [
            "rms_norm_eps": .number(1e-5), "max_position_embeddings": .integer(4_096),
            "original_max_position_embeddings": .integer(4_096),
        ]
        let keys = HuggingFaceKeys(object: huggingFace, defaults: defaults)
        let window = try keys.optionalInteger("sliding_window")
        return try keys.configuration("phi3") { _ in LayerConfiguration(window: window) }.validated()
    }

    package static func tensors(gguf configuration: ModelConfiguration) -> TensorTable {
        TensorTable(gguf: configuration, .init(joinsProjections: true))
    }
}
