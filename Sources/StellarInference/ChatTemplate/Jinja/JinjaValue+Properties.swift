extension JinjaValue {
    static func string(_ text: String) -> JinjaValue { .string(JinjaString(text)) }

    static func list(_ items: [JinjaValue]) throws -> JinjaValue { .list(try JinjaList(items)) }

    static func tuple(_ items: [JinjaValue]) throws -> JinjaValue { .tuple(try JinjaList(items)) }

    static func undefined(_ message: String) -> JinjaValue { .undefined(JinjaUndefined(message: message)) }

    /// Depth and weight of a container of `items`.
    static func measure(_ items: some Sequence<JinjaValue>) throws -> (depth: Int, weight: Int) {
        var depth = 0
        var weight = 1
        for item in items {
            depth = max(depth, item.depth)
            weight += item.weight
            guard weight <= JinjaLimits.valueWeight else { throw JinjaError("a list or mapping holds too much") }
        }
        guard depth < JinjaLimits.valueDepth else { throw JinjaError("lists and mappings are nested too deeply") }
        return (depth + 1, weight)
    }

    /// How deeply containers are nested in this value.
    var depth: Int {
        switch self {
        case .list(let list), .tuple(let list): list.depth
        case .dictionary(let dictionary): dictionary.depth
        case .view(let view): view.list.depth
        case .iterator(let iterator): iterator.depth
        case .loop(let loop): loop.list.depth
        case .function(let function): function.depth
        default: 0
        }
    }

    /// How much work it is to walk this value.
    var weight: Int {
        switch self {
        case .list(let list), .tuple(let list): list.weight
        case .dictionary(let dictionary): dictionary.weight
        case .view(let view): view.list.weight
        case .iterator(let iterator): iterator.weight
        case .loop(let loop): loop.list.weight
        case .string(let text): 1 + text.count / 64
        case .range(let range): 1 + range.count
        default: 1
        }
    }

    /// The name of the Python type, as error messages say it.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .bool: "bool"
        case .integer: "int"
        case .double: "float"
        case .string: "str"
        case .list: "list"
        case .tuple: "tuple"
        case .dictionary: "dict"
        case .range: "range"
        case .view(let view): view.kind.rawValue
        case .iterator: "generator"
        case .namespace: "Namespace"
        case .loop: "LoopContext"
        case .function: "builtin_function_or_method"
        case .macro: "Macro"
        }
    }

    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let flag): flag
        case .integer(let number): number != 0
        case .double(let number): number != 0
        case .string(let text): !text.isEmpty
        case .list(let list), .tuple(let list): !list.items.isEmpty
        case .dictionary(let dictionary): !dictionary.entries.isEmpty
        case .range(let range): range.count > 0
        case .view(let view): !view.list.items.isEmpty
        case .loop(let loop): !loop.list.items.isEmpty
        case .iterator, .namespace, .function, .macro: true
        }
    }

    var isUndefined: Bool {
        if case .undefined = self { true } else { false }
    }

    /// The number, if this is one; booleans are integers, as in Python.
    var asInteger: Int? {
        switch self {
        case .integer(let number): number
        case .bool(let flag): flag ? 1 : 0
        default: nil
        }
    }

    var asDouble: Double? {
        if case .double(let number) = self { return number }
        return asInteger.map(Double.init)
    }

    /// Python's `len`.
    func length() throws -> Int {
        switch self {
        case .undefined: 0
        case .string(let text): text.codePointCount
        case .list(let list), .tuple(let list): list.items.count
        case .dictionary(let dictionary): dictionary.entries.count
        case .range(let range): range.count
        case .view(let view): view.list.items.count
        case .loop(let loop): loop.list.items.count
        default: throw JinjaError("object of type '\(typeName)' has no len()")
        }
    }

    /// Python's `iter`, to the end. Iterators are used up by it.
    func elements() throws -> [JinjaValue] {
        switch self {
        case .undefined: return []
        case .string(let text):
            let offsets = text.codePointOffsets
            return zip(offsets, offsets.dropFirst()).map { .string(text[$0..<$1]) }
        case .list(let list), .tuple(let list): return list.items
        case .dictionary(let dictionary): return dictionary.keys
        case .range(let range): return range.items
        case .view(let view): return view.list.items
        case .iterator(let iterator): return try iterator.takeAll()
        default: throw JinjaError("'\(typeName)' object is not iterable")
        }
    }

    var isIterable: Bool {
        switch self {
        case .undefined, .string, .list, .tuple, .dictionary, .range, .view, .iterator, .loop: true
        default: false
        }
    }

    /// Python's `==`.
    func isEqual(to other: JinjaValue) -> Bool {
        switch (self, other) {
        case (.undefined, .undefined), (.none, .none): true
        case (.string(let left), .string(let right)): left == right
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)): Self.areEqual(left.items, right.items)
        case (.dictionary(let left), .dictionary(let right)): Self.areEqual(left, right)
        case (.range(let left), .range(let right)): Self.areEqual(left.items, right.items)
        case (.view(let left), .view(let right)):
            left === right || (left.kind != .values && Self.areEqual(left.list.items, right.list.items))
        case (.iterator(let left), .iterator(let right)): left === right
        case (.namespace(let left), .namespace(let right)): left === right
        case (.loop(let left), .loop(let right)): left === right
        case (.function(let left), .function(let right)): left === right
        case (.macro(let left), .macro(let right)): left === right
        default: isEqualNumber(other)
        }
    }

    private func isEqualNumber(_ other: JinjaValue) -> Bool {
        if let left = asInteger, let right = other.asInteger { return left == right }
        if case .double(let left) = self, let right = other.asInteger { return Int(exactly: left) == right }
        if let left = asInteger, case .double(let right) = other { return Int(exactly: right) == left }
        if case .double(let left) = self, case .double(let right) = other { return left == right }
        return false
    }

    private static func areEqual(_ left: [JinjaValue], _ right: [JinjaValue]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0.isEqual(to: $1) }
    }

    private static func areEqual(_ left: JinjaDictionary, _ right: JinjaDictionary) -> Bool {
        guard left.entries.count == right.entries.count else { return false }
        return left.entries.allSatisfy { entry in
            guard let key = try? JinjaKey(entry.key), let other = right.value(key) else { return false }
            return entry.value.isEqual(to: other)
        }
    }

    /// Python's `<`.
    func isLess(than other: JinjaValue) throws -> Bool {
        switch (self, other) {
        case (.undefined(let undefined), _), (_, .undefined(let undefined)): throw JinjaError(undefined.message)
        case (.string(let left), .string(let right)): return left < right
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            for (first, second) in zip(left.items, right.items) where !first.isEqual(to: second) { return try first.isLess(than: second) }
            return left.items.count < right.items.count
        default:
            if let left = asInteger, let right = other.asInteger { return left < right }
            if let left = asDouble, let right = other.asDouble { return left < right }
            throw JinjaError("'<' not supported between instances of '\(typeName)' and '\(other.typeName)'")
        }
    }

    /// A value from outside; every text in it is data.
    ///
    /// - Throws: ``JinjaError`` if it is nested too deeply or too large.
    init(_ value: TemplateValue, depth: Int = 0) throws {
        guard depth < JinjaLimits.valueDepth else { throw JinjaError("the conversation is nested too deeply") }
        switch value {
        case .null: self = .none
        case .bool(let flag): self = .bool(flag)
        case .integer(let number): self = .integer(number)
        case .double(let number): self = .double(number)
        case .string(let text): self = .string(JinjaString(text, isData: true))
        case .array(let items): self = try .list(items.map { try JinjaValue($0, depth: depth + 1) })
        case .object(let members):
            let entries = try members.map { member in
                (key: JinjaValue.string(JinjaString(member.key, isData: true)), value: try JinjaValue(member.value, depth: depth + 1))
            }
            self = .dictionary(try JinjaDictionary(entries))
        }
    }
}
