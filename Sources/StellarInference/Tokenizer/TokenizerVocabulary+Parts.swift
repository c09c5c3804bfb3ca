extension Tokenizer {
    /// The tokenizer of a GGUF file.
    ///
    /// - Throws: ``InferenceError`` `invalidModelFile` if the vocabulary contradicts itself; `unsupportedModel` if its flavour or its
    ///   pre-tokeniser is not known.
    package convenience init(_ vocabulary: TokenizerVocabulary) throws(InferenceError) {
        try vocabulary.validate()
        self.init(try vocabulary.parts())
    }
}

extension TokenizerVocabulary {
    fileprivate func parts() throws(InferenceError) -> TokenizerParts {
        var texts = ByteTable()
        for token in tokens { texts.add { $0 += token.utf8 } }
        let index = ByteIndex(texts)
        var parts: TokenizerParts
        switch model {
        case "gpt2": parts = try byteLevelParts(texts, index)
        case "llama": parts = try scoredParts(texts, index)
        default:
            throw InferenceError(
                .unsupportedModel,
                "The model's tokenizer is of type \(quoted(model)), which is not supported; "
                    + "gpt2 (byte-level BPE) and llama (SentencePiece BPE) are."
            )
        }
        parts.controlTokens = tokens.indices.filter { kind(of: $0) == .control }.map { TokenID($0) }
        parts.bosToken = bosToken.map { TokenID($0) }
        parts.eosToken = eosToken.map { TokenID($0) }
        parts.unknownToken = unknownToken.map { TokenID($0) }
        parts.paddingToken = paddingToken.map { TokenID($0) }
        if parts.addsBeginningOfSequence, let bos = parts.bosToken { parts.sequencePrefix = [bos] }
        if addsEndOfSequence, let eos = parts.eosToken { parts.sequenceSuffix = [eos] }
        var ends = Set([eosToken, eotToken, eomToken].compactMap { $0.map { TokenID($0) } })
        for token in parts.controlTokens where TokenizerParts.endTexts.contains(tokens[Int(token)]) { ends.insert(token) }
        parts.endOfGenerationTokens = ends
        return parts
    }

    /// Byte-level BPE: normal tokens are written in ``ByteLevelAlphabet``, all others as they are.
    private func byteLevelParts(_ texts: ByteTable, _ index: ByteIndex) throws(InferenceError) -> TokenizerParts {
        let named = try GGUFPreTokenizer(preTokenizer)
        let table = try BytePairModel.table(count: merges.count, index) { rank in
            let text = Array(merges[rank].utf8)
            guard let blank = text.dropFirst().firstIndex(of: 0x20) else { return nil }
            return (text[..<blank], text[(blank + 1)...])
        }
        let options = BytePairModel.Options(symbols: .bytes, ignoresMerges: named.takesWholePieces)
        var decoder = TokenDecoder()
        for token in 0..<texts.count {
            let text = texts[token] ?? []
            decoder.bytes.add { bytes in
                if kind(of: token).isAdded || !ByteLevelAlphabet.appendBytes(of: text, to: &bytes) { bytes += text }
            }
        }
        var parts = TokenizerParts(
            vocabularySize: tokens.count,
            splitter: named.splitter,
            model: BytePairModel(texts, index, table, options),
            decoder: decoder
        )
        parts.addedTokens = addedTokens { Array(tokens[$0].utf8) }
        parts.addsBeginningOfSequence = addsBeginningOfSequence ?? named.addsBeginning
        return parts
    }

    private static let blankMark: [UInt8] = [0xE2, 0x96, 0x81]

    /// SentencePiece's BPE by score, blanks written as `▁`.
    private func scoredParts(_ texts: ByteTable, _ index: ByteIndex) throws(InferenceError) -> TokenizerParts {
        guard scores.count == tokens.count else { throw Self.damaged("it has \(tokens.count) tokens, but \(scores.count) scores") }
        guard !scores.contains(where: \.isNaN) else { throw Self.damaged("a score is not a number") }
        let table = try BytePairModel.table(scores: scores, texts, index) { kind(of: $0) == .normal || kind(of: $0) == .unused }
        let unknown = unknownToken ?? tokens.indices.first { kind(of: $0) == .unknown }
        let options = BytePairModel.Options(
            symbols: .characters(prefix: [], suffix: []),
            hasByteFallback: true,
            unknownToken: unknown.map { TokenID($0) },
            fusesUnknown: true
        )
        var decoder = TokenDecoder(repair: .perByte, leadingBlanks: addsSpacePrefix ? 1 : 0)
        for token in 0..<texts.count {
            decoder.bytes.add { bytes in
                if kind(of: token) == .byte, let byte = ByteFallback.byte(tokens[token]) {
                    bytes.append(byte)
                } else {
                    bytes += TextPattern.literal(Self.blankMark).replacing(in: Array(texts[token] ?? []), with: [0x20])
                }
            }
        }
        let blanks = TextNormalizer.Step.replace(.literal([0x20]), with: Self.blankMark)
        var parts = TokenizerParts(
            vocabularySize: tokens.count,
            normalizer: TextNormalizer(steps: (addsSpacePrefix ? [.prepend(Self.blankMark)] : []) + [blanks]),
            model: BytePairModel(texts, index, table, options),
            decoder: decoder
        )
        parts.addedTextIsNormalized = true
        parts.addedTokens = addedTokens { TextPattern.literal([0x20]).replacing(in: Array(tokens[$0].utf8), with: Self.blankMark) }
            .map { token in
                var token = token
                // Control tokens stand in the template as they are; the others are part of the text.
                token.isNormalized = !token.isControl
                if token.isControl { token.text = Array(tokens[Int(token.id)].utf8) }
                return token
            }
        parts.addsBeginningOfSequence = addsBeginningOfSequence ?? true
        return parts
    }

    private func addedTokens(_ text: (Int) -> [UInt8]) -> [AddedToken] {
        tokens.indices.filter { kind(of: $0).isAdded }
            .map { AddedToken(id: TokenID($0), text: text($0), isControl: kind(of: $0) == .control) }
    }
}

/// Tokens that stand for one byte: `<0x0A>`.
enum ByteFallback {
    static func byte(_ text: String) -> UInt8? {
        let bytes = Array(text.utf8)
        guard bytes.count == 6, bytes.starts(with: "<0x".utf8), bytes[5] == UInt8(ascii: ">") else { return nil }
        return UInt8(String(decoding: bytes[3..<5], as: UTF8.self), radix: 16)
    }
}
