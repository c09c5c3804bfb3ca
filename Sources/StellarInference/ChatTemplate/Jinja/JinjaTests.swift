/// The tests of `value is name`: one line in the table and one function each.
enum JinjaTests {
    typealias Test = @Sendable (JinjaInterpreter, JinjaValue, JinjaArguments) throws -> Bool

    static let table: [String: Test] = [
        "defined": { _, value, _ in !value.isUndefined },
        "undefined": { _, value, _ in value.isUndefined },
        "none": { _, value, _ in if case .none = value { true } else { false } },
        "boolean": { _, value, _ in if case .bool = value { true } else { false } },
        "true": { _, value, _ in if case .bool(true) = value { true } else { false } },
        "false": { _, value, _ in if case .bool(false) = value { true } else { false } },
        "integer": { _, value, _ in if case .integer = value { true } else { false } },
        "float": { _, value, _ in if case .double = value { true } else { false } },
        "number": { _, value, _ in value.asDouble != nil },
        "string": { _, value, _ in if case .string = value { true } else { false } },
        "mapping": { _, value, _ in if case .dictionary = value { true } else { false } },
        "iterable": { _, value, _ in value.isIterable },
        "sequence": { _, value, _ in isSequence(value) },
        "callable": { _, value, _ in isCallable(value) },
        "odd": { interpreter, value, _ in try remainder(value, .integer(2), interpreter).isEqual(to: .integer(1)) },
        "even": { interpreter, value, _ in try remainder(value, .integer(2), interpreter).isEqual(to: .integer(0)) },
        "divisibleby": { interpreter, value, arguments in
            try remainder(value, operand(arguments), interpreter).isEqual(to: .integer(0))
        },
        "lower": { interpreter, value, _ in isCased(try JinjaPrinter.string(value, interpreter).text, upper: false) },
        "upper": { interpreter, value, _ in isCased(try JinjaPrinter.string(value, interpreter).text, upper: true) },
        "filter": { _, value, _ in try name(value).map { JinjaFilters.table[$0] != nil } ?? false },
        "test": { _, value, _ in try name(value).map { table[$0] != nil } ?? false },
        "escaped": { _, _, _ in false },
        "sameas": { _, value, arguments in isSame(value, try operand(arguments)) },
        "in": { interpreter, value, arguments in try JinjaOperators.contains(try operand(arguments), value, interpreter) },
        "==": compare(.equal), "eq": compare(.equal), "equalto": compare(.equal),
        "!=": compare(.notEqual), "ne": compare(.notEqual),
        ">": compare(.greater), "gt": compare(.greater), "greaterthan": compare(.greater),
        ">=": compare(.greaterOrEqual), "ge": compare(.greaterOrEqual),
        "<": compare(.less), "lt": compare(.less), "lessthan": compare(.less),
        "<=": compare(.lessOrEqual), "le": compare(.lessOrEqual),
    ]

    /// Those that take no argument.
    static let unary: Set<String> = [
        "defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string", "mapping", "iterable",
        "sequence",
        "callable", "odd", "even", "lower", "upper", "filter", "test", "escaped",
    ]

    private static func compare(_ comparison: JinjaComparison) -> Test {
        { interpreter, value, arguments in try JinjaOperators.compare(comparison, value, try operand(arguments), interpreter) }
    }

    private static func operand(_ arguments: JinjaArguments) throws -> JinjaValue {
        guard arguments.positional.count == 1, arguments.named.isEmpty else {
            guard arguments.positional.isEmpty, arguments.named.count == 1 else { throw JinjaError("the test takes one argument") }
            return arguments.named[0].value
        }
        return arguments.positional[0]
    }

    private static func remainder(_ value: JinjaValue, _ divisor: JinjaValue, _ interpreter: JinjaInterpreter) throws -> JinjaValue {
        try JinjaOperators.apply(.modulo, value, divisor, interpreter)
    }

    private static func name(_ value: JinjaValue) throws -> String? {
        if case .string(let text) = value { return text.text }
        _ = try JinjaKey(value)
        return nil
    }

    private static func isSequence(_ value: JinjaValue) -> Bool {
        switch value {
        case .string, .list, .tuple, .dictionary, .range, .undefined: true
        default: false
        }
    }

    private static func isCallable(_ value: JinjaValue) -> Bool {
        switch value {
        case .function, .macro, .loop, .undefined: true
        default: false
        }
    }

    private static func isCased(_ text: String, upper: Bool) -> Bool {
        var hasCased = false
        for scalar in text.unicodeScalars where scalar.properties.isCased {
            let isUpper = scalar.properties.isUppercase
            let isLower = scalar.properties.isLowercase
            guard upper ? isUpper : isLower else { return false }
            hasCased = true
        }
        return hasCased
    }

    private static func isSame(_ left: JinjaValue, _ right: JinjaValue) -> Bool {
        switch (left, right) {
        case (.none, .none): true
        case (.bool(let first), .bool(let second)): first == second
        case (.integer(let first), .integer(let second)): first == second
        case (.string(let first), .string(let second)): first == second
        case (.list(let first), .list(let second)), (.tuple(let first), .tuple(let second)): first === second
        case (.dictionary(let first), .dictionary(let second)): first === second
        default: false
        }
    }
}
