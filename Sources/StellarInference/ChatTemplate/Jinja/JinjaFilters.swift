internal import Foundation

/// The filters of `value | name`: one line in the table and one function each. Sequences are in `JinjaFilters+Sequences.swift`.
enum JinjaFilters {
    typealias Filter = @Sendable (JinjaInterpreter, JinjaValue, JinjaArguments) throws -> JinjaValue

    static let table: [String: Filter] = [
        "abs": absolute,
        "attr": attribute,
        "batch": batch,
        "capitalize": text { JinjaCase.capitalize($0) },
        "center": center,
        "count": length,
        "d": defaultValue,
        "default": defaultValue,
        "dictsort": sortDictionary,
        "e": escape,
        "escape": escape,
        "first": first,
        "float": float,
        "forceescape": escape,
        "format": format,
        "from_json": { interpreter, value, _ in
            let text = try JinjaPrinter.string(value, interpreter)
            try interpreter.charge(text.count / 4)
            return try JinjaJSONReader.read(text)
        },
        "groupby": group,
        "indent": indent,
        "int": integer,
        "items": items,
        "join": join,
        "last": last,
        "length": length,
        "list": { interpreter, value, _ in try .list(try interpreter.elements(of: value)) },
        "lower": text { JinjaCase.lower($0) },
        "map": map,
        "max": { interpreter, value, arguments in try extreme(interpreter, value, arguments) { try $1.isLess(than: $0) } },
        "min": { interpreter, value, arguments in try extreme(interpreter, value, arguments) { try $0.isLess(than: $1) } },
        "reject": { interpreter, value, arguments in try select(interpreter, value, arguments, keeps: false) },
        "rejectattr": { interpreter, value, arguments in try select(interpreter, value, arguments, keeps: false, byAttribute: true) },
        "replace": replace,
        "reverse": reverse,
        "round": round,
        "safe": string,
        "select": { interpreter, value, arguments in try select(interpreter, value, arguments, keeps: true) },
        "selectattr": { interpreter, value, arguments in try select(interpreter, value, arguments, keeps: true, byAttribute: true) },
        "slice": slice,
        "sort": sort,
        "string": string,
        "sum": sum,
        "title": text(title),
        "tojson": toJSON,
        "trim": trim,
        "truncate": truncate,
        "unique": unique,
        "upper": text { JinjaCase.upper($0) },
        "wordcount": countWords,
    ]

    /// Those that take no argument.
    static let unary: Set<String> = [
        "abs", "count", "e", "escape", "first", "forceescape", "items", "last", "length", "list", "reverse", "safe", "string", "wordcount",
    ]

    // MARK: Text

    /// A filter that maps text as a whole.
    private static func text(_ transform: @escaping @Sendable (String) -> String) -> Filter {
        { interpreter, value, arguments in
            _ = try arguments.bind("filter", [])
            let text = try JinjaPrinter.string(value, interpreter)
            return .string(text.replacingText(transform(text.text)))
        }
    }

    private static let center: Filter = { interpreter, value, arguments in
        let width = try arguments.bind("center", ["width"]).optional(0) ?? .integer(80)
        guard let method = JinjaStringMethods.table["center"] else { return value }
        return try method(interpreter, try JinjaPrinter.string(value, interpreter), JinjaArguments(positional: [width]))
    }

    private static let string: Filter = { interpreter, value, _ in .string(try JinjaPrinter.string(value, interpreter)) }

