/// The network of a model but its weights, checked: where the shapes and the tensors are right, it will load, memory permitting.
package struct ModelBlueprint: Sendable {
    let source: any TensorSource
    package let configuration: ModelConfiguration
    let tensors: [TensorRole: StoredTensor]

    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`: the reason why the model can't be run.
    package init(_ file: GGUFFile) throws(InferenceError) {
        guard let family = try file.metadata.string("general.architecture") else {
            throw InferenceError(.invalidModelFile, "\(file.description) does not name its architecture. Fetch or convert it again.")
        }
        let architecture = try ModelArchitectures.architecture(ggufName: family)
        source = file
        configuration = try architecture.configuration(gguf: file.metadata)
        tensors = try architecture.tensors(gguf: configuration).match(file)
    }
}
