/// The files of a model, opened.
package enum ModelFiles: Sendable {
    case gguf(GGUFFile)
    case huggingFace(HuggingFaceDirectory)

    /// - Throws: ``InferenceError`` `modelNotFound`, `invalidModelFile`, `unsupportedModel`, `outOfMemory`.
    package init(_ location: ModelLocation) throws(InferenceError) {
        switch location.format {
        case .gguf: self = .gguf(try GGUFFile(path: location.path))
        case .huggingFace: self = .huggingFace(try HuggingFaceDirectory(path: location.path))
        }
    }

    /// The weights.
    package var tensors: any TensorSource {
        switch self {
        case .gguf(let file): file
        case .huggingFace(let directory): directory
        }
    }
}