    private static let trim: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("trim", ["chars"])
        let text = try JinjaPrinter.string(value, interpreter)
        return .string(text.stripped(bound.nonNone(0) == nil ? nil : try bound.string(0)))
    }

    private static let replace: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("replace", ["old", "new", "count"], required: 2)
        let text = try JinjaPrinter.string(value, interpreter)
        let old = try JinjaPrinter.string(bound.value(0), interpreter)
        let new = try JinjaPrinter.string(bound.value(1), interpreter)
        let limit = bound.nonNone(2) == nil ? -1 : try bound.integer(2, default: -1)
        return .string(try JinjaStringMethods.replace(text, old, new, limit, interpreter))
    }

    private static let format: Filter = { interpreter, value, arguments in
        let format = try JinjaPrinter.string(value, interpreter)
        guard arguments.positional.isEmpty || arguments.named.isEmpty else {
            throw JinjaError("can't handle positional and keyword arguments at the same time")
        }
        let named = try JinjaDictionary(arguments.named.map { (key: .string($0.name), value: $0.value) })
        let values: JinjaValue = arguments.named.isEmpty ? try .tuple(arguments.positional) : .dictionary(named)
        return .string(try JinjaPercentFormat.apply(format, values, interpreter))
    }

    /// Words start behind spaces, hyphens and opening brackets.
    private static func title(_ text: String) -> String {
        var result = ""
        var startsWord = true
        for scalar in text.unicodeScalars {
            let properties = scalar.properties
            result.unicodeScalars.append(
                contentsOf: (startsWord ? properties.uppercaseMapping : properties.lowercaseMapping).unicodeScalars
            )
            startsWord = scalar.isPythonWhitespace || "-({[<".unicodeScalars.contains(scalar)
        }
        return result
    }

    private static let indent: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("indent", ["width", "first", "blank"])
        guard case .string(let text) = value else { throw JinjaError("indent needs a string, not \(value.typeName)") }
        let indentation = try indentation(bound, interpreter)
        var ended = text
        ended.append("\n")
        let lines = ended.lines()
        let indented = try lines.enumerated().map { index, line in
            let isSkipped = index == 0 ? !bound.flag(1) : (line.isEmpty && !bound.flag(2))
            try interpreter.charge(bytes: indentation.count)
            var result = isSkipped ? JinjaString() : indentation
            result.append(line)
            return result
        }
        return .string(try JinjaStringMethods.join(indented, separator: JinjaString("\n"), interpreter))
    }

    private static func indentation(_ bound: JinjaArguments.Bound, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        if case .string(let text)? = bound.optional(0) { return text }
        let width = max(0, try bound.integer(0, default: 4))
        try interpreter.charge(bytes: width)
        return JinjaString(bytes: Array(repeating: 0x20, count: width))
    }

    private static let truncate: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("truncate", ["length", "killwords", "end", "leeway"])
        let length = try bound.integer(0, default: 255)
        let end = try bound.string(2) ?? JinjaString("...")
        let leeway = bound.nonNone(3) == nil ? 5 : try bound.integer(3, default: 5)
        guard length >= end.codePointCount, leeway >= 0 else {
            throw JinjaError("expected length >= \(end.codePointCount) and leeway >= 0")
        }
        let longest = length.addingReportingOverflow(leeway)
        guard !longest.overflow, try value.length() > longest.partialValue else { return value }
        guard case .string(let text) = value else { throw JinjaError("truncate needs a string, not \(value.typeName)") }
        let offsets = text.codePointOffsets
        var result = text[0..<offsets[length - end.codePointCount]]
        if !bound.flag(1), let space = result.lastOccurrence(of: JinjaString(" ")) { result = result[0..<space] }
        result.append(end)
        return .string(result)
    }

    private static let countWords: Filter = { interpreter, value, _ in
        var count = 0
        var isInWord = false
        for scalar in try JinjaPrinter.string(value, interpreter).text.unicodeScalars {
            let isPart = scalar == "_" || scalar.isPythonLetter || scalar.properties.numericType != nil
            if isPart, !isInWord { count += 1 }
            isInWord = isPart
        }
        return .integer(count)
    }

    private static let escape: Filter = { interpreter, value, _ in
        let entities: [UInt8: String] = [0x26: "&amp;", 0x3C: "&lt;", 0x3E: "&gt;", 0x27: "&#39;", 0x22: "&#34;"]
        let text = try JinjaPrinter.string(value, interpreter)
        var result: [UInt8] = []
        for byte in text.bytes { if let entity = entities[byte] { result += Array(entity.utf8) } else { result.append(byte) } }
        try interpreter.charge(bytes: result.count)
        return .string(JinjaString(bytes: result, isData: text.hasData))
    }

    private static let toJSON: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"])
        var writer = JinjaJSONWriter(indent: bound.nonNone(1) == nil ? nil : try jsonIndentation(bound, interpreter), interpreter)
        writer.ensuresASCII = bound.flag(0)
        writer.sortsKeys = bound.flag(3)
        if let separators = try bound.nonNone(2)?.elements() {
            guard separators.count == 2, case .string(let item) = separators[0], case .string(let key) = separators[1] else {
                throw JinjaError("separators must be two strings")
            }
            (writer.itemSeparator, writer.keySeparator) = (item, key)
        }
        return .string(try writer.write(value))
    }

    private static func jsonIndentation(_ bound: JinjaArguments.Bound, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        if case .string(let text)? = bound.optional(1) { return text }
        let width = max(0, try bound.integer(1, default: 0))
        try interpreter.charge(bytes: width)
        return JinjaString(bytes: Array(repeating: 0x20, count: width))
    }

    // MARK: Numbers

    private static let absolute: Filter = { _, value, _ in
        if case .double(let number) = value { return .double(number.magnitude) }
        guard let number = value.asInteger else { throw JinjaError("bad operand type for abs(): '\(value.typeName)'") }
        return number < 0 ? try JinjaOperators.negative(.integer(number)) : .integer(number)
    }

    private static let integer: Filter = { _, value, arguments in
        let bound = try arguments.bind("int", ["default", "base"])
        let fallback = bound.optional(0) ?? .integer(0)
        switch value {
        case .undefined(let undefined): throw JinjaError(undefined.message)
        case .string(let text):
            if let number = try parseInteger(text.stripped(nil).text, radix: try bound.integer(1, default: 10)) { return .integer(number) }
            guard let number = parseDouble(text) else { return fallback }
            return number.isFinite ? .integer(try truncated(number)) : fallback
        case .double(let number): return number.isFinite ? .integer(try truncated(number)) : fallback
        default: return value.asInteger.map { .integer($0) } ?? fallback
        }
    }

    private static func truncated(_ number: Double) throws -> Int {
        try Int(exactly: number.rounded(.towardZero)).orThrow("integer overflow")
    }

    private static func parseInteger(_ text: String, radix: Int) throws -> Int? {
        guard radix == 0 || (2...36).contains(radix) else { return nil }
        let negative = text.hasPrefix("-")
        var digits = Substring(text)
        if negative || text.hasPrefix("+") { digits.removeFirst() }
        var base = radix
        for (prefix, value) in [("0x", 16), ("0o", 8), ("0b", 2)]
        where (radix == value || radix == 0) && digits.lowercased().hasPrefix(prefix) {
            digits = digits.dropFirst(2)
            base = value
        }
        if base == 0 { base = 10 }
        guard isDigits(digits) else { return nil }
        let clean = digits.filter { $0 != "_" }
        guard clean.allSatisfy({ $0.isASCII && ($0.hexDigitValue ?? 99 < base || $0.isLetter && letterValue($0) < base) }) else {
            return nil
        }
        return try Int((negative ? "-" : "") + clean, radix: base).orThrow("integer overflow")
    }

    private static func letterValue(_ character: Character) -> Int {
        character.asciiValue.map { Int($0 | 0x20) - 0x61 + 10 } ?? 99
    }

    /// Not empty, no sign, single underscores only between digits.
    private static func isDigits(_ text: Substring) -> Bool {
        guard let first = text.first, let last = text.last, first != "_", last != "_", !text.contains("__") else { return false }
        return first.isASCII && (first.isNumber || first.isLetter)
    }

    private static func parseDouble(_ text: JinjaString) -> Double? {
        let stripped = text.stripped(nil).text
        let name = stripped.lowercased().drop { $0 == "-" || $0 == "+" }
        if ["inf", "infinity", "nan"].contains(name) {
            return name == "nan" ? .nan : stripped.hasPrefix("-") ? -.infinity : .infinity
        }
        guard stripped.allSatisfy({ $0.isASCII && "0123456789+-.eE_".contains($0) }), isWellFormed(stripped) else { return nil }
        return Double(stripped.filter { $0 != "_" })
    }

    private static func isWellFormed(_ number: String) -> Bool {
        !number.contains("__") && !number.hasPrefix("_") && !number.hasSuffix("_") && !number.contains("_.") && !number.contains("._")
    }

    private static let float: Filter = { _, value, arguments in
        let fallback = try arguments.bind("float", ["default"]).optional(0) ?? .double(0)
        if case .undefined(let undefined) = value { throw JinjaError(undefined.message) }
        if case .string(let text) = value { return parseDouble(text).map { .double($0) } ?? fallback }
        return value.asDouble.map { .double($0) } ?? fallback
    }

    private static let round: Filter = { _, value, arguments in
        let bound = try arguments.bind("round", ["precision", "method"])
        let precision = try bound.integer(0, default: 0)
        let method = try bound.string(1) ?? JinjaString("common")
        guard ["common", "ceil", "floor"].contains(method.text) else { throw JinjaError("method must be common, ceil or floor") }
        guard let number = value.asDouble else { throw JinjaError("type \(value.typeName) doesn't define __round__ method") }
        guard (-300...300).contains(precision) else { throw JinjaError("the precision is out of range") }
        if method == "common" {
            if let integer = value.asInteger { return .integer(precision >= 0 ? integer : try rounded(integer, precision)) }
            return .double(rounded(number, precision))
        }
        let scale = pow(10, Double(precision))
        let scaled = number * scale
        guard scaled.isFinite else { throw JinjaError("cannot convert float infinity or NaN to integer") }
        return .double(scaled.rounded(method == "ceil" ? .up : .down) / scale)
    }

    /// Half to even on the exact decimal value, as C's `printf` and Python's `round` do it.
    private static func rounded(_ number: Double, _ precision: Int) -> Double {
        guard number.isFinite else { return number }
        if precision >= 0 { return Double(String(format: "%.\(precision)f", number)) ?? number }
        let scale = pow(10, Double(-precision))
        return (number / scale).rounded(.toNearestOrEven) * scale
    }

    private static func rounded(_ number: Int, _ precision: Int) throws -> Int {
        guard precision > -19 else { return 0 }
        let scale = (0..<(-precision)).reduce(1) { value, _ in value * 10 }
        let (quotient, remainder) = try JinjaOperators.floorDivision(number, scale)
        let isUp = remainder > scale / 2 || (remainder == scale / 2 && quotient & 1 == 1)
        return try JinjaOperators.checked((quotient + (isUp ? 1 : 0)).multipliedReportingOverflow(by: scale))
    }

    // MARK: Anything

    private static let defaultValue: Filter = { _, value, arguments in
        let bound = try arguments.bind("default", ["default_value", "boolean"])
        return value.isUndefined || (bound.flag(1) && !value.isTrue) ? bound.optional(0) ?? .string("") : value
    }

    private static let length: Filter = { _, value, _ in .integer(try value.length()) }

    private static let attribute: Filter = { interpreter, value, arguments in
        guard let name = try arguments.bind("attr", ["name"], required: 1).string(0) else { return .none }
        if case .dictionary(let dictionary) = value, dictionary.value(name.text) != nil {
            let method = try JinjaMethods.attribute(name.text, of: value, interpreter)
            if case .function = method { return method }
            return .undefined("'dict object' has no attribute '\(name.text)'")
        }
        return try JinjaMethods.attribute(name.text, of: value, interpreter)
    }
}
