extension JinjaInterpreter {
    /// How a body ended.
    enum Completion {
        case normal
        case leave
        case next
    }

    func execute(_ body: [JinjaStatement]) throws -> Completion {
        defer { leave() }
        try enter()
        for statement in body {
            let completion = try execute(statement)
            if completion != .normal { return completion }
        }
        return .normal
    }

    private func execute(_ statement: JinjaStatement) throws -> Completion {
        try charge(1)
        line = statement.line
        switch statement.node {
        case .text(let text): try write(text)
        case .output(let expression): try write(JinjaPrinter.string(try evaluate(expression), self))
        case .conditional(let branches, let otherwise): return try executeConditional(branches, otherwise)
        case .loop(let loop): return try executeLoop(loop)
        case .leave: return .leave
        case .next: return .next
        case .assign(let target, let expression): try assign(try evaluate(expression), to: target)
        case .assignBlock(let target, let filter, let body): try executeAssignBlock(target, filter, body)
        case .macro(let definition): try define(definition)
        case .callBlock(let call, let definition): try executeCallBlock(call, definition)
        case .filterBlock(let filter, let body): return try executeFilterBlock(filter, body)
        case .with(let assignments, let body): return try executeWith(assignments, body)
        case .scope(let body): return try inScope { try execute(body) }
        }
        return .normal
    }

    private func executeConditional(
        _ branches: [(test: JinjaExpression, body: [JinjaStatement])],
        _ otherwise: [JinjaStatement]
    ) throws -> Completion {
        for branch in branches where try evaluate(branch.test).isTrue { return try execute(branch.body) }
        return try execute(otherwise)
    }

    private func executeAssignBlock(_ target: JinjaTarget, _ filter: JinjaExpression?, _ body: [JinjaStatement]) throws {
        let text = try capture { _ = try inScope { try execute(body) } }
        let value = try filter.map { try evaluate($0, piping: .string(text)) } ?? .string(text)
        try assign(value, to: target)
    }

    private func executeFilterBlock(_ filter: JinjaExpression, _ body: [JinjaStatement]) throws -> Completion {
        var completion = Completion.normal
        let text = try capture { completion = try inScope { try execute(body) } }
        guard completion == .normal else { return completion }
        let value = try evaluate(filter, piping: .string(text))
        guard case .string(let result) = value else { throw JinjaError("the filters of a block make \(value.typeName), not text") }
        try write(result)
        return completion
    }

    private func executeWith(_ assignments: [(JinjaTarget, JinjaExpression)], _ body: [JinjaStatement]) throws -> Completion {
        let values = try assignments.map { try evaluate($0.1) }
        return try inScope {
            for (assignment, value) in zip(assignments, values) { try assign(value, to: assignment.0) }
            return try execute(body)
        }
    }

    // MARK: Assignment

    func assign(_ value: JinjaValue, to target: JinjaTarget) throws {
        switch target {
        case .name(let name): scope.variables[name] = value
        case .attribute(let name, let attribute):
            guard case .namespace(let namespace)? = scope.lookUp(name) else {
                throw JinjaError("cannot assign attribute on non-namespace object")
            }
            try JinjaFunctions.checkNamespaceName(attribute)
            namespace.attributes[attribute] = value
        case .tuple(let targets): try unpack(value, into: targets)
        }
    }

    private func unpack(_ value: JinjaValue, into targets: [JinjaTarget]) throws {
        if case .undefined(let undefined) = value, !targets.isEmpty { throw JinjaError(undefined.message) }
        let items = try value.elements()
        try charge(items.count)
        guard items.count == targets.count else {
            throw JinjaError("cannot unpack \(items.count) values into \(targets.count) names")
        }
        for (target, item) in zip(targets, items) { try assign(item, to: target) }
    }

    // MARK: Loops

    private func executeLoop(_ loop: JinjaForLoop) throws -> Completion {
        try run(loop, over: try evaluate(loop.iterable), depth0: 0, outer: scope)
        return .normal
    }

