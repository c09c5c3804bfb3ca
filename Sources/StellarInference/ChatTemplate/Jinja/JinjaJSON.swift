/// Python's `json.dumps`, as the `tojson` filter of chat templates uses it: no escaping for HTML.
struct JinjaJSONWriter {
    var ensuresASCII = false
    /// `nil`: all on one line.
    var indent: JinjaString?
    var sortsKeys = false
    var itemSeparator: JinjaString
    var keySeparator: JinjaString
    private let interpreter: JinjaInterpreter
    private var result = JinjaString()
    private var hasData = false

    init(indent: JinjaString?, _ interpreter: JinjaInterpreter) {
        self.indent = indent
        self.interpreter = interpreter
        itemSeparator = JinjaString(indent == nil ? ", " : ",")
        keySeparator = JinjaString(": ")
    }

    /// - Throws: ``JinjaError`` for values that JSON can't hold.
    mutating func write(_ value: JinjaValue) throws -> JinjaString {
        try append(value, level: 0)
        return JinjaString(bytes: result.bytes, isData: hasData)
    }

    private mutating func emit(_ text: JinjaString) throws {
        try interpreter.charge(1 + text.count / 32)
        guard result.count + text.count <= interpreter.limits.stringBytes else { throw JinjaError("the template makes too long a text") }
        result.append(text)
    }

    private mutating func emit(_ text: String) throws { try emit(JinjaString(text)) }

    private mutating func append(_ value: JinjaValue, level: Int) throws {
        switch value {
        case .none: try emit("null")
        case .bool(let flag): try emit(flag ? "true" : "false")
        case .integer(let number): try emit(String(number))
        case .double(let number): try emit(Self.text(of: number))
        case .string(let text): try append(text)
        case .list(let list), .tuple(let list): try append(list.items, level: level)
        case .dictionary(let dictionary): try append(dictionary, level: level)
        default: throw JinjaError("Object of type \(value.typeName) is not JSON serializable")
        }
    }

    private static func text(of number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        return JinjaPrinter.text(of: number)
    }

    private mutating func append(_ items: [JinjaValue], level: Int) throws {
        if items.isEmpty { return try emit("[]") }
        try emit("[")
        for (index, item) in items.enumerated() {
            try beginItem(index, level: level + 1)
            try append(item, level: level + 1)
        }
        try breakLine(level: level)
        try emit("]")
    }

    private mutating func append(_ dictionary: JinjaDictionary, level: Int) throws {
        if dictionary.entries.isEmpty { return try emit("{}") }
        try emit("{")
        for (index, entry) in try sorted(dictionary.entries).enumerated() {
            try beginItem(index, level: level + 1)
            try append(try Self.keyText(entry.key))
            try emit(keySeparator)
            try append(entry.value, level: level + 1)
        }
        try breakLine(level: level)
        try emit("}")
    }

    private func sorted(_ entries: [(key: JinjaValue, value: JinjaValue)]) throws -> [(key: JinjaValue, value: JinjaValue)] {
        sortsKeys ? try entries.sorted { try $0.key.isLess(than: $1.key) } : entries
    }

    private static func keyText(_ key: JinjaValue) throws -> JinjaString {
        switch key {
        case .string(let text): return text
        case .none: return JinjaString("null")
        case .bool(let flag): return JinjaString(flag ? "true" : "false")
        case .integer(let number): return JinjaString(String(number))
        case .double(let number): return JinjaString(text(of: number))
        default: throw JinjaError("keys must be str, int, float, bool or None, not \(key.typeName)")
        }
    }

    private mutating func beginItem(_ index: Int, level: Int) throws {
        if index > 0 { try emit(itemSeparator) }
        try breakLine(level: level)
    }

    private mutating func breakLine(level: Int) throws {
        guard let indent else { return }
        try emit("\n")
        for _ in 0..<level { try emit(indent) }
    }

