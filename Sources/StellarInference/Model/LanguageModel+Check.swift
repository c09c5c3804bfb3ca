extension LanguageModel {
    /// Checks whether `file` would load, without loading weights: architecture, configuration, tokenizer, chat template, tensor table.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile`, `unsupportedModel`, `invalidTemplate`: the reason why it would not.
    package static func check(_ file: GGUFFile) throws(InferenceError) {
        guard let family = try file.metadata.string("general.architecture") else {
            throw InferenceError(.invalidModelFile, "The file does not name its architecture (general.architecture).")
        }
        let architecture = try ModelArchitectures.architecture(ggufName: family)
        let configuration = try architecture.configuration(gguf: file.metadata)
        let tokenizer = try Tokenizer(TokenizerVocabulary(file.metadata))
        if let source = try file.metadata.string("tokenizer.chat_template") {
            _ = try ChatTemplate(source: source, bosToken: tokenizer.bosTokenText, eosToken: tokenizer.eosTokenText)
        }
        let pool = ComputePool(workerCount: 1)
        defer { pool.stop() }
        _ = try WeightLoader(
            file: file,
            table: architecture.tensors(gguf: configuration),
            configuration: configuration,
            precision: .auto,
            pool: pool
        )
    }
}
