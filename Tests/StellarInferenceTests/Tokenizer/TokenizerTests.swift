import StellarInference
import Testing

/// A small byte-level vocabulary: a token per byte (its id is the byte), then merged and special ones.
enum SmallVocabulary {
    static let imStart: TokenID = 270
    static let imEnd: TokenID = 271
    static let imEndLong: TokenID = 272
    static let userDefined: TokenID = 273

    static let vocabulary: TokenizerVocabulary = {
        let merged = ["ab", "bc", "abc", "aa", "aaaa", "Ġa", "Ã©", "cd", "bcd", "aab", "xx", "xxx", "xxxx", "yy"]
        let special = ["<|im_start|>", "<|im_end|>", "<|im_end|>!", "<tool>"]
        let tokens = ByteLevelAlphabet.scalars.map { String($0) } + merged + special
        var kinds = [TokenizerVocabulary.TokenKind](repeating: .normal, count: tokens.count)
        for id in 270...272 { kinds[id] = .control }
        kinds[273] = .userDefined
        return TokenizerVocabulary(
            tokens: tokens,
            kinds: kinds,
            merges: ["b c", "a b", "a bc", "a a", "aa aa", "Ġ a", "Ã ©", "c d", "bc d", "a ab", "x x", "x xx", "xx xx", "y y"],
            bosToken: 270,
            eosToken: 271
        )
    }()

    static func id(_ text: String) -> TokenID {
        TokenID(vocabulary.tokens.firstIndex { $0.utf8.elementsEqual(text.utf8) } ?? -1)
    }
}

@Suite("Tokenizer")
struct TokenizerTests {
    private let tokenizer: Tokenizer
    private let vocabulary = SmallVocabulary.vocabulary

    init() throws {
        tokenizer = try Tokenizer(SmallVocabulary.vocabulary)
    }

    /// Byte-pair encoding word for word as it is defined: the best pair, leftmost first, until there is none.
    private func slowMerge(_ text: String) -> [TokenID] {
        var symbols = text.utf8.map { String(ByteLevelAlphabet.scalars[Int($0)]) }
        while true {
            let pairs = zip(symbols, symbols.dropFirst()).map { vocabulary.merges.firstIndex(of: $0 + " " + $1) ?? .max }
            guard let best = pairs.min(), best < .max, let place = pairs.firstIndex(of: best) else { break }
            symbols[place...(place + 1)] = [symbols[place] + symbols[place + 1]]
        }
        return symbols.map(SmallVocabulary.id)
    }

    @Test("merges go by rank, and from the left where ranks are equal")
    func mergeOrder() {
        #expect(tokenizer.encode("abcd") == [SmallVocabulary.id("abc"), 0x64])
        #expect(tokenizer.encode("aaa") == [SmallVocabulary.id("aa"), 0x61])
        #expect(tokenizer.encode(" a") == [SmallVocabulary.id("Ġa")])
        #expect(tokenizer.encode("é") == [SmallVocabulary.id("Ã©")])
        #expect(tokenizer.encode("") == [])
    }

    @Test("short and long pieces are merged as the definition says", arguments: 0..<20)
    func againstDefinition(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for length in [1, 2, 3, 7, 20, 47, 48, 49, 50, 130] {
            let text = String((0..<length).map { _ in "aaabbccdxxxy".randomElement(using: &generator) ?? "a" })
            #expect(tokenizer.encode(text) == slowMerge(text), "\(text)")
        }
    }

    @Test("control tokens are found only where asked, the longest one first")
    func controlTokens() {
        let text = "a<|im_end|>!b<|im_end|>"
        #expect(tokenizer.encode(text, parsingSpecialTokens: true) == [0x61, SmallVocabulary.imEndLong, 0x62, SmallVocabulary.imEnd])
        let plain = tokenizer.encode(text)
        #expect(!plain.contains(where: tokenizer.isSpecial))
        #expect(tokenizer.decode(plain) == text)
    }

    @Test("user-defined tokens are found everywhere")
    func userDefinedTokens() {
        #expect(tokenizer.encode("a<tool>b") == [0x61, SmallVocabulary.userDefined, 0x62])
        #expect(tokenizer.encode(RenderedPrompt(text: "a<tool>b", dataRanges: [0..<8])) == [0x61, SmallVocabulary.userDefined, 0x62])
        #expect(!tokenizer.isSpecial(SmallVocabulary.userDefined))
    }

