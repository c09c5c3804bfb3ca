/// Qwen 3 (arXiv:2505.09388): Llama with a norm of each head's query and key.
package enum Qwen3Architecture: ModelArchitecture {
    package static let ggufNames = ["qwen3"]
    package static let huggingFaceTypes = ["qwen3"]

    package static func configuration(gguf metadata: GGUFMetadata) throws(InferenceError) -> ModelConfiguration {
        let keys = ArchitectureKeys(metadata: metadata, prefix: "qwen3")
        let window = try keys.windows(pattern: 0)
        var configuration = try keys.configuration(pairing: .half) { LayerConfiguration(window: window($0)) }
        configuration.queryKeyNorm = .head
        return try configuration.validated()
    }

    package static func configuration(huggingFace: JSONNode) throws(InferenceError) -> ModelConfiguration {
        let defaults = QwenDefaults.common.merging(["head_dim": .integer(128)]) { $1 }
        let keys = HuggingFaceKeys(object: huggingFace, defaults: defaults)
        let window = try QwenDefaults.windows(keys)
        var configuration = try keys.configuration("qwen3") { LayerConfiguration(window: window($0)) }
        configuration.queryKeyNorm = .head
        return try configuration.validated()
    }
}
