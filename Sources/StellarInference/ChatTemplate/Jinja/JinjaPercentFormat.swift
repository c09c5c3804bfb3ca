internal import Foundation

/// Python's `format % values`.
enum JinjaPercentFormat {
    static func apply(_ format: JinjaString, _ values: JinjaValue, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        var formatter = Formatter(format: format, values: values, interpreter: interpreter)
        return try formatter.run()
    }

    private struct Formatter {
        let format: JinjaString
        let values: JinjaValue
        let interpreter: JinjaInterpreter
        var result = JinjaString()
        var position = 0
        var nextValue = 0
        var usedMapping = false

        private var positional: [JinjaValue] {
            if case .tuple(let list) = values { return list.items }
            return [values]
        }

        mutating func run() throws -> JinjaString {
            while position < format.count {
                let start = position
                while position < format.count, format.bytes[position] != UInt8(ascii: "%") { position += 1 }
                try write(format[start..<position])
                if position < format.count { try formatOne() }
            }
            switch values {
            // What can be subscripted may hold more than the format asks for.
            case .dictionary, .list, .range, .undefined: return result
            default: break
            }
            guard usedMapping || nextValue >= positional.count else {
                throw JinjaError("not all arguments converted during string formatting")
            }
            return result
        }

        private mutating func write(_ text: JinjaString) throws {
            try interpreter.charge(1 + text.count / 32)
            guard result.count + text.count <= interpreter.limits.stringBytes else {
                throw JinjaError("the template makes too long a text")
            }
            result.append(text)
        }

        private mutating func next() throws -> UInt8 {
            guard position < format.count else { throw JinjaError("incomplete format") }
            position += 1
            return format.bytes[position - 1]
        }

        private mutating func takeValue() throws -> JinjaValue {
            guard nextValue < positional.count else { throw JinjaError("not enough arguments for format string") }
            nextValue += 1
            return positional[nextValue - 1]
        }

        private mutating func formatOne() throws {
            position += 1
            let key = try readKey()
            var spec = JinjaNumberFormat()
            var letter = try next()
            while let flag = Flag(rawValue: letter) {
                flag.apply(to: &spec)
                letter = try next()
            }
            spec.width = try readCount(&letter) ?? 0
            if spec.width < 0 {
                spec.alignsLeft = true
                spec.width = spec.width == .min ? 0 : -spec.width
            }
            if letter == UInt8(ascii: ".") {
                letter = try next()
                spec.precision = max(0, try readCount(&letter) ?? 0)
            }
            while [UInt8(ascii: "l"), UInt8(ascii: "h"), UInt8(ascii: "L")].contains(letter) { letter = try next() }
            if letter == UInt8(ascii: "%") { return try write(JinjaString("%")) }
            let value = try key ?? takeValue()
            try write(try convert(value, letter, spec))
        }

        private mutating func readKey() throws -> JinjaValue? {
            guard position < format.count, format.bytes[position] == UInt8(ascii: "(") else { return nil }
            let start = position + 1
            guard let end = format.bytes[start...].firstIndex(of: UInt8(ascii: ")")) else { throw JinjaError("incomplete format key") }
            guard case .dictionary(let dictionary) = values else { throw JinjaError("format requires a mapping") }
            position = end + 1
            usedMapping = true
            guard let value = dictionary.value(.string(Array(format.bytes[start..<end]))) else { throw JinjaError("format key is missing") }
            return value
        }

        private mutating func readCount(_ letter: inout UInt8) throws -> Int? {
            if letter == UInt8(ascii: "*") {
                guard let count = try takeValue().asInteger else { throw JinjaError("* wants int") }
                letter = try next()
                return count
            }
            var count: Int?
            while (0x30...0x39).contains(letter) {
                let tenfold = (count ?? 0).multipliedReportingOverflow(by: 10)
                count = try JinjaOperators.checked(tenfold.partialValue.addingReportingOverflow(Int(letter) - 0x30))
                guard !tenfold.overflow else { throw JinjaError("width too big") }
                letter = try next()
            }
            return count
        }

