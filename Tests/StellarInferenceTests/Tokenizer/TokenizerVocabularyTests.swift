import StellarInference
import Testing

@Suite("Tokenizer vocabularies")
struct TokenizerVocabularyTests {
    private func refuse(
        _ code: InferenceError.Code,
        _ text: String,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (inout TokenizerVocabulary) -> Void
    ) {
        var vocabulary = SmallVocabulary.vocabulary
        change(&vocabulary)
        expectError(code, containing: text, sourceLocation: sourceLocation) { try Tokenizer(vocabulary) }
    }

    @Test("a vocabulary that contradicts itself is refused with the reason")
    func contradictions() {
        refuse(.invalidModelFile, "0 tokens") { $0.tokens = [] }
        refuse(.invalidModelFile, "5 types") { $0.kinds = .init(repeating: .normal, count: 5) }
        refuse(.invalidModelFile, "1 scores") { $0.scores = [1] }
        refuse(.invalidModelFile, "bos token is 274") { $0.bosToken = 274 }
        refuse(.invalidModelFile, "eos token is -1") { $0.eosToken = -1 }
        refuse(.invalidModelFile, "padding token") { $0.paddingToken = .max }
        refuse(.invalidModelFile, "merge 14") { $0.merges.append("ab") }
        refuse(.invalidModelFile, "merge 14") { $0.merges.append("a zzz") }
        refuse(.invalidModelFile, "merge 14") { $0.merges.append("a c") }
        refuse(.invalidModelFile, "merge 14") { $0.merges.append("") }
        refuse(.invalidModelFile, "merge 14") { $0.merges.append("a ") }
        refuse(.invalidModelFile, "merge 14") { $0.merges.append(" a") }
    }

    @Test("other flavours and pre-tokenisers are refused by name")
    func unsupported() {
        refuse(.unsupportedModel, "“bert”") { $0.model = "bert" }
        refuse(.invalidModelFile, "0 scores") { $0.model = "llama" }
        refuse(.unsupportedModel, "“t5”") { $0.model = "t5" }
        refuse(.unsupportedModel, "“no-such”") { $0.preTokenizer = "no-such" }
    }

    private func writer() -> GGUFWriter {
        let vocabulary = SmallVocabulary.vocabulary
        var writer = GGUFWriter()
        writer.add("tokenizer.ggml.model", .string("gpt2"))
        writer.add("tokenizer.ggml.pre", .string("gpt-2"))
        writer.add("tokenizer.ggml.tokens", strings: vocabulary.tokens)
        writer.add("tokenizer.ggml.token_type", int32s: vocabulary.kinds.map { Int32($0.rawValue) })
        writer.add("tokenizer.ggml.merges", strings: vocabulary.merges)
        writer.add("tokenizer.ggml.bos_token_id", .uint32(270))
        writer.add("tokenizer.ggml.eos_token_id", .uint32(271))
        return writer
    }

    @Test("a vocabulary is read from a model file")
    func fromFile() throws {
        let metadata = try GGUFFile(.guarded(writer().bytes())).metadata
        #expect(try TokenizerVocabulary(metadata) == SmallVocabulary.vocabulary)
    }

    @Test("a model file without a tokenizer, or with entries of wrong types, is refused")
    func wrongFile() throws {
        let empty = try GGUFFile(.guarded(GGUFWriter().bytes())).metadata
        expectError(.unsupportedModel, containing: "no tokenizer") { try TokenizerVocabulary(empty) }
        var writer = writer()
        writer.add("tokenizer.ggml.add_bos_token", .uint8(1))
        let metadata = try GGUFFile(.guarded(writer.bytes())).metadata
        expectError(.invalidModelFile, containing: "add_bos_token") { try TokenizerVocabulary(metadata) }
    }

    @Test("flipped bits in a vocabulary give an error or a tokenizer that works", arguments: 0..<4)
    func flippedBits(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let original = writer().bytes()
        var accepted = 0
        for _ in 0..<500 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
            do {
                let tokenizer = try Tokenizer(TokenizerVocabulary(GGUFFile(.guarded(bytes)).metadata))
                let tokens = tokenizer.encode("abcd aaaa <|im_end|> xxxxé" + String(repeating: "ab", count: 40), parsingSpecialTokens: true)
                _ = tokenizer.decode(tokens)
                #expect(tokens.allSatisfy { $0 >= 0 && $0 < tokenizer.vocabularySize })
                accepted += 1
            } catch let error as InferenceError {
                #expect(error.code == .invalidModelFile || error.code == .unsupportedModel)
            }
        }
        #expect(accepted > 0)
    }
}
