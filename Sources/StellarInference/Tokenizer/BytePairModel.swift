import HeapModule

/// Byte-pair encoding: a piece starts as its bytes or characters, then the pair of neighbours with the lowest rank (of equal ones the
/// leftmost) is merged until there is none.
///
/// Source: Sennrich et al. 2016, Radford et al. 2019, Kudo and Richardson 2018; same tokens as Hugging Face's tokenizers and SentencePiece.
/// What the vocabulary has no token for becomes byte tokens, else the unknown token, else it is left out, as there.
struct BytePairModel: Sendable {
    /// What a piece begins as.
    enum Symbols: Sendable {
        /// Bytes; the vocabulary is written in ``ByteLevelAlphabet``.
        case bytes
        /// Characters. All but a piece's first have the prefix, the last one the suffix.
        case characters(prefix: [UInt8], suffix: [UInt8])
    }

    /// The options of a model.
    struct Options: Sendable {
        var symbols = Symbols.bytes
        var hasByteFallback = false
        /// A piece that is a token is that token, whatever the merges say.
        var ignoresMerges = false
        var unknownToken: TokenID?
        /// Several unknown characters in a row are one unknown token.
        var fusesUnknown = false
    }

    /// A pair of tokens in a vocabulary's own spelling.
    typealias Pair = (left: ArraySlice<UInt8>, right: ArraySlice<UInt8>)

    /// Longer pieces go by way of a heap.
    private static let longestShortPiece = 48

    private let options: Options
    private let index: ByteIndex
    /// The token of each byte (spelled in the alphabet), −1 if there is none.
    private let byteTokens: [TokenID]
    /// The token `<0xXX>` of each byte; empty without byte fallback.
    private let fallbackTokens: [TokenID]
    /// The tokens of characters up to U+FFFF, −1 if there is none; empty for bytes.
    private let characterTokens: [TokenID]
    /// What whole pieces are found by, if merges are ignored.
    private let wholePieces: ByteIndex?
    private let merges: MergeTable
    /// No merge crosses the border before a run of this character.
    private let border: [UInt8]

    /// - Parameters:
    ///   - texts: of all tokens, in the vocabulary's spelling.
    ///   - index: of `texts`.
    init(_ texts: ByteTable, _ index: ByteIndex, _ merges: MergeTable, _ options: Options) {
        self.options = options
        self.index = index
        self.merges = merges
        func token(_ text: [UInt8]) -> TokenID { TokenID(index.number(of: text[...]) ?? -1) }
        let bytes = UInt8.min...UInt8.max
        fallbackTokens = options.hasByteFallback ? bytes.map { token(Array(Self.fallbackText($0).utf8)) } : []
        switch options.symbols {
        case .bytes:
            byteTokens = ByteLevelAlphabet.scalars.map { token(Array(String($0).utf8)) }
            characterTokens = []
            wholePieces = options.ignoresMerges ? ByteIndex(Self.unspelled(texts)) : nil
            border = []
        case .characters(let prefix, let suffix):
            byteTokens = []
            characterTokens = Self.characters(texts, index)
            wholePieces = options.ignoresMerges ? index : nil
            border = prefix.isEmpty && suffix.isEmpty && token(Self.blank) >= 0 ? Self.border(texts) : []
        }
    }

    static func fallbackText(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return "<0x" + (digits.count == 1 ? "0" : "") + digits + ">"
    }

    private static func unspelled(_ texts: ByteTable) -> ByteTable {
        var table = ByteTable()
        for number in 0..<texts.count {
            table.add { bytes in
                let text = texts[number] ?? []
                if !ByteLevelAlphabet.appendBytes(of: text, to: &bytes) { bytes += text }
            }
        }
        return table
    }

    private static func characters(_ texts: ByteTable, _ index: ByteIndex) -> [TokenID] {
        var tokens = [TokenID](repeating: -1, count: 0x10000)
        texts.bytes.withUnsafeBufferPointer { bytes in
            for number in 0..<texts.count {
                guard let range = texts.range(number), !range.isEmpty, range.count <= 3 else { continue }
                let text = UnsafeBufferPointer(rebasing: bytes[range])
                let scalar = text.scalar(at: 0)
                if scalar.end == text.count, scalar.value < 0x10000, tokens[Int(scalar.value)] < 0 {
                    tokens[Int(scalar.value)] = TokenID(truncatingIfNeeded: number)
                }
            }
        }
        return tokens
    }

