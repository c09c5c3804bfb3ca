/// The methods of Python's `str`: one line in the table and one function each.
enum JinjaStringMethods {
    typealias Method = JinjaMethods.Method<JinjaString>

    static let table: [String: Method] = [
        "upper": { _, text, _ in .string(text.replacingText(JinjaCase.upper(text.text))) },
        "lower": { _, text, _ in .string(text.replacingText(JinjaCase.lower(text.text))) },
        "casefold": { _, text, _ in .string(text.replacingText(JinjaCase.lower(text.text))) },
        "swapcase": { _, text, _ in .string(text.replacingText(JinjaCase.swap(text.text))) },
        "title": { _, text, _ in .string(text.replacingText(JinjaCase.title(text.text))) },
        "capitalize": { _, text, _ in .string(text.replacingText(JinjaCase.capitalize(text.text))) },
        "strip": strip(left: true, right: true),
        "lstrip": strip(left: true, right: false),
        "rstrip": strip(left: false, right: true),
        "removeprefix": { _, text, arguments in
            let prefix = try required(arguments, "removeprefix")
            return .string(text.hasPrefix(prefix) ? text[prefix.count..<text.count] : text)
        },
        "removesuffix": { _, text, arguments in
            let suffix = try required(arguments, "removesuffix")
            return .string(text.hasSuffix(suffix) ? text[0..<(text.count - suffix.count)] : text)
        },
        "startswith": { _, text, arguments in .bool(try matchesEnd(text, arguments, "startswith") { $0.hasPrefix($1) }) },
        "endswith": { _, text, arguments in .bool(try matchesEnd(text, arguments, "endswith") { $0.hasSuffix($1) }) },
        "split": split,
        "rsplit": reverseSplit,
        "splitlines": { _, text, arguments in
            let keeps = try arguments.bind("splitlines", ["keepends"]).flag(0)
            return try .list(text.lines(keepingEnds: keeps).map { .string($0) })
        },
        "partition": { _, text, arguments in
            let separator = try required(arguments, "partition")
            guard !separator.isEmpty else { throw JinjaError("empty separator") }
            let found = text.occurrences(of: separator, limit: 1).first
            return try partition(text, at: found, separator, fallback: [text, JinjaString(), JinjaString()])
        },
        "rpartition": { _, text, arguments in
            let separator = try required(arguments, "rpartition")
            guard !separator.isEmpty else { throw JinjaError("empty separator") }
            return try partition(text, at: text.lastOccurrence(of: separator), separator, fallback: [JinjaString(), JinjaString(), text])
        },
        "replace": { interpreter, text, arguments in
            let bound = try arguments.bind("replace", ["old", "new", "count"], required: 2)
            guard let old = try bound.string(0), let new = try bound.string(1) else { return .none }
            return .string(try replace(text, old, new, try bound.integer(2, default: -1), interpreter))
        },
        "join": { interpreter, text, arguments in
            let parts = try arguments.bind("join", ["iterable"], required: 1).value(0).elements()
            return .string(
                try join(
                    parts.map { part in
                        guard case .string(let piece) = part else {
                            throw JinjaError("sequence item: expected str instance, \(part.typeName) found")
                        }
                        return piece
                    },
                    separator: text,
                    interpreter
                )
            )
        },
        "find": { _, text, arguments in .integer(try find(text, arguments, "find") ?? -1) },
        "index": { _, text, arguments in .integer(try find(text, arguments, "index").orThrow("substring not found")) },
        "rfind": { _, text, arguments in .integer(try find(text, arguments, "rfind", fromRight: true) ?? -1) },
        "rindex": { _, text, arguments in .integer(try find(text, arguments, "rindex", fromRight: true).orThrow("substring not found")) },
        "count": count,
        "format": { interpreter, text, arguments in .string(try JinjaBraceFormat.apply(text, arguments, interpreter)) },
        "center": pad { missing, width in (missing / 2 + (missing & width & 1), 0) },
        "ljust": pad { _, _ in (0, 0) },
        "rjust": pad { missing, _ in (missing, 0) },
        "zfill": zeroFill,
        "isdigit": all { $0.properties.numericType == .decimal || $0.properties.numericType == .digit },
        "isdecimal": all { $0.properties.numericType == .decimal },
        "isnumeric": all { $0.properties.numericType != nil },
        "isalpha": all { $0.isPythonLetter },
        "isalnum": all { $0.isPythonLetter || $0.properties.numericType != nil },
        "isspace": all { $0.isPythonWhitespace },
        "isascii": { _, text, _ in .bool(text.isASCII) },
        "islower": { interpreter, text, arguments in .bool(try interpreter.apply(test: "lower", to: .string(text), arguments)) },
        "isupper": { interpreter, text, arguments in .bool(try interpreter.apply(test: "upper", to: .string(text), arguments)) },
    ]

