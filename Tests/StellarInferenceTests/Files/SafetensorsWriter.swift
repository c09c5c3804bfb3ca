import Foundation
import StellarInference

/// Writes safetensors files for tests: what is asked for, right or wrong.
struct SafetensorsWriter {
    struct Tensor {
        var name: String
        var dtype: String
        /// Row-major.
        var shape: [Int]
        var bytes: [UInt8]
    }

    var tensors: [Tensor] = []
    var metadata: [String: String] = [:]
    /// Blanks behind the header, so that the data begins at a multiple of 8.
    var pads = true

    mutating func add(_ name: String, _ dtype: String, _ shape: [Int], _ bytes: [UInt8]) {
        tensors.append(Tensor(name: name, dtype: dtype, shape: shape, bytes: bytes))
    }

    /// - Parameter dtype: F32, F16 or BF16.
    mutating func add(_ name: String, _ shape: [Int], floats: [Float], dtype: String = "F32") {
        let bytes: [UInt8] =
            switch dtype {
            case "F16": floats.flatMap { GGUFWriter.bytes(Float16($0).bitPattern) }
            case "BF16": floats.flatMap { GGUFWriter.bytes(UInt16(truncatingIfNeeded: Self.bf16($0))) }
            default: floats.flatMap { GGUFWriter.bytes($0.bitPattern) }
            }
        add(name, dtype, shape, bytes)
    }

    /// The file.
    func bytes() -> [UInt8] {
        var entries: [String] = []
        if !metadata.isEmpty {
            entries.append("\"__metadata__\":{" + metadata.map { "\"\($0)\":\"\($1)\"" }.sorted().joined(separator: ",") + "}")
        }
        var data: [UInt8] = []
        for tensor in tensors {
            let range = "[\(data.count),\(data.count + tensor.bytes.count)]"
            entries.append("\"\(tensor.name)\":{\"dtype\":\"\(tensor.dtype)\",\"shape\":\(tensor.shape),\"data_offsets\":\(range)}")
            data += tensor.bytes
        }
        var header = "{" + entries.joined(separator: ",") + "}"
        while pads, header.utf8.count % 8 != 0 { header += " " }
        return Self.file(header, data: data)
    }

    /// A file with any header.
    static func file(_ header: String, length: UInt64? = nil, data: [UInt8] = []) -> [UInt8] {
        GGUFWriter.bytes(length ?? UInt64(header.utf8.count)) + Array(header.utf8) + data
    }

    private static func bf16(_ value: Float) -> UInt32 {
        (value.bitPattern + 0x7fff + ((value.bitPattern >> 16) & 1)) >> 16
    }
}
