internal import Foundation

/// Writes a GGUF file, version 3, little-endian: metadata and tensor entries are collected, then the tensors' bytes are written in order.
package struct GGUFFileWriter: Sendable {
    /// A metadata value of a type that this project's files use.
    package enum Value: Sendable, Equatable {
        case uint32(UInt32)
        case float32(Float)
        case bool(Bool)
        case string(String)
        case strings([String])
        case int32s([Int32])
        case float32s([Float])
        case bools([Bool])
    }

    /// The entry of a tensor.
    package struct Tensor: Sendable {
        package let name: String
        /// Row-major.
        package let shape: [Int]
        package let type: TensorType

        var byteCount: Int { type.byteCount(of: shape.reduce(1, *)) }
    }

    /// Keys and encoded values (type and payload) in order.
    private var metadata: [(key: String, value: [UInt8])] = []
    package private(set) var tensors: [Tensor] = []
    /// Tensor data starts at a multiple of this. The metadata must say so if it is not 32.
    package var alignment = 32

    package init() {}

    package mutating func set(_ key: String, _ value: Value) { set(key, encoded: value.encoded) }

    /// - Parameter encoded: Type and value as they are in a file.
    package mutating func set(_ key: String, encoded: [UInt8]) {
        if let place = metadata.firstIndex(where: { $0.key == key }) {
            metadata[place].value = encoded
        } else {
            metadata.append((key, encoded))
        }
    }

    package mutating func addTensor(_ name: String, shape: [Int], type: TensorType) {
        tensors.append(Tensor(name: name, shape: shape, type: type))
    }

    /// Everything before the first tensor's bytes.
    package var header: [UInt8] {
        var bytes = GGUFFile.magic
        bytes.append(littleEndian: UInt32(3))
        bytes.append(littleEndian: UInt64(tensors.count))
        bytes.append(littleEndian: UInt64(metadata.count))
        for (key, value) in metadata {
            bytes.append(text: key)
            bytes += value
        }
        var offset = 0
        for tensor in tensors {
            bytes.append(text: tensor.name)
            bytes.append(littleEndian: UInt32(tensor.shape.count))
            for size in tensor.shape.reversed() { bytes.append(littleEndian: UInt64(size)) }
            bytes.append(littleEndian: tensor.type.rawValue)
            bytes.append(littleEndian: UInt64(offset))
            offset = aligned(offset + tensor.byteCount)
        }
        return bytes + [UInt8](repeating: 0, count: aligned(bytes.count) - bytes.count)
    }

    private func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

    /// Writes the file in one piece: under another name first, which is given up for `path` when all is on disk.
    ///
    /// - Parameter data: Called for each tensor in order; hands its bytes, in as many pieces as it likes, to `put`.
    /// - Throws: ``InferenceError`` `invalidConfiguration` if the file can't be written, and what `data` throws; then nothing is left behind.
    package func write(
        to path: String,
        data: (_ tensor: Tensor, _ put: (UnsafeRawBufferPointer) throws(InferenceError) -> Void) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        let file = try PartialFile(path: path)
        try header.withBytes { bytes throws(InferenceError) in try file.write(bytes) }
        for tensor in tensors {
            var written = 0
            try data(tensor) { bytes throws(InferenceError) in
                try file.write(bytes)
                written += bytes.count
            }
            guard written == tensor.byteCount else {
                throw InferenceError(
                    .invalidConfiguration,
                    "The tensor \(quoted(tensor.name)) has \(written) bytes, not \(tensor.byteCount)."
                )
            }
            try [UInt8](repeating: 0, count: aligned(written) - written).withBytes { bytes throws(InferenceError) in try file.write(bytes) }
        }
        try file.finish()
    }
}

extension GGUFFileWriter.Value {
    fileprivate var encoded: [UInt8] {
        switch self {
        case .uint32(let value): Self.encode(.uint32) { $0.append(littleEndian: value) }
        case .float32(let value): Self.encode(.float32) { $0.append(littleEndian: value.bitPattern) }
        case .bool(let value): Self.encode(.bool) { $0.append(value ? 1 : 0) }
        case .string(let value): Self.encode(.string) { $0.append(text: value) }
        case .strings(let values): Self.encode(.string, values) { $0.append(text: $1) }
        case .int32s(let values): Self.encode(.int32, values) { $0.append(littleEndian: $1) }
        case .float32s(let values): Self.encode(.float32, values) { $0.append(littleEndian: $1.bitPattern) }
        case .bools(let values): Self.encode(.bool, values) { $0.append($1 ? 1 : 0) }
        }
    }

    private static func encode(_ type: GGUFValueType, _ body: (inout [UInt8]) -> Void) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: type.rawValue)
        body(&bytes)
        return bytes
    }

    private static func encode<Element>(_ type: GGUFValueType, _ values: [Element], _ body: (inout [UInt8], Element) -> Void) -> [UInt8] {
        encode(.array) { bytes in
            bytes.append(littleEndian: type.rawValue)
            bytes.append(littleEndian: UInt64(values.count))
            for value in values { body(&bytes, value) }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func append(text: String) {
        append(littleEndian: UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    fileprivate func withBytes(_ body: (UnsafeRawBufferPointer) throws(InferenceError) -> Void) throws(InferenceError) {
        try withUnsafeBytes { bytes in Result { () throws(InferenceError) in try body(bytes) } }.get()
    }
}

/// A file that has its final name only when it is complete.
private final class PartialFile {
    private let path: String
    private let partialPath: String
    private let descriptor: Int32
    private var isFinished = false

    init(path: String) throws(InferenceError) {
        self.path = path
        partialPath = "\(path).\(getpid()).partial"
        descriptor = open(partialPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure(path, errno) }
    }

    deinit {
        close(descriptor)
        if !isFinished { unlink(partialPath) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(InferenceError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, min(rest.count, 1 << 30))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(path, errno) }
            rest = rest.dropFirst(count)
        }
    }

    func finish() throws(InferenceError) {
        guard fsync(descriptor) == 0, rename(partialPath, path) == 0 else { throw Self.failure(path, errno) }
        isFinished = true
    }

    private static func failure(_ path: String, _ code: Int32) -> InferenceError {
        InferenceError(.invalidConfiguration, "\(path) can't be written: \(String(cString: strerror(code))).")
    }
}
