/// Llama and what is built like it (SmolLM, SmolLM2, TinyLlama, Mistral, Mixtral …): pre-norm blocks of grouped-query attention with RoPE
/// and a SwiGLU feed-forward network or a mixture of such, RMS norms; output head of its own or tied to the embedding.
///
/// Key names: the GGUF specification, "Standardized key-value pairs". GGUF files hold the rows of Q and K in the order of interleaved RoPE.
package enum LlamaArchitecture: ModelArchitecture {
    package static let ggufNames = ["llama"]
    package static let huggingFaceTypes = ["llama"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        let keys = ArchitectureKeys(metadata: metadata, prefix: "llama")
        let experts = try keys.experts(normalizesWeights: true)
        let window = try keys.windows(pattern: 0)
        var configuration = try keys.configuration(pairing: .interleaved) {
            LayerConfiguration(window: window($0), hasExperts: experts != nil)
        }
        configuration.experts = experts
        return try configuration.validated()
    }

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let keys = HuggingFaceKeys(
            object: huggingFace,
            defaults: ["rms_norm_eps": .number(1e-6), "max_position_embeddings": .integer(2_048)]
        )
        return try keys.configuration("llama").validated()
    }
}
