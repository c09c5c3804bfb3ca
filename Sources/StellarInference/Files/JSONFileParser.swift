/// Reads a JSON file of a model; see ``JSONNode/init(parsing:name:)``.
///
/// Our own because Foundation's decoder traps on some documents, and because tokenizers are large: this one reads tens of megabytes a
/// second without holding more than the values themselves.
struct JSONFileParser {
    /// Deepest nesting of arrays and objects; bounds the recursion.
    static let maxDepth = 256

    private let bytes: UnsafeBufferPointer<UInt8>
    private let name: String
    private var position = 0
    private var depth = 0
    /// The bytes of a string that has escapes.
    private var unescaped: [UInt8] = []

    static func parse(_ bytes: UnsafeRawBufferPointer, name: String) throws(InferenceError) -> JSONNode {
        var parser = JSONFileParser(bytes: bytes.bindMemory(to: UInt8.self), name: name)
        // Places of members are 32 bits wide.
        guard bytes.count <= Int(Int32.max) else { throw parser.malformed("it is larger than 2 GiB") }
        parser.skipWhitespace()
        let value = try parser.value()
        parser.skipWhitespace()
        guard parser.position == bytes.count else { throw parser.malformed("there is more after the end of the document") }
        return value
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, name: String) {
        self.bytes = bytes
        self.name = name
    }

    // MARK: Values

    private mutating func value() throws(InferenceError) -> JSONNode {
        switch peek() {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "-"): return try number()
        case let byte? where UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte: return try number()
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case nil: throw malformed("it ends too early")
        default: throw malformed("a value was expected")
        }
    }

    private mutating func object() throws(InferenceError) -> JSONNode {
        var members = JSONObject()
        guard try !open(closing: UInt8(ascii: "}")) else { return .object(members) }
        repeat {
            skipWhitespace()
            guard peek() == UInt8(ascii: "\"") else { throw malformed("a key in double quotes was expected") }
            let key = try string()
            skipWhitespace()
            guard take(UInt8(ascii: ":")) else { throw malformed("a colon was expected") }
            skipWhitespace()
            members.set(key, try value())
        } while try goesOn(closing: UInt8(ascii: "}"))
        return .object(members)
    }

    private mutating func array() throws(InferenceError) -> JSONNode {
        var values: [JSONNode] = []
        guard try !open(closing: UInt8(ascii: "]")) else { return .array(values) }
        repeat {
            skipWhitespace()
            values.append(try value())
        } while try goesOn(closing: UInt8(ascii: "]"))
        return .array(values)
    }

    /// Takes the opening bracket, and the closing one if nothing stands between them. Returns whether it did.
    private mutating func open(closing: UInt8) throws(InferenceError) -> Bool {
        guard depth < Self.maxDepth else { throw malformed("it is nested deeper than \(Self.maxDepth) levels") }
        position += 1
        skipWhitespace()
        if take(closing) { return true }
        depth += 1
        return false
    }

    /// After an element: whether another one follows.
    private mutating func goesOn(closing: UInt8) throws(InferenceError) -> Bool {
        skipWhitespace()
        if take(UInt8(ascii: ",")) { return true }
        guard take(closing) else { throw malformed("a comma or a closing bracket was expected") }
        depth -= 1
        return false
    }

    private mutating func literal(_ text: StaticString, _ value: JSONNode) throws(InferenceError) -> JSONNode {
        let isThere = text.withUTF8Buffer { bytes[position...].starts(with: $0) }
        guard isThere else { throw malformed("a value was expected") }
        position += text.utf8CodeUnitCount
        return value
    }

    // MARK: Numbers

    private mutating func number() throws(InferenceError) -> JSONNode {
        let start = position
        let isInteger = try scanNumber()
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            position = start
            throw malformed("a number is out of range")
        }
        return .number(value)
    }

    /// Moves over a number and returns whether it has neither fraction nor exponent.
    private mutating func scanNumber() throws(InferenceError) -> Bool {
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

    private mutating func digits() throws(InferenceError) {
        let start = position
        while let byte = peek(), UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
        guard position > start else { throw malformed("a digit was expected") }
    }

    // MARK: Strings

    private mutating func string() throws(InferenceError) -> String {
        position += 1
        var start = position
        unescaped.removeAll(keepingCapacity: true)
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let rest = UnsafeBufferPointer(rebasing: bytes[start..<position])
                position += 1
                if unescaped.isEmpty { return try text(rest, from: start) }
                unescaped += rest
                return try text(unescaped, from: start)
            case UInt8(ascii: "\\"):
                unescaped += bytes[start..<position]
                position += 1
                try escape()
                start = position
            case 0..<0x20: throw malformed("a control character in a string must be escaped")
            default: position += 1
            }
        }
        throw malformed("a string has no end")
    }

    private func text(_ utf8: some Collection<UInt8>, from start: Int) throws(InferenceError) -> String {
        if let text = String(validating: utf8, as: UTF8.self) { return text }
        var parser = self
        parser.position = start
        throw parser.malformed("a string is not valid UTF-8")
    }

    /// Adds what an escape stands for; the backslash has been taken.
    private mutating func escape() throws(InferenceError) {
        guard let byte = peek() else { throw malformed("a string has no end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"): unescaped += UTF8.encode(try escapedScalar()) ?? UTF8.encodedReplacementCharacter
        default:
            position -= 1
            throw malformed("there is no such escape in JSON strings")
        }
    }

    /// The scalar of `XXXX`, or of a surrogate pair `XXXX\uXXXX`; U+FFFD for a surrogate that stands alone.
    private mutating func escapedScalar() throws(InferenceError) -> Unicode.Scalar {
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        let afterFirst = position
        if first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
            let second = try fourHexDigits()
            if 0xDC00...0xDFFF ~= second, let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) {
                return scalar
            }
        }
        position = afterFirst
        return "\u{FFFD}"
    }

    private mutating func fourHexDigits() throws(InferenceError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw malformed("four hexadecimal digits were expected")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    // MARK: Bytes

    @inline(__always)
    private func peek() -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    @inline(__always)
    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipWhitespace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func malformed(_ reason: String) -> InferenceError {
        let place = min(position, bytes.count)
        let before = bytes[..<place]
        let line = before.count { $0 == 0x0A } + 1
        let column = place - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
        return InferenceError(
            .invalidModelFile,
            "\(name) is not valid JSON: \(reason) (byte \(place), line \(line), column \(column)). Download the file again."
        )
    }
}
