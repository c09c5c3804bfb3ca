/// A value inside the interpreter, with the semantics of the Python value that Jinja would have in its place.
enum JinjaValue {
    case undefined(JinjaUndefined)
    case none
    case bool(Bool)
    case integer(Int)
    case double(Double)
    case string(JinjaString)
    case list(JinjaList)
    case tuple(JinjaList)
    case dictionary(JinjaDictionary)
    case range(JinjaRange)
    /// `dict.keys()`, `dict.values()`, `dict.items()`.
    case view(JinjaView)
    /// What filters like `map` and `select` give: can be walked once.
    case iterator(JinjaIterator)
    case namespace(JinjaNamespace)
    case loop(JinjaLoop)
    case function(JinjaFunction)
    case macro(JinjaMacro)
}

/// A name or attribute that does not exist, and the message of the error that using it raises.
struct JinjaUndefined {
    var message: String
}

/// The elements of a list or tuple, with the measures that bound recursion and work.
final class JinjaList {
    let items: [JinjaValue]
    let depth: Int
    let weight: Int
    /// A pair of the `groupby` filter: also answers to `grouper` and `list`.
    let isGroup: Bool

    /// - Throws: ``JinjaError`` if the list is nested too deeply or holds too much.
    init(_ items: [JinjaValue], isGroup: Bool = false) throws {
        self.items = items
        self.isGroup = isGroup
        (depth, weight) = try JinjaValue.measure(items)
    }
}

/// An immutable mapping in insertion order.
final class JinjaDictionary {
    let entries: [(key: JinjaValue, value: JinjaValue)]
    let depth: Int
    let weight: Int
    private let index: [JinjaKey: Int]

    /// - Throws: ``JinjaError`` if a key can't be hashed, or as ``JinjaList/init(_:)``.
    init(_ pairs: [(key: JinjaValue, value: JinjaValue)]) throws {
        var entries: [(key: JinjaValue, value: JinjaValue)] = []
        var index: [JinjaKey: Int] = [:]
        for pair in pairs {
            let key = try JinjaKey(pair.key)
            if let position = index[key] {
                entries[position].value = pair.value
            } else {
                index[key] = entries.count
                entries.append(pair)
            }
        }
        self.entries = entries
        self.index = index
        (depth, weight) = try JinjaValue.measure(entries.lazy.map(\.value) + entries.lazy.map(\.key))
    }

    func value(_ key: JinjaKey) -> JinjaValue? { index[key].map { entries[$0].value } }
    func value(_ key: String) -> JinjaValue? { value(.string(Array(key.utf8))) }
    var keys: [JinjaValue] { entries.map(\.key) }
}

/// What may be a key of a mapping, by Python's equality: `1`, `1.0` and `true` are one key.
enum JinjaKey: Hashable {
    case undefined
    case none
    case integer(Int)
    case double(Double)
    case string([UInt8])
    case tuple([JinjaKey])

    init(_ value: JinjaValue) throws {
        switch value {
        case .undefined: self = .undefined
        case .none: self = .none
        case .bool(let flag): self = .integer(flag ? 1 : 0)
        case .integer(let number): self = .integer(number)
        case .double(let number): self = Int(exactly: number).map(JinjaKey.integer) ?? .double(number)
        case .string(let text): self = .string(text.bytes)
        case .tuple(let list): self = .tuple(try list.items.map { try JinjaKey($0) })
        default: throw JinjaError("unhashable type: '\(value.typeName)'")
        }
    }
}

/// Python's `range`.
struct JinjaRange {
    var start: Int
    var stop: Int
    var step: Int
    var count: Int

    var items: [JinjaValue] { (0..<count).map { .integer(start + $0 * step) } }
}

/// A view of a mapping.
final class JinjaView {
    enum Kind: String {
        case keys = "dict_keys"
        case values = "dict_values"
        case items = "dict_items"
    }

    let kind: Kind
    let list: JinjaList

    init(_ kind: Kind, of dictionary: JinjaDictionary) throws {
        self.kind = kind
        switch kind {
        case .keys: list = try JinjaList(dictionary.keys)
        case .values: list = try JinjaList(dictionary.entries.map(\.value))
        case .items: list = try JinjaList(dictionary.entries.map { .tuple(try JinjaList([$0.key, $0.value])) })
        }
    }
}

/// A generator: makes its elements when the first one is asked for, and what has been taken is gone.
final class JinjaIterator {
    let depth: Int
    /// How much work it is to walk what it is made of.
    let weight: Int
    private var make: (() throws -> [JinjaValue])?
    private var list: JinjaList?
    private var position = 0

    /// - Throws: ``JinjaError`` if it is nested too deeply.
    init(from source: JinjaValue, _ make: @escaping () throws -> [JinjaValue]) throws {
        guard source.depth < JinjaLimits.valueDepth else { throw JinjaError("iterators are nested too deeply") }
        depth = source.depth + 1
        weight = source.weight
        self.make = make
    }

    private func elements() throws -> [JinjaValue] {
        if let list { return list.items }
        let items = try make?() ?? []
        make = nil
        let made = try JinjaList(items)
        list = made
        return made.items
    }

    func next() throws -> JinjaValue? {
        let items = try elements()
        guard position < items.count else { return nil }
        position += 1
        return items[position - 1]
    }

    func takeAll() throws -> [JinjaValue] {
        let items = try elements()
        defer { position = items.count }
        return Array(items[position...])
    }
}

/// The one kind of value that templates can change: `namespace()`.
final class JinjaNamespace {
    var attributes: [String: JinjaValue]

    init(_ attributes: [String: JinjaValue]) { self.attributes = attributes }
}

/// Something built in that can be called: a global function or a method bound to its receiver.
final class JinjaFunction {
    typealias Body = (JinjaInterpreter, JinjaArguments) throws -> JinjaValue

    let name: String
    let depth: Int
    let body: Body

    init(_ name: String, depth: Int = 0, body: @escaping Body) {
        self.name = name
        self.depth = depth
        self.body = body
    }
}

/// A macro, or the body of a `call` block, with the scope it was defined in.
final class JinjaMacro {
    let definition: JinjaMacroDefinition
    let scope: JinjaScope

    init(_ definition: JinjaMacroDefinition, scope: JinjaScope) {
        self.definition = definition
        self.scope = scope
    }
}

/// The `loop` variable of one `for`.
final class JinjaLoop {
    let list: JinjaList
    let depth0: Int
    /// Calls the loop's body again, for `recursive` loops.
    let recurse: ((JinjaInterpreter, JinjaValue) throws -> JinjaValue)?
    var index0 = -1
    var lastChanged: [JinjaValue]?

    init(_ list: JinjaList, depth0: Int, recurse: ((JinjaInterpreter, JinjaValue) throws -> JinjaValue)?) {
        self.list = list
        self.depth0 = depth0
        self.recurse = recurse
    }
}

/// Variables of one block; looks outwards for what it does not hold.
final class JinjaScope {
    var variables: [String: JinjaValue] = [:]
    let parent: JinjaScope?

    init(parent: JinjaScope?) { self.parent = parent }

    func lookUp(_ name: String) -> JinjaValue? {
        var scope: JinjaScope? = self
        while let current = scope {
            if let value = current.variables[name] { return value }
            scope = current.parent
        }
        return nil
    }
}
