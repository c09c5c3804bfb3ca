import HeapModule

/// Byte-level byte-pair encoding: pieces start as their bytes, then the pair of neighbours with the lowest rank (of equal ones the
/// leftmost) is merged until there is none.
///
/// Source: Sennrich et al. 2016, Radford et al. 2019; same tokens as Hugging Face's tokenizers. A byte that the vocabulary has no token
/// for is left out, as there.
struct ByteLevelBPE: TextEncoder {
    /// Longer pieces go by way of a heap.
    package static let longestShortPiece = 48

    private let preTokenizer: any PreTokenizer
    /// The token of each byte, −1 if there is none.
    private let byteTokens: [TokenID]
    private let merges: MergeTable

    /// - Throws: ``InferenceError`` `invalidModelFile` if a merge does not fit the vocabulary; `unsupportedModel`.
    init(_ vocabulary: TokenizerVocabulary) throws(InferenceError) {
        preTokenizer = try PreTokenizers.named(vocabulary.preTokenizer)
        var texts = ByteTable()
        for token in vocabulary.tokens { texts.add { $0 += token.utf8 } }
        let index = ByteIndex(texts)
        byteTokens = ByteLevelAlphabet.scalars.map { TokenID(index.number(of: ArraySlice(String($0).utf8)) ?? -1) }
        merges = try Self.merges(vocabulary, index)
    }

    /// The bytes that each token stands for: normal tokens are written in ``ByteLevelAlphabet``, all others as they are.
    static func bytes(_ vocabulary: TokenizerVocabulary) -> ByteTable {
        var table = ByteTable()
        for (token, text) in vocabulary.tokens.enumerated() {
            table.add { bytes in
                if vocabulary.kind(of: token).isAdded || !ByteLevelAlphabet.appendBytes(of: text, to: &bytes) { bytes += text.utf8 }
            }
        }
        return table
    }

    private static func merges(_ vocabulary: TokenizerVocabulary, _ index: ByteIndex) throws(InferenceError) -> MergeTable {
        // Ranks share 64 bits with positions where long pieces are merged.
        guard vocabulary.merges.count < 1 << 24 else {
            throw InferenceError(.unsupportedModel, "The model's tokenizer has \(vocabulary.merges.count) merges; 2^24 are too many.")
        }
        var table = MergeTable(capacity: vocabulary.merges.count)
        // The pair without its blank.
        var joined: [UInt8] = []
        for (rank, merge) in vocabulary.merges.enumerated() {
            joined.removeAll(keepingCapacity: true)
            joined += merge.utf8
            guard let blank = joined.dropFirst().firstIndex(of: UInt8(ascii: " ")) else { throw damaged(rank, merge) }
            joined.remove(at: blank)
            guard let left = index.number(of: joined[..<blank]), let right = index.number(of: joined[blank...]),
                let token = index.number(of: joined[...])
            else { throw damaged(rank, merge) }
            table.insert(TokenID(left), TokenID(right), rank: rank, token: TokenID(token))
        }
        return table
    }

    private static func damaged(_ rank: Int, _ merge: String) -> InferenceError {
        InferenceError(
            .invalidModelFile,
            "The model's tokenizer is damaged: merge \(rank) (\(quoted(merge))) is not of the vocabulary's tokens."
        )
    }

    func encode(_ text: UnsafeBufferPointer<UInt8>, into tokens: inout [TokenID]) {
        withUnsafeTemporaryAllocation(of: MergeTable.Merge.self, capacity: Self.longestShortPiece) { scratch in
            var start = 0
            while start < text.count {
                let end = preTokenizer.pieceEnd(in: text, from: start)
                let first = tokens.count
                for position in start..<end where byteTokens[Int(text[position])] >= 0 { tokens.append(byteTokens[Int(text[position])]) }
                let count = tokens.count - first
                if count > Self.longestShortPiece {
                    mergeLong(&tokens, from: first)
                } else if count > 1 {
                    let left = tokens.withUnsafeMutableBufferPointer {
                        mergeShort(UnsafeMutableBufferPointer(rebasing: $0[first...]), scratch)
                    }
                    tokens.removeLast(count - left)
                }
                start = end
            }
        }
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
            for index in 1..<max(last, 1) where pairs[index] < pairs[best] { best = index }
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
