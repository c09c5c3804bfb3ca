extension Tokenizer {
    /// The tokenizer of a Hugging Face directory.
    ///
    /// - Parameters:
    ///   - tokenizerJSON: `tokenizer.json`.
    ///   - config: `tokenizer_config.json`, for the roles of special tokens.
    ///   - specialTokensMap: `special_tokens_map.json`, for roles that `config` does not name.
    ///   - extraEOS: further ends of a reply, from `config.json` and `generation_config.json`.
    /// - Throws: ``InferenceError`` `invalidModelFile` if the file contradicts itself; `unsupportedModel` that names what is not supported.
    package convenience init(
        huggingFace tokenizerJSON: JSONNode,
        config: JSONNode? = nil,
        specialTokensMap: JSONNode? = nil,
        extraEOS: [Int] = []
    ) throws(InferenceError) {
        var reader = HuggingFaceTokenizerReader(json: tokenizerJSON, config: config, specialTokensMap: specialTokensMap)
        self.init(try reader.parts(extraEOS: extraEOS))
    }
}

/// Reads `tokenizer.json`.
///
/// Source: the `tokenizers` package; its names of components are this file's.
struct HuggingFaceTokenizerReader {
    let json: JSONNode
    let config: JSONNode?
    let specialTokensMap: JSONNode?
    /// All tokens' texts by id: the model's, then the added ones.
    private var texts = ByteTable()
    private var index = ByteIndex(ByteTable())
    private var addedTokens: [AddedToken] = []

    init(json: JSONNode, config: JSONNode?, specialTokensMap: JSONNode?) {
        self.json = json
        self.config = config
        self.specialTokensMap = specialTokensMap
    }

    static func damaged(_ problem: String) -> InferenceError {
        InferenceError(.invalidModelFile, "tokenizer.json is damaged: \(problem). Download the model again.")
    }

    static func unsupported(_ what: String) -> InferenceError {
        InferenceError(.unsupportedModel, "tokenizer.json uses \(what), which is not supported.")
    }

    mutating func parts(extraEOS: [Int]) throws(InferenceError) -> TokenizerParts {
        guard let model = json["model"], model.object != nil else { throw Self.damaged("it has no model") }
        let kind = model["type"]?.string ?? (model["merges"] == nil ? "without a name" : "BPE")
        guard kind == "BPE" else { throw Self.unsupported("a model of type \(quoted(kind)) (BPE is supported)") }
        let modelTexts = try Self.vocabulary(model)
        let modelIndex = ByteIndex(modelTexts)
        try readAddedTokens(modelTexts)

        let normalizer = TextNormalizer(steps: try Self.normalizer(json["normalizer"]))
        let affixes = (prefix: Self.bytes(model["continuing_subword_prefix"]), suffix: Self.bytes(model["end_of_word_suffix"]))
        var (steps, isByteLevel) = try Self.preTokenizer(json["pre_tokenizer"])
        if isByteLevel, !affixes.prefix.isEmpty || !affixes.suffix.isEmpty {
            steps.append(.alphabet)
            isByteLevel = false
        }
        try Self.checkGrowth(normalizer, PieceSplitter(steps: steps), affixes.prefix.count + affixes.suffix.count)
        var options = BytePairModel.Options(
            symbols: isByteLevel ? .bytes : .characters(prefix: affixes.prefix, suffix: affixes.suffix),
            hasByteFallback: model["byte_fallback"]?.bool ?? false,
            ignoresMerges: model["ignore_merges"]?.bool ?? false,
            fusesUnknown: model["fuse_unk"]?.bool ?? false
        )
        if let unknown = model["unk_token"]?.string {
            guard let id = modelIndex.number(of: Array(unknown.utf8)[...]) else { throw Self.damaged("its unk_token is no token") }
            options.unknownToken = TokenID(id)
        }
        let merges = try Self.merges(model, prefix: affixes.prefix, modelIndex)
        var parts = TokenizerParts(
            vocabularySize: texts.count,
            normalizer: normalizer,
            splitter: PieceSplitter(steps: steps),
            model: BytePairModel(modelTexts, modelIndex, merges, options),
            decoder: try decoder()
        )
        parts.addedTokens = addedTokens
        parts.unknownToken = options.unknownToken
        try setRoles(&parts, extraEOS)
        return parts
    }

