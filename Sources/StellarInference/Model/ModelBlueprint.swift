/// The network of a model but its weights, checked: where the shapes and the tensors are right, it will load, memory permitting.
package struct ModelBlueprint: Sendable {
    let source: any TensorSource
    package let configuration: ModelConfiguration
    let tensors: [TensorRole: StoredTensor]

    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`: the reason why the model can't be run.
    package init(_ files: ModelFiles) throws(InferenceError) {
        switch files {
        case .gguf(let file): try self.init(file)
        case .huggingFace(let directory): try self.init(directory)
        }
    }

    private init(_ file: GGUFFile) throws(InferenceError) {
        guard let family = try file.metadata.string("general.architecture") else {
            throw InferenceError(.invalidModelFile, "\(file.description) does not name its architecture. Fetch or convert it again.")
        }
        let architecture = try ModelArchitectures.architecture(ggufName: family)
        source = file
        configuration = try architecture.configuration(gguf: file.metadata)
        tensors = try architecture.tensors(gguf: configuration).match(file)
    }

    private init(_ directory: HuggingFaceDirectory) throws(InferenceError) {
        guard let family = directory.configuration["model_type"]?.string else {
            throw InferenceError(.invalidModelFile, "\(directory.description)/config.json does not name its model_type. Download it again.")
        }
        try Self.checkStorage(directory)
        let architecture = try ModelArchitectures.architecture(huggingFaceType: family)
        source = directory
        configuration = try architecture.configuration(huggingFace: directory.configuration)
        tensors = try architecture.tensors(huggingFace: configuration).match(directory)
    }

    /// Refuses weights in forms that are no plain numbers.
    private static func checkStorage(_ directory: HuggingFaceDirectory) throws(InferenceError) {
        let remedy = "Use the original weights (BF16, F16 or F32), or a quantised GGUF file of the model."
        if let quantization = directory.configuration["quantization_config"], quantization != .null {
            let method = quantization["quant_method"]?.string ?? "a method it does not name"
            throw InferenceError(.unsupportedModel, "\(directory.description) is quantised by \(method), which is not supported. \(remedy)")
        }
        if let (name, type) = directory.unreadableTensors.min(by: { $0.key < $1.key }) {
            throw InferenceError(
                .unsupportedModel,
                "\(directory.description): the tensor \(quoted(name)) is stored as \(type), which is not supported. \(remedy)"
            )
        }
    }
}
