/// What a model's files say about text: how it becomes tokens, how conversations are written, how replies are best sampled.
package struct ModelText: Sendable {
    package let tokenizer: Tokenizer
    /// `nil` if the model has none.
    package let chatTemplate: ChatTemplate?
    package let defaultSampling: SamplingParameters

    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`, `invalidTemplate`, `invalidRequest` (sampling values out of
    ///   range).
    package init(_ file: GGUFFile) throws(InferenceError) {
        let metadata = file.metadata
        tokenizer = try Tokenizer(TokenizerVocabulary(metadata))
        if let source = try metadata.string("tokenizer.chat_template") {
            chatTemplate = try ChatTemplate(source: source, bosToken: tokenizer.bosTokenText, eosToken: tokenizer.eosTokenText)
        } else {
            chatTemplate = nil
        }
        defaultSampling = try Self.defaultSampling(metadata)
    }

    /// - Throws: ``InferenceError`` `invalidModelFile` if there are tokens without an embedding.
    package func check(against configuration: ModelConfiguration) throws(InferenceError) {
        guard tokenizer.vocabularySize <= configuration.vocabularySize else {
            throw ModelConfiguration.invalid(
                "it has \(tokenizer.vocabularySize) tokens but embeddings for \(configuration.vocabularySize)"
            )
        }
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
