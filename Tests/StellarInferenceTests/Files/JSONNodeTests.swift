import StellarInference
import Testing

@Suite("JSON files of models")
struct JSONNodeTests {
    private func parse(_ bytes: some Collection<UInt8>) throws -> JSONNode {
        // Ends at a page that can't be read.
        let file = try FileBytes.guarded(bytes, name: "x.json")
        return try JSONNode(parsing: file.buffer, name: "x.json")
    }

    private func parse(_ text: String) throws -> JSONNode { try parse(Array(text.utf8)) }

    @Test("every kind of value is read")
    func values() throws {
        let node = try parse(" {\"a\": [1, -2, 2.5, 1e3, true, false, null, \"x\"], \"b\" : {} , \"c\":[]}\n")
        #expect(
            node["a"]
                == .array([.integer(1), .integer(-2), .number(2.5), .number(1000), .bool(true), .bool(false), .null, .string("x")])
        )
        #expect(node["b"] == .object(JSONObject()))
        #expect(node["c"] == .array([]))
        #expect(node["d"] == nil)
        #expect(node["a"]?["x"] == nil)
        #expect(node.object?.map(\.key) == ["a", "b", "c"])
    }

    @Test("values are handed out as their kind only, integers also as floating-point numbers")
    func accessors() {
        #expect(JSONNode.integer(3).double == 3)
        #expect(JSONNode.integer(3).integer == 3)
        #expect(JSONNode.number(3).integer == nil)
        #expect(JSONNode.number(3).double == 3)
        #expect(JSONNode.bool(true).integer == nil)
        #expect(JSONNode.bool(true).bool == true)
        #expect(JSONNode.null.isNull && !JSONNode.bool(false).isNull)
        #expect(JSONNode.string("a").string == "a")
        #expect(JSONNode.null.string == nil && JSONNode.null.array == nil && JSONNode.null.object == nil && JSONNode.null.bool == nil)
    }

    @Test("integers are exact up to 64 bits, larger ones become floating-point numbers")
    func numbers() throws {
        #expect(try parse("9223372036854775807") == .integer(.max))
        #expect(try parse("-9223372036854775808") == .integer(.min))
        #expect(try parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
        #expect(try parse("0.1") == .number(0.1))
        #expect(try parse("-0") == .integer(0))
        #expect(try parse("1E-2") == .number(0.01))
        expectError(.invalidModelFile, containing: "out of range (byte 1,") { try parse("[1e999]") }
    }

    @Test("escapes stand for their characters, lone surrogates for U+FFFD")
    func escapes() throws {
        #expect(try parse(#""\"\\\/\b\f\n\r\t""#).string?.unicodeScalars.map(\.value) == [34, 92, 47, 8, 12, 10, 13, 9])
        #expect(try parse(#""a\u00e9\u4E2d\ud83d\ude00z""#) == .string("aé中😀z"))
        #expect(try parse(#""\ud800""#) == .string("\u{FFFD}"))
        #expect(try parse(#""\udc00x""#) == .string("\u{FFFD}x"))
        #expect(try parse(#""\ud800\n""#) == .string("\u{FFFD}\n"))
        #expect(try parse(#""\ud800\u0041""#) == .string("\u{FFFD}A"))
        #expect(try parse(#""\ud800\ud83d\ude00""#) == .string("\u{FFFD}😀"))
        #expect(try parse(#""\u0000""#).string?.utf8.count == 1)
    }

    @Test("of equal keys the last one counts, in small and in large objects; equal means the same bytes")
    func keys() throws {
        let small = try parse(#"{"a":1,"b":2,"a":3}"#)
        #expect(small.object?.map(\.key) == ["a", "b"])
        #expect(small["a"] == .integer(3))
        let members = (0..<5000).map { "\"k\($0 % 4000)\":\($0)" }.joined(separator: ",")
        let large = try parse("{\(members),\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(large.object?.count == 4002)
        for number in 0..<4000 { #expect(large["k\(number)"] == .integer(number < 1000 ? number + 4000 : number)) }
        #expect(large["\u{E9}"] == .integer(1))
        #expect(large["e\u{301}"] == .integer(2))
        #expect(large["k4000"] == nil)
    }

    @Test(
        "what is not JSON is refused with the place",
        arguments: [
            ("", "ends too early (byte 0"), ("[1,]", "value was expected (byte 3"), ("{\"a\" 1}", "colon was expected (byte 5"),
            ("[1 2]", "comma or a closing bracket was expected (byte 3"), ("{a:1}", "key in double quotes was expected (byte 1"),
            ("\"a", "has no end (byte 2"), ("\"\\", "has no end (byte 2"), ("\"\\x\"", "no such escape in JSON strings (byte 2"),
            ("\"\\u12g4\"", "hexadecimal digits were expected (byte 5"), ("\"\\u12", "hexadecimal digits were expected (byte 5"),
            ("\"\n\"", "must be escaped (byte 1"), ("01", "more after the end of the document (byte 1"),
            ("1.", "digit was expected (byte 2"),
            ("-", "digit was expected (byte 1"), ("1e+", "digit was expected (byte 3"), ("+1", "value was expected (byte 0"),
            ("tru", "value was expected"), ("nul", "value was expected"), ("{} x", "(byte 3, line 1, column 4)"),
            ("[\n1,\n ?]", "(byte 6, line 3, column 2)"), ("[1", "closing bracket was expected (byte 2"), ("NaN", "value was expected"),
            ("\u{FEFF}1", "value was expected (byte 0"),
        ]
    )
    func malformed(text: String, message: String) {
        expectError(.invalidModelFile, containing: message) { try parse(text) }
        expectError(.invalidModelFile, containing: "x.json is not valid JSON") { try parse(text) }
    }

    @Test("strings that are no UTF-8 are refused")
    func invalidUTF8() {
        for bytes: [UInt8] in [[0x80], [0xC3], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC0, 0x80]] {
            expectError(.invalidModelFile, containing: "not valid UTF-8 (byte 2") { try parse([0x5B, 0x22] + bytes + [0x22, 0x5D]) }
        }
    }

    @Test("nesting is bounded")
    func nesting() throws {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        _ = try parse(nested(256))
        expectError(.invalidModelFile, containing: "nested deeper than 256") { try parse(nested(257)) }
        expectError(.invalidModelFile, containing: "nested deeper than 256") { try parse(String(repeating: "{\"a\":", count: 100_000)) }
        expectError(.invalidModelFile, containing: "nested deeper than 256") { try parse(String(repeating: "[[],", count: 100_000)) }
    }

    @Test("damaged documents give a value or an error", arguments: 0..<8)
    func damage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let original = Array(#"{"a":[1,-2.5e3,"é\ud83d\ude00\n",{"b":null,"b":true}],"vocab":{"x":0,"Ġ":1,"中":2},"f":false}"#.utf8)
        let alphabet = Array("{}[]\",:\\u0123456789eE+-.truefalsn \n\u{E9}".utf8) + [0xFF, 0x80, 0]
        var accepted = 0
        for _ in 0..<2000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: place)
                case 2: bytes[place] = alphabet.randomElement(using: &generator) ?? 0
                default: bytes.removeLast(min(bytes.count - 1, Int.random(in: 0..<20, using: &generator)))
                }
            }
            do {
                _ = try parse(bytes)
                accepted += 1
            } catch let error as InferenceError {
                #expect(error.code == .invalidModelFile)
            }
        }
        #expect(accepted > 0)
    }
}
