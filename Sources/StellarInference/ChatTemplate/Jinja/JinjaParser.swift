/// Builds the syntax tree of a template: recursive descent for statements, precedence climbing for expressions.
struct JinjaParser {
    private let source: [UInt8]
    private let tokens: [JinjaToken]
    private let maxDepth: Int
    private var index = 0
    private var depth = 0
    private let stack: JinjaStackGuard
    /// Loops around the current statement, inside the current macro.
    var loopDepth = 0
    /// Filters and tests in branches may be unknown until the branch is taken.
    var isInBranch = false
    /// Unknown filters and tests outside of branches.
    var unknownNames: [JinjaError] = []
    /// Names used inside each macro that is being parsed.
    var namesUsed: [Set<String>] = []

    private init(source: [UInt8], limits: JinjaLimits) throws {
        self.source = source
        maxDepth = limits.syntaxDepth
        stack = JinjaStackGuard(limit: limits.stackBytes)
        tokens = try JinjaLexer.tokens(of: source)
    }

    /// - Throws: ``JinjaError`` of kind `syntax`.
    static func parse(_ text: String, limits: JinjaLimits) throws -> [JinjaStatement] {
        var parser = try JinjaParser(source: JinjaLexer.normalized(text), limits: limits)
        let body = try parser.parseBody(until: [])
        if let unknown = parser.unknownNames.first { throw unknown }
        return body
    }

    // MARK: Tokens

    var current: JinjaToken { tokens[index] }
    var following: JinjaToken { tokens[min(index + 1, tokens.count - 1)] }

    @discardableResult
    mutating func advance() -> JinjaToken {
        let token = tokens[index]
        if index + 1 < tokens.count { index += 1 }
        return token
    }

    func isSymbol(_ symbol: String) -> Bool { current.kind == .symbol(symbol) }
    func isName(_ name: String) -> Bool { current.kind == .name(name) }

    mutating func skip(symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func skip(name: String) -> Bool {
        guard isName(name) else { return false }
        advance()
        return true
    }

    mutating func expect(_ kind: JinjaToken.Kind) throws {
        guard current.kind == kind else {
            let wanted = JinjaToken(kind: kind, line: 0, offset: 0).description
            throw error("expected token '\(wanted)', got '\(current.description)'")
        }
        advance()
    }

    mutating func expectName() throws -> String {
        guard case .name(let name) = current.kind else { throw error("expected token 'name', got '\(current.description)'") }
        advance()
        return name
    }

    func error(_ message: String, at token: JinjaToken? = nil) -> JinjaError {
        JinjaLexer.error(message, at: (token ?? current).offset, in: source)
    }

    // MARK: Nodes

    /// Runs `body` one level deeper.
    mutating func nested<Result>(_ body: (inout JinjaParser) throws -> Result) throws -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth <= maxDepth, stack.hasRoom else { throw error("the template is nested too deeply") }
        return try body(&self)
    }

    func expression(_ node: JinjaExpression.Node, line: Int, over children: [JinjaExpression] = []) throws -> JinjaExpression {
        let height = (children.lazy.map(\.height).max() ?? 0) + 1
        guard height <= maxDepth else { throw error("the expression is nested too deeply") }
        return JinjaExpression(node: node, line: line, height: height)
    }
}
