/// Python's `str.format`: fields by position or name, with attributes, items, conversions and format specifications.
enum JinjaBraceFormat {
    static func apply(_ format: JinjaString, _ arguments: JinjaArguments, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        var formatter = Formatter(arguments: arguments, interpreter: interpreter)
        return try formatter.run(format, depth: 2)
    }

    private struct Formatter {
        let arguments: JinjaArguments
        let interpreter: JinjaInterpreter
        /// `nil` once fields are numbered by hand.
        var nextIndex: Int? = 0

        mutating func run(_ format: JinjaString, depth: Int) throws -> JinjaString {
            guard depth > 0 else { throw JinjaError("Max string recursion exceeded") }
            var result = JinjaString()
            var position = 0
            while position < format.count {
                let start = position
                while position < format.count, !isBrace(format.bytes[position]) { position += 1 }
                let piece = format[start..<position]
                try interpreter.charge(bytes: result.count + piece.count)
                result.append(piece)
                guard position < format.count else { break }
                if position + 1 < format.count, format.bytes[position + 1] == format.bytes[position] {
                    result.append(format[position..<position + 1])
                    position += 2
                    continue
                }
                guard format.bytes[position] == UInt8(ascii: "{") else { throw JinjaError("Single '}' encountered in format string") }
                let end = try fieldEnd(format, from: position + 1)
                let field = try expand(format[position + 1..<end], depth: depth)
                try interpreter.charge(bytes: result.count + field.count)
                result.append(field)
                position = end + 1
            }
            return result
        }

        private func isBrace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") }

        private func fieldEnd(_ format: JinjaString, from start: Int) throws -> Int {
            var depth = 1
            for index in start..<format.count {
                if format.bytes[index] == UInt8(ascii: "{") { depth += 1 }
                if format.bytes[index] == UInt8(ascii: "}") { depth -= 1 }
                if depth == 0 { return index }
            }
            throw JinjaError("expected '}' before end of string")
        }

        /// `name!conversion:specification`.
        private mutating func expand(_ field: JinjaString, depth: Int) throws -> JinjaString {
            var name = field
            var spec = JinjaString()
            if let colon = field.bytes.firstIndex(of: UInt8(ascii: ":")) {
                name = field[0..<colon]
                spec = field[colon + 1..<field.count]
            }
            var conversion: UInt8?
            if let mark = name.bytes.firstIndex(of: UInt8(ascii: "!")) {
                guard mark + 2 == name.count else { throw JinjaError("expected ':' after conversion specifier") }
                conversion = name.bytes[mark + 1]
                name = name[0..<mark]
            }
            var value = try lookUp(name.text)
            if let conversion { value = try convert(value, conversion) }
            return try JinjaFormatSpec(try run(spec, depth: depth - 1).text).format(value, interpreter)
        }

        private func convert(_ value: JinjaValue, _ conversion: UInt8) throws -> JinjaValue {
            switch Unicode.Scalar(conversion) {
            case "s": return .string(try JinjaPrinter.string(value, interpreter))
            case "r", "a": return .string(try JinjaPrinter.repr(value, interpreter))
            default: throw JinjaError("Unknown conversion specifier")
            }
        }

        private mutating func lookUp(_ path: String) throws -> JinjaValue {
            let head = path.prefix { $0 != "." && $0 != "[" }
            var rest = path[head.endIndex...]
            var value = try argument(String(head))
            while let first = rest.popFirst() {
                if first == "." {
                    let name = rest.prefix { $0 != "." && $0 != "[" }
                    rest = rest[name.endIndex...]
                    value = try JinjaMethods.attribute(String(name), of: value, interpreter)
                } else {
                    guard let end = rest.firstIndex(of: "]") else { throw JinjaError("Missing ']' in format string") }
                    let key = String(rest[..<end])
                    rest = rest[rest.index(after: end)...]
                    value = try JinjaMethods.item(Int(key).map { .integer($0) } ?? .string(key), of: value, interpreter)
                }
                if case .undefined(let undefined) = value { throw JinjaError(undefined.message) }
            }
            return value
        }

        private mutating func argument(_ name: String) throws -> JinjaValue {
            if name.isEmpty {
                guard let index = nextIndex else {
                    throw JinjaError("cannot switch from manual field specification to automatic field numbering")
                }
                nextIndex = index + 1
                return try positional(index)
            }
            if let index = Int(name) {
                guard nextIndex == nil || nextIndex == 0 else {
                    throw JinjaError("cannot switch from automatic field numbering to manual field specification")
                }
                nextIndex = nil
                return try positional(index)
            }
            return try arguments.named.first { $0.name == name }.orThrow("the format names '\(name)', which is not given").value
        }

        private func positional(_ index: Int) throws -> JinjaValue {
            guard arguments.positional.indices.contains(index) else {
                throw JinjaError("Replacement index \(index) out of range for positional args tuple")
            }
            return arguments.positional[index]
        }
    }
}

/// Python's format specification mini-language, `[[fill]align][sign][#][0][width][,][.precision][type]`.
struct JinjaFormatSpec {
    private var fill = "0"
    private var alignment: Character?
    private var grouping: String?
    private var type: Character?
    private var numbers = JinjaNumberFormat()

