/// The metadata of one architecture in a GGUF file: keys with the architecture's prefix.
struct ArchitectureKeys {
    let metadata: GGUFMetadata
    let prefix: String

    func integer(_ key: String) throws(InferenceError) -> Int {
        guard let value = try metadata.integer("\(prefix).\(key)") else { throw missing(key) }
        return value
    }

    func integer(_ key: String, default fallback: Int) throws(InferenceError) -> Int {
        try metadata.integer("\(prefix).\(key)") ?? fallback
    }

    func number(_ key: String) throws(InferenceError) -> Double {
        guard let value = try metadata.float("\(prefix).\(key)") else { throw missing(key) }
        return value
    }

    func number(_ key: String, default fallback: Double) throws(InferenceError) -> Double {
        try metadata.float("\(prefix).\(key)") ?? fallback
    }

    func string(_ key: String, default fallback: String) throws(InferenceError) -> String {
        try metadata.string("\(prefix).\(key)") ?? fallback
    }

    /// The number of tokens: the architecture's own key, else the length of the token list.
    func vocabularySize() throws(InferenceError) -> Int {
        if let size = try metadata.integer("\(prefix).vocab_size") { return size }
        guard case .array(let tokens) = metadata["tokenizer.ggml.tokens"] else { throw missing("vocab_size") }
        return tokens.count
    }

    private func missing(_ key: String) -> InferenceError {
        InferenceError(.invalidModelFile, "The model file lacks the key \"\(prefix).\(key)\". Fetch or convert it again.")
    }
}
