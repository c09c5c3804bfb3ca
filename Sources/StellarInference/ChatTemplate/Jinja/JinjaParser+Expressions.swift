extension JinjaParser {
    /// An expression, or several with commas between, which are a tuple.
    mutating func parseTuple(allowsConditional: Bool = true, end: String? = nil, isParenthesized: Bool = false) throws -> JinjaExpression {
        let line = current.line
        var items: [JinjaExpression] = []
        var isTuple = false
        while true {
            if current.kind == .outputEnd || current.kind == .blockEnd || isSymbol(")") || end.map({ isName($0) }) == true { break }
            items.append(try parseExpression(allowsConditional: allowsConditional))
            guard skip(symbol: ",") else { break }
            isTuple = true
        }
        if !isTuple {
            if let only = items.first { return only }
            guard isParenthesized else { throw error("Expected an expression, got '\(current.description)'") }
        }
        return try expression(.tuple(items), line: line, over: items)
    }

    mutating func parseExpression(allowsConditional: Bool = true) throws -> JinjaExpression {
        try nested { parser in
            let line = parser.current.line
            let unknownBefore = parser.unknownNames.count
            var result = try parser.parseOr()
            while allowsConditional, parser.skip(name: "if") {
                let test = try parser.parseOr()
                let otherwise = parser.skip(name: "else") ? try parser.parseExpression() : nil
                parser.unknownNames.removeSubrange(unknownBefore...)
                result = try parser.expression(
                    .conditional(test: test, then: result, otherwise: otherwise),
                    line: line,
                    over: [test, result] + (otherwise.map { [$0] } ?? [])
                )
            }
            return result
        }
    }

    private mutating func parseOr() throws -> JinjaExpression {
        let line = current.line
        var left = try parseAnd()
        while skip(name: "or") {
            let right = try parseAnd()
            left = try expression(.or(left, right), line: line, over: [left, right])
        }
        return left
    }

    private mutating func parseAnd() throws -> JinjaExpression {
        let line = current.line
        var left = try parseNot()
        while skip(name: "and") {
            let right = try parseNot()
            left = try expression(.and(left, right), line: line, over: [left, right])
        }
        return left
    }

    private mutating func parseNot() throws -> JinjaExpression {
        let line = current.line
        guard skip(name: "not") else { return try parseComparison() }
        let operand = try nested { try $0.parseNot() }
        return try expression(.not(operand), line: line, over: [operand])
    }

    private mutating func parseComparison() throws -> JinjaExpression {
        let line = current.line
        let first = try parseArithmetic(Self.lowestPrecedence)
        var rest: [(JinjaComparison, JinjaExpression)] = []
        while let comparison = skipComparison() { rest.append((comparison, try parseArithmetic(Self.lowestPrecedence))) }
        if rest.isEmpty { return first }
        return try expression(.comparison(first, rest), line: line, over: [first] + rest.map(\.1))
    }

    private mutating func skipComparison() -> JinjaComparison? {
        if case .symbol(let symbol) = current.kind, let comparison = JinjaComparison(rawValue: symbol) {
            advance()
            return comparison
        }
        if skip(name: "in") { return .isIn }
        if isName("not"), following.kind == .name("in") {
            advance()
            advance()
            return .isNotIn
        }
        return nil
    }

    // MARK: Arithmetic

    private static let lowestPrecedence = 1
    private static let concatenationPrecedence = 2
    private static let precedences: [String: Int] = ["+": 1, "-": 1, "~": 2, "*": 3, "/": 3, "//": 3, "%": 3, "**": 4]

    /// All binary operators associate to the left in Jinja, `**` too.
    private mutating func parseArithmetic(_ minimum: Int) throws -> JinjaExpression {
        let line = current.line
        var left = try parseUnary()
        while case .symbol(let symbol) = current.kind, let precedence = Self.precedences[symbol], precedence >= minimum {
            if symbol == "~" {
                left = try parseConcatenation(after: left, line: line)
                continue
            }
            advance()
            let right = try parseArithmetic(precedence + 1)
            guard let operation = JinjaBinaryOperator(rawValue: symbol) else { throw error("unknown operator '\(symbol)'") }
            left = try expression(.binary(operation, left, right), line: line, over: [left, right])
        }
        return left
    }

    private mutating func parseConcatenation(after first: JinjaExpression, line: Int) throws -> JinjaExpression {
        var parts = [first]
        while skip(symbol: "~") { parts.append(try parseArithmetic(Self.concatenationPrecedence + 1)) }
        return try expression(.concatenation(parts), line: line, over: parts)
    }

    private mutating func parseUnary(allowsFilters: Bool = true) throws -> JinjaExpression {
        let line = current.line
        var result: JinjaExpression
        if isSymbol("-") || isSymbol("+") {
            let isNegative = advance().kind == .symbol("-")
            let operand = try nested { try $0.parseUnary(allowsFilters: false) }
            result = try expression(isNegative ? .negative(operand) : .positive(operand), line: line, over: [operand])
        } else {
            result = try parsePrimary()
        }
        result = try parsePostfix(result)
        return allowsFilters ? try parseFilterExpression(result) : result
    }

    // MARK: Primaries

    private mutating func parsePrimary() throws -> JinjaExpression {
        let token = advance()
        let constant: JinjaConstant
        switch token.kind {
        case .name(let name): return try parseName(name, line: token.line)
        case .string(let bytes): constant = .string(JinjaString(bytes: parseAdjacentStrings(bytes)))
        case .integer(let number): constant = .integer(number)
        case .double(let number): constant = .double(number)
        case .symbol("("):
            let result = try parseTuple(isParenthesized: true)
            try expect(.symbol(")"))
            return result
        case .symbol("["): return try parseList(line: token.line)
        case .symbol("{"): return try parseDictionary(line: token.line)
        default: throw error("unexpected '\(token.description)'", at: token)
        }
        return try expression(.constant(constant), line: token.line)
    }

    private mutating func parseName(_ name: String, line: Int) throws -> JinjaExpression {
        switch name {
        case "true", "True": return try expression(.constant(.bool(true)), line: line)
        case "false", "False": return try expression(.constant(.bool(false)), line: line)
        case "none", "None": return try expression(.constant(.none), line: line)
        default:
            if !namesUsed.isEmpty { namesUsed[namesUsed.count - 1].insert(name) }
            return try expression(.name(name), line: line)
        }
    }

    private mutating func parseAdjacentStrings(_ first: [UInt8]) -> [UInt8] {
        var bytes = first
        while case .string(let more) = current.kind {
            bytes += more
            advance()
        }
        return bytes
    }

    private mutating func parseList(line: Int) throws -> JinjaExpression {
        var items: [JinjaExpression] = []
        while !isSymbol("]") {
            if !items.isEmpty { try expect(.symbol(",")) }
            if isSymbol("]") { break }
            items.append(try parseExpression())
        }
        advance()
        return try expression(.list(items), line: line, over: items)
    }

    private mutating func parseDictionary(line: Int) throws -> JinjaExpression {
        var entries: [(key: JinjaExpression, value: JinjaExpression)] = []
        while !isSymbol("}") {
            if !entries.isEmpty { try expect(.symbol(",")) }
            if isSymbol("}") { break }
            let key = try parseExpression()
            try expect(.symbol(":"))
            entries.append((key, try parseExpression()))
        }
        advance()
        return try expression(.dictionary(entries), line: line, over: entries.flatMap { [$0.key, $0.value] })
    }

    // MARK: Postfix

    private mutating func parsePostfix(_ subject: JinjaExpression) throws -> JinjaExpression {
        var result = subject
        while case .symbol(let symbol) = current.kind, [".", "[", "("].contains(symbol) {
            result = symbol == "(" ? try parseCall(result) : try parseSubscript(result)
        }
        return result
    }

    private mutating func parseFilterExpression(_ subject: JinjaExpression) throws -> JinjaExpression {
        var result = subject
        while true {
            if isSymbol("|") {
                result = try parseFilters(result) ?? result
            } else if isName("is") {
                result = try parseTest(result)
            } else if isSymbol("(") {
                result = try parseCall(result)
            } else {
                return result
            }
        }
    }

    private mutating func parseSubscript(_ subject: JinjaExpression) throws -> JinjaExpression {
        let line = current.line
        if advance().kind == .symbol(".") {
            let token = advance()
            switch token.kind {
            case .name(let name): return try expression(.attribute(subject, name), line: line, over: [subject])
            case .integer(let number):
                let position = try expression(.constant(.integer(number)), line: line)
                return try expression(.item(subject, position), line: line, over: [subject])
            default: throw error("expected name or number", at: token)
            }
        }
        var arguments: [JinjaExpression] = []
        while !isSymbol("]") {
            if !arguments.isEmpty { try expect(.symbol(",")) }
            arguments.append(try parseSliceOrExpression())
        }
        advance()
        let argument = arguments.count == 1 ? arguments[0] : try expression(.tuple(arguments), line: line, over: arguments)
        return try expression(.item(subject, argument), line: line, over: [subject, argument])
    }

    private mutating func parseSliceOrExpression() throws -> JinjaExpression {
        let line = current.line
        var parts: [JinjaExpression?] = []
        if !isSymbol(":") {
            let first = try parseExpression()
            guard isSymbol(":") else { return first }
            parts.append(first)
        } else {
            parts.append(nil)
        }
        while parts.count < 3, skip(symbol: ":") {
            parts.append(isSymbol(":") || isSymbol("]") || isSymbol(",") ? nil : try parseExpression())
        }
        while parts.count < 3 { parts.append(nil) }
        return try expression(.slice(parts[0], parts[1], parts[2]), line: line, over: parts.compactMap { $0 })
    }

    // MARK: Calls, filters, tests

    private mutating func parseCall(_ subject: JinjaExpression) throws -> JinjaExpression {
        let line = current.line
        let arguments = try parseArguments()
        return try expression(.call(subject, arguments), line: line, over: [subject] + arguments.all)
    }

    private mutating func parseArguments() throws -> JinjaCallArguments {
        let start = current
        var arguments = JinjaCallArguments()
        try expect(.symbol("("))
        var isFirst = true
        while !isSymbol(")") {
            if !isFirst {
                try expect(.symbol(","))
                if isSymbol(")") { break }
            }
            isFirst = false
            guard try parseArgument(into: &arguments) else { throw error("invalid syntax for function call expression", at: start) }
        }
        advance()
        return arguments
    }

    private mutating func parseArgument(into arguments: inout JinjaCallArguments) throws -> Bool {
        if skip(symbol: "*") {
            guard arguments.unpackedList == nil, arguments.unpackedDictionary == nil else { return false }
            arguments.unpackedList = try parseExpression()
        } else if skip(symbol: "**") {
            guard arguments.unpackedDictionary == nil else { return false }
            arguments.unpackedDictionary = try parseExpression()
        } else if case .name(let name) = current.kind, following.kind == .symbol("=") {
            guard arguments.unpackedDictionary == nil else { return false }
            advance()
            advance()
            arguments.named.append((name, try parseExpression()))
        } else {
            guard arguments.unpackedList == nil, arguments.unpackedDictionary == nil, arguments.named.isEmpty else { return false }
            arguments.positional.append(try parseExpression())
        }
        return true
    }

    /// The filters behind `subject`; with `startsInline` the first one has no `|`.
    mutating func parseFilters(_ subject: JinjaExpression?, startsInline: Bool = false) throws -> JinjaExpression? {
        var result = subject
        var isInline = startsInline
        while isInline || isSymbol("|") {
            if !isInline { advance() }
            isInline = false
            let token = current
            let name = try parseDottedName()
            if !isInBranch, JinjaFilters.table[name] == nil { unknownNames.append(error("No filter named '\(name)'.", at: token)) }
            let arguments = isSymbol("(") ? try parseArguments() : JinjaCallArguments()
            result = try expression(.filter(result, name, arguments), line: token.line, over: (result.map { [$0] } ?? []) + arguments.all)
        }
        return result
    }

    private mutating func parseDottedName() throws -> String {
        var name = try expectName()
        while skip(symbol: ".") { name += "." + (try expectName()) }
        return name
    }

    private mutating func parseTest(_ subject: JinjaExpression) throws -> JinjaExpression {
        let line = advance().line
        let isNegated = skip(name: "not")
        let token = current
        let name = try parseDottedName()
        if !isInBranch, JinjaTests.table[name] == nil { unknownNames.append(error("No test named '\(name)'.", at: token)) }
        var arguments = JinjaCallArguments()
        if isSymbol("(") {
            arguments = try parseArguments()
        } else if startsTestArgument {
            guard !isName("is") else { throw error("You cannot chain multiple tests with is") }
            let operand = try nested { try $0.parsePrimary() }
            arguments.positional = [try parsePostfix(operand)]
        }
        let test = try expression(.test(subject, name, arguments), line: line, over: [subject] + arguments.all)
        return isNegated ? try expression(.not(test), line: line, over: [test]) : test
    }

    private var startsTestArgument: Bool {
        switch current.kind {
        case .name(let name): !["else", "or", "and"].contains(name)
        case .string, .integer, .double, .symbol("["), .symbol("{"): true
        default: false
        }
    }
}