    init(_ text: String) throws {
        var rest = Substring(text)
        fill = " "
        if let second = rest.dropFirst().first, "<>=^".contains(second) {
            fill = String(rest.removeFirst())
            alignment = rest.removeFirst()
        } else if let first = rest.first, "<>=^".contains(first) {
            alignment = rest.removeFirst()
        }
        if let sign = rest.first, "+- ".contains(sign) {
            numbers.sign = sign == "-" ? "" : String(sign)
            rest.removeFirst()
        }
        if rest.first == "#" {
            numbers.isAlternate = true
            rest.removeFirst()
        }
        if rest.first == "0" {
            rest.removeFirst()
            if alignment == nil {
                fill = "0"
                alignment = "="
            }
        }
        numbers.width = try Self.count(&rest) ?? 0
        if let mark = rest.first, mark == "," || mark == "_" { grouping = String(rest.removeFirst()) }
        if rest.first == "." {
            rest.removeFirst()
            numbers.precision = try Self.count(&rest).orThrow("Format specifier missing precision")
        }
        type = rest.popFirst()
        guard rest.isEmpty else { throw JinjaError("Invalid format specifier") }
    }

    private static func count(_ rest: inout Substring) throws -> Int? {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        rest = rest[digits.endIndex...]
        if digits.isEmpty { return nil }
        return try Int(digits).orThrow("Too many decimal digits in format string")
    }

    func format(_ value: JinjaValue, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        if case .bool = value, type == nil { return try pad(try JinjaPrinter.string(value, interpreter), "<", interpreter) }
        if case .double(let number) = value { return try pad(try text(of: number, interpreter), ">", interpreter) }
        if let number = value.asInteger {
            let isDouble = type.map { "eEfFgG%".contains($0) } == true
            return try pad(try isDouble ? text(of: Double(number), interpreter) : text(of: number, interpreter), ">", interpreter)
        }
        guard type == nil || type == "s" else { throw JinjaError("Unknown format code for object of type '\(value.typeName)'") }
        let text = try JinjaPrinter.string(value, interpreter)
        if case .string = value { return try pad(numbers.truncate(text), "<", interpreter) }
        guard numbers.width == 0, numbers.precision == nil, alignment == nil else {
            throw JinjaError("unsupported format string passed to \(value.typeName).__format__")
        }
        return text
    }

    private func text(of number: Int, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        let radixes: [Character: Int] = ["d": 10, "n": 10, "x": 16, "X": 16, "o": 8, "b": 2]
        if type == "c" {
            return JinjaString(String(try UInt32(exactly: number).flatMap(Unicode.Scalar.init).orThrow("%c arg not in range(0x110000)")))
        }
        let radix = try radixes[type ?? "d"].orThrow("Unknown format code '\(type ?? "d")' for object of type 'int'")
        guard numbers.precision == nil else { throw JinjaError("Precision not allowed in integer format specifier") }
        let prefix = numbers.isAlternate ? [16: "0x", 8: "0o", 2: "0b"][radix] ?? "" : ""
        let text = (number < 0 ? "-" : numbers.sign) + prefix + grouped(String(number.magnitude, radix: radix), size: radix == 10 ? 3 : 4)
        return JinjaString(type == "X" ? text.uppercased() : text)
    }

    private func text(of number: Double, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        var bare = numbers
        bare.width = 0
        if type == nil, bare.precision == nil {
            return JinjaString((number.sign == .minus ? "" : numbers.sign) + JinjaPrinter.text(of: number))
        }
        if type == "%" {
            let percent = try bare.double(number * 100, "f", interpreter)
            return JinjaString(percent.text + "%")
        }
        let letter = type ?? "g"
        guard "eEfFgG".contains(letter) else { throw JinjaError("Unknown format code '\(letter)' for object of type 'float'") }
        let text = try bare.double(number, letter, interpreter).text
        let end = text.firstIndex { $0 == "." || $0 == "e" || $0 == "E" } ?? text.endIndex
        let start = text.firstIndex { $0.isNumber } ?? text.startIndex
        guard grouping != nil, start < end else { return JinjaString(text) }
        return JinjaString(text[..<start] + grouped(String(text[start..<end]), size: 3) + text[end...])
    }

    private func grouped(_ digits: String, size: Int) -> String {
        guard let grouping else { return digits }
        var groups: [Substring] = []
        var rest = Substring(digits)
        while rest.count > size {
            groups.append(rest.suffix(size))
            rest = rest.dropLast(size)
        }
        groups.append(rest)
        return groups.reversed().joined(separator: grouping)
    }

    private func pad(_ text: JinjaString, _ fallback: Character, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        let missing = numbers.width - text.codePointCount
        guard missing > 0 else { return text }
        try interpreter.charge(bytes: numbers.width)
        let alignment = self.alignment ?? fallback
        let signWidth = alignment == "=" ? text.text.prefix { "+- ".contains($0) }.utf8.count : 0
        let left = alignment == "<" ? 0 : alignment == "^" ? missing / 2 : missing
        var result = text[0..<signWidth]
        result.append(String(repeating: fill, count: left))
        result.append(text[signWidth..<text.count])
        result.append(String(repeating: fill, count: missing - left))
        return result
    }
}