    /// Tokenizers of real models make text three or, with compositions, some hundred times as long at most; a file could ask for any length.
    private static func checkGrowth(_ normalizer: TextNormalizer, _ splitter: PieceSplitter, _ affixes: Int) throws(InferenceError) {
        guard normalizer.greatestGrowth * splitter.greatestGrowth * Double(1 + affixes) <= greatestGrowth else {
            throw unsupported("steps that can make text more than \(Int(greatestGrowth)) times as long")
        }
    }

    static let greatestGrowth = 5_000.0

    static func bytes(_ node: JSONNode?) -> [UInt8] { Array((node?.string ?? "").utf8) }

    // MARK: Vocabulary

    private static func vocabulary(_ model: JSONNode) throws(InferenceError) -> ByteTable {
        guard let vocabulary = model["vocab"]?.object else { throw damaged("its model has no vocabulary") }
        // Gaps are possible, but not many: no file makes a table that is much larger than itself.
        let limit = vocabulary.count * 4 + 65536
        var places = [Int32](repeating: -1, count: vocabulary.count)
        for (place, member) in vocabulary.enumerated() {
            guard let id = member.value.integer, id >= 0, id < limit else {
                throw damaged("the id of token \(quoted(member.key)) is out of range")
            }
            if id >= places.count { places += [Int32](repeating: -1, count: id + 1 - places.count) }
            places[id] = Int32(place)
        }
        var table = ByteTable()
        for place in places { table.add { bytes in if place >= 0 { bytes += vocabulary[Int(place)].key.utf8 } } }
        return table
    }

    private static func merges(_ model: JSONNode, prefix: [UInt8], _ index: ByteIndex) throws(InferenceError) -> MergeTable {
        guard let merges = model["merges"]?.array else { throw damaged("its model has no merges") }
        return try BytePairModel.table(count: merges.count, prefix: prefix, index) { rank in
            switch merges[rank] {
            case .string(let text):
                let bytes = Array(text.utf8)
                guard let blank = bytes.dropFirst().firstIndex(of: 0x20) else { return nil }
                return (bytes[..<blank], bytes[(blank + 1)...])
            case .array(let pair):
                guard pair.count == 2, let left = pair[0].string, let right = pair[1].string else { return nil }
                return (Array(left.utf8)[...], Array(right.utf8)[...])
            default: return nil
            }
        }
    }

    private mutating func readAddedTokens(_ modelTexts: ByteTable) throws(InferenceError) {
        var added: [Int: [UInt8]] = [:]
        var highest = modelTexts.count - 1
        let nodes = json["added_tokens"]?.array ?? []
        for node in nodes {
            guard let id = node["id"]?.integer, let content = node["content"]?.string, id >= 0,
                id < modelTexts.count * 4 + nodes.count * 4 + 65536
            else { throw Self.damaged("an added token has no text or an id that is out of range") }
            let isControl = node["special"]?.bool ?? false
            let token = AddedToken(
                id: TokenID(id),
                text: Array(content.utf8),
                isControl: isControl,
                stripsLeft: node["lstrip"]?.bool ?? false,
                stripsRight: node["rstrip"]?.bool ?? false,
                isSingleWord: node["single_word"]?.bool ?? false,
                isNormalized: node["normalized"]?.bool ?? !isControl
            )
            addedTokens.append(token)
            added[id] = token.text
            highest = max(highest, id)
        }
        for id in 0...max(highest, 0) { texts.add { $0 += added[id] ?? Array(modelTexts[id] ?? []) } }
        index = ByteIndex(texts)
    }

    // MARK: Roles

