extension JinjaInterpreter {
    /// The elements of a value, accounted for.
    func elements(of value: JinjaValue) throws -> [JinjaValue] {
        try charge(value.weight)
        return try value.elements()
    }

    /// The value at a path such as `function.name` or `items.0`.
    func value(at path: JinjaValue, of item: JinjaValue, default fallback: JinjaValue? = nil) throws -> JinjaValue {
        guard case .string(let text) = path else { return try JinjaMethods.item(path, of: item, self) }
        var current = item
        for part in text.pieces(between: text.occurrences(of: JinjaString(".")), width: 1) {
            try charge(1)
            let isNumber = !part.isEmpty && part.bytes.allSatisfy { (0x30...0x39).contains($0) }
            let key: JinjaValue = isNumber ? Int(part.text).map { .integer($0) } ?? .string(part) : .string(part)
            current = try JinjaMethods.item(key, of: current, self)
            if let fallback, current.isUndefined { current = fallback }
        }
        return current
    }
}

extension JinjaFilters {
    /// A generator over `source`: `make` runs when its elements are asked for.
    private static func lazily(
        from source: JinjaValue,
        _ interpreter: JinjaInterpreter,
        _ make: @escaping ([JinjaValue]) throws -> [JinjaValue]
    ) throws -> JinjaValue {
        .iterator(
            try JinjaIterator(from: source) { [unowned interpreter] in
                defer { interpreter.leave() }
                try interpreter.enter()
                return try make(try interpreter.elements(of: source))
            }
        )
    }

    private static func ignoringCase(_ value: JinjaValue) -> JinjaValue {
        if case .string(let text) = value { return .string(text.replacingText(JinjaCase.lower(text.text))) }
        return value
    }

    // MARK: Parts

    static let first: Filter = { _, value, _ in
        if case .iterator(let iterator) = value { return try iterator.next() ?? .undefined("No first item, sequence was empty.") }
        return try value.elements().first ?? .undefined("No first item, sequence was empty.")
    }

    static let last: Filter = { _, value, _ in
        if case .iterator = value { throw JinjaError("'generator' object is not reversible") }
        return try value.elements().last ?? .undefined("No last item, sequence was empty.")
    }

    static let items: Filter = { interpreter, value, _ in
        .iterator(
            try JinjaIterator(from: value) {
                switch value {
                case .undefined: return []
                case .dictionary(let dictionary): return try JinjaView(.items, of: dictionary).list.items
                default: throw JinjaError("Can only get item pairs from a mapping.")
                }
            }
        )
    }

    static let reverse: Filter = { interpreter, value, _ in
        switch value {
        case .string(let text):
            return .string(text.replacingText(String(String.UnicodeScalarView(text.text.unicodeScalars.reversed()))))
        case .iterator: return try .list(try value.elements().reversed())
        default:
            _ = try value.elements()
            return try lazily(from: value, interpreter) { $0.reversed() }
        }
    }

