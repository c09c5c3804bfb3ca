/// Text to token ids and back.
///
/// Two kinds of token are found in text as a whole. *Control* tokens (begin, end, roles) only where the caller says that the text is
/// trusted to hold them. *User-defined* tokens (runs of blanks, markup without power) everywhere, as in the reference implementations.
/// All other text becomes tokens by the rules of the vocabulary's flavour.
///
/// Thread contract: immutable; any number of threads may use one tokenizer.
public final class Tokenizer: Sendable {
    /// Number of tokens; ids are 0 ..< this.
    public let vocabularySize: Int
    /// Begins a sequence.
    public let bosToken: TokenID?
    /// Ends a sequence.
    public let eosToken: TokenID?
    public let unknownToken: TokenID?
    public let paddingToken: TokenID?
    /// Whether the model expects plain text (no chat) to begin with `bosToken`.
    public let addsBeginningOfSequence: Bool
    /// Tokens after which a reply is complete: the end of the sequence, of a turn, or of a message.
    public let endOfGenerationTokens: Set<TokenID>

    private let encoder: any TextEncoder
    private let matcher: AddedTokenMatcher
    /// What each token stands for.
    private let tokenBytes: ByteTable
    /// By token id.
    private let isControl: [Bool]

    /// - Throws: ``InferenceError`` `invalidModelFile` if the vocabulary contradicts itself; `unsupportedModel` if its flavour or its
    ///   pre-tokeniser is not known.
    package init(_ vocabulary: TokenizerVocabulary) throws(InferenceError) {
        try vocabulary.validate()
        (encoder, tokenBytes) = try TokenizerFlavour.make(vocabulary)
        matcher = AddedTokenMatcher(vocabulary)
        isControl = vocabulary.tokens.indices.map { vocabulary.kind(of: $0) == .control }
        vocabularySize = vocabulary.tokens.count
        bosToken = vocabulary.bosToken.map { TokenID($0) }
        eosToken = vocabulary.eosToken.map { TokenID($0) }
        unknownToken = vocabulary.unknownToken.map { TokenID($0) }
        paddingToken = vocabulary.paddingToken.map { TokenID($0) }
        addsBeginningOfSequence = vocabulary.addsBeginningOfSequence && vocabulary.bosToken != nil
        endOfGenerationTokens = vocabulary.endOfGenerationTokens
    }

    // MARK: Encoding

    /// The ids of a prompt: control tokens are found in the template's own text, never in the conversation's, not even where a token's
    /// text would begin in one and end in the other. Nothing is added: a template writes its own beginning of sequence.
    public func encode(_ prompt: RenderedPrompt) -> [TokenID] {
        var data = DataRanges(prompt.dataRanges)
        return encode(prompt.text) { data.isOutside($0) }
    }

    /// The ids of `text`; the texts of control tokens count as such only where asked.
    public func encode(_ text: String, parsingSpecialTokens: Bool = false) -> [TokenID] {
        encode(text) { _ in parsingSpecialTokens }
    }

    /// The ids of plain text to be continued: ``bosToken`` in front if the model expects it and it is not there yet.
    public func encodeCompletion(_ text: String, parsingSpecialTokens: Bool = false) -> [TokenID] {
        let tokens = encode(text, parsingSpecialTokens: parsingSpecialTokens)
        guard addsBeginningOfSequence, let bosToken, tokens.first != bosToken else { return tokens }
        return [bosToken] + tokens
    }

    private func encode(_ text: String, allowsControl: (Range<Int>) -> Bool) -> [TokenID] {
        var text = text
        return text.withUTF8 { bytes in
            var tokens: [TokenID] = []
            tokens.reserveCapacity(bytes.count / 3 + 8)
            var start = 0
            while let match = matcher.firstMatch(in: bytes, from: start, allowsControl: allowsControl) {
                encoder.encode(UnsafeBufferPointer(rebasing: bytes[start..<match.range.lowerBound]), into: &tokens)
                tokens.append(match.token)
                start = match.range.upperBound
            }
            encoder.encode(UnsafeBufferPointer(rebasing: bytes[start...]), into: &tokens)
            return tokens
        }
    }

    // MARK: Decoding

    /// The text of `tokens`; bytes that form no code point become U+FFFD. Ids outside the vocabulary are left out.
    public func decode(_ tokens: some Sequence<TokenID>, skippingSpecialTokens: Bool = false) -> String {
        var bytes: [UInt8] = []
        for token in tokens { appendBytes(of: token, to: &bytes, skippingSpecialTokens: skippingSpecialTokens) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What a token stands for: any bytes, not always whole code points. `nil` for an id outside the vocabulary.
    public func bytes(of token: TokenID) -> [UInt8]? {
        tokenBytes[Int(token)].map { Array($0) }
    }

    /// The text of one token; bytes that form no code point become U+FFFD. `nil` for an id outside the vocabulary.
    public func text(of token: TokenID) -> String? {
        tokenBytes[Int(token)].map { String(decoding: $0, as: UTF8.self) }
    }

    func appendBytes(of token: TokenID, to bytes: inout [UInt8], skippingSpecialTokens: Bool) {
        guard let range = tokenBytes.range(Int(token)), !(skippingSpecialTokens && isControl[Int(token)]) else { return }
        bytes += tokenBytes.bytes[range]
    }

    // MARK: Special tokens

    /// Whether the token is a control token, such as the beginning of a turn. `false` for an id outside the vocabulary.
    public func isSpecial(_ token: TokenID) -> Bool {
        isControl.indices.contains(Int(token)) && isControl[Int(token)]
    }

    /// The text of ``bosToken``, for chat templates.
    public var bosTokenText: String? { bosToken.flatMap(text(of:)) }
    /// The text of ``eosToken``, for chat templates.
    public var eosTokenText: String? { eosToken.flatMap(text(of:)) }
}

/// Tells what lies outside of sorted ranges. Questions come in the order of the text, so all of them together cost one pass.
private struct DataRanges {
    private let ranges: [Range<Int>]
    private var current = 0

    init(_ ranges: [Range<Int>]) {
        self.ranges = ranges
    }

    /// Whether `range` has no byte in common with any of the ranges. Its lower bound is not less than in earlier calls.
    mutating func isOutside(_ range: Range<Int>) -> Bool {
        while current < ranges.count, ranges[current].upperBound <= range.lowerBound { current += 1 }
        return current == ranges.count || ranges[current].lowerBound >= range.upperBound
    }
}

extension TokenizerVocabulary {
    /// Control tokens that end a turn or a text in the models that have them, whatever the file says about `eos`.
    private static let endTexts: Set<String> = [
        "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "</s>", "<EOT>",
    ]

    fileprivate var endOfGenerationTokens: Set<TokenID> {
        var ends = Set([eosToken, eotToken, eomToken].compactMap { $0.map { TokenID($0) } })
        for (id, text) in tokens.enumerated() where kind(of: id) == .control && Self.endTexts.contains(text) { ends.insert(TokenID(id)) }
        return ends
    }
}
