import StellarInference
import Testing

@Suite("Prompt lookup")
struct PromptLookupTests {
    @Test("the guess is what followed the latest earlier occurrence of the last three tokens")
    func guessing() {
        var lookup = PromptLookup()
        let text: [TokenID] = [9, 1, 2, 3, 4, 5, 6, 1, 2, 3, 7, 8, 0, 1, 2, 3]
        #expect(lookup.guess(after: text, count: 3) == .init(tokens: [7, 8, 0], matchLength: 3))
        #expect(lookup.guess(after: text + [4, 5], count: 2)?.tokens == [6, 1])
        #expect(lookup.guess(after: text + [4, 5, 11], count: 2) == nil)
    }

    @Test("a longer match is told; a text that repeats itself goes on repeating")
    func repetition() {
        var lookup = PromptLookup()
        let guess = lookup.guess(after: [5, 6, 7, 5, 6, 7, 5, 6, 7], count: 7)
        #expect(guess?.tokens == [5, 6, 7, 5, 6, 7, 5])
        #expect(guess?.matchLength == 6)
    }

    @Test("growing texts give the same guesses as whole ones", arguments: 1...5)
    func growing(seed: UInt64) {
        var random = RandomSource(seed: seed)
        var text: [TokenID] = []
        var lookup = PromptLookup()
        for _ in 0..<300 {
            for _ in 0...random.next() % 3 { text.append(TokenID(random.next() % 4)) }
            var fresh = PromptLookup()
            #expect(lookup.guess(after: text, count: 5) == fresh.guess(after: text, count: 5))
        }
    }

    @Test("short texts have no guess")
    func short() {
        var lookup = PromptLookup()
        for count in 0...3 { #expect(lookup.guess(after: [TokenID](repeating: 1, count: count), count: 4) == nil) }
    }
}
