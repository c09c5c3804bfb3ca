/// Python's `str` and `repr` of values.
enum JinjaPrinter {
    /// What `{{ value }}` writes.
    static func string(_ value: JinjaValue, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        switch value {
        case .string(let text): return text
        case .undefined: return JinjaString()
        default: return try repr(value, interpreter)
        }
    }

    /// Python's `repr`; as a whole it is data if any text in it is.
    static func repr(_ value: JinjaValue, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        var printer = Printer(interpreter: interpreter)
        try printer.append(value)
        return JinjaString(bytes: printer.bytes, isData: printer.hasData)
    }

    private struct Printer {
        let interpreter: JinjaInterpreter
        var bytes: [UInt8] = []
        var hasData = false
        /// Namespaces around the current value, which may hold themselves.
        var enclosing: [JinjaNamespace] = []

        mutating func write(_ text: String) throws {
            try interpreter.charge(bytes: bytes.count + text.utf8.count)
            bytes.append(contentsOf: text.utf8)
        }

        mutating func append(_ value: JinjaValue) throws {
            switch value {
            case .undefined: try write("Undefined")
            case .none: try write("None")
            case .bool(let flag): try write(flag ? "True" : "False")
            case .integer(let number): try write(String(number))
            case .double(let number): try write(JinjaPrinter.text(of: number))
            case .string(let text):
                hasData = hasData || text.hasData
                try write(JinjaPrinter.quoted(text.text))
            case .list(let list): try append(list.items, "[", "]")
            case .tuple(let list): try append(list.items, "(", list.items.count == 1 ? ",)" : ")")
            case .dictionary(let dictionary): try append(dictionary.entries)
            case .range(let range): try write("range(\(range.start), \(range.stop)" + (range.step == 1 ? ")" : ", \(range.step))"))
            case .view(let view): try append(view.list.items, view.kind.rawValue + "([", "])")
            case .loop(let loop): try write("<LoopContext \(loop.index0 + 1)/\(loop.list.items.count)>")
            case .macro(let macro): try write("<Macro '\(macro.definition.name)'>")
            case .namespace(let namespace): try append(namespace)
            case .iterator: try write("<generator object>")
            case .function(let function): try write("<built-in method \(function.name)>")
            }
        }

        private mutating func append(_ items: [JinjaValue], _ open: String, _ close: String) throws {
            try write(open)
            for (index, item) in items.enumerated() {
                if index > 0 { try write(", ") }
                try append(item)
            }
            try write(close)
        }

        private mutating func append(_ entries: [(key: JinjaValue, value: JinjaValue)]) throws {
            try write("{")
            for (index, entry) in entries.enumerated() {
                if index > 0 { try write(", ") }
                try append(entry.key)
                try write(": ")
                try append(entry.value)
            }
            try write("}")
        }

        private mutating func append(_ namespace: JinjaNamespace) throws {
            guard enclosing.count < JinjaLimits.valueDepth, !enclosing.contains(where: { $0 === namespace }) else {
                return try write("...")
            }
            enclosing.append(namespace)
            try write("<Namespace ")
            try append(namespace.attributes.sorted { $0.key < $1.key }.map { (key: .string($0.key), value: $0.value) })
            try write(">")
            enclosing.removeLast()
        }
    }

    /// Python's `repr` of a `float`: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on.
    static func text(of number: Double) -> String {
        if number.isNaN { return "nan" }
        if number.isInfinite { return number < 0 ? "-inf" : "inf" }
        if number == 0 { return number.sign == .minus ? "-0.0" : "0.0" }
        let (digits, exponent) = shortestDigits(number.magnitude)
        let sign = number < 0 ? "-" : ""
        if exponent < -4 || exponent >= 16 {
            let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
            let size = String(exponent.magnitude)
            return "\(sign)\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(size.count < 2 ? "0" : "")\(size)"
        }
        if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
        let padded = digits + String(repeating: "0", count: max(0, exponent + 2 - digits.count))
        return sign + padded.prefix(exponent + 1) + "." + padded.dropFirst(exponent + 1)
    }

    /// The significant digits of a positive number, and the power of ten of the first one.
    private static func shortestDigits(_ number: Double) -> (digits: String, exponent: Int) {
        let parts = "\(number)".lowercased().split(separator: "e")
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        exponent += mantissa[0].count - 1
        var digits = Substring(mantissa.joined())
        while digits.first == "0", digits.count > 1 {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.last == "0", digits.count > 1 { digits.removeLast() }
        return (String(digits), exponent)
    }

    /// Python's `repr` of a `str`.
    static func quoted(_ text: String) -> String {
        let quote: Unicode.Scalar = text.unicodeScalars.contains("'") && !text.unicodeScalars.contains("\"") ? "\"" : "'"
        var result = String.UnicodeScalarView()
        result.append(quote)
        for scalar in text.unicodeScalars {
            switch scalar {
            case quote, "\\": result.append(contentsOf: ["\\", scalar])
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\r": result.append(contentsOf: "\\r".unicodeScalars)
            case "\t": result.append(contentsOf: "\\t".unicodeScalars)
            default:
                if isPrintable(scalar) { result.append(scalar) } else { result.append(contentsOf: escaped(scalar).unicodeScalars) }
            }
        }
        result.append(quote)
        return String(result)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == " " { return true }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator: return false
        default: return true
        }
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        let (prefix, width) = scalar.value < 0x100 ? ("\\x", 2) : scalar.value < 0x10000 ? ("\\u", 4) : ("\\U", 8)
        let digits = String(scalar.value, radix: 16)
        return prefix + String(repeating: "0", count: width - digits.count) + digits
    }
}