    private static func required(_ arguments: JinjaArguments, _ name: String) throws -> JinjaString {
        try arguments.bind(name, ["value"], required: 1).string(0).orThrow("\(name)() needs an argument")
    }

    private static func all(_ accepts: @escaping @Sendable (Unicode.Scalar) -> Bool) -> Method {
        { _, text, _ in .bool(!text.isEmpty && text.text.unicodeScalars.allSatisfy(accepts)) }
    }

    private static func strip(left: Bool, right: Bool) -> Method {
        { _, text, arguments in
            let set = try arguments.bind("strip", ["chars"])
            guard set.nonNone(0) != nil else { return .string(text.stripped(nil, left: left, right: right)) }
            return .string(text.stripped(try set.string(0), left: left, right: right))
        }
    }

    private static func matchesEnd(
        _ text: JinjaString,
        _ arguments: JinjaArguments,
        _ name: String,
        _ matches: (JinjaString, JinjaString) -> Bool
    ) throws -> Bool {
        let bound = try arguments.bind(name, ["value", "start", "end"], required: 1)
        let range = try byteRange(text, bound)
        guard let range else { return false }
        let part = text[range]
        let candidates: [JinjaValue]
        if case .tuple(let list) = bound.value(0) { candidates = list.items } else { candidates = [bound.value(0)] }
        return try candidates.contains { candidate in
            guard case .string(let affix) = candidate else {
                throw JinjaError("\(name) first arg must be str or a tuple of str, not \(candidate.typeName)")
            }
            return matches(part, affix)
        }
    }

    /// Bytes between the optional arguments 1 and 2, which count code points; `nil` if they are out of order.
    private static func byteRange(_ text: JinjaString, _ bound: JinjaArguments.Bound) throws -> Range<Int>? {
        guard bound.nonNone(1) != nil || bound.nonNone(2) != nil else { return 0..<text.count }
        let offsets = text.codePointOffsets
        let count = offsets.count - 1
        let start = bound.nonNone(1) == nil ? 0 : try bound.integer(1, default: 0)
        let stop = bound.nonNone(2) == nil ? count : try bound.integer(2, default: count)
        let first = max(0, start < 0 ? start + count : start)
        let last = min(count, max(0, stop < 0 ? stop + count : stop))
        return first <= last ? offsets[first]..<offsets[last] : nil
    }

    private static func find(
        _ text: JinjaString,
        _ arguments: JinjaArguments,
        _ name: String,
        fromRight: Bool = false
    ) throws -> Int? {
        let bound = try arguments.bind(name, ["value", "start", "end"], required: 1)
        let needle = try bound.string(0).orThrow("must be str")
        guard let range = try byteRange(text, bound) else { return nil }
        let part = text[range]
        let before = text[0..<range.lowerBound].codePointCount
        if needle.isEmpty { return fromRight ? before + part.codePointCount : before }
        let offset = fromRight ? part.lastOccurrence(of: needle) : part.occurrences(of: needle, limit: 1).first
        return offset.map { before + part[0..<$0].codePointCount }
    }

    private static let count: Method = { _, text, arguments in
        let bound = try arguments.bind("count", ["value", "start", "end"], required: 1)
        let needle = try bound.string(0).orThrow("must be str")
        guard let range = try byteRange(text, bound) else { return .integer(0) }
        let part = text[range]
        return .integer(needle.isEmpty ? part.codePointCount + 1 : part.occurrences(of: needle).count)
    }

    // MARK: Splitting and joining

    private static let split: Method = { interpreter, text, arguments in
        let bound = try arguments.bind("split", ["sep", "maxsplit"])
        let limit = try splitLimit(bound)
        guard bound.nonNone(0) != nil else { return try .list(text.splitOnWhitespace(limit: limit).map { .string($0) }) }
        let separator = try bound.string(0).orThrow("must be str or None")
        guard !separator.isEmpty else { throw JinjaError("empty separator") }
        let found = text.occurrences(of: separator, limit: limit)
        try interpreter.charge(found.count)
        return try .list(text.pieces(between: found, width: separator.count).map { .string($0) })
    }

    private static let reverseSplit: Method = { interpreter, text, arguments in
        let bound = try arguments.bind("rsplit", ["sep", "maxsplit"])
        let limit = try splitLimit(bound)
        guard bound.nonNone(0) != nil else { return try .list(text.reverseSplitOnWhitespace(limit: limit).map { .string($0) }) }
        let separator = try bound.string(0).orThrow("must be str or None")
        guard !separator.isEmpty else { throw JinjaError("empty separator") }
        let found = text.lastOccurrences(of: separator, limit: limit)
        try interpreter.charge(found.count)
        return try .list(text.pieces(between: found, width: separator.count).map { .string($0) })
    }

