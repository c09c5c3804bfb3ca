import Foundation
import StellarInference

/// Writes GGUF files for tests: what is asked for, right or wrong.
struct GGUFWriter {
    indirect enum Value {
        case uint8(UInt8)
        case int8(Int8)
        case uint16(UInt16)
        case int16(Int16)
        case uint32(UInt32)
        case int32(Int32)
        case uint64(UInt64)
        case int64(Int64)
        case float32(Float)
        case float64(Double)
        case bool(Bool)
        case string(String)
        case array(GGUFValueType, [Value])
    }

    struct Tensor {
        var name: String
        /// GGUF order: the first is the one whose elements are neighbours.
        var dimensions: [Int]
        var type: UInt32
        var bytes: [UInt8]
        /// In the tensor data; `nil`: behind the tensor before it.
        var offset: UInt64?
    }

    var version: UInt32 = 3
    var metadata: [(key: String, value: Value)] = []
    var tensors: [Tensor] = []
    var alignment = 32

    mutating func add(_ key: String, _ value: Value) {
        metadata.append((key, value))
    }

    mutating func add(_ key: String, strings: [String]) {
        add(key, .array(.string, strings.map(Value.string)))
    }

    mutating func add(_ key: String, int32s: [Int32]) {
        add(key, .array(.int32, int32s.map(Value.int32)))
    }

    mutating func addTensor(_ name: String, _ dimensions: [Int], type: TensorType, bytes: [UInt8]) {
        tensors.append(Tensor(name: name, dimensions: dimensions, type: type.rawValue, bytes: bytes))
    }

    mutating func addTensor(_ name: String, _ dimensions: [Int], floats: [Float]) {
        addTensor(name, dimensions, type: .f32, bytes: floats.flatMap { Self.bytes($0.bitPattern) })
    }

    /// The file.
    func bytes() -> [UInt8] {
        var file = GGUFFile.magic + Self.bytes(version) + Self.bytes(UInt64(tensors.count)) + Self.bytes(UInt64(metadata.count))
        for (key, value) in metadata { file += Self.bytes(key) + Self.bytes(Self.type(value).rawValue) + Self.bytes(value) }
        var data: [UInt8] = []
        for tensor in tensors {
            pad(&data)
            file += Self.bytes(tensor.name) + Self.bytes(UInt32(tensor.dimensions.count))
            for size in tensor.dimensions { file += Self.bytes(Int64(size)) }
            file += Self.bytes(tensor.type) + Self.bytes(tensor.offset ?? UInt64(data.count))
            data += tensor.bytes
        }
        if !tensors.isEmpty { pad(&file) }
        return file + data
    }

    /// Writes the file to `path`.
    func write(to path: String) throws {
        try Data(bytes()).write(to: URL(fileURLWithPath: path))
    }

    private func pad(_ bytes: inout [UInt8]) {
        while bytes.count % alignment != 0 { bytes.append(0) }
    }

    private static func type(_ value: Value) -> GGUFValueType {
        switch value {
        case .uint8: .uint8
        case .int8: .int8
        case .uint16: .uint16
        case .int16: .int16
        case .uint32: .uint32
        case .int32: .int32
        case .uint64: .uint64
        case .int64: .int64
        case .float32: .float32
        case .float64: .float64
        case .bool: .bool
        case .string: .string
        case .array: .array
        }
    }

    private static func bytes(_ value: Value) -> [UInt8] {
        switch value {
        case .uint8(let value): bytes(value)
        case .int8(let value): bytes(value)
        case .uint16(let value): bytes(value)
        case .int16(let value): bytes(value)
        case .uint32(let value): bytes(value)
        case .int32(let value): bytes(value)
        case .uint64(let value): bytes(value)
        case .int64(let value): bytes(value)
        case .float32(let value): bytes(value.bitPattern)
        case .float64(let value): bytes(value.bitPattern)
        case .bool(let value): [value ? 1 : 0]
        case .string(let value): bytes(value)
        case .array(let type, let values): bytes(type.rawValue) + bytes(UInt64(values.count)) + values.flatMap { bytes($0) }
        }
    }

    static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static func bytes(_ text: String) -> [UInt8] {
        bytes(UInt64(text.utf8.count)) + Array(text.utf8)
    }
}
