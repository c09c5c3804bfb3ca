/// What a model's files say about text: how it becomes tokens, how conversations are written, how replies are best sampled.
package struct ModelText: Sendable {
    package let tokenizer: Tokenizer
    /// `nil` if the model has none.
    package let chatTemplate: ChatTemplate?
    package let defaultSampling: SamplingParameters

    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`, `invalidTemplate`, `invalidRequest` (sampling values out of
    ///   range).
    package init(_ files: ModelFiles) throws(InferenceError) {
        tokenizer = try Tokenizer(files)
        chatTemplate = try Self.chatTemplate(files.chatTemplates(), tokenizer)
        defaultSampling = try files.defaultSampling()
        try defaultSampling.validate()
    }

    /// - Throws: ``InferenceError`` `invalidModelFile` if there are tokens without an embedding.
    package func check(against configuration: ModelConfiguration) throws(InferenceError) {
        guard tokenizer.vocabularySize <= configuration.vocabularySize else {
            throw ModelConfiguration.invalid(
                "it has \(tokenizer.vocabularySize) tokens but embeddings for \(configuration.vocabularySize)"
            )
        }
    }

    private static func chatTemplate(_ sources: ChatTemplateSources, _ tokenizer: Tokenizer) throws(InferenceError) -> ChatTemplate? {
        guard let source = sources.standard ?? sources.toolUse else { return nil }
        return try ChatTemplate(
            source: source,
            toolUseSource: sources.toolUse,
            bosToken: tokenizer.bosTokenText,
            eosToken: tokenizer.eosTokenText
        )
    }
}

extension Tokenizer {
    /// The tokenizer of a model; no weights are read.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile`; `unsupportedModel` if there is none, or one that this version does not have.
    package convenience init(_ files: ModelFiles) throws(InferenceError) {
        switch files {
        case .gguf(let file): try self.init(TokenizerVocabulary(file.metadata))
        case .huggingFace(let directory):
            guard let files = try HuggingFaceTokenizerFiles(directory) else {
                throw InferenceError(
                    .unsupportedModel,
                    "\(directory.description) has no tokenizer.json, without which text can't become tokens. Download it, or convert the tokenizer "
                        + "to this form."
                )
            }
            try self.init(
                huggingFace: files.tokenizer,
                config: files.configuration,
                specialTokensMap: files.specialTokens,
                extraEOS: files.endTokens
            )
        }
    }
}

extension ModelFiles {
    /// - Throws: ``InferenceError`` `invalidModelFile`.
    package func chatTemplates() throws(InferenceError) -> ChatTemplateSources {
        switch self {
        case .gguf(let file): try file.chatTemplates()
        case .huggingFace(let directory): try directory.chatTemplates()
        }
    }

    /// What the files recommend; for the rest, the values that llama.cpp uses: better replies from small models than the bare distribution.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile`.
    func defaultSampling() throws(InferenceError) -> SamplingParameters {
        var parameters = SamplingParameters(temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05)
        switch self {
        case .gguf(let file): try parameters.take(file.metadata)
        case .huggingFace(let directory):
            if let recommended = try directory.json("generation_config.json") { try parameters.take(recommended, directory.description) }
        }
        return parameters
    }
}

extension SamplingParameters {
    fileprivate mutating func take(_ metadata: GGUFMetadata) throws(InferenceError) {
        temperature = try metadata.float("general.sampling.temp").map { Float($0) } ?? temperature
        topK = try metadata.integer("general.sampling.top_k") ?? topK
        topP = try metadata.float("general.sampling.top_p").map { Float($0) } ?? topP
        minP = try metadata.float("general.sampling.min_p").map { Float($0) } ?? minP
        repetitionPenalty = try metadata.float("general.sampling.penalty_repeat").map { Float($0) } ?? repetitionPenalty
    }

    /// - Parameter recommended: `generation_config.json`.
    fileprivate mutating func take(_ recommended: JSONNode, _ name: String) throws(InferenceError) {
        func number(_ key: String) throws(InferenceError) -> Double? {
            guard let value = recommended[key], value != .null else { return nil }
            guard let number = value.double else {
                throw InferenceError(.invalidModelFile, "\(name)/generation_config.json: \(quoted(key)) is no number.")
            }
            return number
        }
        temperature = try number("temperature").map { Float($0) } ?? temperature
        topK = try number("top_k").flatMap { Int(exactly: $0) } ?? topK
        topP = try number("top_p").map { Float($0) } ?? topP
        minP = try number("min_p").map { Float($0) } ?? minP
        repetitionPenalty = try number("repetition_penalty").map { Float($0) } ?? repetitionPenalty
        if recommended["do_sample"]?.bool == false { temperature = 0 }
    }
}
