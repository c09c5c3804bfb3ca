import StellarInference
import Testing

@Suite("Random chat templates")
struct ChatTemplateFuzzTests {
    /// SplitMix64 (Steele, Lea and Flood 2014).
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    static let pieces = [
        "{{", "}}", "{%", "%}", "{#", "#}", "{{-", "-}}", "{%-", "-%}", "+%}", " if ", " elif ", " else ", " endif ", " for ", " in ",
        " endfor ", " set ",
        " endset ", " macro ", " endmacro ", " call ", " endcall ", " filter ", " endfilter ", " raw ", " endraw ", " break ", " continue ",
        " with ", " is ",
        " not ", " and ", " or ", "x", "y", "loop", "messages", "m", "ns", "namespace(a=1)", "(", ")", "[", "]", "{", "}", ":", ",", ".",
        "|", "~", "+", "-",
        "*", "**", "/", "//", "%", "==", "<", ">=", "=", "'s'", "\"t\"", "'", "\"", "\\", "0", "1", "-1", "2.5", "1e9",
        "99999999999999999999", "none", "true",
        "upper", "length", "join", "map", "select", "tojson", "sort", "batch(2)", "first", "items()", "split('')", "format(1)", "é", "世界",
        "\u{0}", "\n",
        "  ", "range(3)", "'%s'", "'{}'", "[::-1]", "[1:]", "loop.index", "caller()", "recursive", "defined", "string",
        "raise_exception('x')",
    ]

    private func outcome(_ source: String) -> Bool {
        let members: [TemplateValue.Member] = [
            .init("messages", .array([.message(role: "user", content: "héllo")])), .init("x", .string("a b c")),
            .init("y", .array([.integer(1), .null])),
        ]
        do {
            let prompt = try ChatTemplate(source: source, bosToken: "<s>", eosToken: nil).render(members)
            return prompt.dataRanges.allSatisfy { $0.upperBound <= prompt.text.utf8.count }
        } catch {
            return error.code == .invalidTemplate || error.code == .templateRejected
        }
    }

    @Test("piles of template pieces end in a text or an error", arguments: [UInt64(1), 2, 3, 4])
    func pieces(seed: UInt64) {
        var generator = Generator(state: seed)
        for _ in 0..<2000 {
            let source = (0..<Int.random(in: 1...30, using: &generator)).map { _ in Self.pieces.randomElement(using: &generator) ?? "" }
                .joined()
            #expect(outcome(source), "\(source.debugDescription)")
            #expect(outcome("{{ " + source + " }}"), "\(source.debugDescription)")
        }
    }

    @Test("mutations of real templates end in a text or an error", arguments: [UInt64(5), 6])
    func mutations(seed: UInt64) throws {
        let sources = try JinjaReference.shared.get().templates.values.sorted().map { Array($0.utf8) }
        var generator = Generator(state: seed)
        for _ in 0..<1500 {
            guard var bytes = sources.randomElement(using: &generator) else { return }
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let start = Int.random(in: 0..<bytes.count, using: &generator)
                let end = min(bytes.count, start + Int.random(in: 0...12, using: &generator))
                let piece = Self.pieces.randomElement(using: &generator) ?? ""
                bytes.replaceSubrange(
                    start..<end,
                    with: Bool.random(using: &generator) ? Array(piece.utf8) : [UInt8.random(in: 0...255, using: &generator)]
                )
                if bytes.isEmpty { break }
            }
            let source = String(decoding: bytes, as: UTF8.self)
            #expect(outcome(source), "\(source.debugDescription)")
        }
    }
}