    @Test("a control token needs all of its text to be the template's")
    func dataRanges() {
        let text = "<|im_end|><|im_end|>!<|im_start|>"
        func specials(_ ranges: [Range<Int>]) -> [TokenID] {
            let tokens = tokenizer.encode(RenderedPrompt(text: text, dataRanges: ranges))
            #expect(tokenizer.decode(tokens) == text)
            return tokens.filter(tokenizer.isSpecial)
        }
        let (start, end, long) = (SmallVocabulary.imStart, SmallVocabulary.imEnd, SmallVocabulary.imEndLong)
        #expect(specials([]) == [end, long, start])
        #expect(specials([0..<text.utf8.count]) == [])
        #expect(specials([0..<10]) == [long, start])
        #expect(specials([9..<10]) == [long, start])
        #expect(specials([3..<4, 25..<26]) == [long])
        #expect(specials([20..<21]) == [end, end, start], "the longer token reaches into the data, the shorter does not")
        #expect(specials([9..<11]) == [start])
        #expect(specials([0..<1, 10..<11, 32..<33]) == [])
    }

    @Test("text of template and data is cut into pieces as if it were one")
    func bordersAreInvisible() {
        let prompt = RenderedPrompt(text: "abcd abc", dataRanges: [1..<2, 3..<6])
        #expect(tokenizer.encode(prompt) == tokenizer.encode("abcd abc"))
    }

    @Test("the beginning of the sequence is added to completions where the model wants it, never twice")
    func beginningOfSequence() throws {
        var vocabulary = vocabulary
        #expect(tokenizer.encodeCompletion("a") == [0x61])
        vocabulary.addsBeginningOfSequence = true
        let tokenizer = try Tokenizer(vocabulary)
        #expect(tokenizer.addsBeginningOfSequence)
        #expect(tokenizer.encodeCompletion("a") == [SmallVocabulary.imStart, 0x61])
        #expect(tokenizer.encodeCompletion("<|im_start|>a", parsingSpecialTokens: true) == [SmallVocabulary.imStart, 0x61])
        #expect(tokenizer.encode("a") == [0x61])
        #expect(tokenizer.encode(RenderedPrompt(text: "<|im_start|>a")) == [SmallVocabulary.imStart, 0x61])
    }

    @Test("ids outside the vocabulary and special tokens to skip are left out of decoded text")
    func decoding() {
        let tokens: [TokenID] = [-1, 0x61, SmallVocabulary.imEnd, .max, .min, 274, SmallVocabulary.userDefined, 0x62]
        #expect(tokenizer.decode(tokens) == "a<|im_end|><tool>b")
        #expect(tokenizer.decode(tokens, skippingSpecialTokens: true) == "a<tool>b")
        #expect(tokenizer.decode([0xC3, 0x61, 0xFF]) == "\u{FFFD}a\u{FFFD}")
        #expect(tokenizer.bytes(of: 0xC3) == [0xC3])
        #expect(tokenizer.bytes(of: SmallVocabulary.id("Ġa")) == [0x20, 0x61])
        #expect(tokenizer.bytes(of: -1) == nil && tokenizer.bytes(of: 274) == nil)
        #expect(tokenizer.text(of: SmallVocabulary.imEnd) == "<|im_end|>" && tokenizer.text(of: .max) == nil)
        #expect(!tokenizer.isSpecial(-5) && !tokenizer.isSpecial(.max))
    }

    @Test("a byte without a token is left out")
    func missingByte() throws {
        var vocabulary = vocabulary
        vocabulary.tokens[0x7A] = "unused"
        let tokenizer = try Tokenizer(vocabulary)
        #expect(tokenizer.encode("azb") == [SmallVocabulary.id("ab")])
        #expect(tokenizer.encode("z") == [])
    }

    @Test("tokens that are canonically equivalent text are different tokens")
    func canonicalEquivalence() throws {
        var vocabulary = vocabulary
        vocabulary.tokens += ["\u{E9}<", "e\u{301}<"]
        vocabulary.kinds += [.userDefined, .userDefined]
        let tokenizer = try Tokenizer(vocabulary)
        #expect(tokenizer.encode("\u{E9}<e\u{301}<") == [274, 275])
        #expect(tokenizer.decode([275]).utf8Bytes == "e\u{301}<".utf8Bytes)
    }

    @Test("end-of-generation tokens are those that the file names and well-known control tokens")
    func endOfGeneration() throws {
        #expect(tokenizer.endOfGenerationTokens == [SmallVocabulary.imEnd])
        var vocabulary = vocabulary
        vocabulary.eosToken = nil
        vocabulary.eotToken = 272
        vocabulary.eomToken = 5
        vocabulary.tokens += ["<|endoftext|>", "</s>"]
        vocabulary.kinds += [.control, .normal]
        #expect(try Tokenizer(vocabulary).endOfGenerationTokens == [SmallVocabulary.imEnd, 272, 5, 274])
    }

    @Test("one tokenizer serves many threads")
    func concurrency() async {
        let tokenizer = tokenizer
        let expected = tokenizer.encode("abc aab xxxx")
        await withTaskGroup(of: [TokenID].self) { group in
            for _ in 0..<64 { group.addTask { tokenizer.encode("abc aab xxxx") } }
            for await tokens in group { #expect(tokens == expected) }
        }
    }
}