    private func run(_ loop: JinjaForLoop, over iterable: JinjaValue, depth0: Int, outer: JinjaScope) throws {
        let items = try filtered(try iterable.elements(), by: loop, outer: outer)
        let recurse: ((JinjaInterpreter, JinjaValue) throws -> JinjaValue)? =
            loop.isRecursive
            ? { interpreter, value in
                .string(try interpreter.capture { try interpreter.run(loop, over: value, depth0: depth0 + 1, outer: outer) })
            } : nil
        let context = JinjaLoop(try JinjaList(items), depth0: depth0, recurse: recurse)
        var needsOtherwise = true
        for item in items {
            try charge(2)
            context.index0 += 1
            let completion = try inScope(of: outer) {
                try assign(item, to: loop.target)
                scope.variables["loop"] = .loop(context)
                return try execute(loop.body)
            }
            if completion == .leave { break }
            if completion == .normal { needsOtherwise = false }
        }
        if needsOtherwise { _ = try inScope(of: outer) { try execute(loop.otherwise) } }
    }

    private func filtered(_ items: [JinjaValue], by loop: JinjaForLoop, outer: JinjaScope) throws -> [JinjaValue] {
        try charge(items.count)
        guard let test = loop.test else { return items }
        return try items.filter { item in
            try inScope(of: outer) {
                try assign(item, to: loop.target)
                return try evaluate(test).isTrue
            }
        }
    }

    // MARK: Macros

    private func define(_ definition: JinjaMacroDefinition) throws {
        try noteCycle(in: scope)
        scope.variables[definition.name] = .macro(JinjaMacro(definition, scope: scope))
    }

    private func executeCallBlock(_ call: JinjaExpression, _ definition: JinjaMacroDefinition) throws {
        guard case .call(let callee, let arguments) = call.node else { throw JinjaError("expected call") }
        let function = try evaluate(callee)
        var values = try evaluate(arguments)
        values.named.append(("caller", .macro(JinjaMacro(definition, scope: scope))))
        try write(JinjaPrinter.string(try self.call(function, values), self))
    }

    func call(_ macro: JinjaMacro, _ arguments: JinjaArguments) throws -> JinjaValue {
        try charge(5)
        let text = try capture {
            try inScope(of: macro.scope) {
                try bind(arguments, to: macro.definition)
                _ = try execute(macro.definition.body)
            }
        }
        return .string(text)
    }

    private func bind(_ arguments: JinjaArguments, to definition: JinjaMacroDefinition) throws {
        let name = definition.name
        var named = arguments.named
        let explicitCaller = definition.parameters.contains { $0.name == "caller" }
        for (index, parameter) in definition.parameters.enumerated() {
            if index < arguments.positional.count {
                scope.variables[parameter.name] = arguments.positional[index]
            } else if let given = named.firstIndex(where: { $0.name == parameter.name }) {
                scope.variables[parameter.name] = named.remove(at: given).value
            } else if let defaultValue = parameter.defaultValue {
                scope.variables[parameter.name] = try evaluate(defaultValue)
            } else {
                scope.variables[parameter.name] = .undefined("parameter '\(parameter.name)' was not provided")
            }
        }
        if definition.usesCaller, !explicitCaller {
            let given = named.firstIndex { $0.name == "caller" }
            scope.variables["caller"] = given.map { named.remove(at: $0).value } ?? .undefined("No caller defined")
        }
        try bindRest(named, of: arguments, to: definition, name: name)
    }

    private func bindRest(
        _ named: [(name: String, value: JinjaValue)],
        of arguments: JinjaArguments,
        to definition: JinjaMacroDefinition,
        name: String
    ) throws {
        if definition.usesNamedRest {
            scope.variables["kwargs"] = .dictionary(try JinjaDictionary(named.map { (key: .string($0.name), value: $0.value) }))
        } else if let unexpected = named.first {
            throw JinjaError("macro '\(name)' takes no keyword argument '\(unexpected.name)'")
        }
        let count = definition.parameters.count
        if definition.usesPositionalRest {
            scope.variables["varargs"] = try .tuple(Array(arguments.positional.dropFirst(count)))
        } else if arguments.positional.count > count {
            throw JinjaError("macro '\(name)' takes not more than \(count) argument(s)")
        }
    }
}