        private func convert(_ value: JinjaValue, _ letter: UInt8, _ spec: JinjaNumberFormat) throws -> JinjaString {
            switch Unicode.Scalar(letter) {
            case "s": return try spec.pad(spec.truncate(try JinjaPrinter.string(value, interpreter)), interpreter)
            case "r", "a": return try spec.pad(spec.truncate(try JinjaPrinter.repr(value, interpreter)), interpreter)
            case "c": return try spec.pad(try character(value), interpreter)
            case "d", "i", "u":
                if case .double(let number) = value {
                    guard let integer = Int(exactly: number.rounded(.towardZero)) else {
                        throw JinjaError("cannot convert float to integer")
                    }
                    return try spec.integer(integer, radix: 10, interpreter)
                }
                return try spec.integer(try integer(value, letter), radix: 10, interpreter)
            case "x": return try spec.integer(try integer(value, letter), radix: 16, interpreter)
            case "X": return JinjaString(try spec.integer(try integer(value, letter), radix: 16, interpreter).text.uppercased())
            case "o": return try spec.integer(try integer(value, letter), radix: 8, interpreter)
            case "f", "F", "e", "E", "g", "G":
                guard let number = value.asDouble else { throw JinjaError("must be real number, not \(value.typeName)") }
                return try spec.double(number, Character(Unicode.Scalar(letter)), interpreter)
            default: throw JinjaError("unsupported format character '\(Unicode.Scalar(letter))'")
            }
        }

        private func integer(_ value: JinjaValue, _ letter: UInt8) throws -> Int {
            guard let number = value.asInteger else {
                throw JinjaError("%\(Unicode.Scalar(letter)) format: a real number is required, not \(value.typeName)")
            }
            return number
        }

        private func character(_ value: JinjaValue) throws -> JinjaString {
            if case .string(let text) = value, text.codePointCount == 1 { return text }
            guard let number = value.asInteger, let code = UInt32(exactly: number), let scalar = Unicode.Scalar(code) else {
                throw JinjaError("%c requires int or char")
            }
            return JinjaString(String(scalar))
        }
    }

    private enum Flag: UInt8 {
        case left = 0x2D
        case sign = 0x2B
        case space = 0x20
        case zero = 0x30
        case alternate = 0x23

        func apply(to spec: inout JinjaNumberFormat) {
            switch self {
            case .left: spec.alignsLeft = true
            case .sign: spec.sign = "+"
            case .space: if spec.sign.isEmpty { spec.sign = " " }
            case .zero: spec.padsWithZeros = true
            case .alternate: spec.isAlternate = true
            }
        }
    }
}

/// Width, precision and flags of one `%` conversion.
struct JinjaNumberFormat {
    var alignsLeft = false
    var sign = ""
    var padsWithZeros = false
    var isAlternate = false
    var width = 0
    var precision: Int?

    func truncate(_ text: JinjaString) -> JinjaString {
        guard let precision, precision < text.codePointCount else { return text }
        return text[0..<text.codePointOffsets[precision]]
    }

    func pad(_ text: JinjaString, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        let missing = width - text.codePointCount
        guard missing > 0 else { return text }
        try interpreter.charge(bytes: missing)
        let spaces = JinjaString(bytes: Array(repeating: 0x20, count: missing))
        var result = alignsLeft ? text : spaces
        result.append(alignsLeft ? spaces : text)
        return result
    }

    func integer(_ number: Int, radix: Int, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        let prefix = isAlternate ? [16: "0x", 8: "0o"][radix] ?? "" : ""
        var digits = String(number.magnitude, radix: radix)
        if let precision, precision > digits.count {
            try interpreter.charge(bytes: precision)
            digits = String(repeating: "0", count: precision - digits.count) + digits
        }
        return try signed(digits, isNegative: number < 0, prefix: prefix, interpreter)
    }

    func double(_ number: Double, _ letter: Character, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        let precision = self.precision ?? 6
        guard precision <= 1000 else { throw JinjaError("precision too big") }
        let digits =
            number.isFinite
            ? String(format: "%.\(precision)\(letter)", number.magnitude) : number.isNaN ? "nan" : letter.isUppercase ? "INF" : "inf"
        return try signed(digits, isNegative: number.sign == .minus && !number.isNaN, prefix: "", interpreter)
    }

    private func signed(_ digits: String, isNegative: Bool, prefix: String, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        let head = (isNegative ? "-" : sign) + prefix
        var body = digits
        let missing = width - head.utf8.count - digits.utf8.count
        if padsWithZeros, !alignsLeft, missing > 0 {
            try interpreter.charge(bytes: missing)
            body = String(repeating: "0", count: missing) + digits
        }
        return try pad(JinjaString(head + body), interpreter)
    }
}