    private mutating func append(_ text: JinjaString) throws {
        hasData = hasData || text.hasData
        var escaped: [UInt8] = [UInt8(ascii: "\"")]
        escaped.reserveCapacity(text.count + 2)
        for byte in text.bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): escaped += [UInt8(ascii: "\\"), byte]
            case 0x0A: escaped += Array("\\n".utf8)
            case 0x0D: escaped += Array("\\r".utf8)
            case 0x09: escaped += Array("\\t".utf8)
            case 0x08: escaped += Array("\\b".utf8)
            case 0x0C: escaped += Array("\\f".utf8)
            case 0..<0x20: escaped += Array(Self.escape(UInt16(byte)).utf8)
            case 0x7F: escaped.append(byte)
            default: escaped.append(byte)
            }
        }
        escaped.append(UInt8(ascii: "\""))
        try emit(JinjaString(bytes: ensuresASCII ? Self.escapingNonASCII(escaped) : escaped))
    }

    private static func escapingNonASCII(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for unit in String(decoding: bytes, as: UTF8.self).utf16 {
            if unit < 0x80 { result.append(UInt8(unit)) } else { result += Array(escape(unit).utf8) }
        }
        return result
    }

    private static func escape(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}

/// Reads JSON text into values, for the `from_json` filter. Text in it is data if any of the source is.
struct JinjaJSONReader {
    private let bytes: [UInt8]
    private let isData: Bool
    private var position = 0

    static func read(_ text: JinjaString) throws -> JinjaValue {
        var reader = JinjaJSONReader(bytes: text.bytes, isData: text.hasData)
        let value = try reader.readValue(depth: 0)
        reader.skipSpace()
        guard reader.position == reader.bytes.count else { throw reader.error }
        return value
    }

    private init(bytes: [UInt8], isData: Bool) {
        self.bytes = bytes
        self.isData = isData
    }

    private var error: JinjaError { JinjaError("invalid JSON at byte \(position)") }
    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private mutating func skip(_ text: String) -> Bool {
        guard bytes[position...].starts(with: text.utf8) else { return false }
        position += text.utf8.count
        return true
    }

    private mutating func readValue(depth: Int) throws -> JinjaValue {
        guard depth < JinjaLimits.valueDepth else { throw JinjaError("the JSON is nested too deeply") }
        skipSpace()
        if skip("null") { return .none }
        if skip("true") { return .bool(true) }
        if skip("false") { return .bool(false) }
        if skip("[") { return try readArray(depth: depth) }
        if skip("{") { return try readObject(depth: depth) }
        if current == UInt8(ascii: "\"") { return .string(try readString()) }
        return try readNumber()
    }

    private mutating func readArray(depth: Int) throws -> JinjaValue {
        var items: [JinjaValue] = []
        skipSpace()
        if skip("]") { return try .list(items) }
        while true {
            items.append(try readValue(depth: depth + 1))
            skipSpace()
            if skip("]") { return try .list(items) }
            guard skip(",") else { throw error }
        }
    }

    private mutating func readObject(depth: Int) throws -> JinjaValue {
        var entries: [(key: JinjaValue, value: JinjaValue)] = []
        skipSpace()
        if skip("}") { return .dictionary(try JinjaDictionary(entries)) }
        while true {
            skipSpace()
            let key = try readString()
            skipSpace()
            guard skip(":") else { throw error }
            entries.append((key: .string(key), value: try readValue(depth: depth + 1)))
            skipSpace()
            if skip("}") { return .dictionary(try JinjaDictionary(entries)) }
            guard skip(",") else { throw error }
        }
    }

    private mutating func readNumber() throws -> JinjaValue {
        let start = position
        while let byte = current, "+-0123456789.eE".utf8.contains(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let number = Int(text), !text.hasPrefix("+") { return .integer(number) }
        guard let number = Double(text), text.first?.isNumber == true || text.hasPrefix("-") else { throw error }
        return .double(number)
    }

    private mutating func readString() throws -> JinjaString {
        guard skip("\"") else { throw error }
        var units: [UInt8] = []
        while let byte = current, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw error }
            position += 1
            if byte == UInt8(ascii: "\\") { try readEscape(into: &units) } else { units.append(byte) }
        }
        guard skip("\"") else { throw error }
        return JinjaString(bytes: units, isData: isData)
    }

    private mutating func readEscape(into units: inout [UInt8]) throws {
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "/"): 0x2F, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12,
            UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
        ]
        guard let letter = current else { throw error }
        if let value = simple[letter] {
            position += 1
            units.append(value)
            return
        }
        var utf16 = [try readUnit()]
        if 0xD800...0xDBFF ~= utf16[0], bytes[position...].starts(with: "\\u".utf8) {
            position += 1
            utf16.append(try readUnit())
        }
        units += Array(String(decoding: utf16, as: UTF16.self).utf8)
    }

    private mutating func readUnit() throws -> UInt16 {
        guard skip("u"), position + 4 <= bytes.count else { throw error }
        guard let unit = UInt16(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16) else { throw error }
        position += 4
        return unit
    }
}
