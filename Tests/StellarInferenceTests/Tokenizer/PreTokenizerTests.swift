import StellarInference
import Testing

@Suite("Pre-tokenisers")
struct PreTokenizerTests {
    private func lengths(_ text: String, _ splitter: PieceSplitter) -> [Int] {
        var text = text
        return text.withUTF8 { bytes in
            var lengths: [Int] = []
            splitter.forEachPiece(of: bytes, isStart: true) { lengths.append($0.count) }
            return lengths
        }
    }

    @Test("varied lines are cut where the reference cuts them")
    func reference() throws {
        let smollm = try PreTokenizers.named("smollm")
        let gpt2 = try PreTokenizers.named("gpt-2")
        let cases: [TokenizerFixture.Pieces] = try TokenizerFixture.load("pieces")
        #expect(cases.count > 300)
        for line in cases {
            #expect(lengths(line.text, smollm) == line.smollm, "\(line.text.debugDescription)")
            #expect(lengths(line.text, gpt2) == line.gpt2, "\(line.text.debugDescription)")
        }
    }

    @Test(
        "blanks before words, digits and the end go where the pattern says",
        arguments: [
            ("a  b", [1, 1, 2], [1, 1, 2]),
            ("a  1", [1, 2, 1], [1, 1, 2]),
            (" 12", [1, 1, 1], [3]),
            ("a  ", [1, 2], [1, 2]),
            ("\n\nx", [1, 1, 1], [1, 1, 1]),
            ("\t x", [1, 2], [1, 2]),
            ("don't 's 'sx", [3, 2, 2, 1, 2, 2], [3, 2, 2, 1, 2, 2]),
            ("''s'll", [2, 1, 3], [2, 1, 3]),
            ("'", [1], [1]),
            ("'l", [1, 1], [1, 1]),
            ("x'D", [1, 1, 1], [1, 1, 1]),
        ]
    )
    func examples(text: String, smollm: [Int], gpt2: [Int]) throws {
        #expect(lengths(text, try PreTokenizers.named("smollm")) == smollm)
        #expect(lengths(text, try PreTokenizers.named("gpt-2")) == gpt2)
    }

    @Test("bytes that are no UTF-8 are cut too, without reading beyond the end")
    func invalidBytes() throws {
        var generator = SeededGenerator(seed: 5)
        for name in ["smollm", "gpt-2", "llama-bpe", "qwen2", "gpt-4o", "tekken", "deepseek-llm", "deepseek-coder", "deepseek-v3"] {
            let splitter = try PreTokenizers.named(name)
            for _ in 0..<500 {
                let bytes = (0..<Int.random(in: 1...12, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) | 0x80 }
                let file = try FileBytes.guarded(bytes)
                var pieces: [UInt8] = []
                splitter.forEachPiece(of: file.buffer.bindMemory(to: UInt8.self), isStart: true) { pieces += $0 }
                #expect(pieces == bytes)
            }
        }
    }

    @Test("an unknown pre-tokeniser is refused by name")
    func unknown() {
        expectError(.unsupportedModel, containing: "“no-such”") { try PreTokenizers.named("no-such") }
    }
}