    static let batch: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("batch", ["linecount", "fill_with"], required: 1)
        return try lazily(from: value, interpreter) { items in
            let size = try bound.integer(0, default: 1)
            var batches: [[JinjaValue]] = []
            for item in items {
                if let last = batches.last, last.count != size {
                    batches[batches.count - 1].append(item)
                } else {
                    // Python's generator gives the empty line that it begins with where that is a full one.
                    if batches.isEmpty, size == 0 { batches.append([]) }
                    batches.append([item])
                }
            }
            if let fill = bound.nonNone(1), let last = batches.last, last.count < size {
                try interpreter.charge(size - last.count)
                batches[batches.count - 1] += Array(repeating: fill, count: size - last.count)
            }
            return try batches.map { try .list($0) }
        }
    }

    static let slice: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("slice", ["slices", "fill_with"], required: 1)
        return try lazily(from: value, interpreter) { items in
            let count = try bound.integer(0, default: 1)
            guard count != 0 else { throw JinjaError("integer division or modulo by zero") }
            guard count > 0 else { return [] }
            try interpreter.charge(count)
            let (size, extra) = (items.count / count, items.count % count)
            var start = 0
            return try (0..<count).map { index in
                let end = start + size + (index < extra ? 1 : 0)
                defer { start = end }
                let fill = index >= extra ? bound.nonNone(1).map { [$0] } ?? [] : []
                return try .list(Array(items[start..<end]) + fill)
            }
        }
    }

    // MARK: Mapping and selecting (of false values there is nothing to map or select)

    static let map: Filter = { interpreter, value, arguments in
        try lazily(from: value.isTrue ? value : .undefined(""), interpreter) { items in try map(items, interpreter, arguments) }
    }

    private static func map(_ items: [JinjaValue], _ interpreter: JinjaInterpreter, _ arguments: JinjaArguments) throws -> [JinjaValue] {
        if items.isEmpty { return [] }
        if arguments.positional.isEmpty, let path = arguments.named.first(where: { $0.name == "attribute" })?.value {
            let fallback = arguments.named.first { $0.name == "default" }?.value
            if let unknown = arguments.named.first(where: { $0.name != "attribute" && $0.name != "default" }) {
                throw JinjaError("Unexpected keyword argument '\(unknown.name)'")
            }
            return try items.map { try interpreter.value(at: path, of: $0, default: fallback) }
        }
        guard case .string(let name)? = arguments.positional.first else { throw JinjaError("map requires a filter argument") }
        let rest = JinjaArguments(positional: Array(arguments.positional.dropFirst()), named: arguments.named)
        return try items.map { try interpreter.apply(filter: name.text, to: $0, rest) }
    }

    static func select(
        _ interpreter: JinjaInterpreter,
        _ value: JinjaValue,
        _ arguments: JinjaArguments,
        keeps: Bool,
        byAttribute: Bool = false
    ) throws -> JinjaValue {
        try lazily(from: value.isTrue ? value : .undefined(""), interpreter) { items in
            if items.isEmpty { return [] }
            var rest = arguments
            var path: JinjaValue?
            if byAttribute {
                guard !rest.positional.isEmpty else { throw JinjaError("Missing parameter for attribute name") }
                path = rest.positional.removeFirst()
            }
            var test: String?
            if !rest.positional.isEmpty {
                guard case .string(let name) = rest.positional.removeFirst() else {
                    throw JinjaError("the name of a test must be a string")
                }
                test = name.text
            }
            return try items.filter { item in
                let subject = try path.map { try interpreter.value(at: $0, of: item) } ?? item
                let isSelected = try test.map { try interpreter.apply(test: $0, to: subject, rest) } ?? subject.isTrue
                return isSelected == keeps
            }
        }
    }

    static let unique: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("unique", ["case_sensitive", "attribute"])
        return try lazily(from: value, interpreter) { items in
            var seen: Set<JinjaKey> = []
            return try items.filter { item in
                let subject = try bound.nonNone(1).map { try interpreter.value(at: $0, of: item) } ?? item
                return seen.insert(try JinjaKey(bound.flag(0) ? subject : ignoringCase(subject))).inserted
            }
        }
    }

    // MARK: Reducing

    static let join: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("join", ["d", "attribute"])
        let separator = try bound.optional(0).map { try JinjaPrinter.string($0, interpreter) } ?? JinjaString()
        let parts = try interpreter.elements(of: value).map { item in
            try JinjaPrinter.string(try bound.nonNone(1).map { try interpreter.value(at: $0, of: item) } ?? item, interpreter)
        }
        return .string(try JinjaStringMethods.join(parts, separator: separator, interpreter))
    }

    static let sum: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("sum", ["attribute", "start"])
        var total = bound.optional(1) ?? .integer(0)
        if case .string = total { throw JinjaError("sum() can't sum strings [use ''.join(seq) instead]") }
        for item in try interpreter.elements(of: value) {
            let part = try bound.nonNone(0).map { try interpreter.value(at: $0, of: item) } ?? item
            total = try JinjaOperators.apply(.add, total, part, interpreter)
        }
        return total
    }

    static func extreme(
        _ interpreter: JinjaInterpreter,
        _ value: JinjaValue,
        _ arguments: JinjaArguments,
        _ isBetter: (JinjaValue, JinjaValue) throws -> Bool
    ) throws -> JinjaValue {
        let bound = try arguments.bind("min", ["case_sensitive", "attribute"])
        var best: (item: JinjaValue, key: JinjaValue)?
        for item in try interpreter.elements(of: value) {
            let subject = try bound.nonNone(1).map { try interpreter.value(at: $0, of: item) } ?? item
            let key = bound.flag(0) ? subject : ignoringCase(subject)
            try interpreter.charge(key.weight)
            if try best.map({ try isBetter(key, $0.key) }) ?? true { best = (item, key) }
        }
        return best?.item ?? .undefined("No aggregated item, sequence was empty.")
    }

    // MARK: Ordering

    /// A stable sort by keys, ascending or descending.
    private static func sorted(
        _ items: [(item: JinjaValue, key: JinjaValue)],
        reverse: Bool,
        _ interpreter: JinjaInterpreter
    ) throws -> [JinjaValue] {
        try items.sorted { first, second in
            try interpreter.charge(1 + min(first.key.weight, second.key.weight))
            return reverse ? try second.key.isLess(than: first.key) : try first.key.isLess(than: second.key)
        }.map(\.item)
    }

    static let sort: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("sort", ["reverse", "case_sensitive", "attribute"])
        let paths = try sortPaths(bound.nonNone(2))
        let items = try interpreter.elements(of: value).map { item in
            let keys = try paths.map { path in
                let key = try path.map { try interpreter.value(at: $0, of: item) } ?? item
                return bound.flag(1) ? key : ignoringCase(key)
            }
            return (item: item, key: try JinjaValue.list(keys))
        }
        return try .list(try sorted(items, reverse: bound.flag(0), interpreter))
    }

    private static func sortPaths(_ attribute: JinjaValue?) throws -> [JinjaValue?] {
        guard case .string(let text)? = attribute else { return [attribute] }
        return text.pieces(between: text.occurrences(of: JinjaString(",")), width: 1).map { .string($0) }
    }

    static let sortDictionary: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("dictsort", ["case_sensitive", "by", "reverse"])
        let by = try bound.string(1) ?? JinjaString("key")
        guard by == "key" || by == "value" else { throw JinjaError("You can only sort by either \"key\" or \"value\"") }
        if case .undefined(let undefined) = value { throw JinjaError(undefined.message) }
        guard case .dictionary(let dictionary) = value else { throw JinjaError("'\(value.typeName)' object has no attribute 'items'") }
        let items = try dictionary.entries.map { entry in
            let key = by == "key" ? entry.key : entry.value
            return (item: try JinjaValue.tuple([entry.key, entry.value]), key: bound.flag(0) ? key : ignoringCase(key))
        }
        return try .list(try sorted(items, reverse: bound.flag(2), interpreter))
    }

    static let group: Filter = { interpreter, value, arguments in
        let bound = try arguments.bind("groupby", ["attribute", "default", "case_sensitive"], required: 1)
        let items = try interpreter.elements(of: value).map { item in
            let key = try interpreter.value(at: bound.value(0), of: item, default: bound.nonNone(1))
            return (item: item, key: bound.flag(2) ? key : ignoringCase(key))
        }
        let ordered = try sorted(items.map { (item: try .tuple([$0.item, $0.key]), key: $0.key) }, reverse: false, interpreter)
        var groups: [(key: JinjaValue, items: [JinjaValue])] = []
        for case .tuple(let pair) in ordered {
            if let last = groups.last, last.key.isEqual(to: pair.items[1]) {
                groups[groups.count - 1].items.append(pair.items[0])
            } else {
                groups.append((pair.items[1], [pair.items[0]]))
            }
        }
        return try .list(
            try groups.map { group in
                let original = try group.items.first.map { try interpreter.value(at: bound.value(0), of: $0, default: bound.nonNone(1)) }
                return .tuple(try JinjaList([original ?? group.key, try .list(group.items)], isGroup: true))
            }
        )
    }
}