    /// SentencePiece's blank, `▁`.
    private static let blank: [UInt8] = [0xE2, 0x96, 0x81]

    /// The blank, if no token holds it behind anything else: then text can be cut before it and gives the same tokens.
    private static func border(_ texts: ByteTable) -> [UInt8] {
        for number in 0..<texts.count {
            guard let text = texts[number], text.count > 3 else { continue }
            var isBehind = false
            var position = text.startIndex
            while position < text.endIndex {
                if text[position] == 0xE2, text[position...].starts(with: blank) {
                    if isBehind { return [] }
                    position += 3
                } else {
                    isBehind = true
                    position += 1
                }
            }
        }
        return blank
    }

    // MARK: Merges

    /// The merges of a file, first merged first.
    ///
    /// - Parameter prefix: what the right part of a pair loses when merged.
    /// - Throws: ``InferenceError`` `invalidModelFile` if a merge does not fit the vocabulary; `unsupportedModel`.
    static func table(
        count: Int,
        prefix: [UInt8] = [],
        _ index: ByteIndex,
        pair: (Int) -> Pair?
    ) throws(InferenceError) -> MergeTable {
        var table = try MergeTable.empty(for: count)
        var joined: [UInt8] = []
        for rank in 0..<count {
            guard let (left, right) = pair(rank), !left.isEmpty, !right.isEmpty, right.count >= prefix.count else { throw damaged(rank) }
            joined.removeAll(keepingCapacity: true)
            joined += left
            joined += right.dropFirst(prefix.count)
            guard let first = index.number(of: left), let second = index.number(of: right), let token = index.number(of: joined[...])
            else { throw damaged(rank) }
            table.insert(TokenID(first), TokenID(second), rank: rank, token: TokenID(token))
        }
        return table
    }

    private static func damaged(_ rank: Int) -> InferenceError {
        InferenceError(.invalidModelFile, "The model's tokenizer is damaged: merge \(rank) is not of the vocabulary's tokens.")
    }

