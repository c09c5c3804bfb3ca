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
        let smollm = try GGUFPreTokenizer("smollm").splitter
        let gpt2 = try GGUFPreTokenizer("gpt-2").splitter
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
        #expect(lengths(text, try GGUFPreTokenizer("smollm").splitter) == smollm)
        #expect(lengths(text, try GGUFPreTokenizer("gpt-2").splitter) == gpt2)
    }

    /// What a name of a GGUF file means, made of llama.cpp's source by Tests/reference/tokenizer_names.py.
    private struct Named: Decodable {
        let names: [String]
        let takesWholePieces: Bool
        let addsBeginning: Bool
        let pieces: [Piece]

        struct Piece: Decodable {
            let text: String
            let lengths: [Int]

            init(from decoder: any Decoder) throws {
                var values = try decoder.unkeyedContainer()
                text = try values.decode(String.self)
                lengths = try values.decode([Int].self)
            }
        }

        enum CodingKeys: String, CodingKey {
            case names, pieces
            case takesWholePieces = "ignore_merges"
            case addsBeginning = "add_bos"
        }
    }

    @Test("every name in GGUF files cuts text as the patterns in llama.cpp say, and has the same habits")
    func names() throws {
        let groups: [Named] = try TokenizerFixture.load("names")
        #expect(Set(groups.flatMap(\.names)) == Set(GGUFPreTokenizer.names))
        for group in groups {
            for name in group.names {
                let named = try GGUFPreTokenizer(name)
                #expect(named.takesWholePieces == group.takesWholePieces, "\(name)")
                #expect(named.addsBeginning == group.addsBeginning, "\(name)")
                for piece in group.pieces {
                    #expect(lengths(piece.text, named.splitter) == piece.lengths, "\(name): \(piece.text.debugDescription)")
                }
            }
        }
    }

    @Test("bytes that are no UTF-8 are cut too, without reading beyond the end")
    func invalidBytes() throws {
        var generator = SeededGenerator(seed: 5)
        for name in GGUFPreTokenizer.names {
            let splitter = try GGUFPreTokenizer(name).splitter
            for _ in 0..<100 {
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
        expectError(.unsupportedModel, containing: "“no-such”") { try GGUFPreTokenizer("no-such") }
    }
}
