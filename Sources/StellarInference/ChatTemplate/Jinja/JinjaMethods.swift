/// Attribute and subscript access with Jinja's rules, and the methods of lists, mappings and the `loop` variable.
enum JinjaMethods {
    /// Receives the value on which the method is called.
    typealias Method<Receiver> = @Sendable (JinjaInterpreter, Receiver, JinjaArguments) throws -> JinjaValue

    /// `value.name`: an attribute if there is one, else an item of that key.
    static func attribute(_ name: String, of value: JinjaValue, _ interpreter: JinjaInterpreter) throws -> JinjaValue {
        if case .undefined(let undefined) = value { throw JinjaError(undefined.message) }
        if let found = ownAttribute(name, of: value) { return found }
        if case .dictionary(let dictionary) = value, let found = dictionary.value(name) { return found }
        return missing(name, of: value)
    }

    /// `value[argument]`: an item if there is one, else an attribute of that name.
    static func item(_ argument: JinjaValue, of value: JinjaValue, _ interpreter: JinjaInterpreter) throws -> JinjaValue {
        switch value {
        case .undefined(let undefined): throw JinjaError(undefined.message)
        case .list(let list), .tuple(let list):
            if let index = argument.asInteger { return element(list.items, index) ?? noElement(index, of: value) }
        case .range(let range):
            if let index = argument.asInteger { return element(range.items, index) ?? noElement(index, of: value) }
        case .string(let text):
            if let index = argument.asInteger { return character(text, index) ?? noElement(index, of: value) }
        case .dictionary(let dictionary):
            if let key = try? JinjaKey(argument), let found = dictionary.value(key) { return found }
        default: break
        }
        guard case .string(let name) = argument else { return .undefined("\(value.typeName) object has no such element") }
        return ownAttribute(name.text, of: value) ?? missing(name.text, of: value)
    }

    private static func missing(_ name: String, of value: JinjaValue) -> JinjaValue {
        .undefined("'\(value.typeName) object' has no attribute '\(name)'")
    }

    private static func noElement(_ index: Int, of value: JinjaValue) -> JinjaValue {
        .undefined("\(value.typeName) object has no element \(index)")
    }

    private static func position(_ index: Int, _ count: Int) -> Int? {
        let position = index < 0 ? index + count : index
        return (0..<count).contains(position) ? position : nil
    }

    private static func element(_ items: [JinjaValue], _ index: Int) -> JinjaValue? {
        position(index, items.count).map { items[$0] }
    }

    private static func character(_ text: JinjaString, _ index: Int) -> JinjaValue? {
        let offsets = text.codePointOffsets
        return position(index, offsets.count - 1).map { .string(text[offsets[$0]..<offsets[$0 + 1]]) }
    }

    // MARK: Attributes

    private static func ownAttribute(_ name: String, of value: JinjaValue) -> JinjaValue? {
        switch value {
        case .string(let text): return bound(name, text, value, JinjaStringMethods.table)
        case .dictionary(let dictionary):
            return bound(name, dictionary, value, dictionaryMethods)
                ?? refused(name, mutators: ["clear", "pop", "popitem", "setdefault", "update"])
        case .list(let list):
            let mutators: Set = ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"]
            return bound(name, list, value, listMethods) ?? refused(name, mutators: mutators)
        case .tuple(let list): return groupAttribute(name, list) ?? bound(name, list, value, sequenceMethods)
        case .range(let range): return (try? JinjaList(range.items)).flatMap { bound(name, $0, value, sequenceMethods) }
        case .namespace(let namespace): return namespace.attributes[name]
        case .loop(let loop): return attribute(name, of: loop)
        case .macro(let macro): return attribute(name, of: macro)
        case .double(let number): return bound(name, number, value, ["is_integer": { _, number, _ in .bool(number.rounded() == number) }])
        default: return nil
        }
    }

    private static func bound<Receiver>(
        _ name: String,
        _ receiver: Receiver,
        _ value: JinjaValue,
        _ table: [String: Method<Receiver>]
    ) -> JinjaValue? {
        guard let method = table[name] else { return nil }
        return .function(
            JinjaFunction(name, depth: value.depth + 1) { interpreter, arguments in
                try interpreter.charge(value.weight)
                return try method(interpreter, receiver, arguments)
            }
        )
    }

    /// Methods that change their receiver exist, but the immutable sandbox lets nobody call them.
    private static func refused(_ name: String, mutators: Set<String>) -> JinjaValue? {
        mutators.contains(name) ? .undefined("access to attribute '\(name)' is unsafe: templates can't change lists and mappings") : nil
    }

