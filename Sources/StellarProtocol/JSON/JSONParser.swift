/// Reads one JSON document (RFC 8259) from UTF-8 bytes, strictly.
///
/// Our own because of what Foundation's `JSONDecoder` does: it loses the order of an object's keys, which chat templates show to the model;
/// it does not say which field holds a number that is out of range; and it traps on a document of exactly 512 opening brackets.
struct JSONParser {
    /// Deepest nesting of arrays and objects; bounds the recursion.
    static let maxDepth = 256

    private let bytes: [UInt8]
    private var position = 0
    /// Where the value being read stands.
    private var path: [any CodingKey] = []

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// - Throws: ``APIError`` 400 that says what is wrong and where.
    static func parse(_ bytes: [UInt8]) throws(APIError) -> JSONValue {
        var parser = JSONParser(bytes)
        parser.skipWhitespace()
        let value = try parser.value()
        parser.skipWhitespace()
        guard parser.position == bytes.count else { throw parser.malformed("there is more after the end of the document") }
        return value
    }

    // MARK: Values

    private mutating func value() throws(APIError) -> JSONValue {
        switch peek() {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"): return try number()
        case let byte? where isDigit(byte): return try number()
        case nil: throw malformed("it ends too early")
        default: throw malformed("a value was expected")
        }
    }

    private mutating func object() throws(APIError) -> JSONValue {
        var members: [JSONValue.Member] = []
        guard try !open(closing: UInt8(ascii: "}")) else { return .object([]) }
        repeat {
            skipWhitespace()
            guard peek() == UInt8(ascii: "\"") else { throw malformed("a key in double quotes was expected") }
            let key = try string()
            skipWhitespace()
            guard take(UInt8(ascii: ":")) else { throw malformed("a colon was expected") }
            skipWhitespace()
            path.append(AnyCodingKey(key))
            members.append(JSONValue.Member(key, try value()))
            path.removeLast()
        } while try goesOn(closing: UInt8(ascii: "}"))
        return .object(members)
    }

    private mutating func array() throws(APIError) -> JSONValue {
        var values: [JSONValue] = []
        guard try !open(closing: UInt8(ascii: "]")) else { return .array([]) }
        repeat {
            skipWhitespace()
            path.append(AnyCodingKey(intValue: values.count))
            values.append(try value())
            path.removeLast()
        } while try goesOn(closing: UInt8(ascii: "]"))
        return .array(values)
    }

    /// Takes the opening bracket, and the closing one if nothing stands between them. Returns whether it did.
    private mutating func open(closing: UInt8) throws(APIError) -> Bool {
        guard path.count < Self.maxDepth else {
            throw .invalidRequest("The request body is nested deeper than \(Self.maxDepth) levels.")
        }
        position += 1
        skipWhitespace()
        return take(closing)
    }

    /// After an element: whether another one follows.
    private mutating func goesOn(closing: UInt8) throws(APIError) -> Bool {
        skipWhitespace()
        if take(UInt8(ascii: ",")) { return true }
        guard take(closing) else { throw malformed("a comma or a closing bracket was expected") }
        return false
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(APIError) -> JSONValue {
        let isThere = text.withUTF8Buffer { bytes[position...].starts(with: $0) }
        guard isThere else { throw malformed("a value was expected") }
        position += text.utf8CodeUnitCount
        return value
    }

    // MARK: Numbers

    private mutating func number() throws(APIError) -> JSONValue {
        let start = position
        let isInteger = try scanNumber()
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            let name = APIError.fieldPath(path)
            throw .invalidRequest("Invalid value for '\(name)': the number is out of range.", param: name, code: "invalid_value")
        }
        return .number(value)
    }

    /// Moves over a number and returns whether it has neither fraction nor exponent.
    private mutating func scanNumber() throws(APIError) -> Bool {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            try digits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return isInteger
    }

    private mutating func digits() throws(APIError) {
        let start = position
        while let byte = peek(), isDigit(byte) { position += 1 }
        guard position > start else { throw malformed("a digit was expected") }
    }

    // MARK: Strings

    private mutating func string() throws(APIError) -> String {
        position += 1
        var start = position
        var unescaped: [UInt8] = []
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                let rest = bytes[start..<position]
                position += 1
                guard !unescaped.isEmpty else { return try utf8(rest) }
                unescaped += rest
                return try utf8(unescaped[...])
            case UInt8(ascii: "\\"):
                unescaped += bytes[start..<position]
                position += 1
                unescaped += try escape()
                start = position
            case 0..<0x20: throw malformed("a control character in a string must be escaped")
            default: position += 1
            }
        }
        throw malformed("a string has no end")
    }

    private func utf8(_ slice: ArraySlice<UInt8>) throws(APIError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw .invalidRequest("The request body is not valid UTF-8.")
        }
        return text
    }

    /// The bytes that an escape stands for; the backslash has been taken.
    private mutating func escape() throws(APIError) -> [UInt8] {
        guard let byte = peek() else { throw malformed("a string has no end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(String(try escapedScalar()).utf8)
        default: throw malformed("there is no such escape in JSON strings")
        }
    }

    /// The scalar of `XXXX`, or of a surrogate pair `XXXX\uXXXX`.
    private mutating func escapedScalar() throws(APIError) -> Character {
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return Character(scalar) }
        if first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
            let second = try fourHexDigits()
            if (0xDC00...0xDFFF).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            {
                return Character(scalar)
            }
        }
        throw malformed("a surrogate stands alone")
    }

    private mutating func fourHexDigits() throws(APIError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw malformed("four hexadecimal digits were expected")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    // MARK: Bytes

    private func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0") <= byte && byte <= UInt8(ascii: "9")
    }

    private func peek() -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipWhitespace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func malformed(_ reason: String) -> APIError {
        let before = bytes[..<min(position, bytes.count)]
        let line = before.count { $0 == 0x0A } + 1
        let column = before.count - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
        return .invalidRequest("The request body is not valid JSON: \(reason) (line \(line), column \(column)).")
    }
}