    private func setRoles(_ parts: inout TokenizerParts, _ extraEOS: [Int]) throws(InferenceError) {
        parts.controlTokens = addedTokens.filter(\.isControl).map(\.id)
        (parts.sequencePrefix, parts.sequenceSuffix) = try postProcessor(json["post_processor"])
        for token in parts.sequencePrefix + parts.sequenceSuffix + extraEOS.map({ TokenID(clamping: $0) })
        where !(0..<parts.vocabularySize).contains(Int(token)) {
            throw Self.damaged("token \(token) has a role, but there are \(parts.vocabularySize) tokens")
        }
        parts.bosToken = role("bos_token") ?? parts.sequencePrefix.first
        parts.eosToken = role("eos_token")
        parts.paddingToken = role("pad_token")
        parts.unknownToken = parts.unknownToken ?? role("unk_token")
        parts.addsBeginningOfSequence = parts.bosToken != nil && parts.sequencePrefix.first == parts.bosToken
        if let adds = config?["add_bos_token"]?.bool { parts.addsBeginningOfSequence = adds }
        var ends = Set(extraEOS.map { TokenID(clamping: $0) })
        if let eos = parts.eosToken { ends.insert(eos) }
        for token in addedTokens where token.isControl && TokenizerParts.endTexts.contains(String(decoding: token.text, as: UTF8.self)) {
            ends.insert(token.id)
        }
        parts.endOfGenerationTokens = ends
    }

    private func role(_ name: String) -> TokenID? {
        for file in [config, specialTokensMap] {
            guard let node = file?[name], let text = node.string ?? node["content"]?.string else { continue }
            if let token = addedTokens.first(where: { $0.text.elementsEqual(text.utf8) }) { return token.id }
            if let id = index.number(of: Array(text.utf8)[...]) { return TokenID(id) }
        }
        return nil
    }

    private func postProcessor(_ node: JSONNode?) throws(InferenceError) -> (prefix: [TokenID], suffix: [TokenID]) {
        guard let node, !node.isNull else { return ([], []) }
        switch node["type"]?.string {
        case "ByteLevel": return ([], [])
        case "BertProcessing", "RobertaProcessing":
            guard let first = node["cls"]?.array?.last?.integer, let last = node["sep"]?.array?.last?.integer else {
                throw Self.damaged("its post-processor has no cls and sep")
            }
            return ([TokenID(clamping: first)], [TokenID(clamping: last)])
        case "Sequence":
            var result: (prefix: [TokenID], suffix: [TokenID]) = ([], [])
            for part in node["processors"]?.array ?? [] {
                guard part["type"]?.string != "Sequence" else { throw Self.unsupported("a sequence of post-processors in another") }
                let inner = try postProcessor(part)
                result = (inner.prefix + result.prefix, result.suffix + inner.suffix)
            }
            return result
        case "TemplateProcessing": return try template(node)
        case let kind: throw Self.unsupported("the post-processor \(quoted(kind ?? "without a type"))")
        }
    }

    private func template(_ node: JSONNode) throws(InferenceError) -> (prefix: [TokenID], suffix: [TokenID]) {
        var result: (prefix: [TokenID], suffix: [TokenID]) = ([], [])
        var isBehind = false
        for part in node["single"]?.array ?? [] {
            if part["Sequence"] != nil {
                isBehind = true
            } else if let name = part["SpecialToken"]?["id"]?.string, let ids = node["special_tokens"]?[name]?["ids"]?.array {
                let tokens = ids.compactMap { $0.integer.map { TokenID(clamping: $0) } }
                if isBehind { result.suffix += tokens } else { result.prefix += tokens }
            } else {
                throw Self.damaged("its post-processor names a token that it does not define")
            }
        }
        return result
    }

    // MARK: Decoder

    private func decoder() throws(InferenceError) -> TokenDecoder {
        var builder = HuggingFaceDecoder()
        try builder.add(json["decoder"])
        guard builder.greatestGrowth <= 100 else { throw Self.unsupported("decoders that can make a token more than 100 times as long") }
        let isAdded = Set(addedTokens.map { Int($0.id) })
        return builder.decoder(texts, isAdded: isAdded.contains)
    }
}
