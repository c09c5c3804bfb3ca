/// The values that a function, filter, test or macro is called with.
struct JinjaArguments {
    var positional: [JinjaValue] = []
    var named: [(name: String, value: JinjaValue)] = []

    var weight: Int {
        positional.reduce(0) { $0 + $1.weight } + named.reduce(0) { $0 + $1.value.weight }
    }

    /// The arguments in the order of `parameters`.
    ///
    /// - Throws: ``JinjaError`` as Python would raise a `TypeError`: too many, unknown, doubled, or missing ones.
    func bind(_ function: String, _ parameters: [String], required: Int = 0) throws -> Bound {
        guard positional.count <= parameters.count else {
            throw JinjaError("\(function)() takes at most \(parameters.count) arguments (\(positional.count) given)")
        }
        var values: [JinjaValue?] = positional + Array(repeating: nil, count: parameters.count - positional.count)
        for (name, value) in named {
            guard let index = parameters.firstIndex(of: name) else {
                throw JinjaError("\(function)() got an unexpected keyword argument '\(name)'")
            }
            guard values[index] == nil else { throw JinjaError("\(function)() got multiple values for argument '\(name)'") }
            values[index] = value
        }
        if let missing = values.prefix(required).firstIndex(where: { $0 == nil }) {
            throw JinjaError("\(function)() missing required argument: '\(parameters[missing])'")
        }
        return Bound(function: function, values: values)
    }

    /// Arguments by position, with typed access.
    struct Bound {
        let function: String
        let values: [JinjaValue?]

        /// A required argument.
        func value(_ index: Int) -> JinjaValue { optional(index) ?? .none }

        func optional(_ index: Int) -> JinjaValue? { index < values.count ? values[index] : nil }

        /// An argument for which `none` means the same as leaving it away.
        func nonNone(_ index: Int) -> JinjaValue? {
            guard let value = optional(index) else { return nil }
            if case .none = value { return nil }
            return value
        }

        func flag(_ index: Int, default fallback: Bool = false) -> Bool { optional(index)?.isTrue ?? fallback }

        func integer(_ index: Int, default fallback: Int) throws -> Int {
            guard let value = optional(index) else { return fallback }
            guard let number = value.asInteger else {
                throw JinjaError("\(function)(): '\(value.typeName)' object cannot be interpreted as an integer")
            }
            return number
        }

        func string(_ index: Int) throws -> JinjaString? {
            guard let value = optional(index) else { return nil }
            guard case .string(let text) = value else { throw JinjaError("\(function)(): expected str, got \(value.typeName)") }
            return text
        }
    }
}