    private static func splitLimit(_ bound: JinjaArguments.Bound) throws -> Int {
        let limit = try bound.integer(1, default: -1)
        return limit < 0 ? .max : limit
    }

    private static func partition(
        _ text: JinjaString,
        at found: Int?,
        _ separator: JinjaString,
        fallback: [JinjaString]
    ) throws -> JinjaValue {
        guard let found else { return try .tuple(fallback.map { .string($0) }) }
        let end = found + separator.count
        return try .tuple([.string(text[0..<found]), .string(text[found..<end]), .string(text[end..<text.count])])
    }

    static func join(_ parts: [JinjaString], separator: JinjaString, _ interpreter: JinjaInterpreter) throws -> JinjaString {
        var result = JinjaString()
        for (index, part) in parts.enumerated() {
            guard result.count + part.count + separator.count <= interpreter.limits.stringBytes else {
                throw JinjaError("the template makes too long a text")
            }
            try interpreter.charge(1 + (part.count + separator.count) / 32)
            if index > 0 { result.append(separator) }
            result.append(part)
        }
        return result
    }

    /// Python's `str.replace`; a negative `limit` is none.
    static func replace(
        _ text: JinjaString,
        _ old: JinjaString,
        _ new: JinjaString,
        _ limit: Int,
        _ interpreter: JinjaInterpreter
    ) throws -> JinjaString {
        let most = limit < 0 ? Int.max : limit
        let found = old.isEmpty ? Array(text.codePointOffsets.prefix(most)) : text.occurrences(of: old, limit: most)
        return try join(text.pieces(between: found, width: old.count), separator: new, interpreter)
    }

    // MARK: Padding

    /// `before` gives the number of fill characters on the left, from those missing and the width.
    private static func pad(_ before: @escaping @Sendable (Int, Int) -> (Int, Int)) -> Method {
        { interpreter, text, arguments in
            let bound = try arguments.bind("pad", ["width", "fillchar"], required: 1)
            let width = try bound.integer(0, default: 0)
            let fill = try bound.string(1) ?? JinjaString(" ")
            guard fill.codePointCount == 1 else { throw JinjaError("The fill character must be exactly one character long") }
            let length = text.codePointCount
            guard width > length else { return .string(text) }
            try interpreter.charge(bytes: width)
            let left = before(width - length, width).0
            var result = JinjaString()
            for _ in 0..<left { result.append(fill) }
            result.append(text)
            for _ in 0..<(width - length - left) { result.append(fill) }
            return .string(result)
        }
    }

    private static let zeroFill: Method = { interpreter, text, arguments in
        let width = try arguments.bind("zfill", ["width"], required: 1).integer(0, default: 0)
        let missing = width.subtractingReportingOverflow(text.codePointCount)
        guard !missing.overflow, missing.partialValue > 0 else { return .string(text) }
        try interpreter.charge(bytes: width)
        let signWidth = text.bytes.first == UInt8(ascii: "-") || text.bytes.first == UInt8(ascii: "+") ? 1 : 0
        var result = text[0..<signWidth]
        result.append(String(repeating: "0", count: missing.partialValue))
        result.append(text[signWidth..<text.count])
        return .string(result)
    }
}

extension Optional {
    /// The value, or a ``JinjaError`` with `message`.
    func orThrow(_ message: String) throws -> Wrapped {
        guard let self else { throw JinjaError(message) }
        return self
    }
}

extension Unicode.Scalar {
    /// What Python's `str.isalpha` accepts.
    var isPythonLetter: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}

/// Python's case mappings (Unicode's full ones, without the rule for the final sigma).
enum JinjaCase {
    static func upper(_ text: String) -> String { map(text) { $0.properties.uppercaseMapping } }
    static func lower(_ text: String) -> String { map(text) { $0.properties.lowercaseMapping } }

    static func swap(_ text: String) -> String {
        map(text) { $0.properties.isUppercase ? $0.properties.lowercaseMapping : $0.properties.uppercaseMapping }
    }

    static func capitalize(_ text: String) -> String {
        guard let first = text.unicodeScalars.first else { return "" }
        return first.properties.titlecaseMapping + map(text.unicodeScalars.dropFirst()) { $0.properties.lowercaseMapping }
    }

    static func title(_ text: String) -> String {
        var followsCased = false
        return map(text) { scalar in
            defer { followsCased = scalar.properties.isCased }
            return followsCased ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
        }
    }

    private static func map(_ text: String, _ transform: (Unicode.Scalar) -> String) -> String {
        map(text.unicodeScalars[...], transform)
    }

    private static func map(_ scalars: Substring.UnicodeScalarView, _ transform: (Unicode.Scalar) -> String) -> String {
        var result = ""
        for scalar in scalars { result.unicodeScalars.append(contentsOf: transform(scalar).unicodeScalars) }
        return result
    }
}
