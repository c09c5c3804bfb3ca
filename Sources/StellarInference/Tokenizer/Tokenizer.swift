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

    /// What goes around a text that is encoded by itself, as the tokenizer's post-processor says.
    package let sequencePrefix: [TokenID]
    package let sequenceSuffix: [TokenID]

    let decoder: TokenDecoder
    private let normalizer: TextNormalizer
    private let splitter: PieceSplitter
    private let model: BytePairModel
    /// Tokens found in text as it is, and in normalised text.
    private let rawMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher
    /// Control tokens of normalised text as they are written in a template: found where a text is in part a conversation's.
    private let templateMatcher: AddedTokenMatcher
    /// By token id.
    private let isControl: [Bool]

    init(_ parts: TokenizerParts) {
        decoder = parts.decoder
        normalizer = parts.normalizer
        splitter = parts.splitter
        model = parts.model
        let isPlain = parts.normalizer.steps.isEmpty
        let normalized = isPlain ? [] : parts.addedTokens.filter(\.isNormalized)
        let raw = parts.addedTokens.filter { isPlain || !$0.isNormalized }
        rawMatcher = AddedTokenMatcher(raw)
        normalizedMatcher = AddedTokenMatcher(
            normalized.map { token in
                var token = token
                if !parts.addedTextIsNormalized { token.text = parts.normalizer.normalized(token.text) }
                return token
            }
        )
        templateMatcher = normalized.contains(where: \.isControl) ? AddedTokenMatcher(raw + normalized.filter(\.isControl)) : rawMatcher
        var isControl = [Bool](repeating: false, count: parts.vocabularySize)
        for token in parts.controlTokens where isControl.indices.contains(Int(token)) { isControl[Int(token)] = true }
        self.isControl = isControl
        vocabularySize = parts.vocabularySize
        bosToken = parts.bosToken
        eosToken = parts.eosToken
        unknownToken = parts.unknownToken
        paddingToken = parts.paddingToken
        addsBeginningOfSequence = parts.addsBeginningOfSequence && parts.bosToken != nil
        sequencePrefix = parts.sequencePrefix
        sequenceSuffix = parts.sequenceSuffix
        endOfGenerationTokens = parts.endOfGenerationTokens
    }

    // MARK: Encoding

    /// The ids of a prompt: control tokens are found in the template's own text, never in the conversation's, not even where a token's
    /// text would begin in one and end in the other. Nothing is added: a template writes its own beginning of sequence.
    public func encode(_ prompt: RenderedPrompt) -> [TokenID] {
        let data = DataRanges(prompt.dataRanges)
        return encode(prompt.text, prompt.dataRanges.isEmpty ? rawMatcher : templateMatcher) { data.isOutside($0) }
    }

    /// The ids of `text`; the texts of control tokens count as such only where asked.
    public func encode(_ text: String, parsingSpecialTokens: Bool = false) -> [TokenID] {
        encode(text, rawMatcher) { _ in parsingSpecialTokens }
    }

    /// The ids of plain text to be continued: ``bosToken`` in front if the model expects it and it is not there yet.
    public func encodeCompletion(_ text: String, parsingSpecialTokens: Bool = false) -> [TokenID] {
        let tokens = encode(text, parsingSpecialTokens: parsingSpecialTokens)
        guard addsBeginningOfSequence, let bosToken, tokens.first != bosToken else { return tokens }
        return [bosToken] + tokens
    }

    private func encode(_ text: String, _ matcher: AddedTokenMatcher, allowsControl: (Range<Int>) -> Bool) -> [TokenID] {
        var text = text
        return text.withUTF8 { bytes in
            var tokens: [TokenID] = []
            tokens.reserveCapacity(bytes.count / 3 + 8)
            BytePairModel.withScratch { scratch in
                var start = 0
                while let match = matcher.firstMatch(in: bytes, from: start, allowsControl: allowsControl) {
                    encodePart(bytes, start..<match.range.lowerBound, allowsControl, into: &tokens, scratch)
                    tokens.append(match.token)
                    start = match.range.upperBound
                }
                encodePart(bytes, start..<bytes.count, allowsControl, into: &tokens, scratch)
            }
            return tokens
        }
    }

    /// Encodes text between tokens that are found in text as it is.
    private func encodePart(
        _ text: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int>,
        _ allowsControl: (Range<Int>) -> Bool,
        into tokens: inout [TokenID],
        _ scratch: UnsafeMutableBufferPointer<MergeTable.Merge>
    ) {
        guard !range.isEmpty else { return }
        let part = UnsafeBufferPointer(rebasing: text[range])
        let isStart = range.lowerBound == 0
        guard !normalizer.steps.isEmpty else { return encodePlain(part, isStart: isStart, into: &tokens, scratch) }
        normalizer.normalized(Array(part)).withUnsafeBufferPointer { bytes in
            var start = 0
            if !normalizedMatcher.isEmpty {
                // Where a normalised text came from is not kept: all of it has to be a template's.
                let allows = allowsControl(range)
                while let match = normalizedMatcher.firstMatch(in: bytes, from: start, allowsControl: { _ in allows }) {
                    let plain = UnsafeBufferPointer(rebasing: bytes[start..<match.range.lowerBound])
                    encodePlain(plain, isStart: isStart && start == 0, into: &tokens, scratch)
                    tokens.append(match.token)
                    start = match.range.upperBound
                }
            }
            encodePlain(UnsafeBufferPointer(rebasing: bytes[start...]), isStart: isStart && start == 0, into: &tokens, scratch)
        }
    }

    private func encodePlain(
        _ text: UnsafeBufferPointer<UInt8>,
        isStart: Bool,
        into tokens: inout [TokenID],
        _ scratch: UnsafeMutableBufferPointer<MergeTable.Merge>
    ) {
        splitter.forEachPiece(of: text, isStart: isStart) { model.encode($0, into: &tokens, scratch) }
    }

    // MARK: Decoding

    /// The text of `tokens`; bytes that form no code point become U+FFFD. Ids outside the vocabulary are left out.
    public func decode(_ tokens: some Sequence<TokenID>, skippingSpecialTokens: Bool = false) -> String {
        var bytes: [UInt8] = []
        var state = TokenDecoder.State(decoder)
        for token in tokens { appendBytes(of: token, to: &bytes, skippingSpecialTokens: skippingSpecialTokens, &state) }
        return decoder.text(bytes[...])
    }

    /// What a token stands for: any bytes, not always whole code points. `nil` for an id outside the vocabulary.
    public func bytes(of token: TokenID) -> [UInt8]? {
        decoder.bytes[Int(token)].map { Array($0) }
    }

    /// The text of one token; bytes that form no code point become U+FFFD. `nil` for an id outside the vocabulary.
    public func text(of token: TokenID) -> String? {
        decoder.bytes[Int(token)].map { String(decoding: $0, as: UTF8.self) }
    }

    func appendBytes(of token: TokenID, to bytes: inout [UInt8], skippingSpecialTokens: Bool, _ state: inout TokenDecoder.State) {
        if skippingSpecialTokens, isSpecial(token) { return }
        decoder.append(token, to: &bytes, &state)
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

/// Tells what lies outside of sorted ranges.
private struct DataRanges {
    private let ranges: [Range<Int>]

    init(_ ranges: [Range<Int>]) {
        self.ranges = ranges
    }

    /// Whether `range` has no byte in common with any of the ranges.
    func isOutside(_ range: Range<Int>) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound <= range.lowerBound { low = middle + 1 } else { high = middle }
        }
        return low == ranges.count || ranges[low].lowerBound >= range.upperBound
    }
}
