/// An expression of a template, with the line it starts on.
struct JinjaExpression: Sendable {
    let node: Node
    let line: Int
    /// Height of the tree below: bounds the recursion of whoever walks it.
    let height: Int

    indirect enum Node: Sendable {
        case constant(JinjaConstant)
        case name(String)
        case list([JinjaExpression])
        case tuple([JinjaExpression])
        case dictionary([(key: JinjaExpression, value: JinjaExpression)])
        case attribute(JinjaExpression, String)
        case item(JinjaExpression, JinjaExpression)
        case slice(JinjaExpression?, JinjaExpression?, JinjaExpression?)
        case call(JinjaExpression, JinjaCallArguments)
        /// The subject is `nil` in a filter block or a block `set`.
        case filter(JinjaExpression?, String, JinjaCallArguments)
        case test(JinjaExpression, String, JinjaCallArguments)
        case not(JinjaExpression)
        case negative(JinjaExpression)
        case positive(JinjaExpression)
        case binary(JinjaBinaryOperator, JinjaExpression, JinjaExpression)
        case concatenation([JinjaExpression])
        case comparison(JinjaExpression, [(JinjaComparison, JinjaExpression)])
        case and(JinjaExpression, JinjaExpression)
        case or(JinjaExpression, JinjaExpression)
        case conditional(test: JinjaExpression, then: JinjaExpression, otherwise: JinjaExpression?)
    }
}

/// A literal.
enum JinjaConstant: Sendable {
    case none
    case bool(Bool)
    case integer(Int)
    case double(Double)
    case string(JinjaString)
}

enum JinjaBinaryOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"
}

enum JinjaComparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case isIn = "in"
    case isNotIn = "not in"
}

/// The arguments of a call as written.
struct JinjaCallArguments: Sendable {
    var positional: [JinjaExpression] = []
    var named: [(name: String, value: JinjaExpression)] = []
    var unpackedList: JinjaExpression?
    var unpackedDictionary: JinjaExpression?

    var all: [JinjaExpression] {
        positional + named.map(\.value) + [unpackedList, unpackedDictionary].compactMap { $0 }
    }
}

/// What can stand left of `=` or between `for` and `in`.
indirect enum JinjaTarget: Sendable {
    case name(String)
    case attribute(namespace: String, name: String)
    case tuple([JinjaTarget])
}

/// A statement or a piece of output.
struct JinjaStatement: Sendable {
    let node: Node
    let line: Int

    indirect enum Node: Sendable {
        case text(JinjaString)
        case output(JinjaExpression)
        case conditional([(test: JinjaExpression, body: [JinjaStatement])], otherwise: [JinjaStatement])
        case loop(JinjaForLoop)
        case leave
        case next
        case assign(JinjaTarget, JinjaExpression)
        /// The filter is `nil` if the block has none.
        case assignBlock(JinjaTarget, filter: JinjaExpression?, body: [JinjaStatement])
        case macro(JinjaMacroDefinition)
        case callBlock(JinjaExpression, JinjaMacroDefinition)
        case filterBlock(JinjaExpression, body: [JinjaStatement])
        case with([(JinjaTarget, JinjaExpression)], body: [JinjaStatement])
        /// A body with its own scope: `generation`, `block`, `autoescape`.
        case scope([JinjaStatement])
    }
}

/// `{% for target in iterable if test recursive %} body {% else %} otherwise {% endfor %}`.
struct JinjaForLoop: Sendable {
    var target: JinjaTarget
    var iterable: JinjaExpression
    var test: JinjaExpression?
    var isRecursive: Bool
    var body: [JinjaStatement]
    var otherwise: [JinjaStatement]
}

/// A macro, or the body of a `call` block (`name` is then "caller").
struct JinjaMacroDefinition: Sendable {
    var name: String
    var parameters: [(name: String, defaultValue: JinjaExpression?)]
    var body: [JinjaStatement]
    /// The body speaks of `caller`, `kwargs`, `varargs`: only then are such arguments allowed.
    var usesCaller = false
    var usesNamedRest = false
    var usesPositionalRest = false
}
