import Foundation
import StellarProtocol
import Testing

@Suite("Reading JSON")
struct JSONParserTests {
    private func parse(_ json: String) throws(APIError) -> JSONValue {
        try JSONCoding.decode(JSONValue.self, from: Array(json.utf8))
    }

    @Test("Every kind of value is read, and the order of keys kept")
    func values() throws {
        #expect(
            try parse(" {\"z\" : [ 1 , -2.5e1, true,false ,null ] ,\r\n\t\"a\":{}, \"m\":[], \"\":\"\"} ")
                == .object([
                    .init("z", .array([.integer(1), .number(-25), .bool(true), .bool(false), .null])), .init("a", .object([])),
                    .init("m", .array([])), .init("", .string("")),
                ])
        )
    }

    @Test(
        "Numbers are integers where they are written as such and fit",
        arguments: [
            ("0", JSONValue.integer(0)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
            ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(0x1p63)), ("1.0", .number(1)), ("1E+2", .number(100)), ("1e-2", .number(0.01)),
            ("1e-400", .number(0)),
        ]
    )
    func numbers(_ json: String, _ value: JSONValue) throws {
        #expect(try parse(json) == value)
    }

    @Test(
        "Escapes become the characters that they stand for",
        arguments: [
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0000\u00e9\u4F60\uFFFF""#, "\0é你\u{FFFF}"),
            (#""\ud83d\ude00x""#, "😀x"),
            (#""\uD800\uDC00\uDBFF\uDFFF""#, "\u{10000}\u{10FFFF}"), (#""a\u0301""#, "a\u{301}"), (#""é\né""#, "é\né"),
        ]
    )
    func escapes(_ json: String, _ text: String) throws {
        let string = try #require(try parse(json).string)
        #expect(Array(string.utf8) == Array(text.utf8))
    }

    @Test(
        "What is not JSON is refused",
        arguments: [
            "tru", "True", "nul", "+1", "01", "-", "1.", ".5", "1e", "1e+", "0x10", "NaN", "Infinity", "-Infinity", "[1,]", "[,1]", "[1 2]",
            "[",
            "]", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}", "{\"a\":1 \"b\":2}", "\"", "\"\\\"", #""\u12""#,
            #""\u12G4""#,
            #""\uD800""#, #""\uD800\n""#, #""\uD800\u0041""#, #""\uDC00""#, #""\a""#, "\"\t\"", "1 2", "[]]", "// c", "/* */1", "1 // c",
        ]
    )
    func malformed(_ json: String) {
        #expect {
            try parse(json)
        } throws: {
            ($0 as? APIError)?.message.contains("not valid JSON") == true
        }
    }

    @Test("An error says in which line and column")
    func position() {
        #expect {
            try parse("{\n  \"a\": 1,\n  b\n}")
        } throws: {
            ($0 as? APIError)?.message.hasSuffix("(line 3, column 3).") == true
        }
    }

    @Test("A number that no double can hold is refused with its place")
    func hugeNumbers() {
        #expect {
            try parse(#"{"a":[0,{"b":-1e999}]}"#)
        } throws: {
            ($0 as? APIError)?.param == "a[1].b"
        }
    }

    @Test("Random documents are read as Foundation wrote them")
    func randomDocuments() throws {
        var generator = SeededGenerator(state: 7)
        for _ in 0..<2000 {
            let value = randomValue(depth: 4, &generator)
            for formatting: JSONEncoder.OutputFormatting in [.sortedKeys, [.sortedKeys, .prettyPrinted]] {
                let encoder = JSONEncoder()
                encoder.outputFormatting = formatting
                #expect(try JSONCoding.decode(JSONValue.self, from: try encoder.encode(value)) == value)
            }
        }
    }

    @Test("Values also decode with Foundation's decoder, members sorted by key")
    func foundation() throws {
        let json = Data(#"{"b":[1,2.5,null,true,"x"],"a":{}}"#.utf8)
        let value = JSONValue.object([
            .init("a", .object([])), .init("b", .array([.integer(1), .number(2.5), .null, .bool(true), .string("x")])),
        ])
        #expect(try JSONDecoder().decode(JSONValue.self, from: json) == value)
    }

    private func randomValue(depth: Int, _ generator: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &generator) {
        case 0: return .null
        case 1: return .bool(.random(using: &generator))
        case 2: return .integer(.random(in: .min ... .max, using: &generator))
        case 3: return .number(.random(in: -1e9...1e9, using: &generator) + 0.5e-3)
        case 4: return .string(randomText(&generator))
        case 5: return .array((0..<Int.random(in: 0..<5, using: &generator)).map { _ in randomValue(depth: depth - 1, &generator) })
        default:
            let members = (0..<Int.random(in: 0..<5, using: &generator)).map { index in
                JSONValue.Member("k\(index)", randomValue(depth: depth - 1, &generator))
            }
            return .object(members)
        }
    }

    private func randomText(_ generator: inout SeededGenerator) -> String {
        let alphabet: [Unicode.Scalar] = [
            "a", "\"", "\\", "/", "\n", "\0", "\u{1F}", "\u{7F}", "é", "你", "😀", "\u{2028}", "\u{FFFD}", "\u{301}",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0..<12, using: &generator) {
            text.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
        }
        return String(text)
    }
}

/// SplitMix64: the same sequence each time.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