    /// The merges that scores stand for: every way to put a token together of two others, the highest score first.
    ///
    /// - Parameter isMerged: whether a token is made by merging.
    static func table(
        scores: [Float],
        _ texts: ByteTable,
        _ index: ByteIndex,
        isMerged: (Int) -> Bool
    ) throws(InferenceError) -> MergeTable {
        let ranks = Dictionary(Set(scores).sorted(by: >).enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        var found: [(left: Int, right: Int, token: Int)] = []
        for token in 0..<texts.count where isMerged(token) {
            guard let text = texts[token], text.count > 1, index.number(of: text) == token else { continue }
            for place in text.indices.dropFirst() where text[place] & 0xC0 != 0x80 {
                if let left = index.number(of: text[..<place]), isMerged(left), let right = index.number(of: text[place...]),
                    isMerged(right)
                {
                    found.append((left, right, token))
                }
            }
        }
        var table = try MergeTable.empty(for: found.count)
        for (left, right, token) in found {
            table.insert(TokenID(left), TokenID(right), rank: ranks[scores[token]] ?? 0, token: TokenID(token))
        }
        return table
    }

    // MARK: Encoding

    /// Appends the tokens of one piece.
    func encode(_ piece: UnsafeBufferPointer<UInt8>, into tokens: inout [TokenID], _ scratch: UnsafeMutableBufferPointer<MergeTable.Merge>)
    {
        guard !border.isEmpty, piece.count > 16, !options.ignoresMerges else { return encodePart(piece, into: &tokens, scratch) }
        var start = 0
        var position = 1
        while position + 2 < piece.count {
            if piece[position] == border[0], piece[position + 1] == border[1], piece[position + 2] == border[2] {
                let isBehindBlank =
                    position - start >= 3 && piece[position - 3] == border[0] && piece[position - 2] == border[1]
                    && piece[position - 1] == border[2]
                if !isBehindBlank {
                    encodePart(UnsafeBufferPointer(rebasing: piece[start..<position]), into: &tokens, scratch)
                    start = position
                }
                position += 3
            } else {
                position += 1
            }
        }
        encodePart(UnsafeBufferPointer(rebasing: piece[start...]), into: &tokens, scratch)
    }

    private func encodePart(
        _ piece: UnsafeBufferPointer<UInt8>,
        into tokens: inout [TokenID],
        _ scratch: UnsafeMutableBufferPointer<MergeTable.Merge>
    ) {
        if let wholePieces, let token = wholePieces.number(of: UnsafeRawBufferPointer(piece)) {
            tokens.append(TokenID(token))
            return
        }
        let first = tokens.count
        switch options.symbols {
        case .bytes: appendBytes(piece, to: &tokens)
        case .characters(let prefix, let suffix): appendCharacters(piece, prefix, suffix, to: &tokens)
        }
        let count = tokens.count - first
        if count > Self.longestShortPiece {
            mergeLong(&tokens, from: first)
        } else if count > 1 {
            let left = tokens.withUnsafeMutableBufferPointer { mergeShort(UnsafeMutableBufferPointer(rebasing: $0[first...]), scratch) }
            tokens.removeLast(count - left)
        }
    }

    /// Calls `body` with room for the merges of one short piece.
    static func withScratch(_ body: (UnsafeMutableBufferPointer<MergeTable.Merge>) -> Void) {
        withUnsafeTemporaryAllocation(of: MergeTable.Merge.self, capacity: longestShortPiece, body)
    }

    private func appendBytes(_ piece: UnsafeBufferPointer<UInt8>, to tokens: inout [TokenID]) {
        var unknown = 0
        for byte in piece {
            let token = byteTokens[Int(byte)]
            if token >= 0 {
                appendUnknown(&unknown, to: &tokens)
                tokens.append(token)
            } else {
                // A byte above 0x7F is spelled with two bytes in the alphabet: it falls back to those of its spelling.
                if !appendFallback(ByteLevelAlphabet.spelled(CollectionOfOne(byte)), to: &tokens) { countUnknown(&unknown, &tokens) }
            }
        }
        appendUnknown(&unknown, to: &tokens)
    }

    private func appendCharacters(
        _ piece: UnsafeBufferPointer<UInt8>,
        _ prefix: [UInt8],
        _ suffix: [UInt8],
        to tokens: inout [TokenID]
    ) {
        var unknown = 0
        var position = 0
        while position < piece.count {
            let next = piece.scalar(at: position)
            let bytes = UnsafeBufferPointer(rebasing: piece[position..<next.end])
            let isPlain = (prefix.isEmpty || position == 0) && (suffix.isEmpty || next.end < piece.count)
            var token: TokenID = -1
            var text: [UInt8] = []
            if isPlain, next.value < 0x10000 {
                token = characterTokens[Int(next.value)]
            } else {
                text = (position == 0 ? [] : prefix) + Array(bytes) + (next.end < piece.count ? [] : suffix)
                token = TokenID(index.number(of: text[...]) ?? -1)
            }
            if token >= 0 {
                appendUnknown(&unknown, to: &tokens)
                tokens.append(token)
            } else if !appendFallback(text.isEmpty ? Array(bytes) : text, to: &tokens) {
                countUnknown(&unknown, &tokens)
            }
            position = next.end
        }
        appendUnknown(&unknown, to: &tokens)
    }

    /// Whether all bytes have a token; only then are they appended.
    private func appendFallback(_ bytes: [UInt8], to tokens: inout [TokenID]) -> Bool {
        guard !fallbackTokens.isEmpty, bytes.allSatisfy({ fallbackTokens[Int($0)] >= 0 }) else { return false }
        for byte in bytes { tokens.append(fallbackTokens[Int(byte)]) }
        return true
    }

    private func countUnknown(_ unknown: inout Int, _ tokens: inout [TokenID]) {
        guard options.unknownToken != nil else { return }
        if !options.fusesUnknown { appendUnknown(&unknown, to: &tokens) }
        unknown = 1
    }

    private func appendUnknown(_ unknown: inout Int, to tokens: inout [TokenID]) {
        guard unknown > 0, let token = options.unknownToken else { return }
        tokens.append(token)
        unknown = 0
    }

    /// Merges by looking for the best pair again and again: quick for few symbols.
    ///
    /// - Parameters:
    ///   - symbols: at least 2.
    ///   - pairs: room for as many merges.
    /// - Returns: how many symbols are left, at the start of `symbols`.
    private func mergeShort(_ symbols: UnsafeMutableBufferPointer<TokenID>, _ pairs: UnsafeMutableBufferPointer<MergeTable.Merge>) -> Int {
        var last = symbols.count - 1
        for index in 0..<last { pairs[index] = merges.merge(symbols[index], symbols[index + 1]) }
        while last > 0 {
            var best = 0
            for index in 1..<max(last, 1) where pairs[index].rank < pairs[best].rank { best = index }
            guard pairs[best] != .none else { break }
            symbols[best] = pairs[best].token
            last -= 1
            for index in best..<last {
                symbols[index + 1] = symbols[index + 2]
                pairs[index] = pairs[index + 1]
            }
            if best < last { pairs[best] = merges.merge(symbols[best], symbols[best + 1]) }
            if best > 0 { pairs[best - 1] = merges.merge(symbols[best - 1], symbols[best]) }
        }
        return last + 1
    }

    /// Merges `tokens[first...]` with a heap of pairs over a linked list of symbols: O(n log n).
    private func mergeLong(_ tokens: inout [TokenID], from first: Int) {
        var list = SymbolList(tokens[first...])
        var heap = Heap<UInt64>()
        func push(_ position: Int) {
            guard let next = list.next(position) else { return }
            let merge = merges.merge(list.token(position), list.token(next))
            if merge != .none { heap.insert(merge.rank << 40 | UInt64(position)) }
        }
        for position in 0..<(tokens.count - first) { push(position) }
        while let entry = heap.popMin() {
            let position = Int(entry & (1 << 40 - 1))
            guard list.isAlive(position), let next = list.next(position) else { continue }
            // An entry is out of date if one of its two symbols has been merged since.
            let merge = merges.merge(list.token(position), list.token(next))
            guard merge != .none, merge.rank == entry >> 40 else { continue }
            list.mergeWithNext(position, into: merge.token)
            push(position)
            if let previous = list.previous(position) { push(previous) }
        }
        tokens.removeLast(tokens.count - first)
        list.appendTokens(to: &tokens)
    }
}

/// Symbols in a row, each of which can be merged with the next.
private struct SymbolList {
    private struct Symbol {
        /// −1 once merged into the one before.
        var token: TokenID
        /// −1 at the start.
        var previous: Int
        /// `symbols.count` at the end.
        var next: Int
    }

    private var symbols: [Symbol]

    init(_ tokens: ArraySlice<TokenID>) {
        symbols = tokens.enumerated().map { Symbol(token: $0.element, previous: $0.offset - 1, next: $0.offset + 1) }
    }

    func token(_ position: Int) -> TokenID { symbols[position].token }

    func isAlive(_ position: Int) -> Bool { symbols[position].token >= 0 }

    func next(_ position: Int) -> Int? {
        symbols[position].next < symbols.count ? symbols[position].next : nil
    }

    func previous(_ position: Int) -> Int? {
        symbols[position].previous >= 0 ? symbols[position].previous : nil
    }

    mutating func mergeWithNext(_ position: Int, into token: TokenID) {
        let merged = symbols[position].next
        let next = symbols[merged].next
        symbols[merged].token = -1
        symbols[position].token = token
        symbols[position].next = next
        if next < symbols.count { symbols[next].previous = position }
    }

    func appendTokens(to tokens: inout [TokenID]) {
        var position = 0
        while position < symbols.count {
            tokens.append(symbols[position].token)
            position = symbols[position].next
        }
    }
}
