/// OLMo 2 (arXiv:2501.00656): norms after each block instead of before, and of all queries and all keys of a token.
package enum OLMo2Architecture: ModelArchitecture {
    package static let ggufNames = ["olmo2"]
    package static let huggingFaceTypes = ["olmo2"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        var configuration = try ArchitectureKeys(metadata: metadata, prefix: "olmo2").configuration(pairing: .half)
        configuration.normPlacement = .after
        configuration.queryKeyNorm = .token
        return try configuration.validated()
    }

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let keys = HuggingFaceKeys(
            object: huggingFace,
            defaults: ["rms_norm_eps": .number(1e-5), "max_position_embeddings": .integer(2_048)]
        )
        var configuration = try keys.configuration("olmo2")
        configuration.normPlacement = .after
        configuration.queryKeyNorm = .token
        return try configuration.validated()
    }

    package static func tensors(gguf configuration: ModelConfiguration) -> TensorTable {
        TensorTable(gguf: configuration, .init(hasOutputHead: true))
    }
}
