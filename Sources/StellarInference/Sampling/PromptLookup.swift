/// Guesses how a sequence goes on from what it said before: the text after the latest earlier occurrence of its last tokens
/// (prompt lookup decoding, Saxena 2023).
package struct PromptLookup: Sendable {
    /// Tokens that must have occurred together before.
    private static let gram = 3
    /// How far back an occurrence is compared, to tell chance from quotation.
    private static let longestMatch = 16

    /// Where the text goes on after the latest occurrence of three tokens.
    private var continuations: [SIMD3<TokenID>: Int32] = [:]
    /// Occurrences that end before this place are in the table.
    private var indexed = PromptLookup.gram

    package init() {}

    /// A guess and how many of the tokens before it are the same at both places.
    package struct Guess: Sendable, Equatable {
        package var tokens: [TokenID]
        package var matchLength: Int

        package init(tokens: [TokenID], matchLength: Int) {
            self.tokens = tokens
            self.matchLength = matchLength
        }
    }

    /// Guesses up to `count` tokens after `tokens`, the sequence so far (on each call the same, or longer).
    package mutating func guess(after tokens: [TokenID], count: Int) -> Guess? {
        while indexed < tokens.count {
            continuations[Self.gram(of: tokens, endingAt: indexed)] = Int32(indexed)
            indexed += 1
        }
        guard count > 0, tokens.count > Self.gram, let start = continuations[Self.gram(of: tokens, endingAt: tokens.count)] else {
            return nil
        }
        let place = Int(start)
        var matchLength = Self.gram
        while matchLength < min(Self.longestMatch, place), tokens[place - 1 - matchLength] == tokens[tokens.count - 1 - matchLength] {
            matchLength += 1
        }
        // Where the earlier text runs into the guess itself, the guess repeats.
        var guess: [TokenID] = []
        guess.reserveCapacity(count)
        for offset in place..<place + count { guess.append(offset < tokens.count ? tokens[offset] : guess[offset - tokens.count]) }
        return Guess(tokens: guess, matchLength: matchLength)
    }

    private static func gram(of tokens: [TokenID], endingAt end: Int) -> SIMD3<TokenID> {
        SIMD3(tokens[end - 3], tokens[end - 2], tokens[end - 1])
    }
}
