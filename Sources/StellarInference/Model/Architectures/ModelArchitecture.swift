/// A family of models: how the keys of a file become a ``ModelConfiguration``, and which tensors belong to it.
///
/// A new family is one file with a conforming type, one line in ``ModelArchitectures/all``, and one test.
package protocol ModelArchitecture: Sendable {
    /// Values of `general.architecture` in GGUF files.
    static var ggufNames: [String] { get }
    /// Values of `model_type` in `config.json` of Hugging Face directories.
    static var huggingFaceTypes: [String] { get }
    /// The value of `general.architecture` under which such models are written; `nil`: GGUF files can't hold them.
    static var ggufName: String? { get }

    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`.
    static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration
    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`.
    static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration

    static func tensors(gguf configuration: ModelConfiguration) -> TensorTable
    static func tensors(huggingFace configuration: ModelConfiguration) -> TensorTable
}

extension ModelArchitecture {
    package static var ggufName: String? { ggufNames.first }

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        throw InferenceError(.unsupportedModel, "Models of this family are read from Hugging Face directories only.")
    }

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        throw InferenceError(.unsupportedModel, "Models of this family are read from GGUF files only.")
    }

    package static func tensors(gguf configuration: ModelConfiguration) -> TensorTable {
        TensorTable(gguf: configuration)
    }

    package static func tensors(huggingFace configuration: ModelConfiguration) -> TensorTable {
        TensorTable(huggingFace: configuration)
    }
}

/// The families that this version runs.
package enum ModelArchitectures {
    package static let all: [any ModelArchitecture.Type] = [
        LlamaArchitecture.self,
        SmolLM3Architecture.self,
        MistralArchitecture.self,
        MixtralArchitecture.self,
        Qwen2Architecture.self,
        Qwen2MoEArchitecture.self,
        Qwen3Architecture.self,
        Qwen3MoEArchitecture.self,
        Phi3Architecture.self,
        Gemma2Architecture.self,
        Gemma3Architecture.self,
        OLMo2Architecture.self,
        GraniteArchitecture.self,
        StellarByteArchitecture.self,
    ]

    /// - Throws: ``InferenceError`` `unsupportedModel` naming the type and those that are supported.
    package static func architecture(huggingFaceType name: String) throws(InferenceError) -> any ModelArchitecture.Type {
        if let match = all.first(where: { $0.huggingFaceTypes.contains(name) }) { return match }
        let supported = all.flatMap { $0.huggingFaceTypes }.sorted().joined(separator: ", ")
        throw InferenceError(
            .unsupportedModel,
            "This version does not run models of the type \"\(name)\" from Hugging Face directories. Supported: \(supported)."
        )
    }

    /// - Throws: ``InferenceError`` `unsupportedModel` naming the architecture and those that are supported.
    package static func architecture(ggufName: String) throws(InferenceError) -> any ModelArchitecture.Type {
        if let match = all.first(where: { $0.ggufNames.contains(ggufName) }) { return match }
        let supported = all.flatMap { $0.ggufNames }.sorted().joined(separator: ", ")
        throw InferenceError(
            .unsupportedModel,
            "This version does not run models of the architecture \"\(ggufName)\". Supported: \(supported)."
        )
    }
}
