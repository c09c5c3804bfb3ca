/// The type of a metadata value, by its number in the file.
package enum GGUFValueType: UInt32, Sendable, CaseIterable {
    case uint8 = 0
    case int8 = 1
    case uint16 = 2
    case int16 = 3
    case uint32 = 4
    case int32 = 5
    case float32 = 6
    case bool = 7
    case string = 8
    case array = 9
    case uint64 = 10
    case int64 = 11
    case float64 = 12

    /// Bytes of a value, or the least bytes of one whose size differs from value to value.
    var minimumSize: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .string: 8
        case .array: 12
        }
    }

    var hasFixedSize: Bool { self != .string && self != .array }
}

/// A metadata value.
package enum GGUFValue: Sendable {
    /// Any integer type but `uint64`.
    case integer(Int)
    case unsigned(UInt64)
    /// `float32` (widened) or `float64`.
    case float(Double)
    case bool(Bool)
    case string(String)
    case array(GGUFArray)

    /// What kind of value it is, for messages.
    var kind: String {
        switch self {
        case .integer, .unsigned: "an integer"
        case .float: "a floating-point number"
        case .bool: "a boolean"
        case .string: "a string"
        case .array(let array): "an array of \(array.elementType)"
        }
    }
}

/// An array in the metadata: its place in the file is checked while the file is parsed, its elements are decoded when asked for.
package struct GGUFArray: Sendable {
    package let elementType: GGUFValueType
    package let count: Int
    private let file: FileBytes
    /// Byte offsets in the file of the elements, the first one's start to the last one's end.
    private let range: Range<Int>

    init(elementType: GGUFValueType, count: Int, file: FileBytes, range: Range<Int>) {
        self.elementType = elementType
        self.count = count
        self.file = file
        self.range = range
    }

    /// All elements, each as a value of its own.
    ///
    /// - Parameter limit: decode so many at most.
    /// - Throws: ``InferenceError`` `invalidModelFile` if a string is not valid UTF-8 or a boolean is neither 0 nor 1.
    package func values(limit: Int = .max) throws(InferenceError) -> [GGUFValue] {
        var values: [GGUFValue] = []
        try forEach(limit: limit) { value throws(InferenceError) in values.append(value) }
        return values
    }

    /// Decodes elements one by one; throws what decoding or `body` throws.
    func forEach(limit: Int = .max, _ body: (GGUFValue) throws(InferenceError) -> Void) throws(InferenceError) {
        var parser = self.parser
        for _ in 0..<min(limit, count) { try body(try parser.value(elementType)) }
    }

    /// - Throws: ``InferenceError`` `invalidModelFile` if one is not valid UTF-8. The element type must be `string`.
    func strings() throws(InferenceError) -> [String] {
        var parser = self.parser
        var strings: [String] = []
        strings.reserveCapacity(count)
        for _ in 0..<count { strings.append(try parser.string()) }
        return strings
    }

    private var parser: GGUFMetadataParser {
        GGUFMetadataParser(file: file, offset: range.lowerBound)
    }
}