    private static func groupAttribute(_ name: String, _ list: JinjaList) -> JinjaValue? {
        guard list.isGroup, list.items.count == 2 else { return nil }
        return ["grouper": 0, "list": 1][name].map { list.items[$0] }
    }

    private static func attribute(_ name: String, of macro: JinjaMacro) -> JinjaValue? {
        switch name {
        case "name": .string(macro.definition.name)
        case "arguments": try? .tuple(macro.definition.parameters.map { .string($0.name) })
        case "caller": .bool(macro.definition.usesCaller)
        case "catch_kwargs": .bool(macro.definition.usesNamedRest)
        case "catch_varargs": .bool(macro.definition.usesPositionalRest)
        default: nil
        }
    }

    // MARK: Loop

    private static func attribute(_ name: String, of loop: JinjaLoop) -> JinjaValue? {
        let items = loop.list.items
        let index = loop.index0
        switch name {
        case "index": return .integer(index + 1)
        case "index0": return .integer(index)
        case "revindex": return .integer(items.count - index)
        case "revindex0": return .integer(items.count - index - 1)
        case "first": return .bool(index == 0)
        case "last": return .bool(index == items.count - 1)
        case "length": return .integer(items.count)
        case "depth": return .integer(loop.depth0 + 1)
        case "depth0": return .integer(loop.depth0)
        case "previtem": return index > 0 ? items[index - 1] : .undefined("there is no previous item")
        case "nextitem": return index + 1 < items.count ? items[index + 1] : .undefined("there is no next item")
        case "cycle": return .function(JinjaFunction("cycle", depth: loop.list.depth + 1) { _, arguments in try cycle(loop, arguments) })
        case "changed": return .function(JinjaFunction("changed", depth: loop.list.depth + 1) { _, arguments in changed(loop, arguments) })
        default: return nil
        }
    }

    private static func cycle(_ loop: JinjaLoop, _ arguments: JinjaArguments) throws -> JinjaValue {
        guard !arguments.positional.isEmpty, arguments.named.isEmpty else { throw JinjaError("no items for cycling given") }
        return arguments.positional[max(loop.index0, 0) % arguments.positional.count]
    }

    private static func changed(_ loop: JinjaLoop, _ arguments: JinjaArguments) -> JinjaValue {
        let values = arguments.positional
        if let last = loop.lastChanged, last.count == values.count, zip(last, values).allSatisfy({ $0.isEqual(to: $1) }) {
            return .bool(false)
        }
        loop.lastChanged = values
        return .bool(true)
    }

    // MARK: Mappings and lists

    private static let dictionaryMethods: [String: Method<JinjaDictionary>] = [
        "items": { _, dictionary, _ in .view(try JinjaView(.items, of: dictionary)) },
        "keys": { _, dictionary, _ in .view(try JinjaView(.keys, of: dictionary)) },
        "values": { _, dictionary, _ in .view(try JinjaView(.values, of: dictionary)) },
        "copy": { _, dictionary, _ in .dictionary(try JinjaDictionary(dictionary.entries)) },
        "get": { _, dictionary, arguments in
            guard arguments.named.isEmpty else { throw JinjaError("dict.get() takes no keyword arguments") }
            let bound = try arguments.bind("get", ["key", "default"], required: 1)
            return dictionary.value(try JinjaKey(bound.value(0))) ?? bound.optional(1) ?? .none
        },
    ]

    private static let listMethods = sequenceMethods.merging(["copy": { _, list, _ in try .list(list.items) }]) { $1 }

    private static let sequenceMethods: [String: Method<JinjaList>] = [
        "count": { _, list, arguments in
            let value = try arguments.bind("count", ["value"], required: 1).value(0)
            return .integer(list.items.count { $0.isEqual(to: value) })
        },
        "index": { _, list, arguments in
            let bound = try arguments.bind("index", ["value", "start", "stop"], required: 1)
            let value = bound.value(0)
            let count = list.items.count
            func clamp(_ index: Int) -> Int { min(max(index < 0 ? index + count : index, 0), count) }
            let start = clamp(try bound.integer(1, default: 0))
            let stop = max(start, clamp(try bound.integer(2, default: count)))
            guard let index = list.items[start..<stop].firstIndex(where: { $0.isEqual(to: value) }) else {
                throw JinjaError("the value is not in the list")
            }
            return .integer(index)
        },
    ]
}
