extension JinjaInterpreter {
    func evaluate(_ expression: JinjaExpression) throws -> JinjaValue {
        try charge(1)
        line = expression.line
        defer { leave() }
        try enter()
        return try evaluateNode(expression.node)
    }

    private func evaluateNode(_ node: JinjaExpression.Node) throws -> JinjaValue {
        switch node {
        case .constant(let constant): return Self.value(of: constant)
        case .name(let name): return scope.lookUp(name) ?? .undefined("'\(name)' is undefined")
        case .list(let items): return try .list(items.map { try evaluate($0) })
        case .tuple(let items): return try .tuple(items.map { try evaluate($0) })
        case .dictionary(let entries): return try evaluateDictionary(entries)
        case .attribute(let subject, let name): return try JinjaMethods.attribute(name, of: try evaluate(subject), self)
        case .item(let subject, let argument): return try evaluateItem(subject, argument)
        case .slice: throw JinjaError("a slice is only allowed in a subscript")
        case .call(let callee, let arguments): return try evaluateCall(callee, arguments)
        case .filter(let subject, let name, let arguments): return try evaluateFilter(subject, name, arguments)
        case .test(let subject, let name, let arguments): return try evaluateTest(subject, name, arguments)
        case .not(let operand): return .bool(!(try evaluate(operand).isTrue))
        case .negative(let operand): return try JinjaOperators.negative(try evaluate(operand))
        case .positive(let operand): return try JinjaOperators.positive(try evaluate(operand))
        case .binary(let operation, let left, let right):
            return try JinjaOperators.apply(operation, try evaluate(left), try evaluate(right), self)
        case .concatenation(let parts): return try evaluateConcatenation(parts)
        case .comparison(let first, let rest): return try evaluateComparison(first, rest)
        case .and(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? try evaluate(right) : value
        case .or(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? value : try evaluate(right)
        case .conditional(let test, let then, let otherwise): return try evaluateConditional(test, then, otherwise)
        }
    }

    private static func value(of constant: JinjaConstant) -> JinjaValue {
        switch constant {
        case .none: .none
        case .bool(let flag): .bool(flag)
        case .integer(let number): .integer(number)
        case .double(let number): .double(number)
        case .string(let text): .string(text)
        }
    }

    private func evaluateDictionary(_ entries: [(key: JinjaExpression, value: JinjaExpression)]) throws -> JinjaValue {
        .dictionary(try JinjaDictionary(entries.map { (key: try evaluate($0.key), value: try evaluate($0.value)) }))
    }

    private func evaluateItem(_ subject: JinjaExpression, _ argument: JinjaExpression) throws -> JinjaValue {
        let value = try evaluate(subject)
        guard case .slice(let start, let stop, let step) = argument.node else {
            return try JinjaMethods.item(try evaluate(argument), of: value, self)
        }
        let bounds = try [start, stop, step].map { try $0.map { try evaluate($0) } }
        return try JinjaSlice.apply(bounds[0], bounds[1], bounds[2], to: value, self)
    }

    private func evaluateConcatenation(_ parts: [JinjaExpression]) throws -> JinjaValue {
        var result = JinjaString()
        for part in parts {
            let text = try JinjaPrinter.string(try evaluate(part), self)
            try charge(bytes: result.count + text.count)
            result.append(text)
        }
        return .string(result)
    }

    private func evaluateComparison(_ first: JinjaExpression, _ rest: [(JinjaComparison, JinjaExpression)]) throws -> JinjaValue {
        var left = try evaluate(first)
        for (comparison, operand) in rest {
            let right = try evaluate(operand)
            guard try JinjaOperators.compare(comparison, left, right, self) else { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    private func evaluateConditional(_ test: JinjaExpression, _ then: JinjaExpression, _ otherwise: JinjaExpression?) throws -> JinjaValue {
        if try evaluate(test).isTrue { return try evaluate(then) }
        if let otherwise { return try evaluate(otherwise) }
        return .undefined("the inline if-expression on line \(test.line) evaluated to false and no else section was defined.")
    }

    // MARK: Calls

    private func evaluateCall(_ callee: JinjaExpression, _ arguments: JinjaCallArguments) throws -> JinjaValue {
        let function = try evaluate(callee)
        let values = try evaluate(arguments)
        line = callee.line
        return try call(function, values)
    }

    func call(_ function: JinjaValue, _ arguments: JinjaArguments) throws -> JinjaValue {
        try charge(1 + arguments.weight)
        switch function {
        case .function(let function): return try function.body(self, arguments)
        case .macro(let macro): return try call(macro, arguments)
        case .loop(let loop):
            guard let recurse = loop.recurse else {
                throw JinjaError("The loop must have the 'recursive' marker to be called recursively.")
            }
            return try recurse(self, try arguments.bind("loop", ["iterable"], required: 1).value(0))
        case .undefined(let undefined): throw JinjaError(undefined.message)
        default: throw JinjaError("'\(function.typeName)' object is not callable")
        }
    }

    func evaluate(_ arguments: JinjaCallArguments) throws -> JinjaArguments {
        var result = JinjaArguments()
        result.positional = try arguments.positional.map { try evaluate($0) }
        result.named = try arguments.named.map { ($0.name, try evaluate($0.value)) }
        if let unpacked = arguments.unpackedList { result.positional += try evaluate(unpacked).elements() }
        if let unpacked = arguments.unpackedDictionary {
            guard case .dictionary(let dictionary) = try evaluate(unpacked) else { throw JinjaError("argument after ** must be a mapping") }
            for entry in dictionary.entries {
                guard case .string(let name) = entry.key else { throw JinjaError("keywords must be strings") }
                result.named.append((name.text, entry.value))
            }
        }
        guard Set(result.named.map(\.name)).count == result.named.count else { throw JinjaError("a keyword argument is repeated") }
        return result
    }

    // MARK: Filters and tests

    /// A filter of a filter block or block `set`: its innermost subject is `input`.
    func evaluate(_ filter: JinjaExpression, piping input: JinjaValue) throws -> JinjaValue {
        guard case .filter(let subject, let name, let arguments) = filter.node else { return try evaluate(filter) }
        line = filter.line
        defer { leave() }
        try enter()
        let value = try subject.map { try evaluate($0, piping: input) } ?? input
        return try apply(filter: name, to: value, try evaluate(arguments))
    }

    private func evaluateFilter(_ subject: JinjaExpression?, _ name: String, _ arguments: JinjaCallArguments) throws -> JinjaValue {
        guard let subject else { throw JinjaError("a filter has nothing to work on") }
        return try apply(filter: name, to: try evaluate(subject), try evaluate(arguments))
    }

    func apply(filter name: String, to value: JinjaValue, _ arguments: JinjaArguments) throws -> JinjaValue {
        guard let filter = JinjaFilters.table[name] else { throw JinjaError("No filter named '\(name)'.") }
        if JinjaFilters.unary.contains(name) { _ = try arguments.bind(name, []) }
        try charge(1 + value.weight + arguments.weight)
        defer { leave() }
        try enter()
        return try filter(self, value, arguments)
    }

    private func evaluateTest(_ subject: JinjaExpression, _ name: String, _ arguments: JinjaCallArguments) throws -> JinjaValue {
        .bool(try apply(test: name, to: try evaluate(subject), try evaluate(arguments)))
    }

    func apply(test name: String, to value: JinjaValue, _ arguments: JinjaArguments) throws -> Bool {
        guard let test = JinjaTests.table[name] else { throw JinjaError("No test named '\(name)'.") }
        if JinjaTests.unary.contains(name) { _ = try arguments.bind(name, []) }
        try charge(1 + arguments.weight)
        defer { leave() }
        try enter()
        return try test(self, value, arguments)
    }
}
