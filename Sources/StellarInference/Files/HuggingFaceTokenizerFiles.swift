/// What a Hugging Face directory says about its tokenizer, as read from its files.
package struct HuggingFaceTokenizerFiles: Sendable {
    /// The directory's name, for messages.
    package let name: String
    /// `tokenizer.json`.
    package let tokenizer: JSONNode
    /// `tokenizer_config.json`.
    package let configuration: JSONNode?
    /// `special_tokens_map.json`.
    package let specialTokens: JSONNode?
    /// `added_tokens.json`: ids by text.
    package let addedTokens: JSONNode?
    /// Tokens that end a reply, by `generation_config.json` and `config.json`: one or several.
    package let endTokens: [Int]

    package init(
        name: String,
        tokenizer: JSONNode,
        configuration: JSONNode? = nil,
        specialTokens: JSONNode? = nil,
        addedTokens: JSONNode? = nil,
        endTokens: [Int] = []
    ) {
        self.name = name
        self.tokenizer = tokenizer
        self.configuration = configuration
        self.specialTokens = specialTokens
        self.addedTokens = addedTokens
        self.endTokens = endTokens
    }

    /// `nil` if the directory has no `tokenizer.json`.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile` if one of the files is damaged.
    package init?(_ directory: HuggingFaceDirectory) throws(InferenceError) {
        guard let tokenizer = try directory.json("tokenizer.json") else { return nil }
        self.init(
            name: directory.description,
            tokenizer: tokenizer,
            configuration: try directory.json("tokenizer_config.json"),
            specialTokens: try directory.json("special_tokens_map.json"),
            addedTokens: try directory.json("added_tokens.json"),
            endTokens: try directory.endTokens()
        )
    }

    /// The text of a special token, such as `bos_token`: by `tokenizer_config.json`, else by `special_tokens_map.json`.
    package func specialToken(_ key: String) -> String? {
        for file in [configuration, specialTokens] {
            guard let value = file?[key] else { continue }
            if let text = value.string ?? value["content"]?.string { return text }
        }
        return nil
    }

    /// A switch of `tokenizer_config.json`, such as `add_bos_token`; `nil` where it does not say.
    package func flag(_ key: String) -> Bool? { configuration?[key]?.bool }
}

extension HuggingFaceDirectory {
    /// Ids of the tokens that end a reply: `eos_token_id` of `generation_config.json` and of `config.json`, each a number or a list.
    package func endTokens() throws(InferenceError) -> [Int] {
        var tokens: [Int] = []
        for file in [try json("generation_config.json"), configuration] {
            guard let value = file?["eos_token_id"] else { continue }
            tokens += (value.array ?? [value]).compactMap(\.integer).filter { !tokens.contains($0) }
        }
        return tokens
    }
}
