/// Something that holds named tensors: a GGUF file (of one or more parts) or a Hugging Face directory.
///
/// What a source hands out is checked: a tensor's bytes are there, and as many as its shape and type say.
package protocol TensorSource: Sendable {
    /// The file's or directory's name, for messages.
    var description: String { get }
    /// All tensors that the source can hand out, in its own order.
    var tensorNames: [String] { get }

    func tensor(_ name: String) -> StoredTensor?
}

extension TensorSource {
    /// All tensors, in the source's own order.
    package var storedTensors: [StoredTensor] { tensorNames.compactMap(tensor) }
}

/// A tensor as it lies in a file.
///
/// `@unchecked Sendable`: the bytes are never written, and stay where they are as long as `owner` lives.
package struct StoredTensor: @unchecked Sendable {
    package let name: String
    /// Row-major: the outermost dimension first, as PyTorch has it. A matrix is `[outputs, inputs]`; a scalar has none.
    package let shape: [Int]
    package let type: TensorType
    /// The first block; aligned for the type's elements. Valid as long as `owner` lives.
    package let base: UnsafeRawPointer
    /// What shape and type say.
    package let byteCount: Int
    /// Keeps the bytes in memory: a mapped file or a buffer.
    package let owner: any AnyObject & Sendable

    package init(
        name: String,
        shape: [Int],
        type: TensorType,
        base: UnsafeRawPointer,
        byteCount: Int,
        owner: any AnyObject & Sendable
    ) {
        self.name = name
        self.shape = shape
        self.type = type
        self.base = base
        self.byteCount = byteCount
        self.owner = owner
    }

    package var elementCount: Int { shape.reduce(1, *) }
    /// Elements that are neighbours in memory: the last dimension.
    package var rowLength: Int { shape.last ?? 1 }
    package var rowCount: Int { elementCount / max(1, rowLength) }
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }
}
