/// Everything about a model file but its weights, checked: a file that has one will load, memory permitting.
package struct ModelBlueprint: Sendable {
    let file: GGUFFile
    let configuration: ModelConfiguration
    let tokenizer: Tokenizer
    /// `nil` if the file has none.
    let chatTemplate: ChatTemplate?
    let defaultSampling: SamplingParameters
    let tensors: [TensorRole: GGUFTensor]

    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`, `invalidTemplate`, `invalidRequest` (sampling values out of
    ///   range): the reason why the file can't be run.
    package init(_ file: GGUFFile) throws(InferenceError) {
        let metadata = file.metadata
        guard let family = try metadata.string("general.architecture") else {
            throw InferenceError(.invalidModelFile, "\(file.file.name) does not name its architecture. Fetch or convert it again.")
        }
        let architecture = try ModelArchitectures.architecture(ggufName: family)
        let configuration = try architecture.configuration(gguf: metadata)
        let tokenizer = try Tokenizer(TokenizerVocabulary(metadata))
        guard tokenizer.vocabularySize <= configuration.vocabularySize else {
            throw ModelConfiguration.invalid(
                "it has \(tokenizer.vocabularySize) tokens but embeddings for \(configuration.vocabularySize)"
            )
        }
        self.file = file
        self.configuration = configuration
        self.tokenizer = tokenizer
        chatTemplate = try Self.chatTemplate(metadata, tokenizer)
        defaultSampling = try Self.defaultSampling(metadata)
        tensors = try architecture.tensors(gguf: configuration).match(file)
    }

    private static func chatTemplate(_ metadata: GGUFMetadata, _ tokenizer: Tokenizer) throws(InferenceError) -> ChatTemplate? {
        guard let source = try metadata.string("tokenizer.chat_template") else { return nil }
        return try ChatTemplate(source: source, bosToken: tokenizer.bosTokenText, eosToken: tokenizer.eosTokenText)
    }

    /// The values that llama.cpp uses where a file recommends none: better replies from small models than the bare distribution.
    private static func defaultSampling(_ metadata: GGUFMetadata) throws(InferenceError) -> SamplingParameters {
        let parameters = try SamplingParameters(
            temperature: Float(metadata.float("general.sampling.temp") ?? 0.8),
            topK: metadata.integer("general.sampling.top_k") ?? 40,
            topP: Float(metadata.float("general.sampling.top_p") ?? 0.95),
            minP: Float(metadata.float("general.sampling.min_p") ?? 0.05)
        )
        try parameters.validate()
        return parameters
    }
}
