/// What stops a template: where, and why.
struct JinjaError: Error {
    enum Kind {
        /// The source can't be parsed.
        case syntax
        /// An operation failed while rendering.
        case rendering
        /// The template called `raise_exception`; the message is the template's own.
        case raised
    }

    var kind: Kind
    var message: String
    /// Counted from 1; 0 until the interpreter knows it.
    var line: Int
    /// Counted from 1, in code points; 0 if not known.
    var column: Int

    init(_ message: String, kind: Kind = .rendering, line: Int = 0, column: Int = 0) {
        self.kind = kind
        self.message = message
        self.line = line
        self.column = column
    }

    /// The error that users of the library see.
    var inferenceError: InferenceError {
        switch kind {
        case .syntax: InferenceError(.invalidTemplate, "line \(line), column \(column): \(message)")
        case .rendering: InferenceError(.templateRejected, "line \(line): \(message)")
        case .raised: InferenceError(.templateRejected, message)
        }
    }
}

/// Bounds on what one template may use, so that a hostile one ends in an error.
struct JinjaLimits: Sendable {
    /// Nesting of brackets, blocks and operators in the source.
    var syntaxDepth = 200
    /// Nesting of statements, expressions and macro calls while rendering.
    var evaluationDepth = 600
    /// Bytes of stack that one render may use (cooperative threads have 512 KiB).
    var stackBytes = 320 << 10
    /// Units of work: about one per node evaluated, element made or 32 bytes copied. Long conversations add to it.
    var steps = 2_000_000
    /// Bytes of any one string, the output included.
    var stringBytes = 16 << 20

    /// Longest `range`, as in Jinja's sandbox.
    static let rangeCount = 100_000
    /// Nesting of lists and mappings.
    static let valueDepth = 100
    /// Size of any one list or mapping with all that it holds, in elements (64 bytes of text count as one).
    static let valueWeight = 4_000_000
}

/// Notices when recursion uses too much of the thread's stack.
struct JinjaStackGuard {
    private let base = Self.position()
    private let limit: Int

    /// Counts from the caller's frame on.
    init(limit: Int) { self.limit = limit }

    var hasRoom: Bool {
        let position = Self.position()
        return max(base, position) - min(base, position) <= UInt(limit)
    }

    /// The address of a local variable.
    @inline(never)
    private static func position() -> UInt {
        var marker: UInt8 = 0
        return withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
    }
}
