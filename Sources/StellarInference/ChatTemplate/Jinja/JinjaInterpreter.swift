/// One rendering of one template.
///
/// Thread contract: used by one thread, for one call of ``render(_:)``.
final class JinjaInterpreter {
    let limits: JinjaLimits
    /// Seconds since 1970.
    let clock: () -> Double
    /// Line of the node that is being evaluated, for errors.
    var line = 0
    /// What is being written: the whole text, or the body of the innermost macro or block set.
    var output = JinjaString()
    var scope: JinjaScope
    private var stepsLeft: Int
    private var depth = 0
    private let stack: JinjaStackGuard
    /// Namespaces and scopes that hold macros, which may form cycles: emptied when the rendering ends.
    private var namespaces: [JinjaNamespace] = []
    private var cyclicScopes: [JinjaScope] = []

    init(variables: [String: JinjaValue], limits: JinjaLimits, clock: @escaping () -> Double) {
        self.limits = limits
        self.clock = clock
        stepsLeft = limits.steps + variables.values.reduce(0) { $0 + $1.weight } * 50
        stack = JinjaStackGuard(limit: limits.stackBytes)
        let globals = JinjaScope(parent: nil)
        globals.variables = JinjaFunctions.globals.merging(variables) { $1 }
        scope = JinjaScope(parent: globals)
    }

    /// - Throws: ``JinjaError``.
    func render(_ body: [JinjaStatement]) throws -> JinjaString {
        defer { releaseCycles() }
        do {
            guard try execute(body) == .normal else { throw JinjaError("'break' or 'continue' outside of a loop") }
        } catch var error as JinjaError {
            if error.line == 0 { error.line = line }
            throw error
        }
        return output
    }

    // MARK: Limits

    /// Accounts for `units` of work.
    func charge(_ units: Int) throws {
        let (left, overflow) = stepsLeft.subtractingReportingOverflow(units)
        guard !overflow, left >= 0 else { throw JinjaError("the template does too much work") }
        stepsLeft = left
    }

    /// Accounts for making a string of `bytes`.
    func charge(bytes: Int) throws {
        guard bytes <= limits.stringBytes else { throw JinjaError("the template makes too long a text") }
        try charge(1 + bytes / 32)
    }

    /// Goes one level deeper, if that level fits the stack; ``leave()`` goes back, also after an error.
    func enter() throws {
        depth += 1
        guard depth <= limits.evaluationDepth, stack.hasRoom else { throw JinjaError("the template recurses too deeply") }
    }

    func leave() { depth -= 1 }

    func makeNamespace(_ attributes: [String: JinjaValue]) throws -> JinjaNamespace {
        try charge(20)
        let namespace = JinjaNamespace(attributes)
        namespaces.append(namespace)
        return namespace
    }

    /// Notes that `scope` holds something that refers to it.
    func noteCycle(in scope: JinjaScope) throws {
        try charge(20)
        if cyclicScopes.last !== scope { cyclicScopes.append(scope) }
    }

    private func releaseCycles() {
        for namespace in namespaces { namespace.attributes = [:] }
        for scope in cyclicScopes { scope.variables = [:] }
        // Iterators that were not walked hold the interpreter.
        var current: JinjaScope? = scope
        while let scope = current {
            scope.variables = [:]
            current = scope.parent
        }
    }

    // MARK: Output and scopes

    func write(_ text: JinjaString) throws {
        try charge(1 + text.count / 32)
        guard output.count + text.count <= limits.stringBytes else { throw JinjaError("the template makes too long a text") }
        output.append(text)
    }

    /// What `body` writes.
    func capture(_ body: () throws -> Void) throws -> JinjaString {
        let outer = output
        output = JinjaString()
        defer { output = outer }
        try body()
        return output
    }

    /// Runs `body` in a fresh scope inside of `parent` (the current one if `nil`).
    func inScope<Result>(of parent: JinjaScope? = nil, _ body: () throws -> Result) rethrows -> Result {
        let outer = scope
        scope = JinjaScope(parent: parent ?? outer)
        defer { scope = outer }
        return try body()
    }
}
