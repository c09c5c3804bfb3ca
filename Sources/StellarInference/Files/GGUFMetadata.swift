/// The key-value pairs of a GGUF file, by typed accessors: each gives `nil` if the key is absent, and throws `invalidModelFile` with the
/// key and both types if its value is of another type.
package struct GGUFMetadata: Sendable {
    /// In the file's order.
    package private(set) var keys: [String] = []
    private var values: [String: GGUFValue] = [:]
    private var places: [String: Range<Int>] = [:]
    private let fileName: String

    init(fileName: String) {
        self.fileName = fileName
    }

    /// - Parameter place: Where type and value are in the file, in bytes.
    /// - Returns: whether the key was new; if not, nothing has changed.
    mutating func insert(_ value: GGUFValue, for key: String, at place: Range<Int>) -> Bool {
        guard values[key] == nil else { return false }
        values[key] = value
        places[key] = place
        keys.append(key)
        return true
    }

    package subscript(key: String) -> GGUFValue? { values[key] }

    /// Where type and value of a key are in the (first) file, in bytes.
    package func place(of key: String) -> Range<Int>? { places[key] }

    package func string(_ key: String) throws(InferenceError) -> String? {
        guard let value = values[key] else { return nil }
        guard case .string(let string) = value else { throw mismatch(key, value, "a string") }
        return string
    }

    /// Any integer type, if the value fits `Int`.
    package func integer(_ key: String) throws(InferenceError) -> Int? {
        guard let value = values[key] else { return nil }
        guard let integer = Self.integer(value) else { throw mismatch(key, value, "an integer below 2^63") }
        return integer
    }

    /// Any number.
    package func float(_ key: String) throws(InferenceError) -> Double? {
        guard let value = values[key] else { return nil }
        guard let float = Self.float(value) else { throw mismatch(key, value, "a number") }
        return float
    }

    package func bool(_ key: String) throws(InferenceError) -> Bool? {
        guard let value = values[key] else { return nil }
        guard case .bool(let bool) = value else { throw mismatch(key, value, "a boolean") }
        return bool
    }

    package func strings(_ key: String) throws(InferenceError) -> [String]? {
        guard let value = values[key] else { return nil }
        guard case .array(let array) = value, array.elementType == .string else { throw mismatch(key, value, "an array of strings") }
        return try array.strings()
    }

    package func integers(_ key: String) throws(InferenceError) -> [Int]? {
        try elements(key, "an array of integers", Self.integer)
    }

    package func floats(_ key: String) throws(InferenceError) -> [Double]? {
        try elements(key, "an array of numbers", Self.float)
    }

    package func bools(_ key: String) throws(InferenceError) -> [Bool]? {
        try elements(key, "an array of booleans") { if case .bool(let bool) = $0 { bool } else { nil } }
    }

    private func elements<Element>(
        _ key: String,
        _ expected: String,
        _ convert: (GGUFValue) -> Element?
    ) throws(InferenceError) -> [Element]? {
        guard let value = values[key] else { return nil }
        guard case .array(let array) = value else { throw mismatch(key, value, expected) }
        var elements: [Element] = []
        elements.reserveCapacity(array.count)
        try array.forEach { element throws(InferenceError) in
            guard let element = convert(element) else { throw mismatch(key, value, expected) }
            elements.append(element)
        }
        return elements
    }

    private static func integer(_ value: GGUFValue) -> Int? {
        switch value {
        case .integer(let integer): integer
        case .unsigned(let integer): Int(exactly: integer)
        default: nil
        }
    }

    private static func float(_ value: GGUFValue) -> Double? {
        switch value {
        case .float(let float): float
        case .integer(let integer): Double(integer)
        case .unsigned(let integer): Double(integer)
        default: nil
        }
    }

    private func mismatch(_ key: String, _ value: GGUFValue, _ expected: String) -> InferenceError {
        InferenceError(.invalidModelFile, "\(fileName): the value of \(quoted(key)) is \(value.kind); it has to be \(expected).")
    }
}

/// `text` from a file, fit for a message: in quotes, without control characters, not longer than 80 characters.
func quoted(_ text: String) -> String {
    var result = "“"
    for (index, scalar) in text.unicodeScalars.enumerated() {
        guard index < 80 else { return result + "…”" }
        let isControl = scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
        result.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
    }
    return result + "”"
}
