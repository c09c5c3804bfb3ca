/// Reads metadata values; every size is checked before it is used, and arrays cost no memory.
struct GGUFMetadataParser {
    /// Arrays of arrays deeper than this are refused.
    static let maxDepth = 4

    private let file: FileBytes
    var reader: ByteReader

    init(file: FileBytes, offset: Int = 0) {
        self.file = file
        reader = ByteReader(file.buffer, name: file.name, offset: offset)
    }

    mutating func type() throws(InferenceError) -> GGUFValueType {
        let number = try reader.integer(UInt32.self, "the type of a metadata value")
        guard let type = GGUFValueType(rawValue: number) else { throw reader.damaged("there is no metadata type \(number)") }
        return type
    }

    mutating func value(_ type: GGUFValueType) throws(InferenceError) -> GGUFValue {
        switch type {
        case .uint8: .integer(Int(try number(UInt8.self)))
        case .int8: .integer(Int(try number(Int8.self)))
        case .uint16: .integer(Int(try number(UInt16.self)))
        case .int16: .integer(Int(try number(Int16.self)))
        case .uint32: .integer(Int(try number(UInt32.self)))
        case .int32: .integer(Int(try number(Int32.self)))
        case .uint64: .unsigned(try number(UInt64.self))
        case .int64: .integer(Int(try number(Int64.self)))
        case .float32: .float(Double(Float(bitPattern: try number(UInt32.self))))
        case .float64: .float(Double(bitPattern: try number(UInt64.self)))
        case .bool: .bool(try bool())
        case .string: .string(try string())
        case .array: .array(try array(depth: 1))
        }
    }

    mutating func string() throws(InferenceError) -> String {
        try reader.string("a metadata string", maxLength: .max)
    }

    private mutating func number<Value: FixedWidthInteger>(_ type: Value.Type) throws(InferenceError) -> Value {
        try reader.integer(type, "a metadata value")
    }

    private mutating func bool() throws(InferenceError) -> Bool {
        let byte = try number(UInt8.self)
        guard byte <= 1 else { throw reader.damaged("a boolean is \(byte), not 0 or 1") }
        return byte == 1
    }

    /// Walks over an array without decoding it.
    private mutating func array(depth: Int) throws(InferenceError) -> GGUFArray {
        guard depth <= Self.maxDepth else { throw reader.damaged("arrays are nested more than \(Self.maxDepth) deep") }
        let elementType = try type()
        let count = try reader.count(ofSize: elementType.minimumSize, "the length of an array")
        let start = reader.offset
        if elementType.hasFixedSize {
            try reader.skip(count * elementType.minimumSize, "an array")
        } else {
            for _ in 0..<count {
                if elementType == .string {
                    _ = try reader.stringRange("a string of an array")
                } else {
                    _ = try array(depth: depth + 1)
                }
            }
        }
        return GGUFArray(elementType: elementType, count: count, file: file, range: start..<reader.offset)
    }
}
