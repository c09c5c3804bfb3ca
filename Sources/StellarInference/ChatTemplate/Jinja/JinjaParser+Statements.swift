extension JinjaParser {
    /// Statements up to one of the tags in `ends`, whose name is then the current token.
    mutating func parseBody(until ends: [String]) throws -> [JinjaStatement] {
        try nested { parser in
            var body: [JinjaStatement] = []
            while true {
                let token = parser.advance()
                switch token.kind {
                case .data(let bytes): body.append(JinjaStatement(node: .text(JinjaString(bytes: bytes)), line: token.line))
                case .outputBegin:
                    body.append(JinjaStatement(node: .output(try parser.parseTuple()), line: token.line))
                    try parser.expect(.outputEnd)
                case .blockBegin:
                    if case .name(let name) = parser.current.kind, ends.contains(name) { return body }
                    body += try parser.parseStatement(line: token.line)
                    try parser.expect(.blockEnd)
                default:
                    guard ends.isEmpty else {
                        throw parser.error(
                            "Unexpected end of template. Jinja was looking for the following tags: \(ends.joined(separator: ", "))."
                        )
                    }
                    return body
                }
            }
        }
    }

    /// The body of a block tag: from the end of its opening tag to its closing one, which is consumed but for its `%}`.
    private mutating func parseBlock(until ends: String...) throws -> [JinjaStatement] {
        _ = skip(symbol: ":")
        try expect(.blockEnd)
        return try parseBody(until: ends)
    }

    /// Parses with the state of a fresh frame: names of filters and tests must be known.
    private mutating func inFrame<Result>(isBranch: Bool = false, _ body: (inout JinjaParser) throws -> Result) rethrows -> Result {
        let outer = isInBranch
        isInBranch = isBranch
        defer { isInBranch = outer }
        return try body(&self)
    }

    private mutating func parseStatement(line: Int) throws -> [JinjaStatement] {
        let token = current
        guard case .name(let tag) = token.kind else { throw error("tag name expected") }
        advance()
        if tag == "print" { return try parsePrint(line: line) }
        guard let parse = Self.statements[tag] else { throw error("Encountered unknown tag '\(tag)'.", at: token) }
        return [JinjaStatement(node: try parse(&self), line: line)]
    }

    private static let statements: [String: @Sendable (inout JinjaParser) throws -> JinjaStatement.Node] = [
        "if": { try $0.parseIf() },
        "for": { try $0.parseFor() },
        "set": { try $0.parseSet() },
        "macro": { try $0.parseMacro() },
        "call": { try $0.parseCallBlock() },
        "filter": { try $0.parseFilterBlock() },
        "with": { try $0.parseWith() },
        "generation": { try $0.parseGeneration() },
        "block": { try $0.parseNamedBlock() },
        "autoescape": { try $0.parseAutoescape() },
        "break": { try $0.parseLeave(.leave) },
        "continue": { try $0.parseLeave(.next) },
    ]

    private mutating func parsePrint(line: Int) throws -> [JinjaStatement] {
        var outputs: [JinjaStatement] = []
        while current.kind != .blockEnd {
            if !outputs.isEmpty { try expect(.symbol(",")) }
            outputs.append(JinjaStatement(node: .output(try parseExpression()), line: line))
        }
        return outputs
    }

    private mutating func parseIf() throws -> JinjaStatement.Node {
        try inFrame(isBranch: true) { parser in
            var branches: [(test: JinjaExpression, body: [JinjaStatement])] = []
            while true {
                let test = try parser.parseTuple(allowsConditional: false)
                branches.append((test, try parser.parseBlock(until: "elif", "else", "endif")))
                if parser.skip(name: "elif") { continue }
                guard parser.skip(name: "else") else { break }
                let otherwise = try parser.parseBlock(until: "endif")
                parser.advance()
                return .conditional(branches, otherwise: otherwise)
            }
            parser.advance()
            return .conditional(branches, otherwise: [])
        }
    }

    private mutating func parseFor() throws -> JinjaStatement.Node {
        let target = try parseTarget(end: "in")
        try expect(.name("in"))
        let iterable = try parseTuple(allowsConditional: false, end: "recursive")
        return try inFrame { parser in
            let test = parser.skip(name: "if") ? try parser.parseExpression() : nil
            let isRecursive = parser.skip(name: "recursive")
            parser.loopDepth += 1
            let body = try parser.parseBlock(until: "endfor", "else")
            parser.loopDepth -= 1
            var otherwise: [JinjaStatement] = []
            if parser.skip(name: "else") { otherwise = try parser.parseBlock(until: "endfor") }
            parser.advance()
            return .loop(
                JinjaForLoop(target: target, iterable: iterable, test: test, isRecursive: isRecursive, body: body, otherwise: otherwise)
            )
        }
    }

    private mutating func parseLeave(_ node: JinjaStatement.Node) throws -> JinjaStatement.Node {
        guard loopDepth > 0 else { throw error("'break' or 'continue' outside of a loop") }
        return node
    }

    private mutating func parseSet() throws -> JinjaStatement.Node {
        let target = try parseTarget(allowsNamespace: true)
        if skip(symbol: "=") { return .assign(target, try parseTuple()) }
        let filter = try parseFilters(nil)
        return try inFrame { parser in
            let body = try parser.parseBlock(until: "endset")
            parser.advance()
            return .assignBlock(target, filter: filter, body: body)
        }
    }

    private mutating func parseFilterBlock() throws -> JinjaStatement.Node {
        guard let filter = try parseFilters(nil, startsInline: true) else { throw error("expected a filter") }
        return try inFrame { parser in
            let body = try parser.parseBlock(until: "endfilter")
            parser.advance()
            return .filterBlock(filter, body: body)
        }
    }

    private mutating func parseWith() throws -> JinjaStatement.Node {
        try inFrame { parser in
            var assignments: [(JinjaTarget, JinjaExpression)] = []
            while parser.current.kind != .blockEnd {
                if !assignments.isEmpty { try parser.expect(.symbol(",")) }
                let target = try parser.parseTarget()
                try parser.expect(.symbol("="))
                assignments.append((target, try parser.parseExpression()))
            }
            let body = try parser.parseBlock(until: "endwith")
            parser.advance()
            return .with(assignments, body: body)
        }
    }

    private mutating func parseGeneration() throws -> JinjaStatement.Node {
        try inFrame { parser in
            let loops = parser.loopDepth
            parser.loopDepth = 0
            defer { parser.loopDepth = loops }
            let body = try parser.parseBlock(until: "endgeneration")
            parser.advance()
            return .scope(body)
        }
    }

    private mutating func parseNamedBlock() throws -> JinjaStatement.Node {
        try inFrame { parser in
            let name = try parser.expectName()
            _ = parser.skip(name: "scoped")
            _ = parser.skip(name: "required")
            let body = try parser.parseBlock(until: "endblock")
            parser.advance()
            _ = parser.skip(name: name)
            return .scope(body)
        }
    }

    private mutating func parseAutoescape() throws -> JinjaStatement.Node {
        _ = try parseExpression()
        let body = try inFrame { try $0.parseBlock(until: "endautoescape") }
        advance()
        return .scope(body)
    }

    // MARK: Macros

    private mutating func parseMacro() throws -> JinjaStatement.Node {
        let name = try expectName()
        return .macro(try parseMacroDefinition(name: name, end: "endmacro"))
    }

    private mutating func parseCallBlock() throws -> JinjaStatement.Node {
        let start = current
        let parameters = isSymbol("(") ? try parseParameters() : []
        let call = try parseExpression()
        guard case .call = call.node else { throw error("expected call", at: start) }
        let definition = try parseMacroDefinition(name: "caller", parameters: parameters, end: "endcall")
        return .callBlock(call, definition)
    }

    private mutating func parseMacroDefinition(
        name: String,
        parameters given: [(name: String, defaultValue: JinjaExpression?)]? = nil,
        end: String
    ) throws -> JinjaMacroDefinition {
        let loops = loopDepth
        loopDepth = 0
        namesUsed.append([])
        defer { loopDepth = loops }
        let (parameters, body) = try inFrame { parser in
            let parameters = try given ?? parser.parseParameters()
            return (parameters, try parser.parseBlock(until: end))
        }
        advance()
        let used = namesUsed.removeLast()
        if !namesUsed.isEmpty { namesUsed[namesUsed.count - 1].formUnion(used.subtracting(["caller", "kwargs", "varargs"])) }
        return JinjaMacroDefinition(
            name: name,
            parameters: parameters,
            body: body,
            usesCaller: used.contains("caller"),
            usesNamedRest: used.contains("kwargs"),
            usesPositionalRest: used.contains("varargs")
        )
    }

    private mutating func parseParameters() throws -> [(name: String, defaultValue: JinjaExpression?)] {
        var parameters: [(name: String, defaultValue: JinjaExpression?)] = []
        try expect(.symbol("("))
        while !isSymbol(")") {
            if !parameters.isEmpty { try expect(.symbol(",")) }
            let name = try expectName()
            if skip(symbol: "=") {
                parameters.append((name, try parseExpression()))
            } else {
                guard parameters.last?.defaultValue == nil else { throw error("non-default argument follows default argument") }
                parameters.append((name, nil))
            }
        }
        advance()
        return parameters
    }

    // MARK: Targets

    private static let constantNames: Set<String> = ["true", "false", "True", "False", "none", "None"]

    private mutating func parseTarget(end: String? = nil, allowsNamespace: Bool = false) throws -> JinjaTarget {
        var targets: [JinjaTarget] = []
        var isTuple = false
        while true {
            if isTargetEnd(end) { break }
            targets.append(try parseSingleTarget(allowsNamespace: allowsNamespace))
            guard skip(symbol: ",") else { break }
            isTuple = true
        }
        if !isTuple, let only = targets.first { return only }
        guard isTuple else { throw error("Expected an expression, got '\(current.description)'") }
        return .tuple(targets)
    }

    private func isTargetEnd(_ end: String?) -> Bool {
        current.kind == .blockEnd || current.kind == .outputEnd || isSymbol(")") || end.map { isName($0) } == true
    }

    private mutating func parseSingleTarget(allowsNamespace: Bool) throws -> JinjaTarget {
        if skip(symbol: "(") {
            let target = try nested { try $0.parseTarget() }
            try expect(.symbol(")"))
            return target
        }
        let token = current
        let name = try expectName()
        guard !Self.constantNames.contains(name) else { throw error("can't assign to '\(name)'", at: token) }
        if allowsNamespace, skip(symbol: ".") { return .attribute(namespace: name, name: try expectName()) }
        return .name(name)
    }
}
