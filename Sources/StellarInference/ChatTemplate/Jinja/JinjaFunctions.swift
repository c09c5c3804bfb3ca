internal import Foundation

/// The functions that templates find as global names: one line in the table and one function each.
enum JinjaFunctions {
    typealias Function = @Sendable (JinjaInterpreter, JinjaArguments) throws -> JinjaValue

    static let table: [String: Function] = [
        "range": range,
        "dict": dictionary,
        "namespace": namespace,
        "raise_exception": raise,
        "strftime_now": formatTime,
        "cycler": cycler,
        "joiner": joiner,
    ]

    static var globals: [String: JinjaValue] {
        Dictionary(uniqueKeysWithValues: table.map { name, body in (name, .function(JinjaFunction(name, body: body))) })
    }

    private static func range(_ interpreter: JinjaInterpreter, _ arguments: JinjaArguments) throws -> JinjaValue {
        let bound = try arguments.bind("range", ["start", "stop", "step"], required: 1)
        guard arguments.named.isEmpty else { throw JinjaError("range() takes no keyword arguments") }
        let first = try bound.integer(0, default: 0)
        let (start, stop) = bound.optional(1) == nil ? (0, first) : (first, try bound.integer(1, default: 0))
        let step = try bound.integer(2, default: 1)
        guard step != 0 else { throw JinjaError("range() arg 3 must not be zero") }
        let count = try count(from: start, to: stop, by: step)
        guard count <= JinjaLimits.rangeCount else {
            throw JinjaError("Range too big. The sandbox blocks ranges larger than MAX_RANGE (\(JinjaLimits.rangeCount)).")
        }
        return .range(JinjaRange(start: start, stop: stop, step: step, count: count))
    }

    private static func count(from start: Int, to stop: Int, by step: Int) throws -> Int {
        guard step > 0 ? start < stop : start > stop else { return 0 }
        let distance = try JinjaOperators.checked(stop.subtractingReportingOverflow(start)).magnitude
        return Int(clamping: (distance - 1) / step.magnitude + 1)
    }

    private static func dictionary(_ interpreter: JinjaInterpreter, _ arguments: JinjaArguments) throws -> JinjaValue {
        guard arguments.positional.count <= 1 else { throw JinjaError("dict expected at most 1 argument") }
        var entries: [(key: JinjaValue, value: JinjaValue)] = []
        switch arguments.positional.first {
        case nil: break
        case .dictionary(let source)?: entries = source.entries
        case let pairs?:
            for pair in try pairs.elements() {
                let items = try pair.elements()
                guard items.count == 2 else {
                    throw JinjaError("dictionary update sequence element has length \(items.count); 2 is required")
                }
                entries.append((key: items[0], value: items[1]))
            }
        }
        entries += arguments.named.map { (key: .string($0.name), value: $0.value) }
        try interpreter.charge(entries.count)
        return .dictionary(try JinjaDictionary(entries))
    }

    private static func namespace(_ interpreter: JinjaInterpreter, _ arguments: JinjaArguments) throws -> JinjaValue {
        guard case .dictionary(let attributes) = try dictionary(interpreter, arguments) else { return .none }
        var values: [String: JinjaValue] = [:]
        for entry in attributes.entries {
            guard case .string(let name) = entry.key else { continue }
            try checkNamespaceName(name.text)
            values[name.text] = entry.value
        }
        return .namespace(try interpreter.makeNamespace(values))
    }

    /// Names that begin with an underscore are refused, as in Hugging Face's environment.
    static func checkNamespaceName(_ name: String) throws {
        guard !name.hasPrefix("_") else {
            throw JinjaError("Chat templates cannot store underscore-prefixed attributes on a namespace, but got '\(name)'.")
        }
    }

    private static func raise(_ interpreter: JinjaInterpreter, _ arguments: JinjaArguments) throws -> JinjaValue {
        let message = try arguments.bind("raise_exception", ["message"], required: 1).value(0)
        throw JinjaError(try JinjaPrinter.string(message, interpreter).text, kind: .raised, line: interpreter.line)
    }

    private static func formatTime(_ interpreter: JinjaInterpreter, _ arguments: JinjaArguments) throws -> JinjaValue {
        guard let format = try arguments.bind("strftime_now", ["format"], required: 1).string(0) else { return .none }
        try interpreter.charge(bytes: format.count)
        return .string(format.replacingText(try JinjaTime.format(interpreter.clock(), format.text)))
    }

    private static func cycler(_ interpreter: JinjaInterpreter, _ arguments: JinjaArguments) throws -> JinjaValue {
        guard !arguments.positional.isEmpty, arguments.named.isEmpty else { throw JinjaError("at least one item has to be provided") }
        let items = arguments.positional
        let namespace = try interpreter.makeNamespace(["current": items[0]])
        var position = 0
        func show() { namespace.attributes["current"] = items[position] }
        let depth = try JinjaValue.measure(items).depth
        namespace.attributes["next"] = .function(
            JinjaFunction("next", depth: depth) { _, _ in
                defer {
                    position = (position + 1) % items.count
                    show()
                }
                return items[position]
            }
        )
        namespace.attributes["reset"] = .function(
            JinjaFunction("reset", depth: depth) { _, _ in
                position = 0
                show()
                return .none
            }
        )
        return .namespace(namespace)
    }

    private static func joiner(_ interpreter: JinjaInterpreter, _ arguments: JinjaArguments) throws -> JinjaValue {
        let separator = try arguments.bind("joiner", ["sep"]).string(0) ?? JinjaString(", ")
        var isUsed = false
        return .function(
            JinjaFunction("joiner") { _, _ in
                defer { isUsed = true }
                return .string(isUsed ? separator : JinjaString())
            }
        )
    }
}

/// C's `strftime` in local time and the C locale.
enum JinjaTime {
    static func format(_ seconds: Double, _ format: String) throws -> String {
        guard format.utf8.count <= 4096, !format.utf8.contains(0) else { throw JinjaError("the time format is too long or holds a NUL") }
        var now = time_t(exactly: seconds.rounded(.down)) ?? 0
        var parts = tm()
        guard localtime_r(&now, &parts) != nil else { throw JinjaError("the time can't be formatted") }
        let microseconds = String(Int((seconds - seconds.rounded(.down)) * 1_000_000))
        let fraction = String(repeating: "0", count: max(0, 6 - microseconds.count)) + microseconds
        let expanded = expandingFraction(format, fraction)
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        // The mark keeps an empty result apart from a full buffer.
        let count = strftime(&buffer, buffer.count, expanded + "|", &parts)
        guard count > 0 else { throw JinjaError("the formatted time is too long") }
        return String(decoding: buffer.prefix(count - 1).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Replaces Python's own `%f`, which C does not know.
    private static func expandingFraction(_ format: String, _ fraction: String) -> String {
        var result = ""
        var isEscaped = false
        for character in format {
            if isEscaped, character == "f" {
                result.removeLast()
                result += fraction
            } else {
                result.append(character)
            }
            isEscaped = !isEscaped && character == "%"
        }
        return result
    }
}
